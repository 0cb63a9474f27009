"""Breakthrough: ends, moves as players write them and texts; OpenSpiel holds the rest of the rules."""

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.rules import rules

GAME = load("breakthrough")


def position(*rows, turn="x"):
    """The position whose upper rows are given; the rest is empty."""
    full = [row.ljust(8, ".") for row in (*rows, *[""] * (8 - len(rows)))]
    return Position.from_text(GAME, "/".join(full) + f" {turn}")


def moves(found):
    return sorted(GAME.format_action(found.state, a) for a in found.legal())


def test_moves_of_both_sides():
    assert moves(position("", "", "", ".o.", "xxx")) == ["a4a5", "a4b5", "b4a5", "b4c5", "c4b5", "c4c5", "c4d5"]
    assert moves(position("", "", "", ".o.", "xxx", turn="o")) == ["b5a4", "b5c4"]
    assert moves(position("", "", "", ".......o", "x", turn="o")) == ["h5g4", "h5h4"]


def test_taking():
    found = position("", "o......o", "", "o.o", ".x")
    found.play_text("b4c5")
    assert GAME.to_text(found.state).split("/")[3:5] == ["o.x.....", "........"]


LAST_ROW = [(["", "..x", "o"], "c7d8", "x"), (["", "x", *[""] * 4, "..o"], "c2c1", "o")]


@pytest.mark.parametrize(("rows", "move", "turn"), LAST_ROW)
def test_the_last_row_wins(rows, move, turn):
    found = position(*rows, turn=turn)
    found.play_text(move)
    assert found.ended == "rules"
    assert found.outcome() == -1


def test_to_take_all_wins():
    found = position("", "", ".o.", "x", turn="x")
    found.play_text("a5b6")
    assert found.ended == "rules"
    assert found.outcome() == -1


@pytest.mark.parametrize("text", ["a2a4", "a2c3", "a3a2", "a2", "a2a3a4", "i2i3", "a9a8", "a2a3x", "", "  "])
def test_moves_that_are_none(text):
    with pytest.raises(TandemError, match="no move"):
        GAME.parse_action(Position(GAME).state, text)


def test_every_action_has_a_text():
    """Those that stay on the board are written and read back, by either side."""
    for turn in "xo":
        state = position(turn=turn).state
        on_board = [a for a in range(GAME.actions) if a % 64 < 56 and 0 <= a % 8 + a // 64 - 1 < 8]
        written = {GAME.format_action(state, a): a for a in on_board}
        assert len(written) == 7 * 22
        assert all(GAME.parse_action(state, text) == a for text, a in written.items())


EMPTY = "........"
BAD = ["", "x", "/".join([EMPTY] * 8), "/".join(["xxxxxxxx"] * 3 + [EMPTY] * 5) + " o", "/".join(["...."] * 8) + " x"]
BAD += ["/".join(["x.......", *[EMPTY] * 7]) + " x", "/".join([*[EMPTY] * 7, "o......."]) + " o"]


@pytest.mark.parametrize("text", BAD)
def test_texts_that_are_none(text):
    with pytest.raises(TandemError, match="no position"):
        GAME.from_text(text)


def test_sizes():
    small = rules(load("breakthrough:size=6"))
    assert len(small.legal(small.first())) == 16
    for size in (5, 7, 9):
        with pytest.raises(TandemError, match="size 6 or 8"):
            load(f"breakthrough:size={size}")
