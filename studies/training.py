"""Nets that a study trains itself, by train.py as a user would, and keeps: it never trains one twice."""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from games.compiler import ROOT
from games.contract import Game
from games.errors import TandemError
from games.files import plain_stem
from nets.models import RUN_MODEL
from selfplay.rundir import RunDir
from studies.lab import Lab, Net, read_net

MINUTES = (0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 20, 30, 60)  # of one training: on a grid, so that a study finds its runs
BASE_NET = "mlp:256-64"
# Of the run whose games several experiments share.
BASE: dict[str, str | float] = {"net": BASE_NET}
BASE_SHARE, MOST_BASE = 0.04, 2  # of the time; minutes, which make as many games as are used


def minutes_that_fit(most: float) -> float:
    """The longest training of the grid within `most` minutes; 0 when none is."""
    return max((m for m in MINUTES if m <= most), default=0.0)


def train(game: Game, folder: Path, minutes: float, seed: int, **settings: str | float) -> Net:
    """The net of a run in FOLDER/runs with the game's own settings but for these; trained now where it was not before.

    Raises TandemError when training fails.
    """
    path = _folder(game, folder, minutes, seed, settings)
    model = path / RUN_MODEL
    if not _finished(model, minutes, game):
        command = [sys.executable, str(ROOT / "train.py"), game.spec, "--run", str(path), "--minutes", f"{minutes:g}"]
        for name, value in {**settings, "seed": str(seed)}.items():
            command += [f"--{name.replace('_', '-')}", _words(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TandemError(f"training in {path} failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    return read_net(model, game)


def ladder(net: Net, game: Game) -> list[Net]:
    """The checkpoints of the run that a net is the end of, the least trained first."""
    found = [read_net(path, game) for path in RunDir.read(net.path.parent).ladder()]
    return sorted(found, key=lambda step: step.steps or 0)


def base_run(lab: Lab) -> Path | None:
    """A run with games: the one that the study was given, else one of its own, the longest if it has several.

    None where there is no time for one.
    """
    if lab.run is not None:
        return lab.run
    least = minutes_that_fit(min(lab.minutes * BASE_SHARE, MOST_BASE))
    known = (
        m for m in reversed(MINUTES) if _finished(_folder(lab.game, lab.home, m, 1, BASE) / RUN_MODEL, m, lab.game)
    )
    minutes = max(next(known, 0), least)
    if not minutes:
        return None
    began = time.monotonic()
    net = train(lab.game, lab.home, minutes, 1, **BASE)
    lab.deadline += time.monotonic() - began  # no experiment's own time, as it serves several
    return net.path.parent


def _folder(game: Game, folder: Path, minutes: float, seed: int, settings: Mapping[str, str | float]) -> Path:
    words = [
        plain_stem(game.name, game.spec),
        f"{minutes:g}",
        *(_words(value) for value in settings.values()),
        str(seed),
    ]
    return folder / "runs" / re.sub(r"[^\w.]+", "-", "-".join(words))


def _words(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _finished(model: Path, minutes: float, game: Game) -> bool:
    if not model.is_file():
        return False
    seconds = read_net(model, game).seconds
    return seconds is not None and seconds >= 59 * minutes
