"""Positions with the exact score of every legal move, and how often a player keeps their value.

A labelled file has one JSON object a line: `moves` from the game's start (a list, or a string of one-letter moves),
and `scores`, move to score for the player to move: above 0 wins, 0 draws, below 0 loses.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.position import Position
from games.contract import Game, StateArray
from games.errors import TandemError
from games.rules import rules

MOST_STATES = 100_000  # a game with more reachable positions is no case for brute force
MOST_PLIES = 300  # nor one that may last longer: the solver recurses once a ply


@dataclass(frozen=True)
class Label:
    """A position and the sign of each legal action's value for the player to move: 1, 0 or -1."""

    position: Position
    values: dict[int, int]

    @property
    def best(self) -> int:
        """The position's own value."""
        return max(self.values.values())

    @property
    def decisive(self) -> bool:
        """Whether a wrong move exists."""
        return len(set(self.values.values())) > 1


def read_labels(game: Game, path: Path) -> list[Label]:
    """The labelled positions of a file; TandemError names the line that does not fit the game or the format."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TandemError(f"labelled positions {path} cannot be read: {error}") from None
    labels = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            position = Position.from_moves(game, list(entry["moves"]))
            scores = {game.parse_action(position.state, move): float(s) for move, s in entry["scores"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TandemError(f"{path} line {number}: {error}") from None
        if sorted(scores) != sorted(position.legal()) or position.ended:
            raise TandemError(f"{path} line {number}: scores must name each legal move once, and the game must go on")
        labels.append(Label(position, {a: (s > 0) - (s < 0) for a, s in scores.items()}))
    if not labels:
        raise TandemError(f"{path} holds no positions")
    return labels


@cache
def solved_labels(game: Game) -> tuple[Label, ...]:
    """Every reachable undecided position of a small game, solved by brute force.

    Raises TandemError for a game of more than MOST_STATES positions, or whose past decides: by repetition or length.
    """
    if game.repetition or game.max_plies > MOST_PLIES:
        why = "repeats positions" if game.repetition else f"may last more than {MOST_PLIES} plies"
        raise TandemError(f"{game.name} {why}; brute force does not solve it")
    values: dict[bytes, int] = {}
    reached: dict[bytes, Position] = {}
    r = rules(game)

    def after(state: StateArray, action: int) -> StateArray:
        child = state.copy()
        r.play(child, 0, action)
        return child

    def solve(position: Position) -> int:
        identity = position.state.tobytes()
        if identity in values:
            return values[identity]
        if len(values) > MOST_STATES:
            raise TandemError(f"{game.name} has more than {MOST_STATES:,} positions; give labelled ones instead")
        best = -1
        actions = position.legal()
        if actions and position.ply == game.max_plies:
            raise TandemError(f"{game.name} ends after {game.max_plies} plies at most; brute force does not solve it")
        for action in actions:
            position.play(action)
            best = max(best, -solve(position))
            position.undo()
        if actions:
            reached[identity] = position.copy()
        values[identity] = best if actions else int(position.outcome())
        return values[identity]

    solve(Position(game))
    labels = []
    for position in reached.values():
        found = {action: -values[after(position.state, action).tobytes()] for action in position.legal()}
        labels.append(Label(position, found))
    return tuple(labels)
