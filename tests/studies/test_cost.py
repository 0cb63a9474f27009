"""Break-even and accuracy at equal time, on curves made by hand."""

import math

import numpy as np
import pytest

from studies.cost import break_even
from studies.lab import Measured
from studies.net_helps_search import at_time

N = 1000


def line(*points: tuple[float, float]) -> list[Measured]:
    """A player for each (milliseconds, accuracy)."""
    rows = []
    for milliseconds, accuracy in points:
        kept, zeros = np.arange(N) < accuracy * N, np.zeros(N)
        rows.append(Measured("x", None, zeros.astype(np.int64), kept, zeros, zeros + milliseconds / 1e3, zeros))
    return rows


def test_training_pays_after_its_cost_over_what_a_move_saves() -> None:
    free, paid = line((1, 0.5), (101, 0.9)), line((0.5, 0.8), (1, 0.9))
    found = break_even(60.0, free, paid, 0.9, 1)
    assert found.value == pytest.approx(600)
    assert found.low <= 600 <= found.high


def test_training_never_pays_where_nothing_is_saved() -> None:
    assert break_even(60.0, line((0.1, 0.9)), line((0.5, 0.95)), 0.8, 1).value == math.inf
    assert break_even(60.0, line((50, 0.9)), line((0.5, 0.6)), 0.8, 1).value == math.inf, "the level is not reached"


def test_a_level_beyond_the_free_player_gives_an_upper_bound() -> None:
    assert break_even(60.0, line((1, 0.3), (61, 0.5)), line((1, 0.99)), 0.9, 1).value == pytest.approx(1000)


def test_accuracy_at_a_time_is_linear_over_its_logarithm() -> None:
    kept = np.array([np.arange(N) < share * N for share in (0.2, 0.6, 0.4)])
    everything = np.arange(N)
    assert at_time([1, 100, 10_000], kept, 10, everything) == pytest.approx(0.4)
    assert at_time([1, 100, 10_000], kept, 5000, everything) == pytest.approx(0.6), "more time is taken never to hurt"
    assert at_time([100, 1, 10_000], kept[[1, 0, 2]], 10, everything) == pytest.approx(0.4), "in any order"
