"""How do the modes fare in positions unlike those that the net learnt from, beside as hard ones of its own play?"""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.exact import Exact
from engine.position import Position
from games.contract import Game
from games.files import write_atomic
from games.loader import load
from games.rng import seed_for
from games.rules import rules
from nets.checkpoint import load_model
from nets.evaluator import TorchEvaluator
from selfplay.actor import Actor
from selfplay.config import TrainConfig, from_table
from selfplay.label import canonical
from selfplay.labels import Label
from selfplay.overlap import trained_on
from selfplay.report.figures import Chart, Series, Table
from selfplay.rundir import RunDir
from selfplay.store import Store
from studies.finding import ENOUGH_SEEDS, Finding, Row
from studies.lab import Lab, Net
from studies.statistics import Estimate, bootstrap, bootstrap_seeds
from studies.training import train

TITLE = "Out of distribution"
OWN_PLAY: dict[str, str | float] = {"net": "mlp:256-64", "opening_share": 0, "random_share": 0, "proof_random": 0}
PLAYERS = {"net": "net", "hybrid": "hybrid:simulations=100", "search": "search:simulations=10000"}
BUDGETS = {"net": 1, "hybrid": 100, "search": 10_000}  # simulations of the same, where their policy is asked for
LEAST_PAIRS = 400  # for a verdict: so many for each net, positions of own play being rare
MOST_PAIRS, SPARE = 1000, 8  # positions of own play that are solved for each that has to find its like
GROUP, CHUNK = 64, 20  # games, and positions, that a worker takes at a time
LEAST_SOLVED = 0.9  # of a ply's first positions: where it is less, only the easy ones would be left
BINS, SOLVER_MEMORY = 10, 64 << 20
GRACE = 10.0  # seconds that a net is measured for, if need be beyond its time: training it was what took long

Floats = npt.NDArray[np.float64]
Line = list[int]  # actions from the start


@dataclass(frozen=True)
class Size:
    """How much is done: nets, minutes of training and games of each, nodes of exact search for a position."""

    nets: int
    minutes: float
    games: int
    nodes: int


# By the minutes that must be left.
SIZES = {9.0: Size(3, 2, 512, 2_000_000), 5.0: Size(3, 1, 512, 1_000_000), 0.7: Size(1, 0.1, 64, 200_000)}


def run(lab: Lab) -> Finding:
    """Train without random openings or moves; pair the net's own positions with labelled ones that it never met.

    Search, which learnt nothing, shows whether the two of a pair are as hard. All are decisive, of value 0 or 1: the
    calibration that is compared is that on such positions.
    """
    if lab.game.repetition:
        return Finding(f"Exact search cannot label positions of {lab.game.spec}.", enough=False)
    size = next((size for minutes, size in SIZES.items() if lab.left() >= 60 * minutes), None)
    if size is None:
        return Finding("There was no time to train a net.", enough=False)
    nets = [train(lab.game, lab.home, size.minutes, seed, **OWN_PLAY) for seed in range(1, size.nets + 1)]
    judged = [judge(lab, net, size) for net in nets]
    n = min(found["met", ""].shape[1] for found in judged)
    if n == 0:
        return Finding("There was no time to compare, or there are no positions that are alike enough.", enough=False)
    found = {key: np.array([one[key][:, :n] for one in judged]) for key in judged[0]}  # [nets, 2, pairs] each
    means = {key: x.mean((0, 2)).tolist() for key, x in found.items()}
    lost = losses(found, lab.seed)

    def error(at: npt.NDArray[np.int64], k: int) -> float:
        return calibration_error(found["predicted", ""][:, k, at], found["truth", ""][:, k, at])

    home, away = (bootstrap(n, lambda at, k=k: error(at, k), lab.seed) for k in (0, 1))  # type: ignore[misc]
    worse = bootstrap(n, lambda at: error(at, 1) - error(at, 0), lab.seed)
    net, hybrid = (lost["right", player, "search"].points() for player in ("net", "hybrid"))
    answer = (
        "From positions of the net's own play to as hard ones elsewhere, which it never met, right moves go from "
        + ", ".join(f"{means['right', p][0]:.1%} to {means['right', p][1]:.1%} ({p})" for p in PLAYERS)
        + f"; the net's loss lies {net} above that of search, which learnt nothing, and the hybrid's {hybrid}, and the "
        f"calibration error of the net's values goes from {home.value:.3f} to {away.value:.3f} ({worse.value:+.3f}, "
        f"95 %: {worse.low:+.3f} to {worse.high:+.3f}) (n = {n} pairs for each net; nets: {size.nets}, of "
        f"{size.minutes:g} minutes)."
    )
    kinds = ("right", "mass")
    rows = [[p, *chain(*(_cells(means[kind, p], lost[kind, p]) for kind in kinds))] for p in PLAYERS]
    for a, b in combinations(PLAYERS, 2):
        rows.append([f"{a}, beyond {b}", *chain(*(["", "", lost[kind, a, b].points()] for kind in kinds))])
    table = Table(
        f"Right moves, and the part of a mode's policy that lies on value-keeping moves (95 % interval over nets, then "
        f"{n} pairs; {means['met', ''][0]:.0%} of the positions of own play had been trained on)",
        ["mode", "right: own play", "elsewhere", "lost", "mass: own play", "elsewhere", "lost"],
        rows,
    )
    series = [
        Series(name, *(x.tolist() for x in reliability(found["predicted", ""][:, k], found["truth", ""][:, k])[:2]))
        for k, name in enumerate(("own play", "elsewhere"))
    ]
    chart = Chart(
        "What the net expects, and the truth",
        "expected score (a draw is half)",
        "mean score under perfect play",
        [*series, Series("perfect", [0.0, 1.0], [0.0, 1.0])],
        log_x=False,
        percent=False,
    )
    cells = [f"lost away from the net's own play: {lost['right', p].points()}" for p in ("search", "net", "hybrid")]
    row = Row("Out of distribution", *cells)
    numbers = {
        "n": n,
        "nets": size.nets,
        "minutes": size.minutes,
        "means": {" ".join(key).strip(): x for key, x in means.items()},
        "lost": {" ".join(key): vars(e) for key, e in lost.items()},
        "calibration_error": {"own play": vars(home), "elsewhere": vars(away), "difference": vars(worse)},
    }
    return Finding(answer, row, [chart], [table], size.nets >= ENOUGH_SEEDS and n >= LEAST_PAIRS, {}, numbers)


def judge(lab: Lab, net: Net, size: Size) -> dict[tuple[str, str], Floats]:
    """What there is to say of a net's pairs: arrays [2, pairs], a position of its own play first.

    "right" of each player: 1 where its move keeps the value; "mass": how much of its policy lies on moves that do;
    "predicted" and "truth": the score that the net expects, and that of perfect play; "met": 1 where it was trained on.
    """
    game, folder = lab.game, net.path.parent
    games = Store(folder / "games", game.rules_id)
    met = trained_on(game, games, lab.labels)
    outside = [label for label, known in zip(lab.labels, met, strict=True) if not known]
    inside = own_positions(lab, net, size, Counter(label.position.ply for label in outside))
    labels = [label for pair in pairs(inside, outside)[:MOST_PAIRS] for label in pair]
    found: dict[tuple[str, str], npt.NDArray[Any]] = {("met", ""): trained_on(game, games, labels)}
    found["truth", ""] = np.array([(1 + label.best) / 2 for label in labels])
    found["predicted", ""] = expected_scores(game, net.path, [label.position for label in labels])
    own = Lab(game, labels, [net], lab.home / "out-of-distribution" / folder.name, lab.seed)
    own.deadline = max(lab.deadline, time.monotonic() + GRACE)
    try:
        for player, spec in PLAYERS.items() if labels else ():
            asked = None if player == "search" else net
            found["right", player] = own.measure([spec], asked)[0].kept
            searched = [{"mode": player, "simulations": BUDGETS[player]}]
            found["mass", player] = own.mass_lines({"": (searched, asked)})[""][0]
    finally:
        own.close()
    n = min(len(x) for x in found.values()) // 2
    return {key: x[: 2 * n].reshape(n, 2).T.astype(np.float64) for key, x in found.items()}


def own_positions(lab: Lab, net: Net, size: Size, wanted: Mapping[int, int]) -> list[Label]:
    """Decisive positions of fresh games that the net plays as in its run, each once up to symmetry; kept on disk.

    `wanted` says for each ply how many positions look for their like.
    """
    what = json.dumps([lab.game.rules_id, net.net_id, asdict(size), lab.seed, sorted(wanted.items())])
    path = lab.home / "out-of-distribution" / f"{hashlib.sha256(what.encode()).hexdigest()[:12]}.json"
    if not path.is_file():
        seeds = [seed_for(lab.seed, part) >> 1 for part in range(size.games // GROUP)]
        asked = [lab.pool.submit(_play, lab.game.spec, net.path, seed) for seed in seeds]
        lines = distinct(lab.game, chain.from_iterable(games.result() for games in asked), wanted)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(_solved(lab, lines, size.nodes)).encode())
    found = [Label(_position(lab.game, line), dict(values)) for line, values in json.loads(path.read_bytes())]
    return [label for label in found if label.decisive]


def distinct(game: Game, games: Iterable[Line], wanted: Mapping[int, int]) -> dict[int, list[Line]]:
    """By ply, the first positions that some games came through, SPARE for each one wanted, none like another."""
    seen, found = set[bytes](), defaultdict[int, list[Line]](list)
    for line in games:
        position = Position(game)
        for ply, action in enumerate(line):
            if len(found[ply]) < SPARE * wanted.get(ply, 0) and (identity := canonical(position)) not in seen:
                seen.add(identity)
                found[ply].append(line[:ply])
            position.play(action)
    return found


def pairs(inside: Sequence[Label], outside: Sequence[Label]) -> list[tuple[Label, Label]]:
    """Each of `outside`, in order, with the next of `inside` that is alike, as long as there are any.

    Alike are positions of one ply and value with as many value-keeping moves of as many legal ones.
    """
    waiting = defaultdict[tuple[int, ...], list[Label]](list)
    for label in reversed(inside):
        waiting[_kind(label)].append(label)
    return [(waiting[_kind(label)].pop(), label) for label in outside if waiting[_kind(label)]]


def losses(found: Mapping[tuple[str, str], Floats], seed: int) -> dict[tuple[str, ...], Estimate]:
    """What players lose from own play to what was never met, and, under two names, how much more one does; see `judge`.

    found[kind, player] is [nets, 2, pairs].
    """
    lost: dict[tuple[str, ...], Floats] = {key: x[:, 0] - x[:, 1] for key, x in found.items() if key[1]}
    for kind, (a, b) in product(("right", "mass"), combinations(PLAYERS, 2)):
        lost[kind, a, b] = lost[kind, a] - lost[kind, b]
    return {key: bootstrap_seeds(x, seed) for key, x in lost.items()}


def reliability(predicted: Floats, truth: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean prediction, mean truth and share of all, of each of BINS equal spans of predictions that has any."""
    x, y = predicted.ravel(), truth.ravel()
    at = np.minimum((x * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(at, minlength=BINS)
    some = counts > 0
    means = [np.bincount(at, values, BINS)[some] / counts[some] for values in (x, y)]
    return means[0], means[1], counts[some] / len(x)


def calibration_error(predicted: Floats, truth: Floats) -> float:
    """How far prediction and truth lie apart in a bin, on average over predictions (Guo et al. 2017, equation 3)."""
    x, y, share = reliability(predicted, truth)
    return float((share * abs(x - y)).sum())


def expected_scores(game: Game, model: Path, positions: Sequence[Position]) -> Floats:
    """[positions] What a net expects for the player to move: a win is 1, a draw half."""
    n = len(positions)
    planes, logits = np.zeros((n, *game.planes), np.float32), np.zeros((n, game.logits), np.float32)
    wdl = np.zeros((n, 3), np.float32)
    if n:
        rules(game).encode(np.concatenate([position.state for position in positions]), planes)
        TorchEvaluator(load_model(model, game).model, precision="f32").evaluate(planes, logits, wdl)
    return (wdl[:, 0] + wdl[:, 1] / 2).astype(np.float64)


def _play(spec: str, model: Path, seed: int) -> list[Line]:
    """GROUP games that the net of a run plays with the run's settings, as late in it as can be; a worker's task."""
    torch.set_num_threads(1)
    game, run = load(spec), model.parent
    config = from_table(RunDir.read(run).config["settings"], TrainConfig(), str(run))
    config = replace(config, seed=seed, games_per_actor=GROUP)
    actor, found = Actor(game, config, TorchEvaluator(load_model(model, game).model)), dict[int, Line]()
    while len(found) < GROUP:
        games = actor.play(GROUP, effort=config.late_effort)
        found |= {game.number: game.actions.tolist() for game in games.records() if game.number < GROUP}
    return [found[number] for number in range(GROUP)]


def _solved(lab: Lab, lines: Mapping[int, list[Line]], nodes: int) -> list[Any]:
    """Lines and the values of their moves, at those plies where nearly all of the first ones can be solved."""

    def solve(parts: Iterable[list[Line]]) -> list[list[Any]]:
        asked = [lab.pool.submit(_solve, lab.game.spec, part, nodes) for part in parts]
        return [found.result() for found in asked]

    first = {ply: found[:CHUNK] for ply, found in lines.items() if found}
    tried = dict(zip(first, solve(first.values()), strict=True))
    plies = [ply for ply, found in tried.items() if len(found) >= LEAST_SOLVED * len(first[ply])]
    rest = solve(lines[ply][at : at + CHUNK] for ply in plies for at in range(CHUNK, len(lines[ply]), CHUNK))
    return list(chain(*(tried[ply] for ply in plies), *rest))


def _solve(spec: str, lines: list[Line], nodes: int) -> list[Any]:
    """Those lines whose moves are all solved, with what each is worth; a worker's task."""
    game = load(spec)
    exact, found = Exact(game, memory=SOLVER_MEMORY), []
    for line in lines:
        solved = exact.moves(_position(game, line), nodes=nodes, outcome_only=True)
        if all(solution.value is not None for solution in solved.values()):
            found.append([line, [[action, solution.value] for action, solution in solved.items()]])
    return found


def _position(game: Game, line: Line) -> Position:
    position = Position(game)
    for action in line:
        position.play(action)
    return position


def _kind(label: Label) -> tuple[int, ...]:
    values = list(label.values.values())
    return label.position.ply, label.best, values.count(label.best), len(values)


def _cells(means: Sequence[float], lost: Estimate) -> list[str]:
    return [f"{means[0]:.1%}", f"{means[1]:.1%}", lost.points()]
