"""Kernels on disk: a second process compiles nothing, and games never load each other's code."""

import ast
import os
import re
import subprocess
import sys
import time
from inspect import isfunction
from pathlib import Path
from types import CodeType, ModuleType

from engine.kernels import kernels
from games.compiler import core
from games.conformance import extra_kernels
from games.loader import load
from games.rules import rules
from selfplay.moves import move_kernels
from selfplay.replay import sample_kernel
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


def test_kernels_of_other_hashes_go_when_nobody_has_touched_them_for_two_weeks(tmp_path):
    path = variant(tmp_path, "my.game", "tictactoe")
    run(tmp_path, str(path), "tictactoe")
    (folder,) = {file.parent for file in tmp_path.rglob("*.nbi")}
    now, days = time.time(), 24 * 3600

    def age(name, seconds):
        (folder / name).touch()
        os.utime(folder / name, (now - seconds, now - seconds))

    current = [name for name in cached(tmp_path) if ".my.game." in name]
    old, recent = ([re.sub(r"\w{16}", 16 * letter, name) for name in current] for letter in "ab")
    old.append(f"{old[0]}.tmp.0123")  # of a writer that was killed
    for names, seconds in ((old, 15 * days), (recent, 13 * days), (cached(tmp_path), 99 * days)):
        for name in names:
            age(name, seconds)
    before = {file.name for file in folder.iterdir()}
    assert run(tmp_path, str(path))[1] == "hits 1 misses 0"
    assert {file.name for file in folder.iterdir()} == before
    for name in current:
        age(name, 99 * days)
    variant(tmp_path, "my.game", "tictactoe", ("RULES_VERSION = 1", "RULES_VERSION = 2"))
    assert run(tmp_path, str(path))[1] == "hits 0 misses 1"
    assert before - {file.name for file in folder.iterdir()} == {*old, *current}


def kernels_of(game):
    """Every kernel of a game, as the function that was compiled."""
    groups = [vars(rules(game)).values(), vars(kernels(game)).values(), move_kernels(game), extra_kernels(game)]
    return [kernel.py_func for group in groups for kernel in group if hasattr(kernel, "py_func")] + [
        sample_kernel(game).py_func
    ]


def names_in(code):
    return set(code.co_names).union(*(names_in(c) for c in code.co_consts if isinstance(c, CodeType)))


def imports_of(file):
    """Where each name that a file imports from another comes from."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: (node.module, alias.name) for node in nodes for alias in node.names}


def reads(function, seen):
    """(file, name) of all that compiled code reads from files of ours other than the one it stands in."""
    if function in seen or not (file := Path(function.__code__.co_filename)).is_relative_to(ROOT):
        return
    seen.add(function)
    names, imported = names_in(function.__code__), imports_of(file)
    for name in names & imported.keys() & function.__globals__.keys():
        module, original = imported[name]
        value = function.__globals__[name]
        found = value if isinstance(value, ModuleType) else sys.modules[module]
        if Path(found.__file__ or "").is_relative_to(ROOT):
            yield Path(found.__file__), original
        members = [getattr(value, n, None) for n in names] if isinstance(value, ModuleType) else [value]
        for member in filter(isfunction, members):
            yield from reads(member, seen)
    for cell in function.__closure__ or ():
        if isfunction(cell.cell_contents):
            yield from reads(cell.cell_contents, seen)


def test_what_kernels_read_from_other_files_is_in_their_hash():
    game, seen = load("connect4"), set()
    found = {pair for function in kernels_of(game) for pair in reads(function, seen)}
    assert {("tree.py", "tree"), ("noise.py", "add_noise"), ("rng.py", "below")} <= {(f.name, n) for f, n in found}
    assert [pair for pair in found if pair[0] not in core()] == []


SOLVE = """
import sys
from engine.exact import Exact
from engine.position import Position
from games.loader import load

for spec in sys.argv[1:]:
    position = Position.from_moves(load(spec), ["1", "2", "2", "3", "1"])
    print(spec, {a: (s.value, s.plies) for a, s in Exact(load(spec), memory=1 << 20).moves(position).items()})
"""


def test_games_whose_kernels_other_processes_compiled_are_not_mixed(tmp_path):
    """Each process numbers what it compiles from one on, so that names of inner functions alone may coincide."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    games = [f"connect4:rows=4,columns={n}" for n in (4, 5)]

    def solve(*specs):
        command = [sys.executable, "-c", SOLVE, *specs]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    alone = [solve(game) for game in games]
    assert solve(*games) == "".join(alone)
    assert solve(*reversed(games)) == "".join(reversed(alone))
