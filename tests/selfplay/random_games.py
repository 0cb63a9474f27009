"""Game records with random but repeatable content."""

from dataclasses import fields
from typing import Any

import numpy as np

from selfplay.records import FAST, FULL, RANDOM, UNPROVEN, GameRecord

RULES = "connect4/1/abc"


def make_record(number: int, rng: np.random.Generator, plies: int, rows: int, **values: Any) -> GameRecord:
    """A game with `rows` searched positions among its plies + 1 and children at random, some rows without."""
    counts = rng.integers(0, 5, rows).astype(np.int32)
    children = int(counts.sum())
    visits = rng.integers(0, 3, children).astype(np.int32)
    q = np.where(visits > 0, rng.uniform(-1, 1, children), np.nan)
    arrays: dict[str, Any] = {
        "seed": int(rng.integers(0, 2**64, dtype=np.uint64)),
        "outcome": int(rng.integers(-1, 2)),
        "ended": "rules",
        "actions": rng.integers(0, 20480, plies).astype(np.int32),
        "ply": np.sort(rng.choice(plies + 1, rows, replace=False)).astype(np.int32),
        "kind": rng.choice([FULL, FAST, RANDOM], rows).astype(np.uint8),
        "root_wdl": rng.dirichlet([1, 1, 1], rows).astype(np.float16),
        "proven": rng.choice([-1, 0, 1, UNPROVEN], rows).astype(np.int8),
        "simulations": rng.integers(0, 1000, rows).astype(np.int32),
        "child_count": counts,
        "child_action": rng.integers(0, 20480, children).astype(np.int32),
        "policy": rng.uniform(0, 1, children).astype(np.float16),
        "visits": visits,
        "child_q": q.astype(np.float16),
    }
    return GameRecord(number=number, **(arrays | values))


def some_games(*numbers: int) -> list[GameRecord]:
    """Games whose content depends on their number alone."""
    return [make_record(number, np.random.default_rng(number), plies=6, rows=4) for number in numbers]


def assert_same(found: list[GameRecord], expected: list[GameRecord]) -> None:
    assert len(found) == len(expected)
    for left, right in zip(found, expected, strict=True):
        for column in fields(GameRecord):
            a, b = getattr(left, column.name), getattr(right, column.name)
            np.testing.assert_array_equal(a, b, strict=isinstance(b, np.ndarray), err_msg=column.name)
