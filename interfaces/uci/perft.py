"""Leaves of the tree of all games, counted move by move: what `go perft` answers."""

from collections.abc import Callable

from engine.position import Position
from games.rules import rules

COMPILED_DEPTH = 4  # counted in one go: milliseconds, so that `stop` is heard
MOST_DEPTH = 64  # each ply is a call within a call


def split(position: Position, depth: int, stopped: Callable[[], bool]) -> dict[str, int]:
    """How many positions lie `depth` plies ahead, by the first move; what is unfinished when stopped() is left out.

    `depth` is from 1 to MOST_DEPTH.
    """
    found: dict[str, int] = {}
    for action in position.legal():
        move = position.game.format_action(position.state, action)
        position.play(action)
        count = _count(position, depth - 1, stopped)
        position.undo()
        if stopped():
            break
        found[move] = count
    return found


def _count(position: Position, depth: int, stopped: Callable[[], bool]) -> int:
    if depth <= COMPILED_DEPTH:
        return int(rules(position.game).perft(position.state, depth))
    total = 0
    for action in position.legal():
        if stopped():
            break
        position.play(action)
        total += _count(position, depth - 1, stopped)
        position.undo()
    return total
