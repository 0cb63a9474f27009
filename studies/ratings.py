"""Elo of several players from the matches between them, with intervals by the bootstrap over seeds and pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from players.ratings import bradley_terry
from studies.statistics import SAMPLES, TAILS, Estimate


def ratings(matches: Mapping[tuple[str, str], Sequence[Sequence[float]]], base: str, seed: int) -> dict[str, Estimate]:
    """Elo of each player above `base`, as players.ratings finds it, with its bootstrap interval.

    matches holds, by player and opponent and for each training seed, the scores of pairs of games, 0 to 1. Seeds are
    resampled first, the same for all matches, and pairs then.
    """
    names = sorted({name for pair in matches for name in pair} - {base})
    place = {name: i for i, name in enumerate([*names, base])}
    who = np.array([[place[a], place[b]] for a, b in matches])
    scores = [[np.asarray(row, np.float64) for row in rows] for rows in matches.values()]
    seeds = len(scores[0])

    def fit(pairs: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        counts, won = np.array([len(row) for row in pairs], np.float64), np.array([row.sum() for row in pairs])
        return bradley_terry(who, counts, won)[0]

    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(SAMPLES // 4):
        picked = rng.integers(seeds, size=(seeds,))
        drawn.append(fit([np.concatenate([rng.choice(rows[i], len(rows[i])) for i in picked]) for rows in scores]))
    low, high = np.percentile(drawn, TAILS, axis=0)
    found = fit([np.concatenate(rows) for rows in scores])
    return {name: Estimate(float(found[i]), float(low[i]), float(high[i])) for i, name in enumerate(names)}
