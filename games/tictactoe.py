"""Tic-tac-toe: players alternate marks on a 3x3 board; three in a row, column or diagonal wins, a full board draws.

Cells are numbered as actions are and as bits are; players write them as column letter and row number:

    3   6 7 8
    2   3 4 5
    1   0 1 2
        a b c
"""

import numpy as np

from games.grid import runs

U = np.uint16
STATE = np.dtype([("me", "u2"), ("other", "u2")])  # marks of the player to move, and of the opponent
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = 9, 9, 9, (2, 3, 3)
LINES = np.array([0o007, 0o070, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124], np.uint16)
# IMAGE[k, c] is where cell c lands under the k-th symmetry of the square.
SYMMETRIES = 8
IMAGE = np.array([np.flip(np.rot90(np.arange(9).reshape(3, 3), k % 4), [1] * (k // 4)).ravel() for k in range(8)])
IMAGE = np.argsort(IMAGE, axis=1).astype(np.int32)
RULES_VERSION = 1
GRID = "marks", "abc", "321"


def won(marks):
    for line in LINES:  # noqa: SIM110 - Numba compiles no generators
        if marks & line == line:
            return True
    return False


def start(s):
    s.me = 0
    s.other = 0


def legal(s, out):
    if won(s.other):
        return 0
    n = 0
    for c in range(9):
        if not ((s.me | s.other) >> U(c)) & U(1):
            out[n] = c
            n += 1
    return n


def play(s, a):
    marks = s.me | (U(1) << U(a))
    s.me = s.other
    s.other = marks


def outcome(s):
    return -1.0 if won(s.other) else 0.0


def encode(s, planes):
    for c in range(9):
        planes[0, c // 3, c % 3] = (s.me >> U(c)) & U(1)
        planes[1, c // 3, c % 3] = (s.other >> U(c)) & U(1)


def transform(s, k, out):
    me = U(0)
    other = U(0)
    for c in range(9):
        me |= ((s.me >> U(c)) & U(1)) << U(IMAGE[k, c])
        other |= ((s.other >> U(c)) & U(1)) << U(IMAGE[k, c])
    out.me = me
    out.other = other
    return True


def transform_action(k, a):
    return IMAGE[k, a]


def format_action(s, a):
    return "abc"[a % 3] + "123"[a // 3]


def parse_action(s, text):
    text = text.strip().lower()
    if len(text) != 2 or text[0] not in "abc" or text[1] not in "123":
        raise ValueError(f"'{text}' is no cell: write a column a-c and a row 1-3, such as b2")
    return "abc".index(text[0]) + 3 * "123".index(text[1])


def to_text(s):
    """Nine characters, x moved first: bottom row first."""
    me, other = int(s.me), int(s.other)
    first, second = (me, other) if me.bit_count() == other.bit_count() else (other, me)
    return "".join("x" if first >> c & 1 else "o" if second >> c & 1 else "." for c in range(9))


def from_text(text, s):
    if len(text) != 9 or set(text) - set("xo.") or text.count("x") - text.count("o") not in (0, 1):
        raise ValueError(f"'{text}' is no tic-tac-toe position: write nine of x o . from a1 to c3, x moving first")
    x, o = (sum(1 << c for c in range(9) if text[c] == mark) for mark in "xo")
    s.me, s.other = (x, o) if text.count("x") == text.count("o") else (o, x)


def pieces(s):
    cells = to_text(s)
    return [cells[6:], cells[3:6], cells[:3]]


def touched(s, a):
    return [(2 - a // 3, a % 3)]


def ended_by(s):
    return runs(pieces(s), 3)


def render(s):
    rows = [f"{3 - r}  " + " ".join(row) for r, row in enumerate(pieces(s))]
    return "\n".join([*rows, "   a b c"])
