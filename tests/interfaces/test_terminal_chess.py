"""Chess at the terminal: positions to begin at, how games end, what is recorded."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

import play
from engine.gamefile import read_games
from games.errors import TandemError
from games.loader import load
from tests.interfaces.helpers import run_play

LONE_QUEEN = "7k/5Q2/6K1/8/8/8/8/8 w - - 99 80"


def talk(*lines: object, flags: tuple[object, ...] = (), game: str = "chess", side: str = "both") -> list[str]:
    """What is said after each prompt, the typed line included; the greeting first."""
    typed, said = io.StringIO("\n".join(map(str, lines)) + "\n"), io.StringIO()
    with mock.patch("sys.stdin", typed), redirect_stdout(said):
        assert play.main([game, "--simulations", "20", "--side", side, *map(str, flags)]) == 0
    return re.split(r"(?:you|over|first|second)> ", said.getvalue())


def test_the_board_has_pieces_and_coordinates():
    greeting, after, *_ = talk("Nf3")
    assert "8 r n b q k b n r\n7 p p p p p p p p\n" in greeting
    assert "3 . . . . .(N). .\n" in after
    assert "  a b c d e f g h\nblack to move\n" in after


@pytest.mark.parametrize("flag", ["--fen", "--position"])
def test_a_game_may_begin_anywhere_and_again(flag):
    greeting, refused, drawn, again, *_ = talk("Nf3", "Qf6", "/new", flags=(flag, LONE_QUEEN))
    assert "7 . . . . . Q . .\n" in greeting
    assert "illegal san: 'Nf3'" in refused
    assert "a draw: fifty moves without a capture or pawn move; /new plays again" in drawn
    assert "7 . . . . . Q . .\n" in again


def test_the_position_is_shown_and_set():
    said = talk(
        "e4", "/fen", f"/fen {LONE_QUEEN}", "/position", "/fen 8/8 w", "/position", "/undo", "Qg7", "/new", "/position"
    )
    assert "/fen\nrnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1\n" in said[2]
    assert "7 . . . . . Q . .\n" in said[3]
    assert f"/position\n{LONE_QUEEN}\n" in said[4] == said[6]
    assert "'8/8 w' is no position: expected 8 rows" in said[5]
    assert "nothing to take back" in said[7]
    assert "first wins: checkmate; /new" in said[8]
    assert LONE_QUEEN in said[10]
    assert "commands begin with a slash, as in /fen" in talk("fen")[1]


def test_other_games_begin_anywhere_too():
    _, shown, _, again, *_ = talk("/position", "2", "/position", flags=("--position", "//////x"), game="connect4")
    assert "/position\n//////x\n" in shown
    assert "/position\n/o/////x\n" in again


def test_who_moves_first_from_there_is_first():
    greeting, *_ = talk(flags=("--fen", "8/8/8/8/8/k7/7q/K7 b - - 0 1"), side="second")
    assert re.search(r"engine: \S+ +proven win in 1 ply", greeting)
    assert "the engine wins: checkmate" in greeting


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        (["Nf3", "Nf6", "Ng1", "Ng8"] * 2, "a draw: threefold repetition; /new"),
        (["f3", "e5", "g4", "Qh4#"], "second wins: checkmate; /new"),
        (["/fen 7k/8/6K1/8/8/8/8/5Q2 w - - 0 1", "Qf7"], "a draw: stalemate; /new"),
        (["/fen 7k/8/8/8/8/8/5p2/6K1 w - - 0 1", "Kxf2"], "a draw: insufficient material; /new"),
        (["/fen 7k/8/8/8/8/8/5R2/6K1 w - - 98 1", "Rf3", "Kg7"], "a draw: fifty moves without a capture or pawn move;"),
        (["/fen 7k/8/8/8/8/8/5R2/6K1 w - - 150 1"], "a draw: seventy-five moves without a capture or pawn move;"),
    ],
)
def test_how_a_game_ended_is_said(moves, words):
    said = talk(*moves)
    assert words in said[-2]
    assert not any("/new plays" in part for part in said[:-2])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--fen", "nonsense"], "'nonsense' is no position: expected 8 rows in position part of fen"),
        (["--fen", "8/8/8/8/8/8/8/8 w - - 0 1"], "no white king, no black king"),
        (["--fen", "4k3/8/8/8/8/8/4R3/4K3 w - - 0 1"], "opposite check"),
        (["--fen", "8/" * 5000], "it has 10,000 characters"),
        (["--fen", LONE_QUEEN, "--gtp"], "--position is for the terminal"),
        (["--fen", LONE_QUEEN, "--uci"], "--position is for the terminal"),
        (["--fen", LONE_QUEEN, "--record", "games.txt"], "from the first position alone; record to .pgn"),
        (["--record", "games.sgf"], "chess has no SGF; records of chess end in .pgn (PGN) or .txt (move lists)"),
    ],
)
def test_what_cannot_be_had_is_refused_on_one_line(flags, words, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TandemError) as refused:
        play.main(["chess", *flags])
    assert words in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400
    assert not list(tmp_path.iterdir())


def test_a_bad_fen_ends_with_code_2():
    done = run_play("chess", "--fen", "8/8/8/8/8/8/8/8 w - - 0 1")
    assert (done.code, done.out) == (2, "")
    assert done.errors.startswith("error: '8/8/8/8/8/8/8/8 w - - 0 1' is no position: no white king")
    assert done.errors.count("\n") == 1


def test_games_are_recorded_as_pgn(tmp_path: Path):
    path = tmp_path / "games.pgn"
    path.write_text('[Event "before"]\n\n1. d4 *')
    talk("e4", "e5", "/undo", "c5", f"/fen {LONE_QUEEN}", "Qg7", flags=("--record", path))
    talk("f3", flags=("--record", path), side="first")
    found = [(" ".join(game.position.moves_text()), game.outcome) for game in read_games(load("chess"), path)]
    assert found[:3] == [("d2d4", None), ("e2e4 c7c5", None), ("f7g7", 1)]
    assert found[3][0].startswith("f2f3 ")
    assert len(found) == 4
    text = path.read_text()
    assert text.startswith('[Event "before"]\n\n1. d4 *\n\n[Event "?"]\n')
    assert "1. e4 c5 *\n\n" in text
    assert f'[Result "1-0"]\n[Termination "checkmate"]\n[FEN "{LONE_QUEEN}"]\n[SetUp "1"]\n\n80. Qg7# 1-0\n\n' in text
    assert '[White "human"]\n[Black "Tandem hybrid"]\n' in text


def test_a_game_that_the_record_cannot_hold_is_not_begun(tmp_path: Path):
    said = talk("e4", f"/fen {LONE_QUEEN}", "/fen", flags=("--record", tmp_path / "games.txt"))
    assert "move lists hold games from the first position alone; record to .pgn" in said[2]
    assert "4P3" in said[3]


def test_modes_say_what_search_goes_by():
    assert "static value (material and squares, once the captures are played out), no net" in " ".join(
        talk("/mode")[1].split()
    )
    assert "tree search over random play-outs, no net" in talk("/mode", game="tictactoe")[1]


def test_help_says_how_moves_are_written():
    said = talk("/help")[1]
    assert "such as e4, O-O or e8=Q" in said
    assert "/position [TEXT]" in said


def test_the_tables_are_the_truth_of_a_comparison_with_three_men_left():
    compared = talk("/compare", flags=("--mode", "search", "--fen", "8/8/8/3k4/8/8/4QK2/8 w - - 0 1"))[1]
    assert re.search(r"search +\S+ +win .* win\n", compared)
    assert re.search(r"what the tables say of each move:\n  win  .*\n.*\n  draw  e2e6 e2e5 e2e4 e2c4\n", compared)
