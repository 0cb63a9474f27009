"""Intervals against published ones, and against what they promise."""

import random

import pytest

from selfplay.intervals import paired_difference, wilson


# Newcombe 1998, table I, method 3: the Wilson score interval.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def pairs(both: int, only_first: int, only_second: int, neither: int) -> tuple[list[bool], list[bool]]:
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    return first, [True] * both + [False] * only_first + [True] * only_second + [False] * neither


# Cavo et al. 2012, by Fagerland, Lydersen and Laake 2017, chapter 8 (first share less second, and so turned round).
def test_paired_difference() -> None:
    first, second = pairs(59, 6, 16, 80)
    difference, interval = paired_difference(first, second)
    assert (difference, *interval) == pytest.approx((0.0621, 0.0046, 0.1186), abs=5e-5)
    turned, (low, high) = paired_difference(second, first)
    assert (-turned, -high, -low) == pytest.approx((difference, *interval))


@pytest.mark.parametrize("counts", [(50, 0, 0, 0), (0, 0, 0, 50), (0, 50, 0, 0), (0, 0, 50, 0), (1, 0, 0, 0)])
def test_paired_difference_holds_at_its_ends(counts: tuple[int, int, int, int]) -> None:
    difference, (low, high) = paired_difference(*pairs(*counts))
    assert -1 <= low <= difference <= high <= 1
    assert low < high


def test_the_paired_interval_covers_the_truth_and_is_narrower_than_an_unpaired_one() -> None:
    choose, covered, narrower, rounds = random.Random(5), 0, 0, 600
    for _ in range(rounds):
        first = [choose.random() < 0.8 for _ in range(300)]
        # The second player differs in one position of six: 0.8 of these were right before, 0.95 are now.
        second = [choose.random() < 0.95 if choose.random() < 1 / 6 else was for was in first]
        _, (low, high) = paired_difference(first, second)
        covered += low <= 0.15 / 6 <= high
        apart = [wilson(sum(kept), 300) for kept in (first, second)]
        narrower += high - low < (sum((b - a) ** 2 for a, b in apart)) ** 0.5
    assert 0.92 < covered / rounds < 0.985
    assert narrower > 0.99 * rounds
