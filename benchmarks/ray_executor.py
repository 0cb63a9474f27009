"""The Ray executor on two local nodes of one core each, beside threads: its speed, and how it comes back from a loss.

python benchmarks/ray_executor.py [--game connect4] [--seconds 4] [--losses 5]. Speed is in positions/s of self-play
alone, with the game's own settings, both sides in turn in one process, the processes executor with them. Then an actor
is killed, and time taken until another in its place (its node's understudy) has delivered games and until the actor
started in its place has; then a node is killed, another joins at once, and time taken until as many actors as before
have delivered.
"""

import argparse
import os
import secrets
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

from dataclasses import replace

from ray import wait as wait_for_calls
from ray.cluster_utils import Cluster

from benchmarks.common import in_turn, report
from games.loader import load
from games.processes import processor
from nets.config import NetConfig
from nets.families import build
from selfplay.cluster import Member, RayExecutor
from selfplay.config import default_config
from selfplay.executors import Executor, compile_kernels, make_executor


def never() -> bool:
    """Nobody stops a round."""
    return False


def after(seconds: float) -> Callable[[], bool]:
    """A stop after that time."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def rate(executor: Executor, plies: int, seconds: float) -> float:
    """Positions per second over whole rounds, after one that is not counted: it may have been played in advance."""
    executor.play(plies, never, 1.0)
    began, positions = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        positions += executor.play(plies, never, 1.0).positions
    return positions / (time.perf_counter() - began)


def until(executor: RayExecutor, reached: Callable[[], bool]) -> float:
    """Seconds of play until then; small rounds, so that games come often."""
    began = time.monotonic()
    while not reached():
        executor.play(512, reached, 1.0)
    return time.monotonic() - began


def lose_actor(executor: RayExecutor) -> tuple[float, float]:
    """Seconds from a kill until the understudy has delivered games, and until the new actor has."""
    regular = next(m for m in executor.members if not m.stands_by and m.played_at)
    (understudy,) = [m for m in executor.members if m.stands_by == regular.node]
    before, since = set(executor.members), time.monotonic()
    os.kill(regular.pid, signal.SIGKILL)
    filled = until(executor, lambda: understudy.played_at > since)
    rest = until(executor, lambda: any(m.played_at for m in set(executor.members) - before))
    until(executor, lambda: standing(executor) == 2)
    return filled, filled + rest


def lose_node(executor: RayExecutor, cluster: Any) -> float:
    """Seconds from a node's end until two actors have delivered games again, one of them on the node that joined."""
    before: set[Member] = set(executor.members)
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    began = time.monotonic()
    cluster.add_node(num_cpus=1)
    until(executor, lambda: any(m.played_at and not m.stands_by for m in set(executor.members) - before))
    seconds = time.monotonic() - began
    until(executor, lambda: standing(executor) == 2)
    return seconds


def standing(executor: RayExecutor) -> int:
    """Understudies that are ready."""
    return sum(m.stands_by is not None and m.node is not None for m in executor.members)


def show(name: str, seconds: list[float]) -> None:
    """Median and range."""
    print(f"  {name:<48} {statistics.median(seconds):5.1f} s  ({min(seconds):.1f} to {max(seconds):.1f})")


def main() -> None:
    """Print speeds, their ratios and the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="connect4")
    parser.add_argument("--plies", type=int, default=8000, help="of a round")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a measurement")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--losses", type=int, default=5)
    options = parser.parse_args()
    game = load(options.game)
    config = replace(default_config(game), actors=2, plies_per_round=options.plies)
    model = build(NetConfig.parse(config.net), game)
    compile_kernels(game, config, model)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray = RayExecutor(game, config, model, 0, None, cluster.address)
    others = {name: make_executor(game, replace(config, executor=name), model, 0) for name in ("threads", "processes")}
    for executor in (ray, *others.values()):
        executor.wait(never)
    until(ray, lambda: standing(ray) == 2)

    def side(executor: Executor) -> Callable[[], float]:
        def measure() -> float:
            wait_for_calls(list(ray._calls), num_returns=len(ray._calls))  # no actor plays on while others are measured
            return rate(executor, options.plies, options.seconds)

        return measure

    print(processor())
    print(f"{game.spec}, {config.net}, {config.games_per_actor} games an actor, rounds of {options.plies:,} plies")
    sides = {"threads": side(others["threads"]), "ray": side(ray), "processes": side(others["processes"])}
    report(in_turn(sides, options.runs), "positions/s", "threads")
    for executor in others.values():
        executor.close()
    lost = [lose_actor(ray) for _ in range(options.losses)]
    show("actor killed to its understudy's first games", [filled for filled, _ in lost])
    show("actor killed to its replacement's first games", [replaced for _, replaced in lost])
    show("node killed, another joining, to full strength", [lose_node(ray, cluster) for _ in range(options.losses)])
    ray.close()
    cluster.shutdown()


if __name__ == "__main__":
    main()
