"""What runs hold is told without touching them; every damaged file is named; games come out as they were played."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from nets.checkpoint import save_model, save_tensors
from nets.config import NetConfig
from nets.families import build
from selfplay.board import Board
from selfplay.budget import Progress
from selfplay.config import TrainConfig
from selfplay.records import GameRecord
from selfplay.rundir import RunDir
from selfplay.runs import ago, main, size
from selfplay.store import Store

STATE: dict[str, Any] = {
    "seconds": 90.0,
    "core_seconds": 170.0,
    "rounds": 3,
    "games": 12,
    "positions": 80,
    "evaluations": 5000,
}


def random_game(game: Game, number: int, rng: random.Random) -> GameRecord:
    position = Position(game)
    while not position.ended:
        position.play(rng.choice(position.legal()))
    outcome = int(position.first_player_outcome())
    return GameRecord(
        number=number, seed=0, actions=np.array(position.actions, np.int32), outcome=outcome, ended="rules"
    )


@pytest.fixture(scope="module")
def games() -> list[GameRecord]:
    rng = random.Random(1)
    return [random_game(load("tictactoe"), number, rng) for number in range(12)]


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Path:
    """A run of tic-tac-toe with three shards, two checkpoints, a ladder, and no one training."""
    return Path(shutil.copytree(whole, tmp_path / "runs" / "ttt"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, games: list[GameRecord]) -> Path:
    game, path = load("tictactoe"), tmp_path_factory.mktemp("runs") / "ttt"
    settings = asdict(TrainConfig(net="mlp:8", simulations=33))
    with RunDir.create_or_resume(path, {"game": game.spec, "rules_id": game.rules_id, "settings": settings}) as made:
        store = Store(made.games, game.rules_id, writable=True)
        for first in (0, 4, 8):
            store.append(games[first : first + 4])
            store.flush()
        for step in (7, 30):

            def write(folder: Path, step: int = step) -> None:
                save_tensors(folder / "trainer.safetensors", {"model.a": torch.ones(9)}, {"step": step})
                Progress(**STATE, steps=step).write(folder / "state.json")

            made.publish_checkpoint(step, write)
            for file in (made.ladder_path(step), path / "model.safetensors"):
                save_model(file, build(NetConfig.parse("mlp:8"), game), NetConfig.parse("mlp:8"), game,
                           {"strength": "right moves: all"})  # fmt: skip
        made.log("round", steps=7)
        made.log("round", steps=30)
        board = Board(made.tensorboard)
        board.add({"loss": 1.0}, 1)
        board.close()
    return path


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    return code, capsys.readouterr().out.splitlines()


def only(run: Path, pattern: str) -> Path:
    return sorted(run.glob(pattern))[-1]


def test_a_run_at_length(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(run)
    code, lines = said(capsys, run)
    assert code == 0
    told = {line[2:14].strip(): line[14:] for line in lines[1:]}
    assert told["net"] == "mlp:8, learner search"
    assert told["settings"] == "simulations=33"
    assert told["trained"] == "1.5 minutes, 12 games, 80 positions, 5,000 evaluations, 30 steps"
    assert told["stored"] == "12 games, 0 positions in 3 shards"
    assert told["checkpoints"] == "7, 30; a ladder of 2, from step 7"
    assert told["strength"] == "right moves: all"
    assert told["now"].startswith("not training, last round 0 s ago, last checkpoint")
    assert told["health"].startswith("nothing bad")
    for kind in ("games", "checkpoints", "ladder", "model", "log", "tensorboard", "config"):
        assert f" {kind} " in told["disk"]
    assert tree(run) == before


def test_a_folder_of_runs_has_a_line_for_each(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = run.parent / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    (run.parent / "notes").mkdir()
    code, lines = said(capsys, run.parent)
    assert code == 0
    assert [line.split()[0] for line in lines] == ["run", str(broken), str(run)]
    assert "is not JSON" in lines[1]
    assert lines[2].split()[1:7] == ["tictactoe", "mlp:8", "1.5", "12", "80", "30"]
    assert lines[2].endswith("sound")


def test_who_trains_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = "import sys; from pathlib import Path; from selfplay.rundir import RunDir\n"
    holder += "with RunDir.create_or_resume(Path(sys.argv[1]), {}): print('held', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", holder, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    (run / "games" / ".new.12345678.tmp").write_bytes(b"half")
    _, lines = said(capsys, run)
    assert any(f"training (pid {child.pid})" in line for line in lines)
    assert not any("killed" in line for line in lines)
    child.communicate(b"\n")
    _, lines = said(capsys, run)
    assert any("not training" in line for line in lines)
    assert "  note  games/.new.12345678.tmp: left by a killed writer; the next training removes it" in lines


@pytest.mark.parametrize(
    ("started", "saved", "overdue"),
    [(0, None, False), (601, None, True), (601, 601, True), (601, 500, False), (0, 86400, False)],
)
def test_a_training_that_does_not_save_itself_is_overdue(
    started: int, saved: int | None, overdue: bool, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a checkpoint or without; one that goes on after a day has just begun."""
    with RunDir.create_or_resume(run, {}):
        for path in run.glob("checkpoints/*/state.json"):
            os.utime(path, (time.time() - (saved or 0),) * 2)
        if saved is None:
            shutil.rmtree(run / "checkpoints")
        os.utime(run / "run.pid", (time.time() - started,) * 2)
        (line,) = (line for line in said(capsys, run)[1] if line.startswith("  now"))
    assert f"training (pid {os.getpid()})" in line
    assert ("which is long overdue" in line) == overdue


def test_a_sound_run_verifies_and_is_not_written_to(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(run)
    code, lines = said(capsys, run.parent, "--verify")
    assert code == 0
    assert len(lines) == 1
    assert lines[0].endswith("12 games: sound")
    assert tree(run) == before


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [flipped, lambda path: path.write_bytes(path.read_bytes()[:-3]),
                                    lambda path: path.write_bytes(b"")])  # fmt: skip
@pytest.mark.parametrize(
    "pattern",
    ["games/*", "checkpoints/*/trainer.safetensors", "checkpoints/*/state.json", "ladder/*", "model.safetensors"],
)
def test_every_damaged_file_is_named(
    run: Path, pattern: str, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    path = only(run, pattern)
    damage(path)
    before = tree(run)
    code, lines = said(capsys, run, "--verify")
    assert code == 2
    assert [line.split(": ")[0] for line in lines if line.startswith("bad")] == [f"bad  {path}"]
    assert said(capsys, run)[0] == 0
    assert tree(run) == before


def test_altered_logs_are_named_and_torn_ends_are_not(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, board = run / "log.jsonl", only(run, "tensorboard/*")
    whole, events = log.read_bytes(), board.read_bytes()
    log.write_bytes(whole[:-9])
    board.write_bytes(events[:-3])
    assert said(capsys, run, "--verify")[0] == 0
    log.write_bytes(b"[" + whole)
    board.write_bytes(events[:-20] + bytes([events[-20] ^ 1]) + events[-19:])
    code, lines = said(capsys, run, "--verify")
    assert code == 2
    assert any(line.startswith(f"bad  {log}: line 1 is not JSON") for line in lines)
    assert f"bad  {board}: a record does not match its checksum" in lines


def change_digit(path: Path, after: bytes) -> None:
    """Another digit for the first one after some text: JSON as readable as before, and untrue."""
    data = bytearray(path.read_bytes())
    at = data.index(after) + len(after)
    data[at] = ord("1") if data[at] != ord("1") else ord("2")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("pattern", "after", "where"),
    [
        ("checkpoints/*/state.json", b'"games": ', "checkpoints/00000030/state.json: altered"),
        ("log.jsonl", b'"steps": ', "log.jsonl: line 1 is altered"),
        ("config.json", b'"simulations": ', "config.json is altered"),
    ],
)
def test_a_digit_that_was_altered_is_seen(
    run: Path, pattern: str, after: bytes, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change_digit(only(run, pattern), after)
    code, lines = said(capsys, run, "--verify")
    assert code == 2
    assert [line for line in lines if line.startswith("bad")] == [
        f"bad  {run}/{where} since it was written (its hash differs)"
        + ("; restore it, or copy it from a new run of the same command" if "config" in where else "")
    ]


def test_files_of_an_older_program_have_no_hashes_and_pass(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for pattern in ("checkpoints/*/state.json", "config.json"):
        path = only(run, pattern)
        value = json.loads(path.read_bytes())
        del value["hash"]
        path.write_text(json.dumps(value))
    log = run / "log.jsonl"
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    without = json.dumps({name: value for name, value in first.items() if name != "hash"})
    log.write_text("".join(f"{line}\n" for line in (without, without, json.dumps(second))))
    assert said(capsys, run, "--verify")[0] == 0
    assert len(list(RunDir.read(run).events())) == 3
    # After a line that has one, all have: this one was made to look old.
    log.write_text("".join(f"{line}\n" for line in (json.dumps(first), without)))
    code, lines = said(capsys, run, "--verify")
    assert code == 2
    assert f"bad  {log}: line 2 is altered since it was written (it has no hash)" in lines


def test_missing_games_and_files_are_found(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only(run, "games/00000002-*").unlink()
    only(run, "checkpoints/*/trainer.safetensors").unlink()
    code, lines = said(capsys, run, "--verify")
    assert code == 2
    assert lines[:-1] == [
        f"bad  {run}/checkpoints/00000030: it has no trainer.safetensors",
        f"note  {run}/games: no shard of sequence 2: deleted, or never written",
        f"bad  {run}/games: holds 8 of the 12 games that the newest checkpoint counts",
    ]


def test_what_was_set_aside_explains_missing_games(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flipped(only(run, "games/00000002-*"))
    Store(run / "games", load("tictactoe").rules_id, writable=True).stats()
    list(Store(run / "games", load("tictactoe").rules_id, writable=True).new_batches())
    code, lines = said(capsys, run, "--verify")
    assert code == 0
    assert all(line.startswith("note") for line in lines[:-1])
    assert any("damaged when it was last read" in line for line in lines)


def test_foreign_things_are_noted_and_pipes_not_waited_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(run / "games" / "00000009-000000000000.safetensors")
    (run / "report\x1b[2J").mkdir()
    (run / "report\x1b[2J" / "index.html").write_text("x")
    (run / "loop").symlink_to(run)
    code, lines = said(capsys, run, "--verify")
    assert code == 0
    assert f"note  {run}/games/00000009-000000000000.safetensors: no file of a run" in lines
    assert f"note  {run}/report?[2J/index.html: no file of a run" in lines


def test_games_are_exported_as_they_were_played(
    run: Path, games: list[GameRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "games.txt"
    before = tree(run)
    assert said(capsys, run, "--export", out) == (0, [f"{out}: 12 games"])
    head, *lines = out.read_text().splitlines()
    assert head == "# tictactoe"
    assert len(lines) == len(games)
    for line, record in zip(lines, games, strict=True):
        *moves, result = line.split()
        position = Position.from_moves(load("tictactoe"), moves)
        assert position.actions == record.actions.tolist()
        assert {"1-0": 1, "0-1": -1, "1/2-1/2": 0}[result] == record.outcome == position.first_player_outcome()
    assert tree(run) == before


def test_a_pipe_or_device_is_not_replaced(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "pipe"
    os.mkfifo(out)
    with pytest.raises(TandemError, match="it is no ordinary file"):
        main([str(run), "--export", str(out)])
    assert out.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "runs"]


def test_what_cannot_be_exported_is_counted(
    run: Path, games: list[GameRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    game, out = load("tictactoe"), tmp_path / "games.txt"
    store = Store(run / "games", game.rules_id, writable=True)
    label = GameRecord(number=50, seed=0, start=game.to_text(Position(game).state), outcome=0, ended="label")
    twice = np.array([4, 4], np.int32)
    store.append([label, GameRecord(number=51, seed=0, actions=twice, outcome=1, ended="rules"), games[0]])
    store.flush()
    flipped(only(run, "games/00000002-*"))
    code, lines = said(capsys, run, "--export", out)
    assert code == 2
    assert lines == [
        f"{out}: 8 games, 1 that are positions or begin elsewhere left out, "
        "1 with illegal moves left out, 1 damaged, foreign or unreadable shards skipped"
    ]
    assert len(out.read_text().splitlines()) == 9
    only(run, "games/*").write_bytes(b"")
    assert said(capsys, run, "--export", out)[1] == [f"{out}: 8 games, 2 damaged, foreign or unreadable shards skipped"]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["none"], "no folder at none"),
        (["FILE"], "is a file; name the folder of a run"),
        (["EMPTY"], "is not the folder of a run, and no run lies in it"),
        (["RUN", "--export", "EMPTY"], "is a folder; name a file in it"),
        (["RUN", "--export", "none/games.txt"], "there is no folder none"),
        (["RUN", "--export", "/proc/games.txt"], "cannot write /proc/games.txt: No such file"),
        (["RUN", "RUN", "--export", "OUT"], "games of one run, not of 2"),
        (["RUN", "--export", "OUT", "--game", "connect4"], "is a run of tictactoe"),
        (["RUN", "--export", "OUT", "--verify"], "not allowed with"),
        (["RUN", "--verfy"], "did you mean --verify"),
    ],
)
def test_bad_input_is_one_line(run: Path, tmp_path: Path, words: list[str], refusal: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    places = {"RUN": run, "FILE": tmp_path / "file", "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out.txt"}
    with pytest.raises(TandemError, match=refusal):
        main([str(places.get(word, word)) for word in words])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "runs"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (0.4, "0 s ago"), (59.9, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (1e6, "11 d ago")],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (144_200_000, "144.2 MB"), (10**16, "10000.0 TB")],
)
def test_sizes(number: int, text: str) -> None:
    assert size(number) == text
