"""How much data does the net need, and what does making it cost, where search needs none: in plies that are played?"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.exact import Exact
from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.rng import Random, seed_for
from nets.modelfile import read_header
from nets.models import run_model
from selfplay.config import TrainConfig, default_config
from selfplay.labels import Label
from selfplay.proofs import LIKELY, RARELY
from selfplay.records import GameBatch, starts_of
from selfplay.report.figures import Chart, Series, Table
from studies.finding import ENOUGH_POSITIONS, ENOUGH_SEEDS, Finding, Row
from studies.lab import Lab, Net
from studies.offline import Lesson, keep_games, read_games, teach
from studies.statistics import Estimate, Kept, bootstrap, bootstrap_seeds, curve, reaches
from studies.training import base_run

TITLE = "Data"
SHARES = {"1 %": 0.01, "10 %": 0.1, "100 %": 1.0}  # of the run's newest games
LEAST, ALL, FIRST = "1 %", "100 %", "first games"  # the last: as many as in the least share, when the run began
MOST_POSITIONS = 500_000
NET, SIMULATIONS = "mlp:256-64", 100
PLAYERS = {"net": "net", "hybrid": f"hybrid:simulations={SIMULATIONS}"}
OWN = {"net": 1, "hybrid": SIMULATIONS}  # plies that a move of theirs takes at most
BUDGETS = [2**k for k in range(2, 17, 2)]  # play-outs of search
PLAYOUTS, SAMPLED = 2, 200  # from each labelled position; positions of self-play that the solver is given again
SOLVER_MEMORY = 32 << 20
SIZES = {240: (3, 4000), 20: (1, 400)}  # seconds that must be left: seeds, steps


def run(lab: Lab) -> Finding:
    """Teach nets with the same steps on ever more games of one run, and charge each for its share of the run.

    The steps themselves are charged to none. Nor is what the nets that played had learnt from before: for the first
    games alone, and for all of a run, the share is the whole price.
    """
    folder = base_run(lab)
    size = next((size for seconds, size in SIZES.items() if lab.left() >= seconds), None)
    if folder is None or size is None:
        return Finding("There was no time to teach nets.", enough=False)
    card = read_header(run_model(folder)).card
    if not {"config", "evaluations", "core_minutes"} <= card.keys():
        raise TandemError(f"the net in {folder} does not say what it cost; name a run of train.py")
    games = read_games(folder / "games", lab.game)
    if not games.positions:
        return Finding(f"The run in {folder} has kept no games.", enough=False)
    arms = {name: games.select(mask) for name, mask in choose(games, MOST_POSITIONS).items()}
    mix, (seeds, steps) = default_config(lab.game).value_mix, size
    folders = [keep_games(lab, arm) for arm in arms.values()]
    lessons = [Lesson(path, steps, 1 + s, NET, value_mix=mix) for path in folders for s in range(seeds)]
    taught = teach(lab, lessons)
    asked: dict[tuple[str, str, int], tuple[list[str], Net | None]] = {
        (name, player, s): ([spec], taught[i * seeds + s])
        for player, spec in PLAYERS.items()
        for i, name in enumerate(arms)
        for s in range(seeds)
    }
    free_specs = [f"search:simulations={k}" for k in BUDGETS]
    found = lab.measure_lines({**asked, ("", "search", 0): (free_specs, None)})
    search = found["", "search", 0]
    answered = {
        (name, player): [found[name, player, s][0] for s in range(seeds)] for name in arms for player in PLAYERS
    }
    n = min(len(m.kept) for rows in (search, *answered.values()) for m in rows)
    if n == 0:
        return Finding("There was no time to measure the nets.", enough=False)
    kept = {cell: np.array([m.kept[:n] for m in rows]) for cell, rows in answered.items()}
    free = np.array([m.kept[:n] for m in search])
    right = {cell: bootstrap_seeds(k.astype(np.float64), lab.seed) for cell, k in kept.items()}
    costs = {name: charge(lab.game, card, games, arm, lab.seed) for name, arm in arms.items()}
    plies = {name: sum(cost.values()) for name, cost in costs.items()}
    a_playout = playout_plies(lab.labels, lab.seed)
    bought = {
        (name, player): moves_bought(plies[name], a_playout, OWN[player], free, k, lab.seed)
        for (name, player), k in kept.items()
    }
    few, many, first = arms[LEAST], arms[ALL], arms[FIRST]
    newest = f" (the newest of {games.positions:,})" if len(many) < len(games) else ""
    low, high = ({player: right[name, player].share() for player in PLAYERS} for name in (LEAST, ALL))
    answer = (
        f"From {few.positions:,} to {many.positions:,} positions of self-play{newest} the net alone goes from "
        f"{low['net']} of right moves to {high['net']}, the hybrid from {low['hybrid']} to {high['hybrid']}, and the "
        f"run's first {len(first):,} games (nets: {generations(first)}) give {right[FIRST, 'net'].share()} and "
        f"{right[FIRST, 'hybrid'].share()}; making all of it took {plies[ALL]:,.0f} plies, where search, without data, "
        f"{_words(bought[ALL, 'net'], 'net')} and {_words(bought[ALL, 'hybrid'], 'hybrid')} (n = {n}, "
        f"{seeds} seeds)."
    )
    table = Table(
        f"Right moves after {steps:,} steps (95 % interval over seeds, then {n} positions), the plies that making "
        "the games took, and in how many moves search takes as many, where it is as accurate as the net or the hybrid",
        ["share", "games", "positions", "nets", *PLAYERS, *costs[ALL], *(f"search as {player}" for player in PLAYERS)],
        [
            [
                *(name, f"{len(arm):,}", f"{arm.positions:,}", str(generations(arm))),
                *(right[name, player].share() for player in PLAYERS),
                *(f"{x:,.0f}" for x in costs[name].values()),
                *(_moves(bought[name, player]) for player in PLAYERS),
            ]
            for name, arm in arms.items()
        ],
    )
    lines = [(player, player, list(SHARES)) for player in PLAYERS]
    lines += [(f"{player}, {FIRST}", player, [FIRST]) for player in PLAYERS]
    series = [
        Series(
            words,
            [float(arms[name].positions) for name in names],
            *([getattr(right[name, player], end) for name in names] for end in ("value", "low", "high")),
        )
        for words, player, names in lines
    ]
    chart = Chart("Accuracy against data", "positions of self-play", "moves that keep the value", series)
    row = Row(
        "Data",
        "none: the rules alone",
        f"{low['net']} from {few.positions:,} positions, {high['net']} from {many.positions:,}",
        f"{low['hybrid']} and {high['hybrid']} from the same",
    )
    numbers = {
        "n": n,
        "seeds": seeds,
        "steps": steps,
        "plies_of_a_playout": a_playout,
        "games": {name: len(arm) for name, arm in arms.items()},
        "positions": {name: arm.positions for name, arm in arms.items()},
        "generations": {name: generations(arm) for name, arm in arms.items()},
        "accuracy": {f"{name}, {player}": vars(e) for (name, player), e in right.items()},
        "accuracy_of_search": dict(zip(map(str, BUDGETS), free.mean(1).tolist(), strict=True)),
        "plies": costs,
        "moves_of_search": {f"{name}, {player}": vars(e) for (name, player), e in bought.items()},
    }
    timed = {
        "core_seconds_of_games": {name: 60 * card["core_minutes"] * share_of(games, arm) for name, arm in arms.items()},
        "core_seconds_of_a_move": {m.spec: m.milliseconds / 1e3 for m in search},
    }
    enough = seeds >= ENOUGH_SEEDS and n >= ENOUGH_POSITIONS
    # A run that the study made for itself was ended by a clock: none of its numbers repeats.
    if lab.run is None:
        return Finding(answer, row, [chart], [table], enough, {}, {**numbers, **timed})
    return Finding(answer, row, [chart], [table], enough, numbers, timed)


def choose(games: GameBatch, most: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Which games each arm has, [games]: shares of the newest games of `most` positions, and as few of the first.

    A share follows from a hash of the games' numbers; the larger hold the smaller.
    """
    order = np.argsort(games.number, kind="stable")
    to_end = np.cumsum(np.diff(games.row_offsets)[order][::-1])[::-1]
    newest = order[to_end <= max(most, int(to_end[-1]))]
    hashed = newest[np.argsort(np.array([seed_for(0, number) for number in games.number[newest].tolist()], np.uint64))]
    counts = {name: math.ceil(share * len(newest)) for name, share in SHARES.items()}
    chosen = {name: hashed[:count] for name, count in counts.items()} | {FIRST: order[: counts[LEAST]]}
    return {name: np.isin(np.arange(len(games)), at) for name, at in chosen.items()}


def generations(games: GameBatch) -> int:
    """How many different nets ended these games."""
    return len(np.unique(games.net_id))


def share_of(games: GameBatch, arm: GameBatch) -> float:
    """An arm's part of the simulations of all games: late ones may be searched harder than early ones."""
    return float(arm.simulations.sum() / max(games.simulations.sum(), 1))


def charge(game: Game, card: dict[str, Any], games: GameBatch, arm: GameBatch, seed: int) -> dict[str, float]:
    """The plies that the games of an arm took to make, by what played them; `card` is that of the run's net.

    An evaluation counts as one ply, and so do each move of a game and each node of the solver that self-play asks
    first. The moves down to a leaf of its trees are left out, which is in the net's favour.
    """
    config = {**asdict(TrainConfig()), **card["config"]}  # older runs do not name every setting
    effort = config["late_effort"] ** (arm.number / max(games.number.max(), 1))
    limits = np.zeros(len(arm)) if game.repetition else np.round(config["proof_nodes"] * effort)
    evaluations = share_of(games, arm) * card["evaluations"]
    nodes = solver_nodes(game, arm, limits, seed) if limits.any() else 0.0
    return {"evaluations": evaluations, "moves": float(len(arm.actions)), "solver nodes": nodes}


def solver_nodes(game: Game, arm: GameBatch, limits: npt.NDArray[np.float64], seed: int) -> float:
    """About how many nodes the solver of self-play searched, given at most `limits`, [games], for a position.

    Which positions it solved stands in the games, and a sample of them is solved again. How many it gave up follows
    from its rule: it tries all at a ply where it solves half, and one in RARELY elsewhere.
    """
    owner = np.repeat(np.arange(len(arm)), np.diff(arm.row_offsets))
    solved = np.flatnonzero(arm.simulations == 0)
    rows, done = (np.bincount(ply, minlength=game.max_plies + 1) for ply in (arm.ply, arm.ply[solved]))
    tried = np.where(2 * LIKELY * done >= rows, rows, rows / RARELY)
    given_up = float(np.maximum(tried - done, 0).sum() * limits[owner].mean())
    exact, rng, starts, spent = Exact(game, memory=SOLVER_MEMORY, early=False), Random(seed), starts_of(game, arm), 0
    for _ in range(SAMPLED if len(solved) else 0):
        at = solved[rng.below(len(solved))]
        g = owner[at]
        position = Position(game, states=[starts[g : g + 1]])
        for action in arm.actions[arm.action_offsets[g] :][: arm.ply[at]].tolist():
            position.play(action)
        found = exact.moves(position, nodes=max(int(limits[g]), 1), outcome_only=True)
        spent += sum(solution.nodes for solution in found.values())
    return given_up + spent / SAMPLED * len(solved)


def playout_plies(labels: Sequence[Label], seed: int) -> float:
    """Mean plies of random play from these positions to the end: what a simulation of search takes, tree included."""
    rng, plies = Random(seed), 0
    for label in labels:
        for _ in range(PLAYOUTS):
            position = label.position.copy()
            while not position.ended:
                legal = position.legal()
                position.play(legal[rng.below(len(legal))])
            plies += position.ply - label.position.ply
    return plies / (PLAYOUTS * len(labels))


def moves_bought(plies: float, a_playout: float, own: float, search: Kept, mine: Kept, seed: int) -> Estimate:
    """After how many moves search, as accurate as a player, has played the plies that the player's data took.

    search is [budgets, positions], mine [seeds, positions], `own` the plies of a move of the player. 0 where search is
    never as accurate, infinity where a move of it takes no more plies than the player's. Intervals are over positions.
    """

    def moves(at: npt.NDArray[np.int64]) -> float:
        saved = a_playout * reaches(BUDGETS, curve(search, at), float(mine[:, at].mean())) - own
        return plies / saved if saved > 0 else math.inf

    return bootstrap(search.shape[1], moves, seed)


def _moves(e: Estimate) -> str:
    if e.value == 0:
        return "not reached"
    return " to ".join(f"{x:,.0f}" if math.isfinite(x) else "endless" for x in (e.low, e.high))


def _words(e: Estimate, player: str) -> str:
    if e.value == 0:
        return f"does not come up to the {player} within {BUDGETS[-1]:,} play-outs"
    if not math.isfinite(e.value):
        return f"comes up to the {player} with no more plies a move than it takes"
    return f"plays as many in {e.value:,.0f} moves as accurate as the {player}'s (95 %: {_moves(e)})"
