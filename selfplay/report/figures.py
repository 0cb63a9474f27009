"""What pages show: charts, tables and boards, as numbers and text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """One line of a chart: points, and where known the 95 % interval of each."""

    name: str
    x: list[float]
    y: list[float]
    low: list[float] | None = None
    high: list[float] | None = None


@dataclass(frozen=True)
class Chart:
    """Lines over a common axis; `percent` shows y as percentages, `from_zero` x from 0 on."""

    title: str
    x_label: str
    y_label: str
    series: list[Series]
    log_x: bool = True
    log_y: bool = False
    percent: bool = True
    from_zero: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells as they are shown."""

    title: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Board:
    """A position as text, and what there is to see in it."""

    title: str
    text: str
