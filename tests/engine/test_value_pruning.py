"""Value pruning: what looks much worse than its best sibling is visited once per doubling of the visits above it."""

import random

import numpy as np
import pytest

from engine import tree as t
from engine.search import Search
from engine.settings import Settings
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


@pytest.mark.parametrize("visits", [1, 6, 7, 8])
@pytest.mark.parametrize("gap", [0.2, 0.4])
@pytest.mark.parametrize("pruning", [0.0, 0.3])
def test_what_looks_worse_is_visited_once_per_doubling(visits, gap, pruning):
    """A parent of 100 visits, so seven doublings; the worse child's prior is so high that PUCT alone would visit it."""
    nodes = np.zeros(3, t.NODE)
    tree, o = nodes.view(np.recarray), np.zeros(1, t.OPTIONS).view(np.recarray)
    for node in tree:
        t.reset(node)
    tree[0].visits, tree[0].first_child, tree[0].child_count = 100, 1, 2
    for child, prior, n, q in ((tree[1], 0.01, 90, 0.5), (tree[2], 0.99, visits, 0.5 - gap)):
        child.visits, child.value, child.prior = n, n * q, prior
        t.refresh(child)
    o[0].c_puct, o[0].value_pruning = 5, pruning
    cut = pruning > 0 and gap > pruning and visits >= 7
    assert t.select_child(tree, 0, o[0]) == (1 if cut else 2)


def test_it_goes_by_a_net():
    game = load("connect4")
    with pytest.raises(TandemError, match="value_pruning goes by a net's values; mode search has value=rollout"):
        Search(game, Settings("search", value_pruning=0.5))
    with pytest.raises(TandemError, match="value_pruning must be 0 or more"):
        Search(game, Settings("hybrid", value_pruning=-1), FakeNet(game))
