"""The line that says why a first start takes long."""

import math
import sys
import time
from functools import cache
from typing import Any

from numba.core import event

PAUSE_SECONDS = 3.0  # without compiling, after which it is another wait to whoever sits there


class _Teller(event.Listener):
    line, again, seen = "", False, -math.inf

    def on_start(self, event: Any) -> None:
        if self.line and time.monotonic() - self.seen > PAUSE_SECONDS:
            print(self.line, file=sys.stderr, flush=True)
            self.line = self.line if self.again else ""
        self.seen = time.monotonic()

    def on_end(self, event: Any) -> None:
        self.seen = time.monotonic()


@cache
def _listener() -> _Teller:
    listener = _Teller()
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    return listener


def tell_when_compiling(game: str, *, again: bool = False) -> None:
    """Print one line on stderr when a kernel must be compiled from now on; none when all are in the disk cache.

    Where somebody waits at a prompt, `again` prints it whenever compiling goes on after a pause.
    """
    listener = _listener()
    listener.line = f"compiling kernels for {game} (first time only, up to a minute) ..."
    listener.again, listener.seen = again, -math.inf
