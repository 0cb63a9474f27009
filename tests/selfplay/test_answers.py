"""What players answer: the same on any number of processes, and a failure is an answer too."""

from pathlib import Path

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from players.spec import parse_spec
from selfplay.answers import Answer, Exam, answers
from selfplay.labels import solved_labels
from tests.players.helpers import fake_command, untrained

GAME, CONNECT4 = load("tictactoe"), load("connect4")
POSITIONS = [label.position for label in solved_labels(GAME) if label.decisive][::60]
# Columns that are full would be illegal for the fake engine, which plays the first that it believes to be free.
COLUMNS = [Position.from_moves(CONNECT4, list(moves)) for moves in ("", "4", "44", "4412", "11", "7")]


def actions(rows: list[list[Answer]]) -> list[list[int | None]]:
    return [[answer.action for answer in row] for row in rows]


def test_the_same_answers_on_any_number_of_processes(tmp_path: Path) -> None:
    model = untrained(GAME, tmp_path / "net.safetensors", "resnet:1x8")
    specs = [parse_spec(s) for s in ("random", "hybrid:simulations=9,temperature=1", "search:simulations=30", "exact")]
    rows = [answers(GAME, specs, POSITIONS, model=model, seed=seed, workers=n) for seed, n in ((1, 1), (1, 2), (2, 1))]
    assert actions(rows[0]) == actions(rows[1])
    assert [a != b for a, b in zip(actions(rows[0]), actions(rows[2]), strict=True)] == [True, True, True, True]
    assert [len(row) for row in rows[0]] == [len(POSITIONS)] * 4
    for row in rows[0]:
        for answer, position in zip(row, POSITIONS, strict=True):
            assert answer.action in position.legal()
            assert not answer.forfeit
            assert answer.seconds > 0
            assert answer.core_seconds is not None
    assert {answer.evaluations for answer in rows[0][0]} == {None}
    assert {answer.evaluations for answer in rows[0][2]} == {0}
    assert all(answer.evaluations and answer.evaluations <= 9 for answer in rows[0][1])


def test_answers_do_not_depend_on_the_players_beside() -> None:
    specs = [parse_spec(s) for s in ("search:simulations=5", "random", "random:seed=7")]
    together = actions(answers(GAME, specs, POSITIONS, workers=1))
    assert together == [actions(answers(GAME, [spec], POSITIONS, workers=1))[0] for spec in specs]
    assert together[1] != together[2]


@pytest.mark.parametrize(("fault", "failed"), [("none", 0), ("resign", 6), ("question", 6), ("dies", 3)])
def test_an_engine_that_fails_is_asked_on(fault: str, failed: int, tmp_path: Path) -> None:
    spec = parse_spec(f"gtp:{fake_command(fault, tmp_path / 'log')}")
    (row,) = answers(CONNECT4, [spec], COLUMNS, workers=1)
    assert [answer.action for answer in row if not answer.forfeit] == [0] * (6 - failed)
    assert all(answer.action is None for answer in row if answer.forfeit)
    assert all((answer.evaluations, answer.core_seconds) == (None, None) for answer in row)


def test_engines_run_in_processes_and_end_with_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spec = parse_spec(f"gtp:{fake_command('none', log)}")
    (row,) = answers(CONNECT4, [spec], COLUMNS * 10, workers=2)
    assert [answer.action for answer in row] == [0] * 60
    # One to see whether it starts, and one for each process.
    assert log.read_text().count("quit") == 3


def test_a_task_can_be_stopped() -> None:
    exam = Exam(GAME, [parse_spec("random")], None, 0, 60)
    assert exam.answer(0, 0, [[], [4]], lambda: True) is None
    assert exam.answer(0, 0, [[], [4]]) is not None


@pytest.mark.parametrize(
    ("spec", "workers", "words"),
    [
        ("gtp:no-such-engine", 1, "does not start"),
        ("hybrid:model=nowhere.safetensors", 2, "no such file"),
        ("random", 0, "workers must be at least 1, not 0"),
        ("search:value=static", 2, "defines no static_value"),
    ],
)
def test_players_that_cannot_be_made_are_refused(spec: str, workers: int, words: str) -> None:
    with pytest.raises(TandemError, match=words):
        answers(GAME, [parse_spec(spec)], POSITIONS, workers=workers)
