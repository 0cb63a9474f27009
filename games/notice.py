"""The line that says why a first start takes long."""

import sys
from functools import cache
from typing import Any

from numba.core import event


class _OnFirst(event.Listener):
    line = ""

    def on_start(self, event: Any) -> None:
        if self.line:
            print(self.line, file=sys.stderr, flush=True)
        self.line = ""

    def on_end(self, event: Any) -> None:
        pass


@cache
def _listener() -> _OnFirst:
    listener = _OnFirst()
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    return listener


def tell_when_compiling(game: str) -> None:
    """Print one line on stderr when a kernel must be compiled from now on; none when all are in the disk cache."""
    _listener().line = f"compiling kernels for {game} (first time only, up to 30 s) ..."
