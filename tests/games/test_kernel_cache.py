"""Kernels on disk: a second process compiles nothing, and games never load each other's code."""

import os
import subprocess
import sys
from pathlib import Path

from tests.games.helpers import variant

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys
from games.loader import load
from games.rules import rules

for name in sys.argv[1:]:
    compiled = rules(load(name))
    first = compiled.first()
    print(load(name).name, [compiled.perft(first, depth) for depth in (2, 3)])
    for function in (compiled.start, compiled.perft):
        print("hits", sum(function.stats.cache_hits.values()), "misses", sum(function.stats.cache_misses.values()))
"""


def run(folder, *games):
    """The lines printed by a fresh process that keeps its kernels in `folder`."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", CODE, *games]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def cached(folder):
    return sorted(path.name for path in folder.rglob("*.nb[ic]"))


def test_a_second_process_compiles_nothing(tmp_path):
    games = ("tictactoe", "connect4:rows=4,columns=4,connect=3")
    first = run(tmp_path, *games)
    files = cached(tmp_path)
    second = run(tmp_path, *games)
    counts = [line for line in first if "hits" not in line]
    assert counts == ["tictactoe [72, 504]", "connect4 [16, 64]"]
    assert [line for line in first if "hits" in line] == ["hits 0 misses 1"] * 4
    assert second == [line.replace("hits 0 misses 1", "hits 1 misses 0") for line in first]
    assert cached(tmp_path) == files
    assert len(files) == 8  # start and perft of both games, an index and the code of each


def test_an_edited_game_is_compiled_again(tmp_path):
    kernels = tmp_path / "kernels"
    path = variant(tmp_path, "mine", "tictactoe")
    assert run(kernels, str(path))[0] == "mine [72, 504]"
    files = cached(kernels)
    variant(tmp_path, "mine", "tictactoe", ("    n = 0\n    for c in range(9):", "    n = 0\n    for c in range(8):"))
    assert run(kernels, str(path))[0] == "mine [56, 336]"
    assert set(cached(kernels)) > set(files)
