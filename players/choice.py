"""What every player is: something that chooses a move, or forfeits."""

from dataclasses import dataclass
from typing import Protocol

from engine.position import Position
from engine.result import SearchResult
from games.errors import TandemError


class Forfeit(TandemError):
    """A player that failed to move: an engine that died, kept silent, resigned or moved illegally. It has lost."""


@dataclass(frozen=True)
class Choice:
    """A legal action, and what the search knew of it; None from players that do not search.

    `value` in [-1, 1] is the position's for the player to move, by an engine of another make that said so.
    """

    action: int
    result: SearchResult | None
    value: float | None = None


class Player(Protocol):
    """Chooses moves in one game at a time. Not thread-safe."""

    name: str

    def choose(self, position: Position) -> Choice:
        """A move for the player to move. TandemError when the game is over; Forfeit when the player fails."""

    def new_game(self) -> None:
        """Forget the game so far; random streams go on."""

    def close(self) -> None:
        """Give up processes and threads; the player is then done."""
