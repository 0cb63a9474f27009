"""Bars and tables: that they say what they are given, in any width."""

import numpy as np
import pytest
from rich.console import Console

from engine.result import MoveReport, SearchResult
from interfaces.tables import candidates, fitted, in_short, stacked

NAMES = ("you", "engine")


def lines(table, width: int) -> list[str]:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("wdl", "width", "bar"),
    [
        ((1, 0, 0), 34, "you 100% ############## 0% engine"),
        ((0.5, 0, 0.5), 38, "you 50% #########......... 50% engine"),
        ((0.25, 0.5, 0.25), 50, "you 25% #####==========..... 25% engine, draw 50%"),
        ((0.25, 0.5, 0.25), 30, "you 25%, draw 50%, 25% engine"),
    ],
)
def test_the_bar_is_shared_out_by_probability(wdl, width, bar):
    assert len(bar) <= width
    assert stacked(wdl, NAMES, width, unicode=False).plain == bar


def test_unicode_bars_tell_the_three_apart_without_colour():
    assert len(set(stacked((0.4, 0.3, 0.3), NAMES, 80, unicode=True).plain) & set("█▒░")) == 3


def result(reports: list[MoveReport]) -> SearchResult:
    n = len(reports)
    return SearchResult(
        "hybrid", 0, reports[0].move, np.arange(n, dtype=np.int32), np.array([r.visits for r in reports]),
        np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.nan), (0.5, 0, 0.5), ["a"], 1, 1, 0.1, None, 0, True,
    )  # fmt: skip


REPORTS = [
    MoveReport("d4", 1500, 0.25, 0.9, 0.123, (0.5, 0.2, 0.3), (-1, 1), None, ["d4", "e5", "f6", "g7"]),
    MoveReport("a1", 0, 0.125, 0.0, None, None, (-1, 1), None, ["a1"]),
    MoveReport("b2", 500, 0.5, 0.1, -1.0, (0, 0, 1), (-1, -1), 4, ["b2", "c3"]),
]


@pytest.mark.parametrize("width", [100, 60, 40, 30])
def test_candidates_fit_and_the_best_come_first(width):
    found = lines(candidates(REPORTS, result(REPORTS), width, 3), width)
    assert len(found) == 4
    assert max(map(len, found)) <= width
    assert [line.split()[:2] for line in found[1:]] == [["d4", "1,500"], ["b2", "500"], ["a1", "0"]]
    assert ("loss in 4 plies" in found[2]) == (width >= 60)


def test_every_column_says_what_the_search_found():
    found = lines(candidates(REPORTS, result(REPORTS), 100, 2), 100)
    assert found[0].split() == ["move", "visits", "share", "prior", "Q", "win/draw/loss", "then"]
    assert found[1].split() == ["d4", "1,500", "75%", "25.0%", "+0.123", "50/20/30", "e5", "f6", "g7"]
    assert len(found) == 3


def test_values_in_short():
    assert in_short((0.5, 0.25, 0.25), (-1, 1), None) == "50/25/25"
    assert in_short(None, (1, 1), 3) == "win in 3 plies"
    assert in_short(None, (0, 1), None) == "draw or win"
    assert in_short(None, (-1, 0), None) == "draw or loss"
    assert in_short(None, (-1, 1), None) == ""


def test_only_whole_words_of_the_last_column_are_kept():
    found = lines(fitted(["a", "b"], [["x", "one two three"]], 12, left=(0, 1)), 12)
    assert found == ["a  b", "x  one two"]
