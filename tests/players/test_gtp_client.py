import os
import time
from pathlib import Path

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.rng import Random
from players.choice import Forfeit
from players.gtp_client import GtpPlayer
from players.match import play_game
from players.player import make_player
from tests.players.helpers import fake_command

GAME = load("connect4")
RANDOM = Random(4)


def player(fault: str, log: Path, seconds: float = 10.0) -> GtpPlayer:
    return GtpPlayer(GAME, fake_command(fault, log), seconds)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_whole_games_in_both_colours(log: Path) -> None:
    engine, other = make_player(GAME, f"gtp:{fake_command('none', log)}"), make_player(GAME, "random", seed=1)
    for seats in ((engine, other), (other, engine)):
        record = play_game(GAME, seats, [3, 3])
        assert record is not None
        assert not record.forfeit
        position = Position(GAME)
        for action in record.actions:
            position.play(action)
        assert position.ended
    engine.close()
    lines = log.read_text().split("\n")
    assert lines[:4] == ["clear_board", "play b 4", "play w 4", "genmove b"]
    assert "genmove w" in lines
    assert lines[-2] == "quit"


def test_only_new_moves_are_sent_and_takebacks_are_undone(log: Path) -> None:
    engine, position = player("none", log), Position.from_moves(GAME, ["4", "4", "4"])
    assert engine.choose(position).action == 0
    position.play(0)
    position.play_text("5")
    engine.choose(position)
    for _ in range(2):
        position.undo()
    position.play_text("6")
    engine.choose(position)
    engine.choose(Position(GAME))
    engine.close()
    assert log.read_text().split("\n") == [
        *["clear_board", "play b 4", "play w 4", "play b 4", "genmove w"],
        *["play b 5", "genmove w"],
        *["undo", "undo", "undo", "play w 6", "genmove b"],
        *["clear_board", "genmove b", "quit", ""],
    ]


def test_engine_without_undo_starts_over(log: Path) -> None:
    engine, position = player("no undo", log), Position.from_moves(GAME, ["4", "4", "4"])
    engine.choose(position)
    position.undo()
    position.play_text("2")
    engine.choose(position)
    engine.close()
    assert log.read_text().split("\n")[5:-2] == ["undo", "clear_board", "play b 4", "play w 4", "play b 2", "genmove w"]


def test_an_engine_that_passes_by_itself_is_told_once_and_never_to_take_back(log: Path) -> None:
    game = load("othello:size=6")
    engine = GtpPlayer(game, fake_command("knows no pass", log))
    position = Position(game)
    while position.ply < 20 or position.legal_text() != "pass":
        if position.ended:
            position = Position(game)
        position.play(position.legal()[RANDOM.below(len(position.legal()))])
    passes, written = [], [game.format_action(s, a) for s, a in zip(position.states, position.actions, strict=False)]
    assert "pass" not in written, "of the first pass this test speaks"
    for _ in range(2):
        position.play_text("pass")
        engine.show(position)
        position.play(position.legal()[0])
        engine.show(position)
        passes.append(log.read_text().count(" pass"))
        position.undo()
        position.undo()
        engine.show(position)
    engine.close()
    assert passes == [1, 1]
    assert "undo" not in log.read_text()


def test_square_boards_are_announced(log: Path) -> None:
    GtpPlayer(load("tictactoe"), fake_command("none", log)).close()
    assert log.read_text().split("\n")[:2] == ["boardsize 3", "clear_board"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("illegal", "answered '= 9' to 'genmove b': '9' is no column"),
        ("full column", "answered '= 1' to 'genmove b': illegal move 1"),
        ("dies", "ended at 'genmove b' (exit code 1): out of memory"),
        ("silent", "gave no answer to 'genmove b' within 0.7 s"),
        ("question", "answered '? cannot think' to 'genmove b'"),
        ("resign", "answered '= resign' to 'genmove b'"),
        ("pass", "answered '= pass' to 'genmove b'"),
        ("refuses play", "refused 'play b 1': '? illegal move'"),
    ],
)
def test_failures_name_the_command_and_the_line(log: Path, fault: str, words: str) -> None:
    engine = player(fault, log, 0.7 if fault == "silent" else 10.0)
    position = Position.from_moves(GAME, ["1", "1"] * 3)
    with pytest.raises(Forfeit) as caught:
        for _ in range(2):
            position.play(engine.choose(position).action)
            position.play_text("7")
    assert words in str(caught.value)
    assert "fake_gtp.py" in str(caught.value)
    assert "\n" not in str(caught.value)
    engine.close()


def test_next_move_after_a_failure_starts_the_engine_anew(log: Path) -> None:
    engine = player("dies", log)
    engine.choose(Position(GAME))
    with pytest.raises(Forfeit, match="ended at 'genmove b'"):
        engine.choose(Position(GAME))
    assert engine.choose(Position(GAME)).action == 0
    engine.close()


def test_engines_that_do_not_start(log: Path) -> None:
    with pytest.raises(TandemError, match="gtp engine 'no-such-engine --gtp' does not start: No such file"):
        GtpPlayer(GAME, "no-such-engine --gtp")
    with pytest.raises(TandemError, match=r"ended at 'clear_board' \(exit code 1\): no weights found"):
        player("dead at start", log)
    with pytest.raises(TandemError, match="above 0"):
        player("none", log, 0)


def test_positions_that_gtp_cannot_set_up(log: Path) -> None:
    engine = player("none", log)
    with pytest.raises(TandemError, match="only start from the first position"):
        engine.choose(Position.from_text(GAME, "x//////"))
    with pytest.raises(TandemError, match="the game is over"):
        engine.choose(Position.from_moves(GAME, ["1", "2"] * 3 + ["1"]))
    engine.close()


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_close_ends_an_engine_that_will_not_quit_and_its_children(tmp_path: Path) -> None:
    script, note = tmp_path / "stubborn.sh", tmp_path / "child"
    script.write_text(f"sleep 600 &\necho $! > {note}\nwhile read line; do printf '=\\n\\n'; done\nwait\n")
    engine = GtpPlayer(GAME, f"sh {script}")
    child = int(note.read_text())
    os.kill(child, 0)
    engine.close()
    engine.close()
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.02)
    pytest.fail("the engine's child still runs")


def _runs(process: int) -> bool:
    """Whether it runs; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
