"""The tree: one array of node records, children contiguous, the root at index 0.

All numbers of a node are seen by its *mover*, the player who moved into it: a parent maximises over its children
as they stand. The sign flips in one place, `backup`. A simulation reads: descend, value the leaf, prove, back up.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from games.defaults import CLAIMED

NODE = np.dtype(
    [
        ("visits", "i4"),  # simulations that passed, those under way included
        ("q", "f4"),  # value / visits as of the last backup
        ("u", "f4"),  # prior / (1 + visits) as of the last backup: selection divides by nothing
        ("plies", "i2"),  # of a proven node: plies to the end along the proof
        ("lower", "i1"),  # proven bounds on the outcome, -1, 0 or 1; equal when the node is proven
        ("upper", "i1"),
        ("first_child", "i4"),  # index of the first child; UNEXPANDED or PENDING
        ("child_count", "i2"),
        ("action", "i2"),
        ("prior", "f4"),
        ("value", "f8"),  # sum of utilities; float64, as a float32 sum drifts after some million visits
        ("draws", "f8"),  # sum of draw probabilities
    ]
)
UNEXPANDED, PENDING = -1, -2  # PENDING: a leaf whose evaluation is under way

OPTIONS = np.dtype(
    [
        ("c_puct", "f4"),
        ("fpu_reduction", "f4"),  # first-play urgency: how far below its parent's Q an unvisited child starts
        ("draw_value", "f4"),  # utility of a draw for the root player, in [-1, 1]; a win is 1, a loss -1
        ("value_pruning", "f4"),  # pass over moves that look this much worse than their best sibling; 0: none
        ("proof_nodes", "i4"),  # of exact search that a leaf is given before the net is asked; 0: none
        ("images", "i4"),  # of a position under the game's symmetries, over which the net is averaged
        ("virtual_loss", "f4"),  # taken from each node of a path under way; 0 for one leaf at a time
        ("solve", "u1"),  # propagate proven outcomes
        ("uniform_prior", "u1"),  # ignore the net's policy
        ("leaf", "u1"),  # a leaf's value: LEAF_NET, LEAF_ROLLOUT or LEAF_STATIC
        ("look_ahead", "u1"),  # where the game's best_first decides a leaf, prove it instead of evaluating it
        ("room", "i4"),  # nodes that must be free, or the search stops to have the tree thinned; 0: it never does
        ("early_stop", "u1"),  # stop when the budget left cannot change the most visited move
    ]
)
LEAF_NET, LEAF_ROLLOUT, LEAF_STATIC = 0, 1, 2

# How a descent ended; REPEATED is a draw that proves nothing, as the path is part of it.
LEAF, PROVEN, REPEATED, COLLISION = 0, 1, 2, 3


@register_jitable
def reset(node: Any) -> None:
    """Make a record a fresh leaf."""
    node.visits = 0
    node.first_child = UNEXPANDED
    node.value = 0.0
    node.draws = 0.0
    node.q = 0.0
    node.prior = 1.0
    node.u = 1.0
    node.action = -1
    node.child_count = 0
    node.plies = 0
    node.lower = -1
    node.upper = 1


@register_jitable
def utility(bound: Any, depth: Any, draw_value: Any) -> Any:
    """Utility of a proven outcome for the mover of a node at `depth`; the root player moves into odd depths."""
    if bound != 0:
        return np.float64(bound)
    return np.float64(draw_value) if depth & 1 else -np.float64(draw_value)


@register_jitable
def select_child(tree: Any, node: Any, options: Any) -> Any:
    """Index of the child to visit: PUCT (Silver et al. 2017, Methods) with first-play urgency, proofs respected.

    Proven children and those that cannot beat a proven one are passed over; `backup` keeps what they are worth.
    An unvisited child starts at the parent's Q less fpu_reduction times the root of the prior mass visited so far
    (Leela Zero's rule). Some child is always left, as the node would be proven otherwise.

    With value_pruning, a child whose Q lies more than that under its best sibling's, as the net's value does after one
    visit, gets one visit more each time its parent's visits double. That is unsound by intent.
    """
    parent = tree[node]
    floor = -parent.upper  # what the player to move is proven to reach
    bar = np.float32(-1e30)
    cut_visits = 0
    if options.value_pruning > 0:
        for i in range(parent.first_child, parent.first_child + parent.child_count):
            child = tree[i]
            if child.visits > 0 and child.upper > floor and child.lower != child.upper:
                bar = max(bar, child.q - options.value_pruning)
        while (parent.visits >> cut_visits) > 0:
            cut_visits += 1
    explore = options.c_puct * np.sqrt(np.float32(parent.visits))
    best = -1
    best_score = np.float32(-1e30)
    fresh = -1
    fresh_prior = np.float32(-1.0)
    unseen = np.float32(0.0)
    for i in range(parent.first_child, parent.first_child + parent.child_count):
        child = tree[i]
        if child.upper <= floor or child.lower == child.upper:
            continue
        if child.visits == 0:
            unseen += child.prior
            if child.prior > fresh_prior:
                fresh_prior = child.prior
                fresh = i
            continue
        if child.q < bar and child.visits >= cut_visits:
            continue
        score = child.q + explore * child.u
        if score > best_score:
            best_score = score
            best = i
    if fresh >= 0:
        seen = np.sqrt(max(np.float32(1.0) - unseen, np.float32(0.0)))
        if explore * fresh_prior - parent.q - options.fpu_reduction * seen > best_score:
            best = fresh
    return best


@register_jitable
def set_prior(x: Any, prior: Any) -> None:
    """Give a node its prior."""
    x.prior = prior
    x.u = prior / (np.float32(1.0) + np.float32(x.visits))


@register_jitable
def refresh(x: Any) -> None:
    """Bring a visited node's q and u up to its sums."""
    visits = np.float32(x.visits)
    x.q = np.float32(x.value) / visits
    x.u = x.prior / (np.float32(1.0) + visits)


@register_jitable
def enter(tree: Any, node: Any, virtual_loss: Any) -> Any:
    """Count a visit that is under way and return the node."""
    x = tree[node]
    x.visits += 1
    if virtual_loss > 0:  # another descent may come before this one's backup
        x.value -= virtual_loss
        refresh(x)
    return x


@register_jitable
def repeats(keys: Any, depth: Any, history: Any, count: Any, repetition: Any) -> Any:
    """PROVEN when a draw can be claimed in the position at `depth`, REPEATED when the path holds it before.

    history[:count] are the keys of the game's positions before the root, keys[:depth + 1] the path's.
    """
    key = keys[depth]
    if key == np.uint64(CLAIMED):
        return PROVEN
    below = 0
    for j in range(depth):
        if keys[j] == key:
            below += 1
    before = 0
    for j in range(count):
        if history[j] == key:
            before += 1
    if below + before + 1 >= repetition:
        return PROVEN
    return REPEATED if below > 0 else LEAF


@register_jitable
def step(
    play: Any, key: Any, repetition: Any, tree: Any, s: Any, path: Any, keys: Any, history: Any, count: Any, depth: Any,
    node: Any, o: Any
) -> Any:  # fmt: skip
    """Play into a child on record s and note it at `depth` of the path; how the descent ended there, or LEAF."""
    play(s, tree[node].action)
    path[depth] = node
    x = enter(tree, node, o.virtual_loss)
    if depth >= path.shape[0] - 1:  # only where a game outlasts its MAX_PLIES
        return REPEATED
    if repetition == 0:
        return LEAF
    keys[depth] = key(s)
    ended = repeats(keys, depth, history, count, repetition)
    if ended == PROVEN and o.solve:
        x.lower = 0
        x.upper = 0
    return ended


@register_jitable
def descend(
    play: Any, key: Any, repetition: Any, tree: Any, s: Any, path: Any, keys: Any, history: Any, count: Any,
    at_root: Any, o: Any
) -> Any:  # fmt: skip
    """Walk from the root to a leaf, playing on record s; returns (depth, how the descent ended).

    at_root is the root's child to visit, -1 where the root chooses as every node does. path[:depth + 1] receives the
    nodes. Only a true repetition count or a finished game proves; a second occurrence below the root ends the
    simulation as a draw and proves nothing, since it depends on the path.
    """
    depth = 0
    path[0] = 0
    x = enter(tree, 0, o.virtual_loss)
    if repetition > 0:
        keys[0] = key(s)
    while x.first_child >= 0 and x.lower != x.upper:
        node = at_root if depth == 0 and at_root >= 0 else select_child(tree, path[depth], o)
        depth += 1
        ended = step(play, key, repetition, tree, s, path, keys, history, count, depth, node, o)
        if ended != LEAF:
            return depth, ended
        x = tree[node]
    if x.lower == x.upper:
        return depth, PROVEN
    return depth, COLLISION if x.first_child == PENDING else LEAF


@register_jitable
def expand(tree: Any, used: Any, node: Any, moves: Any, n: Any, offset: Any) -> Any:
    """Give a leaf its n children with uniform priors, their order rotated by offset; False when the arena is full."""
    if used + n > tree.shape[0]:
        return False
    for j in range(n):
        child = tree[used + j]
        reset(child)
        k = j + offset
        child.action = moves[k if k < n else k - n]
        set_prior(child, np.float32(1.0) / np.float32(n))
    tree[node].first_child = used
    tree[node].child_count = n
    return True


@register_jitable
def prove(tree: Any, path: Any, depth: Any) -> None:
    """Carry changed bounds of path[depth] up the path, with the distance of what is proven.

    Score-bounded MCTS (Cazenave and Saffidine 2010) for the outcomes -1, 0 and 1.
    """
    for j in range(depth - 1, -1, -1):
        parent = tree[path[j]]
        lower, upper = -1, -1
        for i in range(parent.first_child, parent.first_child + parent.child_count):
            lower = max(lower, tree[i].lower)
            upper = max(upper, tree[i].upper)
        if parent.lower == -upper and parent.upper == -lower:
            break
        parent.lower = -upper
        parent.upper = -lower
        if lower == upper:
            shortest, longest = 32767, 0
            for i in range(parent.first_child, parent.first_child + parent.child_count):
                child = tree[i]
                if child.lower == child.upper and child.lower == lower:
                    shortest = min(shortest, child.plies)
                    longest = max(longest, child.plies)
            parent.plies = 1 + (shortest if lower > 0 else longest)


@register_jitable
def finish(tree: Any, path: Any, depth: Any, result: Any, options: Any) -> Any:
    """Value the leaf of a game that is over with `result` (-1, 0, 1) for its mover, and prove it: (utility, draw)."""
    if options.solve:
        leaf = tree[path[depth]]
        leaf.lower = result
        leaf.upper = result
        prove(tree, path, depth)
    return utility(result, depth, options.draw_value), 1.0 if result == 0 else 0.0


@register_jitable
def finish_ahead(tree: Any, path: Any, depth: Any, score: Any, far: Any, options: Any) -> Any:
    """finish, of a leaf whose score is known sooner: as engine.alphabeta has it, for the player to move there."""
    tree[path[depth]].plies = far - abs(score) if score != 0 else 0
    return finish(tree, path, depth, -1 if score > 0 else 1 if score < 0 else 0, options)


@register_jitable
def backup(tree: Any, path: Any, depth: Any, value: Any, draw: Any, options: Any) -> None:
    """Add a leaf's utility (for its mover) and draw probability along the path, kept within each node's proven bounds.

    The bounds stand for proven children, which are never visited again (Cazenave and Saffidine 2010).
    """
    for j in range(depth, -1, -1):
        x = tree[path[j]]
        if x.lower > -1 or x.upper < 1:
            low = utility(x.lower, j, options.draw_value)
            high = utility(x.upper, j, options.draw_value)
            if value < low or value > high or x.lower == x.upper:
                value = low if value < low else high
                draw = 1.0 if (x.lower if value == low else x.upper) == 0 else 0.0
        x.value += value + options.virtual_loss
        x.draws += draw
        refresh(x)
        value = -value


@register_jitable
def retract(tree: Any, path: Any, depth: Any, virtual_loss: Any) -> None:
    """Undo a descent that found its leaf under way."""
    for j in range(depth + 1):
        x = tree[path[j]]
        x.visits -= 1
        x.value += virtual_loss
        if x.visits > 0:
            refresh(x)


@register_jitable
def decided(tree: Any, left: Any) -> Any:
    """Whether `left` more simulations cannot make another child of the root the most visited."""
    root = tree[0]
    if root.lower == root.upper:
        return True
    most, second = 0, 0
    for i in range(root.first_child, root.first_child + root.child_count):
        n = tree[i].visits
        if n > most:
            most, second = n, most
        elif n > second:
            second = n
    return root.first_child >= 0 and (root.child_count == 1 or most - second > left)


@register_jitable
def ruled_out(child: Any, floor: Any, draw_value: Any) -> Any:
    """Whether a root's child is proven lost, or proven or seen to be worse than the draw that `floor` 0 promises."""
    return child.upper < 0 or (
        floor == 0 and child.lower < 0 and (child.upper == 0 or child.value < draw_value * child.visits)
    )


@register_jitable
def root_policy(children: Any, draw_value: Any, out: Any) -> None:
    """Write how much each child of the root (NODE [n]) deserves to be played into out (float [n], sum 1).

    Visit shares, with what is proven put right: the soonest wins if there are any, the latest losses if all else
    is lost, else nothing for moves that are proven worse than, or look worse than, a proven draw. Where no visit
    is left to share, the priors of what is not lost stand in.
    """
    n = children.shape[0]
    floor, ceiling = -1, -1
    for j in range(n):
        floor = max(floor, children[j].lower)
        ceiling = max(ceiling, children[j].upper)
    total = 0.0
    for j in range(n):
        child = children[j]
        out[j] = child.visits
        if floor == 1 or ceiling == -1:
            out[j] = 1.0 if child.lower == child.upper and child.lower == floor else 0.0
        elif ruled_out(child, floor, draw_value):
            out[j] = 0.0
        total += out[j]
    if floor == 1 or ceiling == -1:
        best = -1
        for j in range(n):
            if out[j] > 0 and (best < 0 or (children[j].plies - children[best].plies) * floor < 0):
                best = j
        total = 0.0
        for j in range(n):
            if children[j].plies != children[best].plies:
                out[j] = 0.0
            total += out[j]
    if total == 0.0:  # only proven losses were visited; what is not lost is better, even with a prior of 0
        for j in range(n):
            out[j] = max(np.float64(children[j].prior), 1e-30) if children[j].upper >= 0 else 0.0
            total += out[j]
    for j in range(n):
        out[j] /= total
