"""What a chess move gains or loses on the square that it goes to, when both sides take there for as long as it pays.

That is static exchange evaluation: each side takes with its least valuable piece, x-rays included, pins and all else on
the board not (https://www.chessprogramming.org/Static_Exchange_Evaluation).
"""

import numpy as np

from games.chess_moves import BECOMES, attackers, bishop, rook
from games.chess_tables import PAWN_FROM
from games.chess_value import WEIGHT, kind_at

U = np.uint64
KING_WEIGHT = 10_000
WORTH = np.array([KING_WEIGHT if kind == 3 else weight for kind, weight in enumerate(WEIGHT)])  # by kind
CLASSES = 3


def gains(s, a, least):
    """Whether the move a gains `least` hundredths of a pawn or more (after Stockfish's see_ge)."""
    origin, target = (a >> 6) & 63, a & 63
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    kind = kind_at(s, origin)
    balance = WORTH[kind_at(s, target)] - least
    at = U(1) << U(target)
    occupied = (bit0 | bit1 | bit2) & ~(U(1) << U(origin)) | at
    if kind == 1:
        if target >= 56:
            kind = np.int64(BECOMES[a >> 12])
            balance += WORTH[kind] - WORTH[1]
        elif at == s.ep:
            occupied &= ~(at >> U(8))
            balance += WORTH[1]
    if balance < 0:
        return False
    # What the side to take may still lose: above 0, it need not take at all.
    balance = WORTH[kind] - balance
    if balance <= 0:
        return True
    low, straight, aslant = ~bit2, bit2 & bit1, bit2 & bit0
    pawns, knights = bit0 & ~bit1 & low, bit1 & ~bit0 & low
    taking = attackers(bit0, bit1, bit2, ~U(0), target, occupied) & ~(pawns & me) | PAWN_FROM[target] & pawns & me
    taking &= occupied & ~at
    mine, result = False, 1
    while True:
        side = taking & (me if mine else ~me)
        if not side:
            break
        result ^= 1
        if side & pawns:
            taker, worth = side & pawns, WORTH[1]
        elif side & knights:
            taker, worth = side & knights, WORTH[2]
        elif side & aslant & ~straight:
            taker, worth = side & aslant & ~straight, WORTH[5]
        elif side & straight & ~aslant:
            taker, worth = side & straight & ~aslant, WORTH[6]
        elif side & bit2:
            taker, worth = side & bit2, WORTH[7]
        else:  # the king, who may not take what has cover
            return (result ^ 1 if taking & ~side & (~me if mine else me) else result) == 1
        balance = worth - balance
        if balance < result:
            break
        occupied ^= taker & (U(0) - taker)
        taking |= bishop(target, occupied) & aslant | rook(target, occupied) & straight
        taking &= occupied & ~at
        mine = not mine
    return result == 1


def exchange(s, a):
    """0 for a move that loses material on its square, 1 for one that keeps it, 2 for one that wins some."""
    origin, target = (a >> 6) & 63, a & 63
    taken, pawn = kind_at(s, target), kind_at(s, origin) == 1
    if (taken or (pawn and (target >= 56 or U(1) << U(target) == s.ep))) and gains(s, a, 1):
        return 2
    return 1 if gains(s, a, 0) else 0
