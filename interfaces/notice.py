"""The line that says why a first start takes long."""

import sys
from typing import Any

from numba.core import event


class _OnFirst(event.Listener):
    def __init__(self, line: str) -> None:
        self.line, self.told = line, False

    def on_start(self, event: Any) -> None:
        if not self.told:
            self.told = True
            print(self.line, file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        pass


def tell_when_compiling(game: str) -> None:
    """From now on, print one line on stderr when a kernel must be compiled; none when all are in the disk cache."""
    line = f"compiling kernels for {game} (first time only, about 20 s) ..."
    event.register("numba:compile", _OnFirst(line))  # type: ignore[no-untyped-call]
