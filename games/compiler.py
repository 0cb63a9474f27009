"""Kernels: functions whose closure holds one game's plain rules, compiled by Numba and cached on disk.

A kernel factory is written once and called per game. Its closure cells may hold plain functions that Python can
import by name, numbers and dtypes only: closures over dispatchers never hit Numba's disk cache. The hash in the
kernel's name covers what Numba's own cache does not see: edits in imported files, parameters, flags.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba import njit
from numba.core import config

if TYPE_CHECKING:
    from games.contract import Game

ROOT = Path(__file__).resolve().parent.parent
FLAGS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}


@lru_cache(maxsize=1)
def core_source() -> bytes:
    """The bytes of every file of ours that compiled code may call into: those that mention numba."""
    files = sorted([*ROOT.glob("games/*.py"), *ROOT.glob("engine/*.py")])
    return b"".join(data for path in files if b"numba" in (data := path.read_bytes()))


def code_hash(source: bytes, parameters: object) -> str:
    """Sixteen hex digits over our core, a game's sources and parameters, and Numba's settings."""
    switches = [getattr(config, name) for name in ("BOUNDSCHECK", "OPT", "DISABLE_JIT")]
    settings = repr((parameters, sorted(FLAGS.items()), switches))
    return hashlib.sha256(core_source() + source + settings.encode()).hexdigest()[:16]


def kernel(game: "Game") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for a function inside a kernel factory: compile it for this game and cache it under the game's hash."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ = f"{function.__name__}.{game.name}.{game.code_hash}"
        compiled: Callable[..., Any] = njit(**FLAGS)(function)
        return compiled

    return decorate
