"""Hex: players place stones on a rhombus of hexagons; who joins their two edges has won, and one of both always does.

x moves first and joins top and bottom, o joins left and right. Cells are written as column letter and row number:

    a  b  c
    0  1  2  1
     3  4  5  2
      6  7  8  3

Parameters: size (11), 3-13; swap (0): with 1, o may answer x's first stone with `swap`, which makes it o's, mirrored at
the long diagonal so that it lies to o's edges as it lay to x's.
"""

import numpy as np

from games.bits import append_bits, ctz, popcount

PARAMS = globals().get("PARAMS", {})  # the loader's; none where this is imported as a module, by pydoc say
SIZE, SWAP = PARAMS.get("size", 11), PARAMS.get("swap", 0)
if not (3 <= SIZE <= 13 and SWAP in (0, 1)):
    raise ValueError("size 3-13, swap 0 or 1")

U, U1 = np.uint64, np.uint8
CELLS = SIZE * SIZE
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = CELLS + SWAP, CELLS + SWAP, CELLS + SWAP, (6 + SWAP, SIZE, SIZE)
LOGITS, POLICY = ACTIONS, (1, SWAP)
SYMMETRIES = 2  # half a turn; encode and policy_index take care of the other one, which changes sides
RULES_VERSION = 1
SGF = 11
WORDS = (CELLS + 63) // 64
BOARD = np.array([(1 << min(64, CELLS - 64 * w)) - 1 for w in range(WORDS)], np.uint64)
# Groups stand on a board with a border, of full vectors of 32 bytes: an edge is a group of its own, with a low number.
WIDE = SIZE + 2
AREA = -(-WIDE * WIDE // 32) * 32
FIRST, LAST = 1, 2
AT = np.array([WIDE * (a // SIZE + 1) + a % SIZE + 1 for a in range(CELLS)], np.uint64)
# By player, 0 is x: the stones, bit by bit; and for every cell the number of its group, the least among its stones', or
# 0 where there is no stone. Who is to move, and whether the last stone has won.
STATE = np.dtype([("stones", "u8", (2, WORDS)), ("groups", "u1", (2, AREA)), ("turn", "u4"), ("over", "u4")])
EDGES = np.zeros((2, AREA), np.uint8)
for i in range(1, SIZE + 1):
    EDGES[0, i], EDGES[0, WIDE * (SIZE + 1) + i] = FIRST, LAST
    EDGES[1, WIDE * i], EDGES[1, WIDE * i + SIZE + 1] = FIRST, LAST
ENDS = WIDE * (SIZE + 1) + 1, WIDE + SIZE + 1  # a cell of each player's last edge
# The board from the middle outwards.
AWAY = [abs(2 * (a // SIZE) - SIZE + 1) + abs(2 * (a % SIZE) - SIZE + 1) for a in range(CELLS)]
SPIRAL = np.argsort(AWAY, kind="stable")
LETTERS = "abcdefghijklm"[:SIZE]
GRID = "hexagons", LETTERS, [str(r + 1) for r in range(SIZE)]


def place(s, p, a):
    """Put a stone of player p on cell a and make one group of all that it touches."""
    cell = U(a)
    s.stones[p, cell >> U(6)] |= U(1) << (cell & U(63))
    groups, at, new = s.groups[p], AT[cell], U1(a + 3)
    b, c, d = groups[at - U(WIDE)], groups[at - U(WIDE - 1)], groups[at - U(1)]
    e, f, g = groups[at + U(1)], groups[at + U(WIDE - 1)], groups[at + U(WIDE)]
    b, c, d = b if b else new, c if c else new, d if d else new
    e, f, g = e if e else new, f if f else new, g if g else new
    least = min(min(min(b, c), min(d, e)), min(min(f, g), new))
    last = (b == LAST) | (c == LAST) | (d == LAST) | (e == LAST) | (f == LAST) | (g == LAST)
    if last and least == FIRST:
        s.over = 1
    for i in range(AREA):  # by vectors of the processor, which is sooner done than to follow the groups
        x = groups[i]
        joined = (x == b) | (x == c) | (x == d) | (x == e) | (x == f) | (x == g)
        groups[i] = least if joined else x
    groups[at] = least


def start(s):
    for p in range(2):
        for w in range(WORDS):
            s.stones[p, w] = 0
        for i in range(AREA):
            s.groups[p, i] = EDGES[p, i]
    s.turn = 0
    s.over = 0


def may_swap(s):
    """Whether o answers the first stone."""
    count = 0
    for w in range(WORDS):
        count += popcount(s.stones[0, w] | s.stones[1, w])
    return s.turn == 1 and count == 1


def legal(s, out):
    if s.over:
        return 0
    n = 0
    for w in range(WORDS):
        n = append_bits(out, n, BOARD[w] ^ (s.stones[0, w] | s.stones[1, w]), 64 * w)
    if SWAP and may_swap(s):
        out[n] = CELLS
        n += 1
    return n


def play(s, a):
    if SWAP and a == CELLS:
        cell = 0
        for w in range(WORDS):
            if s.stones[0, w]:
                cell = 64 * w + ctz(s.stones[0, w])
        start(s)
        place(s, 1, cell % SIZE * SIZE + cell // SIZE)
    else:
        place(s, s.turn, a)
        s.turn ^= 1


def outcome(s):
    return -1.0


def joins(groups, a):
    """Whether a stone on the free cell a joins both edges of the player whose groups these are."""
    at = AT[a]
    b, c, d = groups[at - U(WIDE)], groups[at - U(WIDE - 1)], groups[at - U(1)]
    e, f, g = groups[at + U(1)], groups[at + U(WIDE - 1)], groups[at + U(WIDE)]
    first = (b == FIRST) | (c == FIRST) | (d == FIRST) | (e == FIRST) | (f == FIRST) | (g == FIRST)
    last = (b == LAST) | (c == LAST) | (d == LAST) | (e == LAST) | (f == LAST) | (g == LAST)
    return first & last


def best_first(s, out):
    """The cell that stops a win, where there is one; else all, from the middle outwards."""
    if s.over:
        return 0
    me, other = s.groups[s.turn], s.groups[s.turn ^ 1]
    n, theirs, stop = 0, 0, 0
    for i in range(CELLS):
        a = SPIRAL[i]
        if not me[AT[a]] and not other[AT[a]]:
            if joins(me, a):
                return -1
            if joins(other, a):
                theirs += 1
                stop = a
            out[n] = a
            n += 1
    if theirs:
        out[0] = stop
        return 1 if theirs == 1 else -2
    if SWAP and may_swap(s):
        out[n] = CELLS
        n += 1
    return n


def encode(s, planes):
    """Stones, and those joined to either edge; turned over for o, so that the player to move joins top and bottom."""
    for p in range(2):
        who = s.turn ^ p
        for r in range(SIZE):
            for c in range(SIZE):
                group = s.groups[who, WIDE * (c + 1) + r + 1 if s.turn else WIDE * (r + 1) + c + 1]
                planes[p, r, c] = group > 0
                planes[2 + 2 * p, r, c] = group == FIRST
                planes[3 + 2 * p, r, c] = group == LAST
                if SWAP:
                    planes[6, r, c] = may_swap(s)


def policy_index(s, a):
    return a if s.turn == 0 or a == CELLS else a % SIZE * SIZE + a // SIZE


def transform(s, k, out):
    start(out)
    for p in range(2):
        for a in range(CELLS):
            if (s.stones[p, a >> 6] >> U(a & 63)) & U(1):
                place(out, p, CELLS - 1 - a)
    out.turn = s.turn
    return True


def transform_action(k, a):
    return a if a == CELLS else CELLS - 1 - a


def key(s):
    h = U(0)
    for p in range(2):
        for w in range(WORDS):
            h = (h ^ s.stones[p, w]) * U(0x9E3779B97F4A7C15)
            h ^= h >> U(29)
    return (h ^ U(s.turn)) * U(0x9E3779B97F4A7C15)


def format_action(s, a):
    return "swap" if a == CELLS else LETTERS[a % SIZE] + str(a // SIZE + 1)


def parse_action(s, text):
    text = text.strip().lower()
    if SWAP and text == "swap":
        return CELLS
    column, row = LETTERS.find(text[:1] or "?"), text[1:]
    if column < 0 or row not in [str(r + 1) for r in range(SIZE)]:
        more = ", or swap" if SWAP else ""
        raise ValueError(f"'{text}' is no cell: write a column a-{LETTERS[-1]} and a row 1-{SIZE}, such as b2{more}")
    return SIZE * (int(row) - 1) + column


def pieces(s):
    x, o = (sum(int(word) << 64 * w for w, word in enumerate(s.stones[p])) for p in range(2))
    cells = "".join("x" if x >> a & 1 else "o" if o >> a & 1 else "." for a in range(CELLS))
    return [cells[SIZE * r : SIZE * r + SIZE] for r in range(SIZE)]


def touched(s, a):
    return [] if a == CELLS else [divmod(a, SIZE)]


def ended_by(s):
    """A shortest chain of the winner's stones from edge to edge."""
    winner = 1 - int(s.turn)  # x's chain goes from the first row to the last, o's from the first column
    stones = {(r, c) for r, row in enumerate(pieces(s)) for c, piece in enumerate(row) if piece == "xo"[winner]}
    before = {cell: None for cell in sorted(stones) if cell[winner] == 0}
    reached = list(before)
    for cell in reached:
        if cell[winner] == SIZE - 1:
            chain = [cell]
            while before[chain[-1]]:
                chain.append(before[chain[-1]])
            return chain
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)):
            near = cell[0] + down, cell[1] + right
            if near in stones and near not in before:
                before[near] = cell
                reached.append(near)
    return []


def to_text(s):
    return "/".join(pieces(s)) + (" o" if s.turn else " x")


def from_text(text, s):
    board, turn = text[:-2], [" x", " o"].index(text[-2:]) if text[-2:] in (" x", " o") else -1
    o, more = board.count("o"), board.count("x") - board.count("o")
    rows_fit = [len(r) for r in board.split("/")] == [SIZE] * SIZE and not set(board) - set("xo./")
    if turn < 0 or not rows_fit or not (more == turn or (SWAP and o and more == turn - 1)):
        raise ValueError(f"'{text}' is no position: write rows of x o . from the top, and who moves, as in ../.. x")
    start(s)
    for a, stone in enumerate(board.replace("/", "")):
        if stone != ".":
            place(s, "xo".index(stone), a)
    if s.groups[turn, ENDS[turn]] == FIRST:
        raise ValueError(f"'{text}' is no position: the player to move has already won")
    s.turn = turn


def render(s):
    rows = [" " * r + f"{r + 1:>2}  " + " ".join(row) + f"  {r + 1}" for r, row in enumerate(pieces(s))]
    return "\n".join(["    " + " ".join(LETTERS), *rows, " " * SIZE + "    " + " ".join(LETTERS)])
