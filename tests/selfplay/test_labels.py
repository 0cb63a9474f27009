"""Labels against a minimax written twice, and files of them that are refused."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.exact import Exact
from engine.position import Position
from games.compiler import ROOT
from games.errors import TandemError
from games.loader import load
from selfplay import labels as module
from selfplay.labels import Label, known_labels, read_labels, sampled_labels, solved_labels
from selfplay.truth import main
from tests.engine.helpers import solve_columns, solve_tictactoe
from tests.selfplay.helpers import CHASE, STONES, board_of, minimax, over, write_game

GAME, CONNECT4 = load("tictactoe"), load("connect4")
DEV = ROOT / "tests" / "data" / "connect4_dev.jsonl"
FIRST = {"moves": [], "scores": dict.fromkeys(("a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"), 0)}
# Scores stand for their signs alone, so these need not be true.
EARLY = {"moves": ["a1", "b1"], "scores": {"c1": -2, "a2": 1, "b2": 3, "c2": 0, "a3": 2.5, "b3": -1, "c3": 1}}


def reachable(board: str = "." * 9, seen: set[str] | None = None) -> set[str]:
    """Every position that can be reached, finished ones included."""
    seen = set() if seen is None else seen
    if board not in seen:
        seen.add(board)
        for cell in minimax(board):
            reachable(board[:cell] + "xo"[board.count("x") > board.count("o")] + board[cell + 1 :], seen)
    return seen


def test_solved_labels_are_the_minimax_values_of_every_undecided_position() -> None:
    boards = reachable()
    going_on = [board for board in boards if not over(board)]
    assert (len(boards), len(going_on)) == (5478, 4520)  # the published counts
    decisive = {board for board in going_on if len(set(minimax(board).values())) > 1}
    labels = solved_labels(GAME)
    assert {board_of(label.position) for label in labels} == set(going_on)
    assert len(labels) == len(going_on)
    assert {board_of(label.position) for label in labels if label.decisive} == decisive
    assert len(decisive) == 3191
    for label in labels:
        assert label.values == minimax(board_of(label.position))
        assert label.best == max(label.values.values())
        assert (label.best, label.plies) == solve_tictactoe(board_of(label.position))


def test_a_solver_that_needs_the_past_or_too_long_is_refused(tmp_path: Path) -> None:
    assert solved_labels(load(write_game(tmp_path, "stones", STONES)))
    chase = write_game(tmp_path, "chase", CHASE)
    for game, words in (
        (chase, "chase repeats positions"),
        (f"{chase}:length=30,repetition=0", "chase ends after 30 plies at most"),
        (f"{chase}:length=5000,repetition=0", "chase may last more than 300 plies"),
        ("connect4", "connect4 has more than 100,000 positions"),
    ):
        with pytest.raises(TandemError, match=words):
            solved_labels(load(game, tried=False))


def test_the_solver_judges_where_it_reaches_most_positions() -> None:
    game = load("connect4:rows=4,columns=5")  # too large for brute force
    labels, exact = known_labels(game), Exact(game)
    assert len(labels) > 300
    for label in labels[::10]:
        found = exact.moves(label.position, outcome_only=True)
        assert label.values == {action: solution.value for action, solution in found.items()}
    assert sampled_labels(load("connect4:rows=7,columns=8")) is None


def write(folder: Path, *lines: str) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(lines) + "\n" * bool(lines))
    return path


def test_a_file_of_labels_is_read_by_the_sign_of_its_scores(tmp_path: Path) -> None:
    labels = read_labels(GAME, write(tmp_path, json.dumps(FIRST), json.dumps(EARLY)))
    assert [label.decisive for label in labels] == [False, True]
    assert labels[1].position.moves_text() == EARLY["moves"]
    assert labels[1].values == {2: -1, 3: 1, 4: 1, 5: 0, 6: 1, 7: -1, 8: 1}
    # One-letter moves may come as a string.
    path = write(tmp_path, json.dumps({"moves": "4431", "scores": {str(n): n - 4 for n in range(1, 8)}}))
    (label,) = read_labels(load("connect4"), path)
    assert label.position.actions == [3, 3, 2, 0]
    assert label.values[0] == label.values[1] == -1


WON = {"moves": ["a1", "b1", "a2", "b2", "a3"], "scores": {}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "Expecting"),
        ("", "Expecting value"),
        ("[]", "not a JSON object"),
        ('{"moves": []}', "scores"),
        (json.dumps({"moves": ["a1", "a1"], "scores": {}}), "illegal move a1"),
        (json.dumps({"moves": ["a1", "z9"], "scores": {}}), "'z9' is no cell"),
        (json.dumps({"moves": [1], "scores": {}}), "a list of moves"),
        (json.dumps({"moves": [], "scores": {"a1": 0}}), "each legal move once"),
        (json.dumps({"moves": ["a1"], "scores": FIRST["scores"]}), "each legal move once"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "d4": 0}}), "'d4' is no cell"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": "won"}}), "a number"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": "1"}}), "a number"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": True}}), "a number"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": float("nan")}}), "a number"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": None}}), "a number"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": 10**400}}), "too large"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "A1": 1}}), "each legal move once"),
        (json.dumps({"moves": [], "scores": [0] * 9}), "a number"),
        ('{"moves": [], "scores": {"a1": 0, "a1": 1}}', "a name stands twice"),
        (json.dumps({"moves": [], "scores": {}}), "each legal move once: a1 b1 c1"),
        (json.dumps({"moves": {"a1": 1}, "scores": {}}), "a list of moves"),
        (json.dumps({**FIRST, "ply": 3}), "ply 3 does not count the 0 moves"),
        ("[" * 5000, ""),
        (json.dumps(WON), "the game is over (rules)"),
    ],
)
def test_a_bad_line_is_named(line: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(FIRST), line, json.dumps(FIRST))
    with pytest.raises(TandemError, match=rf"labels.jsonl line 2: .*{re.escape(words)}"):
        read_labels(GAME, path)


def test_a_file_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TandemError, match="holds no positions"):
        read_labels(GAME, write(tmp_path))
    with pytest.raises(TandemError, match="cannot be read"):
        read_labels(GAME, tmp_path / "none")
    with pytest.raises(TandemError, match="cannot be read"):
        read_labels(GAME, tmp_path)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([json.dumps(FIRST), json.dumps({"moves": ["b2", "b2"], "scores": {}})], "line 2: illegal move b2"),
        ([json.dumps({"moves": ["b2"], "scores": FIRST["scores"]})], "line 1: scores must name each legal move once"),
        ([json.dumps(EARLY), json.dumps(FIRST), json.dumps(WON)], "line 3: the game is over"),
        ([], "holds no positions"),
    ],
)
def test_the_command_ends_with_one_line_and_code_2(lines: list[str], words: str, tmp_path: Path) -> None:
    words_given = ["tictactoe", "random", "--positions", str(write(tmp_path, *lines))]
    done = subprocess.run(
        [sys.executable, "-m", "selfplay.truth", *words_given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    with pytest.raises(TandemError, match=re.escape(words)):
        main(words_given)


def test_scores_tell_the_plies_to_the_end() -> None:
    labels = read_labels(CONNECT4, DEV)
    assert len(labels) == 960
    late = [label for label in labels if label.position.ply >= 30]
    assert len(late) > 100
    for label in late:
        text = CONNECT4.to_text(label.position.state)
        assert (label.best, label.plies) == solve_columns(text, 6, 4)


def columns(*scores: float) -> dict[str, Any]:
    return {"moves": "", "scores": {str(n): score for n, score in enumerate(scores, 1)}}


@pytest.mark.parametrize(
    ("scores", "plies"),
    [
        ((-2, -1, 0, 1, 0, -1, -2), 41),  # Connect Four itself: won with the last but one of 42 stones
        ((-2, -1, 0, 0, 0, -1, -2), 42),
        ((-2, -1, -1, -3, -2, -1, -2), 42),
        ((21, 0, 0, 0, 0, 0, 0), 1),
        ((1, 0, 0, 0, 0, 0, -1), None),  # mere signs
        ((2.5, 0, 0, 0, 0, 0, 0), None),
        ((22, 0, 0, 0, 0, 0, 0), None),
        ((3, 0, 0, 0, 0, 0, -22), None),
    ],
)
def test_scores_that_count_no_plies_hold_no_distances(scores: tuple[float, ...], plies: int, tmp_path: Path) -> None:
    (label,) = read_labels(CONNECT4, write(tmp_path, json.dumps(columns(*scores))))
    assert label.plies == plies


def test_one_score_that_counts_no_plies_makes_all_of_a_file_signs(tmp_path: Path) -> None:
    good = columns(-2, -1, 0, 1, 0, -1, -2)
    labels = read_labels(CONNECT4, write(tmp_path, json.dumps(good), json.dumps(columns(30, 0, 0, 0, 0, 0, 0))))
    assert [label.plies for label in labels] == [None, None]


def test_the_file_that_ships_is_for_the_game_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POSITIONS", tmp_path)
    monkeypatch.setattr(module, "MOST_STATES", 10_000)
    monkeypatch.setattr(module, "sampled_labels", lambda game: None)
    with pytest.raises(TandemError, match="more than 10,000 positions"):
        known_labels(CONNECT4)
    assert len(known_labels(GAME)) == 4520
    (tmp_path / "connect4_dev.jsonl").write_text(json.dumps(columns(-2, -1, 0, 1, 0, -1, -2)))
    assert len(known_labels(CONNECT4)) == 1
    with pytest.raises(TandemError, match="more than 10,000 positions"):
        known_labels(load("connect4:columns=6"))
    own = tmp_path / "connect4.py"
    own.write_text((ROOT / "games" / "connect4.py").read_text())
    with pytest.raises(TandemError, match="more than 10,000 positions"):
        known_labels(load(str(own)))


def test_a_label_without_a_wrong_move_is_not_decisive() -> None:
    position = Position(GAME)
    assert not Label(position, dict.fromkeys(position.legal(), 1)).decisive
