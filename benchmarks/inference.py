"""Positions evaluated per second by net, back end and batch size, on one thread.

    python -m benchmarks.inference [--compile]

Every figure is the median of seven timings of at least 0.1 s, and covers the call that a search makes: numpy planes in,
numpy logits and probabilities out. `--compile` adds torch.compile of the same bf16 net, weights frozen, and the seconds
that each batch size's first call takes.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from games.processes import processor
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator, fast_bf16
from nets.families import build
from nets.fused import packed_available

GAME: Any = SimpleNamespace(planes=(2, 6, 7), logits=7, policy=None, spec="connect4", rules_id="benchmark")
NETS = ("mlp:512-256", "resnet:4x32", "resnet:5x64")
BATCHES = (1, 8, 16, 64, 128, 256, 512)
REPEATS, SECONDS = 7, 0.1


def rate(run: Callable[[], object], positions: int) -> float:
    """Return positions per second: the median of REPEATS timings after a warm-up."""
    for _ in range(3):
        run()
    rates = []
    for _ in range(REPEATS):
        calls, start = 0, time.perf_counter()
        while (seconds := time.perf_counter() - start) < SECONDS:
            run()
            calls += 1
        rates.append(calls * positions / seconds)
    return statistics.median(rates)


def eager(net: nn.Module, dtype: torch.dtype) -> Callable[..., object]:
    """Return an evaluate function that runs `net` as it is: batch norms apart, no fused operator, channels first."""
    net = copy.deepcopy(net).eval().to(dtype)
    return plain(net, dtype, torch.contiguous_format)


def plain(net: Callable[..., Any], dtype: torch.dtype, layout: torch.memory_format) -> Callable[..., object]:
    """Return an evaluate function around any callable net, with the conversions that TorchEvaluator makes."""

    def evaluate(planes: Any, logits: Any, wdl: Any) -> None:
        with torch.inference_mode():
            policy, outcome = net(torch.from_numpy(planes).to(dtype, memory_format=layout))
            torch.from_numpy(logits).copy_(policy)
            torch.from_numpy(wdl).copy_(outcome.float().softmax(1))

    return evaluate


def main() -> None:
    """Print one table per net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true", help="also time torch.compile, which takes minutes")
    with_compile = parser.parse_args().compile
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    print(f"{processor()}, torch {torch.__version__}, fast bf16 {fast_bf16(cpu)}, packed {packed_available()}")
    rng = np.random.default_rng(0)
    for text in NETS:
        config = NetConfig.parse(text)
        net = build(config, GAME)
        ends: dict[str, Callable[..., object]] = {
            "eager f32": eager(net, torch.float32),
            "eager bf16": eager(net, torch.bfloat16),
            "folded f32": TorchEvaluator(net, precision="f32", device="cpu").evaluate,
            "packed bf16": TorchEvaluator(net, precision="bf16", device="cpu").evaluate,
            "auto": TorchEvaluator(net, device="cpu").evaluate,
        }
        if with_compile:
            # One function compiles for eight shapes at most; past that it silently runs eager.
            torch.compiler.reset()
            layout = torch.contiguous_format if config.family == "mlp" else torch.channels_last
            half = copy.deepcopy(net).eval().to(torch.bfloat16, memory_format=layout)
            ends["compiled bf16"] = plain(
                torch.compile(half, dynamic=False, options={"freezing": True}), torch.bfloat16, layout
            )
        print(f"\n{text}: {config.parameters(GAME):,} parameters, {config.flops(GAME) / 1e6:.2f} MFLOP an evaluation")
        print("batch " + "".join(f"{name:>15}" for name in ends))
        for batch in BATCHES:
            planes = rng.integers(0, 2, (batch, *GAME.planes)).astype(np.float32)
            logits, wdl = np.empty((batch, GAME.logits), np.float32), np.empty((batch, 3), np.float32)
            start = time.perf_counter()
            list(ends.values())[-1](planes, logits, wdl)
            first = time.perf_counter() - start
            rates = [rate(partial(run, planes, logits, wdl), batch) for run in ends.values()]
            note = f"   compiled in {first:.1f} s" if with_compile else ""
            print(f"{batch:5} " + "".join(f"{value:15,.0f}" for value in rates) + note)


if __name__ == "__main__":
    main()
