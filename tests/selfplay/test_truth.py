"""Labels against a minimax written twice, and what is counted with them."""

import json
import re
from pathlib import Path

import pytest
import torch

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay import strength
from selfplay.labels import Label, read_labels, solved_labels
from selfplay.truth import judge, main, table, wilson
from tests.selfplay.helpers import CHASE, STONES, board_of, minimax, over, write_game

torch.set_num_threads(1)
GAME = load("tictactoe")
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
            solved_labels(load(game))


def test_strength_asks_once_for_a_truth_that_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    game, asked = load("connect4:rows=4,columns=4,connect=3"), []

    def refuse(asked_game: object) -> None:
        asked.append(asked_game)
        raise TandemError("too large")

    monkeypatch.setattr(strength, "solved_labels", refuse)
    monkeypatch.setattr(strength, "PAIRS", 1)
    monkeypatch.setattr(strength, "OPPONENT_SIMULATIONS", 20)
    evaluator = TorchEvaluator(build(NetConfig.parse("mlp:16"), game))
    found = [strength.measure(game, evaluator, seed=1) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0] is not None
    assert (found[0].games, found[0].net, 2 * found[0].score % 1) == (2, None, 0)
    assert len(asked) == 1
    assert strength.measure(game, evaluator, 1, lambda: True) is None


def test_strength_of_tictactoe_is_counted_on_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "PAIRS", 1)
    monkeypatch.setattr(strength, "OPPONENT_SIMULATIONS", 50)
    monkeypatch.setattr(strength, "SAMPLE", 60)
    found = strength.measure(GAME, TorchEvaluator(build(NetConfig.parse("mlp:16"), GAME)), seed=1)
    assert found is not None
    assert found.net is not None
    assert found.hybrid is not None
    assert 60 <= found.positions < 120
    assert 0.2 < found.net < found.hybrid <= 1
    assert str(found).startswith("right moves: net ")


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
        ("[]", "list indices"),
        ('{"moves": []}', "scores"),
        (json.dumps({"moves": ["a1", "a1"], "scores": {}}), "illegal move a1"),
        (json.dumps({"moves": ["a1", "z9"], "scores": {}}), "'z9' is no cell"),
        (json.dumps({"moves": [1], "scores": {}}), ""),
        (json.dumps({"moves": [], "scores": {"a1": 0}}), "each legal move once"),
        (json.dumps({"moves": ["a1"], "scores": FIRST["scores"]}), "each legal move once"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "d4": 0}}), "'d4' is no cell"),
        (json.dumps({"moves": [], "scores": {**FIRST["scores"], "a1": "won"}}), "could not convert"),
        (json.dumps({"moves": [], "scores": [0] * 9}), "items"),
        (json.dumps(WON), "the game must go on"),
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


# Newcombe 1998, table I, method 3: the Wilson score interval.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_accuracy_is_the_share_of_moves_that_keep_the_value() -> None:
    labels = [label for label in solved_labels(GAME) if label.decisive][::40]
    exact = judge(GAME, "search:simulations=20000", labels)
    assert exact.share == 1
    assert exact.interval() == wilson(len(labels), len(labels))
    poor = judge(GAME, "random", labels, seed=3)
    assert poor.kept == judge(GAME, "random", labels, seed=3).kept
    chance = sum(list(v.values()).count(max(v.values())) / len(v) for v in (label.values for label in labels))
    assert abs(sum(poor.kept) - chance) < 4 * (len(labels) * 0.25) ** 0.5
    lines = table([exact, poor], labels).splitlines()
    assert len(lines) == 3
    assert lines[1].split()[1] == "100.00%"


def test_the_command_prints_a_row_for_each_player_over_decisive_positions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, *[json.dumps(FIRST)] * 3, json.dumps(EARLY))
    main(["tictactoe", "random", "search:simulations=200", "--positions", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tictactoe: 4 positions, 1 of them decisive"
    rows = {line.split()[0]: line.split()[1] for line in lines[2:]}
    assert rows.keys() == {"random", "search:simulations=200"}
    assert set(rows.values()) <= {"0.00%", "100.00%"}
    with pytest.raises(TandemError, match="none of the 1 positions is decisive"):
        main(["tictactoe", "random", "--positions", str(write(tmp_path, json.dumps(FIRST)))])


def test_the_command_solves_tictactoe_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tictactoe", "random", "search:simulations=200"])
    head, titles, random, search = capsys.readouterr().out.splitlines()
    assert head == "tictactoe: 4520 positions, 3191 of them decisive"
    assert titles.startswith("player")
    assert random.startswith("random")
    kept = float(re.split(r"\s+", search)[1].rstrip("%"))
    assert 95 < kept <= 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tictactoe", "serch"], "did you mean search"),
        (["tictactoe", "random", "--run", "a", "--model", "b"], "--run or --model, not both"),
        (["tictactoe", "net", "--run", "/nowhere"], "no run folder at /nowhere"),
        (["connect4", "random"], "more than 100,000 positions"),
        (["tictactoe"], "required: SPEC"),
    ],
)
def test_bad_commands_are_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(TandemError, match=words):
        main(arguments)


def test_a_label_without_a_wrong_move_is_not_decisive() -> None:
    position = Position(GAME)
    assert not Label(position, dict.fromkeys(position.legal(), 1)).decisive
