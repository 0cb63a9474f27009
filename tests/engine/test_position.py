"""A position with its past: play, undo, copies, texts, and lines that name what is wrong."""

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load


def test_play_and_undo():
    position = Position(load("connect4"))
    texts = [position.game.to_text(position.state)]
    for move in "44123":
        position.play_text(move)
        texts.append(position.game.to_text(position.state))
    assert position.moves_text() == list("44123")
    assert (position.ply, position.actions) == (5, [3, 3, 0, 1, 2])
    twin = position.copy()
    for text in reversed(texts[:-1]):
        position.undo()
        assert position.game.to_text(position.state) == text
    with pytest.raises(TandemError, match="nothing to undo"):
        position.undo()
    assert twin.game.to_text(twin.state) == texts[-1]
    assert (twin.ply, len(twin.keys), len(twin.states)) == (5, 6, 6)


OUTCOMES = [
    ("connect4", "1212121", -1, 1),
    ("connect4", "71212121", -1, -1),
    ("tictactoe", "a1 b1 a2 b2 a3", -1, 1),
    ("tictactoe", "b2 a1 a2 c2 b1 b3 c3 c1 a3", 0, 0),
]


@pytest.mark.parametrize(("name", "moves", "mover", "first"), OUTCOMES)
def test_outcomes_for_the_mover_and_the_first_player(name, moves, mover, first):
    position = Position.from_moves(load(name), moves.split() if " " in moves else list(moves))
    assert position.ended == "rules"
    assert (position.outcome(), position.first_player_outcome()) == (mover, first)
    assert position.legal() == []
    assert position.legal_text() == "none, the game is over"


@pytest.mark.parametrize("move", ["1", "9", "x", ""])
def test_a_bad_move_changes_nothing(move):
    position = Position.from_text(load("connect4"), "xoxoxo//////")
    with pytest.raises(TandemError) as caught:
        position.play_text(move)
    assert "2 3 4 5 6 7" in str(caught.value) or "from 1 to 7" in str(caught.value)
    assert (position.ply, len(position.states)) == (0, 1)


@pytest.mark.parametrize("action", [-1, 7, 10**6])
def test_an_action_that_is_none(action):
    position = Position(load("tictactoe") if action > 8 else load("connect4"))
    with pytest.raises(TandemError, match="illegal move"):
        position.play(action)


def test_recent_moves_as_if_the_game_had_begun_there():
    position = Position.from_moves(load("chess"), ["e2e4", "e7e5", "g1f3", "b8c6"])
    recent = position.recent(3)
    assert recent.moves_text() == ["e7e5", "g1f3", "b8c6"]
    assert (recent.keys, recent.state.tobytes()) == (position.keys[1:], position.state.tobytes())
    recent.undo()
    assert position.ply == 4
    assert position.recent(9).actions == position.actions


def test_a_draw_that_can_be_claimed_is_played_on():
    position = Position(load("chess"))
    for _ in range(2):
        for move in ("g1f3", "g8f6", "f3g1", "f6g8"):
            assert position.playable
            assert not position.ended
            position.play_text(move)
    assert (position.ended, position.playable) == ("repetition", True)
    position.play_text("e2e4")
    assert Position.from_text(position.game, "7k/8/8/8/8/6K1/8/R7 w - - 100 90").playable
    assert not Position.from_text(position.game, "7k/8/8/8/8/6K1/8/R7 w - - 150 90").playable
