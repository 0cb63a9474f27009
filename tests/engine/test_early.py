"""Early positions solved ahead: the solver's answers with them are those without them and those of brute force."""

import json
import random

import numpy as np
import pytest

from engine import early
from engine.alphabeta import PINNED
from engine.exact import Exact
from engine.position import Position
from games.errors import TandemError
from games.loader import load
from selfplay.early import frontier, main, solve_ahead
from tests.engine.helpers import oracle

SPEC = "connect4:rows=4,columns=4"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of the positions two plies from the start, where `Exact` looks for it."""
    game = load(SPEC)
    monkeypatch.setattr(early, "FOLDER", tmp_path)
    early.early_positions.cache_clear()
    solve_ahead(game, 2, early.early_path(game), 1)
    yield early.early_path(game)
    early.early_positions.cache_clear()


def test_scores_are_brute_force_s(table):
    game = load(SPEC)
    words, scores, moves = early.early_positions(game)
    assert len(scores) == 16  # four columns and four again: with their images, every position of two plies
    assert table.name == "connect4-columns=4-rows=4.npz"
    for state, score, move in zip(words.view(game.state).reshape(-1), scores, moves, strict=True):
        position = Position(game, states=[np.array([state])])
        value, plies = oracle(position)
        assert score == (0 if value == 0 else value * (game.max_plies + 1 - plies))
        position.play(int(move))
        after, left = oracle(position)
        assert after == -value
        assert value == 0 or left == plies - 1


def test_the_solver_knows_them_and_nothing_displaces_them(table):
    game, choose = load(SPEC), random.Random(1)
    exact, plain = Exact(game, memory=4096), Exact(game, early=False)
    pinned = np.count_nonzero(exact.table["used"] == PINNED)
    assert 0 < pinned <= 16
    assert not np.any(plain.table["used"])
    for actions in ([], [2], [0, 0], [2, 2, 2], [1, 3, 0, 2]):
        position = Position(game)
        for action in actions:
            position.play(action)
        assert exact.moves(position).keys() == plain.moves(position).keys()
        for mine, theirs in zip(exact.moves(position).values(), plain.moves(position).values(), strict=True):
            assert (mine.value, mine.plies) == (theirs.value, theirs.plies)
        assert exact.solve(position).value == oracle(position)[0]
    for _ in range(20):
        position = Position(game)
        while position.ply < 5:
            position.play(choose.choice(position.legal()))
        exact.solve(position)
    assert np.count_nonzero(exact.table["used"] == PINNED) == pinned
    unaided = Exact(game, early=False).solve(Position(game))
    assert 3 * Exact(game).solve(Position(game)).nodes < unaided.nodes


def test_alike_positions_are_solved_once():
    game = load(SPEC)
    assert [len(frontier(game, plies)) for plies in range(3)] == [1, 2, 8]


def test_it_goes_on_where_it_was_stopped(tmp_path, capsys):
    path = tmp_path / "table.npz"
    words = ["connect4:rows=4,columns=4", "--plies", "2", "--workers", "1", "--out", str(path)]
    assert main(words) == 0
    whole = np.load(path)
    game = load(words[0])
    header = json.dumps({"rules_id": game.rules_id, "plies": 2})
    part = [f"{s.tobytes().hex()} 7 1" for s in frontier(game, 2)[:4]]  # wrong on purpose: taken as they stand
    path.with_suffix(".part").write_text("\n".join([header, *part])[:-3])  # the last one was being written
    assert main(words) == 0
    resumed = np.load(path)
    assert resumed["scores"].tolist() == [7, 7, 7, *whole["scores"][3:].tolist()]
    assert not path.with_suffix(".part").exists()


def test_part_of_another_table_is_refused(tmp_path):
    path = tmp_path / "table.npz"
    part = path.with_suffix(".part")
    words = ["connect4:rows=4,columns=4", "--plies", "2", "--workers", "1", "--out", str(path)]
    for text, wrong in (
        (json.dumps({"rules_id": load(words[0]).rules_id, "plies": 3}), "other rules or another number of plies"),
        (json.dumps({"rules_id": load("connect4").rules_id, "plies": 2}), "other rules or another number of plies"),
        ("a b", "is damaged"),
    ):
        part.write_text(text + "\n")
        with pytest.raises(TandemError, match=wrong):
            main(words)
        assert part.read_text() == text + "\n"
    with pytest.raises(TandemError, match="is over after 3 plies"):
        main(["connect4:rows=2,columns=2,connect=2", "--plies", "3", "--out", str(tmp_path / "x.npz")])
    with pytest.raises(TandemError, match="is a folder"):
        main([*words[:-1], str(tmp_path)])


def test_a_damaged_table_is_refused(table):
    table.write_bytes(table.read_bytes()[:100])
    early.early_positions.cache_clear()
    with pytest.raises(TandemError, match="is damaged"):
        Exact(load(SPEC))


def test_a_table_of_other_rules_is_not_used(table):
    other = load("connect4:rows=4,columns=4,connect=3")
    table.rename(early.early_path(other))
    assert len(early.early_positions(other)[1]) == 0
