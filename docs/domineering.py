"""Domineering: players lay dominoes onto two free cells of a square board, the first player upright, the second flat.

Whoever cannot has lost. Parameter: size (6). A move is written as the domino's upper or left cell, a column letter and
a row number, such as b5. The record shows the board as the player to move sees it, whose dominoes all stand upright:
after each move it is mirrored at the diagonal from the upper left. Cells are numbered as bits are, from the upper left.
"""

import numpy as np

from games.bits import append_bits, popcount

SIZE = PARAMS.get("size", 6)
if not 2 <= SIZE <= 8:
    raise ValueError("size 2-8")

U = np.uint64
STATE = np.dtype([("taken", "u8")])
CELLS = SIZE * SIZE
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = CELLS, CELLS - SIZE, CELLS // 2, (1, SIZE, SIZE)
POLICY = (1, 0)
BOARD = U((1 << CELLS) - 1)


def turned(cells):
    """The board as the other player sees it."""
    found = U(0)
    for c in range(CELLS):
        found |= ((cells >> U(c)) & U(1)) << U(c % SIZE * SIZE + c // SIZE)
    return found


def start(s):
    s.taken = 0


def legal(s, out):
    free = BOARD & ~s.taken
    return append_bits(out, 0, free & (free >> U(SIZE)), 0)


def play(s, a):
    s.taken = turned(s.taken | (U(1) << U(a)) | (U(1) << U(a + SIZE)))


def outcome(s):
    return -1.0


NAMES = ["abcdefgh"[c] + str(SIZE - r) for r in range(SIZE) for c in range(SIZE)]


def _flat(s):
    """Whether the second player is to move: a domino takes two cells, so their number tells."""
    return popcount(s.taken) // 2 % 2 == 1


def format_action(s, a):
    return NAMES[a % SIZE * SIZE + a // SIZE if _flat(s) else a]


def parse_action(s, text):
    cell = text.strip().lower()
    for a in range(ACTIONS):
        if format_action(s, a) == cell:
            return a
    raise ValueError(f"'{text}' is no move: write the cell of the domino's {'left' if _flat(s) else 'upper'} half: b2")


def to_text(s):
    taken = int(turned(s.taken) if _flat(s) else s.taken)
    return "/".join("".join(".#"[taken >> SIZE * r + c & 1] for c in range(SIZE)) for r in range(SIZE))


def from_text(text, s):
    cells = text.replace("/", "")
    if [len(row) for row in text.split("/")] != [SIZE] * SIZE or set(cells) - set(".#") or cells.count("#") % 2:
        raise ValueError(f"'{text}' is no position: write {SIZE} rows of . and # from the top, an even number of #")
    s.taken = U(sum(1 << c for c in range(CELLS) if cells[c] == "#"))
    if _flat(s):
        s.taken = turned(s.taken)


def render(s):
    rows = [f"{SIZE - r}  {' '.join(row)}" for r, row in enumerate(to_text(s).split("/"))]
    return "\n".join([*rows, "   " + " ".join("abcdefgh"[:SIZE]), f"{'flat' if _flat(s) else 'upright'} to move"])


GRID = "marks", "abcdefgh"[:SIZE], "87654321"[8 - SIZE :]


def pieces(s):
    return to_text(s).split("/")


def touched(s, a):
    r, c = divmod(a, SIZE)
    return [(c, r), (c, r + 1)] if _flat(s) else [(r, c), (r + 1, c)]


def encode(s, planes):
    for c in range(CELLS):
        planes[0, c // SIZE, c % SIZE] = (s.taken >> U(c)) & U(1)


SYMMETRIES = 2  # as it is, and turned by half


def transform(s, k, out):
    taken = U(0)
    for c in range(CELLS):
        taken |= ((s.taken >> U(c)) & U(1)) << U(CELLS - 1 - c)
    out.taken = taken
    return True


def transform_action(k, a):
    return CELLS - 1 - (a + SIZE)
