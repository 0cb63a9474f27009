"""Live strength while a run trains: on positions of known value where there are any, else against play-out search.

Both where the truth is known of endings alone. Else not: on connect4 the 20 games took five times the processor time of
the 400 positions, and say less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from engine.evaluator import Evaluator
from engine.lockstep import search_together
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from players.match import openings, play_game
from players.player import EnginePlayer
from players.spec import PlayerSpec
from selfplay.labels import Label, known_labels, labelled_file

SIMULATIONS = 100
OPPONENT_SIMULATIONS = 10_000
PAIRS = 10
OPENING_PLIES = 4
ENDINGS = 12  # plies after which labels that begin later are endings, which do not say how a net begins
SAMPLE = 400  # positions of a labelled file that a measurement looks at; where a game is solved in full, it sees all
BUDGETS = (25, 100)  # simulations of the hybrid there
MEMORY = 64 << 20  # bytes of trees there


@dataclass(frozen=True)
class Strength:
    """Figures of a net: on labelled positions if there are any, and the `score` in [0, 1] of hybrid against search.

    kept and regret have an entry for each player, such as "net" or "hybrid:25": the share of its moves that keep the
    value, and the outcome that they give away on average, in [0, 2]. value_error is the mean squared error, in [0, 4],
    of the outcome that the net expects.
    """

    score: float | None = None
    games: int = 0
    positions: int = 0
    kept: dict[str, float] = field(default_factory=dict)
    regret: dict[str, float] = field(default_factory=dict)
    value_error: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.score is not None:
            opponent = f"search:{OPPONENT_SIMULATIONS}"
            parts.append(f"hybrid:{SIMULATIONS} scores {self.score:.0%} of {self.games} against {opponent}")
        if self.kept:
            shares = ", ".join(f"{name} {share:.1%} ({self.regret[name]:.3f})" for name, share in self.kept.items())
            what = "right moves (regret)" if self.score is None else "right moves (regret) in endings"
            parts.append(f"{what}: {shares} of {self.positions}, value error {self.value_error:.3f}")
        return "; ".join(parts)

    def brief(self) -> str:
        """The most telling figures, for a progress bar."""
        if self.score is not None:
            endings = f", endings {self.kept[list(self.kept)[-1]]:.0%}" if self.kept else ""
            return f"score {self.score:.0%}{endings}"
        names = list(self.kept)
        shares = ", ".join(f"{name} {self.kept[name]:.0%}" for name in (names[0], names[-1]))
        return f"right {shares}, regret {self.regret[names[-1]]:.2f}, value error {self.value_error:.2f}"

    def scalars(self) -> dict[str, float]:
        """Every figure by the name that TensorBoard and the log give it."""
        figures = {"strength/score": self.score, "truth/value_error": self.value_error}
        found = {name: figure for name, figure in figures.items() if figure is not None}
        for kind, by_player in (("kept", self.kept), ("regret", self.regret)):
            found |= {f"truth/{kind}_{name.replace(':', '_')}": value for name, value in by_player.items()}
        return found


def measure(game: Game, evaluator: Evaluator, seed: int, stop: Callable[[], bool] = bool) -> Strength | None:
    """Measure a net by the moves that it chooses, and by `seed` where that takes games; None when stop() said so."""
    labels = _decisive(game)
    if labels is None:
        score = _score(game, evaluator, seed, stop)
        return None if score is None else Strength(score, 2 * PAIRS)
    from_file = labelled_file(game) is not None
    sampled = from_file and len(labels) > SAMPLE
    sample = [labels[i * len(labels) // SAMPLE] for i in range(SAMPLE)] if sampled else labels
    truth = on_truth(game, evaluator, sample, stop)
    if truth is None or not from_file or min(label.position.ply for label in labels) <= ENDINGS:
        return truth
    score = _score(game, evaluator, seed, stop)
    return None if score is None else replace(truth, score=score, games=2 * PAIRS)


def on_truth(
    game: Game, evaluator: Evaluator, labels: Sequence[Label], stop: Callable[[], bool] = bool
) -> Strength | None:
    """The figures of a net on labelled positions, all of them searched together; None when stop() said so."""
    positions = [label.position for label in labels]
    kept, regret, error = dict[str, float](), dict[str, float](), 0.0
    for mode, budgets in (("net", (1,)), ("value", (1,)), ("hybrid", BUDGETS)):
        if stop():
            return None
        found = search_together(game, Settings(mode, memory=MEMORY), evaluator, positions, budgets)
        for budget, results in zip(budgets, found, strict=True):
            name = f"{mode}:{budget}" if mode == "hybrid" else mode
            lost = [label.best - label.values[r.action] for label, r in zip(labels, results, strict=True)]
            kept[name], regret[name] = lost.count(0) / len(lost), sum(lost) / len(lost)
            if mode == "net":
                errors = [(r.value - label.best) ** 2 for label, r in zip(labels, results, strict=True)]
                error = sum(errors) / len(errors)
    return Strength(positions=len(labels), kept=kept, regret=regret, value_error=error)


@cache
def _decisive(game: Game) -> tuple[Label, ...] | None:
    """The decisive ones of known_labels, or None; to find a game too large costs seconds, so once a process."""
    try:
        return tuple(label for label in known_labels(game) if label.decisive) or None
    except TandemError:
        return None


def _score(game: Game, evaluator: Evaluator, seed: int, stop: Callable[[], bool]) -> float | None:
    """Score of hybrid against search over pairs of games from random openings, colours swapped; None once stop()."""
    hybrid = EnginePlayer(game, PlayerSpec("hybrid", simulations=SIMULATIONS), evaluator, seed=seed)
    search = EnginePlayer(game, PlayerSpec("search", simulations=OPPONENT_SIMULATIONS), None, seed=seed)
    try:
        starts = openings(game, PAIRS, min(OPENING_PLIES, game.max_plies // 4), seed)
    except TandemError:  # every game is over by then
        starts = openings(game, PAIRS, 0, seed)
    points = 0.0
    for opening in starts:
        for players, sign in (((hybrid, search), 1), ((search, hybrid), -1)):
            record = play_game(game, players, opening, stop)
            if record is None:
                return None
            points += (1 + sign * record.outcome) / 2
    return points / (2 * PAIRS)
