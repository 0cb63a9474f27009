"""Gomoku: players place stones on a square board; five in a row, column or diagonal win, a full board draws.

x moves first. Parameters: size (15), 5-20; rule (free): with free, five or more win, with exact, five and no more do.
Columns are the letters from a on without a gap, so i is one of them; row 1 is the bottom one:

    2  15 16 17 ..
    1   0  1  2 ..
        a  b  c ..
"""

import numpy as np

from games.bits import append_bits, ctz
from games.grid import runs

PARAMS = globals().get("PARAMS", {})  # the loader's; none where this is imported as a module, by pydoc say
SIZE, RULE = PARAMS.get("size", 15), PARAMS.get("rule", "free")
if not (5 <= SIZE <= 20 and RULE in ("free", "exact")):
    raise ValueError("size 5-20, rule free or exact")

U, U4 = np.uint64, np.uint32
CELLS = SIZE * SIZE
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = CELLS, CELLS, CELLS, (8, SIZE, SIZE)
POLICY = (1, 0)
SYMMETRIES = 8
RULES_VERSION = 1
SGF = 4
# A player's stone stands in four words, one for each line through its cell: its row, its column and both diagonals,
# numbered in this order. So whether it makes five is seen in four words, whatever the size of the board.
COLUMN, RISING, FALLING, LINES = SIZE, 2 * SIZE, 4 * SIZE - 1, 6 * SIZE - 2
WORDS = (CELLS + 63) // 64
# The lines of x and of o, the free cells bit by bit, how many stones there are, and whether the last one has won.
STATE = np.dtype([("lines", "u4", (2, LINES)), ("free", "u8", (WORDS,)), ("stones", "u4"), ("over", "u4")])
BOARD = np.array([(1 << min(64, CELLS - 64 * w)) - 1 for w in range(WORDS)], np.uint64)
# The lines through a cell and its bit in each; back, a line's cells by bit; and which bits are on the board.
ROW, FILE = np.arange(CELLS) // SIZE, np.arange(CELLS) % SIZE
THROUGH = np.stack([ROW, COLUMN + FILE, RISING + SIZE - 1 + ROW - FILE, FALLING + ROW + FILE], 1).astype(np.int32)
BIT = np.stack([FILE, ROW, FILE, FILE], 1).astype(np.uint32)
CELL = np.zeros((LINES, SIZE), np.int32)
CELL[THROUGH, BIT] = np.arange(CELLS)[:, None]
ON_BOARD = np.zeros(LINES, np.uint32)
np.bitwise_or.at(ON_BOARD, THROUGH, U4(1) << BIT)
# The board from the middle outwards.
SPIRAL = np.argsort(np.maximum(abs(2 * ROW - SIZE + 1), abs(2 * FILE - SIZE + 1)), kind="stable").astype(np.int32)
LETTERS = "abcdefghijklmnopqrst"[:SIZE]
GRID = "points", LETTERS, [str(r) for r in range(SIZE, 0, -1)]
# IMAGE[k, c] is where cell c lands under the k-th symmetry of the square.
IMAGE = [np.flip(np.rot90(np.arange(CELLS).reshape(SIZE, SIZE), k % 4), [1] * (k // 4)).ravel() for k in range(8)]
IMAGE = np.argsort(np.array(IMAGE), axis=1).astype(np.int32)


def five(line):
    """The bits of a line where a run begins that wins."""
    pairs = line & (line >> U4(1))
    runs = pairs & (pairs >> U4(2)) & (line >> U4(4))
    return runs & ~((line << U4(1)) | (line >> U4(5))) if RULE == "exact" else runs


def wins(lines, a):
    """Whether a stone on cell a, there or not, stands in a run that wins."""
    r, c = U(a) // U(SIZE), U(a) % U(SIZE)
    row, column = U4(1) << U4(r), U4(1) << U4(c)
    found = five(lines[r] | column) | five(lines[U(COLUMN) + c] | row)
    found |= five(lines[U(RISING + SIZE - 1) + r - c] | column) | five(lines[U(FALLING) + r + c] | column)
    return found != 0


def place(s, p, a):
    """Put a stone of player p on cell a."""
    r, c = U(a) // U(SIZE), U(a) % U(SIZE)
    row, column = U4(1) << U4(r), U4(1) << U4(c)
    lines = s.lines[p]
    lines[r] |= column
    lines[U(COLUMN) + c] |= row
    lines[U(RISING + SIZE - 1) + r - c] |= column
    lines[U(FALLING) + r + c] |= column
    s.free[U(a) >> U(6)] ^= U(1) << (U(a) & U(63))
    s.stones += 1


def filled(mine, other, on_board, count):
    """The free cells of a line in a window of five that holds `count` stones, 2 to 4, all of them `mine`."""
    blocked = other | ~on_board
    shut = blocked | (blocked >> U4(1)) | (blocked >> U4(2)) | (blocked >> U4(3)) | (blocked >> U4(4))
    b, c, d, e = mine >> U4(1), mine >> U4(2), mine >> U4(3), mine >> U4(4)
    # The number of stones in each window, in binary: of the five bits ones, then carries.
    ones = mine ^ b ^ c
    carry = (mine & b) | (c & (mine ^ b))
    low = ones ^ d ^ e
    more = (ones & d) | (e & (ones ^ d))
    twos, fours = carry ^ more, carry & more
    windows = fours & ~low if count == 4 else (twos & low if count == 3 else twos & ~low) & ~fours
    windows &= ~shut
    cells = windows | (windows << U4(1)) | (windows << U4(2)) | (windows << U4(3)) | (windows << U4(4))
    return cells & ~(mine | other)


def winning(s, p, out):
    """Write the free cells where a stone of player p wins, at most two; returns how many."""
    n, first = 0, -1
    for i in range(LINES):
        cells = filled(s.lines[p, i], s.lines[1 - p, i], ON_BOARD[i], 4)
        while cells:
            a = CELL[i, ctz(cells)]
            cells &= cells - U4(1)
            if a != first and (RULE == "free" or wins(s.lines[p], a)):
                out[n] = a
                n += 1
                first = a
                if n == 2:
                    return n
    return n


def start(s):
    for i in range(LINES):
        s.lines[0, i] = 0
        s.lines[1, i] = 0
    for w in range(WORDS):
        s.free[w] = BOARD[w]
    s.stones = 0
    s.over = 0


def legal(s, out):
    n = 0
    if not s.over:
        for w in range(WORDS):
            n = append_bits(out, n, s.free[w], 64 * w)
    return n


def play(s, a):
    player = s.stones & 1
    s.over = wins(s.lines[player], a)
    place(s, player, a)


def outcome(s):
    return -1.0 if s.over else 0.0


def encode(s, planes):
    """Stones, and the free cells where one more makes five, four or three of a window; the player to move first."""
    for p in range(2):
        mine, other = s.lines[(s.stones + p) & 1], s.lines[(s.stones + p + 1) & 1]
        for c in range(SIZE):
            for r in range(SIZE):
                planes[p, r, c] = (mine[r] >> U4(c)) & U4(1)
                planes[2 + p, r, c] = planes[4 + p, r, c] = planes[6 + p, r, c] = 0
        for i in range(LINES):
            for count in range(2, 5):
                cells = filled(mine[i], other[i], ON_BOARD[i], count)
                while cells:
                    a = CELL[i, ctz(cells)]
                    cells &= cells - U4(1)
                    if RULE == "free" or count < 4 or wins(mine, a):
                        planes[10 - 2 * count + p, a // SIZE, a % SIZE] = 1


def best_first(s, out):
    """The cell that stops a win, where there is one; else all, from the middle outwards."""
    player = s.stones & 1
    if winning(s, player, out):
        return -1
    theirs = winning(s, 1 - player, out)
    if theirs:
        return 1 if theirs == 1 else -2
    n = 0
    for i in range(CELLS):
        a = SPIRAL[i]
        if (s.free[a >> 6] >> U(a & 63)) & U(1):
            out[n] = a
            n += 1
    return n


def transform(s, k, out):
    start(out)
    for p in range(2):
        for a in range(CELLS):
            if (s.lines[p, a // SIZE] >> U4(a % SIZE)) & U4(1):
                place(out, p, IMAGE[k, a])
    out.over = s.over
    return True


def transform_action(k, a):
    return IMAGE[k, a]


def format_action(s, a):
    return LETTERS[a % SIZE] + str(a // SIZE + 1)


def parse_action(s, text):
    text = text.strip().lower()
    column, row = LETTERS.find(text[:1] or "?"), text[1:]
    if column < 0 or row not in [str(r + 1) for r in range(SIZE)]:
        raise ValueError(f"'{text}' is no cell: write a column a-{LETTERS[-1]} and a row 1-{SIZE}, such as c3")
    return SIZE * (int(row) - 1) + column


def pieces(s):
    x, o = ([int(line) for line in s.lines[p, :SIZE][::-1]] for p in range(2))
    return ["".join("x" if x[r] >> c & 1 else "o" if o[r] >> c & 1 else "." for c in range(SIZE)) for r in range(SIZE)]


def touched(s, a):
    return [(SIZE - 1 - a // SIZE, a % SIZE)]


def ended_by(s):
    return runs(pieces(s), 5, 5 if RULE == "exact" else None)


def to_text(s):
    return "/".join(pieces(s))


def from_text(text, s):
    rows, more = text.split("/")[::-1], text.count("x") - text.count("o")
    if [len(r) for r in rows] != [SIZE] * SIZE or set(text) - set("xo./") or more not in (0, 1):
        raise ValueError(f"'{text}' is no position: write {SIZE} rows of x o . from the top, x moving first, as ../.x")
    start(s)
    for a, stone in enumerate("".join(rows)):
        if stone != ".":
            place(s, "xo".index(stone), a)
    if any(five(line) for line in s.lines[more]):
        raise ValueError(f"'{text}' is no position: the player to move has already won")
    s.over = any(five(line) for line in s.lines[1 - more])


def render(s):
    rows = [f"{SIZE - r:>2}  " + " ".join(row) for r, row in enumerate(pieces(s))]
    return "\n".join([*rows, "    " + " ".join(LETTERS)])
