"""The trainer learns, goes on where it was, and stops at what is broken."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from games.errors import TandemError
from games.loader import load
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.families import build
from selfplay.divergence import Diverged
from selfplay.replay import Batch, Replay
from selfplay.trainer import Trainer
from tests.selfplay.helpers import played, tiny

torch.set_num_threads(1)
GAME = load("tictactoe")
NETS = ("mlp:16", "resnet:1x8")


def trainer(**changes: object) -> Trainer:
    return Trainer(GAME, tiny(GAME, **changes))


@pytest.fixture(scope="module")
def replay() -> Replay:
    found = Replay(GAME)
    found.append(played(GAME, 2000))
    return found


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten().double() for tensor in net.parameters()])


def state(of: Trainer) -> dict[str, torch.Tensor]:
    found = {f"{n}.{k}": v for n in ("model", "average") for k, v in getattr(of, n).state_dict().items()}
    for index, entry in of.optimiser.state_dict()["state"].items():
        found |= {f"optimiser.{index}.{key}": tensor for key, tensor in entry.items()}
    return {name: tensor.clone() for name, tensor in found.items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name].nan_to_num(7), b[name].nan_to_num(7)) for name in a)


@pytest.mark.parametrize("net", NETS)
def test_losses_fall_and_policy_stays_above_the_entropy(net: str, replay: Replay) -> None:
    of = trainer(net=net, learning_rate=0.01)
    losses = [of.train(replay, 40, 0.0) for _ in range(8)]
    assert of.step == sum(part.steps for part in losses) == 320
    # Batches differ in the entropy of their targets; what is above it is the net's to learn.
    assert losses[-1].policy - losses[-1].entropy < losses[0].policy - losses[0].entropy - 0.02
    assert losses[-1].value < losses[0].value - 0.1
    assert all(part.policy > part.entropy > 0 for part in losses)


def test_a_policy_that_is_its_target_costs_its_entropy() -> None:
    # The net ignores its input and gives log-probabilities; illegal logits are large and must not count.
    target = np.array([[0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0], [0] * 9], np.float32)
    logits = torch.tensor([[math.log(p) if p else 50.0 for p in target[0]], [9.0] * 9])

    class Known(torch.nn.Module):
        def forward(self, planes: torch.Tensor, moves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return logits.gather(1, moves), torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]))

    of = trainer(value_mix=0.25)
    of.model = Known()
    # The second position has no policy target; its search is unknown, so that its outcome is its value target.
    outcome = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    root_wdl = np.array([[0, 1, 0], [np.nan] * 3], np.float32)
    # Of the moves, in another order than their logits.
    moves = np.array([[2, 0, 1, 0, 0, 0, 0, 0, 0], [0] * 9])
    batch = Batch(np.zeros((2, 2, 3, 3), np.float32), moves, target[[[0], [1]], moves], target > 0, outcome, root_wdl)
    policy, value, entropy, policy_entropy = of.loss(batch)
    assert float(policy) == pytest.approx(1.5 * math.log(2), rel=1e-5)
    assert float(entropy) == float(policy_entropy) == pytest.approx(1.5 * math.log(2), rel=1e-5)
    assert float(value) == pytest.approx((0.75 * math.log(2) + 0.25 * math.log(4) + math.log(2)) / 2, rel=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_a_break_changes_nothing(net: str, replay: Replay, tmp_path: Path) -> None:
    straight, broken, again = (trainer(net=net) for _ in range(3))
    for of in (straight, broken):
        of.train(replay, 7, 0.2)
    broken.save(tmp_path / "t")
    again.load(tmp_path / "t")
    assert again.step == 7
    for of in (straight, again):
        of.train(replay, 9, 0.6)
    assert same(state(straight), state(again))
    assert not same(state(again), state(broken))


def test_the_average_follows_the_weights(replay: Replay) -> None:
    of = trainer(ema_rounds=3)
    start = weights(of.average)
    assert torch.equal(start, weights(of.model))
    of.train(replay, 1, 0.0)
    moved = weights(of.model) - start
    torch.testing.assert_close(weights(of.average) - start, moved * 10 / 11, atol=1e-7, rtol=1e-3)
    of.train(replay, 100, 0.0)
    behind = (weights(of.average) - weights(of.model)).norm()
    assert 0 < behind < 0.5 * (weights(of.model) - start).norm()


def test_stop_ends_training_between_two_steps(replay: Replay) -> None:
    calls = iter([False] * 3 + [True])
    assert trainer().train(replay, 50, 0.0, lambda: next(calls)).steps == 3


@pytest.mark.parametrize(("progress", "share"), [(0.0, 1.0), (0.5, 0.525), (1.0, 0.05), (7.0, 0.05)])
def test_the_learning_rate_over_the_budget(progress: float, share: float, replay: Replay) -> None:
    of = trainer(learning_rate=0.01)
    of.train(replay, 3, progress)
    assert of.optimiser.param_groups[0]["lr"] == pytest.approx(0.01 * 0.03 * share)


def spoil_weight(of: Trainer) -> None:
    next(of.model.parameters()).data[0] = math.nan


def spoil_gradient(of: Trainer) -> None:
    next(of.model.parameters()).register_hook(lambda gradient: gradient * math.inf)


@pytest.mark.parametrize(("spoil", "sound"), [(spoil_weight, False), (spoil_gradient, True)])
def test_what_is_not_finite_stops_training_and_names_the_step(
    spoil: Callable[[Trainer], None], sound: bool, replay: Replay
) -> None:
    of = trainer()
    of.train(replay, 5, 0.0)
    spoil(of)
    before = state(of)
    with pytest.raises(Diverged, match="nan at training step 5"):
        of.train(replay, 3, 0.0)
    assert (of.step, of.sound()) == (5, sound)
    assert same(before, state(of))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def other_net(path: Path) -> None:
    trainer(net="mlp:24").save(path)


def a_model(path: Path) -> None:
    config = NetConfig.parse("mlp:16")
    save_model(path, build(config, GAME), config, GAME, {})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut, "trainer: truncated"),
        (flip, "trainer: .*altered"),
        (Path.unlink, "trainer: no such file"),
        (other_net, "trainer: its weights do not fit the net mlp:16"),
        (a_model, "trainer holds no training state"),
    ],
)
def test_a_file_that_is_no_state_of_this_run_is_refused(
    spoil: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "trainer"
    trainer().save(path)
    spoil(path)
    with pytest.raises(TandemError, match=words):
        trainer().load(path)
