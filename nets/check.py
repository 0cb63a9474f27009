"""Holds any evaluator against eager f32, and refuses one that strays."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from games.errors import TandemError

if TYPE_CHECKING:
    from engine.evaluator import Evaluator
    from games.contract import FloatArray

# A 5x64 net fitted for 150 steps measured 2e-5 in bf16: fifty times that leaves room for sharper policies and is still
# a thousandth of a nat.
MAX_MEAN_KL = 1e-3
# The same net measured 0.012 at worst over 1,024 positions. The value of 100 simulations has a standard error of up to
# 0.05 in the win rate, and 0.02 stays within it.
MAX_WDL_ERROR = 0.02


class CheckResult(NamedTuple):
    """Mean KL(eager f32 || evaluator) of the policies over all logits, in nats, and the largest WDL difference."""

    positions: int
    mean_kl: float
    max_wdl_error: float


def check(evaluator: Evaluator, model: nn.Module, planes: FloatArray) -> CheckResult:
    """Compare `evaluator` with `model` in eager f32 on planes float32 [n, C, H, W], n > 0.

    Raises TandemError when the mean policy KL exceeds MAX_MEAN_KL or a WDL probability differs by more than
    MAX_WDL_ERROR.
    """
    if not len(planes):
        raise TandemError("an evaluator is checked on at least one position; give some")
    reference = copy.deepcopy(model).eval().float().cpu()
    with torch.inference_mode():
        policy, outcome = reference(torch.from_numpy(planes))
        logits = np.empty(policy.shape, np.float32)
        wdl = np.empty(outcome.shape, np.float32)
        evaluator.evaluate(planes, logits, wdl)
        want, got = policy.double().log_softmax(1), torch.from_numpy(logits).double().log_softmax(1)
        mean_kl = float((want.exp() * (want - got)).sum(1).mean())
        max_wdl_error = float((outcome.softmax(1) - torch.from_numpy(wdl)).abs().max())
    # Written so that NaN is refused too.
    if not (mean_kl <= MAX_MEAN_KL and max_wdl_error <= MAX_WDL_ERROR):
        raise TandemError(
            f"evaluator of net {evaluator.net_id} strays from eager f32 on {len(planes)} positions: mean policy KL "
            f"{mean_kl:.1e} (at most {MAX_MEAN_KL}), WDL error {max_wdl_error:.3f} (at most {MAX_WDL_ERROR}); "
            "use precision f32"
        )
    return CheckResult(len(planes), mean_kl, max_wdl_error)
