"""Self-play evaluations per second against bare inference at the same net, batch and threads.

python benchmarks/selfplay.py [--net resnet:5x64] [--seconds 5]. No evaluation cache, and no exact search
(`proof_nodes` 0): what it solves takes time but no evaluation. Both sides run one thread per processor, each with its
own group of games or its own batch of positions.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.common import in_turn, report
from games.loader import load
from games.processes import processor
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.actor import Actor
from selfplay.config import TrainConfig


def main() -> None:
    """Print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="connect4")
    parser.add_argument("--net", default="resnet:5x64")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    game = load(options.game)
    config = TrainConfig(net=options.net, proof_nodes=0)
    evaluator = TorchEvaluator(build(NetConfig.parse(options.net), game))
    actors = [Actor(game, config, evaluator.clone(), first_number=i, stride=8) for i in range(options.threads)]

    def rate(bare: bool) -> float:
        done = [0] * len(actors)

        def work(i: int) -> None:
            actor, end = actors[i], time.perf_counter() + options.seconds
            before = actor.evaluations
            while time.perf_counter() < end:
                if bare:
                    actor.evaluator.evaluate(actor.planes, actor.logits, actor.wdl)
                    done[i] += len(actor.planes)
                else:
                    actor.step()
            done[i] += actor.evaluations - before

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(actors))]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done) / (time.perf_counter() - began)

    print(processor())
    print(f"{game.spec}, {options.net}, {evaluator.precision}, batch {config.games_per_actor}, {len(actors)} threads")
    sides = {"self-play": lambda: rate(False), "bare inference": lambda: rate(True)}
    report(in_turn(sides, options.runs), "evaluations/s", "bare inference")


if __name__ == "__main__":
    main()
