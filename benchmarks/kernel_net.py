"""Hybrid simulations per second of one search on one thread: the kernel net beside torch.

python benchmarks/kernel_net.py [--simulations 20000]. Every run is a new search of a game's start, so that neither
the tree nor the cache of evaluations is warm; early stop off.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.common import in_turn, per_second, report
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from games.processes import processor
from players.evaluators import find_model, load_evaluator


def main() -> None:
    """Print the rates side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="connect4")
    parser.add_argument("--model", type=Path, help="default: the shipped net")
    parser.add_argument("--simulations", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    game = load(options.game)
    path = find_model(game, options.model)
    torch_net, kernel_net = load_evaluator(game, path, "torch"), load_evaluator(game, path, "kernel")

    def rate(evaluator: object, leaves: int | None, simulations: int, cache: int = 32 << 20) -> Callable[[], float]:
        settings = Settings("hybrid", early_stop=False, leaves=leaves, cache=cache, proof_nodes=0)

        def run() -> float:
            search = Search(game, settings, evaluator)
            return per_second(lambda: search.run(Position(game), simulations=simulations).simulations)

        return run

    print(processor())
    print(f"{game.spec}, {path.name}, {options.simulations:,} simulations; a tenth of them for torch at batch 1")
    sides = {
        "torch, batch 1": rate(torch_net, 1, max(options.simulations // 10, 1)),
        "torch, batch 16": rate(torch_net, 16, options.simulations),
        "kernel, no cache": rate(kernel_net, None, options.simulations, cache=1),
        "kernel": rate(kernel_net, None, options.simulations),
    }
    report(in_turn(sides, options.runs), "simulations/s", "torch, batch 1")


if __name__ == "__main__":
    main()
