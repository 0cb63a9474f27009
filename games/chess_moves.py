"""Chess on bits: attacks, legal moves, playing one.

The board is four words. On each square, `bit0`, `bit1` and `bit2` say what stands there, and `me` that it is a piece of
the player to move:

    1 pawn   2 knight   3 king   5 bishop   6 rook   7 queen

so that bit2 marks what slides, aslant with bit0 and straight with bit1. All words are seen by the player to move, whose
pawns go up, and turn upside down after each move: one direction of pawns and one castling row are then all there is.

An action is way << 12 | from << 6 | to. The way is what a pawn becomes on the last row: 0 a queen, 1 a knight, 2 a
bishop, 3 a rook; elsewhere it is 0.
"""

import numpy as np

from games.bits import append_bits, bswap, ctz
from games.chess_tables import BETWEEN, FALLING, FILE, KING, KNIGHT, LINE, PAWN, PAWN_FROM, RANK, RISING

U = np.uint64
BOARD = np.dtype(
    [
        ("bit0", "u8"),
        ("bit1", "u8"),
        ("bit2", "u8"),
        ("me", "u8"),
        ("castle", "u8"),  # the rooks, of both sides, that may still castle
        ("ep", "u8"),  # where a pawn can be taken in passing, by a legal move; no square where none can
        ("clock", "i4"),  # plies since a pawn moved or a piece was taken
        ("ply", "i4"),  # since move 1 of the game, even when white is to move
    ]
)
PAWNS, KINGS = U(1), U(3)
BECOMES = np.array([7, 2, 5, 6], np.uint64)
FIRST_ROW, LAST_ROW, THIRD_ROW = U(0xFF), U(0xFF << 56), U(0xFF << 16)
NOT_A, NOT_H = U(0xFEFEFEFEFEFEFEFE), U(0x7F7F7F7F7F7F7F7F)
SHORT_PATH, LONG_PATH, LONG_EMPTY = U(0x60), U(0x0C), U(0x0E)  # f1 g1; c1 d1, which the king crosses; b1 c1 d1
SHORT_HOP, LONG_HOP = U(0xA0), U(0x09)  # the squares that the rook leaves and reaches


def slide(square, occupied, line):
    """What a piece attacks along a line that no rank shares, up to and with the first piece on either side.

    Hyperbola quintessence (Kindervater, https://www.chessprogramming.org/Hyperbola_Quintessence): subtracting the piece
    from what stands above it borrows up to the nearest; turned upside down, the same finds the nearest below.
    """
    here, taken = U(1) << U(square), occupied & line
    return ((taken - here) ^ bswap(bswap(taken) - bswap(here))) & line


def bishop(square, occupied):
    """The squares that a bishop attacks."""
    return slide(square, occupied, RISING[square]) | slide(square, occupied, FALLING[square])


def rook(square, occupied):
    """The squares that a rook attacks."""
    row = square & 56
    taken = np.int64((occupied >> U(row + 1)) & U(63))
    return slide(square, occupied, FILE[square]) | (RANK[(square & 7) << 6 | taken] << U(row))


def attackers(bit0, bit1, bit2, side, square, occupied):
    """The opponent's pieces among `side` that attack a square."""
    low = ~bit2
    found = (PAWN[square] & bit0 & ~bit1 & low) | (KNIGHT[square] & bit1 & ~bit0 & low)
    found |= (KING[square] & bit0 & bit1 & low) | (bishop(square, occupied) & bit2 & bit0)
    return (found | (rook(square, occupied) & bit2 & bit1)) & side


def attacks(bit0, bit1, bit2, side, occupied):
    """Every square that the opponent's pieces `side`, a king among them, attack, their own among them."""
    low = side & ~bit2
    return (
        pawn_attacks(low & bit0 & ~bit1)
        | officer_attacks(bit0, bit1, bit2, side, occupied)
        | KING[ctz(low & bit0 & bit1)]
    )


def pawn_attacks(pawns):
    """Every square that these pawns of the opponent's attack."""
    return ((pawns >> U(7)) & NOT_A) | ((pawns >> U(9)) & NOT_H)


def officer_attacks(bit0, bit1, bit2, side, occupied):
    """Every square that the knights, bishops, rooks and queens of `side` attack."""
    found = U(0)
    left = side & bit1 & ~bit0 & ~bit2
    while left:
        found |= KNIGHT[ctz(left)]
        left &= left - U(1)
    left = side & bit2 & bit0
    while left:
        found |= bishop(ctz(left), occupied)
        left &= left - U(1)
    left = side & bit2 & bit1
    while left:
        found |= rook(ctz(left), occupied)
        left &= left - U(1)
    return found


def checkers(s):
    """The pieces that give check."""
    occupied = s.bit0 | s.bit1 | s.bit2
    king = ctz(s.bit0 & s.bit1 & ~s.bit2 & s.me)
    return attackers(s.bit0, s.bit1, s.bit2, occupied & ~s.me, king, occupied)


def may_pass(bit0, bit1, bit2, me, pawn, ep):
    """Whether the pawn on square `pawn` can take on `ep`, a set of one, in passing without giving its king away.

    Two pawns leave one row at once: a pin cannot tell, so the board after the move is looked at.
    """
    occupied = bit0 | bit1 | bit2
    taken = ep >> U(8)
    after = (occupied ^ taken ^ (U(1) << U(pawn))) | ep
    king = ctz(bit0 & bit1 & ~bit2 & me)
    return attackers(bit0, bit1, bit2, occupied & ~me & ~taken, king, after) == U(0)


def append_pawns(out, n, targets, step):
    """Write the pawn moves that end on `targets` after a step so far; how many moves out then holds."""
    while targets:
        to = ctz(targets)
        targets &= targets - U(1)
        move = (to - step) << 6 | to
        out[n] = move
        n += 1
        if to >= 56:
            out[n] = move | 1 << 12
            out[n + 1] = move | 2 << 12
            out[n + 2] = move | 3 << 12
            n += 3
    return n


def pawn_moves(out, n, pawns, free, other, aims):
    """Write the moves of `pawns` to `aims`, but for those in passing; how many moves out then holds."""
    one = (pawns << U(8)) & free
    n = append_pawns(out, n, one & aims, 8)
    n = append_pawns(out, n, ((one & THIRD_ROW) << U(8)) & free & aims, 16)
    n = append_pawns(out, n, ((pawns & NOT_A) << U(7)) & other & aims, 7)
    return append_pawns(out, n, ((pawns & NOT_H) << U(9)) & other & aims, 9)


def moves(s, out, all_moves):
    """Write the legal moves, or those alone that take or promote unless in check; (how many, whether in check)."""
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    occupied = bit0 | bit1 | bit2
    other, low = occupied & ~me, me & ~bit2
    aslant, straight = bit2 & bit0, bit2 & bit1
    king_bit = low & bit0 & bit1
    king = ctz(king_bit)
    danger = attacks(bit0, bit1, bit2, other, occupied ^ king_bit)  # a king does not hide behind itself
    checked = danger & king_bit != U(0)
    aims = ~me if all_moves or checked else other
    n = append_bits(out, 0, KING[king] & aims & ~danger, king << 6)
    pawn_aims = aims | LAST_ROW
    if checked:
        givers = attackers(bit0, bit1, bit2, other, king, occupied)
        if givers & (givers - U(1)):
            return n, checked
        aims = givers | BETWEEN[king, ctz(givers)]
        pawn_aims = aims
    elif all_moves:
        if s.castle & U(0x80) and not occupied & SHORT_PATH and not danger & SHORT_PATH:
            out[n] = king << 6 | (king + 2)
            n += 1
        if s.castle & U(0x01) and not occupied & LONG_EMPTY and not danger & LONG_PATH:
            out[n] = king << 6 | (king - 2)
            n += 1
    pinned = U(0)
    left = other & ((bishop(king, other) & aslant) | (rook(king, other) & straight))
    while left:
        shield = BETWEEN[king, ctz(left)] & me
        if not shield & (shield - U(1)):
            pinned |= shield
        left &= left - U(1)
    left = low & bit1 & ~bit0 & ~pinned
    while left:
        square = ctz(left)
        n = append_bits(out, n, KNIGHT[square] & aims, square << 6)
        left &= left - U(1)
    left = bit2 & me
    while left:
        square = ctz(left)
        here = left & ~(left - U(1))
        reach = U(0)
        if here & bit0:
            reach |= bishop(square, occupied)
        if here & bit1:
            reach |= rook(square, occupied)
        if here & pinned:
            reach &= LINE[king, square]
        n = append_bits(out, n, reach & aims, square << 6)
        left &= left - U(1)
    pawns = low & bit0 & ~bit1
    n = pawn_moves(out, n, pawns & ~pinned, ~occupied, other, pawn_aims)
    left = pawns & pinned
    while left:
        square = ctz(left)
        n = pawn_moves(out, n, left & ~(left - U(1)), ~occupied, other, pawn_aims & LINE[king, square])
        left &= left - U(1)
    if s.ep:
        to = ctz(s.ep)
        left = PAWN_FROM[to] & pawns
        while left:
            square = ctz(left)
            if may_pass(bit0, bit1, bit2, me, square, s.ep):
                out[n] = square << 6 | to
                n += 1
            left &= left - U(1)
    return n, checked


def play(s, a):
    """Make the legal move a, and turn the board to whoever moves next."""
    way, origin, target = a >> 12, (a >> 6) & 63, a & 63
    here, there = U(1) << U(origin), U(1) << U(target)
    bit0, bit1, bit2, me = s.bit0, s.bit1, s.bit2, s.me
    occupied = bit0 | bit1 | bit2
    kind = (bit0 >> U(origin)) & U(1) | ((bit1 >> U(origin)) & U(1)) << U(1) | ((bit2 >> U(origin)) & U(1)) << U(2)
    castle, passed = s.castle & ~(here | there), U(0)
    s.clock = 0 if occupied & there else s.clock + 1
    other = occupied & ~me & ~there
    kept = ~(here | there)
    bit0 &= kept
    bit1 &= kept
    bit2 &= kept
    me = (me & ~here) | there
    if kind == PAWNS:
        s.clock = 0
        if there & LAST_ROW:
            kind = BECOMES[way]
        elif there == s.ep:
            other &= ~(there >> U(8))
            bit0 &= ~(there >> U(8))
        elif target - origin == 16:
            passed = U(1) << U((target - 8) ^ 56)
    elif kind == KINGS:
        castle &= ~FIRST_ROW
        hop = SHORT_HOP if target - origin == 2 else LONG_HOP if origin - target == 2 else U(0)
        bit1 ^= hop
        bit2 ^= hop
        me ^= hop
    bit0 = bswap(bit0 | (kind & U(1)) << U(target))
    bit1 = bswap(bit1 | ((kind >> U(1)) & U(1)) << U(target))
    bit2 = bswap(bit2 | (kind >> U(2)) << U(target))
    other = bswap(other)
    s.bit0 = bit0
    s.bit1 = bit1
    s.bit2 = bit2
    s.me = other
    s.castle = bswap(castle)
    s.ply += 1
    s.ep = U(0)
    if passed:  # kept only where it can be done: else equal positions would differ
        left = PAWN_FROM[ctz(passed)] & other & bit0 & ~bit1 & ~bit2
        while left:
            if may_pass(bit0, bit1, bit2, other, ctz(left), passed):
                s.ep = passed
            left &= left - U(1)
