"""A new objective and wrong data: labels, nets and games are what they are said to be, and a tiny run obeys theory."""

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from games.errors import TandemError
from games.loader import load
from games.rules import rules
from nets.checkpoint import load_model, save_model
from nets.config import NetConfig
from nets.families import build
from selfplay.labels import solved_labels
from selfplay.records import UNPROVEN, GameBatch
from studies import objective, training
from studies.finding import Finding
from studies.lab import Lab, Net, read_net
from studies.objective import SIZES, Size, back_at, decisive, mislabel, still_right, under, value_errors
from tests.selfplay.random_games import some_games

SMALL = "rows=3,columns=4,connect=3"
OLD, MISERE, DRAWN = (load(f"connect4:{SMALL}{change}") for change in ("", ",misere=1", ",drawn=1"))


@pytest.mark.parametrize("game", [OLD, MISERE, DRAWN], ids=["old", "misere", "drawn"])
def test_labels_are_the_truth(game: Any) -> None:
    truth = {label.position.state.tobytes(): label for label in solved_labels(game)}
    found = decisive(game, 200, 1)
    assert len({label.position.state.tobytes() for label in found}) == len(found) == 200
    for label in found:
        assert label.decisive
        assert label.values == truth[label.position.state.tobytes()].values, label.position.moves_text()
    again, others = decisive(game, 200, 1), decisive(game, 200, 2)
    lines = [[label.position.actions for label in some] for some in (found, again, others)]
    assert lines[0] == lines[1] != lines[2]


def test_a_board_may_have_fewer_positions_than_asked_for() -> None:
    game = load("connect4:rows=2,columns=2,connect=2")
    count = sum(label.decisive for label in solved_labels(game))
    assert len(decisive(game, count + 5, 1)) == count


def test_which_right_moves_stay_right() -> None:
    """Whoever plays right for wins above draws above losses plays right for wins above all that is no win."""
    assert still_right(OLD, decisive(OLD, 100, 1)) == 1
    assert still_right(OLD, decisive(DRAWN, 100, 1)) == 1
    assert still_right(OLD, decisive(MISERE, 100, 1)) < 0.5


@pytest.fixture
def net(tmp_path: Path) -> Net:
    path, config = tmp_path / "net.safetensors", NetConfig.parse("mlp:16-8")
    save_model(path, build(config, OLD, seed=1), config, OLD, {"minutes": 1, "core_minutes": 2, "steps": 3})
    return read_net(path, OLD)


def test_a_net_goes_under_other_rules_unchanged(net: Net, tmp_path: Path) -> None:
    other = under(net, OLD, MISERE, tmp_path / "new" / "nets")
    assert (other.net_id, other.core_seconds, other.steps) == (net.net_id, net.core_seconds, net.steps)
    before, after = load_model(net.path, OLD).model.state_dict(), load_model(other.path, MISERE).model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(TandemError, match="made for"):
        read_net(other.path, OLD)
    written = other.path.stat().st_mtime_ns
    assert under(net, OLD, MISERE, tmp_path / "new" / "nets") == other
    assert other.path.stat().st_mtime_ns == written, "it is kept"


def test_value_errors_are_the_nets_own(net: Net) -> None:
    labels = decisive(OLD, 30, 1)
    planes = np.zeros((30, *OLD.planes), np.float32)
    rules(OLD).encode(np.concatenate([label.position.state for label in labels]), planes)
    with torch.inference_mode():
        wdl = load_model(net.path, OLD).model(torch.from_numpy(planes))[1].softmax(1).numpy()
    expected = (wdl[:, 0] - wdl[:, 2] - [label.best for label in labels]) ** 2
    np.testing.assert_allclose(value_errors(OLD, net, labels), expected, atol=0.02)


def same(a: GameBatch, b: GameBatch, index: int, but: tuple[str, ...] = ()) -> bool:
    left, right = a.game(index), b.game(index)
    return all(
        np.array_equal(getattr(left, f.name), getattr(right, f.name), equal_nan=f.name in ("root_wdl", "child_q"))
        for f in fields(left)
        if f.name not in but
    )


def test_a_share_of_the_games_is_labelled_wrong() -> None:
    games = GameBatch.from_records(some_games(*range(400)))
    found = mislabel(games, 0.2, 7).check("mislabelled games")
    changed = [i for i in range(400) if not same(games, found, i)]
    assert 50 < len(changed) < 110, "a fifth, give or take"
    for i in changed:
        was, now = games.game(i), found.game(i)
        assert same(games, found, i, ("outcome", "proven", "root_wdl", "policy")), "moves and all else are as they were"
        assert now.outcome == -was.outcome
        assert (now.proven == UNPROVEN).all()
        assert np.isnan(now.root_wdl).all()
        ends = np.cumsum(was.child_count)[:-1]
        for target, wrong in zip(np.split(was.policy, ends), np.split(now.policy, ends), strict=True):
            if len(target) > 1:
                assert sorted(wrong.tolist()) == [0.0] * (len(target) - 1) + [1.0]
                assert wrong.argmax() != target.argmax()
            else:
                assert wrong.tolist() == target.tolist()


def test_which_games_are_wrong_hangs_on_their_numbers_alone() -> None:
    games = GameBatch.from_records(some_games(*range(60)))
    found, again = mislabel(games, 0.3, 7), mislabel(games, 0.3, 7)
    part = mislabel(games.select(np.arange(60) >= 30), 0.3, 7)
    assert all(same(found, again, i) for i in range(60))
    assert [r.outcome for r in part.records()] == [r.outcome for r in found.records()][30:]
    assert part.policy.tolist() == found.policy[-len(part.policy) :].tolist()
    assert all(same(mislabel(games, 0.0, 7), games, i) for i in range(60))
    assert mislabel(games, 1.0, 7).outcome.tolist() == (-games.outcome).tolist()
    assert any(not same(mislabel(games, 0.3, 8), found, i) for i in range(60))


def test_the_median_run_says_when_a_level_is_reached() -> None:
    n = 1000
    share = np.arange(n)[None] / n
    climb = share < np.array([[0.5], [0.6], [0.9]])  # accuracies 50, 60, 90 %
    quick, slow, flat = [1.0, 10.0, 100.0], [2.0, 20.0, 200.0], [1.0, 2.0, 3.0]
    never = share < np.array([[0.3], [0.3], [0.3]])
    found = back_at([quick, slow, flat], [climb, climb, never], [0.6, 0.6, 0.6], 1)
    assert found.value == pytest.approx(20)
    assert found.low < 20 < found.high
    assert back_at([quick, slow, flat], [climb, never, never], [0.6] * 3, 1).value == math.inf
    assert back_at([quick], [climb], [0.4], 1).value == 1


def lab_of(folder: Path, spec: str, left: float) -> Lab:
    lab = Lab(load(spec), [], [], folder, 1)
    lab.left = lambda: left  # type: ignore[method-assign]
    return lab


@pytest.mark.parametrize(
    ("spec", "left", "words"),
    [("tictactoe", 1e6, "No other objective of tictactoe"), ("connect4", SIZES[-1].seconds - 1, "no time")],
)
def test_nothing_is_claimed_without_a_game_or_time(spec: str, left: float, words: str, tmp_path: Path) -> None:
    lab = lab_of(tmp_path, spec, left)
    found = objective.run(lab)
    lab.close()
    assert words in found.answer
    assert not found.enough
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_tiny_run_obeys_theory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "BOARD", SMALL)
    monkeypatch.setattr(objective, "SIZES", (Size(0, 1, 0.1, 60, 20, 2),))
    monkeypatch.setitem(objective.SETTINGS, "plies_per_round", 1000)
    lab = lab_of(tmp_path, "connect4", 1e6)
    try:
        found = objective.run(lab)
        runs = {path: read_header_time(path) for path in (tmp_path / "runs").iterdir()}
        monkeypatch.setattr(training.subprocess, "run", None)
        again = objective.run(lab)
    finally:
        lab.close()
    assert len(runs) == 3
    assert {path: read_header_time(path) for path in runs} == runs
    assert again == found, "all is kept"
    hold(found)


def read_header_time(run: Path) -> int:
    return (run / "model.safetensors").stat().st_mtime_ns


def hold(found: Finding) -> None:
    """What must be so whatever the nets have learnt."""
    assert not found.enough
    for change in ("misere=1", "drawn=1"):
        assert found.counted[change]["n"] == 60
        assert found.counted[change]["exact"] == 1
        assert found.counted[change]["search"] > found.counted[change]["chance"]
        assert set(found.timed[change]["back"]) == {"net", "hybrid"}
    assert found.counted["drawn=1"]["still_right"] == 1
    assert found.counted["misere=1"]["still_right"] < 0.5
    lost = found.timed["wrong data"]["lost"]
    assert all(lost[player] == {"value": 0, "low": 0, "high": 0} for player in ("exact", "search"))
    assert len(found.charts) == 2
    assert len(found.tables) == 3
    assert all(len(row) == len(table.columns) for table in found.tables for row in table.rows)
