"""Perft: how many lines of each length the rules allow, against counts known elsewhere."""

import pytest

from games.loader import load
from games.rules import rules

TICTACTOE = [1, 9, 72, 504, 3024, 15120, 54720, 148176, 200448, 127872]
# John Tromp's and others' published counts of Connect Four move sequences.
CONNECT4 = [1, 7, 49, 343, 2401, 16807, 117649, 823536, 5673234, 39394572]
# Aart Bik's and others' counts; from 9 plies on with passes, which end below what is published: see below.
OTHELLO = [1, 4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288]
# Counted with OpenSpiel's rules.
BREAKTHROUGH, BREAKTHROUGH6 = [1, 22, 484, 11132, 256036], [1, 16, 256, 4308, 71478, 1248290]
HEX3 = [1, 9, 72, 504, 3024, 15120, 54720, 146880, 207360, 120960]
HEX3_SWAP = [1, 9, 81, 576, 3528, 18144, 69840, 201600, 354240, 328320, 120960]
COUNTS = {
    "tictactoe": TICTACTOE,
    "connect4": CONNECT4,
    "othello": OTHELLO,
    "breakthrough": BREAKTHROUGH,
    "breakthrough:size=6": BREAKTHROUGH6,
    "hex:size=3": HEX3,
    "hex:size=3,swap=1": HEX3_SWAP,
}


@pytest.mark.parametrize(("name", "counts"), COUNTS.items())
def test_counts(name, counts):
    compiled = rules(load(name))
    assert [compiled.perft(compiled.first(), depth) for depth in range(len(counts))] == counts


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "published", "over"), [(10, 24571284, 228), (11, 212258572, 356)])
def test_othello_further(depth, published, over):
    """The published counts let a side pass once after the end: 228 games are over at 9 plies, 356 at 10."""
    compiled = rules(load("othello"))
    assert compiled.perft(compiled.first(), depth) == published - over


def test_nothing_goes_on_after_the_last_ply():
    compiled = rules(load("tictactoe"))
    assert compiled.perft(compiled.first(), 10) == 0


def plain_perft(game, state, depth):
    if depth == 0:
        return 1
    out = [0] * game.max_legal
    total = 0
    count = game.legal(game.record(state), out)
    for action in out[:count]:
        after = state.copy()
        game.play(game.record(after), action)
        total += plain_perft(game, after, depth - 1)
    return total


SMALL = ["tictactoe", "connect4", "connect4:rows=2,columns=3,connect=2", "othello:size=6", "hex:size=3,swap=1"]


@pytest.mark.parametrize("name", SMALL)
def test_plain_python_counts_the_same(name):
    game = load(name)
    compiled = rules(game)
    for depth in range(5):
        assert plain_perft(game, compiled.first(), depth) == compiled.perft(compiled.first(), depth)
