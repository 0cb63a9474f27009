"""Between two evaluations of a group of games: moves made, rows logged, games ended and begun, all in one kernel."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine import tree as t
from engine.compaction import compact
from engine.gumbel import improved_policy, open_bracket, winner
from engine.noise import add_noise
from games.compiler import kernel, part
from games.contract import Game
from games.defaults import CLAIMED
from games.rng import below, uniform
from selfplay.opening import claimable, derived_seed, opening
from selfplay.records import FAST, FULL, UNPROVEN

POLICY = np.dtype(
    [
        ("simulations", "i4"),  # visits of a root before its move is made: full search
        ("fast_simulations", "i4"),  # and fast search
        ("gumbel", "u1"),  # brackets at the root instead of PUCT with noise; see engine/gumbel.py
        ("considered", "i4"),  # moves that enter a bracket
        ("value_scale", "f4"),  # weight of Q against logits in brackets and in what they teach
        ("full_share", "f4"),  # of moves that get the full search: playout-cap randomisation (Wu 2019, section 3.1)
        ("noise_concentration", "f4"),  # Dirichlet noise on full searches, shared out over the legal moves
        ("noise_weight", "f4"),
        ("temperature", "f4"),  # of the move made, in the first temperature_plies plies after the opening
        ("late_temperature", "f4"),  # and later
        ("temperature_plies", "i4"),
        ("opening_share", "f4"),  # of games that begin with random moves
        ("opening_plies", "i4"),  # at most this many, short openings more often
        ("random_share", "f4"),  # of moves made at random after the opening
        ("proof_nodes", "i4"),  # of exact search before a position's own; 0 for none
        ("proof_random", "f4"),  # share of moves made at random in positions that it solved
    ]
)
PLAYER = np.dtype(
    [
        ("number", "i8"),  # of the game being played
        ("seed", "u8"),
        ("rng", "u8", (1,)),
        ("ply", "i4"),
        ("opening", "i4"),  # random plies this game began with
        ("full", "u1"),
        ("noise_due", "u1"),  # the root waits for its children, then for its noise
        ("proof_due", "u1"),  # the position waits for exact search
        ("solved", "i1"),  # its outcome for the player to move, if exact search found it; else UNPROVEN
    ]
)
ROW = np.dtype(
    [
        ("number", "i8"),
        ("ply", "i4"),
        ("kind", "u1"),
        ("wdl", "f4", (3,)),
        ("proven", "i1"),
        ("simulations", "i4"),
        ("children", "i4"),
    ]
)
CHILD = np.dtype([("action", "i4"), ("policy", "f4"), ("visits", "i4"), ("q", "f4")])
ENDED = np.dtype([("number", "i8"), ("seed", "u8"), ("plies", "i4"), ("outcome", "i1"), ("reason", "u1")])
REASONS = ("rules", "repetition", "max plies", "claim")


@register_jitable
def sample(policy: Any, n: Any, temperature: Any, rng: Any) -> Any:
    """Index drawn from policy[:n] ** (1 / temperature); the largest at temperature 0."""
    high = policy[0]
    for i in range(1, n):
        high = max(high, policy[i])
    total = 0.0
    for j in range(n):
        if temperature > 0 and policy[j] > 0:
            total += np.exp(np.log(policy[j] / high) / temperature)
    point = uniform(rng) * total
    best = 0
    for j in range(n):
        if policy[j] > policy[best]:
            best = j
    if temperature > 0:
        for j in range(n):
            if policy[j] > 0:
                point -= np.exp(np.log(policy[j] / high) / temperature)
                if point < 0:
                    return j
    return best


@register_jitable
def take_number(numbers: Any) -> Any:
    """The next game's number. int64 [3 + n]: next, step, how many of the n are left; those go first, last to first."""
    if numbers[2] > 0:
        numbers[2] -= 1
        return numbers[3 + numbers[2]]
    number = numbers[0]
    numbers[0] += numbers[1]
    return number


@cache
def move_kernels(game: Game) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(begin, move), compiled for a game."""
    open_game, legal, play, outcome, key = opening(game), game.legal, game.play, game.outcome, game.key
    repetition, max_legal, max_plies = game.repetition, game.max_legal, game.max_plies
    full, fast, unproven = FULL, FAST, UNPROVEN

    @part(game)
    def search_next(tree: Any, p: Any, budget: Any, bracket: Any, g: Any, policy: Any) -> None:
        """Decide how much the next move of game g is searched."""
        p.full = uniform(p.rng) < policy.full_share
        p.noise_due = p.full and policy.noise_weight > 0 and not policy.gumbel
        if p.noise_due and tree[0].first_child >= 0:
            add_noise(tree, p.rng, policy.noise_concentration, policy.noise_weight)
            p.noise_due = False
        p.proof_due = policy.proof_nodes > 0
        p.solved = unproven
        visits = policy.simulations if p.full else policy.fast_simulations
        if policy.gumbel:
            budget[g] = visits
            below = visits if tree[0].first_child >= 0 else visits - 1
            open_bracket(bracket, tree, below, policy.considered, policy.value_scale, p.full, p.rng)
        else:
            budget[g] = max(visits - tree[0].visits, 1)

    @part(game)
    def new_game(
        trees: Any, used: Any, roots: Any, histories: Any, counts: Any, budget: Any, brackets: Any, players: Any,
        actions: Any, g: Any, number: Any, run_seed: Any, policy: Any
    ) -> None:  # fmt: skip
        """Set game g up: seed, random opening that leaves the game undecided, empty tree."""
        p = players[g]
        p.number = number
        p.seed = derived_seed(run_seed, number)
        p.rng[0] = p.seed
        moves = np.empty(max_legal, np.int32)
        p.ply = open_game(
            roots, histories, counts, actions, g, moves, p.rng, policy.opening_share, policy.opening_plies
        )  # fmt: skip
        p.opening = p.ply
        used[g] = 1
        t.reset(trees[g, 0])
        search_next(trees[g], p, budget, brackets[g], g, policy)

    @part(game)
    def log_solved(p: Any, root: Any, moves: Any, keeps: Any, row: Any, children: Any, at: Any, policy: Any) -> Any:
        """Log a position that exact search solved; the action to play there.

        Its policy target is any move that keeps the outcome, all alike: which of them leads to the end soonest is
        more than the outcome needs, and harder to learn. Where every move keeps it there is nothing to teach.
        """
        n = np.int64(legal(root, moves))
        kept = 0
        for j in range(n):
            kept += keeps[j]
        row.kind = full if kept < n else fast
        row.proven = p.solved
        for k in range(3):
            row.wdl[k] = 1.0 if row.proven == 1 - k else 0.0
        row.simulations = 0
        row.children = n if kept < n else 0
        for j in range(row.children):
            entry = children[at + j]
            entry.action = moves[j]
            entry.policy = keeps[j] / kept
            entry.visits = 0
            entry.q = np.nan
        if uniform(p.rng) < policy.proof_random:
            return np.int64(moves[below(p.rng, n)])
        left = below(p.rng, kept)
        for j in range(n):
            left -= keeps[j]
            if left < 0:
                return np.int64(moves[j])
        return np.int64(moves[0])

    @part(game)
    def log_searched(
        p: Any, tree: Any, bracket: Any, row: Any, children: Any, at: Any, share: Any, policy: Any, draw_value: Any
    ) -> Any:  # fmt: skip
        """Log a position that was searched; the action to play there."""
        root = tree[0]
        n = np.int64(root.child_count)
        first = np.int64(root.first_child)
        if policy.gumbel:
            improved_policy(tree[first : first + n], draw_value, policy.value_scale, share)
        else:
            t.root_policy(tree[first : first + n], draw_value, share)
        row.kind = full if p.full else fast
        visits = max(root.visits, 1)
        row.wdl[1] = root.draws / visits
        difference = -root.value / visits - draw_value * row.wdl[1]
        row.wdl[0] = (1.0 - row.wdl[1] + difference) / 2.0
        row.wdl[2] = (1.0 - row.wdl[1] - difference) / 2.0
        row.proven = unproven
        if root.lower == root.upper:
            row.proven = -root.lower
            for k in range(3):
                row.wdl[k] = 1.0 if row.proven == 1 - k else 0.0
        row.simulations = root.visits
        row.children = n if p.full else 0  # a fast search teaches no policy, and storage is not free
        for j in range(row.children):
            child = tree[first + j]
            entry = children[at + j]
            entry.action = child.action
            entry.policy = share[j]
            entry.visits = child.visits
            entry.q = child.value / child.visits if child.visits > 0 else np.nan
        early = p.ply - p.opening < policy.temperature_plies
        if policy.gumbel and not early:
            chosen = np.int64(winner(tree[first : first + n], bracket, draw_value, share))
        else:
            chosen = np.int64(sample(share, n, policy.temperature if early else policy.late_temperature, p.rng))
        if policy.random_share > 0 and uniform(p.rng) < policy.random_share:
            chosen = np.int64(below(p.rng, n))
        return np.int64(tree[first + chosen].action)

    @kernel(game)
    def begin(
        trees: Any, used: Any, roots: Any, histories: Any, counts: Any, budget: Any, brackets: Any, players: Any,
        actions: Any, numbers: Any, run_seed: Any, policy: Any
    ) -> None:  # fmt: skip
        """Begin every game of a group, under the numbers that take_number gives."""
        for g in range(players.shape[0]):
            number = take_number(numbers)
            new_game(
                trees, used, roots, histories, counts, budget, brackets, players, actions, g, number, run_seed, policy
            )

    @kernel(game)
    def move(
        trees: Any, used: Any, spare: Any, roots: Any, histories: Any, counts: Any, budget: Any, brackets: Any,
        players: Any, actions: Any, numbers: Any, run_seed: Any, policy: Any, draw_value: Any, logged: Any,
        rows: Any, children: Any, ended: Any, ended_actions: Any, keeps: Any
    ) -> Any:  # fmt: skip
        """Make the move of every game whose search is done, log it, and begin the next game where one ended.

        keeps uint8 [games, MAX_LEGAL]: in solved positions, which legal actions keep the outcome.
        logged int64 [3]: rows, children and ended games written so far. Returns False when a log is full: the
        caller empties them and calls again.
        """
        share = np.empty(max_legal, np.float64)
        moves = np.empty(max_legal, np.int32)
        for g in range(players.shape[0]):
            tree = trees[g]
            p = players[g]
            if p.noise_due and tree[0].first_child >= 0:
                add_noise(tree, p.rng, policy.noise_concentration, policy.noise_weight)
                p.noise_due = False
            solved = p.solved != unproven
            if not solved and budget[g] > 0 and tree[0].lower != tree[0].upper:
                continue
            if not solved and tree[0].first_child < 0:
                budget[g] = 1
                continue
            if logged[0] == rows.shape[0] or logged[1] + max_legal > children.shape[0] or logged[2] == ended.shape[0]:
                return False
            row = rows[logged[0]]
            row.number = p.number
            row.ply = p.ply
            if solved:
                action = log_solved(p, roots[g], moves, keeps[g], row, children, logged[1], policy)
            else:
                action = log_searched(p, tree, brackets[g], row, children, logged[1], share, policy, draw_value)
            logged[0] += 1
            logged[1] += row.children
            if repetition > 0:
                histories[g, counts[g]] = key(roots[g])
                counts[g] += 1
            actions[g, p.ply] = action
            play(roots[g], action)
            p.ply += 1
            reason = -1
            result: Any = 0
            if legal(roots[g], moves) == 0:
                reason = 0
                result = np.int64(outcome(roots[g]))
            elif repetition > 0 and claimable(histories[g], counts[g], key(roots[g]), repetition):
                reason = 3 if key(roots[g]) == np.uint64(CLAIMED) else 1
            elif p.ply >= max_plies:
                reason = 2
            if reason < 0:
                size = compact(tree, action, spare)
                if size > 1:  # a leaf carries nothing over, but perhaps a proof that lacks the moves
                    for i in range(size):
                        tree[i] = spare[i]
                    used[g] = size
                else:
                    t.reset(tree[0])
                    used[g] = 1
                search_next(tree, p, budget, brackets[g], g, policy)
                continue
            done = ended[logged[2]]
            done.number = p.number
            done.seed = p.seed
            done.plies = p.ply
            done.outcome = result if p.ply % 2 == 0 else -result
            done.reason = reason
            for ply in range(p.ply):
                ended_actions[logged[2], ply] = actions[g, ply]
            logged[2] += 1
            number = take_number(numbers)
            new_game(
                trees, used, roots, histories, counts, budget, brackets, players, actions, g, number, run_seed, policy
            )
        return True

    return begin, move
