"""Scores as the protocol writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.chess_value import SCALE
from interfaces.uci.report import MOST_CP, TABLE_CP, Work, centipawns, score, win_draw_loss


@pytest.mark.parametrize(
    ("value", "found"), [(0, 0), (9 / 11, 400), (-9 / 11, -400), (1, MOST_CP), (-1, -MOST_CP), (0.28, 100)]
)
def test_centipawns(value: float, found: int) -> None:
    assert centipawns(value) == found


@given(st.integers(-900, 900))
def test_centipawns_are_those_of_the_static_value(wanted: int) -> None:
    from math import tanh

    assert centipawns(tanh(wanted * SCALE)) == wanted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.5, 1, 1, None), "mate 1"),
        ((0.5, 1, 3, None), "mate 2"),
        ((-1, -1, 2, None), "mate -1"),
        ((-1, -1, 4, 0), "mate -2"),
        ((0.3, 0, 5, None), "cp 0"),
        ((0.3, None, None, 0), "cp 0"),
        ((0.3, None, None, 1), f"cp {TABLE_CP}"),
        ((0.3, None, None, -1), f"cp {-TABLE_CP}"),
        ((0.28, None, None, None), "cp 100"),
    ],
)
def test_score(arguments: tuple, words: str) -> None:
    assert score(*arguments) == words


@given(st.floats(0, 1), st.floats(0, 1))
def test_thousandths_add_up(a: float, b: float) -> None:
    low, high = sorted((a, b))
    words = win_draw_loss((low, high - low, 1 - high)).split()
    assert words[0] == "wdl"
    assert sum(map(int, words[1:])) == 1000
    assert min(map(int, words[1:])) >= -1


def test_work() -> None:
    assert Work(1, 0, 0, 0).depth == 1
    assert [Work(2**n, 1, 0, 0).depth for n in range(1, 20)] == list(range(1, 20))
    assert Work(500, 0.25, 0.5, 3).text == "nodes 500 nps 2000 hashfull 500 tbhits 3 time 250"
