"""Othello: passes, ends and texts by hand; OpenSpiel holds the rest of the rules."""

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.rules import rules

GAME = load("othello")


def position(*rows, turn="x", game=GAME):
    """The position whose upper rows are given; the rest is empty."""
    size = game.planes[1]
    full = [row.ljust(size, ".") for row in (*rows, *[""] * (size - len(rows)))]
    return Position.from_text(game, "/".join(full) + f" {turn}")


def test_the_start_as_players_know_it():
    first = Position(GAME)
    assert sorted(first.game.format_action(first.state, a) for a in first.legal()) == ["c4", "d3", "e6", "f5"]
    assert GAME.render(first.state).splitlines()[4] == "4 . . . o x . . ."
    assert GAME.to_text(Position.from_moves(GAME, ["d3"]).state).split("/")[2:5] == ["...x....", "...xx...", "...xo..."]


def test_a_pass_only_where_nothing_else():
    stuck = position("xo", turn="o")  # x could go on at c1, o nowhere
    assert stuck.legal() == [64]
    assert GAME.format_action(stuck.state, 64) == "pass"
    stuck.play_text("pass")
    assert [GAME.format_action(stuck.state, a) for a in stuck.legal()] == ["c1"]
    with pytest.raises(TandemError, match="illegal move"):
        stuck.play_text("pass")
    with pytest.raises(TandemError, match="illegal move"):
        stuck.play_text("d4")


ENDS = [(["x.x", "", "o"], 1), (["o.o", "", "x"], -1), (["x..o"], 0), (["xx"], 1), ([], 0)]


@pytest.mark.parametrize(("rows", "first"), ENDS)
@pytest.mark.parametrize("turn", "xo")
def test_an_end_counts_discs(rows, first, turn):
    end = position(*rows, turn=turn)
    assert end.ended == "rules"
    assert end.outcome() == (first if turn == "x" else -first)


def test_discs_turn_in_all_eight_directions():
    star = position("x..x..x", ".o.o.o", "..ooo", "xoo.oox", "..ooo", ".o.o.o", "x..x..x")
    star.play_text("d4")
    text = GAME.to_text(star.state)
    assert text == "x..x..x./.x.x.x../..xxx.../xxxxxxx./..xxx.../.x.x.x../x..x..x./........ o"


def test_lines_do_not_wrap():
    """Discs at the end of one row and the start of the next are no neighbours."""
    for rows in (["......xo", "o"], [".......o", "ox"], [".......x", "o......."], ["x", ".......o", "........"]):
        moves = [GAME.format_action(position(*rows).state, a) for a in position(*rows).legal()]
        assert set(moves) <= {"pass"}, (rows, moves)


def test_sizes():
    assert (load("othello:size=6").actions, GAME.actions) == (37, 65)
    small = rules(load("othello:size=6"))
    assert small.legal(small.first()) == [8, 13, 22, 27]
    for size in (4, 7, 10):
        with pytest.raises(TandemError, match="size 6 or 8"):
            load(f"othello:size={size}")
