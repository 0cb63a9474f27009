"""A training that goes wrong is noticed, goes back to what was good, and says so; no game is lost by it."""

import logging
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from games.errors import TandemError
from games.loader import load
from nets.evaluator import TorchEvaluator
from selfplay.budget import Budget
from selfplay.divergence import EXPLODED, MOST_ROLLBACKS, SPAN, Diverged, LossGuard, guess_loss
from selfplay.loop import Loop, RoundReport
from selfplay.ppo import PpoLoop
from selfplay.replay import Batch
from selfplay.rundir import RunDir
from selfplay.trainer import Trainer
from tests.selfplay.helpers import tiny
from tests.selfplay.test_loop import net_id, stored, train

GAME = load("tictactoe")
torch.set_num_threads(1)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_a_divergence_at_once(loss: float) -> None:
    guard = LossGuard()
    guard.see(1.0, 1.0, 6)
    with pytest.raises(Diverged, match="at training step 7"):
        guard.see(loss, 1.0, 7)


@pytest.mark.parametrize(("times", "exploded"), [(0.1, False), (0.99 * EXPLODED, False), (1.01 * EXPLODED, True)])
def test_a_loss_above_twice_a_guess_is_a_divergence_after_some_steps(times: float, exploded: bool) -> None:
    guard = LossGuard()
    for step in range(SPAN - 1):
        guard.see(times * 3.0, 3.0, step)
    if exploded:
        with pytest.raises(Diverged, match=r"grown to 6.06 at training step 49, 2.0 times that of a guess"):
            guard.see(times * 3.0, 3.0, SPAN - 1)
    else:
        for step in range(SPAN - 1, 5 * SPAN):
            guard.see(times * 3.0, 3.0, step)


def test_one_bad_batch_among_good_ones_is_none() -> None:
    guard = LossGuard()
    for step in range(10 * SPAN):
        guard.see(20.0 if step % SPAN == 3 else 1.0, 1.0, step)


def test_a_run_that_learnt_well_is_caught_as_fast_as_a_fresh_one() -> None:
    guard = LossGuard()
    for step in range(1000):
        guard.see(0.5, 2.0, step)
    with pytest.raises(Diverged):
        for step in range(1000, 1000 + SPAN):
            guard.see(10.0, 2.0, step)


def test_what_a_guess_loses_is_the_loss_of_a_net_of_zeros() -> None:
    trainer = Trainer(GAME, tiny(GAME, value_weight=0.7))
    for parameter in trainer.model.parameters():
        parameter.data.zero_()
    rng = np.random.default_rng(1)
    legal = np.arange(9) < rng.integers(1, 10, (40, 1))
    policy = np.where(legal, rng.random((40, 9)), 0).astype(np.float32)
    policy /= policy.sum(1, keepdims=True)
    policy[::3] = 0  # no target
    moves = np.tile(np.arange(9), (40, 1))[:, :, None]
    wdl = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 40)]
    batch = Batch(rng.random((40, *GAME.planes), np.float32), moves, policy, legal, wdl, wdl)
    policy_loss, value_loss, *_ = trainer.loss(batch).tolist()
    assert guess_loss(batch, 0.7) == pytest.approx(policy_loss + 0.7 * value_loss, rel=1e-5)


def spoil(loop: Loop, how: str) -> None:
    """Break a run's net in memory."""
    if how == "nan":
        next(loop.trainer.model.parameters()).data[0] = math.nan
    elif how == "exploded":
        for parameter in loop.trainer.model.parameters():
            parameter.data *= 100
    else:  # finite, and yet what is played by it is not
        for parameter in loop.trainer.average.parameters():
            parameter.data.fill_(3e38)
        loop.executor.load(loop.trainer.average)


def rollbacks(path: Path) -> list[dict[str, Any]]:
    return [event for event in RunDir.read(path).events() if event["event"] == "rollback"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("how", ["nan", "exploded", "overflow"])
def test_a_run_goes_back_to_its_last_checkpoint_and_on(
    how: str, executor: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, spoilt = tmp_path / "r", list[int]()
    train(path, Budget(steps=10))
    kept = stored(path)

    def once(loop: Loop, report: RoundReport) -> None:
        if not spoilt and report.progress.steps > 20:
            spoilt.append(report.progress.games)
            spoil(loop, how)

    with caplog.at_level(logging.WARNING, "tandem"):
        loop = train(path, Budget(steps=120), once, executor=executor, plies_per_round=400)
    (event,) = rollbacks(path)
    assert event["steps"] == 10
    assert event["learning_rate"] == loop.trainer.config.learning_rate / 2
    assert loop.trainer.rate_scale == 0.5
    (line,) = [text for text in caplog.messages if "going back" in text]
    assert line.startswith(event["why"])
    assert "going back to step 10" in line
    assert (loop.progress.steps, loop.trainer.step) == (120, 120)
    # What was played before and while it went wrong is there, once, and counted.
    numbers = stored(path)
    assert numbers[: len(kept)] == kept
    assert len(set(numbers)) == len(numbers) == loop.progress.games > spoilt[0]
    p, config = loop.progress, loop.config
    assert p.bucket == pytest.approx(p.positions * config.reuse - p.steps * config.batch)
    again = Trainer(GAME, loop.config)
    again.load(RunDir.read(path).checkpoints()[-1] / "trainer.safetensors")
    assert again.rate_scale == 0.5


def test_without_a_checkpoint_it_begins_anew(tmp_path: Path) -> None:
    spoilt = []

    def once(loop: Loop, report: RoundReport) -> None:
        if not spoilt and report.progress.steps > 5:
            spoilt.append(spoil(loop, "nan"))

    loop = train(tmp_path / "r", Budget(steps=200), once)
    assert [event["steps"] for event in rollbacks(tmp_path / "r")] == [0]
    assert loop.progress.steps == loop.trainer.step == 200


def test_a_run_that_never_recovers_stops_and_keeps_what_was_good(tmp_path: Path) -> None:
    path = tmp_path / "r"
    train(path, Budget(steps=10))
    good, kept = net_id(path), stored(path)
    with pytest.raises(TandemError, match=r"nan at training step \d+, again after 3 rollbacks; training stops") as stop:
        train(path, Budget(steps=1000), lambda loop, report: spoil(loop, "nan"))
    assert "--learning-rate below" in str(stop.value)
    assert len(rollbacks(path)) == MOST_ROLLBACKS + 1
    assert net_id(path) == good
    assert [checkpoint.name for checkpoint in RunDir.read(path).checkpoints()] == ["00000010"]
    numbers = stored(path)
    assert len(set(numbers)) == len(numbers) > len(kept)
    assert train(path, Budget(steps=12)).progress.steps == 12
    assert set(stored(path)) > set(numbers)


def test_an_evaluator_that_fails_beside_a_sound_net_ends_the_run_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r"
    train(path, Budget(steps=10))
    kept, calls, evaluate = stored(path), [0], TorchEvaluator.evaluate

    def fail_later(self: TorchEvaluator, planes: Any, logits: Any, wdl: Any) -> None:
        calls[0] += 1
        evaluate(self, planes * math.nan if calls[0] == 100 else planes, logits, wdl)

    monkeypatch.setattr(TorchEvaluator, "evaluate", fail_later)
    with pytest.raises(TandemError, match="gives NaN or infinite outputs"):
        train(path, Budget(steps=1000), actors=1)
    assert rollbacks(path) == []
    assert set(stored(path)) >= set(kept)


def test_ppo_goes_back_too(tmp_path: Path) -> None:
    config, spoilt = tiny(GAME, learner="ppo", ppo_plies=8), []
    identity = {"game": GAME.spec, "rules_id": GAME.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(tmp_path / "r", identity) as run:
        loop = PpoLoop(GAME, config, Budget(steps=60), run)

        def once(report: RoundReport) -> None:
            if not spoilt and report.progress.steps >= 20:
                spoilt.append(next(loop.trainer.model.parameters()).data.fill_(1e30))

        loop.run(once)
    assert len(rollbacks(tmp_path / "r")) == 1
    assert loop.progress.steps == loop.trainer.step >= 60
    assert loop.trainer.sound()
