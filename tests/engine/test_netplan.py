"""Searches by a kernel net inside the kernel, against gather and scatter around the same net."""

import random

import numpy as np
import pytest

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from tests.engine.helpers import OTHERS, SMALL, Outside, kernel_net, lines_of, random_position, tree_of
from tests.engine.test_repetition import TOY, game_of

SETTINGS = [
    {},
    {"draw_value": 0.3},
    {"draw_value": -0.7, "threads": 2},
    {"prior": "uniform"},
    {"value": "rollout"},
    {"solve": False},
    {"mode": "net"},
    {"mode": "auto", "threshold": 1.0},
    {"threads": 2},
    {"memory": 100_000},
]
VISITS, FLOATS = (0, 3, 4, 5, 6), (1, 2, 7, 8, 9)  # of the fields that lines_of reads


def searches(game, seed, **settings):
    """The same search, in one kernel and around it."""
    usual = {"mode": "hybrid", "seed": seed, "early_stop": False, "leaves": 1, "memory": SMALL}
    options = Settings(**{**usual, **settings})
    net = kernel_net(game, seed=seed)
    return Search(game, options, net), Search(game, options, Outside(net))


def hold_same(one, other):
    """Equal trees: shapes, visits and proofs exactly, values as nearly as float32 sums allow."""
    for i in range(len(one.trees)):
        a, b = (lines_of(tree_of(search, i)) for search in (one, other))
        assert {line: [x[k] for k in VISITS] for line, x in a.items()} == {
            line: [x[k] for k in VISITS] for line, x in b.items()
        }
        for line, x in a.items():
            assert [x[k] for k in FLOATS] == pytest.approx([b[line][k] for k in FLOATS], abs=1e-5)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["connect4", "tictactoe"])
def test_the_tree_is_that_of_gather_and_scatter(name, settings):
    game, choose = load(name), random.Random(1)
    for seed in range(6):
        position = random_position(game, choose, 20 if name == "connect4" else 5)
        one, other = searches(game, seed, **settings)
        a, b = (search.run(position, simulations=300) for search in (one, other))
        hold_same(one, other)
        assert (a.action, a.simulations, a.proven) == (b.action, b.simulations, b.proven)
        assert 0 < a.evaluations <= b.evaluations


@pytest.mark.parametrize("name", ["connect4", "tictactoe", *OTHERS])
def test_value_says_the_same(name):
    """Its children are evaluated in one batch around the kernel, so the root's own sums may differ by proofs."""
    game, choose = load(name), random.Random(3)
    for seed in range(10):
        position = random_position(game, choose, 20 if name == "connect4" else 5)
        a, b = (search.run(position) for search in searches(game, seed, mode="value", leaves=None))
        assert (a.action, a.visits.tolist(), a.proven) == (b.action, b.visits.tolist(), b.proven)
        assert a.q == pytest.approx(b.q, abs=1e-5, nan_ok=True)
        assert a.wdl == pytest.approx(b.wdl, abs=1e-5)


def test_trees_are_kept_and_grow_the_same():
    game = load("connect4")
    one, other = searches(game, 5)
    position = Position(game)
    for _ in range(6):
        results = [search.run(position, simulations=200) for search in (one, other)]
        hold_same(one, other)
        position.play(results[0].action)


def test_early_stop_keeps_the_move_and_saves():
    game, choose = load("connect4"), random.Random(2)
    ran = 0
    for seed in range(10):
        position = random_position(game, choose, 30)
        full, stopping = (searches(game, seed, early_stop=stop)[0].run(position, simulations=500) for stop in (0, 1))
        assert stopping.action == full.action
        assert stopping.proven == full.proven
        ran += stopping.simulations
    assert ran < 10 * 500


def test_what_was_said_is_not_asked_again_and_changes_nothing():
    game = load("connect4")
    net, results, trees = kernel_net(game), [], []
    for cache in (1, 1000, 32 << 20):
        search = Search(game, Settings(early_stop=False, cache=cache), net)
        results.append(search.run(Position(game), simulations=5000))
        trees.append(lines_of(tree_of(search)))
    assert trees[0] == trees[1] == trees[2]
    nothing, little, all_kept = (result.evaluations for result in results)
    assert nothing > little > 1.2 * all_kept


def test_room_grows_and_keeps():
    game, net = load("connect4"), kernel_net(load("connect4"))
    at_once, by_steps = (Search(game, Settings(early_stop=False), net) for _ in range(2))
    for search, steps in ((at_once, [4000]), (by_steps, [1, 9, 90, 900, 3000])):
        search.start(Position(game))
        for n in steps:
            search.advance(n)
        assert len(search.trees[0].cache.kept.keys) == 16384
    assert at_once.result().visits.tolist() == by_steps.result().visits.tolist()
    assert by_steps.result().evaluations < 1.1 * at_once.result().evaluations
    keys = by_steps.trees[0].cache.kept.keys
    kept = np.flatnonzero(keys)
    assert len(kept) > 0.8 * by_steps.result().evaluations
    assert not np.any(((keys[kept] >> np.uint64(1)) & np.uint64(len(keys) - 1)) // 2 - kept // 2)


def test_a_new_game_forgets():
    game = load("connect4")
    search = Search(game, Settings(early_stop=False), kernel_net(game))
    first = search.run(Position(game), simulations=600)
    search.position = None
    again = search.run(Position(game), simulations=600)
    assert again.evaluations == first.evaluations
    assert again.visits.tolist() == first.visits.tolist()
    further = search.run(Position.from_moves(game, [first.move]), simulations=600)
    assert further.evaluations < first.evaluations  # the subtree and its transpositions are known


EVAL_KEY = """
def eval_key(s):
    return np.uint64(s.mine | s.yours << 1 | s.second << 2)
"""


def test_repetitions_are_seen_and_positions_that_only_look_alike_kept_apart(tmp_path):
    """An encoding need not tell which moves are legal: the priors kept for one set must not serve another."""
    blind = TOY.replace("    out[1] = 1\n    return 2\n", "    out[1] = 1\n    return 1 if s.clock == 4 else 2\n")
    assert blind != TOY
    game = game_of(tmp_path, blind + EVAL_KEY, "blind")
    for seed, moves in enumerate(("", "ss", "ssssss")):
        one, other = searches(game, seed)
        for search in (one, other):
            search.run(Position.from_moves(game, list(moves)), simulations=200)
        hold_same(one, other)


def test_counted_budgets_repeat():
    game = load("connect4")
    for threads in (1, 2):
        runs = [
            Search(game, Settings(threads=threads, seed=4, memory=SMALL), kernel_net(game)).run(
                Position(game), simulations=700
            )
            for _ in range(2)
        ]
        assert runs[0].visits.tolist() == runs[1].visits.tolist()
        assert runs[0].evaluations == runs[1].evaluations


def test_a_clock_is_kept_in_chunks():
    game = load("connect4")
    result = Search(game, Settings(early_stop=False), kernel_net(game)).run(Position(game), seconds=0.1)
    assert result.simulations > 1000
    assert result.seconds < 0.2


def test_more_leaves_than_one_are_refused():
    with pytest.raises(TandemError, match="a kernel net evaluates one leaf at a time"):
        Search(load("tictactoe"), Settings(leaves=2), kernel_net(load("tictactoe")))


def test_outputs_that_are_no_numbers_end_the_search_once():
    game, net = load("connect4"), kernel_net(load("connect4"))
    broken = kernel_net(game)
    broken.weights.numbers[:] *= np.float32(1e30)
    search = Search(game, Settings(early_stop=False), broken)
    with pytest.raises(TandemError, match="net random gives NaN or infinite outputs for a position of this search"):
        search.run(Position(game), simulations=100)
    search.trees[0].net_plan.net = net  # as if it had been mended
    again = search.run(Position(game), simulations=100)
    fresh = Search(game, Settings(early_stop=False), net).run(Position(game), simulations=100)
    assert again.visits.tolist() == fresh.visits.tolist()
    assert again.evaluations == fresh.evaluations


@pytest.mark.parametrize("name", ["connect4", "tictactoe", *OTHERS])
def test_averaged_over_all_images_a_position_is_worth_what_its_images_are(name):
    game, choose = load(name), random.Random(5)
    net, differ = kernel_net(game, seed=2), 0
    for _ in range(10):
        position = random_position(game, choose, 4 if name == "tictactoe" else 12)
        plain, found = Search(game, Settings("net"), net).run(position), []
        for k in range(game.symmetries):
            image = game.states(1)
            rules(game).transform(position.state, k, image)
            seen = Position(game, states=[image if k else position.state.copy()])
            result = Search(game, Settings("net", images=100), net).run(seen)
            back = {int(game.transform_action(k, a) if k else a): j for j, a in enumerate(plain.actions)}
            order = [back[int(a)] for a in result.actions]
            prior = np.empty(len(order))
            prior[order] = result.prior
            found.append([*result.wdl, *prior])
            alone = Search(game, Settings("net"), net).run(seen)
            differ += alone.wdl != pytest.approx(plain.wdl, abs=1e-4)
        for other in found[1:]:
            assert other == pytest.approx(found[0], abs=1e-5)
    assert differ > 5, "else there was nothing to average"


def test_images_are_for_kernel_nets():
    game = load("tictactoe")
    with pytest.raises(TandemError, match="images are averaged by kernel nets alone"):
        Search(game, Settings("hybrid", images=2), Outside(kernel_net(game)))
    with pytest.raises(TandemError, match="images must be at least 1"):
        Settings("hybrid", images=0)
