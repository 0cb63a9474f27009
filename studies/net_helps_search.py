"""Which half of the net helps search: its priors, which say where to look, or its values, which say what was found?"""

import math

from studies.finding import Chart, Finding, Row, Series, Table
from studies.lab import Lab, Measured
from studies.statistics import Estimate, bootstrap

TITLE = "The net helps search"
NETTED, FREE = [2**k for k in range(2, 12)], [2**k for k in range(5, 17)]
# The same search with each half of the net taken away; play-outs are what values come from without it.
ARMS = {
    "priors and values": ("hybrid:simulations={}", NETTED),
    "values alone": ("hybrid:simulations={},prior=uniform", NETTED),
    "priors alone": ("hybrid:simulations={},value=rollout", NETTED),
    "neither": ("search:simulations={}", FREE),
}
CONSTANTS = ("0.7", "1.5", "3")  # c_puct, tried in every arm: the same effort for each
TUNED_ON = 100  # positions, which the figures leave out


def run(lab: Lab) -> Finding:
    """Each arm with its own best exploration constant, on positions that it was not chosen on."""
    lines: dict[str, list[Measured]] = {}
    constants = {}
    for arm, (spec, budgets) in ARMS.items():
        net = None if arm == "neither" else lab.best
        tried = lab.measure([f"{spec.format(budgets[len(budgets) // 2])},c_puct={c}" for c in CONSTANTS], net)
        if len(tried[0].kept) <= TUNED_ON:
            return Finding("There was no time to tune every arm.", enough=False)
        scores = [float(m.kept[:TUNED_ON].mean()) for m in tried]
        constants[arm] = CONSTANTS[scores.index(max(scores))]
        lines[arm] = lab.measure([f"{spec.format(k)},c_puct={constants[arm]}" for k in budgets], net)
    n = min(len(m.kept) for rows in lines.values() for m in rows)
    if n <= TUNED_ON:
        return Finding("There was no time to measure every arm.", enough=False)
    kept = {arm: [m.kept[TUNED_ON:n] for m in rows] for arm, rows in lines.items()}
    n -= TUNED_ON
    found = {
        arm: [bootstrap(n, lambda at, k=k: float(k[at].mean()), lab.seed) for k in rows]  # type: ignore[misc]
        for arm, rows in kept.items()
    }
    times = {arm: [m.milliseconds for m in rows] for arm, rows in lines.items()}
    series = [
        Series(arm, times[arm], [e.value for e in rows], [e.low for e in rows], [e.high for e in rows])
        for arm, rows in found.items()
    ]
    top = {arm: _best(rows) for arm, rows in found.items()}
    both, values, priors, neither = (top[arm] for arm in ARMS)
    answer = (
        f"Without the net search reaches {neither.value:.1%} in what was measured, with its priors alone "
        f"{priors.value:.1%}, with its values alone {values.value:.1%}, with both {both.value:.1%} (n = {n}): "
        + _verdict(priors, values)
    )
    table = Table(
        f"The most that each arm reached (95 % interval over {n} positions), its constant chosen on {TUNED_ON} others",
        ["arm", "c_puct", "accuracy", "at ms a move"],
        [
            [arm, constants[arm], f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})", f"{max(times[arm]):.2g}"]
            for arm, e in top.items()
        ],
    )
    chart = Chart("Accuracy against time", "milliseconds a move, one core", "moves that keep the value", series)
    row = Row(
        "What learning gives to search",
        f"{neither.value:.1%} at most, without a net",
        "priors and values, before any search",
        f"{both.value:.1%} at most",
    )
    counted = {
        "n": n,
        "c_puct": constants,
        "accuracy": {m.spec: e.value for arm, rows in lines.items() for m, e in zip(rows, found[arm], strict=True)},
    }
    timed = {"milliseconds": {m.spec: m.milliseconds for rows in lines.values() for m in rows}}
    return Finding(answer, row, [chart], [table], n >= 200, counted, timed)


def _best(rows: list[Estimate]) -> Estimate:
    return max(rows, key=lambda e: e.value)


def _verdict(priors: Estimate, values: Estimate) -> str:
    if math.isclose(priors.value, values.value) or (priors.low < values.value and values.low < priors.value):
        return "neither half is clearly worth more than the other."
    return f"the {'priors' if priors.value > values.value else 'values'} are the half that helps most."
