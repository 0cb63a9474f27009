import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.errors import TandemError
from games.loader import load
from selfplay.arena import Interrupted, main, play_match
from tests.players.helpers import fake_command, untrained

GAME = load("connect4")
ARENA = [sys.executable, "-m", "selfplay.arena"]


def test_same_games_whatever_the_number_of_workers(tmp_path: Path) -> None:
    model = untrained(GAME, tmp_path / "a.safetensors", "resnet:1x8")
    specs = f"hybrid:simulations=20,model={model},temperature=1", "search:simulations=50,temperature=0.5"
    alone, shared = (play_match(GAME, *specs, 8, seed=7, workers=workers) for workers in (1, 2))
    assert alone.pairs == shared.pairs
    assert alone.pairs != play_match(GAME, *specs, 8, seed=8, workers=1).pairs
    assert alone.unique == 1


def test_search_beats_random_and_every_pair_has_one_opening() -> None:
    result = play_match(GAME, "random", "search:simulations=100", 12, seed=1, opening_plies=3, workers=1)
    assert result.score < 0.1
    assert len(result.pairs) == 6
    starts = [{record.actions[:3] for record in pair.games} for pair in result.pairs]
    assert all(len(start) == 1 for start in starts)
    assert len(set.union(*starts)) == 6
    assert result.work(0).simulations == 0 < result.work(1).simulations


def test_the_solver_plays_matches_in_processes_and_never_loses() -> None:
    game = load("tictactoe")
    result = play_match(game, "exact", "search:simulations=30", 8, seed=1, opening_plies=0, workers=2)
    assert result.wins_draws_losses[2] == 0
    assert result.pairs == play_match(game, "exact", "search:simulations=30", 8, seed=1, opening_plies=0).pairs


def test_forfeits_are_lost_counted_and_survived(tmp_path: Path) -> None:
    command = fake_command("dies", tmp_path / "log")
    result = play_match(GAME, f"gtp:{command}", "random", 4, seed=1, opening_plies=0, workers=1)
    assert result.wins_draws_losses == (0, 0, 4)
    assert len(result.forfeits(0)) == 4
    assert not result.forfeits(1)
    assert "A forfeited" in "\n".join(result.lines())


def test_healthy_engine_plays_through_in_processes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = play_match(GAME, "random", f"gtp:{fake_command('none', log)}", 8, seed=1, workers=2)
    assert not result.forfeits(1)
    # One engine to see whether it starts, and one in each worker; all were told to quit.
    assert log.read_text().count("quit") == 3


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        ("hybird", {}, "did you mean hybrid"),
        ("gtp:no-such-engine", {}, "does not start"),
        ("hybrid:model=nowhere.safetensors", {}, "no such file"),
        ("random", {"games": 0}, "games must be at least 1, not 0"),
        ("random", {"workers": 0}, "workers must be at least 1, not 0"),
        ("random", {"opening_plies": -1}, "opening plies must be at least 0, not -1"),
        ("random", {"opening_plies": 43}, "no unfinished opening of 43 plies"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_bad_input_is_refused(spec: str, options: dict[str, int], words: str, workers: int) -> None:
    with pytest.raises(TandemError, match=words):
        play_match(GAME, spec, "random", **{"games": 4, "workers": workers, **options})  # type: ignore[arg-type]


def test_command_rounds_up_and_ends_with_a_line_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tictactoe", "search:simulations=50", "random", "--games", "5", "--workers", "1", "--seed", "4"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("5 games make no pairs: playing 6\n")
    figures = json.loads(out.splitlines()[-1])
    assert (figures["game"], figures["a"], figures["games"]) == ("tictactoe", "search:simulations=50", 6)
    assert figures["wins"] + figures["draws"] + figures["losses"] == 6
    assert figures["opening_plies"] == 2
    assert figures["a_ms"] > 0 == figures["b_simulations"]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["connect4", "random", "random", "--gmaes", "3"], "did you mean --games?"),
        (["connect4", "random"], "SPEC"),
        (["connect5", "random", "random"], "did you mean connect4?"),
        (["connect4", "random", "random", "--games", "x"], "--games"),
    ],
)
def test_command_refuses_in_one_line(words: list[str], refusal: str) -> None:
    done = subprocess.run([*ARENA, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert not done.stdout
    assert done.stderr.count("\n") == 1
    assert refusal in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C as the terminal sends it: to the whole process group")
def test_ctrl_c_reports_what_was_played() -> None:
    words = [*ARENA, "tictactoe", "search:seconds=0.01,threshold=0", "random", "--games", "100000", "--workers", "2"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, bufsize=1
    )
    assert process.stderr is not None
    shown = ""
    while "A +" not in shown and process.poll() is None:
        shown += process.stderr.read(1)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert "stopped after" in err
    assert "Traceback" not in err
    figures = json.loads(out.splitlines()[-1])
    assert 0 < figures["games"] < figures["asked"] == 100000


def test_interrupted_match_keeps_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    played = []

    def play_pair(table: object, number: int, *_: object) -> object:
        if number == 2:
            raise KeyboardInterrupt
        played.append(original(table, number, []))
        return played[-1]

    from players.match import Table

    original = Table.play_pair
    monkeypatch.setattr(Table, "play_pair", play_pair)
    with pytest.raises(Interrupted) as caught:
        play_match(GAME, "random", "random", 10, workers=1)
    assert caught.value.result is not None
    assert list(caught.value.result.pairs) == played
    assert (caught.value.result.games, caught.value.result.asked) == (4, 10)
