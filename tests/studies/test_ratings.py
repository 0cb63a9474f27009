"""Ratings that made the scores are found again; one match alone gives the Elo of its score."""

import numpy as np
import pytest

from players.elo import elo
from players.ratings import SCALE
from studies.ratings import ratings


def test_two_players_have_the_elo_of_their_score() -> None:
    found = ratings({("a", "b"): [[1.0] * 700 + [0.0] * 299]}, "b", 1)
    assert found["a"].value == pytest.approx(elo(700.5 / 1000), abs=0.01)
    assert found["a"].low < elo(0.7) < found["a"].high


def test_ratings_that_made_the_scores_are_found_again() -> None:
    true = {"a": 300.0, "b": 120.0, "c": -80.0, "d": 0.0}
    matches = {}
    for a in true:
        for b in true:
            if a < b:
                won = round(100_000 / (1 + np.exp((true[b] - true[a]) / SCALE)))
                matches[a, b] = [[1.0] * won + [0.0] * (100_000 - won)]
    found = ratings(matches, "d", 1)
    assert {name: e.value for name, e in found.items()} == pytest.approx({"a": 300, "b": 120, "c": -80}, abs=1)
    assert all(e.low < e.value < e.high and e.high - e.low < 10 for e in found.values())


def test_who_always_wins_has_a_rating() -> None:
    found = ratings({("a", "b"): [[1.0] * 50], ("b", "c"): [[0.5] * 50]}, "c", 1)
    assert 300 < found["a"].value < 1500
    assert found["b"].value == pytest.approx(0, abs=1)


def test_seeds_that_differ_widen_the_interval() -> None:
    alike = ratings({("a", "b"): [[1.0, 0.0] * 100, [1.0, 0.0] * 100]}, "b", 1)["a"]
    apart = ratings({("a", "b"): [[1.0] * 200, [0.0] * 200]}, "b", 1)["a"]
    assert apart.value == pytest.approx(alike.value) == pytest.approx(0, abs=1)
    assert apart.high - apart.low > 5 * (alike.high - alike.low)
