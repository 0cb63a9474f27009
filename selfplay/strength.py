"""Live strength while a run trains: against play-out search, and against the truth where it is at hand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from engine.evaluator import Evaluator
from engine.position import Position
from engine.search import Search, Settings
from games.contract import Game
from games.errors import TandemError
from games.rng import Random
from selfplay.labels import Label, solved_labels

SIMULATIONS = 100
OPPONENT_SIMULATIONS = 10_000
PAIRS = 10
OPENING_PLIES = 4
SAMPLE = 500  # labelled positions a measurement looks at


@dataclass(frozen=True)
class Strength:
    """Shares in [0, 1]. `score` is hybrid against search; the others are None where no truth is at hand."""

    score: float
    games: int
    net: float | None = None
    hybrid: float | None = None
    positions: int = 0

    def __str__(self) -> str:
        if self.net is not None and self.hybrid is not None:
            return f"right moves: net {self.net:.1%}, hybrid:{SIMULATIONS} {self.hybrid:.1%} of {self.positions}"
        return f"hybrid:{SIMULATIONS} scores {self.score:.0%} of {self.games} against search:{OPPONENT_SIMULATIONS}"


def measure(game: Game, evaluator: Evaluator, seed: int, stop: Callable[[], bool] = bool) -> Strength | None:
    """Measure a net: a few paired games, and value-keeping moves where brute force solves the game.

    None when stop() said so meanwhile.
    """
    score = _score(game, evaluator, seed, stop)
    if stop():
        return None
    labels = _solved(game)
    if labels is None:
        return Strength(score, 2 * PAIRS)
    sample = labels[:: max(1, len(labels) // SAMPLE)]
    net, hybrid = (
        accuracy(Search(game, Settings(mode), evaluator), sample, simulations)
        for mode, simulations in (("net", 1), ("hybrid", SIMULATIONS))
    )
    return Strength(score, 2 * PAIRS, net, hybrid, len(sample))


@cache
def _solved(game: Game) -> tuple[Label, ...] | None:
    """The decisive ones of solved_labels, or None; to find a game too large costs seconds, so once a process."""
    try:
        return tuple(label for label in solved_labels(game) if label.decisive)
    except TandemError:
        return None


def accuracy(search: Search, labels: tuple[Label, ...] | list[Label], simulations: int) -> float:
    """Share of positions in which the search's move keeps the value."""
    kept = 0
    for label in labels:
        result = search.run(label.position, simulations=simulations)
        kept += label.values[result.action] == label.best
    return kept / len(labels)


def _score(game: Game, evaluator: Evaluator, seed: int, stop: Callable[[], bool]) -> float:
    """Score of hybrid against search over pairs of games from random openings, colours swapped."""
    points = 0.0
    rng = Random(seed)
    for _ in range(PAIRS):
        opening = Position(game)
        while True:
            for _ in range(OPENING_PLIES):
                legal = opening.legal()
                if legal:
                    opening.play(legal[rng.below(len(legal))])
            if not opening.ended:
                break
            opening = Position(game)
        for side in (0, 1):
            hybrid = Search(game, Settings("hybrid", seed=seed, memory=8 << 20), evaluator)
            search = Search(game, Settings("search", seed=seed, memory=64 << 20))
            position = opening.copy()
            while not position.ended and not stop():
                ours = position.ply % 2 == side
                player, budget = (hybrid, SIMULATIONS) if ours else (search, OPPONENT_SIMULATIONS)
                position.play(player.run(position, simulations=budget).action)
            result = position.first_player_outcome() * (1 if side == 0 else -1)
            points += (result + 1) / 2
    return points / (2 * PAIRS)
