"""Where model files lie: those that ship, and the one of a run. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from games.compiler import ROOT
from games.errors import TandemError
from games.files import plain_stem

if TYPE_CHECKING:
    from games.contract import Game

FOLDER = ROOT / "models"
RUN_MODEL = "model.safetensors"


def shipped_path(game: Game) -> Path:
    """Where this game's net ships: models/connect4.safetensors, models/connect4-columns=8.safetensors."""
    return FOLDER / (plain_stem(game.name, game.spec) + ".safetensors")


def shipped_model(game: Game) -> Path | None:
    """The net that ships for this game and its parameters; None when none does."""
    path = shipped_path(game)
    return path if path.is_file() else None


def run_model(run: Path) -> Path:
    """The newest net of a training run. Raises TandemError when there is no such run, or it has no net yet."""
    if not run.is_dir():
        raise TandemError(f"no run folder at {run}; name the folder that train.py --run was given")
    path = run / RUN_MODEL
    if not path.is_file():
        raise TandemError(f"{run} has no {RUN_MODEL} yet; train for longer or name another run")
    return path
