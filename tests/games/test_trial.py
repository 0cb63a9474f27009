"""What is found in a game file when it is loaded, without compiling anything, from every command that loads one."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.errors import TandemError
from games.loader import load
from tests.games.helpers import variant, with_lines

ROOT = Path(__file__).resolve().parents[2]
T, C = "tictactoe", "connect4"
# name: (base, changes, the function or constant that must be named, words of the finding)
TRIED = {
    "twice": (T, [("            out[n] = c\n", "            out[n] = c - c % 2\n")], "legal", "distinct"),
    "out_of_range": (T, [("            out[n] = c\n", "            out[n] = c + 1\n")], "legal", "0..8"),
    "negative": (C, [("            out[n] = c\n", "            out[n] = c - 1\n")], "legal", "0..6"),
    "too_many": (T, [("= 9, 9, 9,", "= 9, 8, 9,")], "legal", "not in 0..MAX_LEGAL = 8"),
    "far_too_many": (T, [("= 9, 9, 9,", "= 9, 2, 9,")], "legal", "with size 3; out has room for MAX_LEGAL"),
    "writes_past": (C, [("    n = 0\n", "    out[COLUMNS] = 1\n    n = 0\n")], "legal", "writes past MAX_LEGAL = 7"),
    "outcome_text": (
        T,
        [("return -1.0 if won(s.other) else 0.0", "return 'loss'")],
        "outcome",
        "returns 'loss', which",
    ),
    "outcome_nan": (T, [("return -1.0 if won(s.other) else 0.0", "return np.nan")], "outcome", "returns nan"),
    "outcome_none": (T, [("return -1.0 if won(s.other) else 0.0", "return None")], "outcome", "returns None, which"),
    "outcome_half": (T, [("return -1.0 if", "return -0.5 if")], "outcome", "returns -0.5, which is not"),
    "outcome_two": (T, [("return -1.0 if", "return -2.0 if")], "outcome", "-2.0, which is not +1, 0 or -1; return 1.0"),
    "play_raises": (
        C,
        [("    s.me ^= s.taken\n", "    if a >= 0:\n        raise IndexError('none')\n    s.me ^= s.taken\n")],
        "play",
        "{at raise IndexError}, in play), at //////: raises IndexError: none",
    ),
    "undefined": (T, [("won(s.other) else 0.0", "won(s.other) else DRAWN")], "outcome", "name 'DRAWN' is not defined"),
    "endless": (
        C,
        [("    s.taken |= stone\n", "    s.taken |= stone & U(0)\n"), ("    s.me ^= s.taken\n", "")],
        "MAX_PLIES",
        "the game goes on after 42 plies; make MAX_PLIES larger, or have legal return 0 earlier",
    ),
    "no_count": (
        T,
        [("            n += 1\n    return n", "            n += 1")],
        "legal",
        "returns None; return how many",
    ),
    "start_raises": (T, [("    s.me = 0\n", "    s.me = 0 // 0\n")], "start", "raises ZeroDivisionError"),
    "plies": (T, [("= 9, 9, 9,", "= 9, 9, 8,")], "MAX_PLIES", "goes on after 8 plies"),
}


@pytest.mark.parametrize("name", TRIED)
def test_breaches_are_refused(tmp_path, name):
    base, changes, function, words = TRIED[name]
    path = variant(tmp_path, f"tried_{name}", base, *changes)
    with pytest.raises(TandemError) as caught:
        load(str(path))
    line = str(caught.value)
    assert line.startswith(f"{function} ({path.name} line "), line
    assert with_lines(words, path) in line
    assert "\n" not in line


def test_a_long_game_without_an_end_is_refused(tmp_path):
    """Too long for plain Python: the compiled rules play on."""
    longest = ("COLUMNS, COLUMNS, ROWS * COLUMNS,", "COLUMNS, COLUMNS, 32766,")
    path = variant(tmp_path, "tried_long", C, *TRIED["endless"][1], longest)
    with pytest.raises(TandemError, match="the game goes on after 32766 plies"):
        load(str(path))


def test_trying_out_takes_a_moment(tmp_path):
    began = time.thread_time()
    load(str(variant(tmp_path, "tried_sound", C)))
    assert time.thread_time() - began < 0.5


COMMANDS = [["play.py"], ["play.py", "--mode", "search"], ["train.py"], ["-m", "selfplay.arena"]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_refuse_on_one_line(tmp_path, words):
    base, changes, _, found = TRIED["out_of_range"]
    path = variant(tmp_path, "tried_command", base, *changes)
    place = words[:2] if words[0] == "-m" else words[:1]
    players = ["random", "random"] if words[0] == "-m" else words[1:]
    command = [sys.executable, *place, str(path), *players]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("error: legal (tried_command.py line ")
    assert found in done.stderr
    assert done.stderr.count("\n") == 1
