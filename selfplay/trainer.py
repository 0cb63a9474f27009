"""The trainer: AdamW on policy and value losses, and an average of the weights that is what gets played."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from games.contract import Game
from games.errors import TandemError
from games.rng import Random
from nets.checkpoint import load_tensors, save_tensors
from nets.config import NetConfig
from nets.evaluator import fast_bf16
from nets.families import build
from selfplay.config import TrainConfig
from selfplay.replay import Batch, Replay

WARMUP_STEPS = 100
MOST_NORM = 5.0  # of a gradient; longer ones are cut
LEAST_RATE = 0.05  # of the peak learning rate, at the end of the budget


@dataclass(frozen=True)
class Losses:
    """Means over some training steps, in nats; entropy is the policy targets' own, the least that policy can reach."""

    policy: float
    value: float
    entropy: float
    steps: int


class Trainer:
    """Holds the net being trained, its optimiser and the average (EMA) that actors and players use."""

    def __init__(self, game: Game, config: TrainConfig) -> None:
        self.config, self.step = config, 0
        self.net_config = NetConfig.parse(config.net)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = build(self.net_config, game, seed=config.seed).to(self.device)
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.numpy_rng = np.random.default_rng(config.seed)
        self.kernel_rng = Random(config.seed).state

    def train(self, replay: Replay, steps: int, progress: float, stop: Callable[[], bool] | None = None) -> Losses:
        """Take `steps` steps (fewer when stop() says so) at the learning rate of `progress` (0 to 1) of the budget.

        Raises TandemError naming the step when a loss or gradient is not finite; the weights are then those before it.
        """
        sums = torch.zeros(3, device=self.device)
        decay = math.exp(-1.0 / max(self.config.ema_rounds * steps, 1.0))
        self.model.train()
        first = self.step
        for _ in range(steps):
            if stop and stop():
                break
            rate = self.config.learning_rate * min(1.0, (self.step + 1) / WARMUP_STEPS) * self._schedule(progress)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            losses = self.loss(replay.sample(self.config.batch, self.numpy_rng, self.kernel_rng))
            total = losses[0] + self.config.value_weight * losses[1]
            self._step(total, MOST_NORM, decay)
            sums += losses.detach()
        taken = self.step - first
        policy, value, entropy = (sums / max(taken, 1)).tolist()
        return Losses(policy, value, entropy, taken)

    def _step(self, total: Tensor, most_norm: float, decay: float) -> None:
        """Step down a loss, its gradient no longer than most_norm; TandemError when either is not finite."""
        if not torch.isfinite(total):
            raise TandemError(f"the loss is {float(total.detach())} at training step {self.step}; training stops")
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), most_norm)
        if not torch.isfinite(norm):
            raise TandemError(f"the gradient is {float(norm)} at training step {self.step}; training stops")
        self.optimiser.step()
        self.step += 1
        self._average(decay)

    @staticmethod
    def _schedule(progress: float) -> float:
        """Cosine from 1 to LEAST_RATE over the budget (Loshchilov and Hutter 2017, equation 5, one cycle)."""
        return LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))

    def loss(self, batch: Batch) -> Tensor:
        """[3]: policy cross-entropy over the legal moves, value cross-entropy, entropy of the policy targets."""
        arrays = (batch.planes, batch.policy, batch.legal, batch.outcome, batch.root_wdl)
        planes, policy_target, legal, outcome, root_wdl = (torch.from_numpy(a).to(self.device) for a in arrays)
        root_wdl = torch.where(root_wdl.isnan(), outcome, root_wdl)  # NaN: never searched
        mix = self.config.value_mix
        value_target = (1 - mix) * outcome + mix * root_wdl
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bf16(self.device)):
            logits, wdl = self.model(planes)
        logits, wdl = logits.float(), wdl.float()
        has_target = policy_target.sum(1) > 0.5
        count = has_target.sum().clamp(min=1)
        logits = logits[has_target].masked_fill(~legal[has_target], -1e9)
        policy_target = policy_target[has_target]
        policy = -(policy_target * logits.log_softmax(1)).sum() / count
        value = -(value_target * wdl.log_softmax(1)).sum(1).mean()
        entropy = -(policy_target * policy_target.clamp(min=1e-9).log()).sum() / count
        return torch.stack([policy, value, entropy])

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        decay = min(decay, self.step / (self.step + 10.0))
        for mine, theirs in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)

    def sound(self) -> bool:
        """Whether every weight is finite, those of the average included."""
        nets = (self.model, self.average)
        return all(bool(torch.isfinite(tensor).all()) for net in nets for tensor in net.state_dict().values())

    def save(self, path: Path) -> None:
        """Write weights, average and optimiser state into one file, for `load`."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
        rng = self.numpy_rng.bit_generator.state
        save_tensors(path, tensors, {"step": self.step, "rng": rng, "kernel_rng": int(self.kernel_rng[0])})

    def load(self, path: Path) -> None:
        """Go on from a file of `save`; TandemError when it is damaged or of another net."""
        tensors, metadata = load_tensors(path)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part not in parts:
                raise TandemError(f"{path} holds no training state, but '{name}'")
            parts[part][rest] = tensor
        try:
            self.model.load_state_dict(parts["model"])
            self.average.load_state_dict(parts["average"])
        except RuntimeError:
            raise TandemError(f"{path}: its weights do not fit the net {self.net_config} of this run") from None
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimiser"].items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        saved = self.optimiser.state_dict()
        self.optimiser.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
        self.step = int(metadata["step"])
        self.numpy_rng.bit_generator.state = metadata["rng"]
        self.kernel_rng[0] = np.uint64(metadata["kernel_rng"])
