"""Proofs against brute force: never wrong at any budget, found where the budget allows, and played out."""

import random

import numpy as np
import pytest

from engine.position import Position
from games.loader import load
from tests.engine.helpers import after, oracle, random_position, searcher, tictactoe_positions

GAMES = ["tictactoe", "connect4:rows=4,columns=4,connect=3"]
TREES = ["search", "hybrid", "auto"]


def hold_against_oracle(result, position):
    """Whatever is claimed as proven is so; distances are never shorter than best play's, and possible."""
    left = position.game.max_plies - position.ply
    value, distance = oracle(position)
    assert result.action in position.legal()
    assert result.actions.tolist() == sorted(position.legal())
    if result.proven is not None:
        assert result.proven == value
        assert distance <= result.plies <= left or (value == 0 and 0 < result.plies <= left)
        assert result.wdl == tuple(float(value == v) for v in (1, 0, -1))
        assert -oracle(after(position, result.action))[0] == value, "the move must keep what is proven"
    for action, proof in zip(result.actions, result.proofs, strict=True):
        if not np.isnan(proof):
            assert proof == -oracle(after(position, int(action)))[0]


def test_search_proves_tic_tac_toe():
    """300 positions, spread over all reachable ones: the right outcome each time, and for wins the exact distance."""
    game = load("tictactoe")
    positions = tictactoe_positions()
    assert len(positions) == 4520
    search = searcher(game, early_stop=False, reuse=False)
    for text in random.Random(1).sample(positions, 300):
        position = Position.from_text(game, text)
        result = search.run(position, simulations=20_000)
        assert result.proven == oracle(position)[0], text
        hold_against_oracle(result, position)


@pytest.mark.parametrize("name", GAMES)
def test_search_proves_the_start(name):
    game = load(name)
    result = searcher(game, early_stop=False, memory=64 << 20).run(Position(game), simulations=400_000)
    assert result.proven == oracle(Position(game))[0]
    hold_against_oracle(result, Position(game))


@pytest.mark.parametrize("leaves", [1, 8])
@pytest.mark.parametrize("mode", ["search", "net", "value", "hybrid", "auto"])
@pytest.mark.parametrize("name", GAMES)
def test_no_wrong_proof_at_any_budget(name, mode, leaves):
    game, choose = load(name), random.Random(f"{name}{mode}{leaves}")
    proven = 0
    for seed in range(60 if mode == "search" else 25):
        search = searcher(game, mode, seed, leaves=leaves, early_stop=choose.random() < 0.5, threshold=0.9)
        position = random_position(game, choose, 6)
        result = search.run(position, simulations=choose.randint(1, 200))
        hold_against_oracle(result, position)
        proven += result.proven is not None
    assert proven > 0 or mode == "net"


@pytest.mark.parametrize("mode", ["search", "hybrid"])
@pytest.mark.parametrize("name", GAMES)
def test_a_proven_win_is_finished_in_time(name, mode):
    """Against the longest resistance, in no more plies than were claimed; a proven loss holds out as long as it can."""
    game, choose = load(name), random.Random(7)
    finished = 0
    for seed in range(200):
        position = random_position(game, choose, 5)
        search = searcher(game, mode, seed)
        result = search.run(position, simulations=500)
        if result.proven != 1:
            continue
        claimed, plies = result.plies, 0
        while not position.ended:
            if plies % 2 == 0:
                action = search.run(position, simulations=50).action
            else:
                action = max(position.legal(), key=lambda a: oracle(after(position, a))[1] + choose.random())
            position.play(action)
            plies += 1
        assert plies <= claimed
        assert position.outcome() == -1
        finished += 1
        if finished == 15:
            return
    pytest.fail(f"only {finished} proven wins to finish")


@pytest.mark.parametrize("name", GAMES)
def test_the_variation_of_a_proof_leads_to_its_end(name):
    game, choose = load(name), random.Random(3)
    seen = set()
    for seed in range(40):
        position = random_position(game, choose, 6)
        result = searcher(game, "search", seed, early_stop=False).run(position, simulations=3000)
        if result.proven is None:
            continue
        assert result.pv[0] == result.move
        line = position.copy()
        for move in result.pv:
            line.play_text(move)
        assert line.ended == "rules"
        assert line.outcome() * (-1) ** len(result.pv) == result.proven
        assert len(result.pv) == result.plies
        seen.add(result.proven)
    assert seen == ({1, 0, -1} if name == "tictactoe" else {1, -1} | seen)


@pytest.mark.parametrize("mode", TREES)
def test_two_threads_merge_true_proofs(mode):
    game, choose = load("tictactoe"), random.Random(11)
    for seed in range(20):
        search = searcher(game, mode, seed, threads=2, early_stop=False, threshold=1)
        position = random_position(game, choose, 5)
        result = search.run(position, simulations=200)
        hold_against_oracle(result, position)
        roots = [int(tree.nodes[0, 0]["visits"]) for tree in search.trees]
        assert result.simulations == sum(roots) == 200
        assert result.visits.sum() <= 200
