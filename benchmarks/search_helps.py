"""Does a net's own search teach it? Positions of a run's games, labelled anew by a search that the net guides.

python benchmarks/search_helps.py RUN MODEL --out BETTER [--positions 40000] [--simulations 400] [--steps 600]

The net goes on from MODEL on those positions alone, towards the search's visit shares and values. What it has gained is
a match: `python -m selfplay.arena GAME hybrid:simulations=200,model=BETTER hybrid:simulations=200,model=MODEL`.
"""

import argparse
import multiprocessing
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.position import Position
from games.loader import load
from games.processes import cores
from nets.checkpoint import load_model, save_model
from players.player import make_player
from selfplay.config import TrainConfig
from selfplay.records import GameBatch
from selfplay.replay import Replay
from selfplay.rundir import RunDir
from selfplay.shards import from_bytes, to_bytes
from selfplay.store import Store
from selfplay.teacher import record_of
from selfplay.trainer import Trainer

CHUNK = 200  # positions a task
RATE = 3e-4  # a tenth and less of what a net from nothing gets


def labelled(task: tuple[str, Path, int, int, list[list[int]]]) -> bytes:
    """One game of one row for each position that these actions lead to."""
    spec, model, simulations, first, lines = task
    game = load(spec)
    player = make_player(game, f"hybrid:simulations={simulations}", model=model)
    records = []
    for number, line in enumerate(lines, first):
        position = Position(game)
        for action in line:
            position.play(action)
        player.new_game()
        choices = [player.choose(position)]
        records.append(record_of(number, 0, position, len(line), choices, 0, "label", player.name))
    return to_bytes(GameBatch.from_records(records), game.rules_id)


def main() -> None:
    """Draw, label, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--positions", type=int, default=40_000)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    saved = RunDir.read(options.run).config
    game, config = load(saved["game"]), TrainConfig(**saved["settings"])
    loaded = load_model(options.model, game)
    games = GameBatch.concat(batch for _, batch in Store(options.run / "games", game.rules_id).new_batches())
    rng = np.random.default_rng(options.seed)
    owner = np.repeat(np.arange(len(games)), np.diff(games.row_offsets))
    usual = np.flatnonzero(np.array([text == "" for text in games.texts], bool)[games.start[owner]])
    picks = rng.choice(usual, min(options.positions, len(usual)), replace=False)  # of games from the usual start
    starts = games.action_offsets[owner[picks]]
    lines = [games.actions[a : a + ply].tolist() for a, ply in zip(starts, games.ply[picks], strict=True)]
    tasks = [
        (saved["game"], options.model, options.simulations, at, lines[at : at + CHUNK])
        for at in range(0, len(lines), CHUNK)
    ]
    found = []
    with multiprocessing.get_context("spawn").Pool(cores()) as pool:
        for data in tqdm(pool.imap(labelled, tasks), total=len(tasks), unit=f"x{CHUNK} positions"):
            found.append(from_bytes(data, "labels", game.rules_id))
    torch.set_num_threads(cores())
    trainer = Trainer(
        game, replace(config, net=str(loaded.config), value_mix=1.0, learning_rate=RATE, seed=options.seed)
    )
    for net in (trainer.model, trainer.average):
        net.load_state_dict(loaded.model.state_dict())
    replay = Replay(game, trainer.net_config.inputs(game))
    replay.append(GameBatch.concat(found))
    for step in tqdm(range(0, options.steps, 20)):
        losses = trainer.train(replay, min(20, options.steps - step), step / options.steps)
    card = {"made_by": "benchmarks/search_helps.py", "from": loaded.net_id, "positions": len(lines)}
    save_model(options.out, trainer.average, trainer.net_config, game, card)
    print(f"policy {losses.policy:.3f} (entropy {losses.entropy:.3f}), value {losses.value:.3f}; {options.out}")


if __name__ == "__main__":
    main()
