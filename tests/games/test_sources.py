"""A game of several files: helper modules in compiled rules, in the hash, under names of their own."""

import sys

import pytest

from games.check import check
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from games.sources import sources
from tests.games.helpers import variant
from tests.games.test_kernel_cache import run

HELPER = """
import numpy as np
from {tables} import {lines}
from games.bits import popcount

NAMES = "abc"


def won(marks):
    for line in {lines}:
        if _covers(marks, line):
            return True
    return False


def _covers(marks, line):
    return popcount(marks & line) == 3


def name_of(a):
    return NAMES[a % 3]
"""
TABLES = """
import numpy as np

{lines} = np.array([0o007, 0o070, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124], np.uint16)
"""
# The game keeps a won of its own name, which calls the helper's as an attribute, and takes the other by name.
CHANGES = (
    ("import numpy as np\n", "import numpy as np\nimport {helper}\nfrom {helper} import name_of\n"),
    (
        "    for line in LINES:  # noqa: SIM110 - Numba compiles no generators\n"
        "        if marks & line == line:\n            return True\n    return False\n",
        "    return {helper}.won(marks)\n",
    ),
    ('"abc"[a % 3] + "123"', 'name_of(a) + "123"'),
)


def write(folder, name, lines="LINES"):
    """tictactoe in three files: NAME.py, NAME_lines.py and, imported by that, NAME_tables.py."""
    helper, tables = f"{name}_lines", f"{name}_tables"
    (folder / f"{helper}.py").write_text(HELPER.format(tables=tables, lines=lines))
    (folder / f"{tables}.py").write_text(TABLES.format(lines=lines))
    return variant(folder, name, "tictactoe", *((old, new.format(helper=helper)) for old, new in CHANGES))


def test_helpers_work_in_compiled_rules_and_in_plain_ones(tmp_path):
    game = load(str(write(tmp_path, "three")))
    assert rules(game).perft(rules(game).first(), 7) == 148176
    assert game.format_action(rules(game).first(), 4) == "b2"
    assert check(game, 5).findings == []
    beside = [file.name for file in sources(tmp_path / "three.py") if file.parent == tmp_path]
    assert beside == ["three.py", "three_lines.py", "three_tables.py"]
    assert str(tmp_path) not in sys.path


def test_two_games_may_share_a_helper(tmp_path):
    write(tmp_path, "shared")
    (tmp_path / "other.py").write_text((tmp_path / "shared.py").read_text())
    for name in ("shared", "other"):
        game = load(str(tmp_path / f"{name}.py"))
        assert rules(game).perft(rules(game).first(), 2) == 72


def test_kernels_of_several_files_are_cached_and_an_edit_of_a_constant_is_seen(tmp_path):
    path, kernels = write(tmp_path, "cached"), tmp_path / "kernels"
    first, second = run(kernels, str(path)), run(kernels, str(path))
    assert first == ["cached [72, 504]", "hits 0 misses 1", "hits 0 misses 1"]
    assert second == ["cached [72, 504]", "hits 1 misses 0", "hits 1 misses 0"]
    tables = tmp_path / "cached_tables.py"
    tables.write_text(tables.read_text().replace("0o007", "0o003"))
    assert run(kernels, str(path)) == first


@pytest.mark.parametrize("name", ["json", "sys"])
def test_a_helper_of_a_name_that_is_taken_is_refused(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("")
    path = variant(
        tmp_path, f"takes_{name}", "tictactoe", ("import numpy as np\n", f"import numpy as np\nimport {name}\n")
    )
    with pytest.raises(TandemError, match=rf"takes_{name}\.py imports {name}, a name that .* has: rename {name}\.py"):
        load(str(path))


def test_a_broken_helper_is_named(tmp_path):
    path = write(tmp_path, "broken")
    (tmp_path / "broken_tables.py").write_text("LINES = [")
    with pytest.raises(TandemError, match=r"broken\.py does not run: SyntaxError: .*broken_tables\.py"):
        load(str(path))
