"""The inference copy of a net: batch norm folded, activations fused, weights packed once per version.

In bf16 on CPUs the fused layers call the oneDNN operators `torch.ops.mkldnn.*_pointwise`: those that torch.compile
itself emits, without its 4 to 20 s of start-up and 3 s more per batch size. They bear no promise of stability, so
`packed_available` tries them once and plain operators take their place where they are missing or wrong. In f32 they
gain nothing, so plain operators serve.
"""

from __future__ import annotations

import copy
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from nets.layers import Conv, Dense

# Weights are laid out for this batch and board; others use the same layout at no measured loss.
PACKED_BATCH = 256
PACKED_CELLS = (8, 8)
_ONES = (1, 1)


class PlainConv(nn.Module):
    """Conv with its batch norm folded into weight and bias (Jacob et al. 2018, section 3.2)."""

    def __init__(self, layer: Conv, dtype: torch.dtype) -> None:
        super().__init__()
        weight, bias = _folded(layer)
        self.weight = nn.Parameter(weight.to(dtype, memory_format=torch.channels_last), requires_grad=False)
        self.bias = nn.Parameter(bias.to(dtype), requires_grad=False)
        self.padding = layer.conv.padding
        self.relu = layer.relu

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """[n, inputs, H, W] -> [n, outputs, H, W], as `Conv.forward` in evaluation mode."""
        y = F.conv2d(x, self.weight, self.bias, padding=self.padding)
        if skip is not None:
            y += skip
        return F.relu_(y) if self.relu else y


class PackedConv(nn.Module):
    """PlainConv in bf16 as one oneDNN operator with the skip and the ReLU inside and its weight laid out in advance."""

    def __init__(self, layer: Conv) -> None:
        super().__init__()
        weight, bias = _folded(layer)
        self.bias = bias.to(torch.bfloat16)
        self.padding = tuple(int(size) for size in layer.conv.padding)
        shape = (PACKED_BATCH, layer.conv.in_channels, *PACKED_CELLS)
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight.to(torch.bfloat16, memory_format=torch.channels_last), self.padding, _ONES, _ONES, 1, shape
        )
        self.activation = "relu" if layer.relu else "none"
        self.then = "relu" if layer.relu else None
        self.run = torch.ops.mkldnn._convolution_pointwise.default
        self.run_skip = torch.ops.mkldnn._convolution_pointwise.binary

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """[n, inputs, H, W] -> [n, outputs, H, W], as `Conv.forward` in evaluation mode."""
        y: Tensor
        if skip is None:
            y = self.run(x, self.weight, self.bias, self.padding, _ONES, _ONES, 1, self.activation, [], "")
        else:
            y = self.run_skip(
                x, skip, self.weight, self.bias, self.padding, _ONES, _ONES, 1, "add", 1.0, self.then, [], ""
            )
        return y


class PackedDense(nn.Module):
    """Dense in bf16 as one oneDNN operator with the ReLU inside and its weight laid out in advance."""

    def __init__(self, layer: Dense) -> None:
        super().__init__()
        self.bias = layer.bias.detach().to(torch.bfloat16)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach().to(torch.bfloat16), PACKED_BATCH)
        self.activation = "relu" if layer.relu else "none"
        self.run = torch.ops.mkldnn._linear_pointwise.default

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] -> [n, outputs], as `Dense.forward`."""
        y: Tensor = self.run(x, self.weight, self.bias, self.activation, [], "")
        return y


def _folded(layer: Conv) -> tuple[Tensor, Tensor]:
    """Return the layer's weight and bias with its batch norm's running statistics folded in, float32."""
    weight, bias, norm = layer.conv.weight, layer.conv.bias, layer.norm
    if norm is not None:
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None and variance is not None
        weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, norm.eps, norm.weight, norm.bias)
    assert bias is not None
    return weight.detach(), bias.detach()


@torch.inference_mode()
def inference_copy(model: nn.Module, dtype: torch.dtype, device: torch.device) -> nn.Module:
    """Return a copy of `model` for evaluation alone, in `dtype` on `device`; `model` keeps its mode and weights."""
    packed = device.type == "cpu" and dtype == torch.bfloat16 and packed_available()
    net = copy.deepcopy(model).eval().to(device)
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Conv):
                setattr(parent, name, PackedConv(child) if packed else PlainConv(child, dtype))
            elif isinstance(child, Dense) and packed:
                setattr(parent, name, PackedDense(child))
    return net.to(dtype).requires_grad_(False)


@cache
def packed_available() -> bool:
    """Whether this torch build has the packed operators and they agree with the plain ones."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        conv, dense = Conv(4, 4, 3, relu=True).eval(), Dense(16, 4, relu=True)
        plain = PlainConv(conv, torch.bfloat16)
        x = torch.rand(2, 4, 4, 4).to(torch.bfloat16, memory_format=torch.channels_last)
        rows = torch.rand(2, 16).to(torch.bfloat16)
        try:
            packed = PackedConv(conv)
            pairs = [(packed(x), plain(x)), (packed(x, x), plain(x, x))]
            pairs.append((PackedDense(dense)(rows), copy.deepcopy(dense).to(torch.bfloat16)(rows)))
        except (AttributeError, RuntimeError, TypeError):
            return False
        return all(torch.allclose(got.float(), want.float(), atol=0.02) for got, want in pairs)
