"""Loading game files: what is refused and in which words, and what identifies the rules."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from games.errors import TandemError
from games.loader import known_games, load
from games.rules import rules
from tests.games.helpers import variant, with_lines

ROOT = Path(__file__).resolve().parents[2]


def refusal(spec):
    """The one line with which `spec` is refused."""
    with pytest.raises(TandemError) as caught:
        load(str(spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)


SPECS = {
    "conect4": ["unknown game 'conect4'", "did you mean connect4?"],
    "backgammon": ["unknown game 'backgammon'", "breakthrough, chess, connect4, gomoku, hex, othello, tictactoe"],
    "": ["unknown game ''"],
    "nowhere/mygame.py": ["no game file at nowhere/mygame.py"],
    "connect4:": ["connect4:name=value"],
    "connect4:rows": ["connect4:name=value"],
    "connect4:rows=": ["connect4:name=value"],
    "connect4:=6": ["connect4:name=value"],
    "connect4:rows=six": ["connect4", "rows='six'", "int"],
    "connect4:rows=6.5": ["rows='6.5'", "int"],
    "connect4:row=6": ["connect4 has no parameter 'row'", "rows, columns, connect"],
    "connect4:rows=1": ["connect4 is not to be had with rows=1: ", "rows 2-15"],
    "connect4:rows=15": ["connect4 is not to be had with rows=15: ", "at most 64"],
    "connect4:connect=8": ["connect4 is not to be had with connect=8: ", "connect 2 up to"],
    "connect4:misere=2": ["connect4 is not to be had with misere=2: ", "misere and drawn are 0 or 1"],
    "connect4:drawn=-1": ["connect4 is not to be had with drawn=-1: ", "misere and drawn are 0 or 1"],
    "connect4:drawn=yes": ["drawn='yes'", "int"],
    "gomoku:rule=5": ["gomoku is not to be had with rule=5: ", "rule free or exact"],
    "gomoku:size=4": ["gomoku is not to be had with size=4: ", "size 5-20"],
    "gomoku:size=21": ["gomoku is not to be had with size=21: ", "size 5-20"],
    "othello:size=7": ["othello is not to be had with size=7: ", "size 6 or 8"],
    "hex:size=2": ["hex is not to be had with size=2: ", "size 3-13"],
    "hex:size=14": ["hex is not to be had with size=14: ", "size 3-13"],
    "hex:swap=2": ["hex is not to be had with swap=2: ", "swap 0 or 1"],
    "breakthrough:size=7": ["breakthrough is not to be had with size=7: ", "size 6 or 8"],
    "tictactoe:size=4": ["tictactoe has no parameter 'size'", "none"],
}


@pytest.mark.parametrize("spec", SPECS)
def test_refused_specs(spec):
    line = refusal(spec)
    assert all(words in line for words in SPECS[spec]), line


# What is changed in tictactoe.py, and the words of the refusal.
START, SYMMETRIES = "def start(s):", "SYMMETRIES = 8"
FILES = {
    "no_start": ([(START, "def begin(s):")], ["does not define start(s); "]),
    "no_text": ([("def to_text", "def _text"), ("def render", "def _draw")], ["not define to_text(s), render(s); "]),
    "no_constant": ([("ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES =", "ACTIONS, _, MAX_PLIES, PLANES =")], ["MAX_LEGAL"]),
    "not_a_function": (
        [(START, "start = 3\n\n\ndef begin(s):")],
        ["{at start = 3}: start must be a function: write def start(s)"],
    ),
    "few_parameters": ([("def legal(s, out)", "def legal(s)")], ["{at def legal}: legal(s) must be legal(s, out)"]),
    "more_parameters": ([("def render(s)", "def render(s, x)")], ["{at def render}: render(s, x) must be render(s)"]),
    "no_identity": (
        [("transform(s, k, out)", "transform(s, out)")],
        ["transform(s, out) must be transform(s, k, out)"],
    ),
    "own_key": ([(START, f"def key():\n    return 3\n\n\n{START}")], ["{at def key}: key() must be key(s)"]),
    "numpy_name": (
        [('("me", "u2")', '("size", "u2")')],
        ["{at STATE = }: STATE fields size", "rename them, to my_size"],
    ),
    "numpy_names": ([('"me"', '"data"'), ('"other"', '"T"')], ["fields data, T", "rename"]),
    "no_record": ([('STATE = np.dtype([("me", "u2"), ("other", "u2")])', 'STATE = np.dtype("u8")')], ["STATE must"]),
    "text_field": ([('("me", "u2")', '("me", "U5")')], ["{at STATE = }: STATE field me is <U5; fields are integers"]),
    "no_dtype": ([("STATE = np.dtype(", "STATE = list(")], ["STATE must"]),
    "no_actions": ([("= 9, 9, 9, (2, 3, 3)", "= 0, 9, 9, (2, 3, 3)")], ["ACTIONS", "at least 1", "not 0"]),
    "actions_text": ([("= 9, 9, 9, (2, 3, 3)", "= '9', 9, 9, (2, 3, 3)")], ["ACTIONS", "whole number", "not '9'"]),
    "many_actions": ([("= 9, 9, 9, (2, 3, 3)", "= 40000, 9, 9, (2, 3, 3)")], ["ACTIONS", "32767"]),
    "half_legal": ([("= 9, 9, 9, (2, 3, 3)", "= 9, 4.5, 9, (2, 3, 3)")], ["MAX_LEGAL", "not 4.5"]),
    "no_plies": ([("= 9, 9, 9, (2, 3, 3)", "= 9, 9, -1, (2, 3, 3)")], ["MAX_PLIES", "not -1"]),
    "many_plies": ([("= 9, 9, 9, (2, 3, 3)", "= 9, 9, 40000, (2, 3, 3)")], ["MAX_PLIES", "32766"]),
    "flat_planes": ([("(2, 3, 3)", "(2, 9)")], ["PLANES must be (channels, rows, columns)", "(2, 9)"]),
    "empty_planes": ([("(2, 3, 3)", "(0, 3, 3)")], ["PLANES"]),
    "no_symmetries": ([("SYMMETRIES = 8\n", "")], ["transform", "SYMMETRIES"]),
    "no_images": (
        [("def transform(", "def _transform(")],
        ["SYMMETRIES goes with transform(s, k, out), ", "not define"],
    ),
    "few_symmetries": ([(SYMMETRIES, "SYMMETRIES = 0")], ["SYMMETRIES", "at least 1", "not 0"]),
    "no_index": (
        [(SYMMETRIES, "SYMMETRIES = 8\nLOGITS = 9")],
        ["{at LOGITS = 9}: LOGITS goes with policy_index(s, a)"],
    ),
    "bad_logits": (
        [(SYMMETRIES, "SYMMETRIES = 8\nLOGITS = 0"), (START, f"def policy_index(s, a):\n    return a\n\n\n{START}")],
        ["LOGITS", "at least 1", "not 0"],
    ),
    "no_features": (
        [(SYMMETRIES, "SYMMETRIES = 8\nFEATURES = 18")],
        ["FEATURES goes with MAX_ACTIVE, features(s, out)"],
    ),
    "repetition": ([(SYMMETRIES, "SYMMETRIES = 8\nREPETITION = 1")], ["REPETITION", "not 1"]),
    "few_nodes": ([(SYMMETRIES, "SYMMETRIES = 8\nPROOF_NODES = -1")], ["PROOF_NODES", "not -1"]),
    "proof_of_repetition": (
        [(SYMMETRIES, "SYMMETRIES = 8\nPROOF_NODES = 9\nREPETITION = 3")],
        ["PROOF_NODES", "must be 0 where positions may repeat"],
    ),
    "policy_shape": (
        [(SYMMETRIES, "SYMMETRIES = 8\nPOLICY = (2, 0)")],
        ["{at POLICY = }: POLICY (2, 0)", "makes 18 logits, not LOGITS = 9"],
    ),
    "no_pieces": (
        [("def pieces(s):", "def painted(s):"), ("pieces(s)", "painted(s)")],
        ["GRID goes with pieces(s)"],
    ),
    "grid_look": (
        [('GRID = "marks"', 'GRID = "mark"')],
        ["GRID must be (look, names", "a look of marks, discs", "'mark'"],
    ),
    "grid_names": ([('"abc", "321"', '"abc", 3')], ["{at GRID = }: GRID must be", "names of the columns"]),
    "syntax": ([(START, "def start(s:")], ["syntax.py does not run", "SyntaxError"]),
    "raises": (
        [(START, f"raise RuntimeError('a\\nb')\n\n\n{START}")],
        ["raises.py does not run ({at raise RuntimeError}): RuntimeError: a b"],
    ),
    "imports": ([("import numpy as np", "import numpy as np\nimport nowhere")], ["imports.py does not run", "nowhere"]),
    "leaves": ([(START, f"raise SystemExit(3)\n\n\n{START}")], ["leaves.py does not run", "SystemExit"]),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_files(tmp_path, name):
    changes, expected = FILES[name]
    path = variant(tmp_path, name, "tictactoe", *changes)
    line = refusal(path)
    assert path.name in line
    assert all(with_lines(words, path) in line for words in expected), line


def test_a_refused_file_can_be_mended_and_loaded(tmp_path):
    path = variant(tmp_path, "mended", "tictactoe", ("def start(s):", "def start(s:"))
    refusal(path)
    variant(tmp_path, "mended", "tictactoe")
    assert load(str(path)).name == "mended"


def test_games_that_ship():
    assert known_games() == ["breakthrough", "chess", "connect4", "gomoku", "hex", "othello", "tictactoe"]
    assert load("connect4") is load("connect4")
    for name in known_games():
        assert load(name).rules


@pytest.mark.parametrize("name", known_games())
def test_games_that_ship_are_modules_too(name):
    module, game = importlib.import_module(f"games.{name}"), load(name)
    assert (module.ACTIONS, module.PLANES, module.__doc__.strip()) == (game.actions, game.planes, game.rules)


def test_parameters_are_seen_and_written_back():
    game = load("connect4: rows = 5 ,columns=5")
    assert (game.actions, game.planes, game.max_plies) == (5, (10, 5, 5), 25)
    assert dict(game.parameters) == {"rows": 5, "columns": 5, "connect": 4}
    assert game.spec == "connect4:columns=5,rows=5"
    assert load(game.spec).rules_id == game.rules_id
    assert load("connect4:rows=6").spec == "connect4"


YES_NO = ("SYMMETRIES = 8", 'SYMMETRIES = 8\nWRAP, PACE, WORD = PARAMS.get("wrap", True), PARAMS.get("pace", 0.5), "x"')


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("0", False), ("1", True)])
def test_a_yes_or_no_parameter(tmp_path, text, value):
    game = load(f"{variant(tmp_path, 'switch', 'tictactoe', YES_NO)}:wrap={text}")
    assert game.parameters["wrap"] is value
    assert game.parameters["pace"] == 0.5


def test_neither_yes_nor_no(tmp_path):
    assert "wrap='maybe'" in refusal(f"{variant(tmp_path, 'switch', 'tictactoe', YES_NO)}:wrap=maybe")


def test_rules_id_tells_rules_apart():
    specs = ["tictactoe", "connect4", "connect4:rows=7", "connect4:connect=3", "connect4:rows=7,columns=6"]
    assert len({load(spec).rules_id for spec in specs}) == len(specs)
    assert load("connect4").rules_id == load("connect4:rows=6,connect=4").rules_id
    assert load("connect4").rules_id.startswith("connect4(columns=7,connect=4,rows=6) v1 ")


LINE = "0o124], np.uint16)"  # the last of the eight lines
EDITS = {
    "comment": ([(LINE, f"{LINE}  # the diagonals come last")], True),
    "docstring": ([("Tic-tac-toe: players", "The players")], True),
    "text": ([('"x" if first', '"X" if first')], True),
    "version": ([("RULES_VERSION = 1", "RULES_VERSION = 2")], False),
    "outcome": ([("return -1.0 if won", "return 1.0 if won")], False),
    "line": ([(LINE, "0o024], np.uint16)")], False),
    "state": ([('("other", "u2")', '("other", "u4")')], False),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_against_both_identities(tmp_path, name):
    """Any edit makes new kernels; only one that changes the rules orphans stores and models."""
    changes, same_rules = EDITS[name]
    original = load(str(variant(tmp_path, "edited", "tictactoe")))
    rules_id = original.rules_id
    (tmp_path / name).mkdir()
    edited = load(str(variant(tmp_path / name, "edited", "tictactoe", *changes)))
    assert edited.code_hash != original.code_hash
    assert (edited.rules_id == rules_id) is same_rules


def test_two_files_of_one_name_keep_their_own_rules(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load(str(variant(tmp_path / "a", "twin", "tictactoe")))
    second = load(str(variant(tmp_path / "b", "twin", "tictactoe", ("    if won(s.other):\n        return 0\n", ""))))
    # The first is compiled after the second was loaded under its name.
    counts = [rules(game).perft(rules(game).first(), 7) for game in (first, second)]
    assert counts == [148176, 9 * 8 * 7 * 6 * 5 * 4 * 3]


def test_rules_id_is_the_same_in_another_process():
    code = "from games.loader import load; print(load('tictactoe').rules_id, load('tictactoe').code_hash)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == f"{load('tictactoe').rules_id} {load('tictactoe').code_hash}"


def test_dots_in_names_and_numbers(tmp_path):
    pace = ("SYMMETRIES = 8", 'SYMMETRIES = 8\nPACE = PARAMS.get("pace", 0.5)')
    game = load(f"{variant(tmp_path, 'my.game-2', 'tictactoe', pace)}:pace=0.25")
    assert rules(game).perft(rules(game).first(), 2) == 72


def test_defaults_of_a_plain_file(tmp_path):
    """What a file leaves out is filled in: one symmetry, actions as logits, a key over the whole record."""
    start = "SYMMETRIES = 8\n", ""
    path = variant(tmp_path, "plain", "tictactoe", start, ("def transform", "def _transform"))
    game = load(str(path))
    assert (game.symmetries, game.logits, game.repetition, game.rules_version) == (1, 9, 0, 1)
    assert (game.feature_count, game.max_active, game.default_features, game.policy) == (18, 18, True, None)
    assert game.static_value is None
    states, out = game.from_text("xo.x....."), np.zeros(18, np.int32)
    with np.errstate(over="ignore"):
        assert out[: game.features(game.record(states), out)].tolist() == [1, 9, 12]
        keys = {game.key(game.record(game.from_text(t))) for t in (".........", "x........", "xo.......", "ox.......")}
        assert len(keys) == 4
        assert game.key(game.record(states)) == game.eval_key(game.record(states)) == rules(game).key(states, 0)


BAD_TEXT = [
    ("tictactoe", "xo"),
    ("tictactoe", "xxx......"),
    ("tictactoe", "xo.q....."),
    ("connect4", ""),
    ("connect4", "x/o/x"),
    ("connect4", "xoxoxox//////"),
    ("connect4", "xx//////"),
    ("connect4", "x./o/////"),
    ("othello", ""),
    ("othello", "x"),
    ("othello", "/".join(["........"] * 8)),
    ("othello", "/".join(["........"] * 8) + " z"),
    ("othello", "/".join(["........"] * 7) + " x"),
    ("othello:size=6", "/".join(["........"] * 8) + " x"),
    ("gomoku:size=5", ""),
    ("gomoku:size=5", "oo.../...../...../...../....x"),
    ("gomoku:size=5", "....../...../...../...../...."),
    ("gomoku:size=5", "...../...../...../...../..../."),
    ("hex:size=3", ".../.../..."),
    ("hex:size=3", "x../.../...  o"),
    ("hex:size=3", "xx./.../... x"),
]


@pytest.mark.parametrize(("name", "text"), BAD_TEXT)
def test_positions_that_are_none(name, text):
    with pytest.raises(TandemError, match="position"):
        load(name).from_text(text)


BAD_MOVES = [("tictactoe", "d1"), ("tictactoe", "b4"), ("tictactoe", ""), ("tictactoe", "b22")]
BAD_MOVES += [("connect4", "0"), ("connect4", "8"), ("connect4", "a"), ("connect4", ""), ("connect4", "٣")]
BAD_MOVES += [("othello", move) for move in ("", "d", "i1", "a9", "d33", "3d", "PA SS", "a٣")]
BAD_MOVES += [("gomoku", move) for move in ("", "a", "p1", "a16", "a0", "a01", "1a")]
BAD_MOVES += [("hex:size=5", move) for move in ("", "f1", "a6", "a0", "a1b2")] + [("breakthrough", "a2a9")]


@pytest.mark.parametrize(("name", "text"), BAD_MOVES)
def test_moves_that_are_none(name, text):
    game = load(name)
    with pytest.raises(TandemError, match=r"write (a column|a number|the cell)"):
        game.parse_action(rules(game).first(), text)
