"""What does more training buy, and for how much more search does it stand: the exchange rate between the two."""

import numpy as np
import numpy.typing as npt

from studies.finding import Chart, Finding, Row, Series, Table
from studies.lab import Lab
from studies.statistics import bootstrap

TITLE = "Scaling with training"
BUDGETS = (2, 8, 32, 128, 512)  # simulations
MOST_NETS, LEAST_NETS = 8, 3
JONES = "Jones (2021) found about 15 for Hex"


def run(lab: Lab) -> Finding:
    """Accuracy of a run's checkpoints at several budgets, and a plane through its log-odds over both logarithms.

    The checkpoints are those of one run with one schedule: the early ones have not had their learning rate cooled.
    """
    known = [net for net in lab.nets if net.core_seconds]
    picked = sorted({round(x) for x in np.linspace(0, len(known) - 1, MOST_NETS)}) if known else []
    nets = [known[i] for i in picked]
    if len(nets) < LEAST_NETS:
        return Finding(
            f"It takes {LEAST_NETS} checkpoints of one run, and there are {len(nets)}: name a run with --run.",
            enough=False,
        )
    specs = ["net", *(f"hybrid:simulations={k}" for k in BUDGETS)]
    rows = [lab.measure(specs, net) for net in nets]
    n = min(len(m.kept) for row in rows for m in row)
    if n == 0:
        return Finding("There was no time to measure the checkpoints.", enough=False)
    kept = np.array([[m.kept[:n] for m in row] for row in rows])  # [nets, players, n]
    cost = np.array([net.core_seconds for net in nets], np.float64)
    rate = bootstrap(n, lambda at: _exchange(kept[:, 1:, at], cost), lab.seed)
    accuracy = kept.mean(2)
    series = [Series(spec, (cost / 60).tolist(), accuracy[:, i].tolist()) for i, spec in enumerate(specs)]
    answer = (
        f"From {nets[0].name} to {nets[-1].name} of training the net alone rises from {accuracy[0, 0]:.1%} to "
        f"{accuracy[-1, 0]:.1%} of right moves, the hybrid at {BUDGETS[-1]} simulations from {accuracy[0, -1]:.1%} to "
        f"{accuracy[-1, -1]:.1%}; ten times the training stands for {rate.value:.2g} times the search (95 %: "
        f"{rate.low:.2g} to {rate.high:.2g}, n = {n}), where {JONES}."
    )
    table = Table(
        f"Right moves of {n}, by training and search",
        ["training", *specs],
        [[net.name, *(f"{share:.1%}" for share in line)] for net, line in zip(nets, accuracy, strict=True)],
    )
    chart = Chart("Accuracy against training", "core-minutes of training", "moves that keep the value", series)
    row = Row(
        "Scalability with compute before",
        "none: nothing is learnt",
        f"{accuracy[0, 0]:.0%} to {accuracy[-1, 0]:.0%} from {nets[0].name} to {nets[-1].name}",
        f"{accuracy[0, -1]:.0%} to {accuracy[-1, -1]:.0%}; ten times it stands for {rate.value:.2g} times the search",
    )
    counted = {
        "n": n,
        "core_seconds": cost.tolist(),
        "accuracy": {spec: accuracy[:, i].tolist() for i, spec in enumerate(specs)},
        "exchange": [rate.value, rate.low, rate.high],
    }
    return Finding(answer, row, [chart], [table], n >= 200 and len(nets) >= 5, counted)


def _exchange(kept: npt.NDArray[np.bool_], cost: npt.NDArray[np.float64]) -> float:
    """How many times the search ten times the training stands for, by least squares of log-odds over both logarithms.

    kept is [nets, budgets, positions].
    """
    right = kept.sum(2)
    odds = np.log((right + 0.5) / (kept.shape[2] - right + 0.5))
    training, search = np.meshgrid(np.log10(cost), np.log10(BUDGETS), indexing="ij")
    design = np.stack([np.ones(odds.size), training.ravel(), search.ravel()], 1)
    _, by_training, by_search = np.linalg.lstsq(design, odds.ravel())[0]
    return float(10 ** (by_training / by_search)) if by_search > 0 else float("inf")
