"""What holds in every tree: visits add up, sums stay bounded, nothing is left under way, probabilities sum to one."""

import random

import numpy as np
import pytest

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from engine.tree import PENDING, UNEXPANDED
from games.loader import load
from tests.engine.helpers import OTHERS, SMALL, FakeNet, after, ask, lines_of, random_position, searcher, tree_of

SMALL4 = "connect4:rows=4,columns=4,connect=3"
COMBINATIONS = [
    {"mode": "search"},
    {"mode": "search", "solve": False},
    {"mode": "search", "prior": "net"},
    {"mode": "hybrid"},
    {"mode": "hybrid", "solve": False},
    {"mode": "hybrid", "leaves": 8},
    {"mode": "hybrid", "leaves": 8, "solve": False},
    {"mode": "hybrid", "prior": "uniform"},
    {"mode": "hybrid", "value": "rollout", "leaves": 4},
    {"mode": "hybrid", "draw_value": 0.5, "leaves": 3},
    {"mode": "auto", "threshold": 1},
]


def hold(nodes, net_leaf, solve):
    """Every invariant of one tree without reuse."""
    for i, x in enumerate(nodes):
        first, count, visits = int(x["first_child"]), int(x["child_count"]), int(x["visits"])
        assert first != PENDING
        assert first == UNEXPANDED or 0 < first <= len(nodes) - count
        assert abs(x["value"]) <= visits + 1e-6, "a virtual loss was left, or a value is no utility"
        assert -1e-6 <= x["draws"] <= visits + 1e-6
        assert -1 <= x["lower"] <= x["upper"] <= 1
        assert solve or (x["lower"], x["upper"]) == (-1, 1)
        if visits:
            assert x["q"] == np.float32(x["value"]) / np.float32(visits)
            assert x["u"] == x["prior"] / np.float32(1 + visits)
        if first < 0:
            continue
        children = nodes[first : first + count]
        assert children["prior"].sum() == pytest.approx(1, abs=1e-5)
        assert len(set(children["action"].tolist())) == count
        # One visit valued the node itself before it had children, but a play-out search expands its root at once.
        own = 1 if net_leaf or i else 0
        if not (i == 0 and x["lower"] == x["upper"]):
            assert visits == own + children["visits"].sum()
        if not solve:
            rest = float(x["value"]) + children["value"].sum()
            assert abs(rest) <= own + 1e-5, "values change sign from node to child and add up"
            assert -1e-5 <= float(x["draws"]) - children["draws"].sum() <= own + 1e-5


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
@pytest.mark.parametrize("name", ["tictactoe", SMALL4, *OTHERS])
def test_trees(name, settings):
    game, choose = load(name), random.Random(5)
    for seed in range(12):
        search = searcher(game, **settings, seed=seed, early_stop=False)
        position, simulations = random_position(game, choose, 5), choose.choice([1, 2, 7, 50, 400])
        result = search.run(position, simulations=simulations)
        nodes = tree_of(search)
        net_leaf = search.evaluator is not None
        hold(nodes, net_leaf, settings.get("solve", True))
        assert result.simulations == simulations == nodes[0]["visits"]
        first = int(nodes[0]["first_child"])
        assert result.visits.sum() == nodes[first : first + len(result.visits)]["visits"].sum()
        assert sum(result.wdl) == pytest.approx(1, abs=1e-6)
        assert all(-1e-6 <= p <= 1 + 1e-6 for p in result.wdl)
        assert result.value == pytest.approx(result.wdl[0] - result.wdl[2])
        assert result.policy.sum() == pytest.approx(1)
        assert (result.policy >= 0).all()
        seen = ~np.isnan(result.q)
        assert (np.abs(result.q[seen]) <= 1 + 1e-6).all()
        assert (seen == ((result.visits > 0) | ~np.isnan(result.proofs))).all()
        assert result.evaluations == (search.evaluator.rows if net_leaf else 0)
        if result.proven is None:
            draw_value = settings.get("draw_value", 0)
            utility = -nodes[0]["value"] / nodes[0]["visits"]
            assert utility == pytest.approx(result.value + draw_value * result.wdl[1], abs=1e-6)


def test_eight_leaves_fill_batches():
    """Batches are larger than one: otherwise nothing above tests what is under way."""
    game = load("connect4")
    sizes = []

    class Counting(FakeNet):
        def evaluate(self, planes, logits, wdl):
            sizes.append(len(planes))
            super().evaluate(planes, logits, wdl)

    search = searcher(game, "hybrid", leaves=8, early_stop=False)
    search.evaluator = Counting(game)
    search.run(Position(game), simulations=400)
    assert max(sizes) == 8
    assert np.mean(sizes) > 4
    hold(tree_of(search), True, True)


@pytest.mark.parametrize("mode", ["search", "hybrid"])
@pytest.mark.parametrize("solve", [True, False])
def test_signs_after_backup(mode, solve):
    """An immediate win is +1 for its mover, seen at the root and at the child; one ply earlier it is a loss."""
    game = load("tictactoe")
    search = searcher(game, mode, solve=solve, early_stop=False)
    result = search.run(Position.from_text(game, "xx.oo...."), simulations=300)
    assert result.move == "c1"
    assert result.q[result.actions.tolist().index(2)] == 1
    assert result.value > 0.7
    nodes = tree_of(search)
    assert nodes[0]["value"] < 0 < nodes[1:6]["value"].max()
    # o to move; x threatens c1 and a3 at once, and o has no line of its own.
    lost = searcher(game, mode, solve=solve, early_stop=False).run(
        Position.from_text(game, "xx.xo...o"), simulations=2000
    )
    assert lost.value < -0.5
    assert lost.proven == (-1 if solve else None)


def test_an_expanded_child_holds_the_nets_view_of_it():
    """Root and children after one visit each are exactly the net's values, with the sign of their mover."""
    game = load("connect4")
    net, position = FakeNet(game), Position.from_moves(game, ["4", "4", "3"])
    search = searcher(game, "value")
    search.run(position)
    nodes = tree_of(search)
    wdl = ask(net, game, position)[1]
    own = float(nodes[0]["value"] + sum(nodes[1:8]["value"]))
    assert own == pytest.approx(wdl[2] - wdl[0], abs=1e-6)
    assert nodes[1:8]["visits"].tolist() == [1] * 7
    for child in nodes[1:8]:
        wdl = ask(net, game, after(position, int(child["action"])))[1]
        assert child["value"] == pytest.approx(wdl[2] - wdl[0], abs=1e-6)
        assert child["draws"] == pytest.approx(wdl[1], abs=1e-6)


@pytest.mark.parametrize("mode", ["search", "hybrid"])
def test_priors_are_the_softmax_over_legal_moves(mode):
    game = load("connect4")
    position = Position.from_text(game, "xoxoxo/x/o/xoxoxo///")
    result = searcher(game, mode).run(position, simulations=1)
    assert result.actions.tolist() == [1, 2, 4, 5, 6]
    logits = ask(FakeNet(game), game, position)[0][result.actions].astype(float)
    expected = np.exp(logits) / np.exp(logits).sum() if mode == "hybrid" else np.full(5, 0.2)
    assert result.prior == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("settings", [{"mode": "search"}, {"mode": "hybrid"}, {"mode": "hybrid", "leaves": 8}], ids=str)
def test_a_full_arena_still_answers(settings):
    game = load("connect4")
    search = searcher(game, **settings, memory=1)
    position = Position(game)
    nodes = search.trees[0].nodes.shape[1]
    assert nodes < 30
    while not position.ended:
        result = search.run(position, simulations=300)
        assert int(search.trees[0].used[0]) <= nodes
        assert result.simulations > 0 or result.proven is not None
        lines_of(search.trees[0].nodes[0])
        position.play(result.action)
    assert position.ply >= 7


class Stubborn:
    """Gives all its policy to column 1 for x, to column 4 for o."""

    net_id = "stubborn"

    def __init__(self, weight):
        self.weight = weight

    def evaluate(self, planes, logits, wdl):
        x_moves = planes[:, 0].sum(axis=(1, 2)) == planes[:, 1].sum(axis=(1, 2))
        logits[:] = 0
        logits[x_moves, 0] = logits[~x_moves, 3] = self.weight
        wdl[:] = (0.4, 0.3, 0.3)


@pytest.mark.parametrize("weight", [30, 300])
def test_a_proven_loss_is_not_preferred_to_moves_never_visited(weight):
    """x must stop three in column 4; the net would only ever try column 1, and is shown to lose by it."""
    game = load("connect4")
    search = Search(game, Settings("hybrid", memory=SMALL, look_ahead=False, proof_nodes=0), Stubborn(weight))
    result = search.run(Position.from_moves(game, list("142474")), simulations=3)
    assert result.proofs[0] == -1
    assert result.visits.tolist() == [2, 0, 0, 0, 0, 0, 0]
    assert result.policy[0] == 0
    assert result.policy.sum() == pytest.approx(1)
    assert result.action != 0
