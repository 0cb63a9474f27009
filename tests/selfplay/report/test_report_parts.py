"""The parts of a report: which rungs meet, rounds that a kill undid, calibration's intervals, where moves stand."""

from typing import Any

import numpy as np
import pytest

from engine.position import Position
from games.loader import load
from players.ratings import linked
from selfplay.report.boards import grid, places
from selfplay.report.census import ROWS, SCORE, clustered, value_sums
from selfplay.report.charts import svg
from selfplay.report.curves import MOST_POINTS, Curve, History
from selfplay.report.rungs import order
from tests.selfplay.helpers import played, write_game


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 7, 11, 20])
def test_all_neighbours_meet_and_the_far_ones_first(count: int) -> None:
    links = order(count)
    assert {(i, i + 1) for i in range(count - 1)} <= set(links)
    assert len(set(links)) == len(links)
    if count:
        assert linked("0", [(str(a), str(b)) for a, b in links]) == {str(i) for i in range(-1, count)}
    if count > 1:
        assert links[0] == (0, count - 1)
        gaps = [b - a for a, b in links if b >= 0]
        assert max(gaps[3:], default=0) <= (count + 1) // 2


def event(rounds: int, seconds: float, **values: Any) -> dict[str, Any]:
    return {"event": "round", "rounds": rounds, "seconds": seconds, **values}


def test_rounds_that_a_kill_undid_do_not_count() -> None:
    log = [event(1, 60, x=1.0), event(2, 120, x=2.0), event(3, 180, x=9.0), {"event": "records"}]
    history = History([*log, event(2, 150, x=3.0), event(3, 240, x=None)])
    assert history.curve("x") == Curve([1.0, 2.5], [1.0, 3.0])
    assert history.curve("y") == Curve([], [])


def test_minutes_at_which_games_were_played() -> None:
    history = History(
        [event(1, 60, games=0), event(2, 120, games=100), event(3, 180, games=100), event(4, 240, games=300)]
    )
    assert history.minutes_at("games", [0, 50, 100, 200, 300, 400]) == pytest.approx([1, 1.5, 2, 3.5, 4, 4])


def test_a_long_curve_is_thinned_to_means() -> None:
    n = 7 * MOST_POINTS
    thin = Curve([float(i) for i in range(n)], [float(i % 7) for i in range(n)]).thinned()
    assert thin.values == [3.0] * MOST_POINTS
    assert thin.minutes[:2] == [3.0, 10.0]


def test_calibration_counts_each_searched_position_once() -> None:
    batch = played(load("tictactoe"), 600)
    sums = value_sums(batch)
    brute: dict[int, list[float]] = {}
    for game in batch.records():
        for row in range(len(game.ply)):
            win, draw, _ = (float(p) for p in game.root_wdl[row])
            if game.kind[row] != 2 and win == win:
                score = (game.outcome * (1 if game.ply[row] % 2 == 0 else -1) + 1) / 2
                brute.setdefault(min(int((win + draw / 2) * 10), 9), []).append(score)
    assert {i: (int(s[ROWS]), s[SCORE]) for i, s in enumerate(sums) if s[ROWS]} == {
        i: (len(scores), sum(scores)) for i, scores in brute.items()
    }
    assert sum(map(len, brute.values())) > 300


def test_positions_of_a_game_count_as_one_observation() -> None:
    """Games of ten equal scores each have the interval of their number; coverage is that of an interval."""
    rng = np.random.default_rng(3)
    held = []
    for _ in range(500):
        won = rng.random(80) < 0.3
        s = 10.0 * won
        sums = np.array([800, s.sum(), 0, 80, (s * s).sum(), (10 * s).sum(), 8000])
        mean, band = clustered(sums)
        assert mean == pytest.approx(won.mean())
        held.append(band.low <= 0.3 <= band.high)
    assert 0.92 < np.mean(held) < 0.98
    assert clustered(np.array([50, 50.0, 0, 5, 500, 500, 500]))[1].low < 0.6  # five games, all won


SHIPPED = ("tictactoe", "connect4", "othello", "gomoku:size=9", "hex:size=5,swap=1", "breakthrough", "chess")


@pytest.mark.parametrize("spec", SHIPPED)
def test_boards_are_grids_and_moves_stand_where_they_are_written(spec: str) -> None:
    game = load(spec)
    _, rows, columns = game.planes
    position = Position(game)
    for step in range(12):
        if not position.playable:
            break
        signs = grid(game, game.render(position.state))
        assert signs is not None
        cells = [sign for sign in signs if sign.cell]
        assert len(cells) == rows * columns
        legal = position.legal()
        where = places(game, position, legal)
        assert where is not None
        for action, found in zip(legal, where, strict=True):
            text = game.format_action(position.state, action)
            if text in ("pass", "swap"):
                continue
            assert found, text
            # The column of the last square that the move names is that of a cell where it puts something.
            column = (
                int(text) - 1 if text.isdigit() else ord([c for c in text if c.isalpha()][-1 - text[-1].isalpha()]) - 97
            )
            assert column in {cell % columns for cell in found}, text
        position.play(legal[(7 * step + 3) % len(legal)])


def test_a_game_whose_boards_are_no_grid_is_shown_as_text(tmp_path: Any) -> None:
    from tests.selfplay.helpers import CHASE

    game = load(write_game(tmp_path, "chase", CHASE))
    position = Position(game)
    assert grid(game, game.render(position.state)) is None
    assert places(game, position, position.legal()) is None


def test_a_chart_names_nothing_outside() -> None:
    text = svg(History([event(1, 60, a=1.0), event(2, 70, a=2.0)]).chart("T", "u", {"a": "b"}))
    assert "http" not in text
    assert text.startswith("<svg")
