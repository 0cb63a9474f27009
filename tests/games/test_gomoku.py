"""Gomoku: runs of five and longer, under both rules, against walking along the lines."""

import random

import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.rules import rules

FREE, EXACT = load("gomoku:size=9"), load("gomoku:size=9,rule=exact")
SCATTERED = [(8, 1), (8, 3), (8, 5), (7, 7), (2, 5), (3, 1), (5, 2), (1, 4), (6, 0), (7, 2)]
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def board(game, stones, others=()):
    """The position with x on the cells `stones`, o on `others` and x to move; cells are (row, column)."""
    size = game.planes[1]
    cells = [["." for _ in range(size)] for _ in range(size)]
    for mark, where in (("x", stones), ("o", others)):
        for r, c in where:
            cells[r][c] = mark
    return Position.from_text(game, "/".join("".join(row) for row in cells[::-1]))


def runs(game, position, r, c):
    """Lengths of the four runs through a stone, walked along the lines."""
    rows = game.to_text(position.state).split("/")[::-1]
    size, found = len(rows), []
    for dr, dc in STEPS:
        length = 1
        for sign in (1, -1):
            y, x = r + sign * dr, c + sign * dc
            while 0 <= y < size and 0 <= x < size and rows[y][x] == rows[r][c]:
                length, y, x = length + 1, y + sign * dr, x + sign * dc
        found.append(length)
    return found


@pytest.mark.parametrize("length", range(4, 10))
@pytest.mark.parametrize("step", STEPS)
def test_lengths(step, length):
    """Played so that the last stone closes the run, anywhere in it."""
    for game in (FREE, EXACT):
        line = [(0 + i * step[0], (0 if step[1] >= 0 else 8) + i * step[1]) for i in range(length)]
        others = [cell for cell in SCATTERED if cell not in line]
        for last in range(length):
            if max(last, length - 1 - last) > (3 if game is FREE else 4):
                continue  # a run that had won before
            stones = [cell for i, cell in enumerate(line) if i != last]
            position = board(game, stones, others[: len(stones)])
            position.play(9 * line[last][0] + line[last][1])
            won = length >= 5 if game is FREE else length == 5
            assert bool(position.ended) is won, (game.spec, length, last)
            assert not won or position.outcome() == -1


def test_a_five_beside_an_overline_wins():
    """The stone at c3 closes six in the row, which is nothing, and five in the column."""
    row, column = [(2, c) for c in (0, 1, 3, 4, 5)], [(r, 2) for r in (0, 1, 3, 4)]
    others = [(8, 0), (8, 2), (8, 4), (8, 6), (8, 8), (6, 1), (6, 3), (6, 5), (6, 7)]
    for stones, won in ((row, False), (row + column, True)):
        position = board(EXACT, stones, others[: len(stones)])
        position.play_text("c3")
        assert bool(position.ended) is won


@pytest.mark.parametrize("game", [FREE, EXACT, load("gomoku:size=6,rule=exact")], ids=lambda game: game.spec)
def test_random_games_against_walking(game):
    compiled, choose, ends, size = rules(game), random.Random(4), set(), game.planes[1]
    for _ in range(60):
        position = Position(game)
        while True:
            action = choose.choice(position.legal())
            position.play(action)
            found = runs(game, position, action // size, action % size)
            won = 5 in found if game.parameters["rule"] == "exact" else max(found) >= 5
            free = sorted(set(range(size**2)) - set(position.actions))
            assert compiled.legal(position.state) == ([] if won else free)
            if position.ended:
                assert position.outcome() == (-1 if won else 0)
                ends.add(position.first_player_outcome())
                break
    assert ends >= {1, -1}


def test_a_position_read_from_text_knows_its_winner():
    position = Position(FREE)
    for move in ["e5", "a1", "e6", "a2", "e7", "b1", "e8", "c2", "e9"]:
        assert not position.ended
        position.play_text(move)
    again = Position.from_text(FREE, FREE.to_text(position.state))
    assert again.ended == "rules"
    assert again.outcome() == -1
    with pytest.raises(TandemError, match="already won"):  # as if o had gone on
        FREE.from_text(FREE.to_text(position.state)[:-1] + "o")


def test_letters_have_no_gap():
    wide = load("gomoku:size=20")
    first = Position(wide)
    assert [wide.format_action(first.state, a) for a in (0, 8, 19, 399)] == ["a1", "i1", "t1", "t20"]
    assert wide.render(first.state).splitlines()[-1].split() == list("abcdefghijklmnopqrst")


@pytest.mark.parametrize("spec", ["size=4", "size=21", "rule=standard", "rule=Exact"])
def test_ranges(spec):
    with pytest.raises(TandemError, match="size 5-20, rule free or exact"):
        load(f"gomoku:{spec}")
