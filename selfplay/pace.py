"""How long a round may last, by the rate at which training was seen to go: checkpoints and weights wait for its end."""

import math
import time
from collections.abc import Callable

from selfplay.config import TrainConfig
from selfplay.replay import Replay
from selfplay.trainer import Losses, Trainer

ROUND_SECONDS = 20.0  # of play, and of the training beside it


class Pace:
    """How many steps and plies a round has, and how long it plays.

    Where actors outpace training, games wait until what is owed is learnt; where search is slow, plies are left out.
    Unbounded, a round has the plies that are wanted and all steps that are owed, whatever they take: so it repeats.
    """

    def __init__(self, config: TrainConfig, plies_per_round: int, *, bounded: bool) -> None:
        self._batch, self._reuse, self._bounded = config.batch, config.reuse, bounded
        self._planned = max(1.0, plies_per_round * config.reuse / config.batch)  # steps that two actors' plies pay for
        self._rate: float | None = None  # steps per second, of the last round that had any

    def train(self, trainer: Trainer, replay: Replay, steps: int, share: float, stop: Callable[[], bool]) -> Losses:
        """Trainer.train, which ends by the clock too, and whose rate is noted; what is left out stays owed."""
        began, until = time.monotonic(), self.until()
        losses = trainer.train(replay, steps, share, lambda: stop() or time.monotonic() >= until)
        if losses.steps:
            self._rate = losses.steps / max(time.monotonic() - began, 1e-6)
        return losses

    def until(self) -> float:
        """When play or training is to end, were it to begin now (time.monotonic); never, where no clock is asked."""
        return time.monotonic() + ROUND_SECONDS if self._bounded else math.inf

    @property
    def _most(self) -> float:
        """Steps of a round that the clock allows."""
        return self._planned if self._rate is None else max(1.0, self._rate * ROUND_SECONDS)

    @property
    def lessons(self) -> int:
        """Steps of a round of records or of a teacher; a last one of twice as many ends before the clock ends it."""
        return int(max(1.0, min(self._planned, self._most / 2)) if self._bounded else self._planned)

    def steps(self, owed: float) -> int:
        """Steps of the next round, where so many samples are owed."""
        steps = owed // self._batch
        return int(min(steps, self._most) if self._bounded else steps)

    def plies(self, wanted: int, owed: float) -> int:
        """Plies of the next round, of which the one after it can learn; one at least, so that actors are looked at."""
        if not self._bounded:
            return wanted
        most = self._most * self._batch
        left = max(owed - most, 0.0)
        return max(1, min(wanted, int((most - left) / self._reuse)))
