"""When training has gone wrong: numbers that are not finite, or a loss that nobody who learns has."""

import math

import numpy as np

from games.errors import TandemError
from selfplay.replay import Batch

SPAN = 50  # training steps that the mean losses go back, about
EXPLODED = 2.0  # times the loss of a guess
MOST_ROLLBACKS = 3  # in a row, without a checkpoint between two of them


class Diverged(TandemError):
    """Training cannot go on from these weights; from earlier ones it may."""


class LossGuard:
    """Raises Diverged when the mean loss of late is EXPLODED times that of a guess, which learning starts from.

    A net that knows nothing guesses: all legal moves alike, win, draw and loss alike. One that does worse by a factor
    over some dozen batches is not in a phase of learning, whatever the game. Both means decay over SPAN steps.
    """

    def __init__(self) -> None:
        self.steps, self.loss, self.guess = 0, 0.0, 0.0

    def see(self, loss: float, guess: float, step: int) -> None:
        """Note a step's loss, and what a guess would have lost on the same batch."""
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} at training step {step}")
        self.steps += 1
        self.loss += (loss - self.loss) / min(self.steps, SPAN)
        self.guess += (guess - self.guess) / min(self.steps, SPAN)
        if self.steps >= SPAN and self.loss > EXPLODED * self.guess:
            raise Diverged(
                f"the loss has grown to {self.loss:.3g} at training step {step}, {self.loss / self.guess:.1f} times "
                "that of a guess"
            )


def guess_loss(batch: Batch, value_weight: float) -> float:
    """The loss on a batch of a net that gives all legal moves one prior, and win, draw and loss a third each."""
    taught = batch.policy.sum(1) > 0.5
    moves = batch.legal[taught].sum(1)
    policy = float(np.log(moves).mean()) if len(moves) else 0.0
    return policy + value_weight * math.log(3)
