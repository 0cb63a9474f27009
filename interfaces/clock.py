"""Time management under a GTP clock: main time, then Canadian byo-yomi (so many stones in so many seconds)."""

import math
from dataclasses import dataclass

OVERHEAD = 0.05  # seconds kept back for the way to the controller and back
LEAST = 0.01
# A game that may last hundreds of moves is not played as if it did.
MOST_MOVES_EXPECTED = 30


@dataclass(frozen=True)
class TimeSettings:
    """What `time_settings` says; stones of 0 with a period above 0 mean no limit, as GTP has it."""

    main: float = 0.0
    period: float = 0.0
    stones: int = 0

    @property
    def limited(self) -> bool:
        """Whether there is a clock at all; no time whatsoever counts as none."""
        if self.period > 0:
            return self.stones > 0
        return self.main > 0


class Clock:
    """One player's clock. The controller's `time_left` rules; between its words, our own thinking is deducted."""

    def __init__(self, settings: TimeSettings) -> None:
        self.settings = settings
        self.left, self.stones = settings.main, 0
        if settings.main <= 0:
            self._next_period()

    def set(self, seconds: float, stones: int) -> None:
        """What is left: of the main time when stones is 0, else for so many stones of byo-yomi."""
        self.left, self.stones = seconds, stones

    def budget(self, moves_left: int) -> float:
        """Seconds for the next move, when at most `moves_left` of one's own are to come."""
        usable = self.left - OVERHEAD
        if self.stones:
            share = usable / self.stones
        else:
            share = usable / max(1, min(moves_left, MOST_MOVES_EXPECTED))
            if self.settings.period > 0 and self.settings.stones:
                share = min(usable, share + self.settings.period / self.settings.stones)
        return max(share, LEAST)

    def spend(self, seconds: float) -> None:
        """One move has taken that long."""
        self.left -= seconds
        if self.stones:
            self.stones -= 1
            if not self.stones:
                self._next_period()
        elif self.left <= 0:
            self._next_period()

    def _next_period(self) -> None:
        if self.settings.period > 0:
            self.left, self.stones = self.settings.period, self.settings.stones


def moves_left(ply: int, max_plies: int) -> int:
    """Moves that the player to move still has at most, this one included."""
    return max(1, math.ceil((max_plies - ply) / 2))
