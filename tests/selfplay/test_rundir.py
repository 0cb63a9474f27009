"""A run's folder is locked, resumable after any kill, and refuses what is not a run."""

import itertools
import json
import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.errors import TandemError
from games.files import publish_folder, write_atomic
from selfplay.ladder import ladder_steps
from selfplay.rundir import RunDir

CONFIG = {"game": "connect4", "net": {"width": 64}, "rate": 0.1}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDir]:
    with RunDir.create_or_resume(tmp_path / "runs" / "c4", CONFIG) as run:
        yield run


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def weights(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "model.safetensors").write_text(text)
        (folder / "state.json").write_text("{}")

    return write


def steps(paths: list[Path]) -> list[int]:
    return [int(path.stem) for path in paths]


def test_a_run_is_created_and_resumed_with_its_own_config(run: RunDir) -> None:
    assert (run.config, run.resumed) == (CONFIG, False)
    run.close()
    with RunDir.create_or_resume(run.path, {"game": "other"}) as again:
        assert (again.config, again.resumed) == (CONFIG, True)
    assert again.games.is_dir()
    assert again.tensorboard.is_dir()


def test_a_run_can_be_read_while_it_trains(run: RunDir) -> None:
    run.log("step", loss=1.0)
    before = tree(run.path)
    reader = RunDir.read(run.path)
    assert reader.config == CONFIG
    assert [event["loss"] for event in reader.events()] == [1.0]
    assert tree(run.path) == before


def test_reading_needs_a_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(TandemError, match=r"not the folder of a run: it has no config\.json"):
            RunDir.read(path)
    assert tree(tmp_path) == {}


def test_a_creation_killed_before_its_config_is_started_again(run: RunDir) -> None:
    run.close()
    (run.path / "config.json").rename(run.path / ".config.json.12345678.tmp")
    with RunDir.create_or_resume(run.path, {"game": "later"}) as again:
        assert (again.config, again.resumed) == ({"game": "later"}, False)
    assert not list(run.path.glob(".*.tmp"))


HOLD = """
import sys, time
from pathlib import Path
from selfplay.rundir import RunDir
run = RunDir.create_or_resume(Path(sys.argv[1]), {})
print("held", flush=True)
time.sleep(60)
"""


def test_the_lock_names_its_holder_and_kill_9_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "c4"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            before = tree(path)
            with pytest.raises(TandemError, match=rf"c4 is in use by another process \(pid {holder.pid}\)"):
                RunDir.create_or_resume(path, CONFIG)
            assert tree(path) == before
        finally:
            os.kill(holder.pid, signal.SIGKILL)
    with RunDir.create_or_resume(path, CONFIG) as run:
        assert run.resumed
        assert (path / "run.pid").read_text() == str(os.getpid())


def test_one_process_cannot_hold_a_run_twice(run: RunDir) -> None:
    with pytest.raises(TandemError, match=f"pid {os.getpid()}"):
        RunDir.create_or_resume(run.path, CONFIG)


def spoil_file(path: Path) -> None:
    path.write_text("a file")


def spoil_below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file")


def spoil_other_folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")


def spoil_other_config(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text('{"architectures": ["Bert"]}')


def spoil_later_format(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text('{"format": "tandem run 9", "config": {}}')


def spoil_broken_config(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text('{"format": "tan')


def spoil_lock(path: Path) -> None:
    (path / "run.lock").mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_file, "cannot use .*c4 as the folder of a run: Not a directory"),
        (spoil_below_a_file, "cannot use .*c4 as the folder of a run: Not a directory"),
        (spoil_other_folder, r"c4 is not the folder of a run \(it holds thesis.tex\)"),
        (spoil_other_config, "c4 is not the folder of a run: config.json lacks"),
        (spoil_later_format, "config.json lacks the format 'tandem run 1'"),
        (spoil_broken_config, "config.json is not JSON"),
        (spoil_lock, "cannot use .*c4 as the folder of a run: Is a directory"),
    ],
)
def test_what_is_not_a_run_is_refused_and_left_alone(
    spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "runs" / "c4"
    path.parent.mkdir()
    spoil(path)
    before = tree(tmp_path)
    with pytest.raises(TandemError, match=message):
        RunDir.create_or_resume(path, CONFIG)
    assert tree(tmp_path) == before


def test_a_failed_start_gives_the_lock_back(run: RunDir) -> None:
    run.close()
    (run.path / "games").rmdir()
    (run.path / "games").write_text("in the way")
    with pytest.raises(TandemError, match="File exists"):
        RunDir.create_or_resume(run.path, CONFIG)
    (run.path / "games").unlink()
    RunDir.create_or_resume(run.path, CONFIG).close()


def test_the_log_keeps_events_in_order_and_numbers_readable(run: RunDir) -> None:
    run.log("start", text="é\n")
    run.log("step", loss=math.nan, step=3)
    assert [{**event, "time": 0} for event in run.events()] == [
        {"event": "start", "time": 0, "text": "é\n"},
        {"event": "step", "time": 0, "loss": None, "step": 3},
    ]


@pytest.mark.parametrize("torn", [1, 10, 40])
def test_a_torn_last_line_is_cut_on_resuming(run: RunDir, torn: int, caplog: pytest.LogCaptureFixture) -> None:
    run.log("first")
    run.log("second", text="a rather long line, so that it can be torn anywhere")
    run.close()
    log = run.path / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-torn])
    assert [event["event"] for event in RunDir.read(run.path).events()] == ["first"]
    with RunDir.create_or_resume(run.path, CONFIG) as again:
        again.log("third")
        assert [event["event"] for event in again.events()] == ["first", "third"]
    assert caplog.records == []


def test_a_spoilt_line_in_the_log_is_skipped_with_a_warning(run: RunDir, caplog: pytest.LogCaptureFixture) -> None:
    run.log("first")
    with (run.path / "log.jsonl").open("ab") as file:
        file.write(b"\0\0\xff\n[1]\n")
    run.log("second")
    assert [event["event"] for event in run.events()] == ["first", "second"]
    assert ["line 2" in caplog.messages[0], "line 3" in caplog.messages[1]] == [True, True]


def test_checkpoints_are_published_whole_and_sorted(run: RunDir) -> None:
    for step in (900, 5, 123456789):
        assert run.publish_checkpoint(step, weights(str(step))) in run.checkpoints()
    assert steps(run.checkpoints()) == [5, 900, 123456789]
    assert tree(run.checkpoints()[1]) == {"model.safetensors": b"900", "state.json": b"{}"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", [1, 2])
def test_a_checkpoint_that_fails_midway_is_invisible(run: RunDir, error: type[BaseException], step: int) -> None:
    run.publish_checkpoint(1, weights("one"))
    before = tree(run.path)

    def fail(folder: Path) -> None:
        weights("half")(folder)
        raise error("no space left")

    with pytest.raises(TandemError if error is OSError else error, match="no space left"):
        run.publish_checkpoint(step, fail)
    assert tree(run.path) == before


def test_a_checkpoint_killed_midway_is_cleared_on_resuming(run: RunDir) -> None:
    run.publish_checkpoint(1, weights("one"))
    run.close()
    killed = [run.path / "checkpoints" / ".00000002.1234abcd.tmp", run.path / "ladder" / ".2.safetensors.12.tmp"]
    killed[0].mkdir()
    weights("half")(killed[0])
    killed[1].write_text("half")
    assert steps(RunDir.read(run.path).checkpoints()) == [1]
    with RunDir.create_or_resume(run.path, CONFIG) as again:
        assert steps(again.checkpoints()) == [1]
    assert [path.exists() for path in killed] == [False, False]


def test_a_checkpoint_of_the_same_step_is_replaced(run: RunDir) -> None:
    run.publish_checkpoint(7, weights("old"))
    run.publish_checkpoint(7, weights("new"))
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["00000007"]
    assert (run.checkpoints()[0] / "model.safetensors").read_text() == "new"


def test_a_replacement_that_cannot_be_named_keeps_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_folder(tmp_path / "c", weights("old"))
    before, rename = tree(tmp_path), Path.rename

    def full(self: Path, target: Path) -> Path:
        if target == tmp_path / "c" and (self / "model.safetensors").read_text() == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(TandemError, match="No space left"):
        publish_folder(tmp_path / "c", weights("new"))
    assert tree(tmp_path) == before


def whole(folder: Path) -> None:
    if (folder / "model.safetensors").read_text() == "bad":
        raise TandemError(f"{folder} is damaged")


def test_the_latest_checkpoint_is_used_when_it_is_whole(run: RunDir, caplog: pytest.LogCaptureFixture) -> None:
    assert run.latest_valid(whole) is None
    for step in (1, 2):
        run.publish_checkpoint(step, weights("good"))
    assert run.latest_valid(whole) == run.checkpoints()[1]
    assert caplog.records == []


def test_a_damaged_checkpoint_gives_way_to_an_older_one(run: RunDir, caplog: pytest.LogCaptureFixture) -> None:
    for step, text in ((1, "good"), (2, "good"), (3, "bad"), (4, "bad")):
        run.publish_checkpoint(step, weights(text))
    expected = run.checkpoints()[1]
    assert RunDir.read(run.path).latest_valid(whole) == expected
    assert steps(run.checkpoints()) == [1, 2, 3, 4]
    caplog.clear()
    assert run.latest_valid(whole) == expected
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert steps(run.checkpoints()) == [1, 2]
    assert (run.path / "checkpoints" / "bad" / "00000004" / "model.safetensors").read_text() == "bad"


def test_a_fresh_start_never_hides_damage(run: RunDir) -> None:
    for step in (1, 2):
        run.publish_checkpoint(step, weights("bad"))
    with pytest.raises(TandemError, match=r"no checkpoint .* can be used; the newest, 00000002: .* is damaged"):
        run.latest_valid(whole)
    assert steps(run.checkpoints()) == [1, 2]


@pytest.mark.parametrize(("keep", "left"), [(3, [3, 4, 5]), (1, [5]), (9, [1, 2, 3, 4, 5])])
def test_old_checkpoints_are_deleted(run: RunDir, keep: int, left: list[int]) -> None:
    for step in (1, 2, 3, 4, 5):
        run.publish_checkpoint(step, weights(""))
    run.prune(keep)
    assert [int(path.name) for path in sorted((run.path / "checkpoints").iterdir())] == left


@pytest.mark.parametrize("killed_before", [True, False])
def test_a_checkpoint_that_was_being_replaced_is_brought_back(run: RunDir, killed_before: bool) -> None:
    """A kill between the renames leaves both folders under hidden names; one just after, the old one beside the new."""
    path = run.publish_checkpoint(7, weights("old"))
    run.close()
    path.rename(path.with_name(".00000007.replaced.tmp"))
    (path.with_name(".00000007.1234abcd.tmp") if killed_before else path).mkdir()
    weights("new")(next(p for p in path.parent.iterdir() if not p.name.endswith("replaced.tmp")))
    with RunDir.create_or_resume(run.path, CONFIG) as again:
        assert steps(again.checkpoints()) == [7]
        assert (path / "model.safetensors").read_text() == ("old" if killed_before else "new")
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_torn_line_longer_than_a_block_is_cut_too(run: RunDir, blocks: int) -> None:
    run.log("first")
    run.close()
    with (run.path / "log.jsonl").open("ab") as file:
        file.write(b"x" * (65536 * blocks + 10))
    with RunDir.create_or_resume(run.path, CONFIG) as again:
        again.log("second")
        assert [event["event"] for event in again.events()] == ["first", "second"]


def test_the_ladder_on_disk_is_thinned(run: RunDir) -> None:
    for step in range(0, 4000, 100):
        write_atomic(run.ladder_path(step), b"weights")
    (run.path / "ladder" / "notes.txt").write_text("")
    run.thin_ladder(keep=5)
    assert steps(run.ladder()) == ladder_steps(range(0, 4000, 100), 5)
    assert len(run.ladder()) == 5
    assert (run.path / "ladder" / "notes.txt").exists()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 5000), min_size=1, max_size=200), st.integers(2, 25))
def test_a_ladder_thinned_as_it_grows_stays_even(first: int, gaps: list[int], keep: int) -> None:
    assert_even(first, gaps, keep)


def test_a_long_ladder_stays_even() -> None:
    assert_even(0, [250] * 20_000, 20)
    assert_even(1000, [1000] * 5_000, 20)


def assert_even(first: int, gaps: list[int], keep: int) -> None:
    everything = list(itertools.accumulate(gaps, initial=first))
    kept: list[int] = []
    for step in everything:
        kept = ladder_steps([*kept, step], keep)
    assert (kept[0], kept[-1]) == (first, everything[-1])
    assert len(kept) == min(keep, len(everything))
    assert set(kept) <= set(everything)
    following = dict(itertools.pairwise(everything))
    bound = 2 / (keep - 1) * math.log((1 + kept[-1]) / (1 + first))
    for left, right in itertools.pairwise(kept):
        assert right == following[left] or math.log((1 + right) / (1 + left)) <= bound * (1 + 1e-9)


def test_a_ladder_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="keep is 1"):
        ladder_steps([1, 2], 1)


def test_the_config_is_readable_by_people(run: RunDir) -> None:
    text = (run.path / "config.json").read_text()
    assert json.loads(text)["config"] == CONFIG
    assert len(text.splitlines()) > len(CONFIG)
