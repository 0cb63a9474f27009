"""Which games an arm has, what they are charged, and what that buys of search: against cases of known answers."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from games.errors import TandemError
from games.loader import load
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.actor import Actor
from selfplay.config import TrainConfig, default_config
from selfplay.labels import known_labels, solved_labels
from selfplay.proofs import RARELY
from selfplay.records import UNPROVEN, GameBatch, GameRecord
from selfplay.store import Store
from studies import data
from studies.data import ALL, BUDGETS, FIRST, LEAST, charge, choose, generations, moves_bought, playout_plies
from studies.lab import Lab
from studies.offline import read_games

GAME = load("tictactoe")
CARD = {"config": {"proof_nodes": 0}, "evaluations": 1000, "core_minutes": 1.0}


def record(number: int, rows: int = 2, simulations: int = 10, net: str = "a") -> GameRecord:
    """A game of the first moves in order, searched as much in every row."""
    return GameRecord(
        number=number,
        seed=1,
        actions=np.arange(rows, dtype=np.int32),
        net_id=net,
        outcome=0,
        ended="max plies",
        ply=np.arange(rows, dtype=np.int32),
        kind=np.ones(rows, np.uint8),
        root_wdl=np.full((rows, 3), np.nan, np.float16),
        proven=np.full(rows, UNPROVEN, np.int8),
        simulations=np.full(rows, simulations, np.int32),
        child_count=np.zeros(rows, np.int32),
    )


def test_shares_are_nested_repeat_and_keep_to_the_newest() -> None:
    numbers = np.random.default_rng(1).permutation(1000).tolist()
    games = GameBatch.from_records([record(number) for number in numbers])
    chosen = {name: set(games.number[mask].tolist()) for name, mask in choose(games, 1000).items()}
    assert {name: len(found) for name, found in chosen.items()} == {LEAST: 5, "10 %": 50, ALL: 500, FIRST: 5}
    assert chosen[LEAST] < chosen["10 %"] < chosen[ALL] == set(range(500, 1000))
    assert chosen[FIRST] == set(range(5))
    in_order = GameBatch.from_records([record(number) for number in range(1000)])
    again = {name: set(in_order.number[mask].tolist()) for name, mask in choose(in_order, 1000).items()}
    assert again == chosen, "whatever order the store has them in"
    assert chosen[LEAST] != set(range(995, 1000)), "not the last ones, but some of all"
    few = choose(GameBatch.from_records([record(3), record(4)]), 1)
    assert {name: mask.tolist() for name, mask in few.items()} == {
        **{name: [False, True] for name in (LEAST, "10 %", ALL)},
        FIRST: [True, False],
    }


def test_games_are_charged_by_what_was_searched_for_them() -> None:
    games = GameBatch.from_records([record(0, 2, 30, "a"), record(1, 3, 30, "b"), record(2, 5, 50, "b")])
    arm = games.select(np.array([False, True, False]))
    assert generations(games) == 2
    assert generations(arm) == 1
    assert charge(GAME, CARD, games, arm, 1) == {"evaluations": 1000 * 90 / 400, "moves": 3, "solver nodes": 0}
    assert charge(GAME, CARD, games, games, 1) == {"evaluations": 1000, "moves": 10, "solver nodes": 0}


def test_what_the_solver_gave_up_follows_from_its_rule() -> None:
    searched = GameBatch.from_records([record(number, rows=1) for number in range(40)])
    card = {**CARD, "config": {"proof_nodes": 100, "late_effort": 1.0}}
    given_up = charge(GAME, card, searched, searched, 1)["solver nodes"]
    assert given_up == 40 / RARELY * 100, "none was solved: one in RARELY was tried, for all its nodes"
    late = charge(GAME, {**card, "config": {"proof_nodes": 100, "late_effort": 4.0}}, searched, searched, 1)
    assert late["solver nodes"] > 1.5 * given_up, "from once to four times the nodes, as the run goes on"
    solved = GameBatch.from_records([record(number, rows=6, simulations=0) for number in range(40)])
    exact = charge(GAME, {**card, "config": {"proof_nodes": 10**6, "late_effort": 1.0}}, solved, solved, 1)
    assert 0 < exact["solver nodes"] < 40 * 6 * 10**4, "all was solved: what that takes, not what it may"


def test_playouts_are_as_long_as_the_game_can_be() -> None:
    last = [label for label in solved_labels(GAME) if label.position.ply == 8]
    assert playout_plies(last, 1) == 1
    first = [label for label in solved_labels(GAME) if label.position.ply == 0] * 500
    games = {5: 1440, 6: 5328, 7: 47_952, 8: 72_576, 9: 127_872}  # of tic-tac-toe, by their length
    mean = sum(plies * count / math.perm(9, plies) for plies, count in games.items())
    assert playout_plies(first, 1) == pytest.approx(mean, abs=0.15)


@pytest.mark.parametrize(("right", "own", "moves"), [(60, 0, 25.0), (60, 40, 50.0), (60, 90, math.inf), (99, 0, 0.0)])
def test_plies_buy_moves_of_search_where_it_is_as_accurate(right: int, own: float, moves: float) -> None:
    """Search is right in 60 of 100 from 16 play-outs of 5 plies on, which are 80 plies."""
    search = np.array([np.arange(100) < (60 if budget >= 16 else 20) for budget in BUDGETS])
    mine = np.array([np.arange(100) < right] * 3)
    found = moves_bought(2000, 5, own, search, mine, 1)
    assert found.value == pytest.approx(moves)
    assert found.low <= found.value <= found.high


def fake_run(folder: Path) -> None:
    """A run of one net of random weights, as train.py would leave it."""
    net = NetConfig.parse("mlp:16")
    model = build(net, GAME, seed=1)
    config = TrainConfig(**{**asdict(default_config(GAME)), "games_per_actor": 32, "simulations": 16})
    actor = Actor(GAME, config, TorchEvaluator(model))
    store = Store(folder / "games", GAME.rules_id, writable=True)
    store.append(actor.play(1000))
    store.flush()
    card = {"config": asdict(config), "evaluations": actor.evaluations, "core_minutes": 0.5}
    save_model(folder / "model.safetensors", model, net, GAME, card)


@pytest.mark.slow
def test_a_small_run_repeats_and_charges_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SIZES", {1: (2, 60)})
    monkeypatch.setattr(data, "BUDGETS", [2, 16])
    fake_run(tmp_path / "run")
    labels = [label for label in known_labels(GAME) if label.decisive][:100]
    lab = Lab(GAME, labels, [], tmp_path / "home", 1, tmp_path / "run", 10)
    try:
        found = data.run(lab)
        nets = {path: path.stat().st_mtime_ns for path in (tmp_path / "home" / "nets").iterdir()}
        again = data.run(lab)
    finally:
        lab.close()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "home" / "nets").iterdir()} == nets
    assert len(nets) == 4 * 2
    assert again == found
    counted = found.counted
    assert counted["n"] == len(labels)
    assert set(counted["generations"].values()) == {1}
    games = read_games(tmp_path / "run" / "games", GAME)
    assert counted["positions"][ALL] == games.positions
    assert counted["plies"][ALL]["moves"] == len(games.actions)
    assert counted["accuracy"][f"{ALL}, hybrid"]["value"] > counted["accuracy"][f"{ALL}, net"]["value"]
    assert counted["accuracy"][f"{ALL}, net"]["value"] > lab.chance
    assert found.timed["core_seconds_of_games"][ALL] == 30
    assert not found.enough


def test_a_run_that_does_not_say_what_it_cost_is_refused(tmp_path: Path) -> None:
    net = NetConfig.parse("mlp:16")
    run = tmp_path / "run"
    run.mkdir()
    save_model(run / "model.safetensors", build(net, GAME, seed=1), net, GAME, {})
    lab = Lab(GAME, known_labels(GAME)[:10], [], tmp_path / "home", 1, run, 10)
    try:
        with pytest.raises(TandemError, match="does not say what it cost"):
            data.run(lab)
    finally:
        lab.close()
