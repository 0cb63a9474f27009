"""Breakthrough: who first brings a piece to the other side's home row, or takes every piece of the other, has won.

x starts on the two lower rows, moves first and upwards, o downwards. A piece moves one row ahead, straight to a free
cell, or aslant to a free one or one of the opponent's, whose piece it takes; it need not. A move can always be made.
Parameter: size (8), 6 or 8. A move is written as two cells, each a column letter and a row number, such as a2a3.

The record shows the board as the player to move sees it, moving upwards, and so do actions: they are way * size * size
+ the cell that is left, the ways being 0 up and left, 1 up, 2 up and right:

    2  8  9 10 ..
    1  0  1  2 ..
       a  b  c ..
"""

import numpy as np

from games.bits import append_bits, bswap

PARAMS = globals().get("PARAMS", {})  # the loader's; none where this is imported as a module, by pydoc say
SIZE = PARAMS.get("size", 8)
if SIZE not in (6, 8):
    raise ValueError("size 6 or 8")

U = np.uint64
# Pieces of the player to move and of the opponent, and who is to move, 0 for x.
STATE = np.dtype([("me", "u8"), ("other", "u8"), ("turn", "u8")])
CELLS = SIZE * SIZE
# No piece on the first row can move more than size - 2 times before it wins, and none on the second more than size - 3.
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = 3 * CELLS, 6 * SIZE, 2 * SIZE * (2 * SIZE - 5) + 1, (6, SIZE, SIZE)
POLICY = (3, 0)
SYMMETRIES = 2
RULES_VERSION = 1
BOARD = U((1 << CELLS) - 1)
HOME = U((1 << SIZE) - 1)
PIECES = U((1 << 2 * SIZE) - 1)
LEFT = U(sum(1 << SIZE * r for r in range(SIZE)))
RIGHT = U(sum(1 << SIZE * r + SIZE - 1 for r in range(SIZE)))
LETTERS, NUMBERS = "abcdefgh"[:SIZE], "12345678"[:SIZE]
GRID = "chequered", LETTERS, NUMBERS[::-1]


def turned(cells):
    """The board as the other player sees it: upside down."""
    if SIZE == 8:
        return bswap(cells)
    found = U(0)
    for r in range(SIZE):
        found |= ((cells >> U(SIZE * r)) & HOME) << U(SIZE * (SIZE - 1 - r))
    return found


def start(s):
    s.me = PIECES
    s.other = turned(PIECES)
    s.turn = 0


def legal(s, out):
    me, other = s.me, s.other
    if other & HOME or not me:
        return 0
    n = append_bits(out, 0, me & ~LEFT & ~(me >> U(SIZE - 1)), 0)
    n = append_bits(out, n, me & ~((me | other) >> U(SIZE)), CELLS)
    return append_bits(out, n, me & ~RIGHT & ~(me >> U(SIZE + 1)), 2 * CELLS)


def play(s, a):
    way, cell = a // CELLS, a % CELLS
    to = U(1) << U(cell + SIZE - 1 + way)
    me = (s.me ^ (U(1) << U(cell))) | to
    s.me = turned(s.other & ~to)
    s.other = turned(me)
    s.turn ^= U(1)


def outcome(s):
    return -1.0


def takes(me, other):
    """The pieces of `other` that `me` can take."""
    return (((me & ~LEFT) << U(SIZE - 1)) | ((me & ~RIGHT) << U(SIZE + 1))) & other


def best_first(s, out):
    """Captures first, then the pieces that have come furthest; where the other is about to come home, what takes it."""
    me, other = s.me, s.other
    if other & HOME or not me:
        return 0
    home = HOME << U(SIZE * (SIZE - 1))
    if me & (home >> U(SIZE)) or (not other & (other - U(1)) and takes(me, other)):
        return -1
    near = other & (HOME << U(SIZE))
    if near & (near - U(1)):
        return -2
    wanted = near if near else BOARD
    n = 0
    for quiet in range(2):
        aims = wanted & (BOARD ^ (me | other) if quiet else other)
        for r in range(SIZE - 2, -1, -1):
            row = me & (HOME << U(SIZE * r))
            n = append_bits(out, n, row & ~LEFT & (aims >> U(SIZE - 1)), 0)
            if quiet:
                n = append_bits(out, n, row & (aims >> U(SIZE)), CELLS)
            n = append_bits(out, n, row & ~RIGHT & (aims >> U(SIZE + 1)), 2 * CELLS)
    if not me & (me - U(1)):  # the last piece must not be taken
        kept = 0
        for j in range(n):
            to = U(1) << U(out[j] % CELLS + SIZE - 1 + out[j] // CELLS)
            if not takes(turned(other & ~to), turned(to)):
                out[kept] = out[j]
                kept += 1
        n = kept
    return n if n else -2


def encode(s, planes):
    """Pieces of the player to move and of the opponent; of each side's those that can be taken, and that have cover."""
    me, other = s.me, s.other
    back, front = turned(me), turned(other)
    taken, lost = takes(me, other), turned(takes(front, back))
    kept, covered = takes(me, me), turned(takes(front, front))
    for a in range(CELLS):
        r, c, at = a // SIZE, a % SIZE, U(a)
        planes[0, r, c] = (me >> at) & U(1)
        planes[1, r, c] = (other >> at) & U(1)
        planes[2, r, c] = (lost >> at) & U(1)
        planes[3, r, c] = (taken >> at) & U(1)
        planes[4, r, c] = (kept >> at) & U(1)
        planes[5, r, c] = (covered >> at) & U(1)


def mirrored(cells):
    found = U(0)
    for c in range(SIZE):
        found |= ((cells >> U(c)) & LEFT) << U(SIZE - 1 - c)
    return found


def transform(s, k, out):
    out.me = mirrored(s.me)
    out.other = mirrored(s.other)
    out.turn = s.turn
    return True


def transform_action(k, a):
    way, cell = a // CELLS, a % CELLS
    return (2 - way) * CELLS + cell // SIZE * SIZE + SIZE - 1 - cell % SIZE


def format_action(s, a):
    way, r, c = a // CELLS, a % CELLS // SIZE, a % SIZE
    rows = NUMBERS[::-1] if s.turn else NUMBERS
    return LETTERS[c] + rows[r] + LETTERS[c + way - 1] + rows[r + 1]


def parse_action(s, text):
    text = text.strip().lower()
    rows = NUMBERS[::-1] if s.turn else NUMBERS
    if len(text) == 4 and set(text[::2]) <= set(LETTERS) and set(text[1::2]) <= set(NUMBERS):
        c, r, to, ahead = LETTERS.index(text[0]), rows.index(text[1]), LETTERS.index(text[2]), rows.index(text[3])
        if ahead == r + 1 and -1 <= to - c <= 1:
            return (to - c + 1) * CELLS + SIZE * r + c
    raise ValueError(f"'{text}' is no move: write the cell of a piece and one ahead of it, such as a2a3")


def pieces(s):
    x, o = (turned(s.other), turned(s.me)) if s.turn else (s.me, s.other)
    cells = "".join("x" if int(x) >> a & 1 else "o" if int(o) >> a & 1 else "." for a in range(CELLS))
    return [cells[SIZE * r : SIZE * r + SIZE] for r in range(SIZE)][::-1]


def touched(s, a):
    way, r, c = a // CELLS, a % CELLS // SIZE, a % SIZE
    first, after = (r, r + 1) if s.turn else (SIZE - 1 - r, SIZE - 2 - r)
    return [(first, c), (after, c + way - 1)]


def ended_by(s):
    top, bottom = pieces(s)[0], pieces(s)[-1]
    return [(0, c) for c in range(SIZE) if top[c] == "x"] + [(SIZE - 1, c) for c in range(SIZE) if bottom[c] == "o"]


def to_text(s):
    return "/".join(pieces(s)) + (" o" if s.turn else " x")


def from_text(text, s):
    rows, turn = text[:-2].split("/")[::-1], text[-2:]
    if [len(r) for r in rows] != [SIZE] * SIZE or set("".join(rows)) - set("xo.") or turn not in (" x", " o"):
        raise ValueError(f"'{text}' is no position: write {SIZE} rows of x o . from the top, who moves last: .o./.x. x")
    if max(text[:-2].count(side) for side in "xo") > 2 * SIZE or turn[1] in (rows[-1] if turn == " x" else rows[0]):
        raise ValueError(f"'{text}' is no position: too many pieces, or the player to move has already won")
    x, o = (U(sum(1 << a for a, piece in enumerate("".join(rows)) if piece == mark)) for mark in "xo")
    s.me, s.other = (turned(o), turned(x)) if turn == " o" else (x, o)
    s.turn = turn == " o"


def render(s):
    rows = [f"{NUMBERS[SIZE - 1 - r]} " + " ".join(row) for r, row in enumerate(pieces(s))]
    return "\n".join([*rows, "  " + " ".join(LETTERS)])
