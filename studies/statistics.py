"""Intervals by the bootstrap over positions, and where a curve of accuracy reaches a level or crosses another.

A curve is a matrix `kept` [budgets, positions] of right moves, its budgets ascending; all curves of a comparison answer
the same positions, and are resampled together. More thinking is taken never to hurt on average: a curve is its own
running maximum, so that it reaches a level at one place only.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selfplay.report.figures import Series

Kept = npt.NDArray[np.bool_]
SAMPLES = 1000
TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; infinity stands for "not within what was measured"."""

    value: float
    low: float
    high: float

    def points(self) -> str:
        """As a difference of shares, in words."""
        value, low, high = (100 * x for x in (self.value, self.low, self.high))
        return f"{value:+.1f} points (95 %: {low:+.1f} to {high:+.1f})"

    def share(self) -> str:
        """As a share with its interval, in words."""
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"

    def between(self, least: float, most: float) -> str:
        """In words, as a budget of which those from `least` to `most` were tried: beyond these it is a bound."""

        def words(x: float) -> str:
            if not math.isfinite(x):
                return f"above {_figures(most)}"
            return f"at most {_figures(least)}" if x <= least else _figures(x)

        if self.low == self.high:
            return words(self.value)
        return f"{words(self.value)} ({words(self.low)} to {words(self.high)})"


def _figures(x: float) -> str:
    return f"{x:.2g}" if x < 100 else f"{x:.0f}"


def bootstrap(n: int, statistic: Callable[[npt.NDArray[np.int64]], float], seed: int) -> Estimate:
    """`statistic` of all n positions, and its percentile interval over resamples of them (Efron 1979).

    It takes indices of positions, [n], and may return infinity.
    """
    rng = np.random.default_rng(seed)
    found = np.array([statistic(rng.integers(n, size=n)) for _ in range(SAMPLES)])
    # Not np.percentile: between two infinities it finds NaN.
    found.sort()
    low, high = (float(found[round(p / 100 * (SAMPLES - 1))]) for p in TAILS)
    return Estimate(statistic(np.arange(n)), low, high)


def mean_of(values: npt.NDArray[Any], seed: int) -> Estimate:
    """The mean over [positions]; of right moves, the accuracy."""
    return bootstrap(len(values), lambda at: float(values[at].mean()), seed)


def line(name: str, x: Sequence[float], found: Sequence[Estimate]) -> Series:
    """A chart's line of estimates, with their intervals."""
    return Series(name, list(x), [e.value for e in found], [e.low for e in found], [e.high for e in found])


def price(budgets: Sequence[float], kept: Kept, level: float, seed: int) -> Estimate:
    """The budget at which a curve reaches a level; kept is [budgets, positions], budgets in any order."""
    order = np.argsort(budgets)
    spent, kept = [budgets[i] for i in order], kept[order]
    return bootstrap(kept.shape[1], lambda at: reaches(spent, curve(kept, at), level), seed)


def bootstrap_seeds(found: npt.NDArray[np.float64], seed: int) -> Estimate:
    """The mean of [seeds, positions], and its interval over resamples of seeds first and positions then."""
    rng, (seeds, n) = np.random.default_rng(seed), found.shape
    means = [found[rng.integers(seeds, size=seeds)][:, rng.integers(n, size=n)].mean() for _ in range(SAMPLES)]
    low, high = np.percentile(means, TAILS)
    return Estimate(float(found.mean()), float(low), float(high))


def bootstrap_grid(
    found: npt.NDArray[np.bool_], statistic: Callable[[npt.NDArray[np.bool_]], float], seed: int
) -> Estimate:
    """`statistic` of [seeds, ..., positions] with its seeds laid side by side, [..., seeds x positions].

    Its interval is over resamples of seeds first and positions then, the same positions for each seed.
    """
    rng, seeds, n = np.random.default_rng(seed), found.shape[0], found.shape[-1]

    def side_by_side(picked: npt.NDArray[np.int64], at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return np.concatenate([found[i][..., at] for i in picked], axis=-1)

    draws = [(rng.integers(seeds, size=(seeds,)), rng.integers(n, size=(n,))) for _ in range(SAMPLES)]
    values = sorted(statistic(side_by_side(*draw)) for draw in draws)
    low, high = (values[round(p / 100 * (SAMPLES - 1))] for p in TAILS)
    return Estimate(statistic(side_by_side(np.arange(seeds), np.arange(n))), low, high)


def curve(kept: Kept, at: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.float64]:
    """[budgets] accuracy on the positions `at` (all of them), as a running maximum."""
    share = kept.mean(1) if at is None else kept[:, at].mean(1)
    return np.maximum.accumulate(share)


def reaches(budgets: Sequence[float], accuracy: npt.NDArray[np.float64], level: float) -> float:
    """The budget at which a curve reaches a level, linear between its points over log budgets; else infinity."""
    above = np.flatnonzero(accuracy >= level)
    if not len(above):
        return math.inf
    i = int(above[0])
    if i == 0:
        return float(budgets[0])
    share = (level - accuracy[i - 1]) / (accuracy[i] - accuracy[i - 1])
    low, high = math.log(budgets[i - 1]), math.log(budgets[i])
    return math.exp(low + share * (high - low))


def crosses(
    first: tuple[Sequence[float], npt.NDArray[np.float64]], second: tuple[Sequence[float], npt.NDArray[np.float64]]
) -> float:
    """The budget from which the second curve lies above the first to the end of their common span; else infinity."""
    low, high = max(first[0][0], second[0][0]), min(first[0][-1], second[0][-1])
    if low >= high:
        return math.inf
    grid = np.exp(np.linspace(math.log(low), math.log(high), 200))
    a, b = (np.interp(np.log(grid), np.log(x), y) for x, y in (first, second))
    below = np.flatnonzero(b <= a)
    if not len(below):
        return float(grid[0])
    return math.inf if below[-1] == len(grid) - 1 else float(grid[below[-1] + 1])
