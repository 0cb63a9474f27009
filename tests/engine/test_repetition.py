"""Repetition, on a toy: two players who can only shuffle or lose. The fifth position is the first one again."""

import pytest

from engine.position import Position
from games.check import check
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import searcher

TOY = '''"""Two sentries: a player steps aside and back (s), or leaves the post (l) and loses. Three of one draw."""

import numpy as np

STATE = np.dtype([("mine", "u1"), ("yours", "u1"), ("second", "u1"), ("over", "u1"), ("clock", "u1")])
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = 2, 2, 60, (3, 1, 1)
REPETITION = 3


def start(s):
    s.mine = s.yours = s.second = s.over = s.clock = 0


def legal(s, out):
    if s.over or s.clock >= MAX_PLIES:
        return 0
    out[0] = 0
    out[1] = 1
    return 2


def play(s, a):
    mine = s.mine ^ (1 if a == 0 else 0)
    s.mine = s.yours
    s.yours = mine
    s.second ^= 1
    s.over = a
    s.clock += 1


def outcome(s):
    return 1.0 if s.over else 0.0


def encode(s, planes):
    planes[0, 0, 0] = s.mine
    planes[1, 0, 0] = s.yours
    planes[2, 0, 0] = s.second


def key(s):
    return np.uint64(s.mine | s.yours << 1 | s.second << 2 | s.over << 3)


def format_action(s, a):
    return "sl"[a]


def parse_action(s, text):
    if text not in ("s", "l"):
        raise ValueError("write s or l")
    return "sl".index(text)


def to_text(s):
    return f"{s.mine} {s.yours} {s.second} {s.over} {s.clock}"


def from_text(text, s):
    s.mine, s.yours, s.second, s.over, s.clock = (int(word) for word in text.split())


def render(s):
    return to_text(s)
'''
# The same with no clock in the record, so that the default key, over all of it, repeats.
BARE = (
    TOY.replace(', ("clock", "u1")', "")
    .replace(" = s.clock = 0", " = 0")
    .replace(" or s.clock >= MAX_PLIES", "")
    .replace("    s.clock += 1\n", "")
    .replace(" {s.clock}", "")
    .replace(", s.clock", "")
)
BARE = BARE[: BARE.index("def key")] + BARE[BARE.index("def format_action") :]


def game_of(folder, text=TOY, name="sentries"):
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


@pytest.fixture
def game(tmp_path):
    return game_of(tmp_path)


def shuffled(game, plies):
    return Position.from_moves(game, ["s"] * plies)


def test_the_toy_keeps_the_contract(game):
    assert check(game).findings == []


@pytest.mark.parametrize("text", [TOY, BARE], ids=["own key", "default key"])
def test_the_third_occurrence_ends_the_game(tmp_path, text):
    position = Position(game_of(tmp_path, text))
    for _ in range(8):
        assert position.ended == ""
        position.play(0)
    assert position.ended == "repetition"
    assert (position.outcome(), position.first_player_outcome()) == (0, 0)
    assert position.legal() == [0, 1], "nobody has claimed it yet"
    assert position.copy().ended == "repetition"
    position.undo()
    assert position.ended == ""
    position.play(1)
    assert position.ended == "rules"
    assert (position.outcome(), position.first_player_outcome()) == (1, 1)


def test_the_last_ply_ends_the_game(tmp_path):
    game = game_of(tmp_path, BARE.replace("REPETITION = 3", "REPETITION = 0"))
    position = shuffled(game, 59)
    assert position.ended == ""
    position.play(0)
    assert (position.ended, position.outcome()) == ("max plies", 0)
    with pytest.raises(TandemError, match="max plies"):
        searcher(game, "hybrid").run(position, simulations=5)


@pytest.mark.parametrize("settings", [{"mode": "search"}, {"mode": "hybrid"}, {"mode": "hybrid", "leaves": 4}], ids=str)
@pytest.mark.parametrize("text", [TOY, BARE], ids=["own key", "default key"])
def test_only_a_true_repetition_proves(tmp_path, text, settings):
    """Before ply 4 every line of shuffling meets its second occurrence first: worth a draw, proof of nothing.

    From ply 4 on the line of shuffling reaches the third occurrence of the start at ply 8.
    """
    game = game_of(tmp_path, text)
    for plies in range(8):
        search = searcher(game, **settings, early_stop=False)
        result = search.run(shuffled(game, plies), simulations=400)
        assert result.move == "s"
        assert result.proofs[1] == -1, "leaving the post loses by the rules"
        assert result.proven == (None if plies < 4 else 0)
        assert result.plies == (0 if plies < 4 else 8 - plies)
        assert result.q[0] > -0.5
        if plies >= 4:
            assert result.pv == ["s"] * (8 - plies)
            assert result.wdl == (0, 1, 0)
        elif settings["mode"] == "search":
            assert result.wdl[1] > 0.8, "the second occurrence is worth a draw"


@pytest.mark.parametrize("draw_value", [-0.9, 0.9])
def test_a_repeated_line_is_worth_the_draw_value(game, draw_value):
    search = searcher(game, draw_value=draw_value, early_stop=False)
    result = search.run(shuffled(game, 1), simulations=2000)
    assert result.proven is None
    assert result.q[0] == pytest.approx(draw_value, abs=0.1)


@pytest.mark.parametrize("mode", ["search", "hybrid", "net", "value"])
def test_an_unclaimed_draw_does_not_end_the_root(game, mode):
    """Whoever asks for a move at the third occurrence gets one, also on the tree in which that was a proven draw."""
    position = shuffled(game, 7)
    search = searcher(game, mode, early_stop=False)
    search.run(position, simulations=100)
    position.play(0)
    assert position.ended == "repetition"
    result = search.run(position, simulations=100)
    assert result.action in (0, 1)
    if mode in ("search", "hybrid"):
        assert result.move == "s"
        assert result.simulations == 100


def test_without_solve_nothing_is_proven(game):
    result = searcher(game, solve=False, early_stop=False).run(shuffled(game, 5), simulations=300)
    assert result.proven is None
    assert result.move == "s"


def test_a_tree_reused_over_the_cycle_stays_true(game):
    """One tree through two laps: what repeated below an old root is only part of the past below the next."""
    for settings in ({"mode": "search"}, {"mode": "hybrid", "leaves": 4}):
        search, position = searcher(game, **settings, early_stop=False), Position(game)
        while not position.ended:
            result = search.run(position, simulations=300)
            assert (result.move, result.proven) == ("s", None if position.ply < 4 else 0)
            position.play(result.action)
        assert (position.ended, position.ply) == ("repetition", 8)
