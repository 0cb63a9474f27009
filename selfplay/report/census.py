"""What the stored games of a run say: lengths, results, openings over time, and whether values came true."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from players.elo import Interval, Z, student_quantile
from selfplay.gamestats import OPENING_PLIES, first_player_score, openings_of, unique_openings
from selfplay.intervals import wilson
from selfplay.records import RANDOM, GameBatch
from selfplay.replay import side
from selfplay.report.curves import MINUTES
from selfplay.report.figures import Chart, Series, Table
from selfplay.store import Store

PARTS, LEAST_GAMES = 20, 100  # over which a curve goes, at most; games of one
OPENINGS = 1000  # games of a part, at most, whose openings are told apart: as many in each, as shares depend on it
VALUE_BINS = 10
SPANS = 4  # a run's first quarter of games beside its last
BEGINNING, END, ALL = "first quarter of the games", "last quarter", "all games"
# Rows per bin of predicted scores: what calibration takes, summed over games g with n rows and a total score of s.
ROWS, SCORE, PREDICTED, GAMES, SS, SN, NN = range(7)


@dataclass
class Games:
    """The whole games of one source, oldest first."""

    outcome: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))  # [games]
    plies: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    openings: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, OPENING_PLIES[-1]), np.int32))
    # Of each shard: how many games, and its sums [VALUE_BINS, 7].
    shards: list[tuple[int, npt.NDArray[np.float64]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.outcome)


def read_games(store: Store) -> dict[str, Games]:
    """The games by source, those left out that are labelled positions or begin elsewhere than at the game's start."""
    found: dict[str, Games] = {}
    columns: dict[str, list[tuple[npt.NDArray[np.int8], npt.NDArray[np.int64], npt.NDArray[np.int32]]]] = {}
    for _, batch in store.new_batches():
        texts = np.array(batch.texts, object)
        whole = (texts[batch.start] == "") & (np.diff(batch.action_offsets) > 0) & (texts[batch.ended] != "label")
        for source in dict.fromkeys(texts[batch.source].tolist()):
            some = batch.select(whole & (texts[batch.source] == source))
            if len(some):
                games = found.setdefault(source, Games())
                games.shards.append((len(some), value_sums(some)))
                row = some.outcome, np.diff(some.action_offsets), openings_of(some)
                columns.setdefault(source, []).append(row)
    for source, rows in columns.items():
        games = found[source]
        games.outcome, games.plies, games.openings = (np.concatenate(column) for column in zip(*rows, strict=True))
    return found


def value_sums(batch: GameBatch) -> npt.NDArray[np.float64]:
    """[VALUE_BINS, 7] of the searched positions of some games, by the score that the search expected there.

    A score is that of the player to move: 1 for a win, 1/2 for a draw, 0 for a loss.
    """
    owner = np.repeat(np.arange(len(batch)), np.diff(batch.row_offsets))
    wdl = batch.root_wdl.astype(np.float64)
    keep = (batch.kind != RANDOM) & ~np.isnan(wdl).any(1)
    owner, wdl, ply = owner[keep], wdl[keep], batch.ply[keep]
    predicted = np.clip(wdl[:, 0] + wdl[:, 1] / 2, 0, 1)
    actual = batch.outcome[owner] * side(ply) / 2 + 0.5
    which = np.minimum((predicted * VALUE_BINS).astype(np.int64), VALUE_BINS - 1)
    # A game's rows stand together as its plies do; a cell is one game in one bin.
    cells, cell = np.unique(owner * VALUE_BINS + which, return_inverse=True)
    n, s, p = (np.bincount(cell, weights, len(cells)) for weights in (None, actual, predicted))
    sums = np.stack([n, s, p, np.ones(len(cells)), s * s, s * n, n * n], 1)
    found = np.zeros((VALUE_BINS, sums.shape[1]))
    np.add.at(found, cells % VALUE_BINS, sums)
    return found


def clustered(sums: npt.NDArray[np.float64]) -> tuple[float, Interval]:
    """The mean score of one bin of value_sums, and its 95 % interval; rows of one game are not independent.

    Wilson's with the effective number of rows of Korn and Graubard (1998), as in players/elo.py, the variance being
    that of a ratio of sums over games. Where all scores are alike, games count.
    """
    rows, score, _, games, ss, sn, nn = sums.tolist()
    mean = score / rows
    size, spread = games, mean * (1 - mean)
    if games > 1:
        variance = max(ss - 2 * mean * sn + mean * mean * nn, 0.0) / rows**2 * games / (games - 1)
        if variance > 0 and spread > 0:
            size = min(spread / variance, rows)
        size *= (Z / student_quantile(int(games) - 1)) ** 2
    return mean, wilson(mean * size, size)


def calibration(games: Games) -> Chart:
    """Predicted against actual score, for the run's beginning and its end where there are games for both."""
    sizes = np.array([n for n, _ in games.shards])
    ends = np.cumsum(sizes)
    middle = (ends - sizes / 2) / max(ends[-1] if len(ends) else 1, 1)
    series = [Series("as predicted", [0, 1], [0, 1])]
    chosen = {BEGINNING: middle < 1 / SPANS, END: middle >= 1 - 1 / SPANS}
    if not all(which.any() for which in chosen.values()):
        chosen = {ALL: np.ones(len(sizes), np.bool_)}
    for name, which in chosen.items():
        total = sum(
            (sums for (_, sums), take in zip(games.shards, which, strict=True) if take), np.zeros((VALUE_BINS, 7))
        )
        bins = [row for row in total if row[ROWS]]
        if not bins:
            continue
        points = [clustered(row) for row in bins]
        series.append(
            Series(
                name,
                [float(row[PREDICTED] / row[ROWS]) for row in bins],
                [mean for mean, _ in points],
                [band.low for _, band in points],
                [band.high for _, band in points],
            )
        )
    return Chart(
        "Value calibration", "score that the search expected", "score of the game", series, log_x=False, from_zero=True
    )


def parts_of(games: Games) -> list[slice]:
    """The games cut into parts of one size, in order."""
    count = max(1, min(PARTS, len(games) // LEAST_GAMES))
    edges = [i * len(games) // count for i in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def over_time(games: Games, minutes_at: Callable[[list[float]], list[float]]) -> list[Chart]:
    """Length, results and openings; minutes_at says when so many games had been played."""
    parts = parts_of(games)
    x = minutes_at([(part.start + part.stop) / 2 for part in parts])
    plies = [games.plies[part] for part in parts]
    outcomes = [games.outcome[part] for part in parts]
    draws = [float((outcome == 0).mean()) for outcome in outcomes]
    draw_bands = [wilson(share * len(o), len(o)) for share, o in zip(draws, outcomes, strict=True)]
    first = [first_player_score(outcome) for outcome in outcomes]
    means = [float(p.mean()) for p in plies]
    sample = min(OPENINGS, min(part.stop - part.start for part in parts))
    openings = [games.openings[part][:sample] for part in parts]
    return [
        Chart(
            "Length of games",
            MINUTES,
            "plies",
            [_band("mean", x, means, [Z * float(p.std()) / math.sqrt(len(p)) for p in plies])],
            log_x=False,
            from_zero=True,
            percent=False,
        ),
        Chart(
            "Results of games",
            MINUTES,
            "share of games",
            [
                Series("draws", x, draws, [b.low for b in draw_bands], [b.high for b in draw_bands]),
                _band("first player's score", x, first, [Z * float(o.std()) / 2 / math.sqrt(len(o)) for o in outcomes]),
            ],
            log_x=False,
            from_zero=True,
        ),
        Chart(
            f"Unique openings among {sample:,} games",
            MINUTES,
            "distinct lines",
            [
                Series(f"first {plies} plies", x, [unique_openings(some, plies) for some in openings])
                for plies in OPENING_PLIES
            ],
            log_x=False,
            from_zero=True,
        ),
    ]


def _band(name: str, x: list[float], y: list[float], half: list[float]) -> Series:
    low, high = ([a + sign * b for a, b in zip(y, half, strict=True)] for sign in (-1, 1))
    return Series(name, x, y, low, high)


def table(found: dict[str, Games]) -> Table:
    """One row for each source of games."""
    rows = []
    for source, games in found.items():
        draws = int((games.outcome == 0).sum())
        band = wilson(draws, len(games))
        rows.append(
            [
                source,
                f"{len(games):,}",
                f"{games.plies.mean():.1f}",
                f"{draws / len(games):.1%} ({band.low:.1%} to {band.high:.1%})",
                f"{first_player_score(games.outcome):.1%}",
                *(f"{unique_openings(games.openings, plies):.1%}" for plies in OPENING_PLIES),
            ]
        )
    unique = [f"unique first {plies} plies" for plies in OPENING_PLIES]
    columns = ["from", "games", "plies", "draws (95 %)", "first player's score", *unique]
    return Table("All stored games that were played from the start", columns, rows)
