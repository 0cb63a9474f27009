"""Files of a run that are a pipe, a device, a folder or huge, or that the system does not let us read."""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from games.errors import TandemError
from games.loader import load
from selfplay.budget import Progress
from selfplay.config import TrainConfig
from selfplay.rundir import RunDir, read_log
from selfplay.runs import main

GAME = load("tictactoe")
KINDS = ["pipe", "device", "folder", "huge"]
REFUSED = "no ordinary file|Is a directory|it has 1,099,511,627,776 bytes"
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
