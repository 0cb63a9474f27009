"""Levels, crossings and intervals: by hand, and against curves whose crossing is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.statistics import Estimate, bootstrap, bootstrap_grid, bootstrap_seeds, crosses, curve, reaches


def test_a_curve_is_its_running_maximum() -> None:
    kept = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]], np.bool_)
    assert curve(kept).tolist() == [0.25, 0.75, 0.75, 1.0]
    assert curve(kept, np.array([0, 0])).tolist() == [1, 1, 1, 1]
    assert curve(kept, np.array([3])).tolist() == [0, 0, 0, 1]


def test_a_level_is_reached_between_two_budgets() -> None:
    accuracy = np.array([0.5, 0.7, 0.7, 0.9])
    assert reaches([1, 10, 100, 1000], accuracy, 0.4) == 1
    assert reaches([1, 10, 100, 1000], accuracy, 0.6) == pytest.approx(10**0.5)
    assert reaches([1, 10, 100, 1000], accuracy, 0.7) == pytest.approx(10)
    assert reaches([1, 10, 100, 1000], accuracy, 0.8) == pytest.approx(10**2.5)
    assert reaches([1, 10, 100, 1000], accuracy, 0.95) == math.inf


def test_a_crossing_is_where_the_second_stays_above() -> None:
    x = [1.0, 10.0, 100.0]
    low, high = np.array([0.2, 0.4, 0.6]), np.array([0.1, 0.4, 0.7])
    assert crosses((x, low), (x, high)) == pytest.approx(10, rel=0.05)
    assert crosses((x, high), (x, low)) == math.inf
    assert crosses((x, low), (x, low + 0.1)) == 1
    assert crosses((x, low), ([200.0, 300.0], low[:2])) == math.inf, "they share no budget"
    assert crosses((x, low), ([10.0, 1000.0], np.array([0.5, 0.9]))) == pytest.approx(10)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 0.95), st.integers(0, 2**32))
def test_the_interval_covers_the_share_it_was_drawn_from(share: float, seed: int) -> None:
    """Seven standard errors wide, it misses in one of billions; and it is about as wide as it should be."""
    rng = np.random.default_rng(seed)
    right = rng.random(2000) < share
    e = bootstrap(2000, lambda at: float(right[at].mean()), 1)
    error = math.sqrt(share * (1 - share) / 2000)
    assert e.low <= e.value <= e.high
    assert abs(e.value - share) < 7 * error
    assert 2.5 * error < e.high - e.low < 6 * error


def test_what_is_not_reached_is_infinite_not_nan() -> None:
    found = bootstrap(10, lambda at: math.inf if 0 in at else 1.0, 1)
    assert (found.value, found.low, found.high) == (math.inf, 1.0, math.inf)
    same = bootstrap(10, lambda at: 2.0, 1)
    assert (same.value, same.low, same.high) == (2.0, 2.0, 2.0)


def test_seeds_are_resampled_before_positions() -> None:
    """Positions that agree within a seed say nothing of other seeds."""
    apart = bootstrap_seeds(np.repeat([[0.0], [1.0]], 1000, axis=1), 1)
    alike = bootstrap_seeds(np.tile([[0.0, 1.0]], (2, 500)), 1)
    assert (apart.value, apart.low, apart.high) == (0.5, 0.0, 1.0)
    assert alike.value == 0.5
    assert alike.high - alike.low < 0.08


def test_a_grid_is_resampled_by_seeds_and_positions() -> None:
    """As bootstrap_seeds where the statistic is a mean."""
    rng = np.random.default_rng(1)
    found = rng.random((4, 500)) < np.array([[0.2], [0.4], [0.6], [0.8]])
    grid = bootstrap_grid(found[:, None], lambda x: float(x.mean()), 1)
    means = bootstrap_seeds(found.astype(np.float64), 1)
    assert grid.value == pytest.approx(means.value)
    assert grid.low == pytest.approx(means.low, abs=0.03)
    assert grid.high == pytest.approx(means.high, abs=0.03)


def test_what_lies_outside_the_budgets_is_said_to() -> None:
    inf = math.inf
    assert Estimate(2.5, 1.5, 3.456).between(1, 100) == "2.5 (1.5 to 3.5)"
    assert Estimate(250.4, 1, inf).between(1, 1000) == "250 (at most 1 to above 1000)"
    assert Estimate(1, 1, 1).between(1, 1000) == "at most 1"
    assert Estimate(inf, inf, inf).between(1, 1000) == "above 1000"
