"""What the replay draws, against games played again by the rules alone."""

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.position import Position
from games.contract import Game
from games.loader import load
from games.rng import Random
from games.rules import rules
from selfplay.records import FULL, RANDOM, GameBatch, GameRecord
from selfplay.replay import Batch, Column, Replay, outcomes
from tests.selfplay.helpers import played

TICTACTOE, CONNECT4 = load("tictactoe"), load("connect4")
# One position seen by one symmetry: planes, policy, legal, outcome, root_wdl.
Sample = tuple[Any, Any, Any, Any, Any]


def some_batches(game: Game, count: int) -> list[GameBatch]:
    """Batches of some games with rows of every kind, one game of each batch beginning in another position."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        records = []
        for record in list(played(game, 150, games_per_actor=8, seed=seed).records())[:7]:
            kind = np.where(rng.random(len(record.kind)) < 0.2, np.uint8(RANDOM), record.kind)
            records.append(replace(record, kind=kind))
        first = Position(game)
        moved = min(2, int(records[0].ply[0])) or 1
        for action in records[0].actions[:moved].tolist():
            first.play(action)
        records[0] = later(records[0], moved, game.to_text(first.state))
        found.append(GameBatch.from_records(records))
    return found


def later(record: GameRecord, moved: int, start: str) -> GameRecord:
    """The same game as if it had begun `moved` plies later, in the position `start`."""
    keep = record.ply >= moved
    dropped = int(record.child_count[~keep].sum())
    rows = {name: getattr(record, name)[keep] for name in ("kind", "root_wdl", "proven", "simulations", "child_count")}
    children = {name: getattr(record, name)[dropped:] for name in ("child_action", "policy", "visits", "child_q")}
    outcome = record.outcome * (-1) ** moved
    ply = record.ply[keep] - moved
    return replace(
        record, start=start, actions=record.actions[moved:], outcome=outcome, ply=ply, **rows, **children
    )  # fmt: skip


def expected(game: Game, record: GameRecord, row: int) -> list[Sample]:
    """What a row may be drawn as: one sample for each symmetry."""
    position = Position.from_text(game, record.start) if record.start else Position(game)
    ply = int(record.ply[row])
    for action in record.actions[:ply].tolist():
        position.play(action)
    outcome = np.zeros(3, np.float32)
    outcome[1 - record.outcome * (1 if ply % 2 == 0 else -1)] = 1
    first = int(record.child_count[:row].sum())
    children = range(first, first + int(record.child_count[row]))
    samples = []
    for k in range(game.symmetries):
        image, planes = game.states(1), np.zeros((1, *game.planes), np.float32)
        assert rules(game).transform(position.state, k, image)
        rules(game).encode(image, planes)
        policy, legal = np.zeros(game.logits, np.float32), np.zeros(game.logits, np.bool_)
        for j in children:
            action = int(record.child_action[j])
            at = game.policy_index(game.record(image), game.transform_action(k, action) if k else action)
            legal[at] = True
            policy[at] = record.policy[j] if record.kind[row] == FULL else 0
        samples.append((planes[0], policy, legal, outcome, record.root_wdl[row].astype(np.float32)))
    return samples


def drawable(game: Game, batch: GameBatch) -> list[list[list[Sample]]]:
    """The samples of each trainable row of each game."""
    return [[expected(game, r, row) for row in np.flatnonzero(r.kind != RANDOM)] for r in batch.records()]


@cache
def pool(name: str) -> list[tuple[GameBatch, list[list[list[Sample]]]]]:
    game = load(name)
    return [(batch, drawable(game, batch)) for batch in some_batches(game, 4)]


def same(batch: Batch, index: int, sample: Sample) -> bool:
    parts = (batch.planes, *batch.dense(len(sample[1])), batch.outcome, batch.root_wdl)
    return all(np.array_equal(part[index], wanted) for part, wanted in zip(parts, sample, strict=True))


def check_samples(replay: Replay, rows: list[list[Sample]], n: int, seed: int) -> Counter[int]:
    """Draw and find each sample among the images of its row; which symmetries were told apart, how often."""
    batch = replay.sample(n, np.random.default_rng(seed), Random(seed).state)
    assert len(replay) == len(rows)
    seen: Counter[int] = Counter()
    for index, pick in enumerate(np.random.default_rng(seed).integers(len(rows), size=n).tolist()):
        fits = [k for k, sample in enumerate(rows[pick]) if same(batch, index, sample)]
        assert fits, f"sample {index} is no image of row {pick}"
        if len(fits) == 1:
            seen[fits[0]] += 1
    return seen


@pytest.mark.parametrize("name", ["tictactoe", "connect4"])
def test_samples_are_images_of_the_games_rows_and_every_symmetry_occurs(name: str) -> None:
    game, replay, rows = load(name), Replay(load(name)), list[list[Sample]]()
    for batch, games in pool(name):
        replay.append(batch)
        rows += [row for game_rows in games for row in game_rows]
    assert replay.positions == len(rows)
    seen = check_samples(replay, rows, 800, seed=3)
    assert sorted(seen) == list(range(game.symmetries))
    assert min(seen.values()) > 0.5 * seen.total() / game.symmetries


def test_the_pool_holds_what_the_replay_must_get_right() -> None:
    for name in ("tictactoe", "connect4"):
        batches = [batch for batch, _ in pool(name)]
        assert {kind for batch in batches for kind in batch.kind.tolist()} == {0, 1, 2}
        assert all(batch.texts[batch.start[0]] for batch in batches)
        assert {outcome for batch in batches for outcome in batch.outcome.tolist()} >= {-1, 1}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60)), min_size=1, max_size=12))
def test_forgetting_keeps_the_newest_whole_games(steps: list[tuple[int, int]]) -> None:
    replay, games = Replay(TICTACTOE), list[list[list[Sample]]]()
    for which, keep in steps:
        batch, added = pool("tictactoe")[which]
        replay.append(batch)
        games += added
        check_samples(replay, [row for game in games for row in game], 8, seed=keep)
        replay.forget(keep)
        while sum(map(len, games[1:])) >= keep:
            del games[0]
        check_samples(replay, [row for game in games for row in game], 16, seed=keep)


def test_a_column_gives_back_what_it_forgot() -> None:
    column, model = Column(np.int64), np.zeros(0, np.int64)
    for size in (10, 5000, *[700] * 60):
        model = np.concatenate([model, np.arange(size) + len(model)])
        column.append(model[-size:])
        column.begin = max(column.begin, len(model) - 1500)
        assert np.array_equal(column.view(), model[column.begin :])
    assert len(column.data) <= 2 * (1500 + 700)


def test_a_long_replay_stays_as_small_as_its_window() -> None:
    replay, batch = Replay(TICTACTOE), played(TICTACTOE, 3000)
    for _ in range(30):
        replay.append(batch)
        replay.forget(batch.positions)
    assert replay.positions == 30 * batch.positions
    for name in ("actions", "starts", "row_game", "child_policy"):
        column = getattr(replay, name)
        assert len(column.view()) < column.end / 10, name
        assert len(column.data) <= max(1024, 2 * 3 * column.end / 30), name


def test_a_proof_tells_what_the_rows_before_it_were_worth() -> None:
    rows = {"kind": 0, "root_wdl": np.nan, "simulations": 1, "child_count": 0}
    proofs = [[2, 2, 1, 2], [2, 2], [0, 2]]  # for the player to move; the first game's is seen at ply 3, after two rows
    plies, results = [[1, 2, 3, 4], [0, 1], [0, 1]], [1, -1, 1]
    records = [
        GameRecord(
            number=g, seed=g, outcome=results[g], ended="rules", actions=np.zeros(6, np.int32),
            ply=np.array(plies[g], np.int32), proven=np.array(proofs[g], np.int8),
            **{name: np.full((len(plies[g]), 3) if name == "root_wdl" else len(plies[g]), value,
                             {"kind": np.uint8, "root_wdl": np.float16}.get(name, np.int32))
               for name, value in rows.items()},
        )
        for g in range(3)
    ]  # fmt: skip
    batch = GameBatch.from_records(records)
    owner = np.repeat(np.arange(3), np.diff(batch.row_offsets))
    # The mover of ply 3 wins, who is not the one that began: the result of 1 counts after the proof alone.
    assert outcomes(batch, owner).tolist() == [-1, -1, -1, 1, -1, -1, 0, 1]
