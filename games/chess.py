"""Chess: who leaves the opponent's king in check with no way out has won.
The laws are FIDE's (https://handbook.fide.com/chapter/E012023), among them castling, pawns taken in passing and pawns
that become a queen, rook, bishop or knight on the last row. White (upper case) moves first. Drawn are stalemate,
material that mates in no way (a king and at most one minor piece against a king, or bishops all on one colour), and 75
moves of each side without a capture or pawn move. The third occurrence of a position and 50 such moves end a game too,
as if somebody had claimed the draw. A move is written as its squares, such as e2e4, e1g1 to castle or e7e8q, or in the
game's own notation, such as e4, O-O or e8=Q; a position is a FEN.

Draws by a claim end lines of the search, but a position in which nobody has claimed can be played on from. A game that
lasts longer than MAX_PLIES is a draw.

Records, actions and legal moves are games/chess_moves.py's, values without a net games/chess_value.py's, and what nets
of sparse inputs read and answer games/chess_features.py's and games/chess_policy.py's.
"""

import numpy as np

from games.bits import bswap, ctz, popcount
from games.chess_exchange import CLASSES, exchange
from games.chess_features import FEATURES, MAX_ACTIVE, features  # noqa: F401 - the contract's
from games.chess_mates import wins_at_once  # noqa: F401 - the contract's
from games.chess_moves import BOARD, attacks, checkers, moves, play  # noqa: F401 - play is the contract's
from games.chess_policy import TERM_LOGITS, TERMS, policy_terms  # noqa: F401 - the contract's
from games.chess_tables import CHANNEL
from games.chess_text import (  # noqa: F401 - the contract's
    ended_by,
    ending,
    format_action,
    from_text,
    parse_action,
    pieces,
    render,
    to_text,
    touched,
)
from games.chess_value import static_value  # noqa: F401 - the contract's
from games.defaults import CLAIMED
from games.rng import mix

U = np.uint64
STATE = BOARD
# 218 moves are the most of any position (https://www.chessprogramming.org/Chess_Position#Most_Legal_Moves).
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = 4 << 12, 218, 1024, (21, 8, 8)
# AlphaZero's 8x8x73 (Silver et al. 2018): 56 channels of a queen's moves from each square, 8 of a knight's, 9 of pawns
# that become less than a queen. lc0's 1,858 leave out what leads off the board, but are no map over the cells: after 64
# channels a convolution makes the 4,672 in a hundredth of the time that 1,858 dense ones take.
# Each is there three times, for moves that lose, keep and win material on their square: a policy that cannot see that
# gives pieces away (after Monty, https://github.com/official-monty/Monty, which tells two kinds apart).
CHANNELS = 73
POLICY, LOGITS = (CLASSES * CHANNELS, 0), CLASSES * CHANNELS * 64
SYMMETRIES = 2  # as it is, and left to right
REPETITION = 3
RULES_VERSION = 1
GRID = "chequered", "abcdefgh", "87654321"
CLAIM_PLIES, END_PLIES = 100, 150  # without a capture or pawn move: a draw that can be claimed, and one by itself
DARK = U(0xAA55AA55AA55AA55)
LONG_UNMOVED = (40, 65, 90)  # plies of the clock from which on a plane is full


def start(s):
    s.bit0 = U(0x3CFF00000000FF3C)
    s.bit1 = U(0xDB000000000000DB)
    s.bit2 = U(0xAD000000000000AD)
    s.me = U(0xFFFF)
    s.castle = U(0x8100000000000081)
    s.ep = U(0)
    s.clock = 0
    s.ply = 0


def lifeless(s):
    """Whether neither side can ever mate, as python-chess's `is_insufficient_material` says."""
    bit0, bit1, bit2 = s.bit0, s.bit1, s.bit2
    if (bit2 & bit1) | (bit0 & ~bit1 & ~bit2):  # rooks, queens, pawns
        return False
    knights = bit1 & ~bit0
    if knights:
        return popcount(knights | bit2) == 1
    return not bit2 & DARK or not bit2 & ~DARK


def legal(s, out):
    if s.clock >= END_PLIES or lifeless(s):
        return 0
    n, _ = moves(s, out, True)
    return n


def mated(s):
    if not checkers(s):
        return False
    n, _ = moves(s, np.empty(MAX_LEGAL, np.int32), True)
    return n == 0


def outcome(s):
    return -1.0 if mated(s) else 0.0


def digest(s):
    """A hash of all that moves depend on, and whose they are not."""
    h = mix(s.bit0)
    h = mix(h * U(0x9E3779B97F4A7C15) + s.bit1)
    h = mix(h * U(0x9E3779B97F4A7C15) + s.bit2)
    h = mix(h * U(0x9E3779B97F4A7C15) + s.me)
    return mix((h ^ s.castle) * U(0x9E3779B97F4A7C15) + s.ep)


def key(s):
    """Of a position as FIDE compares them: pieces, who is to move, castling rights, captures in passing."""
    if s.clock >= CLAIM_PLIES and not mated(s):
        return U(CLAIMED)
    return mix(digest(s) + U(s.ply & 1))


def _stage(s):
    """How many of the planes for a long time without captures and pawn moves are full."""
    n = 0
    for plies in LONG_UNMOVED:
        n += s.clock >= plies
    return n


def eval_key(s):
    return mix(digest(s) + U(_stage(s)))


def put(planes, channel, cells):
    while cells:
        square = ctz(cells)
        planes[channel, square >> 3, square & 7] = 1.0
        cells &= cells - U(1)


def encode(s, planes):
    """From the side of the player to move, its first row first.

    0-5 its pawns, knights, bishops, rooks, queens and king, 6-11 the opponent's; its men that are attacked (12) and
    that have no cover (13), the opponent's likewise (14, 15); rooks that may castle (16), the square where a pawn can
    be taken in passing (17); full planes after LONG_UNMOVED plies without a capture or pawn move (18-20).
    """
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    occupied = bit0 | bit1 | bit2
    other = occupied & ~me
    planes[:] = 0.0
    for side in range(2):
        men = other if side else me
        put(planes, 6 * side, men & bit0 & ~bit1 & ~bit2)
        put(planes, 6 * side + 1, men & bit1 & ~bit0 & ~bit2)
        put(planes, 6 * side + 2, men & bit2 & ~bit1)
        put(planes, 6 * side + 3, men & bit2 & bit1 & ~bit0)
        put(planes, 6 * side + 4, men & bit2 & bit1 & bit0)
        put(planes, 6 * side + 5, men & bit0 & bit1 & ~bit2)
    theirs = attacks(bit0, bit1, bit2, other, occupied)
    mine = bswap(attacks(bswap(bit0), bswap(bit1), bswap(bit2), bswap(me), bswap(occupied)))
    put(planes, 12, me & theirs)
    put(planes, 13, me & ~mine)
    put(planes, 14, other & mine)
    put(planes, 15, other & ~theirs)
    put(planes, 16, s.castle)
    put(planes, 17, s.ep)
    for n in range(_stage(s)):
        planes[18 + n] = 1.0


def policy_index(s, a):
    way, origin, target = a >> 12, (a >> 6) & 63, a & 63
    channel = np.int64(CHANNEL[a & 4095])
    if way:
        channel = 64 + 3 * (way - 1) + (target - origin - 7)
    return (CHANNELS * exchange(s, a) + channel) << 6 | origin


def mirrored(cells):
    """The board left to right: the bits of each byte reversed."""
    cells = ((cells >> U(1)) & U(0x5555555555555555)) | ((cells & U(0x5555555555555555)) << U(1))
    cells = ((cells >> U(2)) & U(0x3333333333333333)) | ((cells & U(0x3333333333333333)) << U(2))
    return ((cells >> U(4)) & U(0x0F0F0F0F0F0F0F0F)) | ((cells & U(0x0F0F0F0F0F0F0F0F)) << U(4))


def transform(s, k, out):
    """Left to right, which castling is not: the king stands nearer to one rook."""
    if s.castle:
        return False
    out.bit0 = mirrored(s.bit0)
    out.bit1 = mirrored(s.bit1)
    out.bit2 = mirrored(s.bit2)
    out.me = mirrored(s.me)
    out.castle = U(0)
    out.ep = mirrored(s.ep)
    out.clock = s.clock
    out.ply = s.ply
    return True


def transform_action(k, a):
    return a ^ (7 << 6 | 7)
