"""Kernels: functions whose closure holds one game's plain rules, compiled by Numba and cached on disk.

A kernel factory is written once and called per game. Its closure cells may hold plain functions that Python can
import by name, numbers and dtypes only: closures over dispatchers never hit Numba's disk cache. Numba's own cache sees
edits in the kernel's file and changed numbers in its cells. The hash in the kernel's name covers what it does not see:
edits in imported files, parameters, flags. So a number from a file that is not hashed goes into a cell.

They copy in loops: where a slice is assigned an array, Numba takes seconds to compile what it would say of sizes that
differ.
"""

import contextlib
import hashlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba import njit
from numba.core import config, event
from numba.extending import register_jitable

from games.cli import INTERRUPTED
from games.echo import restore_echo
from games.files import discard

if TYPE_CHECKING:
    from games.contract import Game

ROOT = Path(__file__).resolve().parent.parent
KEPT_SECONDS = 14 * 24 * 3600
FLAGS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}


@lru_cache(maxsize=1)
def core() -> dict[Path, bytes]:
    """Every file of ours that compiled code may call into, with its bytes: those that extend Numba."""
    files = sorted(path for folder in ("games", "engine", "selfplay") for path in ROOT.glob(f"{folder}/*.py"))
    return {path: data for path in files if b"numba.extending" in (data := path.read_bytes())}


def code_hash(source: bytes, parameters: object) -> str:
    """Sixteen hex digits over our core, a game's sources and parameters, and Numba's settings."""
    switches = [getattr(config, name) for name in ("BOUNDSCHECK", "OPT", "DISABLE_JIT")]
    settings = repr((parameters, sorted(FLAGS.items()), switches))
    return hashlib.sha256(b"".join(core().values()) + source + settings.encode()).hexdigest()[:16]


def kernel(game: "Game") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for a function inside a kernel factory: compile it for this game and cache it under the game's hash."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ = f"{function.__name__}.{game.name}.{game.code_hash}"
        compiled: Callable[..., Any] = njit(**FLAGS)(function)
        return compiled

    return decorate


def part(game: "Game") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for a function inside a factory that kernels of this game call: plain, and callable once compiled.

    It too bears the game's hash. Compiled code read from the cache brings the functions that it calls along under their
    names, and where two games' have one name, the process that reads both links one game's into the other's kernels.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ = f"{function.__name__}.{game.name}.{game.code_hash}"
        jitable: Callable[..., Any] = register_jitable(function)
        return jitable

    return decorate


class _Prune(event.Listener):
    """When a kernel is compiled, those of its game under other hashes go, if nobody has touched them for two weeks.

    Another process may be about to read what goes: Numba then compiles, as if it had never been there.
    """

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        kernel = re.fullmatch(r"\w+\.(.+)\.(\w{16})", dispatcher.py_func.__qualname__)
        folder = kernel and dispatcher.stats.cache_path
        if kernel and folder:
            # MODULE.FUNCTION.GAME.HASH-LINE.PYTHON.nbi, its data as .nbc, and what a killed writer left of either
            ours = re.compile(rf"\w+\.\w+\.{re.escape(kernel[1])}\.(\w{{16}})-\d+\..*\.nb[ic]\b.*")
            with contextlib.suppress(OSError):
                for path in Path(folder).iterdir():
                    found = ours.fullmatch(path.name)
                    if found and found[1] != kernel[2] and _idle(path) > KEPT_SECONDS:
                        discard(path)

    def on_end(self, event: Any) -> None:
        pass


class _HoldInterrupts(event.Listener):
    """Ctrl-C while a kernel compiles comes when that is over, and a second one leaves at once.

    LLVM calls back into Python, and an exception raised there is printed and lost.
    """

    def __init__(self) -> None:
        self._depth = 0  # of the main thread: a kernel that calls another compiles that one meanwhile
        self._before: Any = None
        self._caught = False

    def on_start(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth += 1
        if self._depth == 1 and callable(signal.getsignal(signal.SIGINT)):
            self._caught = False
            self._before = signal.signal(signal.SIGINT, self._note)

    def on_end(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth = max(0, self._depth - 1)  # a Ctrl-C just before on_start leaves it out
        if self._depth == 0 and self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
            if self._caught:
                signal.raise_signal(signal.SIGINT)

    def _note(self, *_: object) -> None:
        if self._caught:
            restore_echo()
            os.write(2, b"\ninterrupted\n")
            os._exit(INTERRUPTED)
        self._caught = True


def _idle(path: Path) -> float:
    """Seconds since a file was last read or written, as far as its system notes reading."""
    stat = path.stat()
    return time.time() - max(stat.st_atime, stat.st_mtime)


event.register("numba:compile", _Prune())  # type: ignore[no-untyped-call]
event.register("numba:compile", _HoldInterrupts())  # type: ignore[no-untyped-call]
