"""How commands end, whatever still runs beside them."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.cli import Parser

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


@pytest.mark.parametrize("command", ["play.py", "train.py", "study.py"])
def test_without_the_packages_one_line_says_how_they_are_installed(command):
    # -S: as the system's own Python, which has none of them.
    words, env = [sys.executable, "-S", *command.split()], {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    said = r"error: the package \w+ is not installed here; in the clone, (.*)\n"
    assert re.fullmatch(said, done.stderr)[1] in (ROOT / "README.md").read_text()


COMMANDS = {
    "train.py": "--net",
    "play.py": "--mode",
    "study.py": "--only",
    "-m selfplay.arena": "--games",
    "-m selfplay.truth": "--positions",
    "-m selfplay.runs": "--verify",
    "-m selfplay.label": "--plies",
    "-m selfplay.early": "--plies",
    "-m nets.export": "--game",
    "-m games.check": "--games",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_fits_on_one_screen_and_has_examples(command):
    words, env = [sys.executable, *command.split(), "--help"], {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=env)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    assert any(line.lstrip().startswith("python ") for line in lines)
    if command != "train.py":
        assert COMMANDS[command] in done.stdout


@pytest.mark.parametrize("columns", [60, 90, 150, 200])
def test_the_help_is_as_wide_as_the_terminal_and_breaks_no_command(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    prose, command, about = (
        "a word or two " * 20,
        "python play.py GAME --and 'a long flag; of it'",
        "says it all, " * 5 + "too",
    )
    usage = f"examples:\n  {command}{' ' * 40}{about}\n  python play.py\n\n{prose}"
    lines = Parser(prog="play.py", description=prose, epilog=usage).format_help().splitlines()
    assert columns - 12 < max(map(len, lines)) <= columns
    assert " ".join(" ".join(lines).split()).count(prose.strip()) == 2
    beside = {60: "", 90: "", 150: f"  {about}", 200: f"{' ' * 40}{about}"}[columns]  # closer where that is enough
    assert [line for line in lines if command in line] == [f"  {command}{beside}"]
    assert "  python play.py" in lines
    assert lines.count("") == 3


def test_train_explains_its_settings_when_asked():
    short, full = (
        subprocess.run([sys.executable, "train.py", flag], cwd=ROOT, capture_output=True, text=True).stdout
        for flag in ("--help", "--help-all")
    )
    assert "considered" in short.split()
    assert "--considered X" not in short
    assert "--considered X" in full


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("play.py --sied first", "did you mean --side?"),
        ("play.py --side frist", "did you mean first?"),
        ("play.py conect4", "did you mean connect4?"),
        ("play.py connect4:row=5", "did you mean rows?"),
        ("play.py --model models/conect4.safetensors", "did you mean connect4.safetensors?"),
        ("train.py --net mpl:12", "did you mean mlp?"),
        ("study.py connect4 --only palnning", "did you mean planning?"),
        ("-m selfplay.runs modles", "did you mean models?"),
        ("-m selfplay.arena connect4 hybird net", "did you mean hybrid?"),
    ],
)
def test_a_mistyped_name_is_answered_by_the_nearest(words, hint):
    done = subprocess.run([sys.executable, *words.split()], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    *notices, line = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert hint in line
    assert all(notice.startswith("compiling kernels") for notice in notices)
