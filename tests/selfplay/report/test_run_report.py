"""Reports of whole runs in small: what they show, counted another way, and what they stand or refuse."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from games.errors import TandemError
from games.loader import load
from selfplay.budget import Budget
from selfplay.loop import Loop
from selfplay.ppo import PpoLoop
from selfplay.report import rungs
from selfplay.report.command import main
from selfplay.report.rungs import ANCHOR, Matches
from selfplay.rundir import RunDir
from selfplay.runs import main as look
from selfplay.shards import from_bytes
from tests.selfplay.helpers import tiny

torch.set_num_threads(1)
GAME = load("tictactoe")


def train(path: Path, steps: int, loop: type[Loop] = Loop, **changes: object) -> RunDir:
    config = tiny(GAME, checkpoint_seconds=1.0, **changes)
    with RunDir.create_or_resume(
        path, {"game": GAME.spec, "rules_id": GAME.rules_id, "settings": asdict(config)}
    ) as run:
        loop(GAME, config, Budget(steps=steps), run).run(lambda _: None)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run of two checkpoints, stopped and resumed."""
    path = tmp_path_factory.mktemp("report") / "run"
    train(path, 20)
    return train(path, 60)


def report(run: RunDir, *words: str) -> str:
    assert main([str(run.path), *(words or ("--minutes", "0"))]) == 0
    return (run.path / "report.html").read_text()


def cells(page: str, caption: str) -> list[list[str]]:
    """The rows of the table of that caption."""
    found = re.search(rf"<caption>{re.escape(caption)}</caption>(.*?)</table>", page, re.S)
    assert found, caption
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.S)
    return [re.findall(r"<td>(.*?)</td>", row) for row in rows[1:]]


def test_figures_of_games_are_those_of_the_store(run: RunDir) -> None:
    page = report(run)
    games = [
        game
        for file in sorted(run.games.glob("*.safetensors"))
        for game in from_bytes(file.read_bytes(), file.name, GAME.rules_id).records()
    ]
    draws = sum(game.outcome == 0 for game in games)
    score = sum((game.outcome + 1) / 2 for game in games)
    lines = [{tuple(game.actions[:k].tolist()) for game in games} for k in (4, 8, 12)]
    (row,) = cells(page, "All stored games that were played from the start")
    assert row[:3] == ["self-play", f"{len(games):,}", f"{sum(len(g.actions) for g in games) / len(games):.1f}"]
    assert row[3].split()[0] == f"{draws / len(games):.1%}"
    assert row[4:] == [f"{score / len(games):.1%}", *(f"{len(line) / len(games):.1%}" for line in lines)]


def test_a_page_has_all_parts_and_needs_nothing_beside_itself(run: RunDir) -> None:
    page = report(run)
    assert not re.search(r"https?:|//\w|<script|<link|@import|\bsrc=", page)
    for title in ("Losses", "Policy entropy", "Length of games", "Results of games", "Throughput", "Value calibration"):
        assert f"<figcaption>{title}" in page, title
    assert page.count('<figure class="board">') == 8
    # Panels show each move once: the shares of a board come to a whole, or nearly as each is rounded.
    for board in re.findall(r'<figure class="board">(.*?)</figure>', page, re.S):
        assert sum(map(int, re.findall(r'class="share"[^>]*>(\d+)<', board))) == pytest.approx(100, abs=5)


def test_time_is_that_of_the_log(run: RunDir) -> None:
    rounds = [event for event in run.events() if event["event"] == "round"]
    rows = {
        row[0].split(",")[0]: row[1:]
        for row in cells(report(run), "Where the time went; what runs side by side counts in full")
    }
    total = sum(event["time/round"] for event in rounds)
    playing = sum(event["time/playing"] for event in rounds)
    assert rows["all rounds"] == [f"{total:,.1f}", "100.0%"]
    assert rows["games played"] == [f"{playing:,.1f}", f"{playing / total:.1%}"]
    for event in rounds:
        busy = sum(event.get(f"time/{kind}", 0) for kind in ("playing", "saving", "waiting"))
        assert busy == pytest.approx(event["time/round"], abs=0.01)
        assert event["time/training"] <= event["time/round"]


def test_tensorboard_has_every_series(run: RunDir) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(run.tensorboard))
    board.Reload()
    logged = {name for event in run.events() for name in event if "/" in name}
    assert set(board.Tags()["scalars"]) == logged
    assert {"time/playing", "games/draws", "games/unique_4", "loss/policy_entropy", "speed/steps_per_second"} <= logged


def test_matches_are_played_once(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rungs, "MOST_PAIRS", 10)
    page = report(run, "--minutes", "5", "--player", "net")
    ladder = [int(path.stem) for path in run.ladder()]
    rows = cells(page, "Checkpoints as net")
    assert [row[0] for row in rows] == [*map(str, ladder), ""]
    assert rows[0][2] == "0"
    assert rows[-1][4] == ANCHOR
    before = run.matches.read_bytes()
    # Every game has two players.
    matches = Matches(run, "net", ANCHOR)
    assert sum(int(row[3]) for row in rows) == 2 * matches.games()
    assert report(run, "--minutes", "5", "--player", "net").count("<svg") == page.count("<svg")
    assert run.matches.read_bytes() == before
    assert look([str(run.path), "--verify"]) == 0
    run.matches.write_bytes(before[:-7])  # a writer that was killed
    torn = Matches(run, "net", ANCHOR)
    assert torn.games() < matches.games()
    report(run, "--minutes", "5", "--player", "net")
    assert Matches(run, "net", ANCHOR).scores == matches.scores
    assert look([str(run.path), "--verify"]) == 0


def test_a_run_with_nothing_in_it(tmp_path: Path) -> None:
    run = train(tmp_path / "r", 20)
    for path in [*run.games.iterdir(), *run.ladder(), run.path / "log.jsonl", run.path / "model.safetensors"]:
        path.unlink()
    page = report(run, "--minutes", "1")
    assert "<svg" not in page
    for words in ("no training step yet", "No game has ended yet", "no round yet", "No matches were played"):
        assert words in page, words


def test_damage_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = train(tmp_path / "r", 30)
    log = run.path / "log.jsonl"
    lines = log.read_text().splitlines()
    odd = [{"event": "round"}, {"event": "round", "rounds": 99, "seconds": "x"}, [1], {"loss/policy": {}}]
    log.write_text("\n".join([*lines, "{spoilt", *map(json.dumps, odd), lines[-1][:40]]))
    shard = next(run.games.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    (run.path / "model.safetensors").write_bytes(b"no model")
    page = report(run)
    assert "<figcaption>Losses" in page
    assert "line 4 is not JSON" in caplog.text
    assert f"Left out, since it cannot be read: games/{shard.name}" in page
    assert '<figure class="board">' not in page


def test_a_run_without_search_stores_no_games(tmp_path: Path) -> None:
    run = train(tmp_path / "r", 20, PpoLoop, learner="ppo")
    page = report(run)
    assert "This run stores no games" in page
    assert "<figcaption>Results of games" in page
    assert page.count('<figure class="board">') == 8


def test_what_is_no_run_is_refused(run: RunDir, tmp_path: Path) -> None:
    for words, why in (
        ([str(tmp_path / "none")], "no run folder at"),
        ([str(tmp_path)], "not the folder of a run"),
        ([str(run.path), "--minutes", "-1"], "--minutes must be 0 or more"),
        ([str(run.path), "--minutes", "nan"], "--minutes must be 0 or more"),
        ([str(run.path), "--player", "random"], "plays without a checkpoint"),
        ([str(run.path), "--player", "hybird"], "hybird"),
        ([str(run.path), "--out", str(tmp_path / "no" / "x.html")], "no folder"),
        ([str(run.path), "--game", "connect4"], "is a run of tictactoe"),
    ):
        with pytest.raises(TandemError, match=re.escape(why)):
            main(words)
