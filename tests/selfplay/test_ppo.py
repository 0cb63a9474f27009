"""Learning without search: advantages against their definition, moves against the rules, and that it learns."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.budget import Budget
from selfplay.ppo import PpoLoop, Rollout, Sampler, advantages
from selfplay.rundir import RunDir
from selfplay.strength import measure
from tests.selfplay.helpers import CHASE, tiny, write_game

torch.set_num_threads(1)
TICTACTOE, CONNECT4 = load("tictactoe"), load("connect4")


def rollout_of(wdl: list[list[float]], ended: list[bool], outcome: list[int]) -> Rollout:
    """One game's moves, or several in a row."""
    steps = len(ended)
    return Rollout(
        planes=np.zeros((steps, 1, 2, 3, 3), np.float32),
        legal=np.ones((steps, 1, 9), np.bool_),
        chosen=np.zeros((steps, 1), np.int64),
        wdl=np.array(wdl, np.float32)[:, None],
        ended=np.array(ended)[:, None],
        outcome=np.array(outcome, np.int8)[:, None],
        finished=sum(ended),
        plies=0,
        drawn=0,
        won=0,
    )


def random_rollout(steps: int, seed: int) -> Rollout:
    rng = np.random.default_rng(seed)
    ended = rng.random(steps) < 0.2
    wdl = rng.dirichlet(np.ones(3), steps + 1)
    return rollout_of(wdl.tolist(), ended.tolist(), (rng.integers(-1, 2, steps) * ended).tolist())


def test_advantages_by_hand() -> None:
    """A move, a reply that wins, and the first move of the next game."""
    wdl = [[0.5, 0.2, 0.3], [0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]]
    gain, came_to = advantages(rollout_of(wdl, [False, True, False], [0, 1, 0]), 1.0)
    assert gain[:, 0] == pytest.approx([-1 - 0.2, 1 - 0.5, 0.6 - 0.0])
    assert came_to[:, 0] == pytest.approx(np.array([[0, 0, 1], [1, 0, 0], [0.7, 0.2, 0.1]]))
    gain, came_to = advantages(rollout_of(wdl, [False, True, False], [0, 1, 0]), 0.0)
    assert gain[:, 0] == pytest.approx([-0.5 - 0.2, 1 - 0.5, 0.6 - 0.0])
    assert came_to[:, 0] == pytest.approx(np.array([[0.1, 0.3, 0.6], [1, 0, 0], [0.7, 0.2, 0.1]]))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.95, 1.0])
def test_advantages_are_returns_less_values(decay: float) -> None:
    """Equation 16's advantage and the lambda return differ by the value alone; the two recursions are not the same."""
    rollout = random_rollout(40, int(100 * decay))
    gain, came_to = advantages(rollout, decay)
    value = rollout.wdl[:-1, :, 0] - rollout.wdl[:-1, :, 2]
    assert came_to.sum(2) == pytest.approx(np.ones(gain.shape))
    assert gain == pytest.approx(came_to[..., 0] - came_to[..., 2] - value, abs=1e-5)


def test_moves_follow_the_rules_and_the_policy() -> None:
    config = tiny(CONNECT4, games_per_actor=400, opening_share=0.0)
    evaluator = TorchEvaluator(build(NetConfig.parse("mlp:16"), CONNECT4), precision="f32")
    rollout = Sampler(CONNECT4, config, evaluator, 0).play(60)
    logits, wdl = np.zeros((400, 7), np.float32), np.zeros((400, 3), np.float32)
    finished = plies = 0
    planes = np.zeros((1, *CONNECT4.planes), np.float32)
    for game in range(20):
        position = Position(CONNECT4)
        for t in range(60):
            action = int(rollout.chosen[t, game])  # Connect Four's logits are its actions
            CONNECT4.encode(CONNECT4.record(position.state), planes[0])
            assert np.array_equal(planes[0], rollout.planes[t, game])
            assert position.legal() == np.flatnonzero(rollout.legal[t, game]).tolist()
            position.play(action)
            assert rollout.ended[t, game] == bool(position.ended)
            if position.ended:
                assert rollout.outcome[t, game] == -position.outcome()
                position, finished, plies = Position(CONNECT4), finished + 1, plies + position.ply
    assert finished >= 20
    assert rollout.finished == np.count_nonzero(rollout.ended)
    # All 400 games begin alike: what they draw is the net's policy.
    evaluator.evaluate(rollout.planes[0], logits, wdl)
    policy = np.exp(logits[0]) / np.exp(logits[0]).sum()
    drawn = np.bincount(rollout.chosen[0], minlength=7) / 400
    assert np.abs(drawn - policy).max() < 4 * 0.5 / 20
    assert np.array_equal(rollout.wdl[0], wdl)


def test_it_learns_without_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.loop.MOST_MEASURING", 1.0)
    config = tiny(TICTACTOE, net="mlp:64", learner="ppo", batch=512, games_per_actor=128, strength_seconds=1.0)
    identity = {"game": TICTACTOE.spec, "rules_id": TICTACTOE.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(tmp_path / "r", identity) as run:
        loop = PpoLoop(TICTACTOE, config, Budget(steps=1500), run)
        before = measure(TICTACTOE, TorchEvaluator(loop.trainer.average), 0, lambda: False)
        loop.run(lambda report: None)
        after = measure(TICTACTOE, TorchEvaluator(loop.trainer.average), 0, lambda: False)
    torch.set_num_threads(1)
    assert loop.progress.games > 1000
    # The share of decisive positions in which the move of the net keeps the value.
    assert before.kept["net"] < 0.6 < 0.7 < after.kept["net"]
    with RunDir.create_or_resume(tmp_path / "r", identity) as run:
        again = PpoLoop(TICTACTOE, config, Budget(steps=1600), run)
        assert (again.trainer.step, again.progress.games) == (loop.trainer.step, loop.progress.games)
    torch.set_num_threads(1)


def test_games_that_repetition_ends_are_refused(tmp_path: Path) -> None:
    game = load(write_game(tmp_path, "chase", CHASE))
    with pytest.raises(TandemError, match="repeated positions"):
        Sampler(game, tiny(game), TorchEvaluator(build(NetConfig.parse("mlp:8"), game)), 0)
