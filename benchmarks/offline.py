"""A net trained on what a run has played and nothing else: the same games, other nets, other targets; or the truth.

python benchmarks/offline.py RUN --out MODEL [--minutes 5.5] [--net resnet:4x32] [--value-mix 0.85] [--labels 600000].
The newest positions of the run's games are its replay, a cosine over the minutes its learning rate, and all else is as
the run was set. Score what comes out with `python -m selfplay.truth connect4 net --model MODEL --positions FILE`.

--labels is the ceiling: what the net could know where self-play errs most, in the first plies of Connect Four. Half of
every batch comes from that many positions of plies 1 to 11, a third each of random play and of perfect play with half
and a quarter of its moves random, and labelled by bitbully and its 12-ply book (AGPL; nothing of ours uses them); the
other half from what the run has played from ply
12 on. Positions that stand in labelled files of ours, or in those of --avoid, are left out.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from games.compiler import ROOT
from games.loader import load
from games.rng import Random
from nets.checkpoint import save_model
from nets.config import NetConfig
from selfplay.config import TrainConfig
from selfplay.label import RANDOM_SHARES
from selfplay.labels import read_labels
from selfplay.records import FULL, RANDOM, GameBatch, GameRecord
from selfplay.replay import Batch, Replay
from selfplay.rundir import RunDir
from selfplay.store import Store
from selfplay.trainer import Trainer

GAME = load("connect4")
PLIES = 11  # whose moves lead into the book
STEPS = 60  # between two looks at the clock
WINDOW = 7_000_000  # positions
LABELLED = ROOT / "selfplay" / "positions", ROOT / "tests" / "data"


def identity(board: Any) -> int:
    """The same for a position and its mirror image."""
    return min(board.uid(), board.mirror().uid())


def replayed(actions: list[int]) -> Any:
    """bitbully's board after these columns."""
    import bitbully.bitbully_core as bitbully

    board = bitbully.BoardCore()
    for action in actions:
        assert board.play(action)
    return board


def labelled(wanted: int, avoid: set[int], rng: Random) -> GameBatch:
    """That many positions, no two alike: any move that keeps the value is as good a target as another."""
    import bitbully.bitbully_core as bitbully
    from bitbully_databases import BitBullyDatabases

    solver, records, seen = bitbully.BitBullyCore(BitBullyDatabases.get_database_path("12-ply-dist")), [], set(avoid)
    bar = tqdm(total=wanted, unit="position")
    while len(records) < wanted:
        share = RANDOM_SHARES[rng.below(len(RANDOM_SHARES))]
        board, actions = bitbully.BoardCore(), list[int]()
        while len(actions) <= PLIES and not board.hasWin() and len(records) < wanted:
            legal = [c for c in range(GAME.actions) if board.isLegalMove(c)]
            scores = solver.scoreMoves(board)
            best = max(scores[c] for c in legal)
            if actions and identity(board) not in seen:
                seen.add(identity(board))
                value = (best > 0) - (best < 0)
                keeps = np.array([(scores[c] > 0) - (scores[c] < 0) == value for c in legal])
                records.append(
                    GameRecord(
                        number=len(records),
                        seed=0,
                        actions=np.array(actions, np.int32),
                        source="teacher",
                        outcome=0,
                        ended="label",
                        ply=np.array([len(actions)], np.int32),
                        kind=np.array([FULL], np.uint8),
                        root_wdl=np.eye(3, dtype=np.float16)[[1 - value]],
                        proven=np.array([value], np.int8),
                        simulations=np.zeros(1, np.int32),
                        child_count=np.array([len(legal)], np.int32),
                        child_action=np.array(legal, np.int32),
                        policy=(keeps / keeps.sum()).astype(np.float16),
                        visits=np.zeros(len(legal), np.int32),
                        child_q=np.full(len(legal), np.nan, np.float16),
                    )
                )
                bar.update()
            moves = legal if rng.below(1 << 20) < share * (1 << 20) else [c for c in legal if scores[c] == best]
            actions.append(moves[rng.below(len(moves))])
            board.play(actions[-1])
    bar.close()
    return GameBatch.from_records(records)


class Halves:
    """A replay for Trainer.train: half of a batch from each of two."""

    def __init__(self, first: Replay, second: Replay) -> None:
        self.replays = first, second

    def sample(self, n: int, *rngs: object) -> Batch:
        """Draw n positions."""
        a, b = (replay.sample(n // 2, *rngs) for replay in self.replays)
        return Batch(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in Batch.__dataclass_fields__))


def main() -> None:
    """Label, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.5)
    parser.add_argument("--net", help="family and sizes (the run's)")
    parser.add_argument("--value-mix", type=float, help="share of the search's root value in the value target")
    parser.add_argument("--labels", type=int, default=0, metavar="N", help="train on true labels of N early positions")
    parser.add_argument("--avoid", type=Path, nargs="*", default=[], metavar="FILE", help="positions to leave out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    run = RunDir.read(options.run).config
    game, config = load(run["game"]), TrainConfig(**run["settings"])
    if options.labels and game is not GAME:
        parser.error(f"--labels: of {GAME.spec}, not of {game.spec}")
    config = replace(config, net=options.net or config.net)
    if options.value_mix is not None:
        config = replace(config, value_mix=options.value_mix)
    played: Any = Replay(game, NetConfig.parse(config.net).inputs(game))
    for _, games in Store(options.run / "games", game.rules_id).new_batches():
        if options.labels:
            games.kind[games.ply <= PLIES] = RANDOM
        played.append(games)
        played.forget(WINDOW)
    if options.labels:
        files = [file for folder in LABELLED for file in folder.glob("connect4*.jsonl")]
        assert len(files) > 1
        labels = [label for path in [*files, *options.avoid] for label in read_labels(GAME, path)]
        early, avoid = Replay(GAME), {identity(replayed(label.position.actions)) for label in labels}
        early.append(labelled(options.labels, avoid, Random(1)))
        played = Halves(early, played)
    trainer = Trainer(game, config)
    began = time.monotonic()
    with tqdm(unit="step") as bar:
        while (share := (time.monotonic() - began) / (60 * options.minutes)) < 1:
            losses = trainer.train(played, STEPS, share)
            bar.update(STEPS)
            bar.set_postfix_str(f"loss {losses.policy:.3f}+{losses.value:.3f}, targets' entropy {losses.entropy:.3f}")
    save_model(options.out, trainer.average, trainer.net_config, game, {"made_by": "benchmarks/offline.py"})
    print(f"{trainer.step} steps; {options.out}")


if __name__ == "__main__":
    main()
