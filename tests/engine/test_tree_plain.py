"""The tree's helpers as plain Python and compiled: the same nodes, byte for byte, on random small trees."""

import numpy as np
import pytest
from numba import njit

from engine import tree as t
from engine.compaction import compact
from engine.noise import add_noise
from games.rng import Random, below, uniform


def grow(tree, used, o, rng, simulations):
    """Search a made-up game of up to four moves, whose ends and values are drawn; returns the depth reached."""
    path = np.zeros(64, np.int32)
    moves = np.arange(4, dtype=np.int32)
    deepest = 0
    for _ in range(simulations):
        depth = 0
        path[0] = 0
        x = t.enter(tree, 0, o.virtual_loss)
        while x.first_child >= 0 and x.lower != x.upper:
            node = t.select_child(tree, path[depth], o)
            depth += 1
            path[depth] = node
            x = t.enter(tree, node, o.virtual_loss)
        leaf = path[depth]
        deepest = max(deepest, depth)
        if x.lower == x.upper:
            t.prove(tree, path, depth)
            t.backup(tree, path, depth, t.utility(x.lower, depth, o.draw_value), 0.0, o)
        elif depth > 1 and (depth == 60 or below(rng, 3) == 0):
            result = below(rng, 3) - 1
            if o.solve:
                x.lower = result
                x.upper = result
                t.prove(tree, path, depth)
            draw = 1.0 if result == 0 else 0.0
            t.backup(tree, path, depth, t.utility(result, depth, o.draw_value), draw, o)
        elif below(rng, 9) == 0:
            t.retract(tree, path, depth, o.virtual_loss)
        else:
            k = 1 + below(rng, 4)
            if t.expand(tree, used[0], leaf, moves, k, below(rng, k)):
                for j in range(k):
                    t.set_prior(tree[used[0] + j], np.float32(uniform(rng)))
                used[0] += k
            t.backup(tree, path, depth, 2.0 * uniform(rng) - 1.0, 0.25, o)
    return deepest


def root_answers(tree, out, children, draw_value):
    t.root_policy(children, draw_value, out)
    return t.decided(tree, 3), t.decided(tree, 100)


compiled_grow, compiled_answers, compiled_compact = njit(grow), njit(root_answers), njit(compact)
compiled_noise = njit(add_noise)


def options_of(seed):
    draw = np.random.default_rng(seed)
    o = np.zeros(1, t.OPTIONS)
    o["c_puct"], o["fpu_reduction"] = draw.choice([0.7, 1.5, 3.0]), draw.choice([-1.0, 0.0, 0.25])
    o["draw_value"], o["virtual_loss"] = draw.choice([0.0, 0.5, -0.25]), draw.choice([0.0, 1.0])
    o["solve"] = draw.integers(2)
    return o


@pytest.mark.parametrize("seed", range(40))
def test_plain_equals_compiled(seed):
    o, size = options_of(seed), 20 if seed % 10 == 9 else 3000
    grown, plain_used, plain_rng = np.zeros((2, size), t.NODE), np.ones(1, np.int64), Random(seed).state
    plain, fast, used, rng = grown[0].view(np.recarray), grown[1], plain_used.copy(), plain_rng.copy()
    t.reset(plain[0])
    fast[0] = plain[0]
    with np.errstate(over="ignore"):
        deepest = grow(plain, plain_used, o.view(np.recarray)[0], plain_rng, 150)
    assert compiled_grow(fast, used, o[0], rng, 150) == deepest > 1
    assert (used[0], rng[0]) == (plain_used[0], plain_rng[0])
    assert fast[: used[0]].tobytes() == grown[0][: used[0]].tobytes()
    first, count = int(fast[0]["first_child"]), int(fast[0]["child_count"])
    outs = np.zeros((2, count))
    answers = root_answers(plain, outs[0], plain[first : first + count], o["draw_value"][0])
    assert compiled_answers(fast, outs[1], fast[first : first + count], o["draw_value"][0]) == answers
    assert outs[0].tolist() == outs[1].tolist()
    assert outs[0].sum() == pytest.approx(1)
    for action in range(-1, 4):
        kept = np.zeros((2, size), t.NODE)
        nodes = compact(plain, action, kept[0].view(np.recarray))
        assert compiled_compact(fast, action, kept[1]) == nodes
        assert kept[0].tobytes() == kept[1].tobytes()
        assert (nodes > 0) == (action in fast[first : first + count]["action"])


def test_the_seeds_cover_what_matters():
    """Proofs, draws, virtual losses and a full arena all occur above."""
    seen = set()
    for seed in range(40):
        o, size = options_of(seed), 20 if seed % 10 == 9 else 3000
        fast, used, rng = np.zeros(size, t.NODE), np.ones(1, np.int64), Random(seed).state
        t.reset(fast.view(np.recarray)[0])
        compiled_grow(fast, used, o[0], rng, 150)
        nodes = fast[: used[0]]
        proven = nodes["lower"] == nodes["upper"]
        seen |= {f"proven {v}" for v in nodes["lower"][proven & (nodes["first_child"] >= 0)].tolist()}
        seen |= {f"virtual loss {o['virtual_loss'][0]:.0f}"}
        seen |= {"full"} if used[0] > size - 4 else set()
        seen |= {"root"} if proven[0] else set()
    assert seen == {"proven -1", "proven 0", "proven 1", "virtual loss 0", "virtual loss 1", "full", "root"}


ROOTS = [
    # (visits, value sum, lower, upper, plies, prior) per child, draw value, shares
    ("by visits", [(3, 0, -1, 1, 0, 0.1), (1, 1, -1, 1, 0, 0.9)], 0, [0.75, 0.25]),
    ("priors before any visit", [(0, 0, -1, 1, 0, 0.2), (0, 0, -1, 1, 0, 0.8)], 0, [0.2, 0.8]),
    ("the soonest win", [(9, 9, 1, 1, 5, 0.5), (1, 1, 1, 1, 3, 0.3), (90, 80, -1, 1, 0, 0.2)], 0, [0, 1, 0]),
    ("the latest loss", [(9, -9, -1, -1, 2, 0.5), (1, -1, -1, -1, 4, 0.5)], 0, [0, 1]),
    ("no proven loss", [(9, -9, -1, -1, 2, 0.5), (1, 0, -1, 1, 0, 0.5)], 0, [0, 1]),
    ("no loss over the unknown", [(9, -9, -1, -1, 2, 0.9), (0, 0, -1, 1, 0, 0.1)], 0, [0, 1]),
    ("even at no prior", [(9, -9, -1, -1, 2, 1.0), (0, 0, -1, 1, 0, 0.0)], 0, [0, 1]),
    ("a draw over what looks worse", [(2, 0, 0, 0, 3, 0.1), (50, -5, -1, 1, 0, 0.9)], 0, [1, 0]),
    ("a draw over what cannot win", [(2, 0, 0, 0, 3, 0.1), (50, 5, -1, 0, 0, 0.9)], 0, [1, 0]),
    ("a hope over a draw", [(2, 0, 0, 0, 3, 0.1), (8, 4, -1, 1, 0, 0.9)], 0, [0.2, 0.8]),
    ("a cherished draw over a hope", [(2, 0, 0, 0, 3, 0.1), (8, 4, -1, 1, 0, 0.9)], 0.6, [1, 0]),
]


@pytest.mark.parametrize(("children", "draw_value", "shares"), [r[1:] for r in ROOTS], ids=[r[0] for r in ROOTS])
def test_root_policy(children, draw_value, shares):
    nodes = np.zeros(len(children), t.NODE)
    for name, column in zip(
        ("visits", "value", "lower", "upper", "plies", "prior"), zip(*children, strict=True), strict=True
    ):
        nodes[name] = column
    out = np.zeros(len(children))
    t.root_policy(nodes.view(np.recarray), draw_value, out)
    assert out == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize("concentration", [0.5, 10.0])
def test_noise(concentration):
    """Equal but for the last digits of logarithms; shares stay shares, and on average nothing is favoured."""
    total = np.zeros(4)
    for seed in range(100):
        nodes = np.zeros((2, 5), t.NODE)
        nodes["first_child"][:, 0], nodes["child_count"][:, 0], nodes["prior"][:, 1:] = 1, 4, (0.1, 0.2, 0.3, 0.4)
        rngs = [Random(seed).state for _ in range(2)]
        with np.errstate(over="ignore"):
            add_noise(nodes[0].view(np.recarray), rngs[0], concentration, 0.25)
        compiled_noise(nodes[1], rngs[1], concentration, 0.25)
        plain, fast = nodes["prior"][:, 1:]
        assert rngs[0] == rngs[1]
        assert plain == pytest.approx(fast, rel=1e-5)
        assert fast.sum() == pytest.approx(1, abs=1e-6)
        assert (fast >= np.float32(0.75) * np.array([0.1, 0.2, 0.3, 0.4], np.float32) - 1e-6).all()
        assert nodes[1]["u"][1:] == pytest.approx(fast)
        total += fast
    assert np.ptp(fast) > 0.1
    assert total / 100 == pytest.approx(0.75 * np.array([0.1, 0.2, 0.3, 0.4]) + 0.25 / 4, abs=0.03)
