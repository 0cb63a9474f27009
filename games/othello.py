"""Othello: a disc turns the opponent's that it encloses; who has more discs when neither side can move has won.

x (black) moves first. A move must turn discs, in any of the eight directions; who has no move passes, and only then.
Parameter: size (8), 6 or 8. Cells are numbered as bits are; players write column letter and row number, or `pass`:

    1   0  1  2 ..
    2   8  9 10 ..
    :
        a  b  c ..
"""

import numpy as np

from games.bits import append_bits, ctz, popcount

PARAMS = globals().get("PARAMS", {})  # the loader's; none where this is imported as a module, by pydoc say
SIZE = PARAMS.get("size", 8)
if SIZE not in (6, 8):
    raise ValueError("size 6 or 8")

U = np.uint64
# Discs of the player to move and of the opponent, the cells where the player may put one, and who is to move, 0 for x.
STATE = np.dtype([("me", "u8"), ("other", "u8"), ("moves", "u8"), ("turn", "u8")])
CELLS = SIZE * SIZE
PASS = CELLS
ACTIONS, MAX_LEGAL, PLANES = CELLS + 1, CELLS - 4, (6, SIZE, SIZE)
MAX_PLIES = 2 * (CELLS - 4) - 1  # no two passes without a disc between them
POLICY = (1, 1)
SYMMETRIES = 8
PROOF_NODES = 120
RULES_VERSION = 1
SGF = 2
GRID = "discs", "abcdefgh"[:SIZE], "12345678"[:SIZE]
BOARD = U((1 << CELLS) - 1)
# Lines with a sideways step do not leave the board, and enclose nothing on its outer columns.
INNER = U(sum(1 << a for a in range(CELLS) if 0 < a % SIZE < SIZE - 1))
LEFT = U(sum(1 << a for a in range(0, CELLS, SIZE)))
RIGHT = LEFT << U(SIZE - 1)
MIDDLE = CELLS // 2 + SIZE // 2  # the lower right of the four cells in the middle
# IMAGE[k, c] is where cell c lands under the k-th symmetry of the square.
IMAGE = [np.flip(np.rot90(np.arange(CELLS).reshape(SIZE, SIZE), k % 4), [1] * (k // 4)).ravel() for k in range(8)]
IMAGE = np.argsort(np.array(IMAGE), axis=1).astype(np.int32)


def up(line, begin, step):
    """What of `line` is reached from `begin` without a gap, by steps towards higher bits."""
    run = line & (begin << U(step))
    run |= line & (run << U(step))
    pair = line & (line << U(step))
    run |= pair & (run << U(2 * step))
    return run | (pair & (run << U(2 * step)))


def down(line, begin, step):
    """The same towards lower bits."""
    run = line & (begin >> U(step))
    run |= line & (run >> U(step))
    pair = line & (line >> U(step))
    run |= pair & (run >> U(2 * step))
    return run | (pair & (run >> U(2 * step)))


def beyond(line, me, step):
    """The cells next after the runs of `line` that begin beside `me`."""
    return (up(line, me, step) << U(step)) | (down(line, me, step) >> U(step))


def reach(me, other):
    """The cells where a disc of `me` would turn some of `other`."""
    inner = other & INNER
    found = beyond(inner, me, 1) | beyond(inner, me, SIZE - 1) | beyond(inner, me, SIZE + 1)
    return (found | beyond(other, me, SIZE)) & (BOARD ^ (me | other))


def enclosed(line, me, disc, step):
    """The runs of `line` between a new disc and `me`."""
    above, below = up(line, disc, step), down(line, disc, step)
    above = above if (above << U(step)) & me else U(0)
    below = below if (below >> U(step)) & me else U(0)
    return above | below


def start(s):
    s.me = U(1) << U(MIDDLE - SIZE) | U(1) << U(MIDDLE - 1)
    s.other = U(1) << U(MIDDLE - SIZE - 1) | U(1) << U(MIDDLE)
    s.moves = reach(s.me, s.other)
    s.turn = 0


def legal(s, out):
    if s.moves:
        return append_bits(out, 0, s.moves, 0)
    if not reach(s.other, s.me):
        return 0
    out[0] = PASS
    return 1


def play(s, a):
    me, other = s.me, s.other
    if a != PASS:
        disc = U(1) << U(a)
        inner = other & INNER
        turned = enclosed(inner, me, disc, 1) | enclosed(inner, me, disc, SIZE - 1)
        turned |= enclosed(other, me, disc, SIZE) | enclosed(inner, me, disc, SIZE + 1)
        me |= disc | turned
        other ^= turned
    s.me = other
    s.other = me
    s.moves = reach(other, me)
    s.turn ^= U(1)


def outcome(s):
    more = popcount(s.me) - popcount(s.other)
    return 1.0 if more > 0 else -1.0 if more < 0 else 0.0


def beside(cells):
    """The cells next to `cells`, in any direction, and `cells` themselves."""
    wide = cells | ((cells & ~RIGHT) << U(1)) | ((cells & ~LEFT) >> U(1))
    return (wide | (wide << U(SIZE)) | (wide >> U(SIZE))) & BOARD


def encode(s, planes):
    """Discs, moves if it were to move, and discs with a free neighbour of each side, the one to move first."""
    me, other = s.me, s.other
    replies, open_cells = reach(other, me), beside(BOARD ^ (me | other))
    for a in range(CELLS):
        r, c, at = a // SIZE, a % SIZE, U(a)
        planes[0, r, c] = (me >> at) & U(1)
        planes[1, r, c] = (other >> at) & U(1)
        planes[2, r, c] = (s.moves >> at) & U(1)
        planes[3, r, c] = (replies >> at) & U(1)
        planes[4, r, c] = ((me & open_cells) >> at) & U(1)
        planes[5, r, c] = ((other & open_cells) >> at) & U(1)


def image(cells, k):
    found = U(0)
    while cells:
        found |= U(1) << U(IMAGE[k, ctz(cells)])
        cells &= cells - U(1)
    return found


def transform(s, k, out):
    out.me = image(s.me, k)
    out.other = image(s.other, k)
    out.moves = image(s.moves, k)
    out.turn = s.turn
    return True


def transform_action(k, a):
    return a if a == PASS else IMAGE[k, a]


def format_action(s, a):
    return "pass" if a == PASS else "abcdefgh"[a % SIZE] + str(a // SIZE + 1)


def parse_action(s, text):
    text = text.strip().lower()
    if text == "pass":
        return PASS
    column, row = "abcdefgh"[:SIZE].find(text[:1] or "?"), "12345678"[:SIZE].find(text[1:] or "?")
    if column < 0 or row < 0 or len(text) != 2:
        raise ValueError(f"'{text}' is no cell: write a column a-{'abcdefgh'[SIZE - 1]} and a row 1-{SIZE}, or pass")
    return SIZE * row + column


def pieces(s):
    x, o = (int(s.other), int(s.me)) if s.turn else (int(s.me), int(s.other))
    cells = "".join("x" if x >> a & 1 else "o" if o >> a & 1 else "." for a in range(CELLS))
    return [cells[SIZE * r : SIZE * r + SIZE] for r in range(SIZE)]


def touched(s, a):
    return [] if a == PASS else [divmod(a, SIZE)]


def to_text(s):
    return "/".join(pieces(s)) + (" o" if s.turn else " x")


def from_text(text, s):
    board, turn = text[:-2], text[-2:]
    if [len(r) for r in board.split("/")] != [SIZE] * SIZE or set(board) - set("xo./") or turn not in (" x", " o"):
        raise ValueError(f"'{text}' is no position: write {SIZE} rows of x o . from the top, who moves last: .../.x. o")
    x, o = (sum(1 << a for a, disc in enumerate(board.replace("/", "")) if disc == mark) for mark in "xo")
    s.me, s.other = (o, x) if turn == " o" else (x, o)
    s.moves = reach(s.me, s.other)
    s.turn = turn == " o"


def render(s):
    columns = "  " + " ".join("abcdefgh"[:SIZE])
    return "\n".join([columns, *(f"{r + 1} " + " ".join(row) for r, row in enumerate(pieces(s)))])
