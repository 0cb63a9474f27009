"""Positions searched together come out as each does by itself."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import lockstep
from engine.evalcache import EvalCache
from engine.lockstep import Lockstep, search_together
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import SMALL, FakeNet, random_position
from tests.selfplay.helpers import CHASE, STONES, write_game


def games(folder: Path) -> list:
    chase, stones = (load(write_game(folder, name, text)) for name, text in (("chase", CHASE), ("stones", STONES)))
    return [load("tictactoe"), load("connect4"), chase, stones]


@pytest.mark.parametrize("mode", ["net", "value", "hybrid"])
@pytest.mark.parametrize("which", range(4), ids=["tictactoe", "connect4", "chase", "stones"])
def test_together_as_alone(which, mode, tmp_path):
    game, choose = games(tmp_path)[which], random.Random(which)
    positions = [random_position(game, choose, 12) for _ in range(30)]
    net = FakeNet(game, 3)
    settings = Settings(mode, memory=SMALL, early_stop=False)
    budgets = (7, 40) if mode == "hybrid" else (1,)
    together = search_together(game, settings, net, positions, budgets)
    for budget, results in zip(budgets, together, strict=True):
        for position, result in zip(positions, results, strict=True):
            alone = Search(game, settings, net).run(position, simulations=budget)
            assert (result.action, result.pv, result.proven) == (alone.action, alone.pv, alone.proven)
            assert result.visits.tolist() == alone.visits.tolist()
            assert np.array_equal(result.q, alone.q, equal_nan=True)
            assert result.wdl == alone.wdl
            assert result.simulations == alone.simulations
            assert result.evaluations >= alone.evaluations > 0  # which remembers what it asked before
            assert (result.mode, result.planned) == (alone.mode, alone.planned)


def test_small_memory_changes_nothing(monkeypatch):
    game, choose = load("connect4"), random.Random(5)
    positions = [random_position(game, choose, 30) for _ in range(40)]
    net, settings = FakeNet(game, 1), Settings("hybrid", memory=SMALL)
    (together,) = search_together(game, settings, net, positions, (200,))
    asked = []
    monkeypatch.setattr(lockstep, "MOST_TOGETHER", 7)
    evaluate = net.evaluate
    net.evaluate = lambda planes, *out: asked.append(len(planes)) or evaluate(planes, *out)
    (apart,) = search_together(game, settings, net, positions, (200,))
    assert [r.visits.tolist() for r in apart] == [r.visits.tolist() for r in together]
    assert max(asked) == 7


@pytest.mark.parametrize(
    ("name", "plies", "budgets"),
    [
        ("tictactoe", 6, (1, 100, 65, 700, 130, 1100, 20, 64)),
        ("connect4", 30, (1, 100, 65, 700, 130, 1100, 20, 64)),
        pytest.param("chess", 60, (1000, 20, 70, 1), marks=pytest.mark.slow),  # 1000: it looks for wins first
    ],
)
def test_places_are_entered_and_left_at_any_time(name, plies, budgets):
    game, choose = load(name), random.Random(7)
    net, settings = FakeNet(game, 2), Settings("hybrid")
    trees = Lockstep(game, settings, net, 3, 1200, cache=EvalCache(game, 1 << 20))
    waiting = [(random_position(game, choose, plies), budget) for budget in budgets]
    inside, seen = {}, 0
    while waiting or inside:
        for place in set(range(3)) - set(inside):
            if waiting:
                inside[place] = waiting.pop()
                trees.enter(place, *inside[place])
        trees.step()
        for place in [place for place in inside if not trees.searching[place]]:
            position, budget = inside.pop(place)
            found, alone = trees.result(place), Search(game, replace(settings, leaves=1), net)
            expected = alone.run(position, simulations=budget)
            assert found.visits.tolist() == expected.visits.tolist()
            assert np.array_equal(found.q, expected.q, equal_nan=True)
            assert (found.simulations, found.proven) == (expected.simulations, expected.proven)
            assert trees.reports(place, found) == alone.moves(expected)
            seen += 1
    assert seen == len(budgets)


def test_several_leaves_of_a_tree_at_once():
    game, choose = load("connect4"), random.Random(3)
    positions = [random_position(game, choose, 20) for _ in range(5)]
    net, settings = FakeNet(game, 2), Settings("hybrid", leaves=4, cache=1)
    for position in positions:
        # What is remembered decides when a leaf's value comes, and so which leaf is next: one entry here and there.
        trees = Lockstep(game, settings, net, 1, 600, leaves=4, cache=EvalCache(game, 1, 1))
        trees.enter(0, position, 600)
        while trees.searching.any():
            trees.step()
        alone = Search(game, settings, net).run(position, simulations=600)
        assert trees.result(0).visits.tolist() == alone.visits.tolist()
        assert trees.result(0).evaluations >= alone.evaluations
    trees = Lockstep(game, replace(settings, early_stop=False), net, 5, 600, leaves=4)
    for place, position in enumerate(positions):
        trees.enter(place, position, 600)
    while trees.searching.any():
        trees.step()
    found = [trees.result(place) for place in range(5)]
    assert [r.visits.sum() for r in found if r.proven is None] == [599] * 4


def test_a_place_that_is_left_keeps_what_it_found():
    game = load("connect4")
    trees = Lockstep(game, Settings("hybrid"), FakeNet(game), 2, 100)
    for place in (0, 1):
        trees.enter(place, Position(game), 100)
    with pytest.raises(TandemError, match="no simulation has run"):
        trees.result(0)
    for _ in range(10):
        trees.step()
    trees.leave(0)
    while trees.searching.any():
        trees.step()
    assert (trees.result(0).simulations, trees.result(1).simulations) == (10, 100)
    assert trees.result(0).visits.sum() == 9  # the first one is the root's own


def test_modes_that_cannot_and_games_that_are_over_are_refused():
    game = load("tictactoe")
    over = Position.from_moves(game, ["a1", "b1", "a2", "b2", "a3"])
    with pytest.raises(TandemError, match="mode search does not evaluate positions together"):
        search_together(game, Settings("search"), FakeNet(game), [Position(game)])
    with pytest.raises(TandemError, match="the game is over"):
        search_together(game, Settings("net"), FakeNet(game), [Position(game), over])
    assert search_together(game, Settings("net"), FakeNet(game), []) == [[]]
