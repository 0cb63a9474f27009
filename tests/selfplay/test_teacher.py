"""Teachers: what they label, against minimax and by the contract of records; runs that begin with one."""

import json
from pathlib import Path

import numpy as np
import pytest

from games.errors import TandemError
from games.loader import load
from players.choice import Choice, Forfeit
from players.uci_client import value_of
from selfplay.command import main
from selfplay.records import FULL, GameBatch
from selfplay.replay import Replay
from selfplay.store import Store
from selfplay.teacher import Teacher
from tests.selfplay.helpers import minimax, tiny

GAME = load("tictactoe")
SMALL = ["--net", "mlp:16", "--games-per-actor", "16", "--plies-per-round", "200", "--batch", "32", "--actors", "1"]
SMALL += ["--executor", "threads", "--proof-nodes", "0"]


def taught(spec: str, plies: int = 300, **changes: object) -> GameBatch:
    teacher = Teacher(GAME, tiny(GAME, **changes), spec, first_number=3, stride=2)
    try:
        return teacher.play(plies)
    finally:
        teacher.close()


def boards(actions: list[int]) -> list[str]:
    """The board before each action, and after the last."""
    found = ["." * 9]
    for i, action in enumerate(actions):
        found.append(found[-1][:action] + "xo"[i % 2] + found[-1][action + 1 :])
    return found


def test_the_solver_teaches_moves_and_values_of_perfect_play():
    games = taught("exact", opening_share=0.9, opening_plies=5, random_share=0.3)
    assert len(games) > 20
    other = 0
    for game in games.records():
        assert game.source == "teacher" and game.net_id == "exact" and game.ended == "rules"
        at = boards(game.actions.tolist())
        assert game.ply.tolist() == list(range(game.ply[0], len(game.actions))), "every move after the opening"
        for i, ply in enumerate(game.ply):
            values = minimax(at[ply])
            assert values[int(game.child_action[i])] == max(values.values())
            assert game.root_wdl[i, 0] - game.root_wdl[i, 2] == max(values.values())
            other += game.child_action[i] != game.actions[ply]
        assert np.all(game.policy == 1) and np.all(game.child_count == 1)
    assert other > 10, "random moves are made, and others taught"
    assert games.number.tolist() == sorted(range(3, 3 + 2 * len(games), 2))


def test_a_search_teaches_its_whole_policy():
    games = taught("search:simulations=50")
    assert np.all(games.kind == FULL)
    sums = np.add.reduceat(games.policy.astype(np.float64), games.child_offsets[:-1])
    np.testing.assert_allclose(sums, 1, atol=2e-3)
    assert np.diff(games.child_offsets).max() > 1
    np.testing.assert_allclose(games.root_wdl.sum(1), 1, atol=2e-3)


def test_the_same_seed_teaches_the_same_and_no_two_games_alike():
    one, same = (taught("search:simulations=20", 100) for _ in range(2))
    assert one.actions.tolist() == same.actions.tolist() and one.seed.tolist() == same.seed.tolist()
    assert len({tuple(game.actions.tolist()) for game in one.records()}) > 3


def test_a_game_stops_where_the_teacher_has_long_seen_it_decided(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("selfplay.teacher.PLAYED_OUT", 0.0)
    monkeypatch.setattr("selfplay.teacher.DECIDED_PLIES", 2)
    monkeypatch.setattr("selfplay.teacher.DECIDED", 0.99)
    games = taught("exact", opening_share=1.0, opening_plies=6)
    cut = [game for game in games.records() if game.ended == "label"]
    assert cut
    for game in cut:
        board = boards(game.actions.tolist())[-1]
        value = max(minimax(board).values())
        assert value != 0
        assert game.outcome == (value if len(game.actions) % 2 == 0 else -value)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["info depth 1 score cp 0 nodes 5", "bestmove a1"], 0.0),
        (["info score cp 10", "info score cp 200 lowerbound wdl 600 300 100", "bestmove a1"], 0.352),
        (["info score cp -200", "info string score", "bestmove a1"], -0.352),
        (["info depth 3 score mate 2 pv a1", "bestmove a1"], 1.0),
        (["info depth 3 score mate -4 pv a1", "bestmove a1"], -1.0),
        (["info depth 3 score mate 0", "bestmove a1"], -1.0),
        (["info score cp", "info score cp x", "bestmove a1"], None),
        (["bestmove a1"], None),
    ],
)
def test_an_engines_last_score_as_a_value(lines: list[str], value: float | None):
    found = value_of(lines)
    assert found is None if value is None else found == pytest.approx(value, abs=1e-3)


def run(folder: Path, *words: str) -> int:
    return main(["tictactoe", "--run", str(folder), *SMALL, *words])


def test_a_run_is_taught_stops_goes_on_and_then_plays_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "run"
    assert run(folder, "--teacher", "exact", "--teacher-games", "40", "--games", "0") == 0
    assert "40 games of the teacher" not in capsys.readouterr().out.replace("40 games of the teacher", "", 1)
    games = GameBatch.concat(batch for _, batch in Store(folder / "games", GAME.rules_id).new_batches())
    first = len(games)
    assert first >= 40 and {game.source for game in games.records()} == {"teacher"}
    state = sorted((folder / "checkpoints").iterdir())[-1] / "state.json"
    assert json.loads(state.read_text())["taught"] == first
    assert json.loads(state.read_text())["steps"] > 0
    with pytest.raises(TandemError, match="has spent its 0 games"):
        run(folder, "--teacher", "exact", "--teacher-games", "40", "--games", "0")
    assert run(folder, "--teacher", "exact", "--teacher-games", str(first + 10), "--games", "30") == 0
    games = GameBatch.concat(batch for _, batch in Store(folder / "games", GAME.rules_id).new_batches())
    sources = [game.source for game in games.records()]
    assert sources.count("teacher") >= first + 10 and sources.count("self-play") >= 30
    assert sources[:first] == ["teacher"] * first, "first the one, then the other"
    assert len(set(games.number.tolist())) == len(games)
    replay = Replay(GAME)
    replay.append(games)
    assert len(replay) > 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teacher", "exactly"], "unknown player 'exactly': did you mean exact?"),
        (["--teacher", "exact", "--games", "5"], "say how many games the teacher plays with --teacher-games N"),
        (["--teacher", "exact", "--plan"], "--plan knows what self-play costs"),
        (["--teacher", "exact", "--learner", "ppo"], "learns from its own games alone"),
        (["--teacher", "uci:no-such-engine-here"], "does not start"),
        (["--teacher", "net", "--teacher-share", "2"], "teacher_share must lie between 0 and 1"),
        (["--games", "0"], "add --from FILE or --teacher SPEC"),
    ],
)
def test_what_cannot_teach_is_refused(words: list[str], message: str, tmp_path: Path):
    with pytest.raises(TandemError) as caught:
        run(tmp_path / "run", *words)
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_listed_numbers_come_first_in_their_order():
    teacher = Teacher(GAME, tiny(GAME), "random", first_number=50, stride=2, numbers=[9, 3])
    teacher.number([20])
    numbers = [n for _ in range(5) for n in teacher.play(12).number.tolist()]
    assert len(numbers) > 4
    assert numbers == [9, 3, 20, *range(50, 50 + 2 * (len(numbers) - 3), 2)]


class Fails:
    """A player that fails at some of its moves."""

    name = "fails"

    def __init__(self, often: int) -> None:
        self.often, self.asked = often, 0

    def choose(self, position):
        self.asked += 1
        if self.asked % self.often == 0:
            raise Forfeit("it died")
        return Choice(position.legal()[0], None)

    def new_game(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to give up."""


def test_an_engine_that_dies_costs_its_game_and_one_that_stays_dead_ends_the_run_with_its_games_kept():
    teacher = Teacher(GAME, tiny(GAME), "random")
    teacher.player = Fails(20)
    games = teacher.play(300)
    assert len(games) > 10
    numbers = games.number.tolist()
    assert len(set(numbers)) == len(numbers) < max(numbers) + 1, "some numbers are those of lost games"
    teacher.player = Fails(1)
    with pytest.raises(Forfeit, match="it died"):
        teacher.play(50)
    teacher = Teacher(GAME, tiny(GAME), "random")
    teacher.player = Fails(10**9)
    assert len(teacher.play(60)) > 3
    teacher.player.often, teacher.player.asked = 1, 0
    with pytest.raises(Forfeit):
        teacher.play(5)
