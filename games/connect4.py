"""Connect Four: players drop stones into columns; four in a row, column or diagonal wins, a full board draws.

Parameters: rows (6), columns (7), connect (4). Bitboard of one column after the other, from the bottom up, with an
empty cell on top of each so that shifted lines do not wrap; for 6 rows:

     6 13 20 ..     (always empty)
     5 12 19 ..
     :  :  :
     0  7 14 ..
"""

import numpy as np

ROWS, COLUMNS, CONNECT = PARAMS.get("rows", 6), PARAMS.get("columns", 7), PARAMS.get("connect", 4)
if not (2 <= ROWS <= 15 and 2 <= COLUMNS <= 9 and (ROWS + 1) * COLUMNS <= 64 and 2 <= CONNECT <= max(ROWS, COLUMNS)):
    raise ValueError("rows 2-15, columns 2-9, (rows + 1) x columns at most 64, connect 2 up to the longer side")

U = np.uint64
STATE = np.dtype([("me", "u8"), ("taken", "u8")])  # stones of the player to move, and of both
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = COLUMNS, COLUMNS, ROWS * COLUMNS, (2, ROWS, COLUMNS)
SYMMETRIES = 2
RULES_VERSION = 1
HEIGHT = ROWS + 1
CELLS = (1 << ROWS) - 1
BOTTOM = U(sum(1 << HEIGHT * c for c in range(COLUMNS)))
BOARD = U(sum(CELLS << HEIGHT * c for c in range(COLUMNS)))
COLUMN = np.array([CELLS << HEIGHT * c for c in range(COLUMNS)], np.uint64)
DIRECTIONS = (1, HEIGHT, HEIGHT - 1, HEIGHT + 1)  # |  -  \  /


def connected(stones):
    for step in DIRECTIONS:
        run = stones
        length = 1
        while length < CONNECT:
            more = min(length, CONNECT - length)
            run &= run >> U(min(more * step, 63))  # 63 clears it all: that bit is no cell, and 64 means no shift
            length += more
        if run:
            return True
    return False


def start(s):
    s.me = 0
    s.taken = 0


def legal(s, out):
    if connected(s.me ^ s.taken):
        return 0
    free = (s.taken + BOTTOM) & BOARD
    n = 0
    for c in range(COLUMNS):
        if free & COLUMN[c]:
            out[n] = c
            n += 1
    return n


def play(s, a):
    stone = (s.taken + BOTTOM) & COLUMN[a]
    s.me ^= s.taken
    s.taken |= stone


def outcome(s):
    return -1.0 if connected(s.me ^ s.taken) else 0.0


def encode(s, planes):
    other = s.me ^ s.taken
    for c in range(COLUMNS):
        for r in range(ROWS):
            planes[0, ROWS - 1 - r, c] = (s.me >> U(HEIGHT * c + r)) & U(1)
            planes[1, ROWS - 1 - r, c] = (other >> U(HEIGHT * c + r)) & U(1)


def mirror(stones):
    image = U(0)
    for c in range(COLUMNS):
        image |= ((stones >> U(HEIGHT * c)) & U(CELLS)) << U(HEIGHT * (COLUMNS - 1 - c))
    return image


def transform(s, k, out):
    out.me = mirror(s.me)
    out.taken = mirror(s.taken)
    return True


def transform_action(k, a):
    return COLUMNS - 1 - a


def format_action(s, a):
    return str(a + 1)


def parse_action(s, text):
    text = text.strip()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= COLUMNS:
        raise ValueError(f"'{text}' is no column: write a number from 1 to {COLUMNS}")
    return int(text) - 1


def _columns(s):
    """For every column the stones from the bottom up, x having moved first."""
    me, taken = int(s.me), int(s.taken)
    mine, theirs = "xo" if taken.bit_count() % 2 == 0 else "ox"
    return [
        "".join((mine if me >> b & 1 else theirs) for b in range(HEIGHT * c, HEIGHT * c + ROWS) if taken >> b & 1)
        for c in range(COLUMNS)
    ]


def to_text(s):
    return "/".join(_columns(s))


def from_text(text, s):
    columns = text.split("/")
    x, o = text.count("x"), text.count("o")
    if len(columns) != COLUMNS or any(len(c) > ROWS or set(c) - set("xo") for c in columns) or x - o not in (0, 1):
        raise ValueError(f"'{text}' is no position: write {COLUMNS} columns of x and o, bottom up, as in {to_text(s)}x")
    me = "x" if x == o else "o"
    bits = [(HEIGHT * c + r, stone) for c in range(COLUMNS) for r, stone in enumerate(columns[c])]
    s.taken = sum(1 << b for b, _ in bits)
    s.me = sum(1 << b for b, stone in bits if stone == me)


def render(s):
    columns = [c.ljust(ROWS, ".") for c in _columns(s)]
    rows = [" ".join(column[r] for column in columns) for r in range(ROWS - 1, -1, -1)]
    return "\n".join([*rows, " ".join(str(c + 1) for c in range(COLUMNS))])
