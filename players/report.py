"""What a match came to: the figures, and the lines that say them."""

import json
import math
from collections import Counter
from dataclasses import dataclass

from engine.result import number_of
from players.elo import Interval, elo, score_interval
from players.match import PairRecord, Work


@dataclass(frozen=True)
class MatchResult:
    """A match of players A and B: one or more finished pairs, by number. `asked` is the number of games wanted."""

    game: str
    players: tuple[str, str]
    seed: int
    opening_plies: int
    asked: int
    pairs: tuple[PairRecord, ...]

    @property
    def games(self) -> int:
        """Games played."""
        return 2 * len(self.pairs)

    @property
    def wins_draws_losses(self) -> tuple[int, int, int]:
        """Of A."""
        count = Counter(outcome for pair in self.pairs for outcome in pair.outcomes)
        return count[1.0], count[0.0], count[-1.0]

    @property
    def pair_scores(self) -> list[float]:
        """A's score in each pair: 0, 1/4, 1/2, 3/4 or 1."""
        return [pair.score for pair in self.pairs]

    @property
    def score(self) -> float:
        """A's mean score in [0, 1]."""
        return sum(self.pair_scores) / len(self.pairs)

    @property
    def score_interval(self) -> Interval:
        """95 % interval of A's expected score."""
        return score_interval(self.pair_scores)

    @property
    def elo(self) -> float | None:
        """Elo of A above B; None where every pair was lost or won, and the interval gives a bound instead."""
        return _finite(elo(self.score))

    @property
    def elo_interval(self) -> tuple[float | None, float | None]:
        """95 % interval of that difference; None at an end that the games do not bound."""
        low, high = self.score_interval
        return _finite(elo(low)), _finite(elo(high))

    @property
    def unique(self) -> float:
        """Distinct games as a fraction of all."""
        return len({record.actions for pair in self.pairs for record in pair.games}) / self.games

    @property
    def mean_plies(self) -> float:
        """Plies per game, openings included."""
        return sum(len(record.actions) for pair in self.pairs for record in pair.games) / self.games

    def work(self, side: int) -> Work:
        """What all moves of A (0) or B (1) took together."""
        total = Work()
        for pair in self.pairs:
            for number, record in enumerate(pair.games):
                total.add(record.work[side ^ number])
        return total

    def forfeits(self, side: int) -> list[str]:
        """Why A (0) or B (1) lost unfinished games, one reason a game."""
        lost = -1 if side == 0 else 1
        return [
            record.forfeit
            for pair in self.pairs
            for record, outcome in zip(pair.games, pair.outcomes, strict=True)
            if record.forfeit and outcome == lost
        ]

    def lines(self) -> list[str]:
        """The report for a person, and as its last line the same figures as one JSON object."""
        wins, draws, losses = self.wins_draws_losses
        lines = [
            f"{self.game}: A {self.players[0]} against B {self.players[1]}",
            f"{self.games} games, {len(self.pairs)} openings of {self.opening_plies} plies, seed {self.seed}: "
            f"A won {wins}, drew {draws}, lost {losses}",
            f"score of A {self.score:.1%}, Elo {self._elo_text()} (95 % from {len(self.pairs)} pairs)",
            f"unique games {self.unique:.0%}, plies a game {self.mean_plies:.1f}",
        ]
        for side, name in enumerate("AB"):
            work, forfeits = self.work(side), Counter(self.forfeits(side))
            moves = max(work.moves, 1)
            simulations = number_of(round(work.simulations / moves), "simulation")
            lines.append(
                f"{name}: {1000 * work.seconds / moves:.2f} ms, {simulations} and "
                f"{work.evaluations / moves:,.1f} evaluations a move"
            )
            for reason, count in forfeits.most_common():
                lines.append(f"{name} forfeited {number_of(count, 'game')}: {reason}")
        return [*lines, self.json()]

    def json(self) -> str:
        """The figures as one line of JSON; null stands for an Elo that the games do not bound."""
        (wins, draws, losses), (low, high) = self.wins_draws_losses, self.elo_interval
        figures = {
            "game": self.game,
            "a": self.players[0],
            "b": self.players[1],
            "seed": self.seed,
            "opening_plies": self.opening_plies,
            "asked": self.asked,
            "games": self.games,
            "wins": wins,
            "draws": draws,
            "losses": losses,
            "score": self.score,
            "elo": self.elo,
            "elo_low": low,
            "elo_high": high,
            "unique": self.unique,
            "plies": self.mean_plies,
        }
        for side, name in enumerate("ab"):
            work = self.work(side)
            moves = max(work.moves, 1)
            figures[f"{name}_ms"] = 1000 * work.seconds / moves
            figures[f"{name}_simulations"] = work.simulations / moves
            figures[f"{name}_evaluations"] = work.evaluations / moves
            figures[f"{name}_forfeits"] = len(self.forfeits(side))
        return json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in figures.items()})

    def _elo_text(self) -> str:
        low, high = self.elo_interval
        if low is None:
            return f"below {high:+.0f}"
        if high is None:
            return f"above {low:+.0f}"
        return f"{self.elo:+.0f}, {low:+.0f} to {high:+.0f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
