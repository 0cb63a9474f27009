"""Actors in processes play the same games as in threads, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.kernels import kernels
from games.errors import TandemError
from games.loader import load
from nets.config import NetConfig
from nets.families import build
from selfplay import executors
from selfplay.executors import ProcessWorker, ThreadWorker, compile_kernels, make_executor
from selfplay.moves import move_kernels
from selfplay.shards import to_bytes
from tests.selfplay.helpers import children, tiny

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
            games.append(to_bytes(worker.play(300, never, 1.0), GAME.rules_id))
        assert games[0] == games[1]
    assert workers[0].evaluations == workers[1].evaluations > 0
    assert workers[1].core_seconds > 0
    stopped = workers[1].play(10**9, lambda: True, 1.0)
    assert stopped.positions < 10**6
    for worker in workers:
        worker.close()


@pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")
def test_an_actor_that_hangs_is_given_up_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "MOST_WAITED", 0.5)
    config = tiny(GAME)
    worker = ProcessWorker(GAME, config, build(NetConfig.parse(config.net), GAME), 0, 1)
    worker.wait(never)
    assert worker.process.pid is not None
    os.kill(worker.process.pid, signal.SIGSTOP)
    with pytest.raises(TandemError, match="did not answer"):
        worker.play(10**9, lambda: True, 1.0)
    worker.close()
    assert not worker.process.is_alive()


def test_inline_plays_what_threads_play() -> None:
    model = build(NetConfig.parse("mlp:16"), GAME)
    games, evaluations = [], []
    for executor in ("inline", "threads"):
        made = make_executor(GAME, tiny(GAME, executor=executor, actors=2), model, 5)
        made.wait(never)
        games.append([to_bytes(made.play(300, never, 1.0), GAME.rules_id) for _ in range(2)])
        evaluations.append(made.evaluations)
        made.close()
    assert games[0] == games[1]
    assert evaluations[0] == evaluations[1] > 0


def test_kernels_compiled_in_advance_are_all_that_an_actor_needs() -> None:
    config = tiny(GAME)
    model = build(NetConfig.parse(config.net), GAME)

    def compiled() -> list[int]:
        return [len(kernel.signatures) for kernel in (kernels(GAME).gather, kernels(GAME).scatter, *move_kernels(GAME))]

    compile_kernels(GAME, config, model)
    before = compiled()
    ThreadWorker(GAME, config, model, 0, 1).play(300, never, 1.0)
    assert compiled() == before
    assert all(before)


def test_a_dead_actor_is_one_clear_line() -> None:
    config = tiny(GAME)
    worker = ProcessWorker(GAME, config, build(NetConfig.parse(config.net), GAME), 0, 1)
    worker.wait(lambda: True)  # nobody waits for what is to be stopped
    worker.wait(never)
    worker.play(50, never, 1.0)
    worker.process.kill()
    with pytest.raises(TandemError, match=r"an actor process ended with code -9; the same command goes on"):
        worker.play(50, never, 1.0)
    worker.load(build(NetConfig.parse(config.net), GAME))
    worker.close()


def test_an_actor_that_dies_as_it_starts_is_not_waited_for() -> None:
    config = tiny(GAME)
    worker = ProcessWorker(GAME, config, build(NetConfig.parse(config.net), GAME), 0, 1)
    worker.process.kill()
    with pytest.raises(TandemError, match=r"an actor process ended with code -9"):
        worker.wait(never)
    worker.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to find orphans")
def test_a_run_killed_in_the_middle_of_a_round_leaves_no_process(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [sys.executable, "train.py", "tictactoe", "--net", "mlp:16", "--minutes", "5", "--run", str(run)]
    program = subprocess.Popen(
        [*words, "--simulations", "800", "--plies-per-round", "4000", "--cache", "0"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = run / "log.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and b"\n" in log.read_bytes()):
        assert time.monotonic() < deadline, "no round within two minutes"
        time.sleep(0.02)
    # The next round takes as long as the first, or longer: it trains too.
    time.sleep(json.loads(log.read_text().splitlines()[0])["seconds"] / 2)
    assert log.read_bytes().count(b"\n") == 1
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
