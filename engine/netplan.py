"""Whole simulations guided by a kernel net: what gather, a net and scatter do one leaf at a time, in one kernel."""

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

from engine import tree as t
from engine.alphabeta import UNSOLVED
from engine.compaction import is_full
from engine.evalcache import DRAW, PRIORS, VALUE, EvalCache, name_of, place_of
from engine.kernels import CHECK_EVERY, end_at_once, foreseen, no_static_value, rollout, root_choice
from engine.leafproofs import Provers, settle_part
from engine.perceptron import KernelNet, hidden, hidden_of_list, output, softmax
from games.compiler import kernel
from games.contract import Game

U = np.uint64


class NetPlan:
    """A kernel net at work on one tree."""

    def __init__(self, game: Game, net: KernelNet) -> None:
        self.net, self.scratch, self.plan = net, net.scratch(), net_plan(game, net.listed)

    def advance(
        self, tree: Any, used: Any, bracket: Any, root: Any, history: Any, count: int, path: Any, o: Any, n: int,
        left: int, rng: Any, cache: EvalCache, provers: Provers
    ) -> tuple[int, int]:  # fmt: skip
        """Run plan_net, which see, with what `cache` keeps (one entry at least).

        Raises TandemError when the net's outputs are no numbers.
        """
        cache.make_room(n)
        rest = self.net.weights, self.scratch, cache.kept, provers
        ran, evaluations = self.plan(tree, used, bracket, root, history, count, path, o, n, left, rng, *rest)
        if evaluations < 0:
            raise self.net.broken("a position of this search")
        cache.evaluations += int(evaluations)
        return int(ran), int(evaluations)


@cache
def net_plan(game: Game, listed: bool) -> Callable[..., Any]:
    """Compile (or read from Numba's disk cache) the search kernel of a game for kernel nets; `listed` as the net is."""
    legal, play, outcome, encode, key = game.legal, game.play, game.outcome, game.encode, game.key
    eval_key, repetition, max_legal = game.eval_key, game.repetition, game.max_legal
    inputs = game.listed if listed else game
    policy_terms, terms, logits = inputs.policy_terms, inputs.terms, inputs.logits
    static_value = game.static_value or no_static_value
    transform, transform_action = game.transform, game.transform_action
    best_first = game.ahead or legal  # never negative then: nothing is decided ahead
    shape, cells, max_plies = game.planes, prod(game.planes), game.max_plies
    features, settle, far = game.features, settle_part(game), game.max_plies + 1

    @kernel(inputs)
    def plan_net(
        tree: Any, used: Any, bracket: Any, root: Any, history: Any, count: Any, path: Any, o: Any, n: Any, left: Any,
        rng: Any, weights: Any, scratch: Any, kept: Any, provers: Any
    ) -> Any:  # fmt: skip
        """Run up to n simulations; returns how many ran and how many evaluations they took, -1 for one that is NaN.

        Fewer run when the tree is full, as compaction.is_full has it.

        tree NODE [nodes], used int64 [1] nodes in use, bracket [1] of gumbel.bracket_type, root STATE [3] (all but the
        first are scratch), history uint64 [positions], path int32 [MAX_PLIES + 2], o OPTIONS record, left the budget
        for early stop, rng uint64 [1], weights and scratch of a KernelNet, kept Kept,
        provers Provers of one tree.
        """
        moves = np.empty(max_legal, np.int32)
        keys = np.empty(path.shape[0] if repetition > 0 else 1, np.uint64)
        odds = np.empty(3, np.float32)
        scores = np.empty(max_legal, np.float64)
        planes = scratch.inputs[: 0 if listed else cells].reshape((0, 0, 0) if listed else shape)
        evaluations = 0
        s, image = root[1], root[2]
        promising, mirrored = np.empty(max_legal, np.int32), np.empty(max_legal, np.int32)
        summed, image_summed = np.empty((max_legal, terms), np.int32), np.empty((max_legal, terms), np.int32)
        for simulation in range(n):
            if o.look_ahead and tree[0].visits == 1 and tree[0].first_child >= 0:
                end_at_once(legal, play, outcome, tree, root, 0, root, 1, promising, path)
            if is_full(used[0], tree.shape[0], o.room) or (
                o.early_stop
                and (
                    tree[0].lower == tree[0].upper
                    or (simulation % CHECK_EVERY == 0 and t.decided(tree, left - simulation))
                )
            ):
                return simulation, evaluations
            root[1] = root[0]
            chosen = root_choice(tree, bracket[0], o, scores)
            depth, ended = t.descend(play, key, repetition, tree, s, path, keys, history, count, chosen, o)
            leaf = path[depth]
            value: Any = t.utility(0, depth, o.draw_value)
            draw: Any = 1.0
            k = legal(s, moves) if ended == t.LEAF else 0
            score = UNSOLVED
            if k > 0 and depth > 0:
                score = foreseen(best_first, settle, far, provers, 0, root, 1, count + depth, promising, o)
            if score != UNSOLVED:
                value, draw = t.finish_ahead(tree, path, depth, score, far, o)
            elif k > 0:
                policy_terms(s, moves, k, summed)
                name = name_of(eval_key(s), summed, k)
                at = place_of(kept.keys, name)
                row = kept.rows[at]
                priors = row[PRIORS:]
                if kept.keys[at] != name:
                    evaluations += 1
                    kept.keys[at] = U(0)  # until the row is whole
                    odds[:] = 0.0
                    priors[:k] = 0.0
                    seen = 0
                    for i in range(o.images):
                        if i == 0:
                            root[2] = root[1]
                        elif not transform(s, i, image):
                            continue
                        seen += 1
                        if listed:
                            active = hidden_of_list(weights, scratch, features(image, scratch.active))
                        else:
                            encode(image, planes)
                            active = hidden(weights, scratch)
                        for j in range(3):
                            odds[j] += output(weights, scratch, active, logits + j)
                        if not o.uniform_prior:
                            if i > 0:
                                for j in range(k):
                                    mirrored[j] = transform_action(i, moves[j])
                                policy_terms(image, mirrored, k, image_summed)
                            at_logits = image_summed if i > 0 else summed
                            for j in range(k):
                                for term in range(terms):
                                    priors[j] += output(weights, scratch, active, at_logits[j, term])
                    for j in range(3):
                        odds[j] /= np.float32(seen)
                    finite = softmax(odds, 3)
                    if not o.uniform_prior:
                        for j in range(k):
                            priors[j] /= np.float32(seen)
                        finite &= softmax(priors, k)
                    if not finite:
                        return simulation, -1
                    row[VALUE] = odds[2] - odds[0]
                    row[DRAW] = odds[1]
                    kept.keys[at] = name
                if t.expand(tree, used[0], leaf, moves, k, 0):
                    if not o.uniform_prior:
                        for j in range(k):
                            t.set_prior(tree[used[0] + j], priors[j])
                    used[0] += k
                if o.leaf == t.LEAF_NET:
                    draw = np.float64(row[DRAW])
                    value = np.float64(row[VALUE]) + draw * t.utility(0, depth, o.draw_value)
                elif o.leaf == t.LEAF_STATIC:
                    draw = 0.0
                    value = -static_value(s)
                else:
                    result = -rollout(legal, play, outcome, s, moves, k, rng, max_plies)
                    value = t.utility(np.int64(result), depth, o.draw_value)
                    draw = 1.0 if result == 0 else 0.0
            elif ended == t.LEAF:
                value, draw = t.finish(tree, path, depth, -np.int64(outcome(s)), o)
            elif ended == t.PROVEN and tree[leaf].lower == tree[leaf].upper:
                t.prove(tree, path, depth)
            t.backup(tree, path, depth, value, draw, o)
        return n, evaluations

    return plan_net
