"""Moves to choose from: a root that has no others, in every mode, and a tree that is kept where it may be."""

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import searcher

GAME = load("tictactoe")
# x (first) wins by c1 at once; b3 holds nothing.
WON = ["a1", "a2", "b1", "b2"]


def actions(*moves):
    position = Position(GAME)
    return [position.game.parse_action(position.state, move) for move in moves]


@pytest.mark.parametrize("mode", ["search", "hybrid", "net", "value", "auto"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("budget", [{"simulations": 1}, {"simulations": 60}, {"seconds": 0.01}])
def test_only_these_are_searched(mode, threads, budget):
    search = searcher(GAME, mode, threads=threads)
    chosen = actions("c3", "b3", "c2")
    result = search.run(Position.from_moves(GAME, WON), moves=chosen, **budget)
    assert sorted(result.actions) == sorted(chosen)
    assert result.action in chosen
    assert result.prior.sum() == pytest.approx(1)
    assert -1 <= result.value <= 1
    assert result.proven != 1


def test_proofs_are_those_of_the_moves_that_are_left():
    position = Position.from_moves(GAME, WON)
    search = searcher(GAME, early_stop=False)  # one move alone would need no search
    assert search.run(position, simulations=500).proven == 1
    held = search.run(position, simulations=500, moves=actions("c2"))
    assert held.proven == 0
    worse = search.run(position, simulations=500, moves=actions("a3", "b3"))
    assert worse.proven == -1
    assert worse.plies == 2
    assert search.run(position, simulations=500).proven == 1
    for result in (held, worse):
        assert set(result.proofs) == {result.proven}


def test_what_is_left_is_kept_and_what_is_new_is_not():
    def visits():
        return search.trees[0].nodes[0, 0]["visits"]

    position, search = Position(GAME), searcher(GAME, early_stop=False, solve=False)
    search.run(position, simulations=900)
    search.run(position, simulations=1, moves=actions("a1", "b2", "c3"))
    assert 100 < visits() < 900, "those of the moves that are gone are gone"
    children = search.trees[0].children()
    assert visits() == children["visits"].sum()
    assert search.trees[0].nodes[0, 0]["value"] == pytest.approx(-children["value"].sum())
    before = visits()
    search.run(position, simulations=1, moves=actions("a1", "b2"))
    assert visits() < before
    search.run(position, simulations=1, moves=actions("a1", "b1"))
    assert visits() <= 1, "of b1 it knew nothing"
    search.run(position, simulations=300, moves=actions("a1", "b1"))
    assert 300 <= visits() <= 301
    position.play(actions("a1")[0])
    search.run(position, simulations=1)
    assert 50 < visits() < 300, "a move later all moves are there again"
    assert len(search.trees[0].children()) == 8


def test_moves_that_are_none():
    search = searcher(GAME)
    with pytest.raises(TandemError, match="none of the moves to choose from is legal"):
        search.run(Position.from_moves(GAME, WON), simulations=5, moves=actions("a1"))
    result = search.run(Position.from_moves(GAME, WON), simulations=5, moves=actions("a1", "c2"))
    assert list(result.actions) == actions("c2")
