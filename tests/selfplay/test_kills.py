"""Training that is killed loses nothing that was published; what must hold is said in benchmarks/kills.py."""

import random
import signal
import subprocess
from pathlib import Path

import pytest

from benchmarks.kills import GAMES, MOST_LOST, Failure, Found, check, kill_again_and_again, look, train
from games.loader import load
from selfplay.budget import Progress
from selfplay.rundir import RunDir


def test_two_kills_lose_nothing(tmp_path: Path) -> None:
    assert len(list(kill_again_and_again(tmp_path / "run", "tictactoe", 2, random.Random(4)))) == 3


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_many_kills_lose_nothing(game: str, tmp_path: Path) -> None:
    for line in kill_again_and_again(tmp_path / "run", game, 25, random.Random(game)):
        print(line)


@pytest.mark.slow
def test_a_run_that_is_killed_in_its_first_seconds_again_and_again_still_starts(tmp_path: Path) -> None:
    path, game, chance = tmp_path / "run", load("tictactoe"), random.Random(1)
    for _ in range(8):
        life = train(path, "tictactoe", ["--steps", "5"], ["--executor", "threads"])
        try:
            life.wait(chance.uniform(0.2, 4.0))
        except subprocess.TimeoutExpired:
            life.send_signal(signal.SIGKILL)
        life.communicate()
        found = look(path, game)
        if found.progress.steps >= 5:
            return
    life = train(path, "tictactoe", ["--steps", "5"], ["--executor", "threads"])
    life.communicate()
    assert life.returncode == 0
    assert look(path, game).progress.steps == 5


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kills") / "run"
    _, errors = train(path, "tictactoe", ["--steps", "10"], ["--executor", "threads"]).communicate()
    assert RunDir.read(path).checkpoints(), errors
    return path


def test_the_harness_sees_what_is_lost(ended: Path) -> None:
    """One check each that must fail; a harness that sees nothing proves nothing."""
    game = load("tictactoe")
    found, lost = check(ended, game, Found(), graceful=True)
    assert lost == 0
    assert found.games
    assert found.progress.steps == 10
    check(ended, game, found, graceful=True)
    for before, words in (
        (Found(shards={**found.shards, "00000099-0.safetensors": ""}), "is gone"),
        (Found(shards=dict.fromkeys(found.shards, "0")), "is altered"),
        (Found(progress=Progress(steps=11)), "steps fell"),
        (Found(rounds=[Progress(rounds=7)]), "are gone"),
        (Found(progress=Progress(rounds=1)), "does not go on"),
        (Found(games=found.games | {10**6 + n for n in range(10**4)}), "the next round knows of"),
    ):
        with pytest.raises(Failure, match=words):
            check(ended, game, before, graceful=True)
    end = found.saved_at + MOST_LOST
    check(ended, game, found, graceful=False, lived=(0.0, end - 1))
    check(ended, game, found, graceful=False, lived=(end - 1, end + 1))  # it may have trained for two seconds
    with pytest.raises(Failure, match="61 seconds after the last checkpoint"):
        check(ended, game, found, graceful=False, lived=(0.0, end + 1))
    shard = next((ended / "games").glob("*.safetensors"))
    twice = shard.with_name(shard.name.replace("00000001", "00000009"))
    twice.write_bytes(shard.read_bytes())
    with pytest.raises(Failure, match="is stored 2 times"):
        look(ended, game)
    twice.unlink()
