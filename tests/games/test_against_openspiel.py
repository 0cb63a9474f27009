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
    ("othello", "othello", 100, {1, 0, -1}),
    ("gomoku", "mnk(m=15,n=15,k=5)", 20, {1, -1}),
    ("gomoku:size=9", "mnk(m=9,n=9,k=5)", 100, {1, -1}),
    ("gomoku:size=5", "mnk(m=5,n=5,k=5)", 100, {1, 0, -1}),
    ("hex", "hex(board_size=11)", 20, {1, -1}),
    ("hex:size=5", "hex(board_size=5)", 100, {1, -1}),
    ("hex:size=8", "hex(board_size=8)", 100, {1, -1}),  # sixty-four cells fill a word
    ("hex:size=4,swap=1", "hex(board_size=4,swap=True)", 100, {1, -1}),
    ("breakthrough", "breakthrough", 100, {1, -1}),
    ("breakthrough:size=6", "breakthrough(rows=6,columns=6)", 100, {1, -1}),
]
MANY = [g for g in GAMES if not g[0].startswith(("tictactoe", "connect4"))]


def same_actions(game, states, other):
    """{our action: OpenSpiel's} for every move that is legal to OpenSpiel."""
    if game.name != "breakthrough":
        return {action: action for action in other.legal_actions()}
    # OpenSpiel's first player starts at the top; a * marks what takes.
    size = game.planes[1]
    texts = {action: other.action_to_string(action).rstrip("*") for action in other.legal_actions()}
    texts = {action: f"{t[0]}{size + 1 - int(t[1])}{t[2]}{size + 1 - int(t[3])}" for action, t in texts.items()}
    return {game.parse_action(states, text): action for action, text in texts.items()}


@pytest.mark.parametrize(("ours", "theirs", "games", "outcomes"), GAMES, ids=[g[0] for g in GAMES])
def test_random_games(ours, theirs, games, outcomes):
    assert play_random_games(ours, theirs, games) == outcomes


@pytest.mark.slow
@pytest.mark.parametrize(("ours", "theirs", "games", "outcomes"), MANY, ids=[g[0] for g in MANY])
def test_many_random_games(ours, theirs, games, outcomes):
    assert play_random_games(ours, theirs, 2000) >= outcomes


def play_random_games(ours, theirs, games):
    """Hold the rules against each other at every ply; the first player's results."""
    game, reference = load(ours), pyspiel.load_game(theirs)
    compiled, choose = rules(game), random.Random(1)
    if game.name != "breakthrough":  # where OpenSpiel tells a move that takes from one that does not
        assert game.actions == reference.num_distinct_actions()
    if game.name not in ("breakthrough", "othello", "hex"):  # where OpenSpiel's bound is wide, or forgets the swap
        assert game.max_plies == reference.max_game_length()
    seen = set()
    for _ in range(games):
        states, other, plies = compiled.first(), reference.new_initial_state(), 0
        while True:
            actions = same_actions(game, states, other)
            assert sorted(compiled.legal(states)) == sorted(actions), str(other)
            if other.is_terminal():
                break
            action = choose.choice(sorted(actions))
            compiled.play(states, 0, action)
            other.apply_action(actions[action])
            plies += 1
        assert compiled.outcome(states, 0) == other.returns()[plies % 2], str(other)
        assert plies <= game.max_plies
        seen.add(other.returns()[0])
    return seen


def test_one_row_of_four_is_not_eight():
    """A shift by the whole word must not leave the stones where they were."""
    game = load("connect4:rows=15,columns=4,connect=8")
    state = game.from_text("xo/xo/xo/xo")
    assert rules(game).legal(state) == [0, 1, 2, 3]
    assert game.legal(game.record(state), [0] * 4) == 4
