"""How boards are shown: what the last move did, what won, and what fits."""

import pytest

from engine.position import Position
from games.loader import load
from interfaces.board import board, difference
from tests.selfplay.helpers import CHASE, write_game


def shown(game: str, moves: str, **options) -> list[str]:
    return board(Position.from_moves(load(game), moves.split()), **options).plain.splitlines()


@pytest.mark.parametrize(
    ("before", "after", "moved", "changed"),
    [
        ("1  . . x", "1  o . x", {(0, 3)}, set()),  # a stone comes
        ("1  . o x", "1  x x x", {(0, 3)}, {(0, 5)}),  # and turns another
        ("1  . o x", "1  . x .", {(0, 5), (0, 7)}, set()),  # a piece takes one
        ("1  . . x", "1  . x .", {(0, 5), (0, 7)}, set()),  # or goes
        (". x\nwhite to move", "x .\nblack to move", {(0, 0), (0, 2)}, set()),  # words are no cells
        ("..x", ".ox", set(), set()),  # nor is what stands close together
        ("|   | x |", "| o | x |", {(0, 2)}, set()),  # an empty cell may be blank
    ],
)
def test_a_move_is_the_difference_between_two_drawings(before, after, moved, changed):
    assert difference(before, after) == (moved, changed)


@pytest.mark.parametrize(
    ("game", "moves", "rows"),
    [
        ("tictactoe", "a1 b1 a2 b2 a3", {0: "3 (x). .", 1: "2 [x]o .", 2: "1 [x]o ."}),
        ("connect4", "1 1 2 2 3 3 4", {4: " o o o . . . .", 5: "[x x x(x). . .", 6: " 1 2 3 4 5 6 7"}),
        ("connect4:connect=3", "1 7 2 7 1 7", {3: " . . . . . .(o)", 4: " x . . . . .[o]"}),
        ("othello", "d3", {3: "3 . . .(x). . . .", 4: "4 . . . x x . . ."}),
        ("gomoku:size=6", "c3 d4", {2: " 4  . . .(o). .", 3: " 3  . . x . . ."}),
        ("gomoku:size=6,rule=exact", "a1 a6 b1 b6 c1 c6 d1 d6 e1", {5: " 1 [x x x x(x)."}),
        ("hex:size=3", "b1 a1 b2 a2 b3", {1: " 1  o[x].  1", 2: "  2  o[x].  2", 3: "   3  .(x).  3"}),
        ("breakthrough", "a2a3", {5: "3(x). . . . . . .", 6: "2(.)x x x x x x x"}),
        ("chess", "e2e4", {4: "4 . . . .(P). . .", 6: "2 P P P P(.)P P P"}),
        ("chess", "f3 e5 g4 Qh4", {0: "8 r n b(.)k b n r", 4: "4 . . . . . . P(q)", 7: "1 R N B Q[K]B N R"}),
        ("docs/domineering.py", "c3", {3: "3  . .(#). . .", 4: "2  . .(#). . ."}),
    ],
)
def test_the_last_move_and_what_won_are_marked(game, moves, rows):
    drawn = shown(game, moves, figures=False)
    assert {row: drawn[row] for row in rows} == rows


def test_figures_stand_for_letters_and_never_for_names():
    assert shown("chess", "e2e4")[7:9] == ["1 ♖ ♘ ♗ ♕ ♔ ♗ ♘ ♖", "  a b c d e f g h"]
    assert shown("tictactoe", "b2 a1") == ["3  · · ·", "2  · × ·", "1 (○)· ·", "   a b c"]
    assert shown("gomoku", "o15")[-1].endswith(" n o")
    assert shown("hex:size=3", "b2")[2] == "  2  ·(●)·  2"


def test_colours_mark_what_brackets_do():
    styles = {str(span.style) for span in board(Position.from_moves(load("othello"), ["d3"])).spans}
    assert {"bold red reverse", "bold red underline", "bold cyan", "dim"} <= styles


def test_a_board_too_wide_is_drawn_without_its_blanks():
    drawn = shown("gomoku:size=20", "t20", width=40, figures=False)
    assert drawn[0] == "20 ...................x"
    assert drawn[-2] == " 1 ...................."
    assert drawn[-1] == "   abcdefghijklmnopqrst"
    assert shown("gomoku:size=20", "t20", width=44) == shown("gomoku:size=20", "t20")


def test_a_game_that_only_draws_itself_is_marked_too(tmp_path):
    game = load(write_game(tmp_path, "chase", CHASE))
    position = Position(game)
    assert board(position, figures=False).plain.splitlines() == game.render(position.state).splitlines()
    assert game.grid is None
