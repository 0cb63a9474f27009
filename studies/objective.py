"""Who follows when the objective of a game changes, and who when the data are wrong: search, the net, or both together?

On a small board, nets of the old objective meet two new ones and are retrained; then nets of the old objective are
taught by its games with a share of them labelled wrong.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.exact import Exact
from engine.lockstep import search_together
from engine.position import Position
from engine.settings import Settings
from games.contract import Game
from games.files import plain_stem
from games.loader import load
from games.rng import Random, seed_for
from nets.checkpoint import load_model, save_model
from players.evaluators import load_evaluator
from selfplay.labels import Label
from selfplay.pool import one_torch_thread
from selfplay.records import UNPROVEN, GameBatch
from selfplay.report.figures import Chart, Series, Table
from selfplay.rundir import GAMES
from studies.finding import ENOUGH_POSITIONS, ENOUGH_SEEDS, Finding, Row
from studies.lab import Lab, Measured, Net, read_net
from studies.offline import Lesson, keep_games, read_games, teach
from studies.statistics import Estimate, Kept, bootstrap, bootstrap_seeds, curve, reaches
from studies.training import ladder, train

TITLE = "The objective, and the data"
GAME, BOARD = "connect4", "rows=4,columns=5"  # solved in milliseconds, and yet search errs
CHANGES = {"misere=1": "completing a line loses", "drawn=1": "a full board is won by the second player"}
NET = "mlp:256-64"
SETTINGS: dict[str, str | float] = {
    "net": NET, "simulations": 48, "opening_plies": 8, "temperature_plies": 4, "batch": 512, "learning_rate": 2e-3,
    "games_per_actor": 128, "plies_per_round": 4000, "window_least": 30_000, "checkpoint_seconds": 2,
    "strength_seconds": 3600,
    "proof_nodes": 0,  # the solver as a teacher would follow any objective
}  # fmt: skip
SIMULATIONS = 100
FREE = {"exact": "exact", "search": f"search:simulations={SIMULATIONS}"}
WITH_NET = {"net": "net", "hybrid": f"hybrid:simulations={SIMULATIONS}"}
MOST_STEPS = 8  # checkpoints of a retraining that are measured
WRONG = 0.2  # share of the games
TRIES = 50  # random games for each position that is asked for
MEMORY = 64 << 20
Floats = npt.NDArray[np.float64]
Answers = dict[str, list[Measured]]  # of each player: one for each net, or one where it has none


@dataclass(frozen=True)
class Size:
    """What fits into `seconds`: runs of each objective and their minutes, positions, steps of a lesson, objectives."""

    seconds: float
    seeds: int
    minutes: float
    positions: int
    steps: int
    changes: int


SIZES = (Size(1000, 3, 1.0, 1000, 2000, 2), Size(450, 3, 0.5, 1000, 1000, 2), Size(40, 1, 0.25, 300, 300, 1))


@dataclass(frozen=True)
class Followed:
    """What a new objective came to on `n` positions, by player.

    Accuracy under the old objective, with nothing new but the rules, and after `minutes` core-minutes of retraining;
    `back` is how many it took to be as accurate as before, and as far between a random mover and a perfect one.
    `errors` are the net's value errors at those three times. `still_right` is the share of the old objective's right
    moves that are right now.
    """

    n: int
    chance: float
    still_right: float
    before: dict[str, Estimate]
    at_once: dict[str, Estimate]
    retrained: dict[str, Estimate]
    back: dict[str, tuple[Estimate, Estimate]]
    minutes: float
    errors: list[float]
    chart: Chart


@dataclass(frozen=True)
class Taught:
    """What wrong labels in `games` games came to on `n` positions: accuracy by player, what they lost, value errors."""

    n: int
    games: int
    clean: dict[str, Estimate]
    wrong: dict[str, Estimate]
    lost: dict[str, Estimate]
    errors: tuple[Estimate, Estimate]


def run(lab: Lab) -> Finding:
    """Change the objective under trained nets, then the data under nets to be taught."""
    if lab.game.name != GAME:
        return Finding(f"No other objective of {lab.game.spec} is known here.", enough=False, lacks=f"it is of {GAME}")
    size = next((size for size in SIZES if lab.left() >= size.seconds), None)
    if size is None:
        return Finding("There was no time to train under other objectives.", enough=False)
    with closing(_lab(lab, BOARD, size)) as old:
        nets = _trained(lab, old.game, size)
        changes = list(CHANGES)[: size.changes]
        followed = {change: _followed(lab, old, nets, change, size) for change in changes}
        return _finding(followed, _taught(old, nets[0], size), size)


def decisive(game: Game, most: int, seed: int) -> list[Label]:
    """At most that many different decisive positions of random games, every ply of a game as likely; as they come."""
    exact, rng, found = Exact(game, memory=MEMORY), Random(seed), dict[bytes, Label]()
    for _ in range(TRIES * most):
        position = Position(game)
        while not position.ended:
            position.play(position.legal()[rng.below(len(position.legal()))])
        for _ in range(1 + rng.below(position.ply)):
            position.undo()
        label = Label(position, _values(exact, position))
        if label.decisive:
            found.setdefault(position.state.tobytes(), label)
        if len(found) == most:
            break
    return list(found.values())


def still_right(old: Game, labels: Sequence[Label]) -> float:
    """How many of an old objective's right moves are right by these labels of another: a share, mean of positions."""
    exact, shares = Exact(old, memory=MEMORY), list[float]()
    for label in labels:
        position = Position(old)
        for action in label.position.actions:
            position.play(action)
        values = _values(exact, position)
        right = [action for action, value in values.items() if value == max(values.values())]
        shares.append(float(np.mean([label.values[action] == label.best for action in right])))
    return float(np.mean(shares))


def under(net: Net, old: Game, new: Game, folder: Path) -> Net:
    """A net of one game for another of the same shape: the same weights in a model file of its own, kept."""
    path = folder / f"{net.net_id}-{plain_stem(new.name, new.spec)}.safetensors"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        loaded = load_model(net.path, old)
        save_model(path, loaded.model, loaded.config, new, loaded.card)
    return read_net(path, new)


def value_errors(game: Game, net: Net, labels: Sequence[Label]) -> Floats:
    """[labels] squared error, 0 to 4, of the outcome that a net expects of each position."""
    evaluator, positions = load_evaluator(game, net.path, "torch"), [label.position for label in labels]
    with one_torch_thread(True):
        (found,) = search_together(game, Settings("net", memory=MEMORY), evaluator, positions)
    return np.array([(r.value - label.best) ** 2 for r, label in zip(found, labels, strict=True)], np.float64)


def mislabel(games: GameBatch, share: float, seed: int) -> GameBatch:
    """The same games with a share of them, drawn by a hash of their numbers, labelled wrong.

    Their winner has lost, nothing in them is proven, what the search thought of a position is unknown, and a policy
    target lies on one of the moves that it did not hold best, drawn by hash; where there is one move, it stays.
    """
    outcome, proven, root_wdl, policy = (
        games.outcome.copy(),
        games.proven.copy(),
        games.root_wdl.copy(),
        games.policy.copy(),
    )
    for g, number in enumerate(games.number.tolist()):
        rng = Random(seed_for(seed, number))
        if rng.uniform() >= share:
            continue
        first, end = games.row_offsets[g : g + 2].tolist()
        outcome[g] = -outcome[g]
        proven[first:end], root_wdl[first:end] = UNPROVEN, np.nan
        for a, b in pairwise(games.child_offsets[first : end + 1].tolist()):
            if b - a > 1:
                best, other = int(policy[a:b].argmax()), rng.below(b - a - 1)
                policy[a:b] = 0
                policy[a + other + (other >= best)] = 1
    return replace(games, outcome=outcome, proven=proven, root_wdl=root_wdl, policy=policy)


def back_at(costs: Sequence[list[float]], kept: Sequence[Kept], levels: Sequence[float], seed: int) -> Estimate:
    """The cost at which the median run reaches its level; of each run costs [steps] and right moves [steps, n]."""

    def median(at: npt.NDArray[np.int64]) -> float:
        runs = zip(costs, kept, levels, strict=True)
        return float(np.median([reaches(cost, curve(right, at), level) for cost, right, level in runs]))

    return bootstrap(kept[0].shape[1], median, seed)


def _values(exact: Exact, position: Position) -> dict[int, int]:
    solved = exact.moves(position, outcome_only=True)
    return {action: solution.value for action, solution in solved.items() if solution.value is not None}


def _lab(lab: Lab, parameters: str, size: Size) -> Lab:
    """Another game's, which keeps what it finds in the same folder. It has no deadline: the size has seen to that."""
    game = load(f"{GAME}:{parameters}")
    return Lab(game, decisive(game, size.positions, lab.seed), [], lab.home, lab.seed)


def _trained(lab: Lab, game: Game, size: Size) -> list[Net]:
    return [train(game, lab.home, size.minutes, seed, **SETTINGS) for seed in range(1, size.seeds + 1)]


def _answers(lab: Lab, nets: Sequence[Net]) -> Answers:
    rows = [lab.measure(list(WITH_NET.values()), net) for net in nets]
    free = lab.measure(list(FREE.values()))
    return {p: [m] for p, m in zip(FREE, free, strict=True)} | {p: [r[i] for r in rows] for i, p in enumerate(WITH_NET)}


def _right(rows: Sequence[Measured]) -> Kept:
    """[rows, positions]"""
    return np.array([m.kept for m in rows])


def _accuracy(found: Answers, seed: int) -> dict[str, Estimate]:
    return {player: bootstrap_seeds(_right(rows).astype(np.float64), seed) for player, rows in found.items()}


def _followed(lab: Lab, old: Lab, nets: Sequence[Net], change: str, size: Size) -> Followed:
    """What comes of a change of the objective under trained nets."""
    with closing(_lab(lab, f"{BOARD},{change}", size)) as new:
        carried = [under(net, old.game, new.game, lab.home / "nets") for net in nets]
        trained = _trained(lab, new.game, size)
        steps = [_spread([step for step in ladder(net, new.game) if step.core_seconds]) for net in trained]
        before, at_once, climbs = _answers(old, nets), _answers(new, carried), [_answers(new, line) for line in steps]
    costs = [[(step.core_seconds or 0) / 60 for step in line] for line in steps]
    back = {}
    for player in WITH_NET:
        kept = [_right(climb[player]) for climb in climbs]
        levels = [m.accuracy for m in before[player]]
        skill = [1 - (1 - level) * (1 - new.chance) / (1 - old.chance) for level in levels]
        back[player] = back_at(costs, kept, levels, lab.seed), back_at(costs, kept, skill, lab.seed)
    errors = [
        float(np.mean([value_errors(own.game, net, own.labels) for net in some]))
        for own, some in ((old, nets), (new, carried), (new, trained))
    ]
    first = {player: curve(_right(climbs[0][player])).tolist() for player in WITH_NET}
    first["search"] = [at_once["search"][0].accuracy] * len(costs[0])
    return Followed(
        len(new.labels),
        new.chance,
        still_right(old.game, new.labels),
        _accuracy(before, lab.seed),
        _accuracy(at_once, lab.seed),
        _accuracy({player: [climb[player][-1] for climb in climbs] for player in WITH_NET}, lab.seed),
        back,
        float(np.mean([cost[-1] for cost in costs])),
        errors,
        Chart(
            f"Retraining where {CHANGES[change]}, the first run",
            "core-minutes of training",
            "moves that keep the value",
            [Series(player, costs[0], line) for player, line in first.items()],
        ),
    )


def _spread(steps: Sequence[Net]) -> list[Net]:
    return [steps[i] for i in sorted({round(x) for x in np.linspace(0, len(steps) - 1, MOST_STEPS)})]


def _taught(old: Lab, net: Net, size: Size) -> Taught:
    """Nets taught from the games of a net's run, once as they are and once with wrong labels."""
    games = read_games(net.path.parent / GAMES, old.game)
    folders = [keep_games(old, found) for found in (games, mislabel(games, WRONG, old.seed))]
    lessons = [Lesson(folder, size.steps, seed, NET) for folder in folders for seed in range(size.seeds)]
    nets = teach(old, lessons)
    clean, wrong = (_answers(old, part) for part in (nets[: size.seeds], nets[size.seeds :]))
    errors = np.array([value_errors(old.game, net, old.labels) for net in nets])
    lost = {player: np.subtract(_right(clean[player]), _right(wrong[player]), dtype=np.float64) for player in clean}
    return Taught(
        len(old.labels),
        len(games),
        _accuracy(clean, old.seed),
        _accuracy(wrong, old.seed),
        {player: bootstrap_seeds(x, old.seed) for player, x in lost.items()},
        (bootstrap_seeds(errors[: size.seeds], old.seed), bootstrap_seeds(errors[size.seeds :], old.seed)),
    )


def _finding(followed: dict[str, Followed], taught: Taught, size: Size) -> Finding:
    parts = []
    for change, f in followed.items():
        parts.append(
            f"where {CHANGES[change]}, search is right in {f.at_once['search'].value:.1%} at once, the old net in "
            f"{f.at_once['net'].share()}, the hybrid with it in {f.at_once['hybrid'].share()} (a random mover "
            f"{f.chance:.1%}, n = {f.n}), and nets retrained from nothing are as accurate as before, "
            f"{f.before['net'].value:.1%} alone {_when(f, 'net')} and {f.before['hybrid'].value:.1%} in the hybrid "
            f"{_when(f, 'hybrid')}"
        )
    lost = taught.lost
    answer = (
        f"{'; '.join(parts)}; labelling {WRONG:.0%} of {taught.games:,} games wrong costs the net "
        f"{lost['net'].points()}, the hybrid {lost['hybrid'].points()} (n = {taught.n}, {size.seeds} seeds), and "
        "search and exact, which read none, nothing."
    )
    f = next(iter(followed.values()))
    row = Row(
        "A new objective, and wrong data",
        f"search {f.at_once['search'].value:.0%} at once; reads no data",
        *(
            f"{f.at_once[p].value:.0%} at once, as accurate as before {_when(f, p)}; wrong data: "
            f"{lost[p].value * -100:+.1f} points"
            for p in WITH_NET
        ),
    )
    over = f"95 % interval over {size.seeds} seeds, then positions"
    tables = [
        Table(
            f"Right moves where {CHANGES[change]} ({over}, n = {f.n}); of the old objective's right moves "
            f"{f.still_right:.1%} are right",
            ["", "old objective", "at once", f"after {f.minutes:.2g} core-minutes", "as accurate", "as skilled"],
            [
                *(
                    [p, f.before[p].share(), e.share(), f.retrained.get(p, e).share(), _when(f, p), _when(f, p, 1)]
                    for p, e in f.at_once.items()
                ),
                ["value error of the net", *(f"{error:.3f}" for error in f.errors), "", ""],
            ],
        )
        for change, f in followed.items()
    ]
    players = [[p, taught.clean[p].share(), taught.wrong[p].share(), lost[p].points()] for p in lost]
    errors = ["value error of the net", *(f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})" for e in taught.errors), ""]
    title = f"Right moves after {size.steps:,} steps on {taught.games:,} games ({over}, n = {taught.n})"
    tables.append(Table(title, ["", "clean games", f"{WRONG:.0%} wrong", "lost"], [*players, errors]))
    counted = {
        change: {"n": f.n, "chance": f.chance, "still_right": f.still_right, **{p: f.at_once[p].value for p in FREE}}
        for change, f in followed.items()
    }
    timed = {change: {**asdict(f), "chart": None} for change, f in followed.items()} | {"wrong data": asdict(taught)}
    n = min(taught.n, *(f.n for f in followed.values()))
    enough = size.seeds >= ENOUGH_SEEDS and n >= ENOUGH_POSITIONS
    charts = [f.chart for f in followed.values()]
    return Finding(f"{answer[0].upper()}{answer[1:]}", row, charts, tables, enough, counted, timed)


def _when(f: Followed, player: str, which: int = 0) -> str:
    if player in FREE:
        return "at once"
    value, low, high = (f"{x:.2g}" if x < math.inf else "never" for x in astuple(f.back[player][which]))
    if value == "never":
        return f"not within {f.minutes:.2g} core-minutes"
    return f"after {value} core-minutes (95 %: {low} to {high})"
