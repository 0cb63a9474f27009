"""How a game of self-play begins: by some random moves in most games, so that the net sees odd positions too."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from games.compiler import part
from games.contract import Game
from games.defaults import CLAIMED
from games.rng import U, below, mix, uniform


@register_jitable
def derived_seed(seed: Any, number: Any) -> Any:
    """games.rng.seed_for, compiled: the seed of a run's game `number`."""
    return mix(mix(seed) + U(0x9E3779B97F4A7C15) * U(number + 1))


@register_jitable
def claimable(history: Any, count: Any, key: Any, repetition: Any) -> Any:
    """Whether a draw can be claimed: after history[:count], `key` stands for the repetition-th time, or says so."""
    times = 1
    for k in range(count):
        if history[k] == key:
            times += 1
    return times >= repetition or key == U(CLAIMED)


@cache
def opening(game: Game) -> Callable[..., Any]:
    """A plain function that sets a game up, for kernels to hold.

    open_game(states, histories, counts, actions, g, moves, rng, share, most) plays the opening of game g into states[g]
    and returns its plies: in `share` of all games up to `most` of them, few more likely than many, and never so many
    that the game is decided. histories and counts hold the keys of the positions before, where repetition matters,
    actions the moves made; moves is scratch, int32 [MAX_LEGAL].
    """
    start, legal, play, key = game.start, game.legal, game.play, game.key
    repetition, max_plies = game.repetition, game.max_plies

    @part(game)
    def open_game(
        states: Any, histories: Any, counts: Any, actions: Any, g: Any, moves: Any, rng: Any, share: Any, most: Any
    ) -> Any:
        while True:
            ply = 0
            counts[g] = 0
            start(states[g])
            plies: Any = 0
            if uniform(rng) < share:
                x = uniform(rng)
                plies = min(np.int64(x * x * (most + 1)), max_plies)
            n = legal(states[g], moves)
            while ply < plies and n > 0:
                if repetition > 0:
                    histories[g, counts[g]] = key(states[g])
                    counts[g] += 1
                action = moves[below(rng, n)]
                actions[g, ply] = action
                play(states[g], action)
                ply += 1
                n = legal(states[g], moves)
                if repetition > 0 and claimable(histories[g], counts[g], key(states[g]), repetition):
                    n = 0
            if n > 0 and ply < max_plies:
                return ply

    return open_game
