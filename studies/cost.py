"""What does a move cost at each accuracy, computed or read off a net, and after how many moves has training paid?"""

import math

import numpy as np
import numpy.typing as npt

from selfplay.report.figures import Chart, Table
from studies.breakdown import by_ply, corrected, disagreements
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Measured
from studies.statistics import Estimate, bootstrap, curve, line, mean_of, price, reaches

TITLE = "Cost"
LEVELS = (0.8, 0.9, 0.95, 0.98)
# A player's specs in the order of what they spend.
MODES = {
    "net": ["net"],
    "value": ["value"],
    "hybrid": [f"hybrid:simulations={2**k}" for k in range(2, 12)],
    "search": [f"search:simulations={2**k}" for k in range(5, 18)],
    "exact": [f"exact:seconds={s}" for s in ("0.001", "0.003", "0.01", "0.03", "0.1", "0.3")],
}
SHOWN = {"net": 0, "value": 0, "hybrid": 5, "search": 10, "exact": 4}  # of each mode, the spec that is shown by ply
FREE = ("search", "exact")  # modes that no training has to pay for


def run(lab: Lab) -> Finding:
    """Measure every mode on the same positions, then ask at what cost it reaches each level."""
    found = lab.measure_lines({mode: (specs, None if mode in FREE else lab.best) for mode, specs in MODES.items()})
    n = min(len(m.kept) for rows in found.values() for m in rows)
    if n == 0:
        return Finding("There was no time to measure any move.", enough=False)
    found = {mode: [m.first(n) for m in rows] for mode, rows in found.items()}
    times = {mode: [m.milliseconds for m in rows] for mode, rows in found.items()}
    kept = {mode: np.array([m.kept for m in rows]) for mode, rows in found.items()}
    paid = {level: {mode: price(times[mode], kept[mode], level, lab.seed) for mode in MODES} for level in LEVELS}
    spent = [float(m.evaluations.mean()) for m in found["hybrid"]]
    evaluations = {level: price(spent, kept["hybrid"], level, lab.seed) for level in LEVELS}

    def paying(level: float, mode: str) -> str:
        return paid[level][mode].between(min(times[mode]), max(times[mode]))

    table = Table(
        f"Milliseconds of one core a move to reach an accuracy (95 % interval over {n} positions)",
        ["accuracy", *MODES],
        [[f"{level:.0%}", *(paying(level, mode) for mode in MODES)] for level in LEVELS],
    )
    series = [
        line(mode, [m.milliseconds for m in rows], [mean_of(m.kept, lab.seed) for m in rows])
        for mode, rows in found.items()
    ]
    chart = Chart("Accuracy against time", "milliseconds a move, one core", "moves that keep the value", series)
    cost = lab.best.core_seconds
    pays = {
        (level, mode): break_even(cost, found[mode], found["hybrid"], level, lab.seed)
        for level in LEVELS
        for mode in FREE
        if cost is not None
    }
    reach = {cell: math.isfinite(paid[cell[0]][cell[1]].value) for cell in pays}
    reached = [level for level in LEVELS if math.isfinite(paid[level]["hybrid"].value)]
    level = reached[-1] if reached else LEVELS[0]
    answer = (
        f"For {level:.0%} of right moves the hybrid pays {paying(level, 'hybrid')} ms a move, play-out search "
        f"{paying(level, 'search')} and the exact solver {paying(level, 'exact')}; "
        + (
            "; ".join(
                f"against {mode} training pays {_when(_moves(pays[level, mode], reach[level, mode]))}" for mode in FREE
            )
            if pays
            else "what the net cost to train is not known"
        )
        + f" (n = {n})."
    )
    numbers = {
        "n": n,
        "chance": lab.chance,
        "accuracy": {m.spec: m.accuracy for rows in found.values() for m in rows if "seconds" not in m.spec},
        "above_chance": {
            m.spec: corrected(m.accuracy, lab.chance)
            for rows in found.values()
            for m in rows
            if "seconds" not in m.spec
        },
        "evaluations": {m.spec: float(np.nanmean(m.evaluations)) for m in found["hybrid"]},
    }
    timed = {
        "accuracy": {m.spec: m.accuracy for m in found["exact"]},
        "milliseconds": {m.spec: m.milliseconds for rows in found.values() for m in rows},
        "to_reach": {
            f"{level:.2f}": {mode: [e.value, e.low, e.high] for mode, e in row.items()} for level, row in paid.items()
        },
        "break_even_moves": {f"{mode} at {level:.0%}": [e.value, e.low, e.high] for (level, mode), e in pays.items()},
    }
    row = Row(
        "Runtime cost",
        f"nothing before, {paying(level, 'search')} ms a move for {level:.0%}",
        f"{found['net'][0].milliseconds:.2f} ms a move for {found['net'][0].accuracy:.1%}, after training",
        f"{paying(level, 'hybrid')} ms a move for {level:.0%}, after training",
    )
    shown = {found[mode][i].spec: found[mode][i] for mode, i in SHOWN.items()}
    net, _, hybrid, search, exact = shown
    pairs = [(net, hybrid), (search, hybrid), (exact, hybrid), (hybrid, exact)]
    tables = [table]
    if pays:
        tables.append(
            Table(
                f"Moves of the hybrid after which {cost or 0:,.0f} core-seconds of training have paid (95 % interval)",
                ["accuracy", *(f"against {mode}" for mode in FREE)],
                [
                    [f"{level:.0%}", *(_moves(pays[level, mode], reach[level, mode]) for mode in FREE)]
                    for level in LEVELS
                ],
            )
        )
    tables.append(
        Table(
            "Evaluations a move, mean, to reach an accuracy",
            ["accuracy", "hybrid"],
            [[f"{level:.0%}", e.between(spent[0], spent[-1])] for level, e in evaluations.items()],
        )
    )
    boards = disagreements(lab.game, lab.labels, shown, pairs)
    return Finding(
        answer, row, [chart], [*tables, by_ply(lab.labels, shown)], n >= ENOUGH_POSITIONS, numbers, timed, boards
    )


def break_even(cost: float, free: list[Measured], paid: list[Measured], level: float, seed: int) -> Estimate:
    """Moves at equal accuracy after which training has paid: its core-seconds over those saved a move.

    Infinity where nothing is saved, or the trained player does not reach the level. Where the free one does not reach
    it, it is taken to at the largest budget that was tried, and the number is an upper bound.
    """
    curves = [(m := _by_time(rows), np.array([x.kept for x in m])) for rows in (free, paid)]

    def moves(at: npt.NDArray[np.int64]) -> float:
        spent = [reaches([x.milliseconds for x in m], curve(kept, at), level) for m, kept in curves]
        saved = min(spent[0], curves[0][0][-1].milliseconds) - spent[1]
        return 1e3 * cost / saved if saved > 0 else math.inf

    return bootstrap(len(paid[0].kept), moves, seed)


def _by_time(rows: list[Measured]) -> list[Measured]:
    return sorted(rows, key=lambda m: m.milliseconds)


def _when(moves: str) -> str:
    return moves if moves.startswith("never") else f"after {moves} moves"


def _moves(e: Estimate, reached: bool) -> str:
    """A break-even in words."""
    value, low, high = (f"{x:,.0f}" if math.isfinite(x) else "never" for x in (e.value, e.low, e.high))
    if value == "never":
        return "never" if low == "never" else f"never (from {low})"
    return f"{'' if reached else 'at most '}{value} ({low} to {high})"
