"""The headline on tic-tac-toe, with one seed and seconds of training: whole, resumed, and right about who is who."""

from pathlib import Path

import pytest

from games.loader import load
from selfplay.labels import known_labels
from studies import four_cells, training
from studies.lab import Lab, read_net

GAME = load("tictactoe")


@pytest.mark.slow
def test_the_cells_are_what_their_runs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(four_cells, "PLANS", ((2, (1.0,)),))
    monkeypatch.setattr(training, "MINUTES", (0.1,))
    monkeypatch.setattr(four_cells, "GAMES", 16)
    labels = [label for label in known_labels(GAME) if label.decisive][:200]
    lab = Lab(GAME, labels, [], tmp_path, 1)
    monkeypatch.setattr(lab, "left", lambda: 1000.0)
    try:
        found = four_cells.run(lab)
        runs = sorted((tmp_path / "runs").iterdir())
        assert [path.name for path in runs] == [
            f"tictactoe-0.1-{learner}-mlp-256-64-0.002-0-{seed}" for learner in ("ppo", "search") for seed in (1, 2)
        ]
        cards = {path: read_net(path / "model.safetensors", GAME) for path in runs}
        again = four_cells.run(lab)
    finally:
        lab.close()
    assert {path: read_net(path / "model.safetensors", GAME) for path in runs} == cards, "nothing was trained again"
    accuracy = found.timed["accuracy"]
    assert accuracy == again.timed["accuracy"]
    assert (
        accuracy["search, hybrid"][0] >= accuracy["ppo, net"][0]
    )  # seconds are enough for a perfect bare net, at times
    assert found.timed["elo"]["ppo, net"] == [0, 0, 0]
    assert found.timed["elo"]["search, hybrid"][0] > 0 or accuracy["ppo, net"][0] == 1
    assert not found.enough
