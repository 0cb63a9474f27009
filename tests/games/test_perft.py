"""Perft: how many lines of each length the rules allow, against counts known elsewhere."""

import pytest

from games.loader import load
from games.rules import rules

TICTACTOE = [1, 9, 72, 504, 3024, 15120, 54720, 148176, 200448, 127872]
# John Tromp's and others' published counts of Connect Four move sequences.
CONNECT4 = [1, 7, 49, 343, 2401, 16807, 117649, 823536, 5673234, 39394572]


@pytest.mark.parametrize(("name", "counts"), [("tictactoe", TICTACTOE), ("connect4", CONNECT4)])
def test_counts(name, counts):
    compiled = rules(load(name))
    assert [compiled.perft(compiled.first(), depth) for depth in range(len(counts))] == counts


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


@pytest.mark.parametrize("name", ["tictactoe", "connect4", "connect4:rows=2,columns=3,connect=2"])
def test_plain_python_counts_the_same(name):
    game = load(name)
    compiled = rules(game)
    for depth in range(5):
        assert plain_perft(game, compiled.first(), depth) == compiled.perft(compiled.first(), depth)
