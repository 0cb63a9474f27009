"""What an experiment reports: an answer in words, charts, tables, and every number behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from selfplay.report.figures import Board, Chart, Series, Table

# What a verdict takes: a thousand positions, less those that something was tuned on, and as many trainings.
ENOUGH_POSITIONS, ENOUGH_SEEDS = 900, 3


@dataclass(frozen=True)
class Row:
    """What an experiment has to say to the comparison of the approaches: one aspect, one cell for each."""

    aspect: str
    direct: str
    amortised: str
    both: str


@dataclass(frozen=True)
class Finding:
    """The result of one experiment.

    `answer` is one sentence made of the numbers. `enough` is False where there is too little evidence for it: the page
    then says so, and with `lacks` what it would take. `counted` holds numbers that the seed repeats, `timed` those that
    it does not.
    """

    answer: str
    row: Row | None = None
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    enough: bool = True
    counted: dict[str, Any] = field(default_factory=dict)
    timed: dict[str, Any] = field(default_factory=dict)
    boards: list[Board] = field(default_factory=list)
    lacks: str = "give the study more minutes"


def restored(kept: Mapping[str, Any]) -> Finding:
    """The finding of which `kept` is dataclasses.asdict. Raises TypeError or KeyError for anything else."""
    parts = dict(kept)
    row, charts, tables, boards = (parts.pop(name) for name in ("row", "charts", "tables", "boards"))
    return Finding(
        **parts,
        row=Row(**row) if row else None,
        charts=[Chart(**{**chart, "series": [Series(**series) for series in chart["series"]]}) for chart in charts],
        tables=[Table(**table) for table in tables],
        boards=[Board(**board) for board in boards],
    )
