"""Ctrl-C as "that is enough", and not as "leave"."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from games.echo import unechoed


class Interrupt:
    """Whether Ctrl-C came. Its `stop` is what a search asks."""

    def __init__(self) -> None:
        self.caught = False
        self._asked = False

    def stop(self) -> bool:
        """Whether to stop now: never at the first question, as a search without a simulation has no move."""
        first, self._asked = not self._asked, True
        return self.caught and not first

    def _signal(self, signum: int, frame: FrameType | None) -> None:
        if self.caught:
            raise KeyboardInterrupt
        self.caught = True


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """While the body runs, the first Ctrl-C is only noted; a second raises KeyboardInterrupt. Main thread only.

    Keys that are typed meanwhile do not show in what the body writes.
    """
    interrupt = Interrupt()
    before = signal.signal(signal.SIGINT, interrupt._signal)
    try:
        with unechoed():
            yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
