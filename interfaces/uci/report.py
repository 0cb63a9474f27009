"""What a search knows, as `info` lines."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.result import MoveReport, SearchResult
from engine.search import Search

MOST_CP = 10_000
TABLE_CP = 20_000  # what other engines say of a win by the tables


@dataclass(frozen=True)
class Work:
    """What a `go` took so far; `full` is how much of the tree's memory is used, in [0, 1]."""

    nodes: int
    seconds: float
    full: float
    table_hits: int

    @property
    def depth(self) -> int:
        """Doublings of the work: the opposite of `go depth`."""
        return max(1, self.nodes.bit_length() - 1)

    @property
    def text(self) -> str:
        """As the protocol has it."""
        speed = round(self.nodes / max(self.seconds, 1e-3))
        full, milliseconds = round(1000 * self.full), round(1000 * self.seconds)
        return f"nodes {self.nodes} nps {speed} hashfull {full} tbhits {self.table_hits} time {milliseconds}"


def centipawns(value: float) -> int:
    """Hundredths of a pawn at which `value`, win less loss probability in [-1, 1], is expected.

    Four pawns ahead are ten wins to a loss, as https://www.chessprogramming.org/Pawn_Advantage,_Win_Percentage,_and_Elo
    has it; what a search without a net goes by (games/chess_value.py).
    """
    if abs(value) >= 1:
        return round(math.copysign(MOST_CP, value))
    return round(max(-MOST_CP, min(MOST_CP, 400 * math.log10((1 + value) / (1 - value)))))


def score(value: float, proven: int | None, plies: int | None, tables: int | None) -> str:
    """The score of a move: mates that are proven, else what the tables say of the position, else its value."""
    if proven and plies is not None:
        return f"mate {proven * ((plies + 1) // 2)}"
    if proven == 0 or tables == 0:
        return "cp 0"
    return f"cp {centipawns(value) if tables is None else tables * TABLE_CP}"


def win_draw_loss(wdl: Iterable[float]) -> str:
    """Thousandths that add up to 1,000, as UCI_ShowWDL has them."""
    win, _, loss = (round(1000 * share) for share in wdl)
    return f"wdl {win} {1000 - win - loss} {loss}"


def info_lines(
    search: Search, result: SearchResult, lines: int, work: Work, *, show_wdl: bool, tables: int | None
) -> list[str]:
    """One line for the move that `result` chose, then for the next best, up to `lines`.

    Those never visited come last, by prior and with the position's value. `tables` is the outcome of the position by
    the tables, if they know it.
    """
    q = np.nan_to_num(result.q, nan=-2)
    best_first = np.lexsort((result.prior, q, result.policy, result.actions == result.action))[::-1]
    shown = {int(result.actions[i]): number for number, i in enumerate(best_first[:lines], 1)}
    reports = zip(sorted(shown), search.moves(result, shown), strict=True)  # both in the order of the actions
    found = {shown[action]: _line(report, result, shown[action], work, show_wdl, tables) for action, report in reports}
    return [found[number] for number in sorted(found)]


def _line(report: MoveReport, result: SearchResult, number: int, work: Work, show_wdl: bool, tables: int | None) -> str:
    low, high = report.bounds
    value = result.value if report.q is None else report.q
    words = [f"info depth {work.depth} seldepth {max(len(report.pv), 1)} multipv {number} score"]
    words.append(score(value, low if low == high else None, report.plies, tables))
    if show_wdl:
        words.append(win_draw_loss(report.wdl or result.wdl))
    return " ".join([*words, work.text, "pv", *report.pv])
