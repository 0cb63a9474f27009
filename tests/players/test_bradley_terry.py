"""One match has the Elo of its score and the error of a share; players that no match links are left out."""

import numpy as np
import pytest

from players.elo import elo
from players.ratings import SCALE, bradley_terry, linked


def test_one_match_is_a_share() -> None:
    found, covariance = bradley_terry(np.array([[0, 1]]), np.array([99.0]), np.array([69.5]))
    assert found == pytest.approx([elo(0.7)])
    # The delta method: the log-odds of a share p of n have the variance 1 / (n p (1 - p)).
    assert covariance[0, 0] == pytest.approx(SCALE**2 / (100 * 0.7 * 0.3))


def test_the_interval_holds_what_made_the_scores() -> None:
    """Coverage over 400 leagues of four players: 95 % of intervals hold the truth."""
    rng, who = np.random.default_rng(5), np.array([[0, 1], [1, 2], [2, 3], [0, 2], [1, 3]])
    true = np.array([250.0, 120.0, 60.0, 0.0])
    chance = 1 / (1 + np.exp((true[who[:, 1]] - true[who[:, 0]]) / SCALE))
    held = []
    for _ in range(400):
        found, covariance = bradley_terry(who, np.full(5, 60.0), rng.binomial(60, chance).astype(float))
        held.append(np.abs(found - true[:3]) < 1.96 * np.sqrt(np.diag(covariance)))
    assert 0.93 < np.mean(held) < 0.98


def test_only_those_linked_are_rated() -> None:
    assert linked("a", [("a", "b"), ("c", "b"), ("d", "e")]) == {"a", "b", "c"}
