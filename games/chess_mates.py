"""Whether a chess position has a mate in one: only moves that may check are looked at."""

import numpy as np

from games.bits import ctz
from games.chess_moves import BECOMES, bishop, checkers, moves, play, rook
from games.chess_tables import KNIGHT, PAWN_FROM
from games.chess_value import BOARDS, kind_at

U = np.uint64
MOST = 218  # moves


def wins_at_once(s):
    """Whether the player to move can mate at once."""
    out, boards = np.empty(MOST, np.int32), np.empty(1, BOARDS)
    n, _ = moves(s, out, True)
    occupied = s.bit0 | s.bit1 | s.bit2
    king = ctz(s.bit0 & s.bit1 & ~s.bit2 & ~s.me)
    aslant, straight = bishop(king, occupied), rook(king, occupied)
    for i in range(n):
        a = out[i]
        origin, target = (a >> 6) & 63, a & 63
        kind = kind_at(s, origin)
        at = U(1) << U(target)
        if kind == 1 and target >= 56:
            kind = np.int64(BECOMES[a >> 12])
        may = (aslant | straight) & (U(1) << U(origin)) != 0  # what stands behind it checks, or it along its line
        if kind == 1:
            may |= PAWN_FROM[king] & at != 0 or at == s.ep
        elif kind == 2:
            may |= KNIGHT[king] & at != 0
        elif kind == 3:
            may |= abs(target - origin) == 2
        else:
            may |= (kind != 6 and aslant & at != 0) or (kind != 5 and straight & at != 0)
        if may:
            boards[0] = s
            play(boards[0], a)
            if checkers(boards[0]):
                left, _ = moves(boards[0], np.empty(MOST, np.int32), True)
                if left == 0:
                    return True
    return False
