"""Exact search inside searches with a net: what it settles is true, where it settles nothing it is tried less often."""

import random

import numpy as np
import pytest

from engine.exact import Exact
from engine.leafproofs import due, tried
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from selfplay.labels import labelled_file, read_labels
from tests.engine.helpers import SMALL, FakeNet, kernel_net, random_position


def hybrid(game, net=None, **settings):
    """A search with a net that knows nothing."""
    return Search(game, Settings("hybrid", memory=SMALL, **settings), net or kernel_net(game))


@pytest.mark.parametrize("name", ["connect4", "othello"])
def test_endings_are_right_whatever_the_net_says(name):
    game = load(name)
    labels = sorted(read_labels(game, labelled_file(game)), key=lambda label: label.position.ply)
    search = hybrid(game, proof_nodes=20_000)
    for label in labels[-60:]:
        result = search.run(label.position, simulations=2)
        assert label.values[result.action] == label.best == result.proven


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_proven_is_true(wrapped):
    """Of the root and each of its moves; who is better has won by the end that is named, or sooner."""
    game, choose = load("connect4:rows=5,columns=5"), random.Random(3)
    exact, net = Exact(game), FakeNet(game) if wrapped else None
    seen = 0
    for _ in range(150):
        position = random_position(game, choose, 14)
        search = hybrid(game, net, proof_nodes=100)
        result = search.run(position, simulations=30)
        truth = exact.moves(position)
        for action, proof in zip(result.actions, result.proofs, strict=True):
            if not np.isnan(proof):
                assert proof == truth[action].value
                seen += 1
        if result.proven:
            best = [solution.plies for solution in truth.values() if solution.value == result.proven]
            assert result.plies >= (min(best) if result.proven > 0 else max(best))
    assert seen > 60


def test_without_them_the_net_is_asked_more_often():
    game = load("connect4")
    positions = [x.position for x in read_labels(game, labelled_file(game)) if 20 <= x.position.ply < 26][:30]
    asked = [sum(hybrid(game, proof_nodes=n).run(p, simulations=200).evaluations for p in positions) for n in (0, 1000)]
    assert asked[1] < asked[0] / 2


def test_a_search_does_not_depend_on_those_before_it():
    game, choose = load("connect4"), random.Random(9)
    positions = [random_position(game, choose, 24) for _ in range(6)]
    again = hybrid(game)
    for position in positions:
        again.position = None
        a, b = (s.run(position, simulations=300) for s in (again, hybrid(game)))
        assert a.visits.tolist() == b.visits.tolist()
        assert (a.action, a.proven, a.plies) == (b.action, b.proven, b.plies)


def test_tries_that_fail_grow_rare_and_one_that_settles_brings_them_back():
    untried, asked = np.zeros(2, np.int64), []
    for leaf in range(100):
        if due(untried):
            asked.append(leaf)
            tried(untried, leaf > 60)
    assert asked[:4] == [0, 5, 14, 31]  # after 4, 8 and 16 that were passed over
    assert asked[4:] == list(range(64, 100))


def test_the_game_says_how_much_and_the_player_may_say_otherwise():
    for name, nodes in (("connect4", 1000), ("hex", 0), ("chess", 0)):
        game = load(name)
        assert game.proof_nodes == nodes
        assert Search(game, Settings("hybrid"), FakeNet(game)).options["proof_nodes"] == nodes
    game = load("hex")
    assert Search(game, Settings("hybrid", proof_nodes=50), FakeNet(game)).options["proof_nodes"] == 50
    for mode in ("net", "value"):
        assert Search(load("connect4"), Settings(mode), FakeNet(load("connect4"))).options["proof_nodes"] == 0


@pytest.mark.parametrize(("name", "mode"), [("chess", "hybrid"), ("connect4", "search"), ("connect4", "net")])
def test_refused_where_exact_search_cannot_serve(name, mode):
    game = load(name)
    with pytest.raises(TandemError, match="proof_nodes"):
        Search(game, Settings(mode, proof_nodes=10), FakeNet(game))
    with pytest.raises(TandemError, match="proof_nodes"):
        Settings(proof_nodes=-1)


def test_a_win_is_not_lost_with_less_search_than_found_it():
    game, choose = load("connect4"), random.Random(11)
    won = 0
    while won < 12:
        position = random_position(game, choose, 28)
        search = hybrid(game)
        if search.run(position, simulations=800).proven != 1:
            continue
        winner = position.ply % 2
        while position.playable:
            if position.ply % 2 == winner:
                position.play(search.run(position, simulations=10).action)
            else:
                position.play(choose.choice(position.legal()))
        assert position.outcome() == (-1 if position.ply % 2 != winner else 1)
        won += 1
