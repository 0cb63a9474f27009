"""Gumbel search at the root (Danihelka et al. 2022, "Policy improvement by planning with Gumbel").

A move's budget goes to a bracket of the root's most promising moves, halved until two are left (sequential halving,
section 3), rather than to whatever PUCT favours: with few simulations that is never worse than the prior, in
expectation. What the search then teaches is the prior improved by the Q values found, those of unvisited moves filled
in (section 4 and appendix D). Proofs come first here as everywhere: proven moves are passed over, and count for what
they are.
"""

from functools import cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine import tree as t
from games.contract import Game
from games.rng import uniform

# How a Q difference weighs against logits: (C_VISIT + most visits) * value_scale * q / 2, q being in [-1, 1] here and
# in [0, 1] there (equation 8).
C_VISIT = np.float32(50.0)
MOST_VISITS = 2**31 - 1  # the tree counts them in 32 bits


@cache
def bracket_type(game: Game) -> np.dtype[Any]:
    """What a tree keeps of the halving under way; entry j of an array belongs to the root's j-th child."""
    return np.dtype(
        [
            ("budget", "i4"),  # simulations of this move below the root; 0: PUCT selects at the root too
            ("considered", "i4"),  # moves that enter the bracket at most
            ("value_scale", "f4"),  # c_scale of equation 8
            ("noise", "f4", (game.max_legal,)),  # Gumbel noise; 0 where a search should not explore
            ("before", "i4", (game.max_legal,)),  # visits that earlier moves' searches left behind
        ]
    )


@register_jitable
def open_bracket(b: Any, tree: Any, budget: Any, considered: Any, value_scale: Any, noisy: Any, rng: Any) -> None:
    """Begin the bracket of a move that `budget` simulations will search, those that only expand the root apart."""
    root = tree[0]
    b.budget = budget
    b.considered = considered
    b.value_scale = value_scale
    for j in range(b.noise.shape[0]):
        b.noise[j] = -np.log(-np.log(max(uniform(rng), 1e-300))) if noisy else 0.0
        known = root.first_child >= 0 and j < root.child_count
        b.before[j] = tree[root.first_child + j].visits if known else 0


@register_jitable
def visits_due(considered: Any, budget: Any, done: Any) -> Any:
    """How many visits the next move to visit has had, `done` simulations of `budget` into sequential halving.

    Each of the ceil(log2(considered)) phases shares its part of the budget out evenly; two moves are always left.
    """
    phases = 0
    while (1 << phases) < considered:
        phases += 1
    if phases == 0:
        return done
    visits, left, moves = 0, done, considered
    while True:
        each = max(1, budget // (phases * moves))
        if left < each * moves:
            return visits + left // moves
        left -= each * moves
        visits += each
        moves = max(2, moves // 2)


@register_jitable
def completed_q(children: Any, draw_value: Any) -> Any:
    """What an unvisited child's Q is taken to be: the visited ones' mean under the prior, 0 where there are none.

    Equation 33 for many visits: it also mixes in the net's own value, with a weight of one visit.
    """
    total, mass = 0.0, 0.0
    for j in range(children.shape[0]):
        child = children[j]
        if child.visits > 0 or child.lower == child.upper:
            p = max(np.float64(child.prior), 1e-9)
            total += p * q_of(child, draw_value, 0.0)
            mass += p
    return total / mass if mass > 0 else 0.0


@register_jitable
def q_of(child: Any, draw_value: Any, unvisited: Any) -> Any:
    """A child's Q for the player who moves there, proven ones exact."""
    if child.lower == child.upper:
        return t.utility(child.lower, 1, draw_value)
    return child.value / child.visits if child.visits > 0 else unvisited


@register_jitable
def scores(children: Any, draw_value: Any, value_scale: Any, out: Any) -> None:
    """Write logit + sigma(completed Q) of each child (float64 [n]): the logits of the improved policy (equation 11)."""
    most = 0
    for j in range(children.shape[0]):
        most = max(most, children[j].visits)
    filled = completed_q(children, draw_value)
    scale = (C_VISIT + most) * value_scale / 2
    for j in range(children.shape[0]):
        logit = np.log(max(np.float64(children[j].prior), 1e-9))
        out[j] = logit + scale * q_of(children[j], draw_value, filled)


@register_jitable
def select_root(tree: Any, b: Any, o: Any, scratch: Any) -> Any:
    """Index of the root's child to visit: of the moves that are due a visit, the best by noise, logit and Q.

    Where proofs have taken all that are due, the best of the most visited that are left; one always is.
    """
    root = tree[0]
    first, count = np.int64(root.first_child), np.int64(root.child_count)
    children = tree[first : first + count]
    done = 0
    for j in range(count):
        done += children[j].visits - b.before[j]
    due = visits_due(min(np.int64(b.considered), count), np.int64(b.budget), done)
    scores(children, o.draw_value, b.value_scale, scratch)
    floor = -root.upper
    best, best_visits, best_score = -1, -1, 0.0
    for j in range(count):
        child = children[j]
        if child.upper <= floor or child.lower == child.upper:
            continue
        visits = child.visits - b.before[j]
        if visits == due:
            visits = MOST_VISITS
        score = scratch[j] + b.noise[j]
        if visits > best_visits or (visits == best_visits and score > best_score):
            best, best_visits, best_score = j, visits, score
    return first + best


@register_jitable
def improved_policy(children: Any, draw_value: Any, value_scale: Any, out: Any) -> None:
    """Write the improved policy (equation 11) over the root's children into out (float64 [n], sum 1).

    Proofs rule as in tree.root_policy: the soonest win, the latest loss, nothing for what is proven worse than another.
    """
    n = children.shape[0]
    t.root_policy(children, draw_value, out)
    floor, ceiling = -1, -1
    for j in range(n):
        floor = max(floor, children[j].lower)
        ceiling = max(ceiling, children[j].upper)
    if floor == 1 or ceiling == -1:
        return
    logits = np.empty(n, np.float64)
    scores(children, draw_value, value_scale, logits)
    high, total = -1e300, 0.0
    for j in range(n):
        if not t.ruled_out(children[j], floor, draw_value):
            high = max(high, logits[j])
    for j in range(n):
        out[j] = 0.0 if t.ruled_out(children[j], floor, draw_value) else np.exp(logits[j] - high)
        total += out[j]
    for j in range(n):
        out[j] /= total


@register_jitable
def winner(children: Any, b: Any, draw_value: Any, policy: Any) -> Any:
    """Index of the bracket's winner: the best by noise, logit and Q of the most visited, proven ones among them.

    `policy` is that of improved_policy, which needs not be asked where only one move is left.
    """
    n = children.shape[0]
    most = -1
    for j in range(n):
        if policy[j] > 0 and children[j].lower != children[j].upper:
            most = max(most, children[j].visits - b.before[j])
    logits = np.empty(n, np.float64)
    scores(children, draw_value, b.value_scale, logits)
    best, best_score = -1, 0.0
    for j in range(n):
        child = children[j]
        if policy[j] <= 0 or (child.lower != child.upper and child.visits - b.before[j] < most):
            continue
        score = logits[j] + b.noise[j]
        if best < 0 or score > best_score:
            best, best_score = j, score
    return best
