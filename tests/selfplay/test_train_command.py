"""train.py as users run it: what it refuses, prints and survives."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.compiler import ROOT
from games.loader import load
from nets.checkpoint import load_model
from selfplay.command import main
from selfplay.rundir import RunDir
from selfplay.shards import from_bytes

PATIENCE = 120  # seconds; kernels may have to be compiled
SMALL = [
    "--net",
    "mlp:16",
    "--games-per-actor",
    "16",
    "--plies-per-round",
    "200",
    "--batch",
    "32",
    "--executor",
    "threads",
]
GAME = load("tictactoe")
assert GAME.rules_id  # compiles now what a refusal would otherwise announce


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]


def run_train(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )  # fmt: skip


def files(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what bad input needs."""
    (tmp_path / "broken.toml").write_text("net = ")
    (tmp_path / "typo.toml").write_text("simulation = 3")
    (tmp_path / "range.toml").write_text("full_share = 1.5")
    (tmp_path / "type.toml").write_text("batch = 1.5")
    (tmp_path / "file").write_text("")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    return tmp_path


BAD = [
    ("tictactow", "unknown game 'tictactow': did you mean tictactoe?"),
    ("no.py", "no game file at no.py"),
    ("connect4:row=5", "connect4 has no parameter 'row'"),
    ("tictactoe --simulation 5", "unknown flag --simulation: did you mean --simulations?"),
    ("tictactoe 5", "unexpected '5'"),
    ("tictactoe --minutes 1 --games 5", "give one budget: --minutes, --games or --steps"),
    ("tictactoe --minutes 0", "minutes must be above 0, not 0"),
    ("tictactoe --games -3", "games must be above 0, not -3"),
    ("tictactoe --steps 0", "steps must be above 0, not 0"),
    ("tictactoe --minutes nan", "minutes must be above 0, not nan"),
    ("tictactoe --games 1.5", "--games: invalid int value: '1.5'"),
    ("tictactoe --net mpl:16", "net 'mpl:16' is not known; did you mean mlp? write mlp:512-256"),
    ("tictactoe --full-share 2", "full_share must lie between 0.01 and 1, not 2.0"),
    ("tictactoe --c-puct inf", "c_puct must be a finite number, not inf"),
    ("tictactoe --simulations 0", "simulations must lie between 2 and"),
    ("tictactoe --seed -1", "seed must lie between 0 and"),
    ("tictactoe --preset none.toml", "preset none.toml cannot be read: "),
    ("tictactoe --preset broken.toml", "preset broken.toml is no TOML: "),
    ("tictactoe --preset typo.toml", "preset typo.toml: unknown setting 'simulation'; did you mean simulations?"),
    ("tictactoe --preset range.toml", "preset range.toml: full_share must lie between 0.01 and 1"),
    ("tictactoe --preset type.toml", "preset type.toml: batch must be of type int, not 1.5"),
    ("tictactoe --run file", "cannot use file as the folder of a run: Not a directory"),
    ("tictactoe --run file/r", "cannot use file/r as the folder of a run: Not a directory"),
    ("tictactoe --run thesis", "thesis is not the folder of a run (it holds thesis.tex)"),
]


@pytest.mark.parametrize(("words", "refusal"), BAD)
def test_bad_input_is_one_clear_line_and_changes_nothing(
    words: str, refusal: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = files(folder)
    with pytest.raises(ValueError, match=re.escape(refusal)):
        main(words.split())
    assert files(folder) == before
    assert capsys.readouterr() == ("", "")


# One for each stage: before torch is imported, after it, and at the folder.
@pytest.mark.parametrize(("words", "refusal"), [BAD[3], BAD[5], BAD[11], BAD[23]])
def test_a_refusal_exits_with_2_and_no_traceback(words: str, refusal: str, folder: Path) -> None:
    before = files(folder)
    done = run_train(folder, *words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert done.stderr.startswith(f"error: {refusal}")
    assert files(folder) == before


def test_help_names_every_budget_and_setting(tmp_path: Path) -> None:
    done = run_train(tmp_path, "--help-all")
    assert done.returncode == 0
    for flag in ("--minutes", "--games", "--steps", "--run", "--preset", "--plan", "--net", "--no-solve", "--seed"):
        assert flag in done.stdout


def test_the_last_line_of_a_run_plays_its_result(tmp_path: Path) -> None:
    done = run_train(tmp_path, "tictactoe", *SMALL, "--steps", "10")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == "python play.py tictactoe --run runs/tictactoe-1"
    assert "Traceback" not in done.stderr
    play = subprocess.run(
        [sys.executable, str(ROOT / "play.py"), *shlex.split(last)[2:]], cwd=tmp_path, input="/quit\n",
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert play.returncode == 0, play.stderr


def test_a_plan_says_what_a_budget_buys_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("selfplay.plan.MEASURE_SECONDS", 0.3)

    def figures(*arguments: str) -> dict[str, str]:
        assert main(["tictactoe", "--plan", *SMALL, *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        return {line[2:17].strip(): line[17:] for line in lines[1:]}

    def number(text: str) -> float:
        return float(text.split()[0].replace(",", ""))

    minutes = figures("--minutes", "30")
    assert minutes.keys() >= {"net", "self-play", "training", "evaluations", "games"}
    assert minutes["net"].startswith("mlp:16, 508 parameters")
    assert number(minutes["time"]) == 30
    assert all(number(minutes[name]) > 0 for name in ("evaluations", "games", "training steps"))
    assert number(figures("--games", "5000")["games"]) == pytest.approx(5000, abs=1)
    assert number(figures("--steps", "7000")["training steps"]) == pytest.approx(7000, abs=1)
    assert not list(tmp_path.iterdir())


def wait_for(child: subprocess.Popen[str], folder: Path, pattern: str, count: int = 1) -> None:
    """Until that many paths fit the pattern."""
    deadline = time.monotonic() + PATIENCE
    while len(list(folder.glob(pattern))) < count:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored(run: Path) -> list[int]:
    """Numbers of the games in every shard, with repetition."""
    shards = sorted((run / "games").glob("*.safetensors"))
    return [n for path in shards for n in from_bytes(path.read_bytes(), path.name, GAME.rules_id).number.tolist()]


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    words = command("tictactoe", *SMALL, "--checkpoint-seconds", "1", *arguments)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_stops_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "a run"
    with start(tmp_path, "--run", "a run", "--games", "1000000") as child:
        wait_for(child, run, "tensorboard/events*")
        wait_for(child, run, "log.jsonl")
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0
    assert "Traceback" not in errors
    assert "stopping after this round" in errors
    on, last = out.splitlines()[-2:]
    assert on == "stopped and saved; go on with: python train.py tictactoe --run 'a run' --games 1000000"
    assert last == "python play.py tictactoe --run 'a run'"
    assert load_model(run / "model.safetensors", GAME).card["games"] == len(stored(run)) > 0


def test_kill_9_loses_no_published_game(tmp_path: Path) -> None:
    run = tmp_path / "r"
    for checkpoints in (1, 2):  # the second is a resumed run
        with start(tmp_path, "--run", "r", "--games", "100000000") as child:
            wait_for(child, run, "checkpoints/0*", checkpoints)
            wait_for(child, run, "games/*.safetensors", checkpoints)
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
    published = stored(run)
    done = run_train(tmp_path, "tictactoe", "--run", "r", "--games", len(published) + 50)
    assert done.returncode == 0, done.stderr
    assert "resuming mlp:16" in done.stdout
    after = stored(run)
    assert after[: len(published)] == published
    assert len(set(after)) == len(after) >= len(published) + 50
    last = list(RunDir.read(run).events())[-1]
    assert last["games"] == len(after)
