"""Positions searched together come out as each does by itself."""

import random
from pathlib import Path

import numpy as np
import pytest

from engine import lockstep
from engine.lockstep import search_together
from engine.position import Position
from engine.search import Search, Settings
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
    # What early stop leaves out differs by a few visits, never the move; it is compared by itself below.
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


def test_early_stop_changes_no_move_and_small_memory_none_either(monkeypatch):
    game, choose = load("connect4"), random.Random(5)
    positions = [random_position(game, choose, 30) for _ in range(40)]
    net, settings = FakeNet(game, 1), Settings("hybrid", memory=SMALL)
    (together,) = search_together(game, settings, net, positions, (200,))
    alone = [Search(game, Settings("hybrid", memory=SMALL, leaves=1), net) for _ in positions]
    assert [r.action for r in together] == [
        search.run(position, simulations=200).action for search, position in zip(alone, positions, strict=True)
    ]
    asked = []
    monkeypatch.setattr(lockstep, "MOST_TOGETHER", 7)
    evaluate = net.evaluate
    net.evaluate = lambda planes, *out: asked.append(len(planes)) or evaluate(planes, *out)
    (apart,) = search_together(game, settings, net, positions, (200,))
    assert [r.visits.tolist() for r in apart] == [r.visits.tolist() for r in together]
    assert max(asked) == 7


def test_modes_that_cannot_and_games_that_are_over_are_refused():
    game = load("tictactoe")
    over = Position.from_moves(game, ["a1", "b1", "a2", "b2", "a3"])
    with pytest.raises(TandemError, match="mode search does not evaluate positions together"):
        search_together(game, Settings("search"), FakeNet(game), [Position(game)])
    with pytest.raises(TandemError, match="the game is over"):
        search_together(game, Settings("net"), FakeNet(game), [Position(game), over])
    assert search_together(game, Settings("net"), FakeNet(game), []) == [[]]
