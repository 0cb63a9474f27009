"""To what does a net converge: to the truth, or to the data that it is taught, with all their flaws?

Nets of three capacities learn by more and more steps from the games of one run, as they are or from a teacher who never
plays the move which it liked most, and are held against their own teacher in games that they have not seen.
"""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from games.contract import Game
from games.rng import Random, seed_for
from nets.checkpoint import load_model
from selfplay.pool import one_torch_thread
from selfplay.records import FULL, RANDOM, GameBatch
from selfplay.replay import Batch, Replay
from selfplay.report.figures import Chart, Table
from selfplay.rundir import GAMES
from selfplay.store import Store
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab
from studies.offline import Lesson, keep_games, teach
from studies.statistics import Estimate, bootstrap_seeds, line
from studies.training import base_run

TITLE = "Convergence of the net"
CAPACITIES = ("mlp:32-16", "mlp:128-32", "mlp:512-128")
TEACHERS = ("sound", "flawed")
SEEDS = 3
HELD_OUT = 10  # one game in so many is kept from the nets
DRAWN = 4000  # rows of those games that nets are compared with; of equal positions one counts
LEAST = 100  # such rows that it takes
# Seconds that must be left: positions of the store at most, the newest, the lessons' steps, and for how many of these,
# the last, moves are measured.
SIZES = {300: (200_000, (250, 1000, 4000), 3), 25: (40_000, (50, 200), 1)}


def run(lab: Lab) -> Finding:
    """Teach every capacity by either teacher for ever more steps; the learning rate falls to the end of each lesson."""
    folder = base_run(lab)
    size = next((size for seconds, size in SIZES.items() if lab.left() >= seconds), None)
    if folder is None or size is None:
        return Finding("There was no time to teach nets.", enough=False)
    most, lengths, count = size
    games = newest(folder / GAMES, lab.game, most)
    held_out = np.array([seed_for(lab.seed, number) % HELD_OUT == 0 for number in games.number.tolist()], np.bool_)
    shown, unseen = games.select(~held_out), games.select(held_out)
    if (found := int(teaching(unseen).sum())) < LEAST:
        return Finding(f"The games of {folder} hold only {found} searched positions to compare with.", enough=False)
    blind = blind_spot(lab.game, games)
    taught = {"sound": keep_games(lab, shown), "flawed": keep_games(lab, flawed(shown, blind))}
    rows = {"sound": rows_of(lab.game, unseen, lab.seed), "flawed": rows_of(lab.game, flawed(unseen, blind), lab.seed)}
    arms = [(net, teacher) for net in CAPACITIES for teacher in TEACHERS]
    lessons = [
        Lesson(taught[teacher], steps, seed, net) for net, teacher in arms for steps in lengths for seed in range(SEEDS)
    ]
    nets = iter(teach(lab, lessons))
    ends = {arm: [[next(nets) for _ in range(SEEDS)] for _ in lengths] for arm in arms}
    with one_torch_thread(True):
        # [steps, seeds, 2, n], nats.
        off = {
            arm: np.array([[losses(load_model(net.path, lab.game).model, rows[arm[1]]) for net in row] for row in grid])
            for arm, grid in ends.items()
        }
    largest = CAPACITIES[-1]
    measured = {
        t: [[lab.measure(["net"], net)[0] for net in row] for row in ends[largest, t][-count:]] for t in TEACHERS
    }
    n = min(len(m.kept) for grid in measured.values() for row in grid for m in row)
    if not n:
        return Finding("There was no time to measure the nets.", enough=False)
    right = {t: np.array([[m.kept[:n] for m in row] for row in grid], np.float64) for t, grid in measured.items()}
    distance = {arm: [bootstrap_seeds(x[:, 0], lab.seed) for x in grid] for arm, grid in off.items()}
    value = {arm: [bootstrap_seeds(x[:, 1], lab.seed) for x in grid] for arm, grid in off.items()}
    accuracy = {t: [bootstrap_seeds(x, lab.seed) for x in grid] for t, grid in right.items()}
    apart = bootstrap_seeds(right["sound"][-1] - right["flawed"][-1], lab.seed)
    uniform = {t: float(of_uniform(batch).mean()) for t, batch in rows.items()}
    last = {t: distance[largest, t][-1] for t in TEACHERS}
    longest, positions = lengths[-1], len(rows["sound"].planes)
    before = [f"{distance[largest, t][-2].value:.3f}" for t in TEACHERS]
    sound, other = (accuracy[t][-1].value for t in TEACHERS)
    answer = (
        f"After {longest:,} steps {largest} lies {_shown(last['sound'])} nats from a sound teacher's policy in games "
        f"that it has not seen, and {_shown(last['flawed'])} from that of a teacher who never plays the move which it "
        f"liked most (after {lengths[-2]:,} steps {before[0]} and {before[1]}, a uniform policy "
        f"{uniform['sound']:.3f} and {uniform['flawed']:.3f}; n = {positions:,}, {SEEDS} seeds); it keeps the true "
        f"value in {sound:.1%} after the one and {other:.1%} after the other, {apart.points()} apart (n = {n}; a "
        f"random mover {lab.chance:.1%})."
    )
    steps = [float(k) for k in lengths]
    charts = [
        Chart(
            "Distance to the own teacher's policy in unseen games",
            "steps of training",
            "KL divergence, nats",
            [line(f"{net}, {teacher}", steps, distance[net, teacher]) for net, teacher in arms],
            percent=False,
        ),
        Chart(
            f"Right moves of {largest}",
            "steps of training",
            "moves that keep the value",
            [line(f"{teacher} teacher", steps[-count:], accuracy[teacher]) for teacher in TEACHERS],
        ),
    ]
    table = Table(
        f"KL to the own teacher's policy, nats, by steps, and cross-entropy of the result after {longest:,} "
        f"({shown.positions:,} positions; 95 % interval over {SEEDS} seeds, then {positions:,} unseen positions)",
        ["net", "teacher", "uniform policy", *(f"{k:,}" for k in lengths), "value"],
        [
            [*arm, f"{uniform[arm[1]]:.3f}", *(_shown(e) for e in distance[arm]), f"{value[arm][-1].value:.3f}"]
            for arm in arms
        ],
    )
    row = Row(
        "What it converges to",
        "the truth, as simulations grow",
        f"its data: {last['sound'].value:.2f} nats from a sound teacher ({sound:.0%} right), "
        f"{last['flawed'].value:.2f} from a flawed one ({other:.0%} right)",
        "not measured here",
    )
    counted = {
        "n": {"unseen": positions, "labels": n},
        "positions": shown.positions,
        "steps": list(lengths),
        "never played": blind,
        "uniform": uniform,
        "divergence": {", ".join(arm): [_plain(e) for e in line] for arm, line in distance.items()},
        "value": {", ".join(arm): [_plain(e) for e in line] for arm, line in value.items()},
        "accuracy": {t: [_plain(e) for e in line] for t, line in accuracy.items()},
        "apart": _plain(apart),
    }
    # After a few hundred steps nothing has converged.
    return Finding(
        answer, row, charts, [table], n >= ENOUGH_POSITIONS and positions >= 1000 and longest >= 1000, counted
    )


def newest(folder: Path, game: Game, most: int) -> GameBatch:
    """The newest games of a store, whole, of `most` positions at most."""
    store, parts, have = Store(folder, game.rules_id), list[GameBatch](), 0
    for shard in reversed(store.shards()):
        batch = store.load(shard)
        if batch is None:
            continue
        later = batch.positions - batch.row_offsets[:-1]  # positions from each game on
        parts.insert(0, batch.select(have + later <= most))
        have += batch.positions
        if have >= most:
            break
    return GameBatch.concat(parts)


def blind_spot(game: Game, games: GameBatch) -> list[int]:
    """The action that has the most mass in all of the games' policies, and its images under the game's symmetries."""
    mass = np.bincount(games.child_action, games.policy.astype(np.float64), game.actions)
    favourite = int(mass.argmax())
    return sorted({favourite, *(int(game.transform_action(k, favourite)) for k in range(1, game.symmetries))})


def flawed(games: GameBatch, blind: list[int]) -> GameBatch:
    """The same games by a teacher who never plays these actions: their mass goes to the other moves.

    Each gets a share as large as its own; all the same where none has any. A row without other moves stays.
    """
    row = np.repeat(np.arange(games.positions), np.diff(games.child_offsets))
    others = ~np.isin(games.child_action, blind)
    share = np.where(others, games.policy.astype(np.float64), 0.0)
    share = np.where(np.bincount(row, share, games.positions)[row] > 0, share, others)
    total = np.bincount(row, share, games.positions)[row]
    policy = np.where(total > 0, share / np.where(total > 0, total, 1), games.policy)
    return replace(games, policy=policy.astype(np.float16))


def teaching(games: GameBatch) -> npt.NDArray[np.bool_]:
    """[rows] whether a row teaches a policy."""
    return np.asarray((games.kind == FULL) & (np.diff(games.child_offsets) > 0), np.bool_)


def rows_of(game: Game, games: GameBatch, seed: int) -> Batch:
    """DRAWN rows at most that teach a policy, of different positions, each under a symmetry; the same for a seed."""
    replay = Replay(game)
    replay.append(replace(games, kind=np.where(teaching(games), np.uint8(FULL), np.uint8(RANDOM))))
    drawn = replay.sample(DRAWN, np.random.default_rng(seed), Random(seed).state)
    first = np.sort(np.unique(drawn.planes.reshape(DRAWN, -1), axis=0, return_index=True)[1])
    return Batch(*(getattr(drawn, item.name)[first] for item in fields(Batch)))


def losses(model: nn.Module, rows: Batch) -> npt.NDArray[np.float64]:
    """[2, n] nats: KL(teacher's policy || net's) over the legal moves, and cross-entropy of the outcome."""
    with torch.inference_mode():
        of_moves, wdl = model(torch.from_numpy(rows.planes), torch.from_numpy(rows.moves))
        policy = of_moves.double().masked_fill(~torch.from_numpy(rows.legal), -np.inf).log_softmax(1).numpy()
        value = wdl.double().log_softmax(1).numpy()
    return np.stack([_divergence(rows, policy), -(rows.outcome * value).sum(1)])


def of_uniform(rows: Batch) -> npt.NDArray[np.float64]:
    """[n] nats: KL(teacher's policy || one that is uniform over the legal moves)."""
    return _divergence(rows, np.where(rows.legal, -np.log(rows.legal.sum(1, keepdims=True)), -np.inf))


def _divergence(rows: Batch, log_policy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    target = rows.policy / rows.policy.sum(1, keepdims=True, dtype=np.float64)
    has = target > 0
    gap = np.log(np.where(has, target, 1)) - np.where(has, log_policy, 0)
    return np.asarray((target * gap).sum(1), np.float64)


def _shown(e: Estimate) -> str:
    return f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"


def _plain(e: Estimate) -> list[float]:
    return [e.value, e.low, e.high]
