"""Files of a run that are a pipe, a device, a folder or huge, or that the system does not let us read."""

import errno
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from games.errors import TandemError
from games.loader import load
from selfplay import shards as shards_module
from selfplay.budget import Budget, Progress
from selfplay.config import TrainConfig
from selfplay.rundir import RunDir, read_log
from selfplay.runs import main
from tests.selfplay.test_loop import stored, train

GAME = load("tictactoe")
KINDS = ["pipe", "device", "folder", "huge"]
REFUSED = "it is no ordinary file|Is a directory|it has 1,099,511,627,776 bytes"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes pipes, and sets an alarm")


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """A read that waits for ever ends the test by an error, not the suite by nothing."""

    def ring(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "r"
    identity = {"game": GAME.spec, "rules_id": GAME.rules_id, "settings": asdict(TrainConfig())}
    with RunDir.create_or_resume(path, identity) as made:
        made.publish_checkpoint(30, lambda folder: Progress(steps=30).write(folder / "state.json"))
        made.log("round", steps=30)
    return path


def become(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flags", [[], ["--verify"]])
def test_a_config_that_is_no_ordinary_file_is_one_line(
    kind: str, flags: list[str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    become(run / "config.json", kind)
    if flags:
        assert main([str(run), *flags]) == 2
        (line,) = capsys.readouterr().out.splitlines()
        assert re.search(REFUSED, line)
    else:
        with pytest.raises(TandemError, match=REFUSED):
            main([str(run)])
    with pytest.raises(TandemError, match=REFUSED):
        RunDir.create_or_resume(run, {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["checkpoints/00000030/state.json", "log.jsonl", "run.pid", "run.lock"])
def test_other_files_that_are_no_ordinary_ones_are_not_waited_for(
    kind: str, name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    become(run / name, kind)
    for flags in ([], ["--verify"]):
        code = main([str(run), *flags])
        assert code == 2 if flags and name.startswith("checkpoints") else code in (0, 2)
        assert capsys.readouterr().out
    if name == "log.jsonl" and kind != "huge":
        with pytest.raises(OSError, match=REFUSED):
            list(read_log(run / name))


def test_a_line_of_a_log_without_an_end_is_bad(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    become(run / "log.jsonl", "huge")
    assert main([str(run), "--verify"]) == 2
    assert "log.jsonl: line 1 is longer than 1,048,576 bytes; nothing is read from there on" in capsys.readouterr().out


@pytest.mark.parametrize("newest", [True, False])
def test_a_shard_that_cannot_be_read_is_neither_absent_nor_damaged(
    newest: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "r", tmp_path / "games.txt"
    for steps in (10, 20):
        train(path, Budget(steps=steps))
    shards, numbers, real = sorted((path / "games").iterdir()), stored(path), shards_module.read_ordinary
    refused = shards[-1 if newest else 0]

    def read(file: Path, most: int) -> bytes:
        if file == refused:
            raise OSError(errno.EIO, "Input/output error")
        return real(file, most)

    monkeypatch.setattr(shards_module, "read_ordinary", read)
    words = rf"cannot read {refused}: Input/output error; make it readable, or move it away to go on without its games"
    with pytest.raises(TandemError, match=words):
        train(path, Budget(steps=30))
    assert main([str(path), "--verify"]) == 2
    assert re.search("^bad .*Input/output error", capsys.readouterr().out)
    assert main([str(path), "--export", str(out)]) == 2
    assert "1 damaged, foreign or unreadable shards skipped" in capsys.readouterr().out
    assert sorted((path / "games").iterdir()) == shards
    refused.rename(tmp_path / refused.name)
    train(path, Budget(steps=30))
    (tmp_path / refused.name).rename(refused)
    monkeypatch.undo()
    train(path, Budget(steps=40))
    assert len(set(stored(path))) == len(stored(path)) > len(numbers)
    assert set(numbers) < set(stored(path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_that_is_no_ordinary_file_is_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    train(path, Budget(steps=10))
    become(path / "games" / "00000009-000000000000.safetensors", kind)
    with pytest.raises(TandemError, match=rf"cannot read .*/00000009-000000000000.safetensors: ({REFUSED})"):
        train(path, Budget(steps=20))
