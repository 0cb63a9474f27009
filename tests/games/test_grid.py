"""Boards as they are drawn: what stands where, which cells a move touches, what ended the game."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.position import Position
from games.contract import LOOKS
from games.grid import runs
from games.loader import load
from games.rng import Random
from tests.games.test_add_a_game import FILE

GAMES = [
    "tictactoe",
    "connect4",
    "connect4:rows=4,columns=9,connect=3,misere=1",
    "othello:size=6",
    "gomoku:size=6",
    "gomoku:size=7,rule=exact",
    "hex:size=4,swap=1",
    "hex:size=7",
    "breakthrough:size=6",
    "chess",
    f"{FILE}:size=5",
]


def played(spec, seed):
    """A game of random moves, to its end or 120 plies."""
    position, rng = Position(load(spec)), Random(seed)
    while not position.ended and position.ply < 120:
        legal = position.legal()
        position.play(legal[rng.below(len(legal))])
    return position


@pytest.mark.parametrize("spec", GAMES)
def test_a_move_is_drawn_where_it_touches(spec):
    position = played(spec, 3)
    game = position.game
    assert game.grid.look in LOOKS
    for before, after, action in zip(position.states, position.states[1:], position.actions, strict=False):
        cells, old, new = game.touched(before, action), game.pieces(before), game.pieces(after)
        name = game.format_action(before, action)
        if name in ("swap", "pass"):
            assert cells == []
            continue
        row, column = cells[-1]
        assert new[row][column] not in (".", old[row][column])
        assert game.grid.columns[column] + game.grid.rows[row] in name or len(cells) == 2
        if len(cells) == 2 and game.name != "domineering":
            left, stood = cells[0], old[cells[0][0]][cells[0][1]]
            assert stood != "."
            assert new[left[0]][left[1]] == "."
            assert name.startswith(game.grid.columns[left[1]] + game.grid.rows[left[0]])


@pytest.mark.parametrize("spec", GAMES)
def test_a_game_is_drawn_as_it_is_rendered(spec):
    position = played(spec, 4)
    for state in position.states:
        lines = iter(position.game.render(state).splitlines())
        assert all(any(" ".join(row) in line for line in lines) for row in position.game.pieces(state))


def lines_through(rows, least, most):
    """The same by brute force: every cell, in four directions, as far as its own piece goes both ways."""
    height, width = len(rows), len(rows[0])

    def reach(r, c, down, right):
        piece, n = rows[r][c], 0
        while 0 <= r + down < height and 0 <= c + right < width and rows[r + down][c + right] == piece:
            r, c, n = r + down, c + right, n + 1
        return n

    return [
        (r, c)
        for r, c in product(range(height), range(width))
        if rows[r][c] != "."
        and any(
            least <= 1 + reach(r, c, down, right) + reach(r, c, -down, -right) <= most
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
        )
    ]


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_runs_are_those_of_brute_force(height, width, data):
    rows = data.draw(st.lists(st.text("xo.", min_size=width, max_size=width), min_size=height, max_size=height))
    least = data.draw(st.integers(2, 4))
    assert runs(rows, least) == lines_through(rows, least, 99)
    assert runs(rows, least, least) == lines_through(rows, least, least)


@pytest.mark.parametrize(
    ("spec", "least"), [("tictactoe", 3), ("connect4", 4), ("gomoku:size=6", 5), ("gomoku:size=7,rule=exact", 5)]
)
def test_a_line_ends_the_game_and_a_full_board_has_none(spec, least):
    for seed in range(30):
        position = played(spec, seed)
        cells, rows = position.game.ended_by(position.state), position.game.pieces(position.state)
        winner = position.first_player_outcome()
        assert {rows[r][c] for r, c in cells} == ({"x"} if winner > 0 else {"o"} if winner < 0 else set())
        assert len(cells) >= least or winner == 0
        assert not winner or position.game.touched(position.states[-2], position.actions[-1])[-1] in cells


def test_a_chain_of_hex_joins_the_winners_edges_without_a_stone_too_many():
    for seed in range(30):
        position = played("hex:size=5", seed)
        chain, rows = position.game.ended_by(position.state), position.game.pieces(position.state)
        side = 0 if position.first_player_outcome() > 0 else 1
        assert {rows[r][c] for r, c in chain} == {"xo"[side]}
        assert {chain[0][side], chain[-1][side]} == {0, 4}
        steps = {(a - r, b - c) for (r, c), (a, b) in pairwise(chain)}
        assert steps <= {(0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)}
        assert len(set(chain)) == len(chain)


def test_breakthrough_ends_on_a_home_row_and_chess_with_the_mated_king():
    for seed in range(10):
        position = played("breakthrough:size=6", seed)
        assert position.game.touched(position.states[-2], position.actions[-1])[-1:] == position.game.ended_by(
            position.state
        )
    mate = Position.from_moves(load("chess"), ["f3", "e5", "g4", "Qh4"])
    assert mate.game.ended_by(mate.state) == [(7, 4)]
    stalemate = Position.from_text(mate.game, "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1")
    assert stalemate.ended
    assert mate.game.ended_by(stalemate.state) == []


def test_castling_and_promotion_touch_the_kings_and_the_pawns_squares():
    game = load("chess")
    castles = Position.from_text(game, "4k2r/8/8/8/8/8/P7/4K2R b k - 0 1")
    assert game.touched(castles.state, game.parse_action(castles.state, "O-O")) == [(0, 4), (0, 6)]
    pawn = Position.from_text(game, "8/P6k/8/8/8/8/8/K7 w - - 0 1")
    assert {tuple(game.touched(pawn.state, game.parse_action(pawn.state, f"a7a8{p}"))) for p in "qrbn"} == {
        ((1, 0), (0, 0))
    }
