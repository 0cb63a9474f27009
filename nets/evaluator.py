"""TorchEvaluator: batches of planes to policy logits and win, draw, loss probabilities, on the CPU or CUDA."""

from __future__ import annotations

import copy
import platform
from typing import TYPE_CHECKING

import torch
from torch import nn

from games.errors import TandemError
from nets.checkpoint import model_net_id
from nets.families import Mlp, Sparse
from nets.fused import inference_copy

if TYPE_CHECKING:
    from typing import Self

    from games.contract import FloatArray

# In smaller batches bf16 is slower than f32: the fixed costs of its operators outweigh their speed. Measured at 1 to 24
# positions with benchmarks/inference.py on a Xeon with AMX, packed operators.
MLP_BF16_BATCH = 16
CONV_BF16_BATCH = 2


def fast_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 in hardware. Elsewhere it is emulated, and slower than f32.

    Capability bits rather than a timing, so that one machine always decides alike.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if platform.machine().lower() in ("arm64", "aarch64"):
        return bool(getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", bool)())
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)


class TorchEvaluator:
    """Evaluates one net. Use one instance per thread: `clone` shares the weights.

    Intra-op threads are the caller's: with one group of games per core, torch.set_num_threads(1) is the fastest.
    """

    net_id: str
    listed: bool  # whether it takes the planes of Game.listed

    def __init__(self, model: nn.Module, *, precision: str = "auto", device: str = "auto") -> None:
        """Take an inference copy of `model`, a net of `families.build`.

        precision: "bf16", "f32" or "auto" (bf16 where the device has it in hardware). device: "cpu", "cuda", "cuda:1"
        or "auto" (CUDA where present). Raises TandemError on anything else.
        """
        self._device = _device(device)
        if precision not in ("auto", "bf16", "f32"):
            raise TandemError(f"precision {precision!r} is not known; write auto, bf16 or f32")
        self.precision = precision if precision != "auto" else "bf16" if fast_bf16(self._device) else "f32"
        self._adapts = precision == "auto" and self.precision == "bf16" and self._device.type == "cpu"
        self.load(model)

    def load(self, model: nn.Module) -> None:
        """Swap in the weights of `model`, which may be another net of the same game; it is copied, never changed."""
        self.net_id = model_net_id(model)
        self._dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        self.listed = isinstance(model, Sparse)
        self._flat = isinstance(model, Mlp | Sparse)
        self._net = inference_copy(model, self._dtype, self._device)
        # Batches below this go to an f32 copy.
        self._bf16_batch = (MLP_BF16_BATCH if self._flat else CONV_BF16_BATCH) if self._adapts else 0
        self._small_net = inference_copy(model, torch.float32, self._device) if self._adapts else self._net

    def clone(self) -> Self:
        """Return an evaluator for another thread that shares these weights; a later `load` on either is its own."""
        return copy.copy(self)

    def evaluate(self, planes: FloatArray, logits: FloatArray, wdl: FloatArray) -> None:
        """Write policy logits and outcome probabilities for a batch of positions.

        planes: float32 [n, C, H, W]. logits: float32 [n, LOGITS], of all actions, legal or not. wdl: float32 [n, 3],
        the probabilities of win, draw and loss for the player to move. Raises TandemError when an output is NaN or
        infinite.
        """
        if not len(planes):
            return
        net, dtype = self._net, self._dtype
        if len(planes) < self._bf16_batch:
            net, dtype = self._small_net, torch.float32
        with torch.inference_mode():
            x = torch.from_numpy(planes)
            if self.listed:
                x = x.to(self._device)  # indices: bf16 would round them
            elif self._flat:
                x = x.to(self._device, dtype)
            else:
                x = x.to(self._device, dtype, memory_format=torch.channels_last)
            policy, outcome = net(x)
            policy_out, wdl_out = torch.from_numpy(logits), torch.from_numpy(wdl)
            policy_out.copy_(policy)
            # Down the columns: a softmax along rows of three takes four times as long at batch 512.
            wdl_out.copy_(outcome.t().float().contiguous().softmax(0).t())
            # One NaN or infinity makes a sum NaN or infinite; two sums cost far less than two masks.
            if not (policy_out.sum() + wdl_out.sum()).isfinite():
                bad = ~(policy_out.isfinite().all(1) & wdl_out.isfinite().all(1))
                raise TandemError(
                    f"net {self.net_id} gives NaN or infinite outputs for {int(bad.sum())} of {len(planes)} positions; "
                    "its weights are broken, use an earlier checkpoint"
                )


def _device(text: str) -> torch.device:
    if text == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(text)
    except RuntimeError:
        device = torch.device("meta")
    if device.type == "cpu" or (device.type == "cuda" and (device.index or 0) < torch.cuda.device_count()):
        return device
    raise TandemError(f"device {text!r} is not here; write auto, cpu" + (" or cuda" * torch.cuda.is_available()))
