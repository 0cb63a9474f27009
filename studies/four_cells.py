"""Does search help in training, when a move is chosen, or both: four cells of the same net, rules, clock and effort?"""

import math

import numpy as np

from players.elo import elo, score_interval
from selfplay.arena import play_match
from studies.finding import Finding, Row, Table
from studies.lab import Lab, Measured, Net
from studies.statistics import Estimate, bootstrap_seeds
from studies.training import minutes_that_fit, train

TITLE = "Four cells"
LEARNERS = {"search": "with search", "ppo": "without search"}  # how a net was trained
SIMULATIONS = 100
PLAYERS = {"hybrid": f"hybrid:simulations={SIMULATIONS}", "net": "net"}  # how a move is chosen
RATES = (1.0, 0.3)  # times the game's own learning rate, tried for either learner alike
SEEDS = 5
TRAINING = 0.8  # share of the time
TUNED_ON = 100  # positions that the rate is chosen by, which the figures leave out
GAMES = 80  # for each seed, against the net alone that learnt alone


def run(lab: Lab) -> Finding:
    """Train both learners with the same seeds and minutes, choose a rate for each, and measure all four cells."""
    runs = len(LEARNERS) * (SEEDS + len(RATES) - 1)
    minutes = minutes_that_fit(lab.left() * TRAINING / 60 / runs)
    if not minutes:
        return Finding(f"{runs} trainings do not fit into {lab.left():.0f} seconds.", enough=False)
    folder = lab.folder.parent
    rates, nets = dict[str, float](), dict[str, list[Net]]()
    for learner in LEARNERS:
        tried = {rate: train(lab.game, folder, learner, rate, 1, minutes) for rate in RATES}
        scores = {rate: _accuracy(lab, net) for rate, net in tried.items()}
        rates[learner] = max(scores, key=lambda rate: scores[rate])
        rest = [train(lab.game, folder, learner, rates[learner], seed, minutes) for seed in range(2, SEEDS + 1)]
        nets[learner] = [tried[rates[learner]], *rest]
    measured = {
        learner: [lab.measure(list(PLAYERS.values()), net) for net in trained] for learner, trained in nets.items()
    }
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
    strength = _strength(lab, nets)
    in_training = _effect(cells["search", "net"], cells["ppo", "net"], lab.seed)
    deciding = _effect(cells["ppo", "hybrid"], cells["ppo", "net"], lab.seed)
    both = _effect(cells["search", "hybrid"], cells["ppo", "net"], lab.seed)
    answer = (
        f"Search in training alone is worth {in_training.points()}, search at the move alone {deciding.points()}, both "
        f"{both.points()}, over {SEEDS} seeds of {minutes:g} minutes and {n} positions."
    )
    table = Table(
        "Right moves (95 % interval over seeds, then positions), and Elo above the lower right cell",
        ["trained", "moves with search", "moves without"],
        [
            [
                words,
                *(
                    f"{_shown(found[learner, player])}; {strength.get((learner, player), 'Elo 0')}"
                    for player in PLAYERS
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
        "seeds": SEEDS,
        "minutes": minutes,
        "rates": rates,
        "accuracy": {f"{a}, {b}": [e.value, e.low, e.high] for (a, b), e in found.items()},
        "regret": {
            f"{a}, {b}": float(np.mean([m.regret[TUNED_ON:].mean() for m in rows])) for (a, b), rows in cells.items()
        },
        "elo": {f"{a}, {b}": text for (a, b), text in strength.items()},
    }
    return Finding(answer, row, [], [table], n >= 200 and minutes >= 1, {}, numbers)


def _accuracy(lab: Lab, net: Net) -> float:
    """Of the better of its two players, on the positions that are for tuning."""
    rows = [m.kept[:TUNED_ON] for m in lab.measure(list(PLAYERS.values()), net)]
    return max(float(kept.mean()) if len(kept) else 0.0 for kept in rows)


def _estimate(rows: list[Measured], seed: int) -> Estimate:
    return bootstrap_seeds(np.array([m.kept[TUNED_ON:] for m in rows], np.float64), seed)


def _effect(cell: list[Measured], base: list[Measured], seed: int) -> Estimate:
    """Accuracy of a cell above another, seed by seed and position by position."""
    pairs = zip(cell, base, strict=True)
    return bootstrap_seeds(np.array([a.kept[TUNED_ON:] * 1.0 - b.kept[TUNED_ON:] for a, b in pairs]), seed)


def _strength(lab: Lab, nets: dict[str, list[Net]]) -> dict[tuple[str, str], str]:
    """Elo of each cell above the net that learnt and plays without search; games of all seeds together."""
    found = {}
    for learner in LEARNERS:
        for player, spec in PLAYERS.items():
            if (learner, player) == ("ppo", "net"):
                continue
            scores = list[float]()
            for i in range(SEEDS):
                mine = f"{spec}{',' if ':' in spec else ':'}model={nets[learner][i].path}"
                match = play_match(lab.game, mine, f"net:model={nets['ppo'][i].path}", GAMES, seed=lab.seed + i)
                scores += match.pair_scores
            low, high = score_interval(scores)
            middle = elo(sum(scores) / len(scores))
            ends = ["unbounded" if math.isinf(x) else f"{x:+.0f}" for x in (elo(low), elo(high))]
            found[learner, player] = f"Elo {middle:+.0f} ({ends[0]} to {ends[1]})"
    return found


def _shown(e: Estimate) -> str:
    return f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})"
