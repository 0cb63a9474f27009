"""Accuracy by ply and above chance, by hand."""

import numpy as np
import pytest

from engine.position import Position
from games.loader import load
from selfplay.labels import Label
from studies.breakdown import bands, by_ply, corrected, disagreements
from studies.lab import Measured

GAME = load("tictactoe")


def label(plies: int, values: dict[int, int]) -> Label:
    position = Position(GAME)
    for action in range(plies):
        position.play(action)
    return Label(position, values)


LABELS = [label(0, {0: 1, 1: 0}), label(1, {1: 0, 2: 0, 3: -1, 4: -1}), label(6, {6: 1, 7: -1, 8: -1, 5: -1})]


def measured(kept: list[bool]) -> Measured:
    """Answers that are right or wrong as `kept` says."""
    zeros = np.zeros(len(kept))
    actions = [
        next(a for a, value in label.values.items() if (value == label.best) == right)
        for label, right in zip(LABELS, kept, strict=True)
    ]
    return Measured("net", None, np.array(actions), np.array(kept), zeros, zeros, zeros)


def test_chance_is_the_share_of_good_moves() -> None:
    assert [x.chance for x in LABELS] == [0.5, 0.5, 0.25]


def test_correction_is_0_at_chance_and_1_at_perfection() -> None:
    assert corrected(0.25, 0.25) == 0
    assert corrected(1, 0.25) == 1
    assert corrected(0.1, 0.4) == pytest.approx(-0.5)


def test_bands_hold_every_position_once() -> None:
    assert {name: at.tolist() for name, at in bands(LABELS).items()} == {"0-5": [0, 1], "6-11": [2]}


def test_the_table_says_what_each_band_came_to() -> None:
    table = by_ply(LABELS, {"a": measured([True, False, True]), "b": measured([True, True, False])})
    assert table.columns == ["plies played", "n", "chance", "a", "b"]
    assert table.rows[0] == ["0-5", "2", "50%", "50.0%", "100.0%"]
    assert table.rows[1] == ["6-11", "1", "25%", "100.0%", "0.0%"]
    assert table.rows[2] == ["all", "3", "42%", "66.7%", "66.7%"]
    assert table.rows[3] == ["all, chance at 0, perfection at 1", "3", "0", "0.429", "0.429"]


def test_boards_show_who_errs_where_another_does_not() -> None:
    players = {"a": measured([True, False, True]), "b": measured([True, True, False])}
    first, second = disagreements(GAME, LABELS, players, [("a", "b"), ("b", "a"), ("a", "b")])
    state = LABELS[1].position.state
    wrong, right, other = (GAME.format_action(state, action) for action in (3, 1, 2))
    assert (
        first.title
        == f"a errs, b does not, after 1 plies: a plays {wrong}, b plays {right}; right are {right}, {other}"
    )
    assert first.text == GAME.render(state)
    assert second.text == GAME.render(LABELS[2].position.state)
