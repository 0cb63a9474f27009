"""The conformance kit: shipped games hold, and each deliberate breach is found under the right function's name."""

import subprocess
import sys
from pathlib import Path

import pytest

from games.check import check, main
from games.errors import TandemError
from games.loader import load
from tests.games.helpers import variant

ROOT = Path(__file__).resolve().parents[2]


# Random games to play: those on larger boards are long, and looked at in plain Python.
SHIPPED = {
    "tictactoe": 50,
    "connect4": 50,
    "connect4:rows=4,columns=4,connect=3": 50,
    "connect4:rows=4,columns=4,misere=1": 50,
    "connect4:rows=4,columns=4,drawn=1": 50,
    "connect4:rows=3,columns=3,connect=3,misere=1,drawn=1": 50,
    "othello": 3,
    "othello:size=6": 10,
    "gomoku:size=5": 5,
    "gomoku:size=9,rule=exact": 2,
    "hex:size=3": 50,
    "hex:size=4,swap=1": 20,
    "hex:size=9": 2,
    "breakthrough": 3,
    "breakthrough:size=6": 10,
}
LARGE = ["gomoku", "gomoku:size=20", "hex", "hex:size=13,swap=1"]


@pytest.mark.parametrize("spec", SHIPPED)
def test_shipped_games_hold(spec):
    report = check(load(spec), games=SHIPPED[spec])
    assert report.findings == []
    assert report.positions > 50
    assert report.perft[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("spec", LARGE)
def test_large_boards_hold(spec):
    assert check(load(spec), games=1).findings == []


T, C = "tictactoe", "connect4"
ENCODE = "        planes[1, c // 3, c % 3] = (s.other >> U(c)) & U(1)"
START = "def start(s):"
NO_CELL = """        raise ValueError(f"'{text}' is no cell: write a column a-c and a row 1-3, such as b2")
"""
SYMMETRIES = "SYMMETRIES = 8"
# name: (base, changes, the function that must be named, words of the finding)
BROKEN = {
    "twice": (T, [("            out[n] = c\n", "            out[n] = c - c % 2\n")], "legal", "distinct"),
    "out_of_range": (T, [("            out[n] = c\n", "            out[n] = c + 1\n")], "legal", "0..8"),
    "negative": (C, [("            out[n] = c\n", "            out[n] = c - 1\n")], "legal", "0..6"),
    "too_many": (T, [("= 9, 9, 9,", "= 9, 8, 9,")], "legal", "not in 0..MAX_LEGAL = 8"),
    "far_too_many": (T, [("= 9, 9, 9,", "= 9, 2, 9,")], "legal", "IndexError"),
    "writes_past": (C, [("    n = 0\n", "    out[COLUMNS] = 1\n    n = 0\n")], "legal", "writes past MAX_LEGAL = 7"),
    "outcome_text": (T, [("return -1.0 if won(s.other) else 0.0", "return 'loss'")], "outcome", "raises ValueError"),
    "outcome_none": (T, [("return -1.0 if won(s.other) else 0.0", "return None")], "outcome", "raises TypeError"),
    "outcome_half": (T, [("return -1.0 if", "return -0.5 if")], "outcome", "returns -0.5"),
    "unwritten": (T, [(ENCODE, "    planes[1, 0, 0] = s.other & U(1)")], "encode", "cell (1, 0, 1) unwritten"),
    "u64_plus_1": (
        C,
        [(START, f"def key(s):\n    return (s.taken | (U(1) << U(63))) + 1\n\n\n{START}")],
        "key",
        "compiled",
    ),
    "overflows": (T, [("(U(1) << U(a))", "((1 << (a + 63)) >> 63)")], "play", "plain Python gives (0, "),
    "play_raises": (C, [("    s.me ^= s.taken\n", "    s.me ^= s.taken + [][a:][0]\n")], "play", "raises IndexError"),
    "uncompilable": (T, [("    marks = s.me", "    import math\n\n    marks = s.me")], "play", "raises"),
    "late": (
        C,
        [("        return -1\n", "        return 7 * 0 - 2\n")],
        "best_first",
        "returns -2 where it should be -1",
    ),
    "left_out": (
        C,
        [
            (
                "            out[at] = column\n            n += 1\n",
                "            out[at] = column\n            n += column > 0\n",
            )
        ],
        "best_first",
        "may be left out",
    ),
    "start_raises": (T, [("    s.me = 0\n", "    s.me = 0 // 0\n")], "start", "raises ZeroDivisionError"),
    "transform_marks": (T, [("    out.other = other", "    out.other = me")], "transform", "k=1"),
    "transform_action": (C, [("return COLUMNS - 1 - a", "return a")], "transform", "k=1"),
    "transform_outcome": (
        T,
        [
            ("won(s.other):\n        return 0", "won(s.other & U(0o707)):\n        return 0"),
            ("return -1.0 if won(s.other)", "return -1.0 if won(s.other & U(0o707))"),
        ],
        "transform",
        "legal actions of the image",
    ),
    "text": (T, [('"o" if second >> c', '"o" if first >> c')], "to_text", "from_text reads"),
    "text_lines": (T, [('return "".join(_cells(s))', 'return "\\n".join(_cells(s))')], "to_text", "several lines"),
    "from_text": (C, [("s.taken = sum(1 << b for b, _", "s.taken = sum(2 << b for b, _")], "to_text", "reads"),
    "action_words": (T, [('"abc"[a % 3] + ', '"abc"[a % 3] + " " + ')], "format_action", "not one word"),
    "action_other": (C, [("return str(a + 1)", "return str((a + 1) % 7 + 1)")], "format_action", "parse_action reads"),
    "action_any": (T, [(NO_CELL, "        return 0\n")], "format_action", "accepts 'no such move'"),
    "render": (T, [('return "\\n".join([*rows, "   a b c"])', 'return " "')], "render", "draws nothing"),
    "plies": (T, [("= 9, 9, 9,", "= 9, 9, 8,")], "MAX_PLIES", "goes on after 8 plies"),
    "eval_key": (T, [(SYMMETRIES, f"{SYMMETRIES}\n\n\ndef eval_key(s):\n    return s.me")], "encode", "same eval_key"),
    "few_features": (
        T,
        [(SYMMETRIES, f"{SYMMETRIES}\nFEATURES, MAX_ACTIVE = 9, 2"), ("def transform(", "{features}def transform(")],
        "features",
        "MAX_ACTIVE = 2",
    ),
    "high_features": (
        T,
        [(SYMMETRIES, f"{SYMMETRIES}\nFEATURES, MAX_ACTIVE = 8, 9"), ("def transform(", "{features}def transform(")],
        "features",
        "0..7",
    ),
    "real_planes": (T, [(ENCODE, ENCODE + "\n    planes[0, 0, 0] = 0.5")], "features", "FEATURES, MAX_ACTIVE"),
    "logits": (
        T,
        [(SYMMETRIES, f"{SYMMETRIES}\nLOGITS = 5\n\n\ndef policy_index(s, a):\n    return a // 2")],
        "policy_index",
        "distinct",
    ),
}
FEATURES = """def features(s, out):
    n = 0
    for c in range(9):
        if (s.me >> U(c)) & U(1):
            out[n] = c
            n += 1
    return n


"""


@pytest.mark.parametrize("name", BROKEN)
def test_breaches_are_found(tmp_path, name):
    base, changes, function, words = BROKEN[name]
    changes = [(old, new.replace("{features}", FEATURES)) for old, new in changes]
    findings = check(load(str(variant(tmp_path, f"broken_{name}", base, *changes)))).findings
    assert [f for f in findings if f.startswith(f"{function}, at ") and words in f], findings
    assert all("\n" not in f for f in findings)


def test_exit_codes(tmp_path, capsys):
    assert main(["tictactoe", "--games", "3"]) == 0
    assert "tictactoe: all checks hold, 3 random games" in capsys.readouterr().out
    path = variant(tmp_path, "broken_plies", "tictactoe", *BROKEN["plies"][1])
    assert main([str(path)]) == 1
    out = capsys.readouterr().out
    assert "MAX_PLIES, at " in out
    assert "1 findings" in out


BAD = [["--games", "0"], ["--seed", "-1"], ["--game", "3"], ["--games", "x"], ["more"]]


@pytest.mark.parametrize("extra", BAD, ids=" ".join)
def test_bad_flags(extra):
    with pytest.raises(TandemError) as caught:
        main(["tictactoe", *extra])
    assert extra[0].lstrip("-") in str(caught.value)


COMMANDS = [
    (["tictactoe"], 0, ""),
    (["ticktactoe"], 2, "did you mean tictactoe?"),
    ([], 2, "game"),
    (["tictactoe", "-x"], 2, "-x"),
]


@pytest.mark.parametrize(("words", "code", "error"), COMMANDS)
def test_the_command(words, code, error):
    command = [sys.executable, "-m", "games.check", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert error in done.stderr
    assert done.stderr.count("\n") == (1 if code else 0)
    assert ("perft 1 9 72" in done.stdout) is (code == 0)
