"""Ctrl-C while kernels compile."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import signal
from numba.core import event
from games.cli import run_main
from games.loader import load
from games.rules import rules

class Press(event.Listener):
    left = {times}

    def on_start(self, event):
        if self.left:
            self.left -= 1
            signal.raise_signal(signal.SIGINT)

    def on_end(self, event):
        pass

def main(words):
    event.register("numba:run_pass", Press())
    start = rules(load("tictactoe")).start
    try:
        rules(load("tictactoe")).first()
    finally:
        print(len(start.signatures), "compiled", flush=True)

run_main(main)
"""


@pytest.mark.parametrize(("times", "said"), [(1, "1 compiled\n"), (2, "")])
def test_the_first_comes_when_the_kernel_is_done_and_the_second_at_once(tmp_path, times, said):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CODE.format(times=times)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, said, "\ninterrupted\n")


@pytest.mark.parametrize("times", [1, 2])
def test_a_first_start_is_left_in_one_line(tmp_path, times):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    child = pexpect.spawn(sys.executable, ["play.py", "--mode", "search"], cwd=ROOT, env=env, encoding="utf-8")
    child.expect("compiling kernels.*\n")
    for _ in range(times):
        child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.before.replace("^C", "").split() == ["interrupted"]
    assert child.exitstatus == 130 or child.signalstatus == signal.SIGINT  # the system's own end, once all is over
