"""Live strength: measured on the truth where it is at hand, else in games; asked for once."""

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay import labels as labels_module
from selfplay import strength
from selfplay.labels import Label, solved_labels
from selfplay.strength import Strength, measure, on_truth
from tests.selfplay.helpers import FakeNet

torch.set_num_threads(1)
GAME = load("tictactoe")
DECISIVE = [label for label in solved_labels(GAME) if label.decisive]
SOME = DECISIVE[::9]


class Oracle:
    """A net that knows tic-tac-toe: all the policy on one best move, and the value for certain."""

    net_id = "oracle"

    def __init__(self) -> None:
        self.known = {self.planes(label.position).tobytes(): label for label in solved_labels(GAME)}

    @staticmethod
    def planes(position: Position) -> np.ndarray:
        planes = np.zeros(GAME.planes, np.float32)
        GAME.encode(GAME.record(position.state), planes)
        return planes

    def evaluate(self, planes: Any, logits: Any, wdl: Any) -> None:
        logits[:], wdl[:] = 0, 0
        for i, board in enumerate(planes):
            label = self.known[board.tobytes()]
            logits[i, max(label.values, key=lambda a, label=label: label.values[a])] = 20
            wdl[i, 1 - label.best] = 1


def untrained(game: Game) -> TorchEvaluator:
    return TorchEvaluator(build(NetConfig.parse("mlp:16"), game))


def test_a_truth_that_is_not_to_be_had_is_asked_for_once_and_games_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    game, asked = load("connect4:rows=4,columns=4,connect=3"), []

    def refuse(asked_game: object) -> None:
        asked.append(asked_game)
        raise TandemError("too large")

    monkeypatch.setattr(strength, "known_labels", refuse)
    monkeypatch.setattr(strength, "PAIRS", 1)
    monkeypatch.setattr(strength, "OPPONENT_SIMULATIONS", 20)
    evaluator = untrained(game)
    found = [measure(game, evaluator, seed=1) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0] is not None
    assert found[0].score is not None
    assert (found[0].games, found[0].kept, 2 * found[0].score % 1) == (2, {}, 0)
    assert len(asked) == 1
    assert measure(game, evaluator, 1, lambda: True) is None
    assert str(found[0]) == f"hybrid:100 scores {found[0].score:.0%} of 2 against search:20"
    assert found[0].scalars() == {"strength/score": found[0].score}
    assert found[0].brief() == f"score {found[0].score:.0%}"


def test_games_too_short_for_an_opening_are_played_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_but_empty(game: Game, count: int, plies: int, seed: int) -> list[list[int]]:
        if plies:
            raise TandemError("no unfinished opening")
        return [[]] * count

    monkeypatch.setattr(strength, "_decisive", lambda game: None)
    monkeypatch.setattr(strength, "openings", none_but_empty)
    monkeypatch.setattr(strength, "PAIRS", 1)
    monkeypatch.setattr(strength, "OPPONENT_SIMULATIONS", 50)
    found = measure(GAME, untrained(GAME), seed=1)
    assert found is not None
    assert found.score is not None


def test_strength_of_tictactoe_is_counted_on_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "SAMPLE", 60)
    monkeypatch.setattr(strength, "labelled_file", lambda game: Path("some labels"))
    monkeypatch.setattr(strength, "_score", None)
    found = measure(GAME, untrained(GAME), seed=1)
    assert found is not None
    assert found.value_error is not None
    assert (found.positions, found.score) == (60, None)
    assert list(found.kept) == list(found.regret) == ["net", "value", "hybrid:25", "hybrid:100"]
    assert 0.2 < found.kept["net"] < found.kept["hybrid:100"] <= 1
    assert str(found).startswith("right moves (regret): net ")
    assert len(str(found)) < 140
    assert measure(GAME, untrained(GAME), 1, lambda: True) is None
    # A wrong move gives away a draw's worth, or a whole win.
    for name, kept in found.kept.items():
        assert 1 - kept - 1e-9 <= found.regret[name] <= 2 * (1 - kept) + 1e-9
        assert found.scalars()[f"truth/kept_{name.replace(':', '_')}"] == kept
    assert found.scalars()["truth/value_error"] == found.value_error
    figures = f"regret {found.regret['hybrid:100']:.2f}, value error {found.value_error:.2f}"
    assert found.brief() == f"right net {found.kept['net']:.0%}, hybrid:100 {found.kept['hybrid:100']:.0%}, {figures}"


def test_a_net_that_knows_it_all_errs_nowhere_and_one_that_knows_nothing_by_its_ignorance() -> None:
    found = on_truth(GAME, Oracle(), SOME)
    assert found is not None
    assert set(found.kept.values()) == {1.0}
    assert set(found.regret.values()) == {0.0}
    assert found.value_error == pytest.approx(0, abs=1e-12)

    class Blank(Oracle):
        def evaluate(self, planes: Any, logits: Any, wdl: Any) -> None:
            logits[:], wdl[:] = 0, [0, 1, 0]  # a draw, always

    found = on_truth(GAME, Blank(), SOME)
    assert found is not None
    assert found.value_error == pytest.approx(sum(x.best**2 for x in SOME) / len(SOME))
    # One ply of search sees wins and losses by itself, and search alone most of the rest.
    assert found.kept["net"] < found.kept["value"] < found.kept["hybrid:100"]


def test_the_figures_are_those_of_search_itself() -> None:
    labels, net = random.Random(3).sample(DECISIVE, 50), FakeNet()
    found = on_truth(GAME, net, labels)
    assert found is not None
    for name, mode, budget in (("net", "net", 1), ("value", "value", 1), ("hybrid:25", "hybrid", 25)):
        moves = [Search(GAME, Settings(mode), net).run(x.position, simulations=budget).action for x in labels]
        lost = [x.best - x.values[move] for x, move in zip(labels, moves, strict=True)]
        assert (found.kept[name], found.regret[name]) == (lost.count(0) / 50, sum(lost) / 50)


def test_the_file_that_ships_is_the_truth_of_a_large_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_module, "POSITIONS", tmp_path)
    strength._decisive.cache_clear()
    scores = {str(n): n - 4 for n in range(1, 8)}
    lines = [{"moves": moves, "scores": scores} for moves in ("", "4", "44", "12")]
    (tmp_path / "connect4_dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    game = load("connect4")
    found = measure(game, untrained(game), seed=1)
    strength._decisive.cache_clear()
    assert found is not None
    assert (found.positions, found.score) == (4, None)


def test_strength_without_figures_has_no_scalars() -> None:
    assert Strength().scalars() == {}


def test_a_sample_is_spread_over_all_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Label] = []
    monkeypatch.setattr(strength, "SAMPLE", 100)
    monkeypatch.setattr(strength, "on_truth", lambda game, evaluator, labels, stop: seen.extend(labels))
    measure(GAME, FakeNet(), seed=1)
    assert len(seen) == len(DECISIVE), "a game that is solved in full is measured in full"
    seen.clear()
    monkeypatch.setattr(strength, "labelled_file", lambda game: Path("some labels"))
    measure(GAME, FakeNet(), seed=1)
    indices = [DECISIVE.index(label) for label in seen]
    assert len(indices) == 100
    assert {b - a for a, b in pairwise(indices)} == {31, 32}
