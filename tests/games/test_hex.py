"""Hex: exactly one side joins its edges, told by walking over the board; the swap rule; texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.rules import rules


def joins(rows, mark):
    """Whether x joins top and bottom, or o left and right, walked from stone to stone."""
    size = len(rows)
    if mark == "o":  # with rows and columns changed, o joins top and bottom
        rows = ["".join(row[c] for row in rows) for c in range(size)]
    todo = [(0, c) for c in range(size) if rows[0][c] == mark]
    seen = set(todo)
    while todo:
        r, c = todo.pop()
        for y, x in ((r - 1, c), (r - 1, c + 1), (r, c - 1), (r, c + 1), (r + 1, c - 1), (r + 1, c)):
            if 0 <= y < size and 0 <= x < size and rows[y][x] == mark and (y, x) not in seen:
                seen.add((y, x))
                todo.append((y, x))
    return any((size - 1, c) in seen for c in range(size))


def rows_of(game, states):
    return game.to_text(states)[:-2].split("/")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_one_side_always_wins(data):
    """Over at the very stone that joins the edges, before the board is full or with its last stone; never a draw."""
    game = load(f"hex:size={data.draw(st.sampled_from([3, 5, 8]))}")
    compiled, order = rules(game), data.draw(st.permutations(range(game.actions)))
    states, plies = compiled.first(), 0
    while compiled.legal(states):
        rows = rows_of(game, states)
        assert not joins(rows, "x")
        assert not joins(rows, "o")
        assert compiled.legal(states) == sorted(order[plies:])
        compiled.play(states, 0, order[plies])
        plies += 1
    rows = rows_of(game, states)
    assert joins(rows, "xo"[(plies + 1) % 2])
    assert not joins(rows, "xo"[plies % 2])
    assert compiled.outcome(states, 0) == -1


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_record_does_not_know_the_order_of_its_stones(data):
    game = load("hex:size=5")
    compiled = rules(game)
    cells = data.draw(st.permutations(range(25)))[: 2 * data.draw(st.integers(1, 4))]
    records = set()
    for _ in range(2):
        states = compiled.first()
        for pair in zip(cells[::2], cells[1::2], strict=True):
            for action in pair:
                compiled.play(states, 0, action)
        records.add(states.tobytes())
        pairs = data.draw(st.permutations(list(zip(cells[::2], cells[1::2], strict=True))))
        cells = [cell for pair in pairs for cell in pair]
    assert len(records) == 1
    assert game.from_text(game.to_text(states)).tobytes() in records


def test_edges():
    """x joins top and bottom, o left and right; of the two diagonals one is a chain, the other is not."""
    game = load("hex:size=3")
    assert Position.from_moves(game, ["b1", "a1", "b2", "a2", "b3"]).first_player_outcome() == 1
    assert Position.from_moves(game, ["c1", "a1", "b2", "a2", "a3"]).first_player_outcome() == 1
    assert not Position.from_moves(game, ["a1", "a2", "b2", "b1", "c3"]).ended
    assert Position.from_moves(game, ["a1", "a2", "b1", "b2", "c1", "c2"]).first_player_outcome() == -1
    drawn = game.render(Position.from_moves(game, ["b1"]).state).splitlines()
    assert drawn[:3] == ["    a b c", " 1  . x .  1", "  2  . . .  2"]


def test_planes_and_logits_are_those_of_the_player_to_move():
    """What x sees in a position, o sees in the one with rows and columns, and the stones, changed."""
    game = load("hex:size=5,swap=1")  # with the swap either side may be to move here
    x = Position.from_moves(game, ["b1", "a1", "b2", "d4"]).state
    rows = rows_of(game, x)
    changed = "/".join("".join(row[c] for row in rows) for c in range(5)).translate(str.maketrans("xo", "ox"))
    o = game.from_text(f"{changed} o")
    planes = np.zeros((2, *game.planes), np.float32)
    rules(game).encode(x, planes[:1])
    rules(game).encode(o, planes[1:])
    assert np.array_equal(planes[0], planes[1])
    assert planes[0].sum(axis=(1, 2)).tolist() == [2, 2, 2, 0, 1, 0, 0]
    for states in (x, o):
        logits = {int(game.policy_index(game.record(states), a)) for a in rules(game).legal(states)}
        assert logits == set(np.flatnonzero(planes[0, :2].sum(axis=0) == 0).tolist())


def test_swap_mirrors_the_stone_and_only_at_once():
    game = load("hex:size=5,swap=1")
    position = Position(game)
    assert 25 not in position.legal()
    position.play_text("b4")
    assert position.legal()[-1] == 25
    assert game.format_action(position.state, 25) == "swap"
    position.play_text("swap")
    assert game.to_text(position.state) == "...../...o./...../...../..... x"
    assert len(position.legal()) == 24
    with pytest.raises(TandemError, match="illegal move"):
        position.play_text("swap")
    position.play_text("a1")
    assert game.to_text(position.state) == "x..../...o./...../...../..... o"
    assert 25 not in position.legal()
    declined = Position.from_moves(game, ["b4", "c3"])
    assert 25 not in declined.legal()
    with pytest.raises(TandemError, match="no cell"):
        load("hex:size=5").parse_action(Position(load("hex:size=5")).state, "swap")


def test_swap_texts():
    """With as many stones on both sides either may be to move: o after a swap."""
    game = load("hex:size=3,swap=1")
    for text in ("... /", ".../.../... o", "o../.../... o", "oo./.../... x", "xx./.../... o", "xo./.../..."):
        with pytest.raises(TandemError, match="no position"):
            game.from_text(text)
    for text in (".../.../... x", "x../.../... o", "o../.../... x", "xo./.../... x", "xo./.../... o"):
        assert game.to_text(game.from_text(text)) == text
    for text in ("o../.../... x", "xo./.../... o", "xoo/xo./x.. x"):
        with pytest.raises(TandemError, match="no position"):
            load("hex:size=3").from_text(text)


@pytest.mark.parametrize("spec", ["size=2", "size=14", "swap=2", "swap=-1"])
def test_ranges(spec):
    with pytest.raises(TandemError, match="size 3-13, swap 0 or 1"):
        load(f"hex:{spec}")
