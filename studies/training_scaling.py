"""What does more training buy, and for how much more search does it stand: the exchange rate between the two?

Three sizes of net, each trained from nothing; at every checkpoint the learning rate is cooled down on the games played
so far, so that little training is not judged by a schedule that was made for much.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selfplay.config import default_config
from selfplay.report.figures import Chart, Series, Table
from studies.finding import ENOUGH_POSITIONS, ENOUGH_SEEDS, Finding, Row
from studies.lab import Lab, Net
from studies.offline import Lesson, teach
from studies.statistics import Estimate, bootstrap_grid, reaches
from studies.training import ladder, minutes_that_fit, train

TITLE = "Scaling with training"
SIZES = ("mlp:64-32", "mlp:256-64", "mlp:1024-256")
POINTS = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of a training's minutes, where its checkpoints are taken
BUDGETS = (2, 8, 32, 128, 512)  # simulations
LEVELS = (0.8, 0.9, 0.95, 0.97)
PLANS = ((3, SIZES, 1), (2, SIZES, 0.5), (1, SIZES[1:2], 0))  # seeds, sizes, least minutes: the first that time allows
TRAINING, STARTING = 0.6, 0.15  # share of the time for training; minutes that a training takes to begin and end
COOLING = 400  # steps
WINDOW = 0.5  # of the games so far, the newest, that a net is cooled on
MOST_NETS, LEAST_NETS = 8, 3  # of a run that was given
JONES = "Jones (2021) found about 15 for Hex"


@dataclass(frozen=True)
class Trained:
    """Nets by [size, seed, point]; `cost` [size, point] in core-seconds, cooling included, mean over seeds."""

    sizes: tuple[str, ...]
    nets: list[list[list[Net]]]
    cost: npt.NDArray[np.float64]
    minutes: float


def run(lab: Lab) -> Finding:
    """Accuracy at several budgets of all nets, and a plane through the log-odds of the best size at each cost."""
    trained = _given(lab) if lab.run is not None else _own(lab)
    if trained is None:
        return Finding(
            f"It takes {LEAST_NETS} checkpoints of one training: give the study more minutes, or a run of more.",
            enough=False,
        )
    specs = ["net", *(f"hybrid:simulations={k}" for k in BUDGETS)]
    answered = lab.measure_lines({net: (specs, net) for seeds in trained.nets for points in seeds for net in points})
    rows = [[[answered[net] for net in points] for points in seeds] for seeds in trained.nets]
    n = min(len(m.kept) for seeds in rows for points in seeds for row in points for m in row)
    if n == 0:
        return Finding("There was no time to measure the checkpoints.", enough=False)
    # [sizes, seeds, points, players, n]
    kept = np.array([[[[m.kept[:n] for m in row] for row in points] for points in seeds] for seeds in rows])
    # Searches stop early where the answer cannot change: what they did is counted, not what they might have done.
    done = np.array(
        [[[[m.evaluations[:n].mean() for m in row] for row in points] for points in seeds] for seeds in rows]
    )
    seeds = kept.shape[1]
    best, cost = frontier(kept[..., 1:, :].mean((1, 3, 4)), trained.cost)
    front = np.array([kept[size, :, point] for size, point in best]).transpose(1, 0, 2, 3)  # [seeds, front, players, n]
    work = np.array([done[size, :, point, 1:].mean(0) for size, point in best])  # [front, budgets] evaluations
    rate = bootstrap_grid(front, lambda x: exchange(x[:, 1:], cost, work), lab.seed)
    accuracy = front.mean((0, 3))
    names = [f"{trained.sizes[size]}, {cost[i] / 60:.2g} core-minutes" for i, (size, _) in enumerate(best)]
    answer = (
        f"From {cost[0] / 60:.2g} to {cost[-1] / 60:.2g} core-minutes of training the net alone rises from "
        f"{accuracy[0, 0]:.1%} to {accuracy[-1, 0]:.1%} of right moves, the hybrid at {BUDGETS[-1]} simulations from "
        f"{accuracy[0, -1]:.1%} to {accuracy[-1, -1]:.1%}; ten times the training stands for {_times(rate)} times the "
        f"search ({seeds} seeds, n = {n}), where {JONES}."
    )
    tables = [
        Table(
            f"Right moves of {n}: the best size at each cost, mean of {seeds} seeds",
            ["net and training", *specs],
            [[name, *(f"{x:.1%}" for x in line)] for name, line in zip(names, accuracy, strict=True)],
        ),
        Table(
            "Right moves at the end of training, by size",
            ["net", "core-minutes", *specs],
            [
                [size, f"{trained.cost[i, -1] / 60:.2g}", *(f"{x:.1%}" for x in kept[i, :, -1].mean((0, 2)))]
                for i, size in enumerate(trained.sizes)
            ],
        ),
    ]
    charts = [
        Chart(
            "Accuracy against training",
            "core-minutes of training, cooling included",
            "moves that keep the value",
            [
                Series(f"{size}, {spec}", (trained.cost[i] / 60).tolist(), kept[i, :, :, j].mean((0, 2)).tolist())
                for i, size in enumerate(trained.sizes)
                for j, spec in ((0, specs[0]), (len(BUDGETS), specs[-1]))
            ],
        ),
        Chart(
            "Training and search that reach the same accuracy, at the best size for each cost",
            "core-minutes of training",
            "evaluations a move",
            _contours(cost, accuracy[:, 1:], work),
            log_y=True,
            percent=False,
        ),
    ]
    row = Row(
        "Scalability with compute before",
        "none: nothing is learnt",
        f"{accuracy[0, 0]:.0%} to {accuracy[-1, 0]:.0%} for {cost[-1] / cost[0]:.0f} times the training",
        f"{accuracy[0, -1]:.0%} to {accuracy[-1, -1]:.0%}; ten times the training stands for {rate.value:.2g} times "
        "the search",
    )
    numbers = {
        "n": n,
        "seeds": seeds,
        "minutes": trained.minutes,
        "core_seconds": {size: trained.cost[i].tolist() for i, size in enumerate(trained.sizes)},
        "accuracy": {
            f"{size} | {spec}": kept[i, :, :, j].mean((0, 2)).tolist()
            for i, size in enumerate(trained.sizes)
            for j, spec in enumerate(specs)
        },
        "evaluations": {
            f"{size} | {spec}": done[i, :, :, j].mean(0).tolist()
            for i, size in enumerate(trained.sizes)
            for j, spec in enumerate(specs)
        },
        "exchange": [rate.value, rate.low, rate.high],
    }
    # What a minute of training comes to is timed, though each net's answers are counted.
    enough = n >= ENOUGH_POSITIONS and seeds >= ENOUGH_SEEDS and len(cost) >= LEAST_NETS
    lacks = "a run has one seed, and its checkpoints are not cooled: leave --run out" if lab.run else Finding("").lacks
    return Finding(answer, row, charts, tables, enough, {}, numbers, lacks=lacks)


def _own(lab: Lab) -> Trained | None:
    """Runs of this study's own, as many and as long as time allows, and their checkpoints cooled."""
    for seeds, sizes, least in PLANS:
        minutes = minutes_that_fit(lab.left() * TRAINING / 60 / (seeds * len(sizes)) - STARTING)
        if minutes > 0 and minutes >= least:
            break
    else:
        return None
    # Size by size within a seed, so that a machine that is slower for a while is so for all sizes.
    ends = {
        (size, seed): train(lab.game, lab.home, minutes, seed, net=size, checkpoint_seconds=2)
        for seed in range(1, seeds + 1)
        for size in sizes
    }
    steps = [[at_points(ladder(ends[size, seed], lab.game)) for seed in range(1, seeds + 1)] for size in sizes]
    if min(len(points) for row in steps for points in row) < len(POINTS):
        return None
    rate = default_config(lab.game).learning_rate
    lessons = [
        Lesson(
            net.path.parent.parent / "games", COOLING, seed + 1, size, net.path, 0.3, rate / 2,
            (int((1 - WINDOW) * (net.games or 0)), net.games),
        )
        for size, row in zip(sizes, steps, strict=True)
        for seed, points in enumerate(row)
        for net in points
    ]  # fmt: skip
    cooled = iter(teach(lab, lessons))
    nets = [[[next(cooled) for _ in points] for points in row] for row in steps]
    spent = [
        [
            [(a.core_seconds or 0) + (b.core_seconds or 0) for a, b in zip(*pair, strict=True)]
            for pair in zip(*rows, strict=True)
        ]
        for rows in zip(steps, nets, strict=True)
    ]
    return Trained(sizes, nets, np.array(spent).mean(1), minutes)


def _given(lab: Lab) -> Trained | None:
    """The checkpoints of a run that the study was given, as they are: one size, one seed, not cooled."""
    known = [net for net in lab.nets if net.core_seconds]
    nets = [known[i] for i in sorted({round(x) for x in np.linspace(0, len(known) - 1, MOST_NETS)})] if known else []
    if len(nets) < LEAST_NETS:
        return None
    cost = np.array([[net.core_seconds for net in nets]], np.float64)
    return Trained(("the run's net",), [[nets]], cost, (lab.best.seconds or 0) / 60)


def at_points(steps: list[Net]) -> list[Net]:
    """The checkpoints nearest to POINTS of the last one's time, none twice; fewer where the ladder is too coarse."""
    end = steps[-1].seconds or 0
    picked = [min(steps, key=lambda s, p=p: abs(math.log((s.seconds or 1e-9) / (p * end)))) for p in POINTS]  # type: ignore[misc]
    return [net for i, net in enumerate(picked) if net not in picked[:i]]


def frontier(
    accuracy: npt.NDArray[np.float64], cost: npt.NDArray[np.float64]
) -> tuple[list[tuple[int, int]], npt.NDArray[np.float64]]:
    """The (size, point) pairs that nothing cheaper matches, by cost, and their costs; arrays are [sizes, points]."""
    order = sorted(np.ndindex(*cost.shape), key=lambda at: float(cost[at]))
    front = list[tuple[int, int]]()
    for at in order:
        if not front or accuracy[at] > accuracy[front[-1]]:
            front.append((at[0], at[1]))
    return front, np.array([cost[at] for at in front])


def exchange(kept: npt.NDArray[np.bool_], cost: npt.NDArray[np.float64], work: npt.NDArray[np.float64]) -> float:
    """How many times the search ten times the training stands for, by least squares of log-odds over both logarithms.

    kept is [nets, budgets, positions], cost [nets], work [nets, budgets] evaluations a move; infinity where more search
    does not help.
    """
    right = kept.sum(2)
    odds = np.log((right + 0.5) / (kept.shape[2] - right + 0.5))
    training = np.repeat(np.log10(cost), kept.shape[1])
    design = np.stack([np.ones(odds.size), training, np.log10(work).ravel()], 1)
    _, by_training, by_search = np.linalg.lstsq(design, odds.ravel())[0]
    return float(10 ** (by_training / by_search)) if by_search > 0 else float("inf")


def _contours(
    cost: npt.NDArray[np.float64], accuracy: npt.NDArray[np.float64], work: npt.NDArray[np.float64]
) -> list[Series]:
    """For each level the evaluations that reach it after each training; accuracy and work are [nets, budgets]."""
    found = []
    for level in LEVELS:
        points = [
            (c / 60, s)
            for c, row, spent in zip(cost, accuracy, work.tolist(), strict=True)
            if math.isfinite(s := reaches(spent, np.maximum.accumulate(row), level)) and s > spent[0]
        ]
        if points:
            found.append(Series(f"{level:.0%}", [c for c, _ in points], [s for _, s in points]))
    return found


def _times(e: Estimate) -> str:
    return f"{e.value:.2g} (95 %: {e.low:.2g} to {e.high:.2g})"
