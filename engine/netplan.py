"""Whole simulations guided by a kernel net: what gather, a net and scatter do one leaf at a time, in one kernel.

Evaluations are kept by position, since other orders of the same moves meet it again: the net is nearly all of a
simulation's cost. What is kept is what the net said, so that trees do not depend on it.
"""

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import tree as t
from engine.kernels import CHECK_EVERY, end_at_once, no_static_value, rollout
from engine.perceptron import KernelNet, hidden, output, softmax
from games.compiler import kernel
from games.contract import FloatArray, Game
from games.rng import mix

U = np.uint64
ENTRIES_EACH = 4  # of an evaluation to come: positions that share a place lose each other


class Kept(NamedTuple):
    """Evaluations by position: keys uint64 [entries, a power of two] (0: none), rows float32 [entries, 2 + MAX_LEGAL].

    A row holds loss less win probability, draw probability, and the priors in the order of the legal moves.
    """

    keys: npt.NDArray[np.uint64]
    rows: FloatArray


class NetPlan:
    """A kernel net at work on one tree. What it said is kept, in at most `memory` bytes (one entry at least)."""

    def __init__(self, game: Game, net: KernelNet, memory: int) -> None:
        self.net, self.scratch, self.plan = net, net.scratch(), net_plan(game)
        self.width = 2 + game.max_legal
        self.most = 1 << max(memory // (8 + 4 * self.width), 1).bit_length() - 1
        self.forget()

    def forget(self) -> None:
        """Forget every evaluation."""
        self.evaluations = 0
        self.kept = self._room(1)

    def _room(self, entries: int) -> Kept:
        return Kept(np.zeros(entries, np.uint64), np.zeros((entries, self.width), np.float32))

    def advance(
        self, tree: Any, used: Any, root: Any, history: Any, count: int, path: Any, o: Any, n: int, left: int, rng: Any
    ) -> tuple[int, int]:
        """Run plan_net, which see; TandemError when the net's outputs are no numbers."""
        self._make_room(self.evaluations + n)
        rest = self.net.weights, self.scratch, self.kept
        ran, evaluations = self.plan(tree, used, root, history, count, path, o, n, left, rng, *rest)
        if evaluations < 0:
            raise self.net.broken("a position of this search")
        self.evaluations += int(evaluations)
        return int(ran), int(evaluations)

    def _make_room(self, evaluations: int) -> None:
        """Grow as needed: a short search should not wait until the memory of a long one is cleared."""
        wanted = min(1 << (ENTRIES_EACH * evaluations - 1).bit_length(), self.most)
        old = self.kept
        if len(old.keys) < wanted:
            self.kept = self._room(wanted)
            used = np.flatnonzero(old.keys)
            at = (old.keys[used] >> U(1)) & U(wanted - 1)
            self.kept.keys[at], self.kept.rows[at] = old.keys[used], old.rows[used]


@cache
def net_plan(game: Game) -> Callable[..., Any]:
    """Compile (or read from Numba's disk cache) the search kernel of a game for kernel nets."""
    legal, play, outcome, encode, key = game.legal, game.play, game.outcome, game.encode, game.key
    policy_index, eval_key, repetition, max_legal = game.policy_index, game.eval_key, game.repetition, game.max_legal
    static_value = game.static_value or no_static_value
    best_first = game.best_first or legal  # never negative then: nothing is decided ahead
    shape, cells, logits = game.planes, prod(game.planes), game.logits

    @kernel(game)
    def plan_net(
        tree: Any, used: Any, root: Any, history: Any, count: Any, path: Any, o: Any, n: Any, left: Any, rng: Any,
        weights: Any, scratch: Any, kept: Any
    ) -> Any:  # fmt: skip
        """Run up to n simulations; returns how many ran and how many evaluations they took, -1 for one that is NaN.

        tree NODE [nodes], used int64 [1] nodes in use, root STATE [2] (1: scratch), history uint64 [positions],
        path int32 [MAX_PLIES + 2], o OPTIONS record, left the budget for early stop, rng uint64 [1], weights and
        scratch of a KernelNet, kept Kept.
        """
        moves = np.empty(max_legal, np.int32)
        keys = np.empty(path.shape[0] if repetition > 0 else 1, np.uint64)
        odds = np.empty(3, np.float32)
        planes = scratch.inputs[:cells].reshape(shape)
        mask = U(kept.keys.shape[0] - 1)
        evaluations = 0
        s = root[1]
        promising = np.empty(max_legal, np.int32)
        for simulation in range(n):
            if o.look_ahead and tree[0].visits == 1 and tree[0].first_child >= 0:
                end_at_once(legal, play, outcome, tree, root, 0, root, 1, promising, path)
            if o.early_stop and (
                tree[0].lower == tree[0].upper or (simulation % CHECK_EVERY == 0 and t.decided(tree, left - simulation))
            ):
                return simulation, evaluations
            root[1] = root[0]
            depth, ended = t.descend(play, key, repetition, tree, s, path, keys, history, count, o)
            leaf = path[depth]
            value: Any = t.utility(0, depth, o.draw_value)
            draw: Any = 1.0
            k = legal(s, moves) if ended == t.LEAF else 0
            # As in gather: a leaf that a look ahead decides needs no evaluation.
            ahead = best_first(s, promising) if o.look_ahead and k > 0 and depth > 0 else 0
            if ahead < 0:
                tree[leaf].plies = -ahead
                value, draw = t.finish(tree, path, depth, -1 if ahead & 1 else 1, o)
            elif k > 0:
                # The priors depend on the legal moves too, of which an encoding need not tell.
                name = eval_key(s)
                for j in range(k):
                    name = name * U(0x9E3779B97F4A7C15) + U(policy_index(s, moves[j]))
                name = mix(name) | U(1)
                at = (name >> U(1)) & mask
                if kept.keys[at] != name and kept.keys[at] != U(0):
                    at ^= U(1) & mask  # taken: its neighbour is the second and last place
                row = kept.rows[at]
                priors = row[2:]
                if kept.keys[at] != name:
                    evaluations += 1
                    kept.keys[at] = U(0)  # until the row is whole
                    encode(s, planes)
                    active = hidden(weights, scratch)
                    for j in range(3):
                        odds[j] = output(weights, scratch, active, logits + j)
                    finite = softmax(odds, 3)
                    if not o.uniform_prior:
                        for j in range(k):
                            priors[j] = output(weights, scratch, active, policy_index(s, moves[j]))
                        finite &= softmax(priors, k)
                    if not finite:
                        return simulation, -1
                    row[0] = odds[2] - odds[0]
                    row[1] = odds[1]
                    kept.keys[at] = name
                if t.expand(tree, used[0], leaf, moves, k, 0):
                    if not o.uniform_prior:
                        for j in range(k):
                            t.set_prior(tree[used[0] + j], priors[j])
                    used[0] += k
                if o.leaf == t.LEAF_NET:
                    draw = np.float64(row[1])
                    value = np.float64(row[0]) + draw * t.utility(0, depth, o.draw_value)
                elif o.leaf == t.LEAF_STATIC:
                    draw = 0.0
                    value = -static_value(s)
                else:
                    result = -rollout(legal, play, outcome, s, moves, k, rng)
                    value = t.utility(np.int64(result), depth, o.draw_value)
                    draw = 1.0 if result == 0 else 0.0
            elif ended == t.LEAF:
                value, draw = t.finish(tree, path, depth, -np.int64(outcome(s)), o)
            elif ended == t.PROVEN and tree[leaf].lower == tree[leaf].upper:
                t.prove(tree, path, depth)
            t.backup(tree, path, depth, value, draw, o)
        return n, evaluations

    return plan_net
