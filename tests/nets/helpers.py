"""Stand-ins for games, and nets that look trained."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from nets.config import NetConfig
from nets.families import build

CONNECT4: Any = SimpleNamespace(
    name="connect4", spec="connect4", rules_id="connect4() v1 abc", planes=(2, 6, 7), logits=7, policy=None
)
OTHELLO: Any = SimpleNamespace(
    name="othello", spec="othello", rules_id="othello() v1 def", planes=(2, 8, 8), logits=65, policy=(1, 1)
)
# Two channels per cell and none besides: the other shape of a policy map.
BREAKTHROUGH: Any = SimpleNamespace(
    name="breakthrough", spec="breakthrough", rules_id="b() v1 0", planes=(3, 5, 4), logits=40, policy=(2, 0)
)
GAMES = (CONNECT4, OTHELLO, BREAKTHROUGH)
NETS = ("mlp:64-32", "resnet:2x16")


def positions(game: Any, count: int) -> Any:
    """Random 0/1 planes, the same for the same count."""
    return np.random.default_rng(count).integers(0, 2, (count, *game.planes)).astype(np.float32)


def lived_in(text: str, game: Any) -> nn.Module:
    """A net whose every weight, batch-norm statistic and logit is far from its initial value, as after training."""
    net = build(NetConfig.parse(text), game, seed=1)
    generator = torch.Generator().manual_seed(2)
    for name, tensor in net.state_dict().items():
        if name.endswith(("running_var", "norm.weight")):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(0, 0.3, generator=generator)
        elif name.endswith("weight") and tensor.std() < 0.02:
            tensor.mul_(20)
    return net.eval()


def outputs(evaluator: Any, planes: Any, logits: int) -> tuple[Any, Any]:
    """What `evaluator` writes for `planes`; buffers start as NaN, so that an unwritten cell shows."""
    policy, wdl = np.full((len(planes), logits), np.nan, np.float32), np.full((len(planes), 3), np.nan, np.float32)
    evaluator.evaluate(planes, policy, wdl)
    return policy, wdl
