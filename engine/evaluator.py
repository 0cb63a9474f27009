"""What a search asks of a net; nets/ provides it, and engine/ never imports torch."""

from typing import Protocol

from games.contract import FloatArray, Game


class Evaluator(Protocol):
    """Policy logits and win/draw/loss probabilities for a batch of positions."""

    @property
    def net_id(self) -> str:
        """Which weights answer: the id in the model file."""

    def evaluate(self, planes: FloatArray, logits: FloatArray, wdl: FloatArray) -> None:
        """Write logits [n, LOGITS] and wdl [n, 3] for planes [n, channels, rows, columns], all float32.

        wdl holds probabilities of win, draw and loss for the player to move. An evaluator with a true attribute
        `listed` takes the planes of Game.listed instead, and writes the logits of that.
        """


def inputs_of(game: Game, evaluator: object) -> Game:
    """The game as this evaluator, if any, wants its positions encoded."""
    return game.listed if getattr(evaluator, "listed", False) else game
