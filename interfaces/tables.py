"""Values, candidate moves and comparisons as a person reads them: bars and tables for a console of any width."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from engine.exact import Solution
from engine.result import OUTCOME_WORD, MoveReport, SearchResult, in_plies
from interfaces.board import FIRST, LABEL, SECOND

Wdl = tuple[float, float, float]

MOST_BAR, LEAST_BAR = 40, 8  # characters
BLOCKS, LETTERS = "█▒░", "#=."  # of first player, draw and second player
SPACE = 2  # between two columns of a table


def stacked(wdl: Wdl, names: tuple[str, str], width: int, *, unicode: bool) -> Text:
    """Win, draw and loss as one bar of all: `wdl` and `names` are the first player's and the second's."""
    left, right = f"{names[0]} {wdl[0]:.0%} ", f" {wdl[2]:.0%} {names[1]}"
    more = f", draw {wdl[1]:.0%}" if wdl[1] >= 0.005 else ""
    length = min(MOST_BAR, width - len(left) - len(right) - len(more) - 1)
    if length < LEAST_BAR:
        return Text(f"{left.strip()}{more}, {right.strip()}")
    # Of the roundings those of the running sums, so that the parts make up the whole.
    first, both = round(length * wdl[0]), round(length * (wdl[0] + wdl[1]))
    parts = zip(
        (first, both - first, length - both), BLOCKS if unicode else LETTERS, (FIRST, LABEL, SECOND), strict=True
    )
    bar = Text.assemble(*((character * count, style) for count, character, style in parts))
    return Text.assemble(left, bar, right, more)


def worth(report: MoveReport, result: SearchResult) -> tuple[bool, float, int, float, float]:
    """Sorts the moves of a search, the best last: the chosen one, then by policy, visits, Q and prior."""
    chosen = report.move == result.move
    return chosen, report.policy or 0, report.visits, -2 if report.q is None else report.q, report.prior or 0


def candidates(reports: Sequence[MoveReport], result: SearchResult, width: int, most: int) -> Table:
    """The moves of a search, at most `most`, the best first: visits, prior, Q, win / draw / loss and the line."""
    shown = sorted(reports, key=lambda report: worth(report, result), reverse=True)[:most]
    total = sum(report.visits for report in reports)
    rows = [
        [
            report.move,
            f"{report.visits:,}",
            f"{report.visits / total:.0%}" if total else "",
            "" if report.prior is None else f"{report.prior:.1%}",
            "" if report.q is None else f"{report.q:+.3f}",
            in_short(report.wdl, report.bounds, report.plies),
            " ".join(report.pv[1:]),
        ]
        for report in shown
    ]
    heads = ["move", "visits", "share", "prior", "Q", "win/draw/loss", "then"]
    # What goes first where there is no room for all.
    return fitted(heads, rows, width, left=(0, 6), optional=(2, 5, 3))


def in_short(wdl: Wdl | None, bounds: tuple[int, int], plies: int | None) -> str:
    """A value for a column: "win in 3 plies", "draw or win", or win / draw / loss in per cent."""
    low, high = bounds
    if low == high:
        return OUTCOME_WORD[low] + in_plies(plies)
    if bounds != (-1, 1) and wdl is None:
        return "draw or win" if low == 0 else "draw or loss"
    return "" if wdl is None else "/".join(f"{100 * part:.0f}" for part in wdl)


def spoken(wdl: Wdl, proven: int | None, plies: int) -> str:
    """A value as a line of text has it."""
    if proven is not None:
        return f"a proven {OUTCOME_WORD[proven]}{in_plies(plies) if proven else ''}"
    return "win {:.0%} draw {:.0%} loss {:.0%}".format(*wdl)


def fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    left: Sequence[int] = (),
    optional: Sequence[int] = (),
    strong: int | None = 0,
) -> Table:
    """A table without borders in `width` columns: `optional` ones go as long as it is too wide, then the last is cut.

    Columns `left` are aligned there; row `strong` stands out.
    """
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    kept = list(range(len(heads)))

    def needed(last: int) -> int:
        return sum(widths[i] for i in kept[:-1]) + SPACE * (len(kept) - 1) + last

    for dropped in optional:
        if needed(min(widths[-1], LEAST_BAR)) > width:
            kept.remove(dropped)
    room = max(1, width - needed(0))
    table = Table(box=None, pad_edge=False, padding=(0, SPACE, 0, 0), header_style="bold", show_header=True)
    for i in kept:
        table.add_column(heads[i], justify="left" if i in left else "right", no_wrap=True, overflow="crop")
    for number, row in enumerate(rows):
        cells = [row[i] for i in kept]
        cells[-1] = _cut(cells[-1], room)
        table.add_row(*cells, style="bold" if number == strong else "")
    return table


def _cut(text: str, room: int) -> str:
    """As many whole words as there is room for."""
    if len(text) <= room:
        return text
    cut = text[: room + 1].rpartition(" ")[0]
    return cut or text[:room]


def truth_text(solution: Solution) -> str:
    """What is proven of a move, in words: "win in 7 plies", or what is still possible."""
    if solution.value is None:
        possible = [word for outcome, word in OUTCOME_WORD.items() if solution.lower <= outcome <= solution.upper]
        return f"unknown ({' or '.join(possible) if len(possible) < 3 else 'nothing proven'})"
    return OUTCOME_WORD[solution.value] + in_plies(solution.plies)
