"""What a cluster of a thousand actors asks of its learner, from rates measured here; docs/cluster.md has the sums.

python benchmarks/cluster_sizing.py [--game connect4] [--net NET] [--actors 1000] [--seconds 5]. Measured, each on one
core: what an actor plays; bytes of a position; the learner's steps; its intake (check, account, store, replay) of
recorded games; and the same through Ray, from fake actors that return recorded games at once. Then the simulation: fake
actors that take as long as that many real ones would, at a quarter of what the learner can take, at all of it, and at
four times as much; what is accepted, and how many parts were queued at most, says whether the arithmetic holds and
whether there is back pressure. Fake actors share this machine's cores with the learner.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

import numpy as np
import ray
import torch

from benchmarks.common import per_second
from games.contract import Game
from games.loader import load
from games.processes import processor
from nets.evaluator import TorchEvaluator
from selfplay import cluster
from selfplay.actor import Actor
from selfplay.config import TrainConfig, default_config
from selfplay.records import GameBatch
from selfplay.replay import Replay
from selfplay.shards import from_bytes, to_bytes
from selfplay.store import Store
from selfplay.trainer import Trainer

FAKES = 16  # processes that stand for all actors


class FakeActor:
    """Returns the same recorded games again and again, under the numbers that it is given."""

    recorded: Any = None  # (reference to the bytes of a shard, offset of its numbers, games, rules_id, pause in s)

    def prepare(self, spec: str, settings: dict[str, Any], teacher: str | None, numbers: Any, code: str) -> Any:
        """As NodeActor's."""
        data, self.offset, self.games, rules_id, self.pause = json.loads(os.environ["TANDEM_FAKE"])
        self.data, self.numbers = bytearray(Path(data).read_bytes()), numbers
        return {"node": ray.get_runtime_context().get_node_id(), "pid": os.getpid(), "rules_id": rules_id, "code": ""}

    def play(self, weights: Any, version: int, plies: int, effort: float, numbers: Any) -> Any:
        """As NodeActor's, after the time that a real actor would take."""
        time.sleep(self.pause)
        held = np.concatenate([self.numbers, numbers])
        self.data[self.offset : self.offset + 8 * self.games] = held[: self.games].tobytes()
        self.numbers = held[self.games :]
        return bytes(self.data), 0, time.process_time()


def intake(game: Game, config: TrainConfig, folder: str) -> Callable[[GameBatch], int]:
    """Store and replay as Holdings.keep does; returns how many positions."""
    store, replay = Store(Path(folder), game.rules_id, writable=True), Replay(game)

    def keep(games: GameBatch) -> int:
        store.append(games)
        replay.append(games)
        store.maybe_flush(time.monotonic())
        replay.forget(config.window_least)
        return games.positions

    return keep


def renumbered(batch: GameBatch, first: int) -> GameBatch:
    """The same games under other numbers."""
    return replace(batch, number=np.arange(first, first + len(batch)))


def feed(game: Game, config: TrainConfig, fake: tuple[str, int, int], pause: float, options: Any) -> tuple[float, int]:
    """Positions/s that the learner takes from fake actors with that pause, and the most parts that waited at once."""
    os.environ["TANDEM_FAKE"] = json.dumps([*fake, game.rules_id, pause])
    cluster.ENVIRONMENT["TANDEM_FAKE"] = os.environ["TANDEM_FAKE"]
    model = Trainer(game, config).average
    executor = cluster.RayExecutor(game, replace(config, actors=FAKES, executor="ray"), model, 0)
    executor.wait(lambda: False)
    queued, positions = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        keep, began = intake(game, config, folder), 0.0
        for warm in (True, False):
            positions, began = 0, time.perf_counter()
            while time.perf_counter() < began + (1 if warm else options.seconds):
                positions += keep(executor.play(int(options.part * executor.scale), lambda: False, 1.0))
                queued = max(queued, len(executor._calls))
        rate = positions / (time.perf_counter() - began)
    executor.close()
    assert executor.counts.repeated == 0
    return rate, queued


def look(parts: int) -> float:
    """Seconds that one ray.wait takes over that many calls that are under way; the median of twenty."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    actor: Any = ray.remote(Sleeper).remote()
    calls, times = [actor.sleep.remote(1000) for _ in range(parts)], []
    for _ in range(20):
        began = time.perf_counter()
        ray.wait(calls, num_returns=parts, timeout=0)
        times.append(time.perf_counter() - began)
    ray.shutdown()
    return statistics.median(times)


class Sleeper:
    """Takes its time."""

    def sleep(self, seconds: float) -> None:
        """That long."""
        time.sleep(seconds)


def main() -> None:
    """Print rates, the arithmetic and the simulation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="connect4")
    parser.add_argument("--net", help="in place of the game's own")
    parser.add_argument("--actors", type=int, default=1000)
    parser.add_argument("--cores", type=int, default=32, help="of a node")
    parser.add_argument("--part", type=int, default=2000, help="positions of a part of a round")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options = parser.parse_args()
    torch.set_num_threads(1)
    game = load(options.game)
    config = default_config(game)
    config = replace(config, net=options.net or config.net)
    trainer = Trainer(game, config)
    actor = Actor(game, config, TorchEvaluator(trainer.average))
    for _ in range(3):
        actor.play(20 * config.games_per_actor)  # until games end as often as they begin
    games = [actor.play(2000)]
    played = per_second(lambda: (games.append(actor.play(2000)), games[-1].positions)[1], options.seconds)
    recorded = GameBatch.concat(games)
    part = recorded.select(np.cumsum(np.diff(recorded.row_offsets)) <= options.part)
    data = to_bytes(part, game.rules_id)
    a_position = len(data) / part.positions
    print(processor())
    print(f"{game.spec}, {config.net}: an untrained net's games, parts of {part.positions} positions")
    print(f"an actor plays                    {played:12,.0f} positions/s")
    print(f"a position has                    {a_position:12,.0f} bytes, children included")

    replay = Replay(game, trainer.net_config.inputs(game))
    replay.append(recorded)
    trainer.train(replay, 3, 0.0)
    steps = per_second(lambda: trainer.train(replay, 5, 0.0).steps, options.seconds)
    drawn = steps * config.batch / config.reuse
    print(f"the learner takes                 {steps:12,.1f} steps/s of {config.batch}")
    print(f"  at {config.reuse:g} samples a position        {drawn:12,.0f} positions/s")
    with tempfile.TemporaryDirectory() as folder:
        keep, next_number = intake(game, config, folder), iter(range(0, 10**12, len(part)))
        taken = per_second(
            lambda: keep(renumbered(from_bytes(data, "x", game.rules_id), next(next_number))), options.seconds
        )

    print(f"it checks, stores and replays     {taken:12,.0f} positions/s ({taken * a_position / 1e6:,.0f} MB/s)")
    state = trainer.average.state_dict()
    weights = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    nodes = -(-options.actors // options.cores)
    print(
        f"weights are                       {weights / 1e6:12,.1f} MB, {nodes * weights / 1e6:,.0f} MB to {nodes} nodes"
    )

    made = played * options.actors
    print(f"\n{options.actors} actors make {made:,.0f} positions/s, {made * a_position / 1e6:,.0f} MB/s")
    print(f"  learning keeps up with {drawn / played:,.0f} actors, intake with {taken / played:,.0f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.safetensors"
        path.write_bytes(data)
        header = int.from_bytes(data[:8], "little")
        offset = 8 + header + json.loads(data[8 : 8 + header])["number"]["data_offsets"][0]
        fake = (str(path), offset, len(part))
        cluster.NodeActor = FakeActor  # type: ignore[misc]
        flat, queued = feed(game, config, fake, 0.0, options)
        print(
            f"\nthrough Ray, from {FAKES} fake actors   {flat:12,.0f} positions/s, {flat / part.positions:,.0f} parts/s"
        )
        print(f"simulation: what {options.actors} actors would make is offered by {FAKES} that pause")
        print(f"one look at {2 * options.actors} parts under way takes {look(2 * options.actors) * 1000:.1f} ms")
        for share in (0.25, 1.0, 4.0):
            offered = share * flat
            found, queued = feed(game, config, fake, FAKES * part.positions / offered, options)
            print(f"  offered {offered:12,.0f} positions/s   accepted {found:12,.0f}   at most {queued} parts queued")


if __name__ == "__main__":
    main()
