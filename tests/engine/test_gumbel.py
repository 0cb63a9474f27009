"""Gumbel root search against the paper's formulas, written anew in plain numpy, and against brute force."""

import random

import numpy as np
import pytest

from engine import gumbel
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from engine.tree import NODE
from games.errors import TandemError
from games.loader import load
from games.rng import Random
from tests.engine.helpers import (
    SMALL,
    FakeNet,
    kernel_net,
    oracle,
    random_position,
    searcher,
    tictactoe_positions,
    tree_of,
)


def schedule(considered, budget):
    """Visits that the next move has had, simulation by simulation: sequential halving as published code lists it."""
    if considered <= 1:
        return list(range(budget))
    phases, visits, due, moves = int(np.ceil(np.log2(considered))), [0] * considered, [], considered
    while len(due) < budget:
        for _ in range(max(1, budget // (phases * moves))):
            due += visits[:moves]
            visits = [n + 1 for n in visits[:moves]] + visits[moves:]
        moves = max(2, moves // 2)
    return due[:budget]


@pytest.mark.parametrize("considered", [1, 2, 3, 4, 7, 16, 31])
@pytest.mark.parametrize("budget", [1, 2, 7, 16, 100, 399])
def test_the_schedule_is_sequential_halving(considered, budget):
    assert [gumbel.visits_due(considered, budget, i) for i in range(budget)] == schedule(considered, budget)


def some_children(draw, n):
    children = np.zeros(n, NODE)
    children["lower"], children["upper"] = -1, 1
    children["prior"] = draw.dirichlet(np.ones(n))
    children["visits"] = draw.integers(0, 9, n)
    children["value"] = draw.uniform(-1, 1, n) * children["visits"]
    return children


@pytest.mark.parametrize("seed", range(30))
def test_the_improved_policy_is_the_paper_s(seed):
    draw = np.random.default_rng(seed)
    n, scale = int(draw.integers(1, 9)), draw.choice([0.1, 1.0])
    children = some_children(draw, n)
    prior, visits = children["prior"].astype(float), children["visits"]
    seen = visits > 0
    q = np.where(seen, children["value"] / np.maximum(visits, 1), 0.0)
    filled = (prior * q)[seen].sum() / prior[seen].sum() if seen.any() else 0.0
    logits = np.log(prior) + (50 + visits.max()) * scale * np.where(seen, q, filled) / 2
    want = np.exp(logits - logits.max())
    out = np.zeros(n)
    gumbel.improved_policy(children.view(np.recarray), 0.0, scale, out)
    assert out == pytest.approx(want / want.sum(), abs=1e-5)
    compiled = np.zeros(n)
    searcher(load("connect4"), "hybrid").kernels.improved_policy(children, 0.0, scale, compiled)
    assert compiled == pytest.approx(out)


@pytest.mark.parametrize(
    ("proofs", "shares"),
    [
        ([(1, 1, 5), (1, 1, 3), (-1, 1, 0)], [0, 1, 0]),  # the soonest win
        ([(-1, -1, 2), (-1, -1, 4), (-1, -1, 2)], [0, 1, 0]),  # the latest loss
        ([(-1, -1, 2), (0, 0, 4), (-1, 0, 0)], [0, 1, 0]),  # a draw rather than what is lost or no better
    ],
)
def test_proofs_rule(proofs, shares):
    children = some_children(np.random.default_rng(1), 3)
    children["visits"], children["value"] = 5, -1.0
    for child, (lower, upper, plies) in zip(children, proofs, strict=True):
        child["lower"], child["upper"], child["plies"] = lower, upper, plies
    out = np.zeros(3)
    gumbel.improved_policy(children.view(np.recarray), 0.0, 0.25, out)
    assert out.tolist() == shares


@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize("simulations", [2, 9, 50, 333])
def test_visits_follow_the_schedule(kernel, simulations):
    """Each position in fresh ground: as many children with as many visits as the halving leaves."""
    game, choose = load("connect4"), random.Random(simulations)
    net = kernel_net(game) if kernel else FakeNet(game, 5)
    for _ in range(10):
        position = random_position(game, choose, 4)
        search = Search(game, Settings("hybrid", memory=SMALL, root="gumbel", solve=False), net)
        result = search.run(position, simulations=simulations)
        visits = np.zeros(len(result.actions), int)
        for due in schedule(len(visits), simulations - 1):
            visits[np.flatnonzero(visits == due)[0]] += 1
        assert sorted(result.visits) == sorted(visits)
        # Of the moves that were visited most, the one that the improved policy holds best.
        most = result.visits == result.visits.max()
        assert result.policy[result.actions == result.action] == result.policy[most].max()


def test_a_kept_tree_halves_this_move_s_visits_alone():
    game = load("connect4")
    search = searcher(game, "hybrid", root="gumbel", solve=False, considered=4)
    first = search.run(Position(game), simulations=200)
    reply = int(tree_of(search)["action"][1])
    position = Position(game)
    position.play(first.action)
    position.play(reply)
    search.start(position)
    carried = {int(c["action"]): int(c["visits"]) for c in search.trees[0].children()}
    result = search.run(position, simulations=64)
    fresh = sorted(int(v) - carried.get(int(a), 0) for a, v in zip(result.actions, result.visits, strict=True))
    visits = np.zeros(7, int)
    for due in schedule(4, 64 - (not carried)):
        visits[np.flatnonzero(visits[:4] == due)[0]] += 1
    assert fresh == sorted(visits[: len(fresh)])


def test_it_never_gives_a_proven_result_away():
    """Tic-tac-toe with a net that knows nothing: 400 simulations prove most positions, and then the move is right."""
    game, proven = load("tictactoe"), 0
    for board in tictactoe_positions()[::25]:
        position = Position.from_text(game, board)
        result = searcher(game, "hybrid", root="gumbel").run(position, simulations=400)
        if result.proven is None:
            continue
        proven += 1
        value, _ = oracle(position)
        assert result.proven == value
        position.play(result.action)
        assert -oracle(position)[0] == value
    assert proven > 100


def test_noise_is_gumbel():
    """Mean Euler's constant, variance pi^2 / 6; none where a search is not to explore."""
    game = load("connect4")
    brackets, nodes = np.zeros(1, gumbel.bracket_type(game)), np.zeros(9, NODE).view(np.recarray)
    nodes[0].first_child = -1
    rng, drawn = Random(3).state, []
    with np.errstate(over="ignore"):
        for _ in range(2000):
            gumbel.open_bracket(brackets.view(np.recarray)[0], nodes, 8, 16, 0.1, True, rng)
            drawn.append(brackets["noise"][0].copy())
        assert np.mean(drawn) == pytest.approx(0.5772, abs=0.04)
        assert np.var(drawn) == pytest.approx(np.pi**2 / 6, abs=0.08)
        gumbel.open_bracket(brackets.view(np.recarray)[0], nodes, 8, 16, 0.1, False, rng)
    assert not brackets["noise"].any()


def test_other_roots_are_refused():
    with pytest.raises(TandemError, match="unknown root 'ucb': it is one of puct, gumbel"):
        Settings(root="ucb")
