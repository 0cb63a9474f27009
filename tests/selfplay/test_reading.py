"""Runs that learn from records first: what is stored, drawn, gone on with and refused."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from games.movelist import serialise
from nets.checkpoint import load_model
from selfplay import reading
from selfplay.budget import Budget
from selfplay.command import main
from selfplay.loop import Loop, RoundReport
from selfplay.ppo import PpoLoop
from selfplay.reading import Reader, Source, check_file
from selfplay.records import FULL, GameRecord
from selfplay.replay import Replay
from selfplay.rundir import RunDir
from selfplay.store import Store
from tests.selfplay.helpers import tiny

torch.set_num_threads(1)
GAME = load("tictactoe")
SMALL = ["--net", "mlp:16", "--games-per-actor", "16", "--plies-per-round", "200", "--batch", "32"]
SMALL += ["--executor", "threads", "--proof-nodes", "0"]


def write_games(path: Path, count: int, seed: int = 1, ranked: bool = False) -> Path:
    """Random games of tic-tac-toe as a move list; `ranked` moves prefer the middle, then corners."""
    rng, lines = random.Random(seed), []
    for _ in range(count):
        position = Position(GAME)
        while not position.ended:
            ranks = {a: (2 - (a == 4) - (a % 2 == 0)) * ranked for a in position.legal()}
            position.play(rng.choice([a for a in ranks if ranks[a] == min(ranks.values())]))
        lines.append(serialise(position.moves_text(), int(position.first_player_outcome())))
    path.write_bytes(b"".join(lines))
    return path


def start(path: Path, budget: Budget, *files: Path, watch: Any = None, kind: type[Loop] = Loop, **changes: Any) -> Loop:
    """A run with records, or one gone on with, to its end; `watch` sees the loop after each round."""
    config = tiny(GAME, **changes)
    identity = {"game": GAME.spec, "rules_id": GAME.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(path, identity) as run:
        loop = kind(GAME, config, budget, run, [Source.of(file) for file in files])
        loop.run(lambda report: watch(loop, report) if watch else None)
    return loop


def stored(path: Path) -> list[GameRecord]:
    return [game for _, batch in Store(path / "games", GAME.rules_id).new_batches() for game in batch.records()]


def test_a_game_becomes_a_record_with_its_moves_as_targets(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("b2 a1 1-0\na1 b2 c3 *\nb2 b2\na1 a2 b1 b2 c1\n")
    source = Source.of(tmp_path / "a.txt")
    reader = Reader(GAME, [source], {})
    batch = reader.take(100, 7)
    assert (reader.exhausted, reader.share, len(batch)) == (True, 1.0, 2)
    assert (reader.games, reader.passed_over) == (2, {"no moves or no result": 1, "an illegal move": 1})
    assert reader.report().startswith(
        "2 games read, 100% of 1 file; 2 passed over (no moves or no result 1, an illegal move 1); the first"
    )
    assert reader.report().endswith(
        "a.txt: game 3 (line 3), move 2: illegal move b2; legal: a1 b1 c1 a2 c2 a3 b3 c3"
    ), reader.report()
    resigned, ended = batch.records()
    assert (resigned.number, resigned.source, resigned.net_id) == (7, "record", source.hash)
    assert (resigned.outcome, resigned.ended, ended.outcome, ended.ended) == (1, "record", 1, "rules")
    assert resigned.child_action.tolist() == resigned.actions.tolist() == [4, 0]
    assert resigned.ply.tolist() == [0, 1]
    assert set(ended.kind.tolist()) == {FULL}


def test_drawn_samples_have_the_move_the_result_and_all_legal_moves(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("b2 a1 1-0\n")
    replay = Replay(GAME)
    replay.append(Reader(GAME, [Source.of(tmp_path / "a.txt")], {}).take(1, 0))
    batch = replay.sample(64, np.random.default_rng(1), np.array([1], np.uint64))
    first = batch.legal.sum(1) == 9
    policy, _ = batch.dense(GAME.logits)
    assert 0 < first.sum() < 64
    assert (batch.policy.sum(1) == 1).all()
    assert (batch.policy.max(1) == 1).all()
    assert (policy[first].argmax(1) == 4).all()
    assert set(policy[~first].argmax(1)) == {0, 2, 6, 8}  # under the board's symmetries
    assert (batch.outcome[first] == [1, 0, 0]).all()
    assert (batch.outcome[~first] == [0, 0, 1]).all()


def test_games_are_taken_some_at_a_time_and_each_once(tmp_path: Path) -> None:
    sources = [Source.of(write_games(tmp_path / f"{i}.txt", 20, seed=i)) for i in (1, 2)]
    whole = Reader(GAME, sources, {}).take(10**6, 0)
    assert len(whole) == 40
    reader, taken, shares = Reader(GAME, sources, {}), [], []
    while not reader.exhausted:
        batch = reader.take(30, len(taken))
        taken += batch.records()
        shares.append(reader.share)
        assert len(batch) <= 6
    assert shares == sorted(shares)
    assert [game.actions.tolist() for game in taken] == [game.actions.tolist() for game in whole.records()]
    rest = Reader(GAME, sources, {sources[0].hash: 20, sources[1].hash: 7}).take(10**6, 27)
    assert [game.actions.tolist() for game in rest.records()] == [game.actions.tolist() for game in taken[27:]]
    assert len(Reader(GAME, sources, {}).take(10**6, 0, stop=lambda: True)) == 1


def test_how_much_was_read_is_told_in_megabytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a1 b2 1-0\n#" + "x" * 1_000_000 + "\nb2 a1 1-0\n")
    reader = Reader(GAME, [Source.of(tmp_path / "a.txt")], {})
    assert (reader.take(1, 0).positions, reader.progress) == (2, "0.0 of 1.0 MB read")
    assert (reader.take(1, 0).positions, reader.progress) == (2, "1.0 of 1.0 MB read")


def test_a_file_that_has_gone_or_changed_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sources = [Source.of(write_games(tmp_path / f"{i}.txt", 5, seed=i)) for i in (1, 2, 3)]
    sources[0].path.unlink()
    sources[1].path.write_text("a1 b2\n")
    reader = Reader(GAME, sources, {})
    assert len(reader.take(10**6, 0)) == 5
    assert reader.exhausted
    assert caplog.text.count("is gone or has changed, and is not read on") == 2


def test_records_come_first_and_self_play_goes_on(tmp_path: Path) -> None:
    file, phases = write_games(tmp_path / "a.txt", 100), []

    def watch(loop: Loop, report: RoundReport) -> None:
        phases.append((report.progress.records, report.progress.games > 0, round(report.progress.learnt, 3)))

    loop = start(tmp_path / "r", Budget(games=50), file, watch=watch)
    p = loop.progress
    assert phases[0] == (100, False, 0.0)
    assert [learnt for _, played, learnt in phases if not played] == sorted({learnt for _, _, learnt in phases})
    assert phases[-1] == (100, True, 1.0)
    games = stored(tmp_path / "r")
    assert [game.source for game in games] == ["record"] * 100 + ["self-play"] * p.games
    assert len({game.number for game in games}) == len(games)
    assert p.record_positions == sum(len(game.actions) for game in games[:100])
    assert len(loop.replay) >= p.record_positions
    card = load_model(tmp_path / "r" / "model.safetensors", GAME).card
    assert (card["records"], card["made_by"]) == (100, "python train.py tictactoe --from a.txt --games 50")
    reports = [event["report"] for event in RunDir.read(tmp_path / "r").events() if event["event"] == "records"]
    assert reports == ["100 games read, 100% of 1 file"]


def test_each_position_is_drawn_from_epochs_times(tmp_path: Path) -> None:
    file = write_games(tmp_path / "a.txt", 100)
    loop = start(tmp_path / "r", Budget(games=0), file, from_epochs=3.0)
    p = loop.progress
    assert p.games == 0
    assert p.steps == -(-3 * p.record_positions // 32)
    assert p.share(loop.budget) == 1
    assert loop.executor is None


@pytest.mark.parametrize("net", ["mlp:32", "resnet:1x8"])
def test_a_net_learns_the_moves_and_results_of_records(net: str, tmp_path: Path) -> None:
    losses = []
    file = write_games(tmp_path / "a.txt", 200, ranked=True)
    start(
        tmp_path / "r", Budget(games=0), file, watch=lambda _, report: losses.append(report.losses), net=net,
        from_epochs=10.0, learning_rate=5e-3, plies_per_round=1000,
    )  # fmt: skip
    steps = [found for found in losses if found]
    played = [line.split()[:-1] for line in file.read_text().splitlines()]
    uniform = np.mean([np.log(9 - ply) for moves in played for ply in range(len(moves))])
    assert steps[-1].policy < uniform - 0.3
    assert steps[-1].value < steps[0].value - 0.01


def test_a_kill_while_records_are_read_loses_and_repeats_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.loop.READ_POSITIONS", 100)
    file = write_games(tmp_path / "a.txt", 100)

    def kill(loop: Loop, report: RoundReport) -> None:
        loop.store.flush()
        monkeypatch.setattr(loop, "_save", lambda: None)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "r", Budget(games=0), file, watch=kill)
    assert 0 < len(stored(tmp_path / "r")) < 100
    again = start(tmp_path / "r", Budget(games=0), file)
    whole = start(tmp_path / "whole", Budget(games=0), file)
    games = stored(tmp_path / "r")
    assert [game.actions.tolist() for game in games] == [game.actions.tolist() for game in stored(tmp_path / "whole")]
    assert (again.progress.records, again.progress.record_positions) == (100, whole.progress.record_positions)
    assert again.progress.steps == whole.progress.steps


def test_a_stop_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_games(tmp_path / "a.txt", 100)
    first = start(tmp_path / "r", Budget(games=0), file, watch=lambda loop, report: report.losses and loop.stop())
    assert 0 < first.progress.learnt < 1
    assert first.progress.files_read == 1
    file.unlink()  # it has been read
    second = start(tmp_path / "r", Budget(games=0))
    assert second.progress.learnt == 1
    assert second.progress.steps == -(-int(4 * second.progress.record_positions) // 32)


def test_records_take_their_share_of_steps_alone(tmp_path: Path) -> None:
    file = write_games(tmp_path / "a.txt", 200)
    loop = start(tmp_path / "r", Budget(steps=100), file, from_share=0.5)
    p = loop.progress
    assert p.steps == 100
    assert 0 < p.learnt < 1
    assert p.games > 0
    assert p.lessons > 0


def test_the_replay_holds_its_window_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.loop.READ_POSITIONS", 200)
    sizes, files = [], [write_games(tmp_path / f"{i}.txt", 100, seed=i) for i in (1, 2, 3)]
    loop = start(
        tmp_path / "r", Budget(games=0), *files, window_least=500, watch=lambda loop, _: sizes.append(len(loop.replay))
    )
    assert loop.progress.records == 300
    assert max(sizes) < 510
    assert loop.progress.steps == -(-int(4 * loop.progress.record_positions) // 32)


def test_ppo_learns_from_records_too(tmp_path: Path) -> None:
    file = write_games(tmp_path / "a.txt", 50)
    loop = start(tmp_path / "r", Budget(games=100), file, kind=PpoLoop, learner="ppo")
    assert loop.progress.records == 50
    assert loop.progress.learnt == 1
    assert loop.progress.games >= 100
    assert {game.source for game in stored(tmp_path / "r")} == {"record"}


def test_the_command_adds_files_and_knows_them_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run, one, two = tmp_path / "r", write_games(tmp_path / "1.txt", 20), write_games(tmp_path / "2.txt", 30, seed=2)
    assert main(["tictactoe", "--from", str(one), "--games", "0", "--run", str(run), *SMALL]) == 0
    assert "20 records, 0 games" in capfd.readouterr().out
    with pytest.raises(TandemError, match="has spent its 0 games; ask for more, such as --games 1000"):
        main(["tictactoe", "--from", str(one), "--games", "0", "--run", str(run)])
    copy = tmp_path / "copy.txt"
    copy.write_bytes(one.read_bytes())
    assert main(["tictactoe", "--from", str(copy), str(two), "--games", "0", "--run", str(run)]) == 0
    assert "50 records, 0 games" in capfd.readouterr().out
    noted = json.loads((run / "config.json").read_text())["config"]["records"]
    assert [Path(entry["path"]).name for entry in noted] == ["copy.txt", "2.txt"]
    assert main(["tictactoe", "--games", "20", "--run", str(run), "--from-epochs", "1"]) == 0
    assert "50 records, " in capfd.readouterr().out
    assert sorted({game.net_id for game in stored(run) if game.source == "record"}) == sorted(
        entry["hash"] for entry in noted
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--from", "none.txt"], "none.txt is not there"),
        (["--from", "good.txt", "folder"], "folder is a folder"),
        (["--from", "empty.txt"], "empty.txt holds no game with moves and a result; nothing can be learnt from it"),
        (["--from", "open.txt"], "open.txt holds no game with moves and a result"),
        (["--from", "wrong.txt"], "wrong.txt: game 1 (line 1), move 1: '4' is no cell"),
        (["--from", "binary.txt"], "binary.txt: line 1 is no text"),
        (["--from", "a.sgf"], "a.sgf: tictactoe has no SGF"),
        (["--from", "good.txt", "--plan"], "--plan knows what self-play costs"),
        (["--from"], "--from: expected at least one argument"),
        (["--games", "0"], "--games 0 plays none, and there are no records to learn from; add --from FILE"),
        (["--from", "good.txt", "--from-share", "2"], "from_share must lie between 0 and 1"),
    ],
)
def test_bad_files_and_flags_are_refused_before_anything_is_made(
    flags: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_games(tmp_path / "good.txt", 3)
    (tmp_path / "folder").mkdir()
    for name, data in {
        "empty.txt": b"",
        "open.txt": b"a1 b2\n",
        "wrong.txt": b"4 4 4\n",
        "binary.txt": b"\0\1",
    }.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a.sgf").write_text("(;B[aa])")
    with pytest.raises(TandemError) as refused:
        main(["tictactoe", *flags, "--run", "run"])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_one_sound_game_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("4 4\nb2 *\nb2 1-0\n")
    check_file(GAME, tmp_path / "a.txt")


def test_reading_goes_on_at_its_place_without_what_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is not parsed again: it may be gone, as long as the content's hash is taken to be the same."""
    path = write_games(tmp_path / "a.txt", 40)
    source = Source.of(path)
    reader = Reader(GAME, [source], {})
    first = reader.take(100, 0)
    place = reader.place
    assert place.games == len(first) > 0
    rest = reader.take(10**6, 0)
    path.write_bytes(b"#" * (place.end - 1) + b"\n" + path.read_bytes()[place.end :])
    monkeypatch.setattr(Source, "of", lambda _: source)
    for taken in (place.games, place.games + 2):  # the store may have more than the checkpoint that noted the place
        again = Reader(GAME, [source], {source.hash: taken}, place)
        found = [game.actions.tolist() for game in again.take(10**6, 0).records()]
        assert found == [game.actions.tolist() for game in rest.records()][taken - place.games :]
        assert (again.exhausted, again.share, again.passed_over) == (True, 1.0, {})


def test_a_checkpoint_has_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.loop.READ_POSITIONS", 100)
    file = write_games(tmp_path / "a.txt", 100)
    first = start(tmp_path / "r", Budget(games=0), file, watch=lambda loop, _: loop.stop())
    p = first.progress
    assert (p.files_read, p.read_games) == (0, p.records)
    assert file.read_bytes()[: p.read_to].count(b"\n") == p.records
    begun = list[int]()
    read_games = reading.read_games
    monkeypatch.setattr(reading, "read_games", lambda *where: (begun.append(where[2]), read_games(*where))[1])
    second = start(tmp_path / "r", Budget(games=0), file)
    assert begun == [p.read_to]
    assert (second.progress.records, second.progress.read_to, second.progress.files_read) == (100, 0, 1)


CHESS = load("chess")
FROM_ELSEWHERE = '[FEN "7k/R7/1R6/8/8/8/8/K7 b - - 3 40"]\n[Result "1-0"]\n\n40... Kg8 41. Rb8# 1-0\n\n'
PGN = (
    '[Result "0-1"]\n\n1. f3 {?} e5 2. g4 (2. e4) Qh4# 0-1\n\n'
    + FROM_ELSEWHERE
    + '[Result "*"]\n\n1. e4 *\n\n[Result "1-0"]\n\n1. e4 e5 2. Ke3 1-0\n\n[Variant "Chess960"]\n\n1. e4 1-0\n\n'
    + '[FEN "8/8"]\n\n1. e4 1-0\n\n[Variant "Atomic"]\n\n1. e4 1-0\n\n[Result "1-0"]\n\n1-0\n\n1. d4 d5 1/2-1/2\n'
)


def test_chess_is_learnt_from_pgn(tmp_path: Path) -> None:
    (tmp_path / "a.pgn").write_text(PGN)
    reader = Reader(CHESS, [Source.of(tmp_path / "a.pgn")], {})
    mated, elsewhere, drawn = reader.take(10**6, 0).records()
    assert (mated.outcome, mated.ended, mated.start, mated.ply.tolist()) == (-1, "rules", "", [0, 1, 2, 3])
    assert (elsewhere.outcome, elsewhere.start) == (-1, "7k/R7/1R6/8/8/8/8/K7 b - - 3 40")
    assert (drawn.outcome, drawn.ended) == (0, "record")
    assert reader.report().startswith(
        "3 games read, 100% of 1 file; 6 passed over (no moves or no result 2, an illegal move 1, Chess960 1, "
        "a broken FEN 1, another variant 1); the first that is broken: "
    ), reader.report()
    assert reader.report().endswith("a.pgn: game 4 (line 14): move 2. 'Ke3' is illegal")


def test_samples_of_games_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.pgn").write_text(FROM_ELSEWHERE)
    replay = Replay(CHESS)
    replay.append(Reader(CHESS, [Source.of(tmp_path / "a.pgn")], {}).take(1, 0))
    batch = replay.sample(32, np.random.default_rng(1), np.array([1], np.uint64))
    white = batch.planes[:, 3].sum((1, 2)) == 2  # two rooks of who moves
    assert 0 < white.sum() < 32
    assert (batch.outcome[white] == [1, 0, 0]).all()
    assert (batch.outcome[~white] == [0, 0, 1]).all()
    assert set(batch.legal[~white].sum(1)) == {1}
    assert (batch.policy.sum(1) == 1).all()


def test_the_command_learns_chess_from_pgn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, run = tmp_path / "games.PGN", tmp_path / "r"
    path.write_text(PGN * 10)
    assert main(["chess", "--from", str(path), "--games", "0", "--run", str(run), *SMALL]) == 0
    said = capfd.readouterr()
    assert "30 records, 0 games" in said.out
    assert "60 passed over (no moves or no result 20, " in said.err + said.out
    assert load_model(run / "model.safetensors", CHESS).card["records"] == 30
