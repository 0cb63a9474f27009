"""How commands end, whatever still runs beside them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import time
from games.cli import in_background, run_main
from games.errors import TandemError

def main(words):
    in_background(lambda: time.sleep({seconds}))
    print("said")
    {end}

run_main(main)
"""
ENDS = [
    ("return 0", 0, ""),
    ("return 1", 1, ""),
    ("raise TandemError('no')", 2, "error: no\n"),
    ("raise KeyboardInterrupt", 130, "\ninterrupted\n"),
]


@pytest.mark.parametrize("seconds", [0, 100])
@pytest.mark.parametrize(("end", "code", "errors"), ENDS)
def test_a_command_ends_without_its_background(end, code, errors, seconds):
    began = time.monotonic()
    script = CODE.format(end=end, seconds=seconds)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "said\n", errors)
    assert time.monotonic() - began < 50
