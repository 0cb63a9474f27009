"""The trainer: AdamW on policy and value losses, and an average of the weights that is what gets played."""

import copy
import math
import operator
from collections.abc import Callable, Mapping
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
from selfplay.divergence import Diverged, LossGuard, guess_loss
from selfplay.replay import Batch, Replay

WARMUP_STEPS = 100
MOST_NORM = 5.0  # of a gradient; longer ones are cut
ADAM = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each parameter
LEAST_RATE = 0.05  # of the peak learning rate, at the end of the budget


@dataclass(frozen=True)
class Losses:
    """Means over some training steps, in nats.

    entropy is the policy targets' own, the least that policy can reach; policy_entropy is the net's.
    """

    policy: float
    value: float
    entropy: float
    policy_entropy: float
    steps: int


class Trainer:
    """Holds the net being trained, its optimiser and the average (EMA) that actors and players use."""

    def __init__(self, game: Game, config: TrainConfig) -> None:
        self.game, self.config = game, config
        self.net_config = NetConfig.parse(config.net)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.rate_scale = 1.0  # of the learning rate; halved by each rollback
        self.begin()

    def begin(self) -> None:
        """Be as a new trainer is, but for `rate_scale`."""
        config = self.config
        self.step = 0
        self.model = build(self.net_config, self.game, seed=config.seed).to(self.device)
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.numpy_rng = np.random.default_rng(config.seed)
        self.kernel_rng = Random(config.seed).state
        self.guard = LossGuard()

    def train(self, replay: Replay, steps: int, progress: float, stop: Callable[[], bool] | None = None) -> Losses:
        """Take `steps` steps (fewer when stop() says so) at the learning rate of `progress` (0 to 1) of the budget.

        Raises Diverged naming the step when a loss or gradient is not finite, or the loss has exploded.
        """
        sums = torch.zeros(4, device=self.device)
        decay = math.exp(-1.0 / max(self.config.ema_rounds * steps, 1.0))
        self.model.train()
        first = self.step
        for _ in range(steps):
            if stop and stop():
                break
            self._set_rate(min(1.0, (self.step + 1) / WARMUP_STEPS) * self._schedule(progress))
            batch = replay.sample(self.config.batch, self.numpy_rng, self.kernel_rng)
            losses = self.loss(batch)
            total = losses[0] + self.config.value_weight * losses[1]
            self._step(total, MOST_NORM, decay, guess_loss(batch, self.config.value_weight))
            sums += losses.detach()
        taken = self.step - first
        policy, value, entropy, policy_entropy = (sums / max(taken, 1)).tolist()
        return Losses(policy, value, entropy, policy_entropy, taken)

    def _set_rate(self, share: float) -> None:
        """Let the learning rate be that share of its peak, as far as rollbacks have left it."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.rate_scale * share

    def _step(self, total: Tensor, most_norm: float, decay: float, guess: float) -> None:
        """Step down a loss, its gradient no longer than most_norm; `guess` as LossGuard.see wants it. Raises Diverged.

        The weights are then those before the step.
        """
        self.guard.see(float(total.detach()), guess, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), most_norm)
        if not torch.isfinite(norm):
            raise Diverged(f"the gradient is {float(norm)} at training step {self.step}")
        self.optimiser.step()
        self.step += 1
        self._average(decay)

    @staticmethod
    def _schedule(progress: float) -> float:
        """Cosine from 1 to LEAST_RATE over the budget (Loshchilov and Hutter 2017, equation 5, one cycle)."""
        return LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))

    def loss(self, batch: Batch) -> Tensor:
        """[4]: cross-entropies of policy, over the legal moves, and value; entropies of policy target and policy."""
        most = max(int(batch.legal.sum(1).max()), 1)  # the columns in use
        of_moves = (part[:, :most] for part in (batch.moves, batch.policy, batch.legal))
        arrays = (batch.planes, *of_moves, batch.outcome, batch.root_wdl)
        planes, moves, policy_target, legal, outcome, root_wdl = (torch.from_numpy(a).to(self.device) for a in arrays)
        root_wdl = torch.where(root_wdl.isnan(), outcome, root_wdl)  # NaN: never searched
        mix = self.config.value_mix
        value_target = (1 - mix) * outcome + mix * root_wdl
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bf16(self.device)):
            logits, wdl = self.model(planes, moves)
        logits, wdl = logits.float(), wdl.float()
        has_target = policy_target.sum(1) > 0.5
        count = has_target.sum().clamp(min=1)
        logits = logits[has_target].masked_fill(~legal[has_target], -1e9)
        policy_target = policy_target[has_target]
        logs = logits.log_softmax(1)
        policy = -(policy_target * logs).sum() / count
        value = -(value_target * wdl.log_softmax(1)).sum(1).mean()
        entropy = -(policy_target * policy_target.clamp(min=1e-9).log()).sum() / count
        policy_entropy = -(logs.exp() * logs).detach().sum() / count
        return torch.stack([policy, value, entropy, policy_entropy])

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
        counts = {"step": self.step, "kernel_rng": int(self.kernel_rng[0]), "rate_scale": self.rate_scale}
        save_tensors(path, tensors, {**counts, "rng": rng})

    def load(self, path: Path) -> None:
        """Go on from a file of `save`; TandemError when it is damaged or of another net, and nothing has changed."""
        tensors, metadata = load_tensors(path)
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part not in parts:
                raise TandemError(f"{path} holds no training state, but '{name}'")
            parts[part][rest] = tensor
        wanted = _shapes(self.model.state_dict())
        if _shapes(parts["model"]) != wanted or _shapes(parts["average"]) != wanted:
            raise TandemError(f"{path}: its weights do not fit the net {self.net_config} of this run")
        state: dict[int, dict[str, Tensor]] = {
            index: {key: parts["optimiser"].get(f"{index}.{key}", torch.empty(0)) for key in ADAM}
            for index, _ in enumerate(self.model.parameters() if parts["optimiser"] else ())
        }
        found = {f"{index}.{key}": tensor for index, of in state.items() for key, tensor in of.items()}
        fits = all(
            of[key].shape == (() if key == "step" else parameter.shape)
            for of, parameter in zip(state.values(), self.model.parameters(), strict=False)
            for key in ADAM
        )
        if not fits or found.keys() != parts["optimiser"].keys():
            raise TandemError(f"{path}: its optimiser does not fit the net {self.net_config} of this run")
        rng = np.random.default_rng()
        try:
            step, kernel_rng = operator.index(metadata["step"]), np.uint64(operator.index(metadata["kernel_rng"]))
            rng.bit_generator.state = metadata["rng"]
            scale = float(metadata.get("rate_scale", 1.0))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise TandemError(f"{path}: its header is no trainer's ({' '.join(str(error).split())[:100]})") from None
        if step < 0 or not 0 < scale <= 1:
            raise TandemError(f"{path}: its header is no trainer's (step {step}, rate_scale {scale})")
        self.model.load_state_dict(parts["model"])
        self.average.load_state_dict(parts["average"])
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.numpy_rng, self.rate_scale, self.guard = step, rng, scale, LossGuard()
        self.kernel_rng[0] = kernel_rng


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
