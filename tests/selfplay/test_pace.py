"""Rounds stay short however much is owed: many actors before one learner, or games that no checkpoint knows of."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from games.loader import load
from selfplay import pace
from selfplay.budget import Budget
from selfplay.loop import Loop, RoundReport
from selfplay.pace import ROUND_SECONDS, Pace
from selfplay.rundir import RunDir
from selfplay.trainer import Losses, Trainer
from tests.selfplay.helpers import tiny
from tests.selfplay.test_loop import games, rounds, stored, train

torch.set_num_threads(1)
GAME = load("tictactoe")
NOTHING: Any = None


class Clocked:
    """A trainer that takes so many steps a second of a clock that it sets."""

    def __init__(self, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.rate = 0.0, rate
        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now)

    def train(self, replay: Any, steps: int, progress: float, stop: Callable[[], bool]) -> Losses:
        taken = 0
        while taken < steps and not stop():
            self.now += 1 / self.rate
            taken += 1
        return Losses(0.0, 0.0, 0.0, 0.0, taken)


def never() -> bool:
    return False


@pytest.mark.parametrize("rate", [0.2, 9.5, 73.0])
def test_a_thousand_actors_lead_to_rounds_of_seconds_and_nothing_is_left_out(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(GAME, batch=1024, reuse=4.0)
    paced, trainer = Pace(config, 1500, bounded=True), Clocked(rate, monkeypatch)
    owed, lasted, taken, positions = 0.0, [], 0, 0
    for _ in range(200):
        plies, steps = paced.plies(1500 * 500, owed), paced.steps(owed)
        began = trainer.now
        steps = paced.train(trainer, NOTHING, steps, 0.0, never).steps  # type: ignore[arg-type]
        taken += steps
        lasted.append(trainer.now - began)
        games = -(-plies // 300) * 300  # they come in parts
        positions += games
        owed += games * config.reuse - steps * config.batch
    assert max(lasted) <= ROUND_SECONDS + 1 / rate
    assert sum(lasted[10:]) > 0.8 * ROUND_SECONDS * len(lasted[10:]), "learning waits for games"
    assert taken * config.batch == positions * config.reuse - owed
    assert owed < 2 * max(ROUND_SECONDS * rate, 8) * config.batch


def test_training_whose_rate_nobody_knows_ends_by_the_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    config, trainer = tiny(GAME, batch=1024, reuse=4.0), Clocked(0.2, monkeypatch)
    for bounded, steps in ((True, 4), (False, 100)):
        paced = Pace(config, 1500, bounded=bounded)
        assert paced.train(trainer, NOTHING, 100, 0.0, never).steps == steps  # type: ignore[arg-type]


def test_lessons_too_go_by_the_rate_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(GAME, batch=1024, reuse=4.0)
    for rate, steps in ((0.01, 1), (0.2, 2), (9.5, 5)):  # 1,500 plies pay for five
        paced = Pace(config, 1500, bounded=True)
        assert paced.lessons <= 5
        paced.train(Clocked(rate, monkeypatch), NOTHING, 5, 0.0, never)  # type: ignore[arg-type]
        assert paced.lessons == steps


def test_a_promise_to_repeat_leaves_clocks_out(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(GAME, batch=1024, reuse=4.0)
    paced = Pace(config, 1500, bounded=False)
    paced.train(Clocked(0.1, monkeypatch), NOTHING, 5, 0.0, never)  # type: ignore[arg-type]
    assert paced.steps(10**9) == 10**9 // 1024
    assert paced.lessons == 5
    assert paced.plies(10**6, 10.0**9) == 10**6


def test_games_that_no_checkpoint_knows_of_are_learnt_from_in_many_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "r", Budget(steps=100))
    (tmp_path / "r" / "checkpoints").rename(tmp_path / "away")
    before, real = len(rounds(tmp_path / "r")), Trainer.loss

    def slow(self: Trainer, batch: Any) -> torch.Tensor:
        time.sleep(0.002)
        return real(self, batch)

    monkeypatch.setattr(Trainer, "loss", slow)
    monkeypatch.setattr(pace, "ROUND_SECONDS", 0.02)  # some ten steps, then
    train(tmp_path / "r", Budget(steps=100))
    steps = [0, *(event["steps"] for event in rounds(tmp_path / "r")[before:])]
    assert steps[-1] == 100
    assert max(after - first for first, after in itertools.pairwise(steps)) <= 25


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_slow_search_ends_its_round_by_the_clock(
    executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "ROUND_SECONDS", 0.3)

    def watch(loop: Loop, report: RoundReport) -> None:
        if report.progress.rounds >= 4:
            loop.stop()

    train(tmp_path / "r", Budget(minutes=1), watch, executor=executor, actors=2, plies_per_round=10**7)
    assert len(rounds(tmp_path / "r")) >= 4, "a round lasted for all of the minute"
    assert {number % 2 for number in stored(tmp_path / "r")} == {0, 1}, "each actor has its turn"


def test_a_counted_budget_asks_no_clock_how_long_to_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "a", Budget(games=150))
    monkeypatch.setattr(pace, "ROUND_SECONDS", 0.0)
    train(tmp_path / "b", Budget(games=150))
    assert games(tmp_path / "a") == games(tmp_path / "b")


def test_what_self_play_is_owed_does_not_hold_a_teacher_up(tmp_path: Path) -> None:
    config = tiny(GAME, teacher_games=40)
    with RunDir.create_or_resume(tmp_path / "r", {"game": GAME.spec, "rules_id": GAME.rules_id}) as run:
        loop = Loop(GAME, config, Budget(minutes=1), run, (), "exact")
        loop.progress.bucket = 1e6
        loop.run(lambda report: None if loop.being_taught() else loop.stop())
    assert loop.progress.taught >= 40
    assert len(rounds(tmp_path / "r")) <= 5
