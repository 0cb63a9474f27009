"""Where a run's time goes: seconds by kind of work, some of which runs side by side."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Clock:
    """Sums the seconds of each kind of work between two looks. Thread-safe; work of one kind may overlap itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: defaultdict[str, float] = defaultdict(float)

    def time(self, kind: str, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Do the work and count its time, also when it raises."""
        began = time.monotonic()
        try:
            return work(*args, **options)
        finally:
            with self._lock:
                self._spent[kind] += time.monotonic() - began

    def take(self) -> dict[str, float]:
        """The seconds of each kind since the last look."""
        with self._lock:
            spent, self._spent = self._spent, defaultdict(float)
        return dict(spent)
