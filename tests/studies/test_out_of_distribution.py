"""Positions are paired with their like, known miscalibration is found, and a small run tells own play from the rest."""

from pathlib import Path

import numpy as np
import pytest

from engine.position import Position
from games.loader import load
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.families import build
from selfplay.label import canonical
from selfplay.labels import Label, known_labels, solved_labels
from studies import out_of_distribution
from studies.lab import Lab
from studies.out_of_distribution import (
    PLAYERS,
    SPARE,
    Size,
    calibration_error,
    distinct,
    expected_scores,
    losses,
    pairs,
    reliability,
)

GAME = load("tictactoe")


def label(line: list[int], kept: int, legal: int, value: int = 1) -> Label:
    position = Position(GAME)
    for action in line:
        position.play(action)
    return Label(position, {a: value if a < kept else -1 for a in range(legal)})


def test_pairs_are_alike_and_no_position_is_used_twice() -> None:
    inside = [label([0], 2, 5), label([1], 2, 5), label([2], 3, 5), label([0, 1], 2, 5)]
    outside = [label([3], 2, 5), label([3], 1, 5), label([4], 2, 5), label([5], 2, 5), label([6], 2, 5, value=0)]
    assert pairs(inside, outside) == [(inside[0], outside[0]), (inside[1], outside[2])]
    assert pairs([], outside) == []


def test_distinct_positions_are_what_is_wanted_and_differ_beyond_symmetry() -> None:
    corners = [[0, 4, 8], [2, 4, 6], [8, 4, 0], [4, 0, 8]]
    assert distinct(GAME, corners, {1: 1}) == {0: [], 1: [[0], [4]], 2: []}
    rng = np.random.default_rng(1)
    games = []
    for _ in range(200):
        position = Position(GAME)
        while not position.ended:
            position.play(int(rng.choice(position.legal())))
        games.append(list(position.actions))
    found = distinct(GAME, games, {2: 1, 3: 100})
    assert len(found[2]) == SPARE
    assert not found[1]
    identities = [canonical(label(line, 1, 1).position) for line in found[3]]
    assert len(set(identities)) == len(identities) == len({canonical(label(line[:3], 1, 1).position) for line in games})


def test_calibration_error_is_the_one_that_was_made() -> None:
    rng = np.random.default_rng(1)
    predicted = rng.uniform(size=(3, 100_000))
    right = (rng.uniform(size=predicted.shape) < predicted).astype(np.float64)
    assert calibration_error(predicted, right) < 0.005
    too_high = np.full((1, 1000), 0.85)
    assert calibration_error(too_high, np.repeat([[1.0, 0.0]], 500, axis=1)) == pytest.approx(0.35)
    x, y, share = reliability(np.array([0.05, 0.15, 0.15, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert x == pytest.approx([0.05, 0.15, 1.0])
    assert y == pytest.approx([0.0, 0.5, 1.0])
    assert share == pytest.approx([0.25, 0.5, 0.25])


def test_losses_are_home_less_away_and_their_differences_are_paired() -> None:
    rng = np.random.default_rng(1)
    home, away = (rng.uniform(size=(3, 300)) < share for share in (0.9, 0.6))
    cell = np.stack([home, away], 1).astype(np.float64)
    none = np.ones_like(cell)
    found = {(kind, p): cell if p == "net" else none for kind in ("right", "mass") for p in PLAYERS}
    lost = losses({**found, ("truth", ""): none}, 1)
    assert lost["right", "net"].value == pytest.approx(cell[:, 0].mean() - cell[:, 1].mean())
    assert lost["right", "net"].low < 0.3 < lost["right", "net"].high
    assert (lost["mass", "search"].low, lost["mass", "search"].high) == (0, 0)
    assert lost["right", "net", "hybrid"] == lost["right", "net"]
    assert lost["mass", "hybrid", "search"].value == 0


def test_expected_scores_are_those_of_the_net_for_each_position(tmp_path: Path) -> None:
    config = NetConfig.parse("mlp:16")
    path = tmp_path / "net.safetensors"
    save_model(path, build(config, GAME, seed=1), config, GAME, {})
    positions = [known.position for known in solved_labels(GAME)[:40]]
    together = expected_scores(GAME, path, positions)
    alone = [expected_scores(GAME, path, [position])[0] for position in positions]
    assert together == pytest.approx(alone, abs=1e-5)
    assert ((together > 0) & (together < 1)).all()
    assert len(expected_scores(GAME, path, [])) == 0


@pytest.mark.slow
def test_a_small_run_pairs_its_own_play_with_what_it_never_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out_of_distribution, "SIZES", {1.0: Size(1, 0.1, 64, 10_000)})
    game = load("connect4")
    labels = [known for known in known_labels(game) if known.decisive and known.position.ply >= 16][:200]
    lab = Lab(game, labels, [], tmp_path, 1)
    try:
        found = out_of_distribution.run(lab)
        again = out_of_distribution.run(lab)
    finally:
        lab.close()
    (net,) = (tmp_path / "runs").iterdir()
    assert again == found, "nothing was trained or asked again"
    assert net.name == "connect4-0.1-mlp-256-64-0-0-0-1"
    assert not found.enough, "one net"
    n, means = found.timed["n"], found.timed["means"]
    assert 0 < n <= len(lab.labels)
    assert means["truth"][0] == means["truth"][1], "pairs have the same values"
    assert means["met"][1] == 0
    assert means["right search"][0] > 0.9
    assert means["right search"][1] > 0.9
