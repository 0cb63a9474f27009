import shlex
import sys
from pathlib import Path

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from players.choice import Forfeit
from players.match import play_game
from players.player import make_player
from players.spec import parse_spec

GAME = load("tictactoe")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def command(fault: str, log: Path) -> str:
    return shlex.join([sys.executable, str(Path(__file__).with_name("fake_uci.py")), fault, str(log)])


def test_a_whole_game_with_the_lines_of_the_spec(log: Path) -> None:
    spec = f"uci:{command('none', log)};setoption name Hash value 5;go nodes 7"
    assert str(parse_spec(spec)) == spec
    engine = make_player(GAME, spec)
    record = play_game(GAME, (make_player(GAME, "random", seed=1), engine), [4])
    engine.close()
    assert record is not None
    assert not record.forfeit
    lines = log.read_text().split("\n")
    assert lines[:4] == ["uci", "setoption name UCI_Variant value tictactoe", "setoption name Hash value 5", "isready"]
    assert lines[4:8] == ["ucinewgame", "isready", "position startpos moves b2", "go nodes 7"]
    assert lines[-2] == "quit"


def test_an_illegal_move_and_a_death_forfeit_and_the_engine_starts_anew(log: Path) -> None:
    position = Position.from_moves(GAME, ["a1"])
    engine = make_player(GAME, f"uci:{command('illegal', log)}")
    with pytest.raises(Forfeit, match=r"answered 'bestmove a1 ponder z9': 'a1' is not legal here"):
        engine.choose(position)
    engine.close()
    engine = make_player(GAME, f"uci:{command('dies', log)}")
    for _ in range(2):
        with pytest.raises(Forfeit, match=r"ended at 'go movetime 1000' \(exit code 1\): out of memory"):
            engine.choose(position)
    engine.close()


def test_an_engine_of_other_games_is_refused(log: Path) -> None:
    with pytest.raises(TandemError, match="does not know tictactoe"):
        make_player(GAME, f"uci:{command('other games', log)}")


def test_an_engine_of_the_usual_board_is_not_asked_to_play_another(log: Path) -> None:
    misere = load("connect4:misere=1")
    with pytest.raises(TandemError, match="knows connect4 on its usual board alone, not connect4:misere=1"):
        make_player(misere, f"uci:{command('connect4', log)}")


def test_a_command_that_does_not_start_is_named() -> None:
    with pytest.raises(TandemError, match=r"uci engine 'no-such-engine' does not start: No such file"):
        make_player(GAME, "uci:no-such-engine;go nodes 1")


def test_chess_is_sent_from_the_position_that_it_started_from(log: Path) -> None:
    chess = load("chess")
    fen = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"
    position = Position.from_text(chess, fen)
    position.play_text("e2e4")
    engine = make_player(chess, f"uci:{command('none', log)}")
    with pytest.raises(Forfeit):  # the engine knows tic-tac-toe alone
        engine.choose(position)
    engine.close()
    assert f"position fen {fen} moves e2e4" in log.read_text().splitlines()
    engine = make_player(GAME, f"uci:{command('none', log)}")
    with pytest.raises(TandemError, match="can only start from the first position of tictactoe"):
        engine.choose(Position.from_text(GAME, "xo......."))
    engine.close()
