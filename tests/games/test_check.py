"""The conformance kit: shipped games hold, and each deliberate breach is found under the right function's name."""

import subprocess
import sys
from pathlib import Path

import pytest

from games.check import check, main
from games.errors import TandemError
from games.loader import load
from games.trial import MIX
from tests.games.helpers import variant, with_lines
from tests.games.test_trial import TRIED, C, T

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
    "chess": 1,
}
LARGE = ["gomoku", "gomoku:size=20", "hex", "hex:size=13,swap=1", "chess"]


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


ENCODE = "        planes[1, c // 3, c % 3] = (s.other >> U(c)) & U(1)"
START = "def start(s):"
NO_CELL = """        raise ValueError(f"'{text}' is no cell: write a column a-c and a row 1-3, such as b2")
"""
SYMMETRIES = "SYMMETRIES = 8"
# name: (base, changes, the function that must be named, words of the finding)
BROKEN = {
    **{name: TRIED[name] for name in ("twice", "outcome_two", "play_raises", "endless", "start_raises", "plies")},
    "unwritten": (T, [(ENCODE, "    planes[1, 0, 0] = s.other & U(1)")], "encode", "cell (1, 0, 1) unwritten"),
    "u64_plus_1": (
        C,
        [(START, f"def key(s):\n    return (s.taken | (U(1) << U(63))) + 1\n\n\n{START}")],
        "key",
        "compiled",
    ),
    "u64_and_int_loop": (
        T,
        [('"u2"', '"u8"'), ("np.uint16", "np.uint64"), ("& U(1)) << U(IMAGE", "& 1) << U(IMAGE")],
        "transform",
        "does not compile at {at me |= }: no ior(float64, int64) in compiled code; {mix}",
    ),
    "u64_and_int_paths": (
        T,
        [('"u2"', '"u8"'), ("np.uint16", "np.uint64"), ("    s.other = marks", "    s.other = marks if a >= 0 else 0")],
        "play",
        "makes a float of a uint64 at {at marks if a}: {mix}",
    ),
    "u64_and_int_results": (
        T,
        [
            ('"u2"', '"u8"'),
            ("np.uint16", "np.uint64"),
            ("def play", "def either(x, a):\n    if a > 9:\n        return a\n    return x\n\n\ndef play"),
            ("    s.other = marks", "    s.other = either(marks, a)"),
        ],
        "play",
        "makes a float of a uint64 at {at marks, a)}: {mix}",
    ),
    "u64_and_int_least": (C, [("    s.me ^= s.taken", "    s.me ^= min(s.taken, ROWS - 6 + a)")], "play", "{mix}"),
    "u64_and_int_arrays": (
        C,
        [("    s.me ^= s.taken", "    s.me ^= s.taken | STEPS[0]"), (START, "STEPS = np.array([0])\n\n\n" + START)],
        "play",
        "{mix}",
    ),
    "overflows": (T, [("(U(1) << U(a))", "((1 << (a + 63)) >> 63)")], "play", "plain Python gives (0, "),
    "uncompilable": (
        T,
        [("    marks = s.me", "    import math\n\n    marks = s.me")],
        "play",
        "does not compile at {at import math}",
    ),
    "uncompilable_helper": (
        T,
        [
            (
                "    for line in LINES",
                "    for line in list(str(marks)):\n        return marks == line.x\n    for line in LINES",
            )
        ],
        "legal",
        "does not compile at {at line.x}, called at {at if won(s.other)}: ",
    ),
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
    "text_lines": (T, [('return "".join("x" if', 'return "\\n".join("x" if')], "to_text", "several lines"),
    "from_text": (C, [("s.taken = sum(1 << b for b, _", "s.taken = sum(2 << b for b, _")], "to_text", "reads"),
    "action_words": (T, [('"abc"[a % 3] + ', '"abc"[a % 3] + " " + ')], "format_action", "not one word"),
    "action_other": (C, [("return str(a + 1)", "return str((a + 1) % 7 + 1)")], "format_action", "parse_action reads"),
    "action_any": (T, [(NO_CELL, "        return 0\n")], "parse_action", "accepts 'no such move'; raise ValueError"),
    "action_none": (
        T,
        [(NO_CELL, "        return None\n")],
        "parse_action",
        "accepts 'no such move'; raise ValueError",
    ),
    "render": (T, [('return "\\n".join([*rows, "   a b c"])', 'return " "')], "render", "returns ' '; return"),
    "render_none": (T, [('return "\\n".join([*rows, "   a b c"])', "return None")], "render", "returns None; return"),
    "pieces": (T, [("return [cells[6:], ", "return [cells[5:], ")], "pieces", "return 3 rows of 3 characters"),
    "touched": (T, [("return [(2 - a // 3,", "return [(3 - a // 3,")], "touched", "of a1 must be (row, column) within"),
    "ended_by": (
        T,
        [("return runs(pieces(s), 3)", "return [(0, 3)]")],
        "ended_by",
        "within rows 0..2 and columns 0..2",
    ),
    "key_float": (T, [(SYMMETRIES, f"{SYMMETRIES}\n\n\ndef key(s):\n    return s.me * 0.5")], "key", "a whole number"),
    "outcome_nan": (T, [("return -1.0 if won(s.other) else 0.0", "return np.nan")], "outcome", "returns nan, which"),
    "eval_key": (T, [(SYMMETRIES, f"{SYMMETRIES}\n\n\ndef eval_key(s):\n    return s.me")], "eval_key", "{same_key}"),
    "own_key": (T, [(SYMMETRIES, f"{SYMMETRIES}\n\n\ndef key(s):\n    return s.me")], "key", "same eval_key"),
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
    "real_planes": (T, [(ENCODE, ENCODE + "\n    planes[0, 0, 0] = 0.5")], "encode", "FEATURES, MAX_ACTIVE"),
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


WORDS = {"mix": MIX, "same_key": "has the same eval_key 0; eval_key must tell apart all that encode reads"}


@pytest.mark.parametrize("name", BROKEN)
def test_breaches_are_found(tmp_path, name):
    base, changes, function, words = BROKEN[name]
    changes = [(old, new.replace("{features}", FEATURES)) for old, new in changes]
    path = variant(tmp_path, f"broken_{name}", base, *changes)
    findings = check(load(str(path), tried=False)).findings
    for word, text in WORDS.items():
        words = with_lines(words.replace(f"{{{word}}}", text), path)
    assert [f for f in findings if f.startswith(f"{function} ({path.name} line ") and words in f], findings
    assert all("\n" not in f for f in findings)


@pytest.mark.parametrize("name", ["uncompilable", "unwritten", "eval_key", "endless", "play_raises", "outcome_two"])
def test_one_breach_is_one_finding(tmp_path, name):
    """Functions that rest on a broken one are not blamed for it."""
    base, changes, _, _ = BROKEN[name]
    assert len(check(load(str(variant(tmp_path, f"once_{name}", base, *changes)), tried=False)).findings) == 1


def test_the_line_of_a_finding(tmp_path):
    path = variant(tmp_path, "lined", *BROKEN["render"][:1], *BROKEN["render"][1])
    expected = "render ({at def render}), at .........: returns ' '; return the board as lines of text"
    assert check(load(str(path), tried=False)).findings == [with_lines(expected, path)]


def test_a_game_without_an_end_is_played_once(tmp_path):
    path = variant(tmp_path, "once", "connect4", *BROKEN["endless"][1])
    assert check(load(str(path), tried=False), games=20).positions == 43


def test_exit_codes(tmp_path, capsys):
    assert main(["tictactoe", "--games", "3"]) == 0
    assert "tictactoe: all checks hold, 3 random games" in capsys.readouterr().out
    path = variant(tmp_path, "broken_plies", "tictactoe", *BROKEN["plies"][1])
    assert main([str(path)]) == 2
    out = capsys.readouterr().out
    assert with_lines("MAX_PLIES ({at MAX_PLIES}), at ", path) in out
    assert "1 finding, 3 random games" in out


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
