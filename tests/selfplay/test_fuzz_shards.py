"""Whatever the bytes of a shard: a TandemError or sound games, at little cost of memory."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_games import RULES, some_games

from games.errors import TandemError
from selfplay.records import COLUMNS, GameBatch
from selfplay.shards import FORMAT, from_bytes, read_summary, summarise, to_bytes

QUICK = settings(max_examples=150, deadline=20_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOST_MEMORY = 4 << 20
BATCH = GameBatch.from_records(some_games(0, 1, 2))
WHOLE = to_bytes(BATCH, RULES)


def read(path: Path, data: bytes) -> GameBatch | None:
    """The games of a shard, None when it was refused; its summary must be refused too, or be one."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        summary = batch = None
        try:
            summary = read_summary(path, RULES)
        except TandemError as error:
            assert str(path) in str(error)
        try:
            batch = from_bytes(data, "here", RULES)
        except TandemError as error:
            assert "here" in str(error)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY + 20 * len(data)
    finally:
        tracemalloc.stop()
    if batch is not None:
        assert summary == summarise(batch)
        list(batch.records())
        GameBatch.concat([batch, BATCH]).check("both")
    return batch


@QUICK
@given(data=st.data())
def test_altered_bytes(tmp_path: Path, data: st.DataObject) -> None:
    altered = bytearray(WHOLE)
    for at, mask in data.draw(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)), max_size=8)):
        altered[at] ^= mask
    altered = altered[: data.draw(st.just(len(WHOLE)) | st.integers(0, len(WHOLE)))]
    batch = read(tmp_path / "s", bytes(altered))
    if len(altered) < len(WHOLE):
        assert batch is None


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path / "s", data) is None


NUMBERS = st.sampled_from([0, 1, 2, 3, -1, -2, 2**31 - 1, -(2**31), 2**62, 2**63 - 1, -(2**63)])


@QUICK
@given(name=st.sampled_from([n for n, (_, dtype) in COLUMNS.items() if dtype.kind in "iu"]), data=st.data())
def test_hostile_numbers_under_sound_shapes(tmp_path: Path, name: str, data: st.DataObject) -> None:
    column = getattr(BATCH, name).copy()
    with np.errstate(over="ignore"):
        for value in data.draw(st.lists(NUMBERS, min_size=1, max_size=4)):
            at = data.draw(st.integers(0, column.size - 1))
            column.ravel()[at] = np.array(value, np.int64).astype(column.dtype)
    read(tmp_path / "s", to_bytes(replace(BATCH, **{name: column}), RULES))


@pytest.mark.parametrize("name", ["action_offsets", "row_offsets", "child_offsets"])
def test_offsets_whose_differences_overflow_are_refused(tmp_path: Path, name: str) -> None:
    offsets = getattr(BATCH, name).copy()
    offsets[1:3] = 2**63 - 1, -2
    assert read(tmp_path / "s", to_bytes(replace(BATCH, **{name: offsets}), RULES)) is None


@pytest.mark.parametrize("dtype", ["i8", "f4", "f8", "c8", "?", "u1"])
@pytest.mark.parametrize("name", ["number", "ply", "row_offsets"])
def test_other_types_and_shapes_are_refused(tmp_path: Path, name: str, dtype: str) -> None:
    arrays: dict[str, Any] = {column: getattr(BATCH, column) for column in COLUMNS}
    meta = {"tandem": json.dumps({"format": FORMAT, "rules_id": RULES, "texts": BATCH.texts})}
    with np.errstate(all="ignore"):
        for array in (np.full(3, np.inf).astype(dtype), np.zeros((), dtype), np.zeros((2, 2), dtype)):
            assert read(tmp_path / "s", safetensors.numpy.save({**arrays, name: array}, meta)) is None


TEXTS = st.none() | st.integers() | st.lists(st.integers() | st.text(max_size=4), max_size=3)


@QUICK
@given(meta=st.fixed_dictionaries({"format": st.just(FORMAT), "rules_id": st.just(RULES), "texts": TEXTS})
       .map(json.dumps) | st.text(max_size=40) | st.just("[" * 100_000))  # fmt: skip
def test_any_metadata(tmp_path: Path, meta: str) -> None:
    arrays = {column: getattr(BATCH, column) for column in COLUMNS}
    read(tmp_path / "s", safetensors.numpy.save(arrays, {"tandem": meta}))


SIZES = st.sampled_from([0, 1, 8, 2**31, 2**40, 2**63 - 1, 2**64 - 1, -1])
DTYPES = st.sampled_from(["F32", "F16", "BF16", "F8_E4M3", "I64", "U64", "BOOL", "C64", "x"])


@QUICK
@given(dtype=DTYPES, shape=st.lists(SIZES, max_size=4), ends=st.tuples(SIZES, SIZES), length=st.none() | SIZES)
def test_hostile_sizes_in_the_header(
    tmp_path: Path, dtype: str, shape: list[int], ends: tuple[int, int], length: int | None
) -> None:
    meta = json.dumps({"format": FORMAT, "rules_id": RULES, "texts": []})
    entry = {"dtype": dtype, "shape": shape, "data_offsets": ends}
    text = json.dumps({"number": entry, "ply": entry, "__metadata__": {"tandem": meta}}).encode()
    size = len(text) if length is None else length % 2**64
    assert read(tmp_path / "s", size.to_bytes(8, "little") + text + bytes(8)) is None
