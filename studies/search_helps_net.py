"""Does search know better than the net that guides it, so that its policy is worth learning?

One net of little training learns for the same steps from the same positions, but from four teachers: search, the net
itself, the solver, and the moves and results of the games; search is worth what it teaches beyond the net's own output.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.exact import Exact
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.files import write_atomic
from games.loader import load
from games.rng import seed_for
from nets.checkpoint import load_model
from nets.evaluator import TorchEvaluator
from nets.modelfile import read_header
from players.evaluators import load_evaluator
from selfplay.actor import Actor
from selfplay.config import default_config
from selfplay.label import canonical
from selfplay.records import UNPROVEN, GameBatch, GameRecord
from selfplay.report.figures import Table
from selfplay.shards import from_bytes, to_bytes
from studies.finding import ENOUGH_POSITIONS, Finding, Row
from studies.lab import Lab, Net
from studies.offline import Lesson, keep_games, teach
from studies.statistics import Estimate, bootstrap, bootstrap_seeds

TITLE = "Search helps the net"
ARMS = ("search", "itself", "moves played", "solver")  # who teaches
SEEDS, PARTS = 3, 2  # seeds of games and batches; a seed's positions come in parts, one task each
SIMULATIONS = 64  # of the search that teaches
PLAYERS = ("net", "hybrid:simulations=32")
NODES = 300_000  # of the solver, for a position; what it leaves open is left out
ROUNDS = 24  # of half as many plies as positions are wanted: where games repeat themselves, there may be fewer
LEAST = 50  # positions that a lesson needs
# Seconds that must be left: positions for each seed, steps, and how many players are measured.
SIZES = {300: (8_000, 250, 2), 30: (600, 100, 1)}


def run(lab: Lab) -> Finding:
    """Teach every arm with every seed, and measure the nets on positions that none of them was taught."""
    if lab.game.repetition:
        return Finding(f"The exact solver does not play {lab.game.spec}.", enough=False)
    size = next((size for seconds, size in SIZES.items() if lab.left() >= seconds), None)
    if size is None:
        return Finding("There was no time to teach nets.", enough=False)
    positions, steps, count = size
    players, first = PLAYERS[:count], first_ply(lab.game)
    start = next((net for net in lab.nets if net.steps), lab.nets[0])
    games = _games(lab, start, positions // PARTS)
    fewest = min(len(arms["search"]) for arms in games)
    if fewest < LEAST:
        return Finding(f"The solver settled only {fewest} decisive positions other than those measured.", enough=False)
    net = read_header(start.path).net
    taught = teach(
        lab,
        [
            Lesson(keep_games(lab, arms[arm]), steps, seed, net, start.path, value_mix=1.0)
            for arm in ARMS
            for seed, arms in enumerate(games)
        ],
    )
    measured = [lab.measure(players, each) for each in (*[start] * SEEDS, *taught)]
    n = min(len(m.kept) for row in measured for m in row)
    spans = {
        "late": np.array([label.position.ply >= first for label in lab.labels[:n]], np.bool_),
        "all": np.full(n, True),
    }
    late = int(spans["late"].sum())
    if not late:
        return Finding("There was no time to measure the nets.", enough=False)
    kept = np.array([[m.kept[:n] for m in row] for row in measured], np.float64)
    cells = dict(zip(("before", *ARMS), kept.reshape(-1, SEEDS, *kept.shape[1:]), strict=True))  # [seeds, players, n]
    accuracy = {
        (name, player, span): bootstrap_seeds(cell[:, k][:, at], lab.seed)
        for name, cell in cells.items()
        for k, player in enumerate(players)
        for span, at in spans.items()
    }
    gains = {
        (name, player): bootstrap_seeds((cell - cells["itself"])[:, k][:, spans["late"]], lab.seed)
        for name, cell in cells.items()
        for k, player in enumerate(players)
    }
    gain, ceiling, played = (gains[name, "net"].points() for name in ("search", "solver", "moves played"))
    found = np.concatenate([verdicts(arms["search"], arms["itself"], arms["solver"]) for arms in games])
    differ, better = ~np.isnan(found), _share(found > 0, found, lab.seed)
    equal, worse = _share(found == 0, found, lab.seed), _share(found < 0, found, lab.seed)
    answer = (
        f"Search with {SIMULATIONS} simulations has another best move than the net that guides it, of {start.name}, "
        f"in {differ.mean():.0%} of {len(found):,} decisive positions, and the solver calls it better in "
        f"{better.share()} of these, equal in {equal.value:.0%}, worse in {worse.value:.0%}; what search teaches lifts "
        f"that net {gain} above what its own output does, where the solver's moves are worth {ceiling} and the moves "
        f"played {played} (n = {late} from ply {first} on, {SEEDS} seeds, {steps} steps)."
    )
    columns = [(player, span, many) for player in players for span, many in (("late", late), ("all", n))]
    table = Table(
        f"Right moves by teacher, after {steps} steps on {fewest:,} positions of ply {first} and later, on "
        f"positions as late and on all (95 % interval over {SEEDS} seeds, then positions)",
        ["teacher", *(f"{player}, {many} {span}" for player, span, many in columns)],
        [[name, *(accuracy[name, player, span].share() for player, span, _ in columns)] for name in cells],
    )
    row = Row(
        "Search helps the net",
        f"another best move than the net's in {differ.mean():.0%} of positions, {better.value:.0%} of them better",
        f"from search it learns {gain} more than from itself, from the truth {ceiling}",
        f"with search at the move, too, {gains['search', players[1]].points()}" if count > 1 else "not measured",
    )
    counted = {
        "n": {"late": late, "all": n},
        "start": start.net_id,
        "steps": steps,
        "positions": [len(arms["search"]) for arms in games],
        "other move": {
            "of all": float(differ.mean()),
            **{name: _plain(e) for name, e in (("better", better), ("equal", equal), ("worse", worse))},
        },
        "accuracy": {", ".join(cell): _plain(e) for cell, e in accuracy.items()},
        "above itself": {", ".join(cell): _plain(e) for cell, e in gains.items()},
    }
    return Finding(answer, row, [], [table], n >= ENOUGH_POSITIONS and fewest >= 1000, counted)


def first_ply(game: Game) -> int:
    """From which on positions are taught: late enough for the solver to finish most of them soon."""
    return game.max_plies // 3


def verdicts(search: GameBatch, own: GameBatch, solved: GameBatch) -> npt.NDArray[np.float64]:
    """[rows] how much the value of search's best move lies above that of the net's, -2 to 2; NaN where they are one.

    Three batches of the same rows; `child_q` of the last holds the moves' values.
    """
    found = np.full(search.positions, np.nan)
    for row, (low, high) in enumerate(pairwise(search.child_offsets.tolist())):
        a, b = (low + int(batch.policy[low:high].argmax()) for batch in (search, own))
        if a != b:
            found[row] = float(solved.child_q[a]) - float(solved.child_q[b])
    return found


def _games(lab: Lab, start: Net, each: int) -> list[dict[str, GameBatch]]:
    """For each seed what each arm is taught, `each` positions a part, the same for all arms and in the same order."""
    game = lab.game
    avoid = sorted({canonical(label.position) for label in lab.labels})
    paths = [[_path(lab, start, seed, part, each, avoid) for part in range(PARTS)] for seed in range(SEEDS)]
    tasks = [
        lab.pool.submit(_label, game.spec, start.path, seed_for(lab.seed, seed) >> 1, part, each, avoid, path)
        for seed, row in enumerate(paths)
        for part, path in enumerate(row)
        if not path.is_file()
    ]
    for task in tasks:
        task.result()
    games = [
        GameBatch.concat(from_bytes(path.read_bytes(), str(path), game.rules_id) for path in row) for row in paths
    ]  # fmt: skip
    return [{arm: batch.select(batch.number % len(ARMS) == i) for i, arm in enumerate(ARMS)} for batch in games]


def _path(lab: Lab, start: Net, seed: int, part: int, positions: int, avoid: list[bytes]) -> Path:
    settings = [SIMULATIONS, NODES, ROUNDS, PARTS]
    what = [lab.game.rules_id, start.net_id, lab.seed, seed, part, positions, settings, [x.hex() for x in avoid]]
    return lab.home / "labelled" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]}.safetensors"


def _label(spec: str, model: Path, seed: int, part: int, wanted: int, avoid: list[bytes], path: Path) -> None:
    """Play games and keep each arm's version of `wanted` late positions, none of them in `avoid`; a worker's task.

    Search says what its own tree has proven, but neither noise nor the exact solver has a part in it.
    """
    torch.set_num_threads(1)
    game = load(spec)
    config = replace(
        default_config(game), seed=seed, simulations=SIMULATIONS, full_share=1.0, noise_weight=0.0, proof_nodes=0,
        root="puct", late_effort=1.0, games_per_actor=32,
    )  # fmt: skip
    actor = Actor(game, config, TorchEvaluator(load_model(model, game).model), first_number=part, stride=PARTS)
    exact = Exact(game, memory=64 << 20)
    own = Search(game, Settings(mode="net", solve=False), load_evaluator(game, model))
    seen, found = set(avoid), list[list[GameRecord]]()
    for _ in range(ROUNDS):
        for record in actor.play(max(wanted // 2, 1)).records():
            found += rows_of(game, record, exact, own, seen)
        if len(found) >= wanted:
            break
    records = [
        replace(record, number=len(ARMS) * (part * wanted + k) + i)
        for k, arms in enumerate(found[:wanted])
        for i, record in enumerate(arms)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, to_bytes(GameBatch.from_records(records), game.rules_id))


def rows_of(
    game: Game, record: GameRecord, exact: Exact, own: Search, seen: set[bytes]
) -> Iterator[list[GameRecord]]:  # fmt: skip
    """The late positions of a game that are solved and decisive, each a game of one row, once for each arm.

    Left out are those in `seen`, which grows. Where every move keeps the value, the solver has nothing to teach. Arms
    differ in policy and root_wdl; the solver's child_q holds the moves' values.
    """
    ends, position = np.cumsum(record.child_count), Position(game)
    for row, ply in enumerate(record.ply.tolist()):
        while position.ply < ply:
            position.play(int(record.actions[position.ply]))
        name = canonical(position)
        if ply < first_ply(game) or name in seen:
            continue
        seen.add(name)
        children = slice(ends[row] - record.child_count[row], ends[row])
        actions = record.child_action[children]
        solved = exact.moves(position, nodes=NODES, outcome_only=True)
        values = np.array([np.nan if (v := solved[a].value) is None else v for a in actions.tolist()], np.float16)
        if np.isnan(values).any() or values.min() == values.max():
            continue
        net, result = own.run(position, simulations=1), record.outcome * (1 if ply % 2 == 0 else -1)
        targets: dict[str, tuple[Any, Any]] = {
            "search": (record.policy[children], record.root_wdl[row]),
            "itself": (net.prior[np.searchsorted(net.actions, actions)], net.wdl),
            "moves played": (actions == record.actions[ply], np.eye(3)[1 - result]),
            "solver": ((keeps := values == values.max()) / keeps.sum(), np.eye(3)[1 - int(values.max())]),
        }
        rows = {name: getattr(record, name)[row : row + 1] for name in ("ply", "kind", "simulations", "child_count")}
        yield [
            replace(
                record,
                **rows,
                actions=record.actions[:ply],
                proven=np.array([UNPROVEN], np.int8),
                root_wdl=np.array([targets[arm][1]], np.float16),
                child_action=actions,
                policy=targets[arm][0].astype(np.float16),
                visits=record.visits[children],
                child_q=values if arm == "solver" else record.child_q[children],
            )
            for arm in ARMS
        ]


def _share(which: npt.NDArray[np.bool_], found: npt.NDArray[np.float64], seed: int) -> Estimate:
    """Of the rows in which the moves differ."""
    differ = ~np.isnan(found)
    return bootstrap(len(found), lambda at: float(which[at].sum() / max(differ[at].sum(), 1)), seed)


def _plain(e: Estimate) -> list[float]:
    return [e.value, e.low, e.high]
