"""What a net of sparse inputs says of a chess move: the sum of three logits.

One is of the piece and where it leaves, one of the piece and where it goes, one of what the move takes and risks. A
logit for each pair of squares would meet most of its moves too rarely to learn them. Each of the three also knows what
the net, which sees one position and plays nothing out, cannot: whether the piece hangs where it stands, what the
exchanges on its square come to, whether the move gives check.
"""

import numpy as np

from games.bits import bswap
from games.chess_exchange import CLASSES, exchange
from games.chess_features import PLACE
from games.chess_moves import BOARD, attacks, checkers, officer_attacks, pawn_attacks, play
from games.chess_value import kind_at

U = np.uint64
BOARDS = np.dtype((np.record, BOARD))
KINDS, TAKEN = 6, 7  # of pieces; of what a move may take, nothing among it
TO = KINDS * 64 * 2
HOW = TO + KINDS * 64 * CLASSES * 2
PROMOTION = HOW + CLASSES * KINDS * TAKEN * 2 * 2 * 2
TERMS, TERM_LOGITS = 3, PROMOTION + CLASSES * 4


def hanging(s):
    """The player's pieces attacked by a lesser one, or attacked and without cover; and all that is attacked."""
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    occupied = bit0 | bit1 | bit2
    other = occupied & ~me
    pawns, kings = bit0 & ~bit1 & ~bit2, bit0 & bit1 & ~bit2
    minors = (bit1 & ~bit0 & ~bit2) | (bit2 & ~bit1)
    rooks, queens = bit2 & bit1 & ~bit0, bit2 & bit1 & bit0
    attacked = attacks(bit0, bit1, bit2, other, occupied)
    covered = bswap(attacks(bswap(bit0), bswap(bit1), bswap(bit2), bswap(me), bswap(occupied)))
    lost = attacked & ~covered
    lost |= pawn_attacks(other & pawns) & ~pawns
    lost |= officer_attacks(bit0, bit1, bit2, other & minors, occupied) & (rooks | queens)
    lost |= officer_attacks(bit0, bit1, bit2, other & rooks, occupied) & queens
    return lost & me & ~kings, attacked


def policy_terms(s, moves, n, out):
    """Write the logits of each of n legal moves into out, int32 [n or more, TERMS]."""
    boards = np.empty(1, BOARDS)
    after = boards[0]
    lost, attacked = hanging(s)
    for j in range(n):
        a = np.int64(moves[j])
        origin, target = (a >> 6) & 63, a & 63
        kind = PLACE[kind_at(s, origin)]
        taken = kind_at(s, target)
        victim = PLACE[taken] + 1 if taken else 0
        result = exchange(s, a)
        hangs = np.int64((lost >> U(origin)) & U(1))
        risky = np.int64((attacked >> U(target)) & U(1))
        boards[0] = s
        play(after, a)
        check = 1 if checkers(after) else 0
        out[j, 0] = (kind * 64 + origin) * 2 + hangs
        out[j, 1] = TO + ((kind * 64 + target) * CLASSES + result) * 2 + check
        if kind == 0 and target >= 56:
            out[j, 2] = PROMOTION + CLASSES * (a >> 12) + result
        else:
            out[j, 2] = HOW + ((((result * KINDS + kind) * TAKEN + victim) * 2 + hangs) * 2 + risky) * 2 + check
