"""Does search help in training, when a move is chosen, or both: four cells of the same net, rules, clock and effort?

Training without search is proximal policy optimisation; training with it knows the tree alone, not the exact solver.
Both learners have the game's own settings, which were found with search, and as many learning rates to choose from.
"""

import math
import time
from itertools import combinations, product

import numpy as np

from selfplay.config import default_config
from selfplay.report.figures import Table
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Measured, Net
from studies.ratings import ratings
from studies.statistics import Estimate, bootstrap_seeds
from studies.training import BASE_NET, minutes_that_fit, train

TITLE = "Four cells"
LEARNERS = {"search": "with search", "ppo": "without search"}  # how a net was trained
SIMULATIONS = 100
PLAYERS = {"hybrid": f"hybrid:simulations={SIMULATIONS}", "net": "net"}  # how a move is chosen
Cell = tuple[str, str]
CELLS: list[Cell] = list(product(LEARNERS, PLAYERS))
BASE: Cell = ("ppo", "net")
# Seeds, and learning rates tried for either learner alike as multiples of the game's own: the first that time allows.
PLANS = ((5, (1.0, 2.0)), (3, (1.0, 2.0)), (2, (1.0,)))
LEAST_SEEDS, LEAST_MINUTES = 5, 1  # what a verdict takes
TRAINING, STARTING = 0.75, 0.1  # share of the time for training; minutes that a training takes to begin and end
GRACE = 30.0  # seconds that the nets are measured for, if need be beyond the time: training them was what took long
TUNED_ON = 100  # positions that the rate is chosen by, which the figures leave out
GAMES = 400  # between any two cells, over all seeds


def run(lab: Lab) -> Finding:
    """Train both learners with the same seeds and minutes, choose a rate for each, and measure all four cells."""
    seeds, rates, minutes = _plan(lab.left() * TRAINING / 60)
    if not minutes:
        return Finding("There was no time to train two nets for either learner.", enough=False)
    # In turn, so that a machine that is slower for a while is so for both.
    tried = {(rate, learner): _train(lab, minutes, learner, rate, 1) for rate in rates for learner in LEARNERS}
    chosen = {learner: max(rates, key=lambda r, k=learner: _accuracy(lab, tried[r, k])) for learner in LEARNERS}  # type: ignore[misc]
    nets = {learner: [tried[chosen[learner], learner]] for learner in LEARNERS}
    for seed in range(2, seeds + 1):
        for learner in LEARNERS:
            nets[learner].append(_train(lab, minutes, learner, chosen[learner], seed))
    lab.deadline = max(lab.deadline, time.monotonic() + GRACE)
    specs = list(PLAYERS.values())
    answered = lab.measure_lines({(k, i): (specs, net) for k, row in nets.items() for i, net in enumerate(row)})
    measured = {learner: [answered[learner, i] for i in range(seeds)] for learner in LEARNERS}
    n = min(len(m.kept) for rows in measured.values() for row in rows for m in row)
    if n <= TUNED_ON:
        return Finding("There was no time to measure the nets.", enough=False)
    cells = {
        (learner, player): [row[i].first(n) for row in rows]
        for learner, rows in measured.items()
        for i, player in enumerate(PLAYERS)
    }
    n -= TUNED_ON
    found = {cell: _estimate(rows, lab.seed) for cell, rows in cells.items()}
    strength, games = _strength(lab, nets)
    regret = {cell: float(np.mean([m.regret[TUNED_ON:].mean() for m in rows])) for cell, rows in cells.items()}
    in_training = _effect(cells["search", "net"], cells["ppo", "net"], lab.seed)
    deciding = _effect(cells["ppo", "hybrid"], cells["ppo", "net"], lab.seed)
    both = _effect(cells["search", "hybrid"], cells["ppo", "net"], lab.seed)
    answer = (
        f"Search in training alone is worth {in_training.points()}, search at the move alone {deciding.points()}, both "
        f"{both.points()}, over {seeds} seeds of {minutes:g} minutes and {n} positions."
    )
    table = Table(
        "Right moves (95 % interval over seeds, then positions), regret (outcome given away a move, 0 to 2), and Elo "
        f"above the lower right cell, from matches of {games} games or more between any two",
        ["trained", "moves with search", "moves without"],
        [
            [
                words,
                *(
                    f"{found[learner, p].share()}; regret {regret[learner, p]:.3f}; {_elo(strength[learner, p])}"
                    for p in PLAYERS
                ),
            ]
            for learner, words in LEARNERS.items()
        ],
    )
    row = Row(
        "Bootstrapping",
        f"search lifts a net that learnt without it by {deciding.points()}",
        f"a net that learnt from search lies {in_training.points()} above one that did not",
        f"both together: {both.points()}",
    )
    numbers = {
        "n": n,
        "seeds": seeds,
        "minutes": minutes,
        "rates": chosen,
        "accuracy": {f"{a}, {b}": [e.value, e.low, e.high] for (a, b), e in found.items()},
        "regret": {f"{a}, {b}": x for (a, b), x in regret.items()},
        "games": games,
        "elo": {f"{a}, {b}": [e.value, e.low, e.high] for (a, b), e in strength.items()},
    }
    enough = n >= ENOUGH_POSITIONS and seeds >= LEAST_SEEDS and minutes >= LEAST_MINUTES and games >= GAMES
    return Finding(answer, row, [], [table], enough, {}, numbers)


def _plan(minutes: float) -> tuple[int, tuple[float, ...], float]:
    """(seeds, rates, minutes of each training) that fit; no minutes where nothing does."""
    for seeds, rates in PLANS:
        most = minutes / (len(LEARNERS) * (seeds + len(rates) - 1)) - STARTING
        if (each := minutes_that_fit(most)) >= (LEAST_MINUTES if (seeds, rates) != PLANS[-1] else 0):
            return seeds, rates, each
    return *PLANS[-1], 0.0


def _train(lab: Lab, minutes: float, learner: str, rate: float, seed: int) -> Net:
    own = default_config(lab.game).learning_rate
    settings: dict[str, str | float] = {
        "learner": learner,
        "net": BASE_NET,
        "learning_rate": rate * own,
        "proof_nodes": 0,
    }
    return train(lab.game, lab.home, minutes, seed, **settings)


def _accuracy(lab: Lab, net: Net) -> float:
    """Of the better of its two players, on the positions that are for tuning."""
    rows = [m.kept[:TUNED_ON] for m in lab.measure_lines({"": (list(PLAYERS.values()), net)}, TUNED_ON)[""]]
    return max(float(kept.mean()) if len(kept) else 0.0 for kept in rows)


def _estimate(rows: list[Measured], seed: int) -> Estimate:
    return bootstrap_seeds(np.array([m.kept[TUNED_ON:] for m in rows], np.float64), seed)


def _effect(cell: list[Measured], base: list[Measured], seed: int) -> Estimate:
    """Accuracy of a cell above another, seed by seed and position by position."""
    pairs = zip(cell, base, strict=True)
    return bootstrap_seeds(np.array([a.kept[TUNED_ON:] * 1.0 - b.kept[TUNED_ON:] for a, b in pairs]), seed)


def _strength(lab: Lab, nets: dict[str, list[Net]]) -> tuple[dict[Cell, Estimate], int]:
    """Elo of each cell above the net that learnt and plays without search, and the fewest games between any two cells.

    All cells have met, seed by seed.
    """
    games = 2 * math.ceil(GAMES / len(nets["ppo"]) / 2)
    matches = {}
    for mine, theirs in combinations(CELLS, 2):
        pairs = zip(nets[mine[0]], nets[theirs[0]], strict=True)
        specs = PLAYERS[mine[1]], PLAYERS[theirs[1]]
        matches[" ".join(mine), " ".join(theirs)] = [lab.match(*specs, games, pair) for pair in pairs]
    found = ratings(matches, " ".join(BASE), lab.seed)
    fewest = min(2 * sum(map(len, rows)) for rows in matches.values())
    return {cell: found.get(" ".join(cell), Estimate(0, 0, 0)) for cell in CELLS}, fewest


def _elo(e: Estimate) -> str:
    return f"Elo {e.value:+.0f} ({e.low:+.0f} to {e.high:+.0f})" if e.value else "Elo 0"
