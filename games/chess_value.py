"""What a position is worth without a net: material and squares, when the exchanges are over.

The numbers are PeSTO's, by Ronald Friederich, who tuned them for his engine RofChade and published them
(https://www.chessprogramming.org/PeSTO%27s_Evaluation_Function): each piece has a value on each square, in hundredths
of a pawn, one for the middlegame and one for the endgame, and what is left of the pieces blends the two. Counting in
the middle of an exchange would be wrong by a piece, so the exchanges are played out first (quiescence search).
"""

from math import log, tanh

import numpy as np

from games.bits import ctz, popcount
from games.chess_moves import BOARD, attacks, moves, play

U = np.uint64
MATERIAL = {"pawn": (82, 94), "knight": (337, 281), "bishop": (365, 297), "rook": (477, 512), "queen": (1025, 936)}
# By kind: of the middlegame and of the endgame, as one looks at the board, the last row first.
SQUARES = {
    "pawn": (
        """  0   0   0   0   0   0   0   0      98 134  61  95  68 126  34 -11      -6   7  26  31  65  56  25 -20
          -14  13   6  21  23  12  17 -23     -27  -2  -5  12  17   6  10 -25     -26  -4  -4 -10   3   3  33 -12
          -35  -1 -20 -23 -15  24  38 -22       0   0   0   0   0   0   0   0""",
        """  0   0   0   0   0   0   0   0     178 173 158 134 147 132 165 187      94 100  85  67  56  53  82  84
           32  24  13   5  -2   4  17  17      13   9  -3  -7  -7  -8   3  -1       4   7  -6   1   0  -5  -1  -8
           13   8   8  10  13   0   2  -7       0   0   0   0   0   0   0   0""",
    ),
    "knight": (
        """-167 -89 -34 -49  61 -97 -15 -107    -73 -41  72  36  23  62   7 -17     -47  60  37  65  84 129  73  44
           -9  17  19  53  37  69  18  22     -13   4  16  13  28  19  21  -8     -23  -9  12  10  19  17  25 -16
          -29 -53 -12  -3  -1  18 -14 -19    -105 -21 -58 -33 -17 -28 -19 -23""",
        """-58 -38 -13 -28 -31 -27 -63 -99     -25  -8 -25  -2  -9 -25 -24 -52     -24 -20  10   9  -1  -9 -19 -41
          -17   3  22  22  22  11   8 -18     -18  -6  16  25  16  17   4 -18     -23  -3  -1  15  10  -3 -20 -22
          -42 -20 -10  -5  -2 -20 -23 -44     -29 -51 -23 -15 -22 -18 -50 -64""",
    ),
    "bishop": (
        """-29   4 -82 -37 -25 -42   7  -8     -26  16 -18 -13  30  59  18 -47     -16  37  43  40  35  50  37  -2
           -4   5  19  50  37  37   7  -2      -6  13  13  26  34  12  10   4       0  15  15  15  14  27  18  10
            4  15  16   0   7  21  33   1     -33  -3 -14 -21 -13 -12 -39 -21""",
        """-14 -21 -11  -8  -7  -9 -17 -24      -8  -4   7 -12  -3 -13  -4 -14       2  -8   0  -1  -2   6   0   4
           -3   9  12   9  14  10   3   2      -6   3  13  19   7  10  -3  -9     -12  -3   8  10  13   3  -7 -15
          -14 -18  -7  -1   4  -9 -15 -27     -23  -9 -23  -5  -9 -16  -5 -17""",
    ),
    "rook": (
        """ 32  42  32  51  63   9  31  43      27  32  58  62  80  67  26  44      -5  19  26  36  17  45  61  16
          -24 -11   7  26  24  35  -8 -20     -36 -26 -12  -1   9  -7   6 -23     -45 -25 -16 -17   3   0  -5 -33
          -44 -16 -20  -9  -1  11  -6 -71     -19 -13   1  17  16   7 -37 -26""",
        """ 13  10  18  15  12  12   8   5      11  13  13  11  -3   3   8   3       7   7   7   5   4  -3  -5  -3
            4   3  13   1   2   1  -1   2       3   5   8   4  -5  -6  -8 -11      -4   0  -5  -1  -7 -12  -8 -16
           -6  -6   0   2  -9  -9 -11  -3      -9   2   3  -1  -5 -13   4 -20""",
    ),
    "queen": (
        """-28   0  29  12  59  44  43  45     -24 -39  -5   1 -16  57  28  54     -13 -17   7   8  29  56  47  57
          -27 -27 -16 -16  -1  17  -2   1      -9 -26  -9 -10  -2  -4   3  -3     -14   2 -11  -2  -5   2  14   5
          -35  -8  11   2   8  15  -3   1      -1 -18  -9  10 -15 -25 -31 -50""",
        """ -9  22  22  27  27  19  10  20     -17  20  32  41  58  25  30   0     -20   6   9  49  47  35  19   9
            3  22  24  45  57  40  57  36     -18  28  19  47  31  34  39  23     -16 -27  15   6   9  17  10   5
          -22 -23 -30 -16 -16 -23 -36 -32     -33 -28 -22 -43  -5 -32 -20 -41""",
    ),
    "king": (
        """-65  23  16 -15 -56 -34   2  13      29  -1 -20  -7  -8  -4 -38 -29      -9  24   2 -16 -20   6  22 -22
          -17 -20 -12 -27 -30 -25 -14 -36     -49  -1 -27 -39 -46 -44 -33 -51     -14 -14 -22 -46 -44 -30 -15 -27
            1   7  -8 -64 -43 -16   9   8     -15  36  12 -54   8 -28  24  14""",
        """-74 -35 -18 -18 -11  15   4 -17     -12  17  14  17  17  38  23  11      10  17  23  15  20  45  44  13
           -8  22  24  27  26  33  26   3     -18  -4  21  24  27  23   9 -11     -19  -3  11  21  23  16   7  -9
          -27 -11   4  13  14   4  -5 -17     -53 -34 -21 -11 -28 -14 -24 -43""",
    ),
}
KINDS = ("", "pawn", "knight", "king", "", "bishop", "rook", "queen")
PHASES = 24  # with all pieces on the board: a knight or bishop counts 1, a rook 2, a queen 4
ENDGAME = 1 << 20  # both scores in one number: middlegame + ENDGAME * endgame
# Hundredths of a pawn to [-1, 1]: four pawns ahead are ten wins to a loss
# (https://www.chessprogramming.org/Pawn_Advantage,_Win_Percentage,_and_Elo).
SCALE = log(10) / 800
BOARDS = np.dtype((np.record, BOARD))
MOST, EVASIONS = 8, 1  # plies of an exchange that are looked at, and of those in which checks are answered
ROOM = 218
MATE = 10_000
WEIGHT = np.array([0, 100, 320, 0, 0, 330, 500, 950])  # by kind, for a first look at what a capture can gain
EVEN, MARGIN = 20, 200  # how much less is still an even exchange; how much squares may add to a capture


def _worth():
    """WORTH[kind * 64 + square], as the piece's own side sees the board."""
    table = np.zeros(8 * 64, np.int64)
    for kind, name in enumerate(KINDS):
        if name:
            scores = [np.array(text.split(), np.int64).reshape(8, 8)[::-1].ravel() for text in SQUARES[name]]
            middlegame, endgame = (s + m for s, m in zip(scores, MATERIAL.get(name, (0, 0)), strict=True))
            table[64 * kind : 64 * kind + 64] = middlegame + ENDGAME * endgame
    return table


WORTH = _worth()


def score(s):
    """Hundredths of a pawn for the player to move, as the pieces stand."""
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    both = 0
    left = bit0 | bit1 | bit2
    while left:
        square = ctz(left)
        at = U(square)
        kind = np.int64((bit0 >> at) & U(1) | ((bit1 >> at) & U(1)) << U(1) | ((bit2 >> at) & U(1)) << U(2))
        if (me >> at) & U(1):
            both += WORTH[kind << 6 | square]
        else:
            both -= WORTH[kind << 6 | square ^ 56]
        left &= left - U(1)
    # Rounded, since a negative middlegame borrows from the endgame.
    endgame = (both + ENDGAME // 2) >> 20
    middlegame = both - endgame * ENDGAME
    rooks, queens = bit2 & bit1 & ~bit0, bit2 & bit1 & bit0
    phase = popcount(bit1 & ~bit0 & ~bit2) + popcount(bit2 & ~bit1) + 2 * popcount(rooks) + 4 * popcount(queens)
    phase = min(phase, PHASES)
    both = middlegame * phase + endgame * (PHASES - phase)
    return both // PHASES if both >= 0 else -(-both // PHASES)  # the same for both sides


def kind_at(s, square):
    """What stands on a square, an index of KINDS; 0 where nothing does."""
    at = U(square)
    return np.int64((s.bit0 >> at) & U(1) | ((s.bit1 >> at) & U(1)) << U(1) | ((s.bit2 >> at) & U(1)) << U(2))


def promising(s, out, n, least):
    """Keep of the captures and promotions in out[:n] those that may pay, the best first; how many are left.

    That is the most valuable victim first, and by the least valuable piece. Left out is what gains less than `least`,
    and what takes a lesser piece that has cover.
    """
    bit0, bit1, bit2 = s.bit0, s.bit1, s.bit2
    covered = attacks(bit0, bit1, bit2, (bit0 | bit1 | bit2) & ~s.me, bit0 | bit1 | bit2) if n else U(0)
    kept = 0
    for i in range(n):
        a = out[i]
        taker, gain = WEIGHT[kind_at(s, (a >> 6) & 63)], WEIGHT[kind_at(s, a & 63)]
        promoted = taker == WEIGHT[1] and a & 63 >= 56
        if promoted:
            if a >> 12:
                continue
            gain += WEIGHT[7]
        elif gain == 0:  # in passing
            gain = WEIGHT[1]
        if gain < least or (gain + EVEN < taker and (covered >> U(a & 63)) & U(1)):
            continue
        name = (16 * gain - taker // 64 + 64) << 16 | a
        j = kept
        while j > 0 and out[j - 1] < name:
            out[j] = out[j - 1]
            j -= 1
        out[j] = name
        kept += 1
    for i in range(kept):
        out[i] &= 0xFFFF
    return kept


def quiet_score(s):
    """`score` after the captures and promotions that are best for both sides, of which each may stop (alpha-beta).

    Who is in check may not stop, and answers with every legal move; but from EVASIONS plies on, checks are not seen.
    """
    boards, lists = np.empty(MOST + 1, BOARDS), np.empty((MOST + 1, ROOM), np.int32)
    low, high, best = np.empty(MOST + 1, np.int64), np.empty(MOST + 1, np.int64), np.empty(MOST + 1, np.int64)
    count, at = np.empty(MOST + 1, np.int64), np.empty(MOST + 1, np.int64)
    boards[0] = s
    low[0], high[0] = -MATE, MATE
    d, fresh = 0, True
    while True:
        if fresh:
            n, checked = moves(boards[d], lists[d], False)
            best[d] = d - MATE
            if d >= EVASIONS or not checked:
                best[d] = score(boards[d])
                n = (
                    promising(boards[d], lists[d], n, low[d] - best[d] - MARGIN)
                    if best[d] < high[d] and d < MOST
                    else 0
                )
            count[d], at[d] = n, 0
            fresh = False
        low[d] = max(low[d], best[d])
        if low[d] < high[d] and at[d] < count[d]:
            boards[d + 1] = boards[d]
            play(boards[d + 1], lists[d, at[d]])
            at[d] += 1
            low[d + 1], high[d + 1] = -high[d], -low[d]
            d, fresh = d + 1, True
        elif d == 0:
            return best[0]
        else:
            d -= 1
            best[d] = max(best[d], -best[d + 1])


def static_value(s):
    """material and squares, once the captures are played out"""
    return tanh(quiet_score(s) * SCALE)
