"""Nets that a study trains itself, by train.py as a user would, and keeps: it never trains one twice."""

import subprocess
import sys
from pathlib import Path

from games.compiler import ROOT
from games.contract import Game
from games.errors import TandemError
from games.files import plain_stem
from nets.models import RUN_MODEL
from selfplay.config import default_config
from studies.lab import Net, read_net

MINUTES = (0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)  # of one training; on a grid, so that a study finds its runs again


def minutes_that_fit(most: float) -> float:
    """The longest training of the grid within `most` minutes; 0 when none is."""
    return max((m for m in MINUTES if m <= most), default=0.0)


def train(game: Game, folder: Path, learner: str, rate: float, seed: int, minutes: float) -> Net:
    """The net of a run in FOLDER/runs, at `rate` times the game's learning rate; trained now where it was not before.

    Raises TandemError when training fails.
    """
    path = folder / "runs" / f"{plain_stem(game.name, game.spec)}-{learner}-{minutes:g}-{rate:g}-{seed}"
    model = path / RUN_MODEL
    if not _finished(model, minutes, game):
        settings = {
            "--learner": learner,
            "--minutes": f"{minutes:g}",
            "--learning-rate": f"{rate * default_config(game).learning_rate:g}",
            "--seed": str(seed),
            "--run": str(path),
        }
        words = [sys.executable, str(ROOT / "train.py"), game.spec]
        words += [word for pair in settings.items() for word in pair]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TandemError(f"training in {path} failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    return read_net(model, game)


def _finished(model: Path, minutes: float, game: Game) -> bool:
    if not model.is_file():
        return False
    seconds = read_net(model, game).seconds
    return seconds is not None and seconds >= 59 * minutes
