"""Value pruning: what looks much worse than its best sibling is visited once per doubling, and no other move is."""

import random

import pytest

from engine.search import Search, Settings
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import FakeNet, lines_of, random_position, searcher, tree_of

QUIET = {"solve": False, "early_stop": False}


def test_beyond_any_difference_it_cuts_nothing():
    game, choose = load("connect4"), random.Random(1)
    for seed in range(5):
        position, trees = random_position(game, choose, 6), []
        for pruning in (0.0, 2.0):
            search = searcher(game, "hybrid", seed, value_pruning=pruning, **QUIET)
            search.run(position, simulations=300)
            trees.append(lines_of(tree_of(search)))
        assert trees[0] == trees[1]


@pytest.mark.parametrize("pruning", [0.1, 0.4])
def test_cut_moves_get_a_visit_for_each_doubling(pruning):
    game, choose, cut = load("connect4"), random.Random(2), 0
    for seed in range(10):
        search = searcher(game, "hybrid", seed, value_pruning=pruning, c_puct=4, **QUIET)
        search.run(random_position(game, choose, 6), simulations=500)
        tree = tree_of(search)
        for node in tree[tree["first_child"] >= 0]:
            children = tree[node["first_child"] : node["first_child"] + node["child_count"]]
            seen = children[children["visits"] > 0]
            for child in seen:
                # Q moves on, so only those that were below the bar from their first visit on are certain.
                if child["visits"] > int(node["visits"]).bit_length() + 1:
                    continue
                cut += child["q"] < seen["q"].max() - pruning
        saved = searcher(game, "hybrid", seed, c_puct=4, **QUIET)
        saved.run(search.position, simulations=500)
        worst = search.result().q.argmin()
        assert search.result().visits[worst] <= saved.result().visits[worst]
    assert cut > 50


def test_it_goes_by_a_net():
    game = load("connect4")
    with pytest.raises(TandemError, match="value_pruning goes by a net's values; mode search has value=rollout"):
        Search(game, Settings("search", value_pruning=0.5))
    with pytest.raises(TandemError, match="value_pruning must be 0 or more"):
        Search(game, Settings("hybrid", value_pruning=-1), FakeNet(game))
