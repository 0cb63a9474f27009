"""What --record leaves in its file: the games as they were played, whatever happens on the way."""

import io
import os
from pathlib import Path

import pytest

import play
from engine.gamefile import read_games
from engine.position import Position
from games.errors import TandemError
from games.loader import load
from interfaces.gtp import run_gtp
from interfaces.recorder import Recorder
from tests.interfaces.helpers import run_play, session

C4, TTT, HEX = load("connect4"), load("tictactoe"), load("hex:size=3")


def games(path: Path, game=TTT) -> list[tuple[str, int | None]]:
    return [(" ".join(found.position.moves_text()), found.outcome) for found in read_games(game, path)]


def test_the_file_follows_the_game_move_by_move(tmp_path: Path):
    path = tmp_path / "games.txt"
    recorder, position = Recorder(TTT, path), Position(TTT)
    recorder.update(position)
    assert not path.exists()
    for move in ("b2", "a1", "c3"):
        position.play_text(move)
        recorder.update(position)
    assert path.read_text() == "# tictactoe\nb2 a1 c3 *\n"
    position.undo()
    recorder.update(position)
    assert games(path) == [("b2 a1", None)]
    for move in ("a2", "b1", "c2"):
        position.play_text(move)
    recorder.update(position)
    assert games(path) == [("b2 a1 a2 b1 c2", 1)]
    position.undo()  # of the last move of a game that was over
    position.play_text("b3")
    recorder.update(position)
    again = Position.from_moves(TTT, ["a1"])
    recorder.update(again)
    assert games(path) == [("b2 a1 a2 b1 b3", None), ("a1", None)]
    again.undo()
    recorder.update(again)
    assert games(path) == [("b2 a1 a2 b1 b3", None)]


def test_games_that_were_there_stay_as_they_are(tmp_path: Path):
    path = tmp_path / "games.txt"
    path.write_bytes(b"a1 b2 # mine\r\n\r\n# more to come\r\na1")
    recorder = Recorder(TTT, path)
    position = Position.from_moves(TTT, ["a1"])
    recorder.update(position)
    path.write_bytes(path.read_bytes() + b"c1 c2\n")  # another program's, meanwhile
    position.play_text("b1")
    recorder.update(position)
    assert path.read_bytes() == b"a1 b2 # mine\r\n\r\n# more to come\r\na1\na1 b1 *\nc1 c2\n"


def test_a_file_that_only_has_a_heading_is_gone_on_with(tmp_path: Path):
    (tmp_path / "a.txt").write_text("# tictactoe\n")
    (tmp_path / "empty.txt").touch()
    for name in ("a.txt", "empty.txt"):
        Recorder(TTT, tmp_path / name).update(Position.from_moves(TTT, ["a1"]))
        assert (tmp_path / name).read_text() == "# tictactoe\na1 *\n"


def test_sgf_is_a_collection_with_names(tmp_path: Path):
    path = tmp_path / "games.SGF"
    recorder = Recorder(HEX, path)
    for moves in (["a1", "b2"], ["b2", "a1", "b1", "c1", "b3"]):
        recorder.update(Position.from_moves(HEX, moves), ["human", "Tandem search"])
    assert games(path, HEX) == [("a1 b2", None), ("b2 a1 b1 c1 b3", 1)]
    assert path.read_text().count("PB[human]PW[Tandem search]") == 2


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "real.txt").write_text("a1\n")
    (tmp_path / "link.txt").symlink_to("real.txt")
    Recorder(TTT, tmp_path / "link.txt").update(Position.from_moves(TTT, ["b2"]))
    assert (tmp_path / "link.txt").is_symlink()
    assert games(tmp_path / "real.txt") == [("a1", None), ("b2", None)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("games.sgf", "tictactoe has no SGF; records of tictactoe end in .txt (move lists)"),
        ("games.dat", "its ending names no format of games; records of tictactoe end in .txt (move lists)"),
        ("games", "its ending names no format"),
        ("folder.txt", "folder.txt is a folder; name a file in it"),
        ("none/games.txt", "there is no folder"),
        ("other.txt", "game 1 (line 1), move 1: '4' is no cell"),
        ("binary.txt", "line 1 is no text"),
        ("pipe.txt", "it is no ordinary file"),
        ("tail.txt", "line 2 is no text"),
        ("heading.txt", "line 1: it holds games of connect4, not of tictactoe; name another file"),
    ],
)
def test_what_cannot_be_recorded_to_is_refused_before_the_game(name: str, words: str, tmp_path: Path):
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "other.txt").write_text("4 4 4\n")
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01")
    (tmp_path / "tail.txt").write_bytes(b"a1 b2\n\x00\x01")
    (tmp_path / "heading.txt").write_text("# connect4\n")
    os.mkfifo(tmp_path / "pipe.txt")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(TandemError) as refused:
        play.main(["tictactoe", "--mode", "search", "--record", str(tmp_path / name)])
    assert words in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_that_fails_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "games.txt"
    recorder, position = Recorder(TTT, path), Position.from_moves(TTT, ["a1"])
    recorder.update(position)
    position.play_text("b2")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(TandemError, match="No space left on device"):
            recorder.update(position)
    assert games(path) == [("a1", None)]
    recorder.update(position)
    assert games(path) == [("a1 b2", None)]
    assert [file.name for file in tmp_path.iterdir()] == ["games.txt"]


def test_gtp_records_what_stands_at_each_moment(tmp_path: Path):
    path, out = tmp_path / "games.sgf", io.StringIO()
    lines = "play b a1|undo|play b b2|genmove w|clear_board|play b a1|quit"
    run_gtp(session(game="hex:size=3"), Recorder(HEX, path), io.StringIO(lines.replace("|", "\n")), out)
    (first, _), (second, _) = games(path, HEX)
    assert first.startswith("b2 ")
    assert len(first.split()) == 2
    assert second == "a1"
    assert path.read_text().count("PW[Tandem search]") == 1


def test_the_terminal_records_undone_left_and_finished_games(tmp_path: Path):
    path = tmp_path / "games.txt"
    typed = "1\n/undo\n4\n/new\n1\n2\n1\n2\n1\n2\n1\n/quit\n"
    done = run_play(
        "connect4", "--mode", "search", "--side", "both", "--record", path, typed=typed
    )  # nothing that the engine would move
    assert (done.code, done.errors) == (0, "")
    assert games(path, C4) == [("4", None), ("1 2 1 2 1 2 1", 1)]


def test_saving_to_the_file_that_is_recorded_to_writes_a_game_once(tmp_path):
    lines = f"b2\n/save {tmp_path}/x.txt\n/new\na1\n/save {tmp_path}/../{tmp_path.name}/x.txt\n/quit\n"
    done = run_play(
        "tictactoe", "--mode", "search", "--simulations", "20", "--record", f"{tmp_path}/x.txt", typed=lines
    )
    assert done.code == 0
    games = (tmp_path / "x.txt").read_text().splitlines()
    assert [game.split()[0] for game in games if not game.startswith("#")] == ["b2", "a1"]
