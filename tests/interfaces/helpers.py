"""play.py as a process, and a session in this one."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from games.compiler import ROOT
from games.loader import load
from interfaces.session import Session
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.families import build
from players.spec import parse_spec

# Long enough for every kernel of a game to be compiled, should the cache be cold.
PATIENCE = 120


def command(*flags: object) -> list[str]:
    """The command line of play.py with these flags."""
    return [sys.executable, str(ROOT / "play.py"), *map(str, flags)]


@dataclass(frozen=True)
class Done:
    """How a program ended. Whether kernels had to be compiled depends on the cache, so stderr comes without that."""

    code: int
    out: str
    errors: str
    compiled: bool


def run_play(*flags: object, typed: str | bytes = "", env: dict[str, str] | None = None) -> Done:
    """play.py to its end, fed through a pipe."""
    data = typed if isinstance(typed, bytes) else typed.encode()
    done = subprocess.run(command(*flags), input=data, capture_output=True, timeout=PATIENCE, env=env, check=False)
    errors, notices = re.subn(
        r"compiling kernels for \S+ \(first time only, up to a minute\) \.\.\.\n", "", done.stderr.decode()
    )
    return Done(done.returncode, done.stdout.decode(), errors, bool(notices))


def session(spec: str = "search:simulations=20", game: str = "tictactoe", model: Path | None = None) -> Session:
    """A session at the start of a game, by default without a net."""
    return Session(load(game), parse_spec(spec), model)


def tiny_net(path: Path, game: str = "tictactoe", card: dict | None = None) -> Path:
    """An untrained net, saved at `path`."""
    loaded, config = load(game), NetConfig.parse("mlp:16")
    save_model(path, build(config, loaded, seed=1), config, loaded, card or {})
    return path
