"""Positions per second of `play.py --analyse`: queries sent all at once, beside each sent when the last is answered.

python benchmarks/analyse.py [--games connect4 othello] [--net resnet:5x64] [--visits 100]. Each game twice: with an
untrained net of --net, which runs in batches, and with the shipped net, whose searches run on their own. Both sides ask
the same process for positions of random games, with nothing cached (clear_cache); medians of --runs in turn.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import in_turn, report
from engine.position import Position
from games.compiler import ROOT
from games.contract import Game
from games.loader import load
from games.processes import processor
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.families import build
from nets.models import shipped_model

PLIES = 12  # of the random games


class Engine:
    """One process of play.py --analyse."""

    def __init__(self, game: Game, model: Path, visits: int) -> None:
        flags = [game.spec, "--analyse", "--model", str(model), "--simulations", str(visits)]
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        command = [sys.executable, str(ROOT / "play.py"), *flags]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True)

    def send(self, *queries: dict[str, Any]) -> None:
        """Write queries, one a line."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(json.dumps(query) + "\n" for query in queries))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def positions_per_second(self, queries: list[dict[str, Any]], *, at_once: bool) -> float:
        """How fast these are answered; the net's cache is empty at the start."""
        self.send({"id": "clear", "action": "clear_cache"})
        self.receive()
        began = time.perf_counter()
        if at_once:
            self.send(*queries)
            for _ in queries:
                self.receive()
        else:
            for query in queries:
                self.send(query)
                self.receive()
        return len(queries) / (time.perf_counter() - began)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def queries_of(game: Game, count: int) -> list[dict[str, Any]]:
    """Queries of distinct positions, each after PLIES random moves."""
    choose = random.Random(1)
    found: dict[tuple[str, ...], None] = {}
    while len(found) < count:
        position = Position(game)
        while position.ply < PLIES and not position.ended:
            position.play(choose.choice(position.legal()))
        if not position.ended:
            found[tuple(position.moves_text())] = None
    return [{"id": str(i), "moves": list(moves)} for i, moves in enumerate(found)]


def compare(title: str, engine: Engine, queries: list[dict[str, Any]], runs: int) -> None:
    """Print both sides, and end the engine."""
    few = queries[: max(len(queries) // 8, 1)]  # one at a time is the slow side
    sides = {
        "one at a time": lambda: engine.positions_per_second(few, at_once=False),
        "at once": lambda: engine.positions_per_second(queries, at_once=True),
    }
    print(title)
    report(in_turn(sides, runs), "positions/s", "one at a time")
    engine.close()


def main() -> None:
    """Print both sides for each game and net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", nargs="+", default=["connect4", "othello"])
    parser.add_argument("--net", default="resnet:5x64")
    parser.add_argument("--visits", type=int, default=100)
    parser.add_argument("--positions", type=int, default=256)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} processors; {options.visits} visits, {options.positions} positions")
    for name in options.games:
        game, config = load(name), NetConfig.parse(options.net)
        queries = queries_of(game, options.positions)
        with tempfile.TemporaryDirectory() as folder:
            batched = Path(folder) / "net.safetensors"
            save_model(batched, build(config, game, seed=1), config, game, {})
            compare(f"{game.spec}, {options.net}", Engine(game, batched, options.visits), queries, options.runs)
        if shipped := shipped_model(game):
            compare(f"{game.spec}, shipped net", Engine(game, shipped, options.visits), queries, options.runs)


if __name__ == "__main__":
    main()
