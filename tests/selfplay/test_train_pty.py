"""train.py at a terminal: Ctrl-C in its first seconds."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from games.compiler import ROOT
from selfplay.executors import MOST_WAITED
from selfplay.runcheck import survey
from selfplay.rundir import RunDir
from tests.selfplay.helpers import children

PATIENCE = 120  # seconds; kernels may have to be compiled
# A round without an end: whatever stops it does so in its middle.
ENDLESS = ("tictactoe", "--net", "mlp:16", "--plies-per-round", 10_000_000, "--games-per-actor", 16, "--minutes", 5)

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")


def spawn(run: Path, *more: object) -> pexpect.spawn:
    arguments = [str(ROOT / "train.py"), *map(str, ENDLESS), "--actors", "2", "--run", str(run), *map(str, more)]
    return pexpect.spawn(sys.executable, arguments, cwd=str(ROOT), encoding="utf-8", timeout=PATIENCE)


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize("library", ["_multiarray_umath", "llvmlite", "libtorch_cpu"])
def test_ctrl_c_while_it_imports_ends_it_in_one_line(tmp_path: Path, library: str) -> None:
    child = spawn(tmp_path / "run")
    wait_until(lambda: library in Path(f"/proc/{child.pid}/maps").read_text(), f"never loads {library}")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.before.replace("\r", "").strip("^C\n") == "interrupted"
    assert child.exitstatus == 130


def test_ctrl_c_in_the_first_round_stops_saves_and_leaves_no_process(tmp_path: Path) -> None:
    child = spawn(tmp_path / "run")
    child.expect("  0%")
    child.sendintr()
    child.expect("stopping after this round, saving")
    started = children(child.pid)
    child.expect("stopped and saved; go on with: python train.py tictactoe --run .*--minutes 5")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "Traceback" not in child.before
    assert (tmp_path / "run" / "model.safetensors").is_file()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), "processes outlive their run")


def test_a_second_ctrl_c_leaves_at_once_though_actors_hang(tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = spawn(run, "--plies-per-round", 2000)
    wait_until(lambda: (run / "log.jsonl").exists(), "no round")
    started = children(child.pid)
    actors = [pid for pid in started if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(actors) == 2
    for pid in actors:
        os.kill(pid, signal.SIGSTOP)
    child.sendintr()
    child.expect("stopping after this round, saving")
    time.sleep(0.5)
    assert child.isalive()
    child.sendintr()
    child.expect("interrupted", timeout=MOST_WAITED / 2)
    child.expect(pexpect.EOF, timeout=MOST_WAITED / 2)
    child.close()
    assert child.exitstatus == 130
    assert child.before.strip() == ""
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), "processes outlive their run")
    assert survey(RunDir.read(run), verify=True).bad == []
    RunDir.create_or_resume(run, {}).close()
