"""Budgets, early stop, repeatability, threads, clocks and stop signals."""

import random
from itertools import count

import numpy as np
import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import lines_of, random_position, searcher, tree_of

MODES = [{"mode": "search"}, {"mode": "hybrid", "leaves": 1}, {"mode": "hybrid", "leaves": 8}, {"mode": "hybrid"}]


def same(a, b):
    fields = ("action", "pv", "wdl", "simulations", "evaluations", "proven", "plies", "planned")
    assert [getattr(a, name) for name in fields] == [getattr(b, name) for name in fields]
    for name in ("visits", "q", "prior", "policy", "proofs"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("settings", [*MODES, {"mode": "search", "threads": 2}, {"mode": "auto"}], ids=str)
def test_a_counted_budget_repeats_exactly(settings):
    game = load("connect4")
    games = []
    for _ in range(2):
        search, position, results = searcher(game, **settings, seed=5, temperature=0.7), Position(game), []
        for _ in range(6):
            results.append(search.run(position, simulations=700))
            position.play(results[-1].action)
        games.append(results)
    for a, b in zip(*games, strict=True):
        same(a, b)


def test_seeds_differ():
    game = load("connect4")
    visits = {searcher(game, seed=seed).run(Position(game), simulations=500).visits.tobytes() for seed in range(8)}
    assert len(visits) == 8


@pytest.mark.parametrize("settings", MODES, ids=str)
def test_early_stop_does_not_change_the_move(settings):
    game, choose = load("connect4"), random.Random(4)
    saved = 0
    for seed in range(12):
        position = random_position(game, choose, 10)
        whole, early = (
            searcher(game, **settings, seed=seed, solve=False, early_stop=stop).run(position, simulations=1500)
            for stop in (False, True)
        )
        assert whole.simulations == 1500
        assert early.simulations <= 1500
        assert early.action == whole.action
        saved += 1500 - early.simulations
    assert saved > 0


def test_a_proven_root_ends_the_search():
    game = load("tictactoe")
    result = searcher(game).run(Position.from_text(game, "xx.oo...."), simulations=100_000)
    assert (result.proven, result.plies, result.move) == (1, 1, "c1")
    assert result.simulations < 1000


def test_a_single_move_needs_no_search():
    game = load("tictactoe")
    result = searcher(game).run(Position.from_text(game, "xoxxooox."), simulations=100_000)
    assert result.move == "c3"
    assert result.simulations < 1000


@pytest.mark.parametrize("mode", ["search", "hybrid", "auto"])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_simulations_are_those_of_the_move_whatever_the_threads(mode, threads):
    game = load("connect4")
    for budget in ({"simulations": 91}, {"simulations": 91, "seconds": 60}, {"simulations": 2}, {"simulations": 1}):
        search = searcher(game, mode, threads=threads, early_stop=False, solve=False, threshold=1)
        result = search.run(Position(game), **budget)
        assert result.simulations == budget["simulations"]
        shares = [int(tree.nodes[0, 0]["visits"]) for tree in search.trees]
        assert (sum(shares), len(shares)) == (result.simulations, threads)
        assert max(shares) - min(shares) <= (10 if "seconds" in budget else 2)
        own = 0 if mode == "search" else sum(share > 0 for share in shares)  # each root's own evaluation
        assert result.visits.sum() == result.simulations - own


@pytest.mark.parametrize("mode", ["net", "value"])
def test_a_ply_or_less_of_search_is_the_same_on_any_threads(mode):
    game = load("connect4")
    results = [searcher(game, mode, threads=threads).run(Position(game)) for threads in (1, 3)]
    same(*results)


def test_threads_grow_different_trees_and_merge_them():
    game = load("connect4")
    for mode in ("search", "hybrid"):
        search = searcher(game, mode, threads=2, early_stop=False)
        result = search.run(Position(game), simulations=300)
        trees = [lines_of(tree_of(search, i)) for i in range(2)]
        assert trees[0] != trees[1]
        for action, visits, q in zip(result.actions, result.visits, result.q, strict=True):
            nodes = [tree[(int(action),)] for tree in trees]
            assert visits == sum(node[0] for node in nodes)
            assert q == pytest.approx(sum(node[8] for node in nodes) / visits)


@pytest.mark.parametrize("mode", ["search", "net", "value", "hybrid", "auto"])
@pytest.mark.parametrize("seconds", [0.02, 1e-9])
def test_a_clock_always_answers(mode, seconds):
    game = load("connect4")
    search, position = searcher(game, mode), Position(game)
    for _ in range(3):
        result = search.run(position, seconds=seconds)
        assert result.action in position.legal()
        assert result.simulations > 0
        position.play(result.action)


@pytest.mark.parametrize("mode", ["search", "hybrid", "auto"])
@pytest.mark.parametrize("budget", [{"simulations": 10**7}, {"seconds": 600}], ids=str)
def test_stop(mode, budget):
    game = load("connect4")
    for calls in (0, 3):
        counter = count()
        search = searcher(game, mode, early_stop=False, threshold=1)
        result = search.run(Position(game), **budget, stop=lambda counter=counter, calls=calls: next(counter) >= calls)
        assert 0 < result.simulations < 10**6
        assert next(counter) == calls + 1


def test_by_steps():
    """start, advance, result: the steps that run is made of."""
    game = load("connect4")
    search = searcher(game, early_stop=False)
    search.start(Position(game))
    with pytest.raises(TandemError, match="no simulation has run"):
        search.result()
    assert [search.advance(n) for n in (1, 0, 99)] == [1, 0, 99]
    same(search.result(), searcher(game, early_stop=False).run(Position(game), simulations=100))
