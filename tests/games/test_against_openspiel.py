"""The rules against OpenSpiel's, which we did not write: random games with equal legal moves, lengths and winners."""

import random

import pyspiel
import pytest

from games.loader import load
from games.rules import rules

# (our spec, OpenSpiel's, random games, the first player's results among them)
GAMES = [
    ("tictactoe", "tic_tac_toe", 2000, {1, 0, -1}),
    ("connect4", "connect_four", 2000, {1, 0, -1}),
    ("connect4:rows=4,columns=4,connect=3", "connect_four(rows=4,columns=4,x_in_row=3)", 2000, {1, 0, -1}),
    ("connect4:rows=5,columns=9,connect=5", "connect_four(rows=5,columns=9,x_in_row=5)", 500, {1, 0, -1}),
    ("connect4:rows=12,columns=4,connect=5", "connect_four(rows=12,columns=4,x_in_row=5)", 500, {1, 0, -1}),
    # Lines longer than the board is wide: here shifts of the bitboard leave the word.
    ("connect4:rows=15,columns=4,connect=7", "connect_four(rows=15,columns=4,x_in_row=7)", 500, {1, 0, -1}),
    ("connect4:rows=15,columns=4,connect=8", "connect_four(rows=15,columns=4,x_in_row=8)", 500, {1, 0, -1}),
    ("connect4:rows=15,columns=4,connect=15", "connect_four(rows=15,columns=4,x_in_row=15)", 100, {0}),
]


@pytest.mark.parametrize(("ours", "theirs", "games", "outcomes"), GAMES, ids=[g[0] for g in GAMES])
def test_random_games(ours, theirs, games, outcomes):
    game, reference = load(ours), pyspiel.load_game(theirs)
    compiled, choose = rules(game), random.Random(1)
    assert game.actions == reference.num_distinct_actions()
    assert game.max_plies == reference.max_game_length()
    seen = set()
    for _ in range(games):
        states, other, plies = compiled.first(), reference.new_initial_state(), 0
        while True:
            assert compiled.legal(states) == sorted(other.legal_actions()), str(other)
            if other.is_terminal():
                break
            action = choose.choice(other.legal_actions())
            compiled.play(states, 0, action)
            other.apply_action(action)
            plies += 1
        assert compiled.outcome(states, 0) == other.returns()[plies % 2], str(other)
        seen.add(other.returns()[0])
    assert seen == outcomes


def test_one_row_of_four_is_not_eight():
    """A shift by the whole word must not leave the stones where they were."""
    game = load("connect4:rows=15,columns=4,connect=8")
    state = game.from_text("xo/xo/xo/xo")
    assert rules(game).legal(state) == [0, 1, 2, 3]
    assert game.legal(game.record(state), [0] * 4) == 4
