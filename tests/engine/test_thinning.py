"""A tree that is full gives up the lines least visited, and the search goes on as well as before."""

import numpy as np
import pytest

from engine.kernels import kernels
from engine.lockstep import Lockstep
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from engine.tree import NODE
from games.loader import load
from selfplay.labels import known_labels
from tests.engine.helpers import FakeNet, kernel_net, lines_of, searcher, tree_of

GAME = load("connect4")
SETTINGS = [{"mode": "search"}, {"mode": "hybrid"}, {"mode": "hybrid", "leaves": 8}, {"mode": "hybrid", "threads": 2}]


VISITS, CHILDREN = 0, 6  # of what lines_of tells of a node


@pytest.mark.parametrize("room", [1, 1.9, 2.1, 40])
def test_the_most_visited_nodes_keep_their_children(room):
    search = searcher(GAME, "search", early_stop=False)
    search.run(Position(GAME), simulations=4000)
    before = tree_of(search)
    tree, out = (np.empty(int(len(before) * room), NODE) for _ in range(2))
    tree[: len(before)] = before
    used = int(kernels(GAME).thin(tree, len(before), out))
    assert 8 < used <= len(tree) / 2
    old, new = lines_of(before), lines_of(out[:used])
    assert {line for line in old if len(line) < 2} <= set(new) <= set(old)
    for line, node in new.items():
        assert [x for i, x in enumerate(node) if i != CHILDREN] == [x for i, x in enumerate(old[line]) if i != CHILDREN]
        assert node[CHILDREN] in (0, old[line][CHILDREN])
    given_up = [node[VISITS] for line, node in new.items() if node[CHILDREN] < old[line][CHILDREN]]
    kept = [node[VISITS] for line, node in new.items() if line and node[CHILDREN]]
    assert max(given_up, default=0) < min(kept)
    assert bool(given_up) == (room < 2)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_small_tree_goes_on_searching(settings):
    """Simulations run to the last, in a tree that is filled some forty times over, and lines stay long."""
    search = searcher(GAME, **settings, memory=200_000, early_stop=False, solve=False)
    result = search.run(Position(GAME), simulations=20_000)
    assert result.simulations == 20_000
    assert result.visits.sum() >= 20_000 - len(search.trees)
    assert len(result.pv) > 3
    for i, tree in enumerate(search.trees):
        nodes = tree_of(search, i)
        assert len(nodes) <= tree.nodes.shape[1]
        for x in nodes:
            assert abs(x["value"]) <= x["visits"] + 1e-6
        lines_of(nodes)


def test_a_kernel_net_in_a_small_tree():
    search = Search(GAME, Settings("hybrid", memory=200_000, early_stop=False, solve=False), kernel_net(GAME))
    result = search.run(Position(GAME), simulations=20_000)
    assert result.simulations == result.visits.sum() + 1 == 20_000
    assert len(result.pv) > 3


def test_places_in_lockstep_are_thinned_too():
    settings = Settings("hybrid", memory=200_000, early_stop=False, solve=False)
    places = Lockstep(GAME, settings, FakeNet(GAME), 3, 5_000)
    for place in range(3):
        places.enter(place, Position.from_moves(GAME, ["4"] * place), 5_000)
    while places.searching.any():
        places.step()
    for place in range(3):
        result = places.result(place)
        assert result.simulations == result.visits.sum() + 1 == 5_000
        assert len(result.pv) > 2


def test_a_small_tree_finds_what_a_large_one_finds():
    """Of positions of known value, as many answered rightly, and proven, in a fiftieth of the memory that they take."""
    right = {}
    labels = [label for label in known_labels(GAME) if label.position.ply >= 20][:40]
    for memory in (256 << 20, 400_000):
        answers = []
        for label in labels:
            search = searcher(GAME, "search", memory=memory)
            answers.append(label.values[search.run(label.position, simulations=40_000).action])
        right[memory] = sum(a == max(label.values.values()) for a, label in zip(answers, labels, strict=True))
    assert right[400_000] >= right[256 << 20] - 2
    assert right[400_000] >= 36


@pytest.mark.parametrize("mode", ["search", "hybrid"])
def test_what_is_warmed_up_compiles_no_more(mode):
    """On a board of its own, whose kernels nobody else has compiled in this process."""
    game = load("connect4:rows=5,columns=4,connect=3")
    search = searcher(game, mode, memory=20_000, early_stop=False)
    search.warm_up(Position(game))
    kernels_of = {name: k for name, k in vars(search.kernels).items() if k is not None}
    before = {name: len(k.signatures) for name, k in kernels_of.items()}
    position = Position(game)
    for _ in range(3):
        position.play(search.run(position, simulations=2_000).action)
    assert {name: len(k.signatures) for name, k in kernels_of.items()} == before
