"""What does a move cost at each accuracy, computed or read off a net, and after how many moves has training paid?"""

import math

import numpy as np

from studies.breakdown import by_ply, corrected, disagreements
from studies.finding import Chart, Finding, Row, Series, Table
from studies.lab import Lab, Measured
from studies.statistics import Estimate, bootstrap, curve, reaches

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
    paid = {level: {mode: _cost(rows, level, lab.seed) for mode, rows in found.items()} for level in LEVELS}

    def paying(level: float, mode: str) -> str:
        times = [m.milliseconds for m in found[mode]]
        return paid[level][mode].between(min(times), max(times))

    table = Table(
        f"Milliseconds of one core a move to reach an accuracy (95 % interval over {n} positions)",
        ["accuracy", *MODES],
        [[f"{level:.0%}", *(paying(level, mode) for mode in MODES)] for level in LEVELS],
    )
    series = [Series(mode, [m.milliseconds for m in rows], [m.accuracy for m in rows]) for mode, rows in found.items()]
    chart = Chart("Accuracy against time", "milliseconds a move, one core", "moves that keep the value", series)
    break_even, words = _break_even(lab, paid)
    reached = [level for level in LEVELS if math.isfinite(paid[level]["hybrid"].value)]
    level = reached[-1] if reached else LEVELS[0]
    answer = (
        f"For {level:.0%} of right moves the hybrid pays {paying(level, 'hybrid')} ms a move, play-out search "
        f"{paying(level, 'search')} and the exact solver {paying(level, 'exact')}; {words}."
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
        "break_even_moves": break_even,
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
    boards = disagreements(lab.game, lab.labels, shown, pairs)
    return Finding(answer, row, [chart], [table, by_ply(lab.labels, shown)], n >= 200, numbers, timed, boards)


def _cost(rows: list[Measured], level: float, seed: int) -> Estimate:
    """Milliseconds a move at which a mode reaches a level."""
    milliseconds, kept = [m.milliseconds for m in rows], np.array([m.kept for m in rows])
    order = np.argsort(milliseconds)
    spent, kept = [milliseconds[i] for i in order], kept[order]
    return bootstrap(kept.shape[1], lambda at: reaches(spent, curve(kept, at), level), seed)


def _break_even(lab: Lab, paid: dict[float, dict[str, Estimate]]) -> tuple[dict[str, float | None], str]:
    """Moves after which training has paid, by level and free mode, and that in words; None: never, or not known."""
    cost = lab.best.core_seconds
    if cost is None:
        return {}, "what the net cost to train is not known"
    found: dict[str, float | None] = {}
    said = ""
    for level, row in paid.items():
        for mode in FREE:
            saved = (row[mode].value - row["hybrid"].value) / 1e3
            if not math.isfinite(row["hybrid"].value):
                continue
            key = f"{mode} at {level:.0%}"
            if not math.isfinite(saved):
                found[key] = None
                said = f"{mode} does not reach {level:.0%} at all within what was measured"
            elif saved <= 0:
                found[key] = None
                said = f"at {level:.0%} training never pays against {mode}, which is faster"
            else:
                found[key] = cost / saved
                said = f"at {level:.0%} training has paid against {mode} after {cost / saved:,.0f} moves"
    return found, said or "the hybrid reaches none of the levels"
