"""Self-play positions per second, Gumbel search with a residual net, beside pgx with mctx.

python benchmarks/selfplay_peer.py --peer-python ENV/bin/python [--net resnet:5x64] [--runs 5]. ENV is a virtual
environment of its own: python3 -m venv ENV && ENV/bin/pip install jax==0.10.2 pgx==2.6.0 mctx==0.0.71
dm-haiku==0.0.17. Both sides play Connect Four from its start with 32 simulations a move, every move fully searched, 256
games at once, untrained nets of the same size and all processors; ours with its cache of evaluations off and on,
without exact search and without looking ahead, which the peer has not.
"""

import argparse
import os
import subprocess
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
    """Print the sides and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--net", default="resnet:5x64")
    parser.add_argument("--games", type=int, default=256)
    parser.add_argument("--simulations", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    game, threads = load("connect4"), os.cpu_count() or 1
    blocks, channels = NetConfig.parse(options.net).sizes
    script = str(Path(__file__).with_name("pgx_selfplay.py"))
    words = [options.games, options.simulations, options.seconds, blocks, channels]
    peer = subprocess.Popen(
        [options.peer_python, script, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert peer.stdin is not None and peer.stdout is not None
    if peer.stdout.readline() != "ready\n":
        sys.exit("the peer did not start; does its environment have jax, pgx, mctx and dm-haiku?")

    def theirs() -> float:
        assert peer.stdin is not None and peer.stdout is not None
        print("go", file=peer.stdin, flush=True)
        return float(peer.stdout.readline())

    evaluator = TorchEvaluator(build(NetConfig.parse(options.net), game))

    def side(cache: int) -> "list[Actor]":
        config = TrainConfig(
            net=options.net, root="gumbel", simulations=options.simulations, full_share=1.0, opening_share=0.0,
            temperature_plies=0, proof_nodes=0, solve=False, cache=cache, games_per_actor=options.games // threads,
        )  # fmt: skip
        return [Actor(game, config, evaluator.clone(), first_number=i, stride=threads) for i in range(threads)]

    def ours(actors: "list[Actor]") -> float:
        played = [0] * threads

        def work(i: int) -> None:
            end = time.perf_counter() + options.seconds
            while time.perf_counter() < end:
                before = actors[i].plies
                actors[i].play(options.games)
                played[i] += actors[i].plies - before

        began = time.perf_counter()
        workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(played) / (time.perf_counter() - began)

    print(processor())
    print(
        f"{game.spec}, {options.net}, {options.simulations} simulations, {options.games} games, {threads} threads, "
        f"ours in {evaluator.precision}"
    )
    off, on = side(0), side(64)
    sides = {"tandem, cache off": lambda: ours(off), "tandem, cache on": lambda: ours(on), "pgx + mctx": theirs}
    report(in_turn(sides, options.runs), "positions/s", "pgx + mctx")
    peer.terminate()


if __name__ == "__main__":
    main()
