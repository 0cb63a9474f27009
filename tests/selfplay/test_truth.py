"""What is counted of players' answers: by hand on a few, against chance on many, and what the command prints."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.position import Position
from games.compiler import ROOT
from games.errors import TandemError
from games.loader import load
from players.spec import parse_spec
from selfplay import labels as labels_module
from selfplay.answers import Answer, answers
from selfplay.intervals import paired_difference, wilson
from selfplay.labels import Label, read_labels, solved_labels
from selfplay.truth import WIDTH, by_difficulty, by_ply, main, report, score, tables
from tests.players.helpers import fake_command

GAME, CONNECT4 = load("tictactoe"), load("connect4")
DECISIVE = [label for label in solved_labels(GAME) if label.decisive]
FIRST = {"moves": [], "scores": dict.fromkeys(("a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"), 0)}
EARLY = {"moves": ["a1", "b1"], "scores": {"c1": -1, "a2": 1, "b2": 1, "c2": 0, "a3": 1, "b3": -1, "c3": 1}}


def given(*actions: int | None) -> list[Answer]:
    return [Answer(a, 0.5, 0.25, 4, "" if a is not None else "dead") for a in actions]


def label(values: dict[int, int]) -> Label:
    return Label(Position(GAME), values)


def test_kept_and_regret_by_hand() -> None:
    labels = [label({0: 1, 1: 0, 2: -1}), label({0: 1, 1: 0, 2: -1}), label({0: 1, 2: -1}), label({0: 0, 3: -1})]
    found = score("x", given(0, 1, 2, None), labels)
    assert found.kept == (True, False, False, False)
    assert found.regret == (0, 1, 2, 1)
    assert found.forfeits == ["dead"]
    assert (found.milliseconds, found.core_milliseconds, found.evaluations) == (500, 250, 4)
    lost = label({0: -1, 1: -1})
    assert score("x", given(None), [lost]).kept == (False,), "to fail in a lost position keeps nothing"


def test_accuracy_is_the_share_of_moves_that_keep_the_value() -> None:
    labels = DECISIVE[::40]
    specs = [parse_spec(spec) for spec in ("random", "exact", "search:simulations=20000")]
    rows = answers(GAME, specs, [x.position for x in labels], seed=3, workers=1)
    scores = [score(str(spec), row, labels) for spec, row in zip(specs, rows, strict=True)]
    found = report(GAME, scores, labels, 100, 3)
    poor, exact, search = found["players"]
    assert found["over_all"][0]["players"][0]["accuracy"] == 1 - scores[0].kept.count(False) / 100
    assert exact["accuracy"] == search["accuracy"] == 1
    assert (exact["accuracy_low"], exact["accuracy_high"]) == wilson(len(labels), len(labels))
    assert exact["regret"] == search["regret"] == 0
    chance = sum(list(v.values()).count(max(v.values())) / len(v) for v in (x.values for x in labels))
    assert abs(sum(scores[0].kept) - chance) < 4 * (len(labels) * 0.25) ** 0.5
    difference, (low, high) = paired_difference(scores[0].kept, scores[1].kept)
    assert (exact["difference"], exact["difference_low"], exact["difference_high"]) == (difference, low, high)
    assert difference == pytest.approx(1 - poor["accuracy"])
    assert "difference" not in poor
    assert 0.3 < poor["regret"] < 2
    for kind in ("by_ply", "by_difficulty"):
        assert sum(group["positions"] for group in found[kind]) == len(labels)
        kept = sum(group["positions"] * group["players"][0]["accuracy"] for group in found[kind])
        assert kept == pytest.approx(sum(scores[0].kept))


def test_difficulty_is_that_of_pons_for_connect_four() -> None:
    labels = read_labels(CONNECT4, ROOT / "tests" / "data" / "connect4_dev.jsonl")
    found = by_difficulty(CONNECT4, labels)
    # Begin: up to 14 plies, middle: up to 28. Easy: the end less than 14 plies away, medium: less than 28.
    for name, indices in found.items():
        stage, level = name.split()
        for i in indices:
            ply, left = labels[i].position.ply, labels[i].plies
            assert left is not None
            assert stage == ("begin" if ply <= 14 else "middle" if ply <= 28 else "end")
            assert level == ("easy" if left < 14 else "medium" if left < 28 else "hard")
    assert list(found) == ["begin easy", "begin medium", "begin hard", "middle easy", "middle medium", "end easy"]
    assert sorted(i for indices in found.values() for i in indices) == list(range(960))


def test_without_distances_difficulty_is_the_share_of_good_moves() -> None:
    labels = [
        label({0: 1, 1: 1, 2: 0}),
        label({0: 1, 1: 0}),
        label({0: 1, 1: 0, 2: 0, 3: 0}),
        Label(Position(GAME), {0: 0, 1: -1, 2: -1}, 9),
    ]
    assert by_difficulty(GAME, labels) == {"easy": [0], "medium": [1, 3], "hard": [2]}


def test_bands_of_plies_hold_every_position_once() -> None:
    found = by_ply(DECISIVE)
    assert list(found) == ["1", "2-3", "4", "5", "6-7"]
    for name, indices in found.items():
        first, _, last = name.partition("-")
        assert all(int(first) <= DECISIVE[i].position.ply <= int(last or first) for i in indices)
    assert sorted(i for indices in found.values() for i in indices) == list(range(3191))
    assert list(by_ply([label({0: 1, 1: 0})])) == ["0"]


def test_tables_fit_their_width_with_any_players(capsys: pytest.CaptureFixture[str]) -> None:
    labels = DECISIVE[::200]
    specs = ["x" * 300, *(f"player {i}" for i in range(8))]
    rows = [given(*(max(x.values, key=lambda a, x=x: x.values[a]) for x in labels))] * len(specs)
    scores = [score(spec, row, labels) for spec, row in zip(specs, rows, strict=True)]
    lines = tables(report(GAME, scores, labels, 16, 0))
    assert max(map(len, lines)) <= WIDTH == 100
    assert [line[:1] for line in lines[2:11]] == list("ABCDEFGHI")
    assert lines[-1].startswith("other programs kept the processor busy: on a quiet machine some 50%")
    # Nine players stand in three tables of each kind.
    assert sum(line.startswith("plies played") for line in lines) == 3


def written(folder: Path, *entries: dict[str, Any]) -> str:
    path = folder / "labels.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return str(path)


def test_the_command_sets_players_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, *[FIRST] * 3, EARLY), tmp_path / "figures.json"
    assert main(["tictactoe", "random", "search:simulations=200", "--positions", path, "--json", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tictactoe: 4 positions, 1 of them decisive"
    assert lines[2:4] == ["A  random", "B  search:simulations=200"]
    assert "above A (95 % interval)" in lines[5]
    found = json.loads(out.read_text())
    assert (found["game"], found["positions"], found["decisive"], found["seed"]) == ("tictactoe", 4, 1, 0)
    assert [p["spec"] for p in found["players"]] == ["random", "search:simulations=200"]
    for line, p in zip(lines[6:8], found["players"], strict=True):
        assert float(line.split()[1].rstrip("%")) == pytest.approx(100 * p["accuracy"])
    assert [group["name"] for group in found["by_difficulty"]] == ["easy"]
    assert [group["name"] for group in found["by_ply"]] == ["2"]
    for p, all_of_it in zip(found["players"], found["over_all"][0]["players"], strict=True):
        assert all_of_it["accuracy"] == (3 + p["accuracy"]) / 4  # nothing can be wrong in three of them
    assert next(line for line in lines if line.startswith("all  ")).split()[1] == "4"
    main(["tictactoe", "random", "--positions", written(tmp_path, EARLY)])
    assert "all together" not in capsys.readouterr().out
    with pytest.raises(TandemError, match="none of the 1 positions is decisive"):
        main(["tictactoe", "random", "--positions", written(tmp_path, FIRST)])


def test_the_command_solves_tictactoe_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tictactoe", "random", "search:simulations=200"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tictactoe: 4520 positions, 3191 of them decisive"
    kept = float(re.split(r"\s+", lines[7])[1].rstrip("%"))
    assert 95 < kept <= 100
    assert any(line.startswith("middle medium") for line in lines)


def test_anybodys_engine_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels_module, "POSITIONS", tmp_path)
    scores = {str(n): n - 4 for n in range(1, 8)}
    shipped = tmp_path / "connect4_dev.jsonl"
    shipped.write_text("".join(json.dumps({"moves": moves, "scores": scores}) + "\n" for moves in ("", "44", "12")))
    command = fake_command("dies", tmp_path / "log")
    main(["connect4", f"gtp:{command}", "random"])
    out = capsys.readouterr().out
    assert out.startswith("connect4: 3 positions, 3 of them decisive\n")
    assert re.search(r"^A +0\.00% .* -$", out, re.M)
    assert re.search(r"^A failed in 1 positions, counted as lost: .*out of memory", out, re.M)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tictactoe", "serch"], "did you mean search"),
        (["tictactoe", "random", "--run", "a", "--model", "b"], "--run or --model, not both"),
        (["tictactoe", "net", "--run", "/nowhere"], "no run folder at /nowhere"),
        (["tictactoe", "net", "--model", "/nowhere"], "no such file"),
        (["tictactoe", "random", "--json", "/nowhere/x.json"], "there is no folder /nowhere"),
        (["tictactoe", "random", "--workers", "0"], "workers must be at least 1"),
        (["tictactoe", "gtp:no-such-engine"], "does not start"),
        (["connect4:rows=7,columns=8", "random"], "more than 100,000 positions"),
        (["tictactoe"], "required: SPEC"),
    ],
)
def test_bad_commands_are_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(TandemError, match=words):
        main(arguments)


def test_ctrl_c_ends_in_one_line() -> None:
    code = (
        "import os, signal, sys, threading\n"
        "from games.cli import run_main\nfrom selfplay.truth import main\n"
        "threading.Timer(6, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "sys.argv[1:] = ['connect4', 'search:seconds=5', 'random', '--workers', '2']\n"
        "if __name__ == '__main__':\n    run_main(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.rstrip().endswith("interrupted")
    assert "Traceback" not in done.stderr


def test_positions_that_a_run_was_trained_on_are_told_apart() -> None:
    labels = [label({0: 1, 1: 0}) for _ in range(4)]
    found = report(GAME, [score("x", given(0, 1, 0, 0), labels)], labels, 4, 0, [True, True, False, True])
    shares = {g["name"]: (g["positions"], round(g["players"][0]["accuracy"], 3)) for g in found["by_novelty"]}
    assert shares == {"never met": (1, 1.0), "trained on": (3, 0.667)}
    assert any(line.startswith("in the run") for line in tables(found))
    assert "by_novelty" not in report(GAME, [score("x", given(0, 1, 0, 0), labels)], labels, 4, 0)
