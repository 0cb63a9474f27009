"""Which half of the net helps search: its priors, which say where to look, or its values, which say what was found?

And does it pay to stop looking at moves whose value lies far under the best one's (value pruning)?
"""

import math
from itertools import product

import numpy as np
import numpy.typing as npt

from selfplay.report.figures import Chart, Table
from studies.breakdown import bands, by_ply
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Measured
from studies.statistics import Estimate, bootstrap, curve, line, mean_of, price

TITLE = "The net helps search"
NETTED, FREE = [2**k for k in range(2, 12)], [2**k for k in range(5, 17)]
# The same search with each half of the net taken away; play-outs are what values come from without it.
ARMS = {
    "priors and values": ("hybrid:simulations={}", NETTED),
    "values alone": ("hybrid:simulations={},prior=uniform", NETTED),
    "priors alone": ("hybrid:simulations={},value=rollout", NETTED),
    "neither": ("search:simulations={}", FREE),
}
# Tried in every arm, at its middle budget: the same effort for each.
CONSTANTS, REDUCTIONS = ("0.7", "1.5", "3"), ("-1", "0.25")
TUNED_ON = 100  # positions, which the figures leave out
LEVELS = (0.8, 0.9, 0.95, 0.98)
PRUNING = ("0.1", "0.3")  # value_pruning, beside none, in the whole search


def run(lab: Lab) -> Finding:
    """Each arm with its own best constants, on positions that they were not chosen on."""
    netted = {arm: None if arm == "neither" else lab.best for arm in ARMS}
    tried = [f"c_puct={c},fpu_reduction={f}" for c, f in product(CONSTANTS, REDUCTIONS)]
    tuning = {arm: [f"{spec.format(_middle(budgets))},{t}" for t in tried] for arm, (spec, budgets) in ARMS.items()}
    scores = lab.measure_lines({arm: (row, netted[arm]) for arm, row in tuning.items()}, TUNED_ON)
    if len(scores["neither"][0].kept) < TUNED_ON:
        return Finding("There was no time to tune every arm.", enough=False)
    chosen = {arm: tried[int(np.argmax([m.kept[:TUNED_ON].mean() for m in rows]))] for arm, rows in scores.items()}
    specs = {arm: [f"{spec.format(k)},{chosen[arm]}" for k in budgets] for arm, (spec, budgets) in ARMS.items()}
    whole = next(iter(ARMS))
    pruned = [f"{spec},value_pruning={x}" for x in PRUNING for spec in specs[whole][4:9:2]]
    asked = {arm: (row, netted[arm]) for arm, row in specs.items()} | {"pruning": (pruned, lab.best)}
    lines = lab.measure_lines(asked)
    pruning = lines.pop("pruning")
    n = min(len(m.kept) for rows in (*lines.values(), pruning) for m in rows)
    if n <= TUNED_ON:
        return Finding("There was no time to measure every arm.", enough=False)
    rest = np.arange(TUNED_ON, n)
    kept = {arm: np.array([m.kept[rest] for m in rows]) for arm, rows in lines.items()}
    times = {arm: [m.milliseconds for m in rows] for arm, rows in lines.items()}
    budget = min(max(spent) for spent in times.values())  # milliseconds that every arm was given
    top = {
        arm: bootstrap(len(rest), lambda at, arm=arm: at_time(times[arm], kept[arm], budget, at), lab.seed)  # type: ignore[misc]
        for arm in ARMS
    }
    both, values, priors, neither = (top[arm] for arm in ARMS)
    halves = bootstrap(
        len(rest),
        lambda at: (
            at_time(times["priors alone"], kept["priors alone"], budget, at)
            - at_time(times["values alone"], kept["values alone"], budget, at)
        ),
        lab.seed,
    )
    answer = (
        f"At {budget:.2g} ms a move search without the net reaches {neither.value:.1%} of right moves, with its priors "
        f"alone {priors.value:.1%}, with its values alone {values.value:.1%}, with both {both.value:.1%} (n = "
        f"{len(rest)}): {_verdict(halves)}"
    )
    paid = {
        name: {arm: [price(times[arm], rows[:, at], level, lab.seed) for level in LEVELS] for arm, rows in kept.items()}
        for name, at in {"all": np.arange(len(rest)), **bands([lab.labels[i] for i in rest])}.items()
    }
    tables = [
        Table(
            f"Right moves at {budget:.2g} ms a move (95 % interval, {len(rest)} positions), and each arm's constants, "
            f"chosen on {TUNED_ON} others",
            ["arm", "constants", "accuracy", "milliseconds tried"],
            [
                [
                    arm,
                    chosen[arm],
                    f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})",
                    f"{min(times[arm]):.2g} to {max(times[arm]):.2g}",
                ]
                for arm, e in top.items()
            ],
        ),
        Table(
            "Milliseconds a move to reach an accuracy; above and at most: outside the budgets that were tried",
            ["plies played", "arm", *(f"{level:.0%}" for level in LEVELS)],
            [
                [name, arm, *(e.between(min(times[arm]), max(times[arm])) for e in row)]
                for name, arms in paid.items()
                for arm, row in arms.items()
            ],
        ),
        by_ply([lab.labels[i] for i in rest], {arm: rows[-1].at(rest) for arm, rows in lines.items()}),
        _pruning(lines[whole], pruning, rest, lab.seed),
    ]
    chart = Chart(
        "Accuracy against time",
        "milliseconds a move, one core",
        "moves that keep the value",
        [line(arm, times[arm], [mean_of(row, lab.seed) for row in rows]) for arm, rows in kept.items()],
    )
    row = Row(
        "What learning gives to search",
        f"{neither.value:.1%} at {budget:.2g} ms a move",
        "priors and values, before any search",
        f"{both.value:.1%} at the same time; priors alone {priors.value:.1%}, values alone {values.value:.1%}",
    )
    counted = {
        "n": len(rest),
        "constants": chosen,
        "accuracy": {m.spec: float(m.kept[rest].mean()) for rows in (*lines.values(), pruning) for m in rows},
    }
    timed = {
        "at_equal_time": {"milliseconds": budget} | {arm: [e.value, e.low, e.high] for arm, e in top.items()},
        "priors_above_values": [halves.value, halves.low, halves.high],
        "milliseconds": {m.spec: m.milliseconds for rows in (*lines.values(), pruning) for m in rows},
        "to_reach": {
            name: {arm: [[e.value, e.low, e.high] for e in row] for arm, row in arms.items()}
            for name, arms in paid.items()
        },
    }
    return Finding(answer, row, [chart], tables, len(rest) >= ENOUGH_POSITIONS, counted, timed)


def _middle(budgets: list[int]) -> int:
    return budgets[len(budgets) // 2]


def at_time(times: list[float], kept: npt.NDArray[np.bool_], budget: float, at: npt.NDArray[np.int64]) -> float:
    """Accuracy on the positions `at` with a budget in milliseconds, linear between the measured ones over their logs.

    kept is [budgets, positions], `times` [budgets] milliseconds a move.
    """
    order = np.argsort(times)
    return float(np.interp(math.log(budget), np.log([times[i] for i in order]), curve(kept[order], at)))


def _pruning(whole: list[Measured], pruned: list[Measured], at: npt.NDArray[np.int64], seed: int) -> Table:
    """What value pruning changes at equal simulations, paired on the same positions."""
    plain = {m.spec: m for m in whole}
    rows = []
    for m in pruned:
        spec, _, delta = m.spec.rpartition(",value_pruning=")
        base = plain[spec]
        gain = bootstrap(len(at), lambda i, a=m, b=base: float((a.kept[at[i]] * 1.0 - b.kept[at[i]]).mean()), seed)  # type: ignore[misc]
        saved = 1 - m.evaluations[at].sum() / base.evaluations[at].sum()
        cut = f"{m.milliseconds / base.milliseconds:.2f}"
        rows.append([spec.partition(",")[0], delta, gain.points(), f"{saved:.1%}", cut])
    return Table(
        "Value pruning: moves whose value lies more than that under the best one's are looked at less",
        ["search", "value_pruning", "accuracy, paired with none", "evaluations saved", "times the milliseconds"],
        rows,
    )


def _verdict(priors_above_values: Estimate) -> str:
    e = priors_above_values
    if e.low <= 0 <= e.high:
        return f"neither half is clearly worth more than the other, priors {e.points()} above values."
    better = "priors" if e.value > 0 else "values"
    return f"the {better} are the half that helps more, priors {e.points()} above values."
