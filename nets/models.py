"""Where model files lie, those that ship and the one of a run, and which game one is for. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from games.compiler import ROOT
from games.errors import TandemError, nearest_path
from games.files import plain_stem
from games.loader import known_games, load

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
        raise TandemError(f"no run folder at {run}; {nearest_path(run)}name the folder that train.py --run was given")
    path = run / RUN_MODEL
    if not path.is_file():
        raise TandemError(f"{run} has no {RUN_MODEL} yet; train for longer or name another run")
    return path


def game_named(spec: str, given: str | None = None) -> Game:
    """The game that a model or a run says it is of, or the one that the user has `given` in its place.

    Raises TandemError as games.load does, and where `spec` names a file: what a stranger's model names is never run.
    """
    if given is None and spec.partition(":")[0] not in known_games():
        raise TandemError(f"{spec} is no game that ships; name the game's file with --game")
    return load(given or spec)
