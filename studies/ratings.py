"""Elo of several players from the matches between them, on one scale: a match against a much weaker one says little."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from studies.statistics import SAMPLES, TAILS, Estimate

SCALE = 400 / np.log(10)  # Elo for each unit of log-odds
STEPS, CLOSE = 100, 1e-9  # of Newton's method, which takes about six


def ratings(matches: Mapping[tuple[str, str], Sequence[Sequence[float]]], base: str, seed: int) -> dict[str, Estimate]:
    """Elo of each player above `base`, by maximum likelihood (Bradley and Terry 1952), with its bootstrap interval.

    matches holds, by player and opponent and for each training seed, the scores of pairs of games, 0 to 1. Seeds are
    resampled first, the same for all matches, and pairs then. One drawn pair more between any two who met keeps a
    player who always won from an infinite rating.
    """
    names = sorted({name for pair in matches for name in pair} - {base})
    place = {name: i for i, name in enumerate([*names, base])}
    who = np.array([[place[a], place[b]] for a, b in matches])
    scores = [[np.asarray(row, np.float64) for row in rows] for rows in matches.values()]
    seeds = len(scores[0])

    def fit(pairs: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        counts = np.array([len(row) + 1.0 for row in pairs])
        won = np.array([0.5 + row.sum() for row in pairs])
        strengths = np.zeros(len(place))
        for _ in range(STEPS):
            expected = 1 / (1 + np.exp(strengths[who[:, 1]] - strengths[who[:, 0]]))
            gradient, curvature = np.zeros(len(place)), np.zeros((len(place), len(place)))
            for (a, b), surplus, weight in zip(
                who, won - counts * expected, counts * expected * (1 - expected), strict=True
            ):
                gradient[[a, b]] += surplus, -surplus
                curvature[[a, b, a, b], [a, b, b, a]] += weight, weight, -weight, -weight
            step = np.linalg.solve(curvature[:-1, :-1], gradient[:-1])
            strengths[:-1] += np.clip(step, -2, 2)
            if np.abs(step).max() < CLOSE:
                break
        return np.asarray(SCALE * strengths[:-1])

    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(SAMPLES // 4):
        picked = rng.integers(seeds, size=(seeds,))
        drawn.append(fit([np.concatenate([rng.choice(rows[i], len(rows[i])) for i in picked]) for rows in scores]))
    low, high = np.percentile(drawn, TAILS, axis=0)
    found = fit([np.concatenate(rows) for rows in scores])
    return {name: Estimate(float(found[i]), float(low[i]), float(high[i])) for i, name in enumerate(names)}
