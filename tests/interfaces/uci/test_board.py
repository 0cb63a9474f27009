"""position: every line says the whole game, and only what is new is played."""

import chess
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import TandemError
from games.loader import load
from interfaces.uci.board import REMEMBERED, Board

GAME = load("chess")
SHUFFLE = ["g1f3", "g8f6", "f3g1", "f6g8"]


def fen(board: Board) -> str:
    return GAME.to_text(board.position.state)


@pytest.mark.parametrize(
    "text",
    ["startpos", "startpos moves", "startpos moves e2e4 c7c5", "fen 4k3/P7/8/8/8/8/8/4K3 w - - 0 1 moves a7a8n e8d7",
     "fen 4k3/8/8/8/8/8/8/4K2R w K -", "startpos moves E2E4"],
)  # fmt: skip
def test_set(text: str) -> None:
    board, (start, _, moves) = Board(GAME), text.partition(" moves")
    board.set(text)
    theirs = chess.Board(start.removeprefix("fen ") if start != "startpos" else chess.STARTING_FEN)
    for move in moves.split():
        theirs.push_uci(move.lower())
    assert chess.Board(fen(board)) == theirs
    assert board.black == (not theirs.turn)


@pytest.mark.parametrize(
    ("text", "words", "plies"),
    [
        ("", "write position startpos or", 1),
        ("fen", "write position startpos or", 1),
        ("startpos e2e4", "write position startpos or", 1),
        ("moves e2e4", "write position startpos or", 1),
        ("fen 8/8/8/8/8/8/8/8 w - - 0 1", "no white king", 1),
        ("fen rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR x KQkq - 0 1", "is no position", 1),
        ("fen moves e2e4", "write position startpos or", 1),
        ("startpos moves d2d4 e2e4 e7e5", "illegal move e2e4", 1),
        ("startpos moves d2d4 d7d5 xyz", "xyz", 2),
        ("startpos moves d2d4 0000", "0000", 1),
    ],
)
def test_refused(text: str, words: str, plies: int) -> None:
    board = Board(GAME)
    board.set("startpos moves a2a3")
    with pytest.raises(TandemError) as caught:
        board.set(text)
    assert words in str(caught.value)
    assert board.position.ply == plies
    board.set("startpos moves a2a3 a7a6")
    assert board.position.moves_text() == ["a2a3", "a7a6"]


def test_a_line_that_goes_on_keeps_the_position_and_others_do_not() -> None:
    board = Board(GAME)
    board.set("startpos moves e2e4")
    first = board.position
    board.set("startpos moves e2e4 e7e5")
    assert board.position is first
    board.set("startpos moves e2e4")
    assert board.position is not first
    assert board.position.moves_text() == ["e2e4"]


def test_games_longer_than_any_search_remember_what_can_come_again() -> None:
    board, moves = Board(GAME), []
    theirs = chess.Board()
    white, black = (
        ["a2a3", "b2b3", "c2c3", "d2d3", "e2e3", "h2h3", "a3a4", "b3b4", "c3c4", "d3d4", "e3e4"],
        ["a7a6", "b7b6", "c7c6", "d7d6", "e7e6", "h7h6"],
    )
    for pawns in zip(white, [*black, "a6a5", "b6b5", "c6c5", "d6d5", "e6e5"], strict=True):
        for move in [*SHUFFLE * 25, *pawns]:
            theirs.push_uci(move)
            moves.append(move)
        board.set(f"startpos moves {' '.join(moves)}")
        assert fen(board) == theirs.fen()
        assert REMEMBERED <= board.position.ply < GAME.max_plies or len(moves) < REMEMBERED
        assert board.position.playable
        assert (board.position.keys.count(board.position.keys[-1]) >= 3) == theirs.is_repetition(3)
    assert len(moves) > GAME.max_plies
    again = Board(GAME)
    again.set(f"startpos moves {' '.join(moves)}")
    assert again.position.actions == board.position.actions


def test_moves_where_the_game_is_over_by_our_rules_alone() -> None:
    board = Board(GAME)
    board.set("fen 8/8/4k3/8/8/3K1p2/8/8 w - - 0 1 moves d3e3 e6e5 e3f3 e5d4 f3e2")
    assert fen(board).startswith("8/8/8/8/3k4/8/4K3/8 b")
    assert board.position.legal() == []
    with pytest.raises(TandemError, match="illegal uci"):
        board.set("fen 8/8/4k3/8/8/3K1p2/8/8 w - - 0 1 moves d3e3 e6e5 e3f3 e5d4 f3e2 d4d2")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="startpofenmvKQkqrnb/8 -w1abcdegh", max_size=80))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    board = Board(GAME)
    try:
        board.set(text)
    except TandemError as error:
        assert "\n" not in str(error)
    assert chess.Board(fen(board)).is_valid()
