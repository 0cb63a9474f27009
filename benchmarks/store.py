"""The store and the replay against self-play: python benchmarks/store.py [GAME].

Games per second that one actor makes with the game's own settings and net; that the store takes (hashed, written and
made durable, in shards of half a minute's games, as `maybe_flush` closes them); that are read back, checked and put
into the replay. Then the milliseconds in which 256 positions are drawn from a million stored ones, replayed and encoded
anew under a random symmetry.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from games.contract import Game  # noqa: E402
from games.loader import load  # noqa: E402
from games.processes import processor  # noqa: E402
from games.rng import Random  # noqa: E402
from nets.config import NetConfig  # noqa: E402
from nets.evaluator import TorchEvaluator  # noqa: E402
from nets.families import build  # noqa: E402
from selfplay.actor import Actor  # noqa: E402
from selfplay.config import default_config  # noqa: E402
from selfplay.records import GameBatch  # noqa: E402
from selfplay.replay import Replay  # noqa: E402
from selfplay.store import Store  # noqa: E402

STORED = 1_000_000  # positions
SHARD_SECONDS = 30.0  # of self-play, a shard
DRAWN, DRAWS = 256, 200


def self_play(game: Game, seconds: float) -> tuple[list[GameBatch], float, float]:
    """Batches of games, games per second and positions per second of one actor, once games have begun to end."""
    torch.set_num_threads(1)
    config = default_config(game)
    actor = Actor(game, config, TorchEvaluator(build(NetConfig.parse(config.net), game)))
    plies = 4 * config.games_per_actor
    while not len(actor.play(plies)):
        pass
    for _ in range(game.max_plies // 8):  # games of all lengths are to be under way
        actor.play(plies)
    batches, began = list[GameBatch](), time.perf_counter()
    while time.perf_counter() < began + seconds:
        batches.append(actor.play(plies))
    took = time.perf_counter() - began
    return batches, sum(map(len, batches)) / took, sum(batch.positions for batch in batches) / took


def shards_of(batches: list[GameBatch], games: int) -> Iterator[GameBatch]:
    """Shards of so many games, numbered anew, until there are STORED positions."""
    whole, number, positions = GameBatch.concat(batches), 0, 0
    whole = GameBatch.concat([whole] * (1 + games // len(whole)))
    shard = whole.select(np.arange(len(whole)) < games)
    while positions < STORED:
        yield replace(shard, number=np.arange(number, number + games))
        number, positions = number + games, positions + shard.positions


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", nargs="?", default="connect4")
    parser.add_argument("--seconds", type=float, default=30.0, help="of self-play")
    options = parser.parse_args()
    game = load(options.game)
    print(processor())
    batches, made, positions = self_play(game, options.seconds)
    print(f"  one actor of self-play              {made:9,.0f} games/s  {positions:10,.0f} positions/s")
    shards = list(shards_of(batches, max(int(made * SHARD_SECONDS), 1)))
    games, total = sum(map(len, shards)), sum(shard.positions for shard in shards)
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        store, began = Store(Path(folder), game.rules_id, writable=True), time.perf_counter()
        for shard in shards:
            store.append(shard)
            store.flush()
        took = time.perf_counter() - began
        size = store.stats().bytes
        print(f"  written, {len(shards):3d} shards, {size / 1e6:5.0f} MB      {games / took:9,.0f} games/s"
              f"  {total / took:10,.0f} positions/s  {games / took / made:5.0f} times an actor's")  # fmt: skip
        replay, reader, began = Replay(game), Store(Path(folder), game.rules_id), time.perf_counter()
        for _, batch in reader.new_batches():
            replay.append(batch)
        took = time.perf_counter() - began
    print(f"  read, checked and put into the replay {games / took:7,.0f} games/s  {total / took:10,.0f} positions/s"
          f"  {games / took / made:5.0f} times an actor's")  # fmt: skip
    rng, kernel_rng, times = np.random.default_rng(1), Random(1).state, []
    replay.sample(DRAWN, rng, kernel_rng)
    for _ in range(DRAWS):
        began = time.perf_counter()
        replay.sample(DRAWN, rng, kernel_rng)
        times.append(1000 * (time.perf_counter() - began))
    middle, most = statistics.median(times), sorted(times)[int(0.95 * DRAWS)]
    print(f"  {DRAWN} of {len(replay):,} positions drawn and encoded: median {middle:.2f} ms, 95 % below {most:.2f} ms")


if __name__ == "__main__":
    main()
