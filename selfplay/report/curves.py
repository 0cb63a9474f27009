"""What a run's log says over time."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from players.elo import Interval
from selfplay.intervals import wilson
from selfplay.report.figures import Chart, Series, Table

MOST_POINTS = 200  # of a curve; more are averaged
MINUTES = "minutes of training"
# In the order of the page: what a round does, and what of it happens side by side.
KINDS = {
    "playing": "games played, by the net's search or a teacher (until the last actor is done)",
    "training": "training, beside the games",
    "waiting": "actors waiting: for the trainer, for records, for one another",
    "reading": "records read",
    "saving": "games and checkpoints kept",
    "measuring": "strength measured, beside the games",
}


@dataclass(frozen=True)
class Curve:
    """One scalar of a run: when, in minutes of training, and how much."""

    minutes: list[float]
    values: list[float]

    def thinned(self) -> "Curve":
        """At most MOST_POINTS points, means of neighbours."""
        n = len(self.values)
        if n <= MOST_POINTS:
            return self
        edges = [i * n // MOST_POINTS for i in range(MOST_POINTS + 1)]
        spans = list(itertools.pairwise(edges))
        return Curve(
            *([sum(row[a:b]) / (b - a) for a, b in spans] for row in (self.minutes, self.values)),
        )

    def series(self, name: str) -> Series:
        """As a chart's line."""
        thin = self.thinned()
        return Series(name, thin.minutes, thin.values)


class History:
    """The rounds of a run that count, oldest first: those that a kill undid, and were played again, are left out."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.rounds: list[dict[str, Any]] = []
        for event in events:
            if event.get("event") != "round" or not all(_is_number(event.get(name)) for name in ("rounds", "seconds")):
                continue
            while self.rounds and self.rounds[-1]["rounds"] >= event["rounds"]:
                self.rounds.pop()
            self.rounds.append(event)

    def curve(self, name: str) -> Curve:
        """A scalar by its name in TensorBoard and in the log; empty where the run did not log it."""
        found = [(e["seconds"] / 60, float(e[name])) for e in self.rounds if _is_number(e.get(name))]
        return Curve([x for x, _ in found], [y for _, y in found])

    def names(self, prefix: str) -> list[str]:
        """The scalars whose names begin so, in the order in which they came."""
        return list(dict.fromkeys(name for event in self.rounds for name in event if name.startswith(prefix)))

    def last(self, name: str) -> float:
        """The newest value; 0 where there is none."""
        values = self.curve(name).values
        return values[-1] if values else 0.0

    def minutes_at(self, name: str, counts: Sequence[float]) -> list[float]:
        """When a count that only grows, such as games, came to each of these, in minutes, by straight lines between."""
        curve = self.curve(name)
        xs, ys = [0.0, *curve.minutes], [0.0, *curve.values]
        found = []
        for count in counts:
            i = next((i for i in range(1, len(ys)) if ys[i] >= count), len(ys) - 1)
            if i == 0 or ys[i] <= ys[i - 1]:
                found.append(xs[i])
                continue
            share = min(max((count - ys[i - 1]) / (ys[i] - ys[i - 1]), 0.0), 1.0)
            found.append(xs[i - 1] + share * (xs[i] - xs[i - 1]))
        return found

    def chart(
        self, title: str, unit: str, lines: dict[str, str], *, percent: bool = False, log_y: bool = False
    ) -> Chart:
        """A chart of scalars by the words of their lines; those that the run lacks are left out."""
        series = [curve.series(words) for name, words in lines.items() if (curve := self.curve(name)).values]
        return Chart(title, MINUTES, unit, series, log_x=False, from_zero=True, log_y=log_y, percent=percent)

    def losses(self, learner: str) -> list[Chart]:
        """Losses and entropies."""
        policy = "policy objective" if learner == "ppo" else "policy loss"
        entropies = {"loss/policy_entropy": "entropy of the net's policy"}
        if self.curve("loss/entropy").values != self.curve("loss/policy_entropy").values:
            entropies["loss/entropy"] = "entropy of its targets"
        return [
            self.chart("Losses", "nats", {"loss/policy": policy, "loss/value": "value loss"}),
            self.chart("Policy entropy", "nats", entropies),
        ]

    def strength(self) -> list[Chart]:
        """What was measured on the way: accuracy by mode, what moves give away, score against search."""
        players = {name.removeprefix("truth/kept_"): name for name in self.names("truth/kept_")}
        accuracy = [self._measured(name, player, "positions") for player, name in players.items()]
        regret = {f"truth/regret_{player}": _mode(player) for player in players}
        charts = [
            Chart("Accuracy by mode", MINUTES, "moves that keep the value", accuracy, log_x=False, from_zero=True),
            self.chart("Regret by mode", "outcome given away per move", regret),
            self.chart("Value error", "mean squared error", {"truth/value_error": "the net's value"}),
        ]
        score = self._measured("strength/score", "hybrid against search", "games")
        return [*charts, Chart("Score against play-out search", MINUTES, "score", [score], log_x=False, from_zero=True)]

    def _measured(self, name: str, player: str, of: str) -> Series:
        """A share with its interval, where the log says how many of what it is a share of."""
        rows = [event for event in self.rounds if _is_number(event.get(name))]
        x, y = [e["seconds"] / 60 for e in rows], [float(e[name]) for e in rows]
        counts = [float(n) for e in rows if _is_number(n := _within(e.get("measured"), of)) and n >= 1]
        known = len(counts) == len(y) and all(0 <= share <= 1 for share in y)
        bands = [wilson(share * n, n) for share, n in zip(y, counts, strict=True)] if known else None
        return Series(_mode(player), x, y, *_ends(bands))

    def games(self) -> list[Chart]:
        """What each round's games were like, for a run that keeps none."""
        lines = {"games/draws": "draws", "games/first_player_score": "first player's score"}
        return [
            self.chart("Length of games", "plies", {"games/mean_plies": "mean"}),
            self.chart("Results of games", "share of the round's games", lines, percent=True),
        ]

    def speed(self) -> list[Chart]:
        """Throughput, and where each round's time went."""
        lines = {
            "speed/evaluations_per_second": "evaluations",
            "speed/positions_per_second": "positions",
            "speed/steps_per_second": "training steps",
        }
        chart = self.chart("Throughput", "per second", lines, log_y=True)
        above = [  # a logarithm has no place for nothing
            Series(s.name, *([a for a, b in zip(row, s.y, strict=True) if b > 0] for row in (s.x, s.y)))
            for s in chart.series
        ]
        shares = [
            Series(kind, thin.minutes, thin.values)
            for kind in KINDS
            # Measuring goes on beside many rounds and is counted in the one in which it ends: the table has it.
            if kind != "measuring" and any((thin := self._share(kind).thinned()).values)
        ]
        where = Chart("Where the time goes", MINUTES, "share of each round", shares, log_x=False, from_zero=True)
        return [
            Chart(
                chart.title,
                MINUTES,
                "per second",
                [s for s in above if s.x],
                log_x=False,
                from_zero=True,
                log_y=True,
                percent=False,
            ),
            where,
        ]

    def _share(self, kind: str) -> Curve:
        rows = [event for event in self.rounds if _is_number(event.get("time/round")) and event["time/round"] > 0]
        values = [float(e.get(f"time/{kind}") or 0) / e["time/round"] for e in rows]
        return Curve([e["seconds"] / 60 for e in rows], values)

    def time_table(self) -> Table | None:
        """Seconds of each kind of work and its share of all rounds; None where the run did not measure them."""
        total = sum(self.curve("time/round").values)
        if not total:
            return None
        spent = {kind: sum(self.curve(f"time/{kind}").values) for kind in KINDS}
        rows = [
            [words, f"{spent[kind]:,.1f}", f"{spent[kind] / total:.1%}"] for kind, words in KINDS.items() if spent[kind]
        ]
        rows.append(["all rounds", f"{total:,.1f}", "100.0%"])
        seconds, cores = self.last("seconds"), self.last("core_seconds")
        if seconds:
            rows.append(["cores at work, on average", f"{cores / seconds:.2f}", ""])
        return Table("Where the time went; what runs side by side counts in full", ["what", "seconds", "share"], rows)


def _ends(bands: Sequence[Interval] | None) -> tuple[list[float] | None, list[float] | None]:
    return (None, None) if bands is None else ([b.low for b in bands], [b.high for b in bands])


def _within(table: Any, name: str) -> Any:
    return table.get(name) if isinstance(table, dict) else None


def _mode(player: str) -> str:
    """A player of a measurement as the log names it: "hybrid_25" is a hybrid of 25 simulations."""
    mode, _, simulations = player.partition("_")
    return f"{mode}, {simulations} simulation{'s' * (simulations != '1')}" if simulations else mode


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
