"""Positions with the exact score of every legal move: from a file, or by brute force for a small game.

A labelled file has one JSON object a line: `moves` from the game's start (a list, or a string of one-letter moves),
and `scores`, move to a number for the player to move: above 0 wins, 0 draws, below 0 loses. A larger absolute value is
a sooner end, counted as Pons (2015) does for Connect Four: a win scores one more than the moves that its winner could
still make if the game went on to its MAX_PLIES. Files whose scores are signs alone, or on another scale, serve too;
they hold no distances.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.exact import Exact
from engine.position import Position
from games.contract import Game, StateArray
from games.errors import TandemError
from games.rng import Random
from games.rules import rules
from nets.models import shipped_path

POSITIONS = Path(__file__).resolve().parent / "positions"
MOST_STATES = 100_000  # a game with more reachable positions is no case for brute force
MOST_PLIES = 300  # nor one that may last longer: the solver recurses once a ply
SAMPLED, SOLVER_NODES, SOLVER_SEED = 400, 100_000, 1  # positions of random play that exact search may try, and how hard
FIRST_TRIES = 40  # of them; where it solves less than half of these, it is no judge of this game


@dataclass(frozen=True)
class Label:
    """A position and the sign of each legal action's value for the player to move: 1, 0 or -1.

    `plies` is the distance to the end under perfect play (sooner wins, later losses), None where it is not known.
    """

    position: Position
    values: dict[int, int]
    plies: int | None = None

    @property
    def best(self) -> int:
        """The position's own value."""
        return max(self.values.values())

    @property
    def decisive(self) -> bool:
        """Whether a wrong move exists."""
        return len(set(self.values.values())) > 1

    @property
    def chance(self) -> float:
        """The share of the legal moves that keep the value: how often a random mover is right."""
        return sum(value == self.best for value in self.values.values()) / len(self.values)


def labelled_file(game: Game) -> Path | None:
    """The labelled positions that ship for choosing and for watching a run, never for training; None without any."""
    path = POSITIONS / f"{shipped_path(game).stem}_dev.jsonl"
    # A game file of the user's own may bear the name of one of ours.
    return path if path.is_file() and game.spec.partition(":")[0] == game.name else None


def known_labels(game: Game) -> tuple[Label, ...]:
    """Every label at hand for a game: the file that ships in selfplay/positions, else all positions, solved.

    Of a game too large for that, those positions of random play that exact search solves, if it solves most. Raises
    TandemError when there is no such file, and the game is too large for either.
    """
    path = labelled_file(game)
    if path is not None:
        return _shipped_labels(game, path)
    try:
        return solved_labels(game)
    except TandemError:
        if game.repetition or (sampled := sampled_labels(game)) is None:
            raise
        return sampled


@cache
def sampled_labels(game: Game) -> tuple[Label, ...] | None:
    """Positions of random games, each ply of a game as likely, with their moves' outcomes by exact search.

    None where it leaves more than half of the first ones unsolved.
    """
    exact, rng = Exact(game, memory=64 << 20), Random(SOLVER_SEED)
    labels = list[Label]()
    for number in range(SAMPLED):
        if number == FIRST_TRIES and 2 * len(labels) < number:
            return None
        position = Position(game)
        while not position.ended:
            position.play(position.legal()[rng.below(len(position.legal()))])
        for _ in range(1 + rng.below(position.ply)):
            position.undo()
        solved = exact.moves(position, nodes=SOLVER_NODES, outcome_only=True)
        values = {action: solution.value for action, solution in solved.items() if solution.value is not None}
        if len(values) == len(solved):
            labels.append(Label(position, values))
    return tuple(labels)


@cache
def _shipped_labels(game: Game, path: Path) -> tuple[Label, ...]:
    return tuple(read_labels(game, path))


def read_labels(game: Game, path: Path) -> list[Label]:
    """The labelled positions of a file; TandemError names the line that does not fit the game or the format."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TandemError(f"labelled positions {path} cannot be read: {error}") from None
    read = []
    for number, line in enumerate(lines, 1):
        try:
            read.append(_position_and_scores(game, json.loads(line, object_pairs_hook=_once)))
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise TandemError(f"{path} line {number}: {error}") from None
    if not read:
        raise TandemError(f"{path} holds no positions")
    ends = [{s: _plies(game.max_plies - position.ply, s) for s in scores.values()} for position, scores in read]
    mere_signs = all(abs(score) <= 1 for _, scores in read for score in scores.values())
    known = not mere_signs and all(plies is not None for found in ends for plies in found.values())
    return [
        Label(position, {a: (s > 0) - (s < 0) for a, s in scores.items()}, found[max(found)] if known else None)
        for (position, scores), found in zip(read, ends, strict=True)
    ]


def _position_and_scores(game: Game, entry: Any) -> tuple[Position, dict[int, float]]:
    """What one line's JSON describes; TandemError when that is no position of this game with scores for its moves."""
    if not isinstance(entry, dict) or not {"moves", "scores"} <= entry.keys():
        raise TandemError("not a JSON object with moves and scores")
    moves, written = entry["moves"], entry["scores"]
    if not isinstance(moves, str | list) or not all(isinstance(move, str) for move in moves):
        raise TandemError("moves must be a string of one-letter moves or a list of moves")
    position = Position.from_moves(game, list(moves))
    if position.ended:
        raise TandemError(f"the game is over ({position.ended}): nobody is to move")
    if entry.get("ply", position.ply) != position.ply:
        raise TandemError(f"ply {entry['ply']!r} does not count the {position.ply} moves")
    if not isinstance(written, dict) or not all(_is_number(score) for score in written.values()):
        raise TandemError("scores must give each legal move a number")
    scores = {game.parse_action(position.state, move): score for move, score in written.items()}
    if len(scores) != len(written) or sorted(scores) != sorted(position.legal()):
        raise TandemError(f"scores must name each legal move once: {position.legal_text()}")
    return position, scores


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON in which every name stands once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise TandemError("a name stands twice in an object")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plies(left: int, score: float) -> int | None:
    """Plies to the end that a score stands for with `left` to MAX_PLIES; None when it stands for none.

    A draw is taken to last as long as it can: where that is not so, files hold no distances of draws.
    """
    if score == 0:
        return left
    if score != int(score):
        return None
    lost = int(score < 0)  # the end then comes after an even number of plies, for the winner moves second
    plies = 2 * ((left + 1 - lost) // 2 - abs(int(score))) + 1 + lost
    return plies if 1 <= plies <= left else None


@cache
def solved_labels(game: Game) -> tuple[Label, ...]:
    """Every reachable undecided position of a small game, solved by brute force.

    Raises TandemError for a game of more than MOST_STATES positions, or whose past decides: by repetition or length.
    """
    if game.repetition or game.max_plies > MOST_PLIES:
        why = "repeats positions" if game.repetition else f"may last more than {MOST_PLIES} plies"
        raise TandemError(f"{game.name} {why}; brute force does not solve it")
    solved: dict[bytes, tuple[int, int]] = {}  # state to its value and the plies to the end
    reached: dict[bytes, Position] = {}
    r = rules(game)

    def after(state: StateArray, action: int) -> StateArray:
        child = state.copy()
        r.play(child, 0, action)
        return child

    def solve(position: Position) -> tuple[int, int]:
        identity = position.state.tobytes()
        if identity in solved:
            return solved[identity]
        if len(solved) > MOST_STATES:
            raise TandemError(f"{game.name} has more than {MOST_STATES:,} positions; give labelled ones instead")
        actions = position.legal()
        if actions and position.ply == game.max_plies:
            raise TandemError(f"{game.name} ends after {game.max_plies} plies at most; brute force does not solve it")
        children = []
        for action in actions:
            position.play(action)
            value, plies = solve(position)
            children.append((-value, plies + 1))
            position.undo()
        if actions:
            reached[identity] = position.copy()
        solved[identity] = best_of(children) if actions else (int(position.outcome()), 0)
        return solved[identity]

    solve(Position(game))
    labels = []
    for identity, position in reached.items():
        values = {action: -solved[after(position.state, action).tobytes()][0] for action in position.legal()}
        labels.append(Label(position, values, solved[identity][1]))
    return tuple(labels)


def best_of(children: list[tuple[int, int]]) -> tuple[int, int]:
    """The best (value, plies to the end) for the player to move: the soonest win, else the latest draw or loss."""
    best = max(value for value, _ in children)
    plies = [plies for value, plies in children if value == best]
    return best, min(plies) if best > 0 else max(plies)
