"""Does choosing when to think pay: the net's move where it is sure, search where it is not, against fixed budgets?"""

import numpy as np
import numpy.typing as npt

from selfplay.report.figures import Chart
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Measured
from studies.statistics import bootstrap, line, mean_of

TITLE = "Planning when needed"
THRESHOLDS = ("0.02", "0.05", "0.1", "0.2", "0.4", "0.6", "0.8", "0.9", "0.95", "0.99")
SIMULATIONS = 800  # where `auto` plans
FIXED = [1, 2, 4, 8, 16, 32, 64, 128, 256, 400, SIMULATIONS]


def run(lab: Lab) -> Finding:
    """A line through thresholds and a line through budgets; the threshold is chosen on half of the positions."""
    specs = {
        "auto": [f"auto:simulations={SIMULATIONS},threshold={t}" for t in THRESHOLDS],
        "fixed": [f"hybrid:simulations={k}" for k in FIXED],
    }
    auto, fixed = lab.measure_lines({name: (row, lab.best) for name, row in specs.items()}).values()
    n = min(len(m.kept) for m in (*auto, *fixed))
    if n < 2:
        return Finding("There was no time to measure any threshold.", enough=False)
    auto, fixed = [m.first(n) for m in auto], [m.first(n) for m in fixed]
    chosen_on, rest = np.arange(n // 2), np.arange(n // 2, n)
    lines = {"auto, by threshold": auto, f"hybrid, 1 to {SIMULATIONS} simulations": fixed}
    series = [
        line(name, [m.milliseconds for m in rows], [mean_of(m.kept, lab.seed) for m in rows])
        for name, rows in lines.items()
    ]
    gains = {m.spec: _gain(m, fixed, chosen_on) for m in auto}
    chosen = max(auto, key=lambda m: gains[m.spec])
    spec, accuracy = chosen.spec, float(chosen.kept[rest].mean())
    sure = bootstrap(len(rest), lambda at: _gain(chosen, fixed, rest[at]), lab.seed)
    pays = "pays" if sure.low > 0 else "costs" if sure.high < 0 else "neither clearly pays nor costs"
    answer = (
        f"Choosing when to think {pays}: {spec} keeps the value in {accuracy:.1%} at {chosen.milliseconds:.2g} ms a "
        f"move, {sure.points()} against a fixed budget of the same mean time (n = {len(rest)}, the "
        "threshold chosen on as many others)."
    )
    row = Row(
        "When to compute",
        "always",
        "never",
        f"at threshold {spec.rpartition('=')[2]}: {100 * sure.value:+.1f} points at equal mean time",
    )
    chart = Chart("Accuracy against mean time", "milliseconds a move, one core", "moves that keep the value", series)
    counted = {"n": n, "accuracy": {m.spec: m.accuracy for m in (*auto, *fixed)}}
    timed = {"milliseconds": {m.spec: m.milliseconds for m in (*auto, *fixed)}, "gain": gains}
    return Finding(answer, row, [chart], [], len(rest) >= ENOUGH_POSITIONS // 2, counted, timed)


def _gain(m: Measured, fixed: list[Measured], at: npt.NDArray[np.int64]) -> float:
    """How far `m` lies above a fixed budget of its mean time, between the measured ones by log time."""
    order = np.argsort([f.milliseconds for f in fixed])
    times = np.log([fixed[i].milliseconds for i in order])
    level = np.interp(np.log(m.milliseconds), times, [fixed[i].kept[at].mean() for i in order])
    return float(m.kept[at].mean() - level)
