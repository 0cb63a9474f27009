"""A fake GTP engine to play against, and nets that were never trained."""

import shlex
import sys
from pathlib import Path

from games.contract import Game
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.families import build

FAKE = Path(__file__).with_name("fake_gtp.py")


def fake_command(fault: str, log: Path) -> str:
    """The command line of the fake engine that fails as `fault` says; `log` gets the lines it is sent."""
    return shlex.join([sys.executable, str(FAKE), fault, str(log)])


def untrained(game: Game, path: Path, net: str = "mlp:16", seed: int = 0) -> Path:
    """A model file at `path` with fresh weights."""
    config = NetConfig.parse(net)
    save_model(path, build(config, game, seed=seed), config, game, {})
    return path
