"""Does search come to play perfectly, how fast, and what do proofs add: how far is its policy from the best moves?"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from selfplay.report.figures import Chart
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab
from studies.statistics import bootstrap, line, mean_of

TITLE = "Convergence"
NETTED, FREE = [2**k for k in range(2, 13)], [2**k for k in range(4, 16)]
ARMS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "hybrid, proofs": ({"mode": "hybrid"}, NETTED),
    "hybrid, no proofs": ({"mode": "hybrid", "solve": False, "look_ahead": False}, NETTED),
    "search, proofs": ({"mode": "search"}, FREE),
    "search, no proofs": ({"mode": "search", "solve": False, "look_ahead": False}, FREE),
}
LEAST = 1e-3  # mass on the best moves is taken to be at least this: a search that is sure of a wrong move has none


def run(lab: Lab) -> Finding:
    """-log of the policy's mass on value-keeping moves, mean over positions, against simulations.

    A mass below LEAST counts as LEAST. Without proofs a search looks not ahead for wins at once either.
    """
    found = lab.mass_lines(
        {
            arm: ([{**settings, "simulations": k} for k in budgets], lab.best if settings["mode"] == "hybrid" else None)
            for arm, (settings, budgets) in ARMS.items()
        }
    )
    n = min(len(mass) for rows in found.values() for mass in rows)
    if n == 0:
        return Finding("There was no time to measure every arm.", enough=False)
    losses = {arm: [-np.log(np.maximum(mass[:n], LEAST)) for mass in rows] for arm, rows in found.items()}
    series = [line(arm, ARMS[arm][1], [mean_of(x, lab.seed) for x in rows]) for arm, rows in losses.items()]
    slopes = {arm: _slope(ARMS[arm][1], rows) for arm, rows in losses.items()}
    last = {arm: float(rows[-1].mean()) for arm, rows in losses.items()}
    with_proofs, without = losses["search, proofs"][-1], losses["search, no proofs"][-1]
    gain = bootstrap(n, lambda at: float((without[at] - with_proofs[at]).mean()), lab.seed)
    answer = (
        f"With proofs, play-out search at {FREE[-1]:,} simulations is {last['search, proofs']:.3f} nats from the best "
        f"moves, {gain.value:.3f} (95 %: {gain.low:.3f} to {gain.high:.3f}) nearer than without; the hybrid at "
        f"{NETTED[-1]:,} is {last['hybrid, proofs']:.3f} from them (n = {n}). For ten times the simulations the "
        f"distance shrinks to {_shrinks(slopes['search, proofs'])} and {_shrinks(slopes['hybrid, proofs'])}."
    )
    row = Row(
        "Convergence",
        f"to the truth: {last['search, proofs']:.3f} nats from it at {FREE[-1]:,} play-outs",
        "no search to converge; of nets see below",
        f"to the truth: {last['hybrid, proofs']:.3f} nats from it at {NETTED[-1]:,} simulations",
    )
    chart = Chart(
        "Distance from the best moves against simulations",
        "simulations a move",
        "nats",
        series,
        log_y=True,
        percent=False,
    )
    counted = {
        "n": n,
        "nats": {s.name: dict(zip(map(int, s.x), s.y, strict=True)) for s in series},
        "slope": slopes,
        "gain_of_proofs": [gain.value, gain.low, gain.high],
    }
    return Finding(answer, row, [chart], [], n >= ENOUGH_POSITIONS, counted)


def _slope(budgets: Sequence[int], losses: Sequence[npt.NDArray[np.float64]]) -> float:
    """Of the log of the mean distance over the log of the budget, by least squares over the upper half.

    Minus infinity where nothing is left of the distance.
    """
    half = len(budgets) // 2
    means = [float(x.mean()) for x in losses[half:]]
    if min(means) == 0:
        return -math.inf
    return float(np.polyfit(np.log(budgets[half:]), np.log(means), 1)[0])


def _shrinks(slope: float) -> str:
    return f"{10**slope:.0%}" if math.isfinite(slope) else "nothing"
