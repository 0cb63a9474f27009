"""The line that says why a first start takes long."""

from typing import Any, TextIO

from numba.core import event


class _OnFirst(event.Listener):
    def __init__(self, line: str, stream: TextIO) -> None:
        self.line, self.stream, self.told = line, stream, False

    def on_start(self, event: Any) -> None:
        if not self.told:
            self.told = True
            print(self.line, file=self.stream, flush=True)

    def on_end(self, event: Any) -> None:
        pass


def tell_when_compiling(game: str, stream: TextIO) -> None:
    """From now on, print one line when a kernel has to be compiled; nothing when all come from the disk cache."""
    line = f"compiling kernels for {game} (first time only, about 20 s) ..."
    event.register("numba:compile", _OnFirst(line, stream))  # type: ignore[no-untyped-call]
