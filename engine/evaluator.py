"""What a search asks of a net; nets/ provides it, and engine/ never imports torch."""

from typing import Protocol

from games.contract import FloatArray


class Evaluator(Protocol):
    """Policy logits and win/draw/loss probabilities for a batch of positions."""

    @property
    def net_id(self) -> str:
        """Which weights answer: the id in the model file."""

    def evaluate(self, planes: FloatArray, logits: FloatArray, wdl: FloatArray) -> None:
        """Write logits [n, LOGITS] and wdl [n, 3] for planes [n, channels, rows, columns], all float32.

        wdl holds probabilities of win, draw and loss for the player to move.
        """
