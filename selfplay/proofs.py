"""Exact search inside self-play: the positions that it solves cheaply teach the truth, and cost no evaluation."""

from collections.abc import Callable
from functools import cache
from typing import Any

from engine.alphabeta import UNKNOWN, parts
from games.compiler import kernel
from games.contract import Game
from games.rng import below

# Where fewer than one position in LIKELY was solved at a ply, only one in RARELY is tried: at a quarter and a quarter,
# two thirds of an actor's time went into Connect Four positions that stayed unsolved.
LIKELY, RARELY = 2, 8
REMEMBERED = 1024  # tries at a ply


@cache
def prove_kernel(game: Game) -> Callable[..., None]:
    """The kernel that tries every position whose proof is due; UNKNOWN there is UNPROVEN in a row."""
    keepers = parts(game).keepers

    @kernel(game)
    def prove(
        roots: Any, players: Any, policy: Any, tried: Any, x: Any, legal: Any, keeps: Any, budget: Any
    ) -> None:  # fmt: skip
        """A solved game needs no search.

        x Provers of one tree, for all games; tried int64 [MAX_PLIES + 1, 2] counts attempts and successes by ply.
        """
        for g in range(players.shape[0]):
            p = players[g]
            if not p.proof_due:
                continue
            p.proof_due = 0
            count = tried[p.ply]
            if count[0] > 64 and count[1] * LIKELY < count[0] and below(p.rng, RARELY) > 0:
                continue
            p.solved = keepers(
                roots, g, p.ply, policy.proof_nodes, x.tables[0], x.states, x.words, x.moves, x.frames, x.control,
                legal, keeps[g]
            )  # fmt: skip
            if count[0] >= REMEMBERED:  # what was solved long ago, with another budget of nodes, counts ever less
                count[0] //= 2
                count[1] //= 2
            count[0] += 1
            if p.solved != UNKNOWN:
                count[1] += 1
                budget[g] = 0

    return prove
