"""Games survive the way through bytes, and every unsound field is refused by name."""

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_games import RULES, assert_same, make_record, some_games

from games.errors import TandemError
from selfplay.records import COLUMNS, GameBatch, GameRecord
from selfplay.shards import from_bytes, to_bytes


@st.composite
def record_lists(draw: st.DrawFn) -> list[GameRecord]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    records = []
    for _ in range(draw(st.integers(0, 5))):
        plies = draw(st.integers(0, 6))
        record = make_record(
            draw(st.integers(0, 2**62)),
            rng,
            plies,
            draw(st.integers(0, plies + 1)),
            start=draw(st.text('x/ \n"\\\0é♞', max_size=8)),
            source=draw(st.sampled_from(["self-play", "record", "teacher"])),
            net_id=draw(st.sampled_from(["", "net-1", "net-2"])),
            ended=draw(st.sampled_from(["rules", "repetition", "label"])),
        )
        records.append(record)
    return records


@given(record_lists())
def test_bytes_round_trip(records: list[GameRecord]) -> None:
    batch = GameBatch.from_records(records)
    data = to_bytes(batch, RULES)
    read = from_bytes(data, "here", RULES)
    assert_same(list(read.records()), records)
    assert to_bytes(read, RULES) == data
    assert (len(read), read.positions) == (len(records), sum(len(r.ply) for r in records))


@given(st.lists(record_lists(), max_size=4))
def test_concat_keeps_all_games_in_order(parts: list[list[GameRecord]]) -> None:
    whole = GameBatch.concat(GameBatch.from_records(part) for part in parts)
    assert_same(list(whole.check("whole").records()), [record for part in parts for record in part])


@settings(max_examples=50)
@given(record_lists(), st.data())
def test_select_keeps_the_chosen_games(records: list[GameRecord], data: st.DataObject) -> None:
    keep = [data.draw(st.booleans()) for _ in records]
    chosen = GameBatch.from_records(records).select(np.array(keep, np.bool_))
    assert_same(list(chosen.records()), [record for record, kept in zip(records, keep, strict=True) if kept])


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_spoilt_bytes_raise_only_tandem_errors(seed: int, flips: int) -> None:
    rng = random.Random(seed)
    data = bytearray(to_bytes(GameBatch.from_records(some_games(0, 1)), RULES))
    header = int.from_bytes(data[:8], "little")
    for _ in range(flips):
        data[rng.randrange(8 + header if rng.random() < 0.7 else len(data))] ^= 1 << rng.randrange(8)
    try:
        batch = from_bytes(bytes(data), "spoilt", RULES)
    except TandemError as error:
        assert str(error).startswith("spoilt: ")
    else:
        # Not every flip can be noticed without the hash, but what is accepted must be usable.
        assert_same(list(from_bytes(to_bytes(batch, RULES), "again", RULES).records()), list(batch.records()))


SPOILT = {
    "number": -1,
    "outcome": 2,
    "start": 99,
    "source": -1,
    "net_id": 99,
    "ended": 99,
    "action_offsets": 10**6,
    "row_offsets": -1,
    "child_offsets": 10**6,
    "ply": 7,
    "kind": 3,
    "root_wdl": 1.5,
    "proven": 3,
    "simulations": -1,
    "policy": np.nan,
    "visits": -1,
}


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.parametrize("index", [0, -1])
def test_a_value_out_of_range_is_refused_by_field(name: str, index: int) -> None:
    batch = GameBatch.from_records(some_games(0, 1))
    array = getattr(batch, name).copy()
    array[index] = SPOILT[name]
    with pytest.raises(TandemError, match=f"^file: {name}: "):
        from_bytes(to_bytes(replace(batch, **{name: array}), RULES), "file", RULES)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_wrong_dtype_or_length_is_refused(name: str) -> None:
    batch = GameBatch.from_records(some_games(0, 1))
    with pytest.raises(TandemError, match=f"file: {name}: dtype"):
        replace(batch, **{name: getattr(batch, name).astype(np.float64)}).check("file")
    with pytest.raises(TandemError, match=r"file: \w+: (shape|does not rise)"):
        replace(batch, **{name: getattr(batch, name)[:-1]}).check("file")


def test_a_dtype_that_numpy_lacks_is_refused() -> None:
    data = to_bytes(GameBatch.from_records(some_games(0)), RULES)
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size].replace(b'"F16"', b'"BF16"')
    with pytest.raises(TandemError, match="file: not a whole safetensors file"):
        from_bytes(len(header).to_bytes(8, "little") + header + data[8 + size :], "file", RULES)


def test_two_rows_of_one_ply_are_refused() -> None:
    batch = GameBatch.from_records(some_games(0, 1))
    ply = batch.ply.copy()
    ply[1] = ply[0]
    with pytest.raises(TandemError, match="file: ply: does not increase"):
        replace(batch, ply=ply).check("file")


@pytest.mark.parametrize("name", ["kind", "policy", "child_count"])
def test_a_record_whose_arrays_disagree_is_refused(name: str) -> None:
    (record,) = some_games(0)
    with pytest.raises(TandemError, match="game 0: "):
        changed: Any = {name: np.append(getattr(record, name), getattr(record, name)[:1] + 1)}
        replace(record, **changed)


def test_metadata_is_one_entry_so_that_equal_games_give_equal_files() -> None:
    data = to_bytes(GameBatch.from_records(some_games(0)), RULES)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == ["tandem"]
