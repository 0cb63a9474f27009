"""Actors in processes play the same games as in threads, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.errors import TandemError
from games.loader import load
from nets.config import NetConfig
from nets.families import build
from selfplay.executors import ProcessWorker, ThreadWorker
from selfplay.shards import to_bytes
from tests.selfplay.helpers import tiny

ROOT = Path(__file__).resolve().parents[2]
GAME = load("tictactoe")


def never() -> bool:
    return False


def test_processes_play_what_threads_play() -> None:
    config = tiny(GAME)
    first, second = (build(NetConfig.parse(config.net), GAME, seed=seed) for seed in (1, 2))
    workers = [make(GAME, config, first, 0, 1) for make in (ThreadWorker, ProcessWorker)]
    for model in (first, second):
        games = []
        for worker in workers:
            worker.load(model)
            games.append(to_bytes(worker.play(300, never), GAME.rules_id))
        assert games[0] == games[1]
    assert workers[0].evaluations == workers[1].evaluations > 0
    assert workers[1].core_seconds > 0
    stopped = workers[1].play(10**9, lambda: True)
    assert stopped.positions < 10**6
    for worker in workers:
        worker.close()


def test_a_dead_actor_is_one_clear_line() -> None:
    config = tiny(GAME)
    worker = ProcessWorker(GAME, config, build(NetConfig.parse(config.net), GAME), 0, 1)
    worker.play(50, never)
    worker.process.kill()
    with pytest.raises(TandemError, match=r"an actor process ended with code -9; the same command goes on"):
        worker.play(50, never)
    worker.load(build(NetConfig.parse(config.net), GAME))
    worker.close()


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to find orphans")
def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [sys.executable, "train.py", "tictactoe", "--net", "mlp:16", "--minutes", "5", "--run", str(run)]
    program = subprocess.Popen(
        [*words, "--plies-per-round", "500"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = run / "log.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_bytes().count(b"\n") > 3):
        assert time.monotonic() < deadline, "no round within two minutes"
        time.sleep(0.1)
    actors = children(program.pid)
    assert len(actors) >= 2
    program.kill()
    program.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in actors):
        assert time.monotonic() < deadline, "actors outlive their run"
        time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(actors[0], signal.SIGCONT)
