"""Exact search in a net's tree: what a moment of alpha-beta settles is true, and needs no evaluation.

A hybrid of MCTS and minimax as those of Baier and Winands (MCTS-Minimax Hybrids, 2015), with exact search of the root
and of every leaf, whose results are proofs. Where it settles nothing at a ply it is tried there ever less often, and
again as soon as it does: in openings it costs next to nothing, and what it reaches is played perfectly.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from engine import tree as t
from engine.alphabeta import UNKNOWN, UNSOLVED, Stack, new_table, parts
from games.compiler import kernel, part
from games.contract import Game, StateArray

TABLE = 256 << 10  # bytes of a tree: leaves are near each other, and a small table stays near the processor
FEWEST_UNTRIED = 4  # leaves of a ply after a try that failed


class Provers(NamedTuple):
    """What exact search works on at the leaves of some trees.

    tables [trees, entries] of alphabeta.entry_type. untried int64 [trees, MAX_PLIES + 1, 2] by ply of the leaf: how
    many more leaves are passed over, and how many were to be after the last try. The others are those of a Stack.
    """

    tables: npt.NDArray[Any]
    untried: npt.NDArray[np.int64]
    states: StateArray
    words: npt.NDArray[Any]
    moves: npt.NDArray[np.int32]
    frames: npt.NDArray[Any]
    control: npt.NDArray[np.int64]


def provers(game: Game, trees: int, nodes: int, memory: int = TABLE) -> Provers:
    """Provers for that many trees, with `memory` bytes each; as small as can be where `nodes` of a try are 0."""
    one, x = new_table(game, memory if nodes else 0), Stack(game)
    tables = np.zeros((trees, len(one)), one.dtype)
    untried = np.zeros((trees, game.max_plies + 1, 2), np.int64)
    return Provers(tables, untried, x.states, x.words, x.moves, x.frames, x.control)


def forget(provers: Provers, tree: int) -> None:
    """Begin anew with a tree: a search must not depend on those before it."""
    provers.tables[tree].view(np.uint8)[:] = 0
    provers.untried[tree] = 0


@register_jitable
def due(untried: Any) -> Any:
    """Whether the next position of a ply is to be tried; what is passed over is counted."""
    if untried[0] == 0:
        return True
    untried[0] -= 1
    return False


@register_jitable
def tried(untried: Any, settled: Any) -> None:
    """Note what a try came to: after each that fails, twice as many are passed over."""
    untried[1] = 0 if settled else max(2 * untried[1], FEWEST_UNTRIED)
    untried[0] = untried[1]


@register_jitable
def nothing_settled(x: Any, tree: Any, leaves: Any, i: Any, ply: Any, nodes: Any) -> Any:
    """Stands in for settle where no kernel will call it, which spares compiling exact search for it."""
    return UNSOLVED


@cache
def settle_part(game: Game) -> Callable[..., Any]:
    """settle, bound to a game's rules, for kernels to call; where positions may repeat it settles nothing."""
    if game.repetition:
        return nothing_settled
    outcome_of, max_plies = parts(game).outcome_of, game.max_plies

    @part(game)
    def settle(x: Any, tree: Any, leaves: Any, i: Any, ply: Any, nodes: Any) -> Any:
        """Score of leaves[i], `ply` plies after the game's start, as outcome_of has it; UNSOLVED if it is not tried."""
        untried = x.untried[tree, min(ply, max_plies)]
        if not due(untried):
            return UNSOLVED
        score = outcome_of(leaves, i, ply, nodes, x.tables[tree], x.states, x.words, x.moves, x.frames, x.control)
        tried(untried, score != UNSOLVED)
        return score

    return settle


@cache
def root_kernel(game: Game) -> Callable[..., None]:
    """settle_root, compiled for a game."""
    keepers, outcome_of = parts(game).keepers, parts(game).outcome_of
    legal, play, result = game.legal, game.play, game.outcome
    max_legal, max_plies, far, unknown, unsolved = game.max_legal, game.max_plies, game.max_plies + 1, UNKNOWN, UNSOLVED

    @kernel(game)
    def settle_root(tree: Any, root: Any, x: Any, g: Any, ply: Any, path: Any, o: Any) -> None:
        """Prove the moves from root[0], `ply` plies after the game's start, where proof_nodes settle it.

        tree NODE [nodes], its root expanded, x Provers, of whose trees this is number g, path int32 [MAX_PLIES + 2], o
        OPTIONS record.
        """
        untried = x.untried[g, min(ply, max_plies)]
        if tree[0].lower == tree[0].upper or not due(untried):
            return
        actions, keeps = np.empty(max_legal, np.int32), np.zeros(max_legal, np.uint8)
        child, replies = np.empty(1, root.dtype), np.empty(max_legal, np.int32)
        outcome = keepers(
            root, 0, ply, o.proof_nodes, x.tables[g], x.states, x.words, x.moves, x.frames, x.control, actions, keeps
        )
        tried(untried, outcome != unknown)
        if outcome == unknown:
            return
        for i in range(tree[0].first_child, tree[0].first_child + tree[0].child_count):
            kept = False
            for j in range(max_legal):
                if actions[j] == tree[i].action:
                    kept = keeps[j] == 1
                    break
            path[1] = i
            if outcome == 1 and not kept:
                tree[i].upper = min(tree[i].upper, 0)
                t.prove(tree, path, 1)
            elif tree[i].lower != tree[i].upper:
                child[0] = root[0]
                play(child[0], tree[i].action)
                if legal(child[0], replies) == 0:
                    t.finish(tree, path, 1, -np.int64(result(child[0])), o)
                    continue
                score = outcome_of(
                    child, 0, ply + 1, o.proof_nodes, x.tables[g], x.states, x.words, x.moves, x.frames, x.control
                )
                if score != unsolved:
                    t.finish_ahead(tree, path, 1, score, far, o)

    return settle_root
