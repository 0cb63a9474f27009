"""Four teachers of one net: who taught what, against brute force on tic-tac-toe, and the whole experiment in small."""

from pathlib import Path

import numpy as np
import pytest

from engine.exact import Exact
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from games.rules import rules
from nets.models import shipped_path
from players.evaluators import load_evaluator
from selfplay.labels import known_labels, solved_labels
from selfplay.records import FULL, UNPROVEN, GameBatch, GameRecord
from studies import search_helps_net
from studies.lab import Lab, read_net
from studies.search_helps_net import ARMS, SEEDS, first_ply, rows_of, verdicts
from tests.selfplay.helpers import played

GAME = load("tictactoe")
MODEL = shipped_path(GAME)


def batch(policies: list[list[float]], values: list[list[float]]) -> GameBatch:
    """Games of no actions and one row each."""
    return GameBatch.from_records(
        [
            GameRecord(
                number=number,
                seed=0,
                outcome=0,
                ended="label",
                ply=np.zeros(1, np.int32),
                kind=np.array([FULL], np.uint8),
                root_wdl=np.full((1, 3), 1 / 3, np.float16),
                proven=np.array([UNPROVEN], np.int8),
                simulations=np.zeros(1, np.int32),
                child_count=np.array([len(policy)], np.int32),
                child_action=np.arange(len(policy), dtype=np.int32),
                policy=np.array(policy, np.float16),
                visits=np.zeros(len(policy), np.int32),
                child_q=np.array(value, np.float16),
            )
            for number, (policy, value) in enumerate(zip(policies, values, strict=True))
        ]
    )


def test_a_verdict_is_the_difference_of_the_two_moves_values() -> None:
    values = [[-1.0, 0.0, 1.0], [1.0, -1.0], [0.0, 0.0], [1.0, 0.0, -1.0]]
    search = batch([[0.1, 0.1, 0.8], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1, 0.0]], values)
    own = batch([[0.6, 0.2, 0.2], [0.6, 0.4], [0.9, 0.1], [0.5, 0.3, 0.2]], values)
    np.testing.assert_equal(
        verdicts(search, own, batch([[1.0, 0, 0], [1, 0], [1, 0], [1, 0, 0]], values)), [2, -2, 0, np.nan]
    )


def test_rows_are_late_new_decisive_and_say_what_each_teacher_says() -> None:
    truth = {label.position.state.tobytes(): label for label in solved_labels(GAME)}
    exact = Exact(GAME, memory=1 << 20)
    own = Search(GAME, Settings(mode="net", solve=False), load_evaluator(GAME, MODEL))
    seen: set[bytes] = set()
    records = list(played(GAME, 1500, games_per_actor=8, full_share=1.0).records())
    found = [(record, arms) for record in records for arms in rows_of(GAME, record, exact, own, seen)]
    assert len(found) > 50
    names = set()
    for record, arms in found:
        search, itself, moves, solver = arms
        ply = len(search.actions)
        assert ply == int(search.ply[0]) >= first_ply(GAME) == 3
        assert search.actions.tolist() == record.actions[:ply].tolist()
        position = Position(GAME)
        for action in search.actions.tolist():
            position.play(action)
        names.add(rules(GAME).images(position.state)[0].tobytes())
        label = truth[position.state.tobytes()]
        assert label.decisive
        actions = search.child_action.tolist()
        assert {a: int(v) for a, v in zip(actions, solver.child_q, strict=True)} == label.values
        assert [a for a, p in zip(actions, solver.policy, strict=True) if p > 0] == [
            a for a in actions if label.values[a] == label.best
        ]
        assert solver.root_wdl[0].tolist() == np.eye(3)[1 - label.best].tolist()
        assert actions[int(moves.policy.argmax())] == record.actions[ply]
        assert moves.root_wdl[0].tolist() == np.eye(3)[1 - record.outcome * (-1) ** ply].tolist()
        row = record.ply.tolist().index(ply)
        assert search.root_wdl[0].tolist() == record.root_wdl[row].tolist()
        net = own.run(position, simulations=1)
        priors = dict(zip(net.actions.tolist(), net.prior.tolist(), strict=True))
        np.testing.assert_allclose(itself.policy, [priors[a] for a in actions], atol=1e-3)
        for arm in arms:
            assert arm.policy.astype(float).sum() == pytest.approx(1, abs=5e-3)
            assert arm.root_wdl.astype(float).sum() == pytest.approx(1, abs=5e-3)
    assert len(names) == len(found), "no position twice, nor as an image of another"
    assert names <= seen
    assert not [row for record in records for row in rows_of(GAME, record, exact, own, seen)]


@pytest.mark.slow
def test_the_whole_in_small_repeats_and_teaches_nothing_that_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_helps_net, "SIZES", {0: (200, 60, 2)})
    labels = [label for label in known_labels(GAME) if label.decisive][::25]
    found = []
    for home in ("a", "a", "b"):
        lab = Lab(GAME, labels, [read_net(MODEL, GAME)], tmp_path / home, 1)
        try:
            found.append(search_helps_net.run(lab))
            games = search_helps_net._games(lab, lab.best, 100)
        finally:
            lab.close()
        files = {path for folder in ("nets", "labelled") for path in (tmp_path / home / folder).iterdir()}
        assert len(files) == len(ARMS) * SEEDS + SEEDS * search_helps_net.PARTS, "nothing is made twice"
    assert found[0] == found[1] == found[2]
    measured = {image.tobytes() for label in labels for image in rules(GAME).images(label.position.state)}
    for arms in games:
        lines = [[record.actions.tolist() for record in batch.records()] for batch in arms.values()]
        assert lines[0] == lines[1] == lines[2] == lines[3]
        for line in lines[0]:
            position = Position(GAME)
            for action in line:
                position.play(action)
            assert position.state.tobytes() not in measured
    counted = found[0].counted
    other = counted["other move"]
    assert sum(other[name][0] for name in ("better", "equal", "worse")) == pytest.approx(1)
    assert counted["above itself"]["itself, net"] == [0, 0, 0]
    assert counted["n"]["late"] <= counted["n"]["all"] == len(labels)


def test_without_time_nothing_is_claimed(tmp_path: Path) -> None:
    lab = Lab(GAME, known_labels(GAME)[:10], [read_net(MODEL, GAME)], tmp_path, 1)
    lab.deadline = 0.0
    try:
        assert not search_helps_net.run(lab).enough
    finally:
        lab.close()
