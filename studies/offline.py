"""Nets taught by games that are there already: how many steps, on what and from where is counted, so that it repeats.

Games lie in FOLDER/games, nets in FOLDER/nets, each named by what it was made of: a study never trains one twice.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from games.contract import Game
from games.loader import load
from nets.checkpoint import load_model, save_model
from nets.config import NetConfig
from selfplay.config import TrainConfig, default_config
from selfplay.records import GameBatch
from selfplay.replay import Replay
from selfplay.store import Store
from selfplay.trainer import Trainer
from studies.lab import Lab, Net, read_net

BATCH, RATE = 512, 2e-3
CHUNK = 25  # steps between two values of the learning rate


@dataclass(frozen=True)
class Lesson:
    """What a net is taught: `games` is a folder of `keep_games`, `start` the weights to go on from (None: none).

    The learning rate falls along a cosine over `steps`. The value target is the outcome, but for a share value_mix of
    the search's own value. Of the games only those from `span[0]` to `span[1]` of them count, None being the last.
    """

    games: Path
    steps: int
    seed: int
    net: str
    start: Path | None = None
    value_mix: float = 0.0
    rate: float = RATE
    span: tuple[int, int | None] = (0, None)


def keep_games(lab: Lab, games: GameBatch) -> Path:
    """The folder that games are kept in for lessons; the same games are kept once."""
    digest = hashlib.sha256()
    for name in ("actions", "outcome", "policy", "root_wdl", "kind", "proven"):
        digest.update(getattr(games, name).tobytes())
    folder = lab.home / "games" / digest.hexdigest()[:12]
    store = Store(folder, lab.game.rules_id, writable=True)
    if not store.shards():
        store.append(games)
        store.flush()
    return folder


def read_games(folder: Path, game: Game) -> GameBatch:
    """All games of a folder, or of the games of a run."""
    return GameBatch.concat(batch for _, batch in Store(folder, game.rules_id).new_batches())


def teach(lab: Lab, lessons: Sequence[Lesson]) -> list[Net]:
    """The net of each lesson, on all cores."""
    paths = [_path(lab, lesson) for lesson in lessons]
    missing = [(lesson, path) for lesson, path in zip(lessons, paths, strict=True) if not path.is_file()]
    for done in [lab.pool.submit(_teach, lab.game.spec, lesson, path) for lesson, path in missing]:
        done.result()
    return [read_net(path, lab.game) for path in paths]


def _path(lab: Lab, lesson: Lesson) -> Path:
    start = read_net(lesson.start, lab.game).net_id if lesson.start else None
    shards = [shard.name for shard in Store(lesson.games, lab.game.rules_id).shards()]  # named by what they hold
    what = {**asdict(lesson), "games": shards, "start": start, "rules": lab.game.rules_id}
    return lab.home / "nets" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]}.safetensors"


def _teach(spec: str, lesson: Lesson, path: Path) -> None:
    """Train and save; a worker's task."""
    torch.set_num_threads(1)
    game = load(spec)
    trainer = Trainer(game, config_of(game, lesson))
    if lesson.start:
        weights = load_model(lesson.start, game).model.state_dict()
        trainer.model.load_state_dict(weights)
        trainer.average.load_state_dict(weights)
    replay = Replay(game)
    games = read_games(lesson.games, game)
    replay.append(games.select(_within(len(games), *lesson.span)))
    began = time.process_time()
    while trainer.step < lesson.steps:
        trainer.train(replay, min(CHUNK, lesson.steps - trainer.step), trainer.step / lesson.steps)
    path.parent.mkdir(parents=True, exist_ok=True)
    card = {
        "made_by": "python study.py",
        "steps": lesson.steps,
        "positions": len(replay),
        "core_minutes": (time.process_time() - began) / 60,
    }
    save_model(path, trainer.average, NetConfig.parse(lesson.net), game, card)


def _within(games: int, first: int, end: int | None) -> npt.NDArray[np.bool_]:
    """[games] whether each lies in a lesson's span."""
    number = np.arange(games)
    return (number >= first) & (number < (games if end is None else end))


def config_of(game: Game, lesson: Lesson) -> TrainConfig:
    """The settings that a lesson is taught with."""
    return replace(
        default_config(game), net=lesson.net, batch=BATCH, learning_rate=lesson.rate, seed=lesson.seed,
        value_mix=lesson.value_mix,
    )  # fmt: skip
