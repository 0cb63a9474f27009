"""Whole runs in small: what they leave on disk, repeat, survive and refuse."""

import hashlib
import itertools
import logging
import math
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from games.errors import TandemError
from games.loader import load
from nets.checkpoint import load_model, load_tensors
from selfplay.actor import Actor
from selfplay.budget import Budget, Progress
from selfplay.command import main
from selfplay.loop import Loop, RoundReport
from selfplay.records import GameBatch
from selfplay.runcheck import survey
from selfplay.rundir import RunDir
from selfplay.shards import from_bytes, to_bytes
from selfplay.trainer import Losses, Trainer
from tests.selfplay.helpers import tiny

torch.set_num_threads(1)
GAME = load("tictactoe")


def train(path: Path, budget: Budget, watch: Callable[[Loop, RoundReport], None] | None = None, **changes: Any) -> Loop:
    """A run to its end; `watch` sees the loop after each round."""
    config = tiny(GAME, **changes)
    identity = {"game": GAME.spec, "rules_id": GAME.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(path, identity) as run:
        loop = Loop(GAME, config, budget, run)
        loop.run(lambda report: watch(loop, report) if watch else None)
    return loop


def games(path: Path) -> str:
    """A hash of all stored games: where one shard ends and the next begins, a clock says."""
    files = sorted((path / "games").glob("*.safetensors"))
    batches = [from_bytes(file.read_bytes(), file.name, GAME.rules_id) for file in files]
    return hashlib.sha256(to_bytes(GameBatch.concat(batches), GAME.rules_id)).hexdigest()


def stored(path: Path) -> list[int]:
    """The numbers of all stored games, file by file, so that one stored twice shows twice."""
    files = sorted((path / "games").glob("*.safetensors"))
    return [n for f in files for n in from_bytes(f.read_bytes(), f.name, GAME.rules_id).number.tolist()]


def net_id(path: Path) -> str:
    return load_model(path / "model.safetensors", GAME).net_id


def rounds(path: Path) -> list[dict[str, Any]]:
    return [event for event in RunDir.read(path).events() if event["event"] == "round"]


def test_a_run_leaves_everything_behind(tmp_path: Path) -> None:
    loop = train(tmp_path / "r", Budget(steps=30))
    p, run = loop.progress, RunDir.read(tmp_path / "r")
    names = {path.name for path in run.path.iterdir()}
    assert names >= {"config.json", "games", "checkpoints", "ladder", "log.jsonl", "tensorboard", "model.safetensors"}
    assert (p.steps, loop.trainer.step) == (30, 30)
    assert len(stored(run.path)) == p.games > 50
    assert run.config["settings"] == asdict(tiny(GAME))
    first = "00000000"  # a round of its own where kernels compile for long
    assert [path.name for path in run.checkpoints() if path.name != first] == ["00000030"]
    assert [path.stem for path in run.ladder() if path.stem != first] == ["00000030"]
    assert run.ladder()[-1].read_bytes() == (run.path / "model.safetensors").read_bytes()
    assert list(run.tensorboard.glob("events*"))
    card = load_model(run.path / "model.safetensors", GAME).card
    assert (card["steps"], card["games"], card["made_by"]) == (30, p.games, "python train.py tictactoe --steps 30")
    last = rounds(run.path)[-1]
    assert {name: last[name] for name in asdict(p)} == asdict(p)
    assert {"loss/policy", "speed/evaluations_per_second", "games/mean_plies"} <= last.keys()
    assert p.bucket == p.positions * loop.config.reuse - p.steps * loop.config.batch


@pytest.mark.parametrize("budget", [Budget(games=150), Budget(steps=20)])
def test_a_counted_budget_repeats_byte_for_byte(budget: Budget, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(tmp_path / name, budget, seed=seed)
    assert games(tmp_path / "a") == games(tmp_path / "b") != games(tmp_path / "c")
    assert net_id(tmp_path / "a") == net_id(tmp_path / "b") != net_id(tmp_path / "c")


@pytest.mark.parametrize("budget", [Budget(games=150), Budget(steps=20)])
def test_every_executor_of_this_machine_plays_the_same_games(budget: Budget, tmp_path: Path) -> None:
    for name in ("inline", "threads", "processes"):
        train(tmp_path / name, budget, executor=name, actors=2)
    assert games(tmp_path / "inline") == games(tmp_path / "threads") == games(tmp_path / "processes")
    assert net_id(tmp_path / "inline") == net_id(tmp_path / "threads") == net_id(tmp_path / "processes")


def test_games_that_are_put_back_are_new_beside_those_that_came_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "r"
    train(path, Budget(steps=20))
    before = set(stored(path))
    shard = max((path / "games").glob("*.safetensors"))
    shard.rename(tmp_path / shard.name)
    train(path, Budget(steps=40))
    (tmp_path / shard.name).rename(shard)
    after = stored(path)
    assert before < set(after)
    assert len(set(after)) == len(after)


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r"
    first = train(path, Budget(steps=60), lambda loop, report: loop.stop() if report.progress.steps > 20 else None)
    assert 20 < first.progress.steps < 60
    before, kept = asdict(first.progress), stored(path)
    weights, _ = load_tensors(path / "checkpoints" / f"{first.trainer.step:08}" / "trainer.safetensors")
    with RunDir.create_or_resume(path, {}) as run:
        loop = Loop(GAME, tiny(GAME), Budget(steps=60), run)
        assert (asdict(loop.progress), loop.trainer.step) == (before, before["steps"])
        assert len(loop.replay) == before["positions"]
        for name, tensor in loop.trainer.model.state_dict().items():
            assert torch.equal(tensor, weights[f"model.{name}"])
        for name, tensor in loop.trainer.average.state_dict().items():
            assert torch.equal(tensor, weights[f"average.{name}"])
        loop.run(lambda report: None)
    assert loop.progress.steps == 60
    numbers = stored(path)
    assert numbers[: len(kept)] == kept
    assert len(set(numbers)) == len(numbers) == loop.progress.games > len(kept)
    for name in ("games", "positions", "evaluations", "steps", "rounds", "seconds", "core_seconds"):
        assert (np.diff([event[name] for event in rounds(path)]) >= 0).all(), name


def test_the_truth_is_measured_while_a_run_trains_and_leaves_its_games_as_they_are(tmp_path: Path) -> None:
    budget, seen = Budget(games=150), []
    train(tmp_path / "plain", budget)

    def watch(loop: Loop, report: RoundReport) -> None:
        loop._measure_at = -math.inf  # the next round measures
        if loop._measuring is not None:
            loop._measuring.exception(60)
        seen.append(report.strength)

    loop = train(tmp_path / "r", budget, watch)
    assert loop.strength is not None
    assert loop.strength in seen
    logged = [event for event in rounds(tmp_path / "r") if "truth/value_error" in event]
    assert logged
    assert logged[-1]["truth/kept_hybrid_100"] == loop.strength.kept["hybrid:100"]
    assert logged[-1]["truth/regret_net"] == loop.strength.regret["net"]
    card = load_model(tmp_path / "r" / "model.safetensors", GAME).card
    assert card["strength"] == str(loop.strength)
    # Measuring costs time and nothing else.
    assert games(tmp_path / "r") == games(tmp_path / "plain")
    assert net_id(tmp_path / "r") == net_id(tmp_path / "plain")


def test_games_newer_than_the_checkpoint_are_counted_and_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "r"
    loop = train(path, Budget(steps=10))
    state = path / "checkpoints" / "00000010" / "state.json"
    replace(Progress.read(state), games=20, positions=100, bucket=7.0).write(state)
    with RunDir.create_or_resume(path, {}) as run:
        again = Loop(GAME, tiny(GAME), Budget(steps=20), run).progress
    assert (again.games, again.positions) == (loop.progress.games, loop.progress.positions)
    assert again.bucket == 7 + (again.positions - 100) * loop.config.reuse


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["trainer.safetensors", "state.json"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for steps in (10, 20):
        train(tmp_path / "r", Budget(steps=steps))
    damaged = tmp_path / "r" / "checkpoints" / "00000020" / name
    flip(damaged) if name.endswith("safetensors") else damaged.write_text('{"steps": ')
    with caplog.at_level(logging.WARNING, "tandem"), RunDir.create_or_resume(tmp_path / "r", {}) as run:
        loop = Loop(GAME, tiny(GAME), Budget(steps=30), run)
    assert (loop.trainer.step, loop.progress.steps) == (10, 10)
    assert "00000020 is set aside, 00000010 is used instead" in caplog.text
    assert loop.progress.games == len(stored(tmp_path / "r"))


def test_without_any_sound_checkpoint_the_refusal_says_what_goes_on(tmp_path: Path) -> None:
    path, words = tmp_path / "r", ["tictactoe", "--run", str(tmp_path / "r")]
    train(path, Budget(steps=10))
    numbers, log = stored(path), len(rounds(path))
    flip(path / "checkpoints" / "00000010" / "trainer.safetensors")
    with pytest.raises(TandemError, match=r"move that folder and ladder away: the same command then") as refusal:
        main([*words, "--steps", "20"])
    said = re.search(r"no checkpoint in (\S+) can be used", str(refusal.value))
    assert said
    Path(said[1]).rename(tmp_path / "away")
    assert main([*words, "--steps", "20"]) == 0
    assert stored(path)[: len(numbers)] == numbers
    assert len(set(stored(path))) == len(stored(path)) > len(numbers)
    later = rounds(path)[log:]
    assert later[0]["steps"] > 0, "the games that are stored pay for steps in the first round"
    assert (later[-1]["steps"], later[-1]["games"]) == (20, len(stored(path)))
    assert survey(RunDir.read(path), verify=True).bad == []


def test_a_failing_round_is_saved_when_nobody_trains_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training, overlaps, failed = [0], list[int](), threading.Event()
    real_train, real_save = Trainer.train, Trainer.save

    def slow_train(self: Trainer, *arguments: Any) -> Losses:
        training[0] += 1
        failed.wait(0.2)
        losses = real_train(self, *arguments)
        training[0] -= 1
        return losses

    def noted_save(self: Trainer, path: Path) -> None:
        overlaps.append(training[0])
        real_save(self, path)

    def fail(self: Actor, *arguments: Any) -> None:
        raise TandemError("no more games")

    monkeypatch.setattr(Trainer, "train", slow_train)
    monkeypatch.setattr(Trainer, "save", noted_save)
    monkeypatch.setattr(Actor, "play", fail)
    with pytest.raises(TandemError, match="no more games"):
        train(tmp_path / "r", Budget(steps=10))
    assert overlaps == [0]


def test_the_steps_of_a_failing_round_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Actor.play, itertools.count()

    def fail(self: Actor, *arguments: Any) -> GameBatch:
        if next(calls) == 3:
            raise TandemError("no more games")
        return real(self, *arguments)

    monkeypatch.setattr(Actor, "play", fail)
    with pytest.raises(TandemError, match="no more games"):
        train(tmp_path / "r", Budget(steps=1000), executor="inline", actors=1)
    assert rounds(tmp_path / "r")[-1]["steps"] < int(RunDir.read(tmp_path / "r").checkpoints()[-1].name)
    assert survey(RunDir.read(tmp_path / "r"), verify=True).bad == []


@pytest.mark.parametrize(
    ("budget", "flag", "words", "doubled"),
    [
        (Budget(minutes=0.5), "--minutes 0.5", "0.5 minutes", "--minutes 1"),
        (Budget(games=12345678), "--games 12345678", "12345678 games", "--games 24691356"),
        (Budget(steps=7), "--steps 7", "7 steps", "--steps 14"),
    ],
)
def test_a_budget_in_words(budget: Budget, flag: str, words: str, doubled: str) -> None:
    assert (budget.flag(), str(budget), budget.doubled().flag()) == (flag, words, doubled)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"games": 1, "steps": 1},
        {"games": -1},
        {"steps": 0},
        {"steps": -1},
        {"minutes": math.nan},
        {"minutes": math.inf},
    ],
)
def test_a_budget_is_one_number_above_zero(given: dict[str, Any]) -> None:
    with pytest.raises(TandemError, match=r"give one budget|must be above 0"):
        Budget(**given)


FLAGS = [
    *("--net", "mlp:16", "--games-per-actor", "16", "--plies-per-round", "200"),
    *("--batch", "32", "--simulations", "24", "--fast-simulations", "8", "--executor", "threads"),
]


def test_the_command_refuses_what_does_not_fit_the_run_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, preset = tmp_path / "my run", tmp_path / "p.toml"
    preset.write_text("c_puct = 3.0")
    run = ["tictactoe", "--run", str(path)]
    assert main([*run, *FLAGS, "--steps", "10"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"python play.py tictactoe --run '{path}'"
    before = {str(p): p.stat().st_mtime_ns for p in path.rglob("*.safetensors")}
    for arguments, words in (
        ([*run, "--steps", "10"], "my run has spent its 10 steps; ask for more, such as --steps 20"),
        ([*run, "--games", "1"], "has spent its 1 game; ask for more, such as --games 2"),
        ([*run, "--steps", "20", "--c-puct", "3"], "trains with --c-puct 1.5, not 3.0; give another --run"),
        ([*run, "--steps", "20", "--net", "mlp:17"], "trains with --net mlp:16, not mlp:17"),
        ([*run, "--steps", "20", "--preset", str(preset)], "trains with --net mlp:16, not mlp:128-64"),
        (["connect4", "--run", str(path), "--steps", "20"], "is a run of tictactoe, not of connect4"),
    ):
        with pytest.raises(TandemError, match=words):
            main(arguments)
    with RunDir.create_or_resume(path, {}), pytest.raises(TandemError, match="in use by another process"):
        main([*run, "--steps", "20"])
    assert {str(p): p.stat().st_mtime_ns for p in path.rglob("*.safetensors")} == before
    # The settings of the run need not be given again, and may be.
    assert main([*run, "--steps", "12"]) == main([*run, *FLAGS, "--steps", "14"]) == 0
    assert "resuming mlp:16 on tictactoe for 14 steps" in capsys.readouterr().out


def test_where_and_when_work_happens_may_change_as_a_run_goes_on(tmp_path: Path) -> None:
    path, preset = tmp_path / "r", tmp_path / "p.toml"
    run = ["tictactoe", "--run", str(path)]
    assert main([*run, *FLAGS, "--strength-seconds", "50", "--actors", "2", "--steps", "10"]) == 0
    was = RunDir.read(path).config
    with pytest.raises(TandemError, match="trains with --c-puct"):
        main([*run, "--c-puct", "3", "--actors", "1", "--steps", "12"])
    with pytest.raises(TandemError, match="has spent its 10 steps"):
        main([*run, "--actors", "1", "--steps", "10"])
    assert RunDir.read(path).config == was
    assert main([*run, "--actors", "1", "--checkpoint-seconds", "30", "--steps", "12"]) == 0
    changed = {"actors": 1, "checkpoint_seconds": 30.0}
    assert RunDir.read(path).config == {**was, "settings": {**was["settings"], **changed}}
    assert load_model(path / "model.safetensors", GAME).card["config"]["actors"] == 1
    # A preset changes what it names, and only that.
    names = {
        flag.removeprefix("--").replace("-", "_"): value for flag, value in zip(FLAGS[::2], FLAGS[1::2], strict=True)
    }
    lines = [f"{name} = {value if value.isdigit() else repr(value)}" for name, value in names.items()]
    preset.write_text("\n".join([*lines, "strength_seconds = 70"]))
    assert main([*run, "--preset", str(preset), "--steps", "14"]) == 0
    changed["strength_seconds"] = 70.0
    assert RunDir.read(path).config["settings"] == {**was["settings"], **changed}
    assert len(set(stored(path))) == len(stored(path))
