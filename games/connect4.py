"""Connect Four: players drop stones into columns; four in a row, column or diagonal wins, a full board draws.

Parameters: rows (6), columns (7), connect (4), misere (0; with 1, whoever completes a line loses) and drawn (0; with 1,
a full board without a line is a win of the second player). Bitboard of one column after the other, from the bottom up,
with an empty cell on top of each so that shifted lines do not wrap; for 6 rows:

     6 13 20 ..     (always empty)
     5 12 19 ..
     :  :  :
     0  7 14 ..
"""

import numpy as np

from games.bits import ctz, popcount
from games.grid import runs

PARAMS = globals().get("PARAMS", {})  # the loader's; none where this is imported as a module, by pydoc say
ROWS, COLUMNS, CONNECT = PARAMS.get("rows", 6), PARAMS.get("columns", 7), PARAMS.get("connect", 4)
if not (2 <= ROWS <= 15 and 2 <= COLUMNS <= 9 and (ROWS + 1) * COLUMNS <= 64 and 2 <= CONNECT <= max(ROWS, COLUMNS)):
    raise ValueError("rows 2-15, columns 2-9, (rows + 1) x columns at most 64, connect 2 up to the longer side")
MISERE, DRAWN = PARAMS.get("misere", 0), PARAMS.get("drawn", 0)
if not {MISERE, DRAWN} <= {0, 1}:
    raise ValueError("misere and drawn are 0 or 1")
LATER = "misere", "drawn"

U = np.uint64
STATE = np.dtype([("me", "u8"), ("taken", "u8")])  # stones of the player to move, and of both
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = COLUMNS, COLUMNS, ROWS * COLUMNS, (10, ROWS, COLUMNS)
SYMMETRIES = 2
PROOF_NODES = 1000
RULES_VERSION = 1
GRID = "columns", "123456789"[:COLUMNS], [""] * ROWS
HEIGHT = ROWS + 1
CELLS = (1 << ROWS) - 1
BOTTOM = U(sum(1 << HEIGHT * c for c in range(COLUMNS)))
BOARD = U(sum(CELLS << HEIGHT * c for c in range(COLUMNS)))
COLUMN = np.array([CELLS << HEIGHT * c for c in range(COLUMNS)], np.uint64)
# Where both fill the board up, the first player ends up on odd rows, counted from 1, and the second on even ones.
ODD_ROWS = U(sum(1 << HEIGHT * c + r for c in range(COLUMNS) for r in range(0, ROWS, 2)))
DIRECTIONS = (1, HEIGHT, HEIGHT - 1, HEIGHT + 1)  # |  -  \  /
# What the end is worth to the player to move, who is the one that did not make the last move.
AFTER_LINE = 1.0 if MISERE else -1.0
WHEN_FULL = 0.0 if not DRAWN else 1.0 if ROWS * COLUMNS % 2 else -1.0


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
    return AFTER_LINE if connected(s.me ^ s.taken) else WHEN_FULL


def threats(stones, taken):
    """Empty cells, reachable or not, that would complete a line of these stones."""
    cells = U(0)
    for step in DIRECTIONS:
        for before in range(0 if step > 1 else CONNECT - 1, CONNECT):  # stones of a line on the empty cell's one side
            line = BOARD
            for k in range(1, before + 1):
                line &= stones << U(min(k * step, 63))
            for k in range(1, CONNECT - before):
                line &= stones >> U(min(k * step, 63))
            cells |= line
    return cells & (BOARD ^ taken)


def openings(stones, taken):
    """Empty cells, reachable or not, where a stone would threaten to complete a line."""
    empty = BOARD ^ taken
    cells = U(0)
    for step in DIRECTIONS:
        for hole in range(CONNECT):
            for rest in range(CONNECT):
                if rest == hole:
                    continue
                line = empty
                for k in range(CONNECT):
                    needed = empty if k == rest else stones
                    if k < hole:
                        line &= needed << U(min((hole - k) * step, 63))
                    elif k > hole:
                        line &= needed >> U(min((k - hole) * step, 63))
                cells |= line
    return cells


def encode(s, planes):
    """Stones, threats, openings and free cells; threats on their owner's rows, and who moved first, decide endings."""
    other = s.me ^ s.taken
    mine, theirs = threats(s.me, s.taken), threats(other, s.taken)
    my_openings, their_openings = openings(s.me, s.taken), openings(other, s.taken)
    free = (s.taken + BOTTOM) & BOARD
    second = popcount(s.taken) & U(1)
    my_rows = BOARD ^ ODD_ROWS if second else ODD_ROWS
    for c in range(COLUMNS):
        for r in range(ROWS):
            cell, row = U(HEIGHT * c + r), ROWS - 1 - r
            planes[0, row, c] = (s.me >> cell) & U(1)
            planes[1, row, c] = (other >> cell) & U(1)
            planes[2, row, c] = (mine >> cell) & U(1)
            planes[3, row, c] = (theirs >> cell) & U(1)
            planes[4, row, c] = ((mine & my_rows) >> cell) & U(1)
            planes[5, row, c] = ((theirs & ~my_rows) >> cell) & U(1)
            planes[6, row, c] = (my_openings >> cell) & U(1)
            planes[7, row, c] = (their_openings >> cell) & U(1)
            planes[8, row, c] = (free >> cell) & (U(1) - second)
            planes[9, row, c] = (free >> cell) & second


def best_first(s, out):
    """Moves that do not lose at once, those that make most threats first, then the middle ones (Pons 2015)."""
    other = s.me ^ s.taken
    free = (s.taken + BOTTOM) & BOARD
    if free & threats(s.me, s.taken):
        return -1
    theirs = threats(other, s.taken)
    forced = free & theirs
    if forced:
        if forced & (forced - U(1)):
            return -2
        free = forced
    elif not free:
        return 0
    free &= ~(theirs >> U(1))  # beneath a cell that wins for them
    if not free:
        return -2
    if not free & (free - U(1)):
        out[0] = ctz(free) // HEIGHT
        return 1
    n = 0
    scores = 0  # of the moves in out, six bits each
    for k in range(COLUMNS):
        column = COLUMNS // 2 + (k // 2 if k % 2 == 0 else -(k // 2) - 1)
        stone = free & COLUMN[column]
        if stone:
            mine = s.me | stone
            score = popcount(threats(mine, s.taken | stone))
            at = n
            while at > 0 and (scores >> 6 * (at - 1)) & 63 < score:
                out[at] = out[at - 1]
                at -= 1
            below = scores & ((1 << 6 * at) - 1)
            scores = below | (score << 6 * at) | ((scores ^ below) << 6)
            out[at] = column
            n += 1
    return n


if MISERE or DRAWN:  # it takes a line for the only win, and for a win
    del best_first


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


def pieces(s):
    columns = [c.ljust(ROWS, ".") for c in _columns(s)]
    return ["".join(column[r] for column in columns) for r in range(ROWS - 1, -1, -1)]


def touched(s, a):
    return [(ROWS - 1 - len(_columns(s)[a]), a)]


def ended_by(s):
    return runs(pieces(s), CONNECT)


def render(s):
    return "\n".join([*(" ".join(row) for row in pieces(s)), " ".join(str(c + 1) for c in range(COLUMNS))])
