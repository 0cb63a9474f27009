"""Where each piece attacks from each square, as tables made by the slow and obvious walk over the board.

A square is a number, a1 = 0, b1 = 1, ... h8 = 63, and a set of squares a uint64 with a bit for each. Sliding pieces
are looked up by line: `chess_moves.slide` finds what is attacked along one of them.
"""

import numpy as np

U = np.uint64
STRAIGHT, ASLANT = ((0, 1), (1, 0), (0, -1), (-1, 0)), ((1, 1), (1, -1), (-1, -1), (-1, 1))
JUMPS = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))
WAYS = (*STRAIGHT, *ASLANT)  # files and ranks that one step of each of a queen's eight directions goes


def walk(square, step, most=7):
    """The squares from `square` on by `step`, nearest first, until the edge or for `most` steps."""
    column, row = square % 8, square // 8
    found = []
    for n in range(1, most + 1):
        x, y = column + n * step[0], row + n * step[1]
        if not (0 <= x < 8 and 0 <= y < 8):
            break
        found.append(8 * y + x)
    return found


def bits(squares):
    """A board of these squares."""
    return sum(1 << square for square in set(squares))


def steps(ways, most=1):
    """For each square the set that is reached on an empty board by up to `most` of these steps."""
    return np.array([bits(q for way in ways for q in walk(square, way, most)) for square in range(64)], np.uint64)


KNIGHT, KING = steps(JUMPS), steps(WAYS)
# What a pawn of the player to move attacks, and from where such a pawn attacks.
PAWN, PAWN_FROM = steps(((-1, 1), (1, 1))), steps(((-1, -1), (1, -1)))
FILE, RISING, FALLING = (steps(ways, 7) for ways in (STRAIGHT[::2], ASLANT[::2], ASLANT[1::2]))


def _rank():
    """RANK[file * 64 + taken]: the first rank's squares that a rook on `file` attacks; `taken` are those of b-g."""
    table = np.zeros(8 * 64, np.uint64)
    for at in range(8 * 64):
        file, taken = at // 64, at % 64 << 1
        for way in STRAIGHT[1::2]:
            for square in walk(file, way):
                table[at] |= U(1 << square)
                if taken >> square & 1:
                    break
    return table


def _lines():
    """The squares between any two on one line, and that whole line; empty for others."""
    between, line = np.zeros((64, 64), np.uint64), np.zeros((64, 64), np.uint64)
    for square in range(64):
        for x, y in WAYS:
            ray = walk(square, (x, y))
            whole = bits([square, *ray, *walk(square, (-x, -y))])
            for n, other in enumerate(ray):
                between[square, other], line[square, other] = bits(ray[:n]), whole
    return between, line


RANK = _rank()
BETWEEN, LINE = _lines()


def _channels():
    """CHANNEL[from * 64 + to]: 7 * direction + distance - 1 for a queen's moves, from 56 on a knight's; else -1."""
    table = np.full(64 * 64, -1, np.int16)
    for square in range(64):
        for way, step in enumerate(WAYS):
            for n, other in enumerate(walk(square, step)):
                table[64 * square + other] = 7 * way + n
        for way, step in enumerate(JUMPS):
            for other in walk(square, step, 1):
                table[64 * square + other] = 56 + way
    return table


CHANNEL = _channels()
