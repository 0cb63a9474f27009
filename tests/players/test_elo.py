import math

import numpy as np
import pytest

from players.elo import elo, score_interval, student_quantile


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423), (99, 1.9842), (10**6, 1.9600)],
)
def test_student_quantile_against_the_printed_table(degrees: int, quantile: float) -> None:
    assert student_quantile(degrees) == pytest.approx(quantile, abs=6e-5)


@pytest.mark.parametrize(("score", "difference"), [(0.5, 0), (0.64, 100), (0.76, 200), (0.36, -100), (10 / 11, 400)])
def test_elo_against_the_known_table(score: float, difference: float) -> None:
    assert elo(score) == pytest.approx(difference, abs=0.5)


def test_elo_is_infinite_only_at_the_ends() -> None:
    assert (elo(0.0), elo(1.0)) == (-math.inf, math.inf)


def test_interval_is_wilsons_where_pairs_are_wins_and_losses() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    low, high = score_interval([1.0] * 81 + [0.0] * 182)
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=1e-3)


def test_interval_agrees_with_a_bootstrap_over_pairs() -> None:
    rng = np.random.default_rng(1)
    pairs = rng.choice([0, 0.25, 0.5, 0.75, 1], 300, p=[0.05, 0.15, 0.35, 0.3, 0.15])
    means = rng.choice(pairs, (20_000, 300)).mean(axis=1)
    assert score_interval(list(pairs)) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.003)


@pytest.mark.parametrize(
    "chances", [(0.1, 0.1, 0.4, 0.3, 0.1), (0, 0, 0.1, 0.3, 0.6), (0, 0, 0.8, 0.2, 0), (0.5, 0, 0, 0, 0.5)]
)
@pytest.mark.parametrize("count", [10, 40])
def test_interval_holds_the_truth_19_times_in_20(chances: tuple[float, ...], count: int) -> None:
    scores = np.array([0, 0.25, 0.5, 0.75, 1])
    truth = float(scores @ chances)
    matches = np.random.default_rng(2).choice(scores, (1500, count), p=chances)
    intervals = [score_interval(list(pairs)) for pairs in matches]
    assert np.mean([low <= truth <= high for low, high in intervals]) >= 0.935
    assert all(0 <= low < high <= 1 for low, high in intervals)


def test_perfect_scores_bound_one_side() -> None:
    low, high = score_interval([1.0] * 50)
    assert high == 1
    assert low == pytest.approx(50 / (50 + student_quantile(49) ** 2))
    assert score_interval([0.0] * 50) == pytest.approx((0, 1 - low))


def test_draws_alone_leave_doubt_that_shrinks() -> None:
    widths = [high - low for low, high in (score_interval([0.5] * n) for n in (1, 5, 50, 500))]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.9
    assert 0 < widths[-1] < 0.005
