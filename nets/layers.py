"""The two layers that all nets consist of, and all initialisation in one function.

A layer carries its activation, so that an inference copy can put one fused operation in its place.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dense(nn.Linear):
    """Linear layer, then ReLU where `relu`: [n, inputs] -> [n, outputs]."""

    def __init__(self, inputs: int, outputs: int, *, relu: bool) -> None:
        super().__init__(inputs, outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Return [n, outputs] in the dtype of `x`."""
        y = super().forward(x)
        return F.relu(y) if self.relu else y


class Listed(nn.Module):
    """Linear layer on inputs of 0 and 1 that come as a list of those that are 1, then ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.rows = nn.EmbeddingBag(inputs + 1, outputs, mode="sum", padding_idx=inputs)  # the last ends a list
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, planes: Tensor) -> Tensor:
        """[n, 1, 1, most] of indices, `inputs` where a list has ended -> [n, outputs] in the dtype of the weights."""
        y: Tensor = self.rows(planes.flatten(1).long())
        return F.relu(y + self.bias)


class Conv(nn.Module):
    """Same-size convolution, batch norm (a bias where not `norm`), optional skip, then ReLU where `relu`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, relu: bool, norm: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else None
        self.relu = relu

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """[n, inputs, H, W], skip [n, outputs, H, W] -> [n, outputs, H, W]; the skip is added before the ReLU."""
        y: Tensor = self.conv(x)
        if self.norm is not None:
            y = self.norm(y)
        if skip is not None:
            y = y + skip
        return F.relu(y) if self.relu else y


# Of a list's inputs so many are taken to be active at a time, in place of the fan-in.
TYPICAL_ACTIVE = 32
# An untrained head's logits spread by about this much: priors near uniform and WDL near a third each, so that the first
# searches follow their own counts. Exactly zero would give the layers below no gradient in the first step.
HEAD_SPREAD = 0.1


def initialise(model: nn.Module) -> None:
    """Set every parameter from torch's global generator.

    - Weights before a ReLU: normal of variance 2 / fan-in, which keeps the scale of activations through the layers
      (He et al. 2015, section 2.2).
    - The last batch norm of a residual block: scale 0, so that every block starts as the identity and depth costs
      nothing at first (Goyal et al. 2017, section 5.1).
    - Outputs (layers without ReLU and without batch norm): normal of deviation HEAD_SPREAD / sqrt(fan-in).
    - Biases and shifts: 0.
    """
    for module in model.modules():
        if isinstance(module, Dense):
            _weights(module.weight, output=not module.relu)
            nn.init.zeros_(module.bias)
        elif isinstance(module, Conv):
            _weights(module.conv.weight, output=not module.relu and module.norm is None)
            if module.conv.bias is not None:
                nn.init.zeros_(module.conv.bias)
        elif isinstance(module, Listed):
            nn.init.normal_(module.rows.weight, std=(2 / TYPICAL_ACTIVE) ** 0.5)
            nn.init.zeros_(module.rows.weight[-1])
            nn.init.zeros_(module.bias)
    for module in model.modules():
        if isinstance(module, ResidualBlock) and module.second.norm is not None:
            nn.init.zeros_(module.second.norm.weight)


@torch.no_grad()
def _weights(weight: Tensor, *, output: bool) -> None:
    if output:
        nn.init.normal_(weight, std=HEAD_SPREAD / weight[0].numel() ** 0.5)
    else:
        nn.init.kaiming_normal_(weight, nonlinearity="relu")


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip, activation after the sum (He et al. 2016, figure 2; AlphaZero's block).

    Post-activation, since its batch norms then fold into the convolutions and each block is two fused operations.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv(channels, channels, 3, relu=True)
        self.second = Conv(channels, channels, 3, relu=True)

    def forward(self, x: Tensor) -> Tensor:
        """[n, channels, H, W] -> the same."""
        y: Tensor = self.second(self.first(x), x)
        return y
