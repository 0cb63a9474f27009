"""The trees of one seeded search per game, pinned by a number: a change of behaviour shows here, a change of speed not.

After a change that is meant, put the new values here and say in the commit why they moved.
"""

import pytest

from benchmarks.bench import signature
from games.loader import known_games

SIGNATURES = {
    "breakthrough": ("146933 8c88e10b364a", "146933 8c88e10b364a"),
    "chess": ("92975 99fb312cb618", "92975 99fb312cb618"),
    "connect4": ("42549 e73f43eafba8", "42131 c8662c53e0bf"),
    "gomoku": ("1649291 a04f13c97d48", "1649291 a04f13c97d48"),
    "hex": ("850180 c1a3de5eee85", "850180 c1a3de5eee85"),
    "othello": ("40895 0882b98066f1", "40895 0882b98066f1"),
    "tictactoe": ("19743 8e7149201537", "13035 78dbc87f7c3f"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    assert (signature(name), signature(name, solve=False)) == SIGNATURES[name]


def test_every_game_is_signed():
    assert list(SIGNATURES) == known_games()


def test_a_signature_tells_searches_apart():
    assert len({signature("tictactoe", n, solve=solve) for n in (999, 1000) for solve in (True, False)}) == 4
