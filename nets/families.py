"""The net families behind one interface: planes in, policy logits and WDL logits out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nets.config import HEAD_CHANNELS, POOLS, WDL_HIDDEN, NetConfig
from nets.layers import Conv, Dense, Listed, ResidualBlock, initialise

if TYPE_CHECKING:
    from games.contract import Game


# Logits for each one asked for, from which on their rows are looked up. Measured at 1,024 positions, 14,016 logits, 64
# asked for and 128 units, there and back: 65 ms against 111 for all.
SPARSE_HEAD = 64


def answer(heads: nn.Module, logits: int, x: Tensor, moves: Tensor | None) -> tuple[Tensor, Tensor]:
    """The last layer of a perceptron, a row for each of `logits`, then three of win, draw and loss.

    [n, units] -> policy logits [n, logits], or [n, k] of moves alone, and WDL logits [n, 3]. `moves` int64 [n, k,
    terms] has the logits that sum to each move's.
    """
    if moves is not None and isinstance(heads, Dense) and SPARSE_HEAD * moves[0].numel() < logits:
        # A matrix of all logits would take longer to write, there and back.
        weight, bias = heads.weight, heads.bias
        with torch.autocast(x.device.type, enabled=False):
            rows = F.embedding(moves, weight).sum(2)
            policy = torch.bmm(rows, x.to(weight.dtype).unsqueeze(2)).squeeze(2) + bias[moves].sum(2)
        return policy, F.linear(x, weight[logits:], bias[logits:])
    y: Tensor = heads(x)
    return y[:, :logits] if moves is None else chosen(y, moves), y[:, logits:]


def chosen(logits: Tensor, moves: Tensor) -> Tensor:
    """Logits [n, LOGITS] -> those of moves, [n, k], each the sum of those that `moves` int64 [n, k, terms] names."""
    return logits.gather(1, moves.flatten(1)).view(moves.shape).sum(2)


class Mlp(nn.Module):
    """Perceptron over the flattened planes. Policy and WDL share the last layer: `logits` rows, then three."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], logits: int) -> None:
        super().__init__()
        widths = (inputs, *hidden)
        self.hidden = nn.ModuleList(Dense(a, b, relu=True) for a, b in pairwise(widths))
        self.heads = Dense(widths[-1], logits + 3, relu=False)
        self.logits = logits

    def forward(self, planes: Tensor, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """[n, C, H, W] -> policy logits [n, logits], WDL logits [n, 3], in the dtype of the planes.

        Of `moves`, int64 [n, k, terms], where given: policy logits [n, k] of these alone.
        """
        x = planes.flatten(1)
        for layer in self.hidden:
            x = layer(x)
        return answer(self.heads, self.logits, x, moves)


class Sparse(nn.Module):
    """Perceptron over a list of active inputs (as the first layer of NNUE, Yu et al. 2018); heads as of the Mlp."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], logits: int) -> None:
        super().__init__()
        self.inputs = Listed(inputs, hidden[0])
        self.hidden = nn.ModuleList(Dense(a, b, relu=True) for a, b in pairwise(hidden))
        self.heads = Dense(hidden[-1], logits + 3, relu=False)
        self.logits = logits

    def forward(self, planes: Tensor, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """float32 [n, 1, 1, MAX_ACTIVE], the planes of Game.listed -> as Mlp.forward, in the dtype of the weights."""
        x = self.inputs(planes)
        for layer in self.hidden:
            x = layer(x)
        return answer(self.heads, self.logits, x, moves)


class Resnet(nn.Module):
    """Residual tower with a policy and a WDL head (Silver et al. 2018, methods; pooling after Wu 2019, section 3.3).

    Where the game's policy is a map over cells, both heads pool instead of flattening, so that no weight depends on
    the board's size.
    """

    def __init__(self, config: NetConfig, game: Game) -> None:
        super().__init__()
        blocks, channels = config.sizes
        planes, height, width = game.planes
        self.pooled = game.policy is not None
        flat = HEAD_CHANNELS * (POOLS if self.pooled else height * width)
        self.stem = Conv(planes, channels, 3, relu=True)
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))
        self.policy_conv = Conv(channels, HEAD_CHANNELS, 1, relu=True)
        self.wdl_conv = Conv(channels, HEAD_CHANNELS, 1, relu=True)
        self.wdl_hidden = Dense(flat, WDL_HIDDEN, relu=True)
        self.wdl = Dense(WDL_HIDDEN, 3, relu=False)
        per_cell, extra = game.policy or (0, game.logits)
        self.policy_map = Conv(HEAD_CHANNELS, per_cell, 1, relu=False, norm=False) if per_cell else None
        self.policy = Dense(flat, extra, relu=False) if extra else None

    def forward(self, planes: Tensor, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As Mlp.forward.

        With a policy map (k, extra), logit c * H * W + row * W + column is channel c of that cell; the extra come last.
        """
        x = self.stem(planes)
        for block in self.blocks:
            x = block(x)
        wdl: Tensor = self.wdl(self.wdl_hidden(self._flat(self.wdl_conv(x))))
        x = self.policy_conv(x)
        parts = [] if self.policy_map is None else [self.policy_map(x).flatten(1)]
        if self.policy is not None:
            parts.append(self.policy(self._flat(x)))
        policy = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return policy if moves is None else chosen(policy, moves), wdl

    def _flat(self, x: Tensor) -> Tensor:
        """[n, channels, H, W] -> [n, channels * H * W], or the mean and maximum of each channel where pooled."""
        if not self.pooled:
            return x.flatten(1)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


def build(config: NetConfig, game: Game, *, seed: int = 0) -> nn.Module:
    """Return an initialised net in training mode, float32, on the CPU; the same seed gives the same weights.

    Its forward takes planes [n, C, H, W], and returns policy logits [n, LOGITS], both as of NetConfig.inputs, and WDL
    logits [n, 3].
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels, height, width = game.planes
        net: nn.Module
        if config.family == "mlp":
            net = Mlp(channels * height * width, config.sizes, game.logits)
        elif config.listed:
            net = Sparse(game.feature_count, config.sizes, game.listed.logits)
        else:
            net = Resnet(config, game)
        initialise(net)
    return net
