"""The tree's helpers bound to one game's rules and compiled.

`plan` runs whole simulations with no net: uniform priors, play-outs or a static value at the leaf. With a net a
simulation is cut in two around its one batched evaluation: `gather` walks every slot to a leaf and encodes it,
`scatter` gives the leaf its priors and backs its value up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine import tree as t
from engine.alphabeta import UNSOLVED
from engine.compaction import compact, is_full
from engine.compaction import thin as thin_tree
from engine.evalcache import DRAW, PRIORS, VALUE, name_of, place_of
from engine.gumbel import improved_policy, open_bracket, select_root
from engine.leafproofs import settle_part
from engine.noise import add_noise
from games.compiler import kernel
from games.contract import Game
from games.rng import below

SLOT = np.dtype(
    [
        ("tree", "i4"),  # which tree this slot serves
        ("depth", "i4"),  # of the leaf
        ("row", "i4"),  # of the leaf in the batch; -1 when there is nothing to evaluate
        ("count", "i4"),  # legal actions at the leaf
        ("place", "i8"),  # where its evaluation will be kept
    ]
)
CHECK_EVERY = 64  # simulations between two looks at early stop: a fixed count, so that counted budgets repeat


@register_jitable
def rollout(legal: Any, play: Any, outcome: Any, s: Any, moves: Any, n: Any, rng: Any, most: Any) -> Any:
    """Play uniformly random moves from s, whose n legal actions stand in moves; outcome for the player to move.

    A game that goes on after `most` plies is a draw, as everywhere.
    """
    plies = 0
    while n > 0 and plies < most:
        play(s, moves[below(rng, n)])
        n = legal(s, moves)
        plies += 1
    if n > 0:
        return 0.0
    return (1.0 - 2.0 * (plies & 1)) * outcome(s)


@register_jitable
def end_at_once(
    legal: Any, play: Any, outcome: Any, tree: Any, roots: Any, g: Any, scratch: Any, b: Any, moves: Any, path: Any
) -> None:
    """Prove the children of the root roots[g] that end the game; scratch[b] and moves are overwritten.

    What looking ahead has won must not be won later than now.
    """
    s = scratch[b]
    for i in range(tree[0].first_child, tree[0].first_child + tree[0].child_count):
        scratch[b] = roots[g]
        play(s, tree[i].action)
        if legal(s, moves) == 0:
            result = -np.int64(outcome(s))
            tree[i].lower = result
            tree[i].upper = result
            path[1] = i
            t.prove(tree, path, 1)


@register_jitable
def foreseen(
    best_first: Any, settle: Any, far: Any, provers: Any, g: Any, leaves: Any, b: Any, ply: Any, scratch: Any, o: Any
) -> Any:  # fmt: skip
    """The score of leaves[b], where looking ahead or exact search finds it; else UNSOLVED. Such a leaf needs no net.

    far is MAX_PLIES + 1, ply that of the leaf in its game; scratch int32 [MAX_LEGAL] is overwritten.
    """
    ahead = best_first(leaves[b], scratch) if o.look_ahead else 0
    if ahead < 0:
        return far + ahead if ahead & 1 else -far - ahead
    return settle(provers, g, leaves, b, ply, o.proof_nodes) if o.proof_nodes > 0 else UNSOLVED


@register_jitable
def root_choice(tree: Any, bracket: Any, o: Any, scores: Any) -> Any:
    """The root's child that its bracket is due to visit; -1 where there is no bracket, or nothing to choose."""
    root = tree[0]
    if bracket.budget == 0 or root.first_child < 0 or root.lower == root.upper:
        return -1
    return select_root(tree, bracket, o, scores)


@register_jitable
def no_static_value(s: Any) -> Any:
    """Stands in for a static value where the game has none; the mode table never asks for it."""
    return 0.0


@dataclass(frozen=True)
class Kernels:
    """Compiled search of one game; the docstrings of the functions in `kernels` are their contracts."""

    plan: Callable[..., Any]
    gather: Callable[..., Any]
    scatter: Callable[..., Any]
    reroot: Callable[..., Any]
    thin: Callable[..., Any]
    noise: Callable[..., Any]
    decided: Callable[..., Any]
    root_policy: Callable[..., Any]
    open_bracket: Callable[..., Any]
    improved_policy: Callable[..., Any]
    win_soon: Callable[..., Any] | None


@cache
def kernels(game: Game) -> Kernels:
    """Compile (or read from Numba's disk cache) the search kernels of a game."""
    legal, play, outcome, encode, key = game.legal, game.play, game.outcome, game.encode, game.key
    policy_terms, terms, eval_key = game.policy_terms, game.terms, game.eval_key
    repetition, max_legal, max_plies = game.repetition, game.max_legal, game.max_plies
    static_value = game.static_value or no_static_value
    best_first = game.ahead or legal  # never negative then: nothing is decided ahead
    settle, far = settle_part(game), max_plies + 1

    @kernel(game)
    def plan(
        tree: Any, used: Any, root: Any, history: Any, count: Any, path: Any, o: Any, n: Any, left: Any, rng: Any
    ) -> Any:
        """Run up to n simulations without a net; returns how many ran. `left` is the budget, for early stop.

        Fewer run when the tree is full, as compaction.is_full has it.

        tree NODE [nodes], used int64 [1] nodes in use, root STATE [2] (1: scratch), history uint64 [positions],
        path int32 [MAX_PLIES + 2], o OPTIONS record, rng uint64 [1].
        """
        moves = np.empty(max_legal, np.int32)
        keys = np.empty(path.shape[0] if repetition > 0 else 1, np.uint64)
        s = root[1]
        for simulation in range(n):
            if is_full(used[0], tree.shape[0], o.room) or (
                o.early_stop and simulation % CHECK_EVERY == 0 and t.decided(tree, left - simulation)
            ):
                return simulation
            root[1] = root[0]
            draw = 0.0
            value: Any = 0.0
            depth, ended = t.descend(play, key, repetition, tree, s, path, keys, history, count, -1, o)
            leaf = path[depth]
            k = 0
            if ended == t.LEAF:
                k = legal(s, moves)
                # A leaf grows at its second visit: the many that are seen once cost no memory.
                grows = k > 0 and (tree[leaf].visits > 1 or depth == 0)
                if grows and t.expand(tree, used[0], leaf, moves, k, below(rng, k)):
                    used[0] += k
                    leaf = t.select_child(tree, leaf, o)
                    depth += 1
                    ended = t.step(play, key, repetition, tree, s, path, keys, history, count, depth, leaf, o)
                    k = legal(s, moves)
            if ended == t.LEAF:
                if k == 0:
                    value, draw = t.finish(tree, path, depth, -np.int64(outcome(s)), o)
                elif o.leaf == t.LEAF_STATIC:
                    value = -static_value(s)
                else:
                    result = -rollout(legal, play, outcome, s, moves, k, rng, max_plies)
                    value = t.utility(np.int64(result), depth, o.draw_value)
                    draw = 1.0 if result == 0 else 0.0
            elif ended == t.PROVEN and tree[leaf].lower == tree[leaf].upper:
                t.prove(tree, path, depth)
            else:
                value = t.utility(0, depth, o.draw_value)
                draw = 1.0
            t.backup(tree, path, depth, value, draw, o)
        return n

    @kernel(game)
    def gather(
        trees: Any, used: Any, roots: Any, histories: Any, counts: Any, budget: Any, brackets: Any, slots: Any,
        leaves: Any, paths: Any, moves: Any, planes: Any, kept: Any, provers: Any, o: Any
    ) -> Any:  # fmt: skip
        """Walk every slot to a leaf that wants an evaluation; returns how many rows of planes were written.

        trees NODE [trees, nodes], used int64 [trees], roots STATE [trees], histories uint64 [trees, positions], counts
        int64 [trees], budget int64 [trees] simulations left (counted down here), brackets [trees] of
        gumbel.bracket_type, slots SLOT [slots], leaves STATE [slots],
        paths int32 [slots, MAX_PLIES + 2], moves int32 [slots, MAX_LEGAL], planes float32 [slots, *PLANES], kept Kept,
        provers Provers of these trees.
        Simulations that end without one (finished, proven, repeated, evaluated before) are backed up at once and the
        next begins. Slots whose leaves are the same position share a row; those of a full tree walk no further.
        """
        rows = 0
        keys = np.empty(paths.shape[1] if repetition > 0 else 1, np.uint64)
        promising, summed = np.empty(max_legal, np.int32), np.empty((max_legal, terms), np.int32)
        scores = np.empty(max_legal, np.float64)
        for b in range(slots.shape[0]):
            slot = slots[b]
            g = slot.tree
            tree = trees[g]
            path = paths[b]
            s = leaves[b]
            slot.row = -1
            while budget[g] > 0 and not is_full(used[g], tree.shape[0], o.room):
                if o.look_ahead and tree[0].visits == 1 and tree[0].first_child >= 0:
                    end_at_once(legal, play, outcome, tree, roots, g, leaves, b, promising, path)
                leaves[b] = roots[g]
                chosen = root_choice(tree, brackets[g], o, scores)
                depth, ended = t.descend(play, key, repetition, tree, s, path, keys, histories[g], counts[g], chosen, o)
                leaf = path[depth]
                if ended == t.COLLISION:
                    t.retract(tree, path, depth, o.virtual_loss)
                    break
                budget[g] -= 1
                value = t.utility(0, depth, o.draw_value)
                draw = 1.0
                if ended == t.LEAF:
                    k = legal(s, moves[b])
                    score = UNSOLVED
                    if k > 0 and depth > 0:  # the root needs its children all the same
                        ply = counts[g] + depth
                        score = foreseen(best_first, settle, far, provers, g, leaves, b, ply, promising, o)
                    if score != UNSOLVED:
                        value, draw = t.finish_ahead(tree, path, depth, score, far, o)
                    elif k > 0:
                        place = -1
                        row = rows
                        if kept.keys.shape[0] > 0:
                            policy_terms(s, moves[b], k, summed)
                            name = name_of(eval_key(s), summed, k)
                            place = place_of(kept.keys, name)
                            if kept.keys[place] != name:
                                kept.keys[place] = name
                                kept.pending[place] = rows
                            elif kept.pending[place] >= 0:
                                row = kept.pending[place]
                            elif o.leaf == t.LEAF_NET:
                                known = kept.rows[place]
                                if t.expand(tree, used[g], leaf, moves[b], k, 0):
                                    if not o.uniform_prior:
                                        for j in range(k):
                                            t.set_prior(tree[used[g] + j], known[PRIORS + j])
                                    used[g] += k
                                draw = np.float64(known[DRAW])
                                value = np.float64(known[VALUE]) + draw * t.utility(0, depth, o.draw_value)
                                t.backup(tree, path, depth, value, draw, o)
                                if depth == 0:
                                    break  # noise may be due before the children are visited
                                continue
                        tree[leaf].first_child = t.PENDING
                        slot.depth = depth
                        slot.count = k
                        slot.row = row
                        slot.place = place
                        if row == rows:
                            encode(s, planes[rows])
                            rows += 1
                        break
                    else:
                        value, draw = t.finish(tree, path, depth, -np.int64(outcome(s)), o)
                elif ended == t.PROVEN and tree[leaf].lower == tree[leaf].upper:
                    t.prove(tree, path, depth)
                t.backup(tree, path, depth, value, draw, o)
                if o.early_stop and tree[0].lower == tree[0].upper:
                    budget[g] = 0
        return rows

    @kernel(game)
    def scatter(
        trees: Any, used: Any, slots: Any, leaves: Any, paths: Any, moves: Any, logits: Any, wdl: Any, kept: Any,
        o: Any, rng: Any
    ) -> None:  # fmt: skip
        """Expand the gathered leaves with softmax priors over their legal actions, back their values up, keep both.

        logits float32 [rows, LOGITS], wdl float32 [rows, 3] for the player to move, used int64 [trees].
        """
        priors, summed = np.empty(max_legal, np.float32), np.empty((max_legal, terms), np.int32)
        for b in range(slots.shape[0]):
            slot = slots[b]
            row = slot.row
            if row < 0:
                continue
            g = slot.tree
            tree = trees[g]
            depth = slot.depth
            leaf = paths[b, depth]
            k = slot.count
            tree[leaf].first_child = t.UNEXPANDED
            s = leaves[b]
            if not o.uniform_prior:
                high = np.float32(-1e30)
                total = np.float32(0.0)
                policy_terms(s, moves[b], k, summed)
                for j in range(k):
                    priors[j] = logits[row, summed[j, 0]]
                    for i in range(1, terms):
                        priors[j] += logits[row, summed[j, i]]
                    high = max(high, priors[j])
                for j in range(k):
                    priors[j] = np.exp(priors[j] - high)
                    total += priors[j]
                for j in range(k):
                    priors[j] /= total
            if t.expand(tree, used[g], leaf, moves[b], k, 0):
                if not o.uniform_prior:
                    for j in range(k):
                        t.set_prior(tree[used[g] + j], priors[j])
                used[g] += k
            if slot.place >= 0 and kept.pending[slot.place] == row:
                kept.rows[slot.place, VALUE] = wdl[row, 2] - wdl[row, 0]
                kept.rows[slot.place, DRAW] = wdl[row, 1]
                for j in range(k):
                    kept.rows[slot.place, PRIORS + j] = priors[j]
                kept.pending[slot.place] = -1
            if o.leaf == t.LEAF_NET:
                draw: Any = np.float64(wdl[row, 1])
                difference = np.float64(wdl[row, 2] - wdl[row, 0])  # rounded as it is kept
                value: Any = difference + draw * t.utility(0, depth, o.draw_value)
            elif o.leaf == t.LEAF_STATIC:
                draw = 0.0
                value = -static_value(s)
            else:
                result = -rollout(legal, play, outcome, s, moves[b], k, rng, max_plies)
                value = t.utility(np.int64(result), depth, o.draw_value)
                draw = 1.0 if result == 0 else 0.0
            t.backup(tree, paths[b], depth, value, draw, o)

    wins_at_once = game.wins_at_once or no_static_value  # which nobody then calls

    @kernel(game)
    def win_soon(tree: Any, roots: Any, path: Any) -> None:
        """Prove the moves from roots[0] after which every answer lets the player win at once, as in a mate in two.

        tree NODE [nodes], its root expanded, path int32 [MAX_PLIES + 2].
        """
        boards, answers, moves = np.empty(2, roots.dtype), np.empty(max_legal, np.int32), np.empty(max_legal, np.int32)
        child, after = boards[0], boards[1]
        for i in range(tree[0].first_child, tree[0].first_child + tree[0].child_count):
            if tree[i].lower == tree[i].upper:
                continue
            boards[0] = roots[0]
            play(child, tree[i].action)
            n = legal(child, answers)
            won = n > 0
            for j in range(n):
                boards[1] = boards[0]
                play(after, answers[j])
                if not wins_at_once(after) or legal(after, moves) == 0:
                    won = False
                    break
            if won:
                tree[i].lower = 1
                tree[i].upper = 1
                tree[i].plies = 2
                path[1] = i
                t.prove(tree, path, 1)

    @kernel(game)
    def reroot(tree: Any, action: Any, out: Any) -> Any:
        """compaction.compact, compiled: the subtree under the root's child `action` copied into out."""
        return compact(tree, action, out)

    @kernel(game)
    def thin(tree: Any, used: Any, out: Any) -> Any:
        """compaction.thin, compiled: the most visited half of `used` nodes copied into out."""
        return thin_tree(tree, used, out)

    @kernel(game)
    def noise(tree: Any, rng: Any, concentration: Any, weight: Any) -> None:
        """noise.add_noise, compiled, on an expanded root."""
        add_noise(tree, rng, concentration, weight)

    @kernel(game)
    def decided(tree: Any, left: Any) -> Any:
        """tree.decided, compiled."""
        return t.decided(tree, left)

    @kernel(game)
    def root_policy(children: Any, draw_value: Any, out: Any) -> None:
        """tree.root_policy, compiled."""
        t.root_policy(children, draw_value, out)

    @kernel(game)
    def bracket(brackets: Any, tree: Any, budget: Any, considered: Any, value_scale: Any, rng: Any) -> None:
        """gumbel.open_bracket, compiled, on brackets[0] and without noise."""
        open_bracket(brackets[0], tree, budget, considered, value_scale, False, rng)

    @kernel(game)
    def improved(children: Any, draw_value: Any, value_scale: Any, out: Any) -> None:
        """gumbel.improved_policy, compiled."""
        improved_policy(children, draw_value, value_scale, out)

    soon = win_soon if game.wins_at_once is not None else None
    return Kernels(plan, gather, scatter, reroot, thin, noise, decided, root_policy, bracket, improved, soon)
