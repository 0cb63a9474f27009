"""What a net of sparse inputs reads of a chess position: a list of features, each there or not.

They are pieces on squares, alone and together with where either king stands (after HalfKP of NNUE, Yu et al. 2018, with
four regions in the place of 64 squares), what is attacked and what of that has no cover, and what the position is worth
by material and squares when its exchanges are over: a net that sees one position alone cannot play them out.
"""

import numpy as np

from games.bits import bswap, ctz
from games.chess_moves import attacks, checkers
from games.chess_value import kind_at, quiet_score, score

U = np.uint64
PLACE = np.array([0, 0, 1, 5, 0, 2, 3, 4])  # of a kind among pawn, knight, bishop, rook, queen, king
ON = 12 * 64  # the player's pieces first; squares are seen from the side of the player to move
# Where a king stands, from its own side: left, middle or right on the first two rows, or further on.
REGION = np.array([3 if square >= 16 else (0, 0, 0, 1, 1, 2, 2, 2)[square % 8] for square in range(64)])
REGIONS, NO_KINGS = 4, 10 * 64
ATTACKED, HANGING = ON, 2 * ON
MINE, THEIRS = 3 * ON, 3 * ON + REGIONS * NO_KINGS
CASTLE = THEIRS + REGIONS * NO_KINGS
PASSING, CLOCK = CASTLE + 4, CASTLE + 12
CHECK, PHASE = CLOCK + 3, CLOCK + 4
WORTH = PHASE + 6
LEVELS = np.array([0, 25, 75, 150, 225, 325, 450, 600, 850, 1200])  # hundredths of a pawn, of both sides
GAINS = np.array([50, 150, 250, 400, 700])
GAIN = WORTH + 2 * len(LEVELS)
FEATURES = GAIN + len(GAINS)
MAX_ACTIVE = 4 * 32 + 4 + 1 + 3 + 1 + 6 + len(LEVELS) + len(GAINS) + 1
CORNERS = np.array([0, 7, 56, 63])


def features(s, out):
    """Write the active features into out, int32 [MAX_ACTIVE] or more; returns how many."""
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    occupied = bit0 | bit1 | bit2
    other = occupied & ~me
    kings = bit0 & bit1 & ~bit2
    mine = MINE + NO_KINGS * REGION[ctz(kings & me)]
    theirs = THEIRS + NO_KINGS * REGION[ctz(kings & other) ^ 56]
    by_other = attacks(bit0, bit1, bit2, other, occupied)
    by_me = bswap(attacks(bswap(bit0), bswap(bit1), bswap(bit2), bswap(me), bswap(occupied)))
    attacked = (me & by_other) | (other & by_me)
    covered = (me & by_me) | (other & by_other)
    n, phase = 0, 0
    left = occupied
    while left:
        square = ctz(left)
        bit = left & (U(0) - left)
        left ^= bit
        kind = kind_at(s, square)
        place = PLACE[kind]
        side = 0 if me & bit else 1
        at = (6 * side + place) << 6 | square
        out[n] = at
        n += 1
        if attacked & bit:
            out[n] = at + (ATTACKED if covered & bit else HANGING)
            n += 1
        if place < 5:
            at = (5 * side + place) << 6 | square
            out[n] = mine + at
            out[n + 1] = theirs + at
            n += 2
            phase += place > 0
    for i in range(4):
        if (s.castle >> U(CORNERS[i])) & U(1):
            out[n] = CASTLE + i
            n += 1
    if s.ep:
        out[n] = PASSING + (ctz(s.ep) & 7)
        n += 1
    for i in range(3):
        if s.clock >= 40 + 25 * i:
            out[n] = CLOCK + i
            n += 1
    if checkers(s):
        out[n] = CHECK
        n += 1
    for i in range(6):
        if phase > 2 * i:
            out[n] = PHASE + i
            n += 1
    quiet = quiet_score(s)
    gain = quiet - score(s)
    for i in range(len(LEVELS)):
        if abs(quiet) > LEVELS[i]:
            out[n] = WORTH + 2 * i + (quiet < 0)
            n += 1
    for i in range(len(GAINS)):
        if gain > GAINS[i]:
            out[n] = GAIN + i
            n += 1
    return n
