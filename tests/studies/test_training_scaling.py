"""The exchange rate is the one that made the numbers, and the nets are those of their runs."""

from pathlib import Path

import numpy as np
import pytest

from games.loader import load
from selfplay.labels import known_labels
from studies import training, training_scaling
from studies.lab import Lab, Net
from studies.training_scaling import BUDGETS, at_points, exchange, frontier


@pytest.mark.parametrize("rate", [0.5, 5.0, 15.0])
def test_the_exchange_rate_is_found(rate: float) -> None:
    cost = np.array([10.0, 100.0, 1000.0])
    by_search = 0.4
    by_training = by_search * np.log10(rate)
    work = np.array(BUDGETS, np.float64) * np.array([[1.0], [0.8], [0.5]])  # searches of better nets stop sooner
    odds = 1 + by_training * np.log10(cost)[:, None] + by_search * np.log10(work)
    share = 1 / (1 + np.exp(-odds))
    kept = np.arange(100_000)[None, None] < 100_000 * share[..., None]
    assert exchange(kept, cost, work) == pytest.approx(rate, rel=0.02)


def test_the_frontier_is_what_nothing_cheaper_matches() -> None:
    cost = np.array([[1.0, 2.0, 4.0], [1.5, 3.0, 6.0]])
    accuracy = np.array([[0.5, 0.6, 0.65], [0.45, 0.7, 0.9]])
    picked, costs = frontier(accuracy, cost)
    assert picked == [(0, 0), (0, 1), (1, 1), (1, 2)]
    assert costs.tolist() == [1, 2, 3, 6]


def test_checkpoints_are_taken_near_their_shares_of_the_time() -> None:
    def net(seconds: float) -> Net:
        return Net(Path(f"{seconds}"), "id", seconds, seconds, 1, 1, 1, 1)

    steps = [net(s) for s in (2, 4, 9, 16, 20, 31, 60)]
    assert [s.seconds for s in at_points(steps)] == [9, 16, 31, 60]
    assert len(at_points([net(1), net(60)])) == 2, "none twice"


@pytest.mark.slow
def test_runs_of_its_own_are_cooled_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    game = load("tictactoe")
    monkeypatch.setattr(training_scaling, "PLANS", ((2, ("mlp:16-8", "mlp:64-32"), 0),))
    monkeypatch.setattr(training_scaling, "POINTS", (0.5, 1.0))
    monkeypatch.setattr(training_scaling, "COOLING", 50)
    monkeypatch.setattr(training, "MINUTES", (0.1,))
    labels = [label for label in known_labels(game) if label.decisive][:200]
    lab = Lab(game, labels, [], tmp_path, 1)
    monkeypatch.setattr(lab, "left", lambda: 1000.0)
    try:
        found = training_scaling.run(lab)
        assert training_scaling.run(lab) == found, "nothing was trained again"
    finally:
        lab.close()
    assert found.timed["seeds"] == 2
    assert set(found.timed["core_seconds"]) == {"mlp:16-8", "mlp:64-32"}
    assert len(list((tmp_path / "nets").iterdir())) == 8
    for early, late in found.timed["core_seconds"].values():
        assert 0 < early < late
    rest = found.timed["accuracy"]
    assert rest["mlp:64-32 | hybrid:simulations=512"][-1] > rest["mlp:16-8 | net"][0]
    assert not found.enough
