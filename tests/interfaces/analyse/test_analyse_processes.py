"""play.py --analyse as a process: the example of the docs, and how it ends."""

import json
import re
import signal
import subprocess

import pytest

from games.compiler import ROOT
from games.errors import TandemError
from interfaces.analyse.protocol import MOST_LINE
from play import main
from tests.interfaces.analyse.helpers import objects
from tests.interfaces.helpers import PATIENCE, command, run_play

FLAGS = ("tictactoe", "--mode", "search", "--analyse")


def test_the_example_of_the_docs():
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    flags, query, answer = re.search(r"\$ python play.py (.*--analyse)\n(\{.*)\n(\{(?:.*\n)*?)```", text).groups()
    done = run_play(*flags.split(), typed=query + "\n")
    assert done.code == 0
    assert json.loads(done.out) == json.loads(answer)


def test_lines_of_any_kind_are_answered_to_the_end_of_the_input():
    long = b'{"id":"' + b"x" * MOST_LINE + b'"}\n'
    typed = long + b'{"id":"a","moves":[]}\n\n\r\n{"id":"b","moves":["b9"]}\n\x00\n' + b"{" * (MOST_LINE - 1)
    done = run_play(*FLAGS, typed=typed + b'\n{"id":"c","moves":["b2"]}')
    assert done.code == 0
    found = objects(done.out)
    assert len(found) == 6
    assert sum("error" in answer for answer in found) == 4
    assert {answer["id"] for answer in found if "moveInfos" in answer} == {"a", "c"}
    assert done.errors.count("\n") == 1  # which game, which net


def test_flags_that_do_not_go_together():
    for flags in (["--gtp"], ["--uci"], ["--record", "a.txt"], ["--position", "x"]):
        with pytest.raises(TandemError, match=r"--analyse|--position"):
            main(["tictactoe", "--analyse", *flags])


def start(*flags: object) -> subprocess.Popen:
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*flags), stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_ctrl_c_in_mid_search_ends_it():
    process = start(*FLAGS)
    process.stdin.write('{"id":"now","moves":[]}\n')
    process.stdin.flush()
    process.stdout.readline()
    process.stdin.write('{"id":"long","moves":[],"overrideSettings":{"seconds":100000,"prior":"uniform"}}\n' * 5)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors.endswith("\ninterrupted\n")
    assert "Traceback" not in errors


def test_a_reader_that_leaves_ends_it_while_the_input_is_open():
    process = start(*FLAGS)
    process.stdout.close()
    process.stdin.write('{"id":"a","moves":[]}\n')
    process.stdin.flush()
    assert process.wait(PATIENCE) == 141
    assert "Traceback" not in process.stderr.read()
    process.stdin.close()
