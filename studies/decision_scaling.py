"""What does more thinking at decision time buy: for search alone, and with nets of little and of much training?"""

import math

import numpy as np

from selfplay.report.figures import Chart, Series
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Measured, Net
from studies.statistics import Estimate, bootstrap, crosses, curve, line, mean_of

TITLE = "Scaling at decision time"
BUDGETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 10_000]
SEARCH = [2**k for k in range(5, 18)]  # play-outs are cheaper than evaluations: the same seconds buy more of them
EXACT = ["0.001", "0.003", "0.01", "0.03", "0.1"]
MOST_NETS = 4


def run(lab: Lab) -> Finding:
    """A line for each mode and checkpoint, against simulations and against seconds."""
    nets = [lab.nets[i] for i in sorted({round(x) for x in np.linspace(0, len(lab.nets) - 1, MOST_NETS)})]
    asked: dict[str, tuple[list[str], Net | None]] = {
        "search": ([f"search:simulations={k}" for k in SEARCH], None),
        "exact": ([f"exact:seconds={s}" for s in EXACT], None),
        **{f"hybrid, {net.name}": ([f"hybrid:simulations={k}" for k in BUDGETS], net) for net in reversed(nets)},
    }
    lines = lab.measure_lines(asked)
    n = min((len(m.kept) for rows in lines.values() for m in rows), default=0)
    if n == 0:
        return Finding("There was no time to measure search and a hybrid.", enough=False)
    lines = {name: [m.first(n) for m in rows] for name, rows in lines.items()}
    best, rest = f"hybrid, {nets[-1].name}", {k: v for k, v in lines.items() if k != "exact"}
    right = {name: [mean_of(m.kept, lab.seed) for m in rows] for name, rows in lines.items()}
    charts = [
        Chart(
            "Accuracy against simulations",
            "simulations allowed a move (searches stop early where the answer cannot change)",
            "moves that keep the value",
            [line(name, [_simulations(m) for m in rows], right[name]) for name, rows in rest.items()],
        ),
        Chart(
            "Accuracy against time",
            "milliseconds a move, one core",
            "moves that keep the value",
            [line(name, [m.milliseconds for m in rows], right[name]) for name, rows in lines.items()],
        ),
        Chart(
            "Regret against simulations",
            "simulations allowed a move (searches stop early where the answer cannot change)",
            "outcome given away a move",
            [
                Series(name, [_simulations(m) for m in rows], [float(m.regret.mean()) for m in rows])
                for name, rows in rest.items()
            ],
            percent=False,
        ),
        Chart(
            "Regret against time",
            "milliseconds a move, one core",
            "outcome given away a move",
            [
                Series(name, [m.milliseconds for m in rows], [float(m.regret.mean()) for m in rows])
                for name, rows in lines.items()
            ],
            percent=False,
        ),
    ]
    found = {other: _crossing(lines[other], lines[best], lab.seed) for other in ("search", "exact") if other in lines}
    top = {name: rows[-1] for name, rows in lines.items()}
    answer = (
        f"With up to {BUDGETS[-1]:,} simulations the best net's hybrid keeps the value in {top[best].accuracy:.1%}, "
        f"search with up to {SEARCH[-1]:,} play-outs in {top['search'].accuracy:.1%} (chance {lab.chance_of(n):.0%}, "
        f"n = {n}); "
        + "; ".join(_crossing_words(name, e, _first(lines[name], lines[best])) for name, e in found.items())
        + "."
    )
    row = Row(
        "Scalability with compute at decision time",
        f"{lines['search'][0].accuracy:.0%} to {top['search'].accuracy:.0%}, {SEARCH[0]} to {SEARCH[-1]:,} play-outs",
        "none: one pass, whatever the time",
        f"{lines[best][0].accuracy:.0%} to {top[best].accuracy:.0%} from 1 to {BUDGETS[-1]:,} simulations",
    )
    counted = {
        "n": n,
        "chance": lab.chance_of(n),
        "accuracy": {f"{name} | {m.spec}": m.accuracy for name, rows in rest.items() for m in rows},
        "regret": {f"{name} | {m.spec}": float(m.regret.mean()) for name, rows in rest.items() for m in rows},
        "evaluations": {
            f"{name} | {m.spec}": float(m.evaluations.mean())
            for name, rows in rest.items()
            if name != "search"
            for m in rows
        },
    }
    timed = {
        "milliseconds": {f"{name} | {m.spec}": m.milliseconds for name, rows in lines.items() for m in rows},
        "hybrid_above_from_ms": {name: [e.value, e.low, e.high] for name, e in found.items()},
    }
    return Finding(answer, row, charts, [], n >= ENOUGH_POSITIONS, counted, timed)


def _simulations(m: Measured) -> float:
    return float(m.spec.rpartition("=")[2])


def _crossing(other: list[Measured], hybrid: list[Measured], seed: int) -> Estimate:
    """Milliseconds a move from which the hybrid is the more accurate, as far as both were measured."""
    kept, times = [np.array([m.kept for m in rows]) for rows in (other, hybrid)], []
    for i, rows in enumerate((other, hybrid)):
        order = np.argsort([m.milliseconds for m in rows])
        kept[i] = kept[i][order]
        times.append([rows[j].milliseconds for j in order])
    return bootstrap(
        kept[0].shape[1], lambda at: crosses((times[0], curve(kept[0], at)), (times[1], curve(kept[1], at))), seed
    )


def _first(*rows: list[Measured]) -> float:
    """The least milliseconds a move from which all of them were measured."""
    return max(min(m.milliseconds for m in row) for row in rows)


def _crossing_words(name: str, e: Estimate, first: float) -> str:
    """`first` is the least time that both were measured at."""
    if not math.isfinite(e.value):
        return f"within the times that both were measured at, the hybrid does not stay above {name}"
    if e.high <= first:
        return (
            f"at equal time the hybrid is above {name} at all times that both were measured at, {first:.2g} ms and more"
        )
    high = f"{e.high:.2g}" if math.isfinite(e.high) else "never"
    return f"at equal time the hybrid is above {name} from {e.value:.2g} ms a move on (95 %: {e.low:.2g} to {high})"
