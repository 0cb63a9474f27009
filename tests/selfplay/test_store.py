"""Games survive in shards; damage is noticed, set aside and harms nothing else."""

import logging
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_games import RULES, assert_same, make_record, some_games

from games.errors import TandemError
from games.files import content_hash, write_atomic
from selfplay.records import GameBatch
from selfplay.shards import ForeignGames, to_bytes
from selfplay.store import Store


def numbers(store: Store, since: int = 0) -> list[int]:
    return [number for _, batch in store.new_batches(since) for number in batch.number.tolist()]


def writer(folder: Path, **options: Any) -> Store:
    return Store(folder, RULES, writable=True, **options)


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A folder with three shards of two games each, and their paths."""
    store = writer(tmp_path)
    for first in (0, 2, 4):
        store.append(some_games(first, first + 1))
        store.flush()
    return tmp_path, [tmp_path / shard.name for shard in store.shards()]


def test_a_labelled_position_is_a_game_of_no_actions(tmp_path: Path) -> None:
    label = make_record(0, np.random.default_rng(0), 0, 1, start="x to move", source="teacher", ended="label")
    store = writer(tmp_path)
    store.append([label])
    store.flush()
    ((_, batch),) = Store(tmp_path, RULES).new_batches()
    assert_same(list(batch.records()), [label])


def test_shards_are_named_in_sequence_and_by_content(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    assert [path.name for path in paths] == [
        f"{i:08}-{content_hash(path.read_bytes())}.safetensors" for i, path in enumerate(paths, 1)
    ]
    assert sorted(folder.iterdir()) == paths


def test_reading_is_incremental(three: tuple[Path, list[Path]]) -> None:
    folder, _ = three
    store = Store(folder, RULES)
    read = list(store.new_batches())
    assert [sequence for sequence, _ in read] == [1, 2, 3]
    assert_same([r for _, batch in read for r in batch.records()], some_games(0, 1, 2, 3, 4, 5))
    assert numbers(store, since=3) == []
    other = writer(folder)
    other.append(some_games(6))
    other.flush()
    assert numbers(store, since=3) == [6]


def assert_only_second_set_aside(
    folder: Path, paths: list[Path], others: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    store = writer(folder)
    assert numbers(store) == [0, 1, 4, 5]
    assert numbers(store) == [0, 1, 4, 5]
    assert store.stats().games == 4
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert paths[1].name in caplog.text
    assert [paths[0].read_bytes(), paths[2].read_bytes()] == others
    assert sorted(folder.iterdir()) == [paths[0], paths[2], folder / "bad"]
    assert [path.name for path in (folder / "bad").iterdir()] == [paths[1].name]


def damaged(data: bytes, rng: random.Random) -> Iterator[bytes]:
    for length in [0, 7, 8, len(data) - 1, *(rng.randrange(len(data)) for _ in range(30))]:
        yield data[:length]
    header = 8 + int.from_bytes(data[:8], "little")
    for at in [0, len(data) - 1, *(rng.randrange(header) for _ in range(20)), *rng.sample(range(len(data)), 30)]:
        yield data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    yield data + b"\0"


def test_torn_and_altered_shards_are_set_aside(
    three: tuple[Path, list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    folder, paths = three
    whole = paths[1].read_bytes()
    others = [paths[0].read_bytes(), paths[2].read_bytes()]
    for data in damaged(whole, random.Random(1)):
        paths[1].write_bytes(data)
        assert_only_second_set_aside(folder, paths, others, caplog)
        (folder / "bad" / paths[1].name).unlink()
        (folder / "bad").rmdir()


def test_unsound_content_under_a_true_hash_is_set_aside(
    three: tuple[Path, list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    folder, paths = three
    others = [paths[0].read_bytes(), paths[2].read_bytes()]
    batch = GameBatch.from_records(some_games(2, 3))
    data = to_bytes(replace(batch, policy=np.full_like(batch.policy, np.nan)), RULES)
    paths[1].unlink()
    paths[1] = folder / f"00000002-{content_hash(data)}.safetensors"
    paths[1].write_bytes(data)
    assert_only_second_set_aside(folder, paths, others, caplog)
    assert "policy" in caplog.text


@pytest.mark.parametrize("name", ["00000002-000000000000.safetensors", "2.safetensors", "games.safetensors"])
def test_a_wrong_name_is_set_aside(name: str, three: tuple[Path, list[Path]], caplog: pytest.LogCaptureFixture) -> None:
    folder, paths = three
    others = [paths[0].read_bytes(), paths[2].read_bytes()]
    paths[1] = paths[1].rename(folder / name)
    assert_only_second_set_aside(folder, paths, others, caplog)


def test_a_reader_skips_bad_shards_and_changes_nothing(
    three: tuple[Path, list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    folder, paths = three
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    (folder / "notes.safetensors").write_bytes(b"")
    (folder / ".x.tmp").write_bytes(b"")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    store = Store(folder, RULES)
    assert numbers(store) == numbers(store) == [0, 1, 4, 5]
    assert len(caplog.records) == 2
    with pytest.raises(TandemError, match="opened for reading"):
        store.append(some_games(9))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_another_game_is_refused_and_left_alone(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    with pytest.raises(ForeignGames, match=r"connect4/1/abc.*othello/1/def"):
        Store(folder, "othello/1/def", writable=True)
    assert sorted(folder.iterdir()) == paths


def test_a_shard_of_another_game_in_between_is_refused_and_left_alone(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    data = to_bytes(GameBatch.from_records(some_games(2)), "othello/1/def")
    foreign = folder / f"00000002-{content_hash(data)}.safetensors"
    foreign.write_bytes(data)
    store = writer(folder)
    with pytest.raises(ForeignGames, match=r"othello/1/def.*connect4/1/abc"):
        numbers(store)
    assert sorted(folder.iterdir()) == sorted([*paths, foreign])


def test_another_format_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = to_bytes(GameBatch.from_records(some_games(0)), RULES).replace(b"tandem games 1", b"tandem games 9")
    later = tmp_path / f"00000001-{content_hash(data)}.safetensors"
    later.write_bytes(data)
    with pytest.raises(ForeignGames, match=r"tandem games 9.*tandem games 1"):
        writer(tmp_path)
    assert later.exists()


def test_a_sequence_is_never_used_twice(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    paths[2].write_bytes(b"torn")
    store = writer(folder)
    assert numbers(store) == [0, 1, 2, 3]
    store.append(some_games(6))
    shard = store.flush()
    assert shard is not None
    assert shard.sequence == 4
    (folder / shard.name).rename(folder / "00000009-nonsense.safetensors")
    again = writer(folder)
    again.append(some_games(7))
    shard = again.flush()
    assert shard is not None
    assert shard.sequence == 10


def test_a_repeated_delivery_is_dropped(tmp_path: Path) -> None:
    store = writer(tmp_path)
    assert store.append(some_games(0, 1, 1)) == 2
    assert store.append(some_games(1)) == 0
    store.flush()
    assert store.append(some_games(0, 2)) == 1
    store.flush()
    assert numbers(store) == numbers(store) == [0, 1, 2]
    assert store.stats().games == 3


def test_games_stored_twice_are_read_once(tmp_path: Path) -> None:
    # A writer that has not read the store cannot know what it holds.
    for games in ([5, 3, 4096], [3, 6], [5, 4096], [7, 5, 8]):
        store = writer(tmp_path)
        store.append(some_games(*games))
        store.flush()
    reader = Store(tmp_path, RULES)
    for _ in range(2):
        assert [batch.number.tolist() for _, batch in reader.new_batches()] == [[5, 3, 4096], [6], [], [7, 8]]
    assert_same([r for _, b in reader.new_batches() for r in b.records()], some_games(5, 3, 4096, 6, 7, 8))


def test_game_numbers_continue_after_a_restart(three: tuple[Path, list[Path]]) -> None:
    folder, _ = three
    store = writer(folder)
    assert store.next_game_number() == 6
    store.append(some_games(10))
    assert store.next_game_number() == 11
    assert writer(folder / "new").next_game_number() == 0


def test_stats_need_no_load_and_do_not_count_the_buffer(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    store = writer(folder)
    store.append(some_games(8))
    size = sum(path.stat().st_size for path in paths)
    for _ in range(2):
        stats = store.stats()
        assert (stats.shards, stats.games, stats.positions, stats.bytes) == (3, 6, 24, size)
        numbers(store)


def test_a_shard_is_closed_in_time_or_when_full(tmp_path: Path) -> None:
    store = writer(tmp_path, seconds=30, max_games=3)
    assert store.maybe_flush(100) is None
    store.append(some_games(0))
    assert store.maybe_flush(129.9) is None
    assert store.maybe_flush(130) is not None
    assert store.maybe_flush(1000) is None
    store.append(some_games(1, 2))
    assert store.maybe_flush(1001) is None
    store.append(some_games(3))
    assert store.maybe_flush(1002) is not None
    assert numbers(Store(tmp_path, RULES)) == [0, 1, 2, 3]


def test_unsound_games_are_refused_before_they_are_buffered(tmp_path: Path) -> None:
    store = writer(tmp_path)
    good, bad = some_games(0, 1)
    with pytest.raises(TandemError, match="policy"):
        store.append([good, replace(bad, policy=np.full_like(bad.policy, np.nan))])
    assert store.flush() is None
    assert store.append([good]) == 1


def test_a_full_disk_loses_no_games(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    store = writer(tmp_path)
    store.append(some_games(0, 1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(TandemError, match=r"cannot write .*00000001-.*: File too large"):
            store.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    store.flush()
    assert numbers(store) == [0, 1]


def test_a_new_file_never_shares_bytes_with_the_one_it_replaces(tmp_path: Path) -> None:
    path, other_name = tmp_path / "file", tmp_path / "other name"
    write_atomic(path, b"old")
    other_name.hardlink_to(path)
    write_atomic(path, b"new")
    assert (path.read_bytes(), other_name.read_bytes()) == (b"new", b"old")


def test_a_writer_clears_what_a_killed_one_left(three: tuple[Path, list[Path]]) -> None:
    folder, paths = three
    (folder / f".{paths[0].name}.12345678.tmp").write_bytes(b"half")
    writer(folder)
    assert sorted(folder.iterdir()) == paths


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TandemError, match=r"file/games.*Not a directory"):
        writer(tmp_path / "file" / "games")


ENDLESS = """
import itertools, sys
from pathlib import Path
from random_games import some_games
from test_store import writer
store = writer(Path(sys.argv[1]))
for number in itertools.count(store.next_game_number()):
    store.append(some_games(number))
    store.flush()
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_flushed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)])
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    flushed = 0
    for lines in (3, 10):
        child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(lines):
            flushed = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        flushed = max([flushed, *map(int, child.stdout.read().split())])
        child.wait()
        child.stdout.close()
    store = writer(tmp_path)
    found = numbers(store)
    assert found == list(range(len(found)))
    assert len(found) in (flushed + 1, flushed + 2)
    assert caplog.records == []
    assert not list(tmp_path.glob("*.tmp"))
