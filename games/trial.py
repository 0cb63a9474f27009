"""Whether a game file keeps to the contract, as far as a moment tells: random games in plain Python when it is loaded.

What is looked at here, and how a finding is worded, the conformance kit shares.
"""

import time
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core.errors import NumbaError

from games.contract import Game, StateArray
from games.defaults import CLAIMED
from games.errors import TandemError
from games.rng import below
from games.rules import rules
from games.sources import raised_at, ships, where

SENTINEL = -7
SECONDS = 0.05  # of the processor, for all that is done when a file is loaded
PLAIN_PLIES = 100  # of one game; plain Python is too slow for more
MIX = "compiled, a uint64 with an int is an int64, and what may be the one or the other is a float: write U(1), not 1"
ROOM = {  # that functions write into, for those that write past it in plain Python
    "legal": "out has room for MAX_LEGAL actions",
    "encode": "planes are of shape PLANES",
    "features": "out has room for MAX_ACTIVE indices",
    "policy_terms": "out has room for TERMS indices of each legal move",
}


class Finding(Exception):
    """One breach of the contract; `by` is the function or constant to mend, where it is not the one looked at."""

    def __init__(self, words: str, by: str = "") -> None:
        super().__init__(words)
        self.by = by


@cache
def try_out(game: Game) -> None:
    """Play random games of a file of one's own for SECONDS; TandemError is what is found first. Ours are tested."""
    if ships(game.path):
        return
    rng, deadline = np.zeros(1, np.uint64), time.thread_time() + SECONDS
    with np.errstate(over="ignore"):
        while time.thread_time() < deadline:
            _play(game, rng, deadline)


def _play(game: Game, rng: Any, deadline: float) -> None:
    name, states, ply = "start", game.states(1), 0
    shown_at: StateArray | None = None
    occurred = Counter[int]()
    try:
        game.start(game.record(states))
        while True:
            name, shown_at = "legal", states
            actions = listed(game, partial(game.legal, game.record(states)))
            require_actions(game, actions)
            if not actions:
                name = "outcome"
                require_outcome(game.outcome(game.record(states)))
                return
            if game.repetition and repeated(game, occurred, game.key(game.record(states))):
                return
            require_end(game, ply)
            states = states.copy()
            if ply == PLAIN_PLIES:
                ply += play_on(game, states, game.max_plies - ply, rng, occurred)
            elif time.thread_time() > deadline:
                return
            else:
                name = "play"
                game.play(game.record(states), actions[below(rng, len(actions))])
                ply += 1
    except NumbaError:  # of the compiled rules, told by whoever runs them
        raise
    except Exception as error:
        raise TandemError(told(game, name, error, shown_at)) from error


def play_on(game: Game, states: StateArray, most: int, rng: Any, occurred: Counter[int]) -> int:
    """Play random moves on states[0], with the compiled rules, to the end or for `most` plies; returns how many.

    `occurred` counts the positions so far, the first one included.
    """
    compiled = rules(game)
    for ply in range(most):
        actions = compiled.legal(states)
        if not actions or (ply and game.repetition and repeated(game, occurred, compiled.key(states, 0))):
            return ply
        compiled.play(states, 0, actions[below(rng, len(actions))])
    return most


def repeated(game: Game, occurred: Counter[int], key: Any) -> bool:
    """Count a position of a game with REPETITION; whether a draw can be claimed in it."""
    occurred[int(key)] += 1
    return int(key) == CLAIMED or game.repetition <= occurred[int(key)]


def listed(game: Game, legal: Callable[[npt.NDArray[np.int32]], Any]) -> list[int]:
    """What a game's legal writes into the array that it is called with; Finding where it keeps to no MAX_LEGAL."""
    out = np.full(game.max_legal + 1, SENTINEL, np.int32)
    n = counted(legal(out), "actions")
    if not 0 <= n <= game.max_legal:
        words = "return how many actions it wrote, or make MAX_LEGAL larger"
        raise Finding(f"returns {n}, which is not in 0..MAX_LEGAL = {game.max_legal}; {words}")
    if out[-1] != SENTINEL:
        raise Finding(f"writes past MAX_LEGAL = {game.max_legal} entries; make MAX_LEGAL larger")
    return [int(a) for a in out[:n]]


def counted(returned: Any, what: str) -> int:
    """A number that a function returned; Finding where it is none."""
    if isinstance(returned, int | np.integer):
        return int(returned)
    raise Finding(f"returns {returned!r}; return how many {what} it wrote")


def require_actions(game: Game, actions: list[int]) -> None:
    """Finding for legal actions of which two are the same, or one is none of the game's."""
    if len(set(actions)) < len(actions) or any(not 0 <= a < game.actions for a in actions):
        words = "write others, or make ACTIONS larger"
        raise Finding(f"actions must be distinct and in 0..{game.actions - 1}, not {actions}; {words}")


def require_outcome(outcome: Any) -> None:
    """Finding for what is no outcome."""
    if not isinstance(outcome, int | float | np.number) or outcome not in (-1, 0, 1):
        words = "return 1.0, 0.0 or -1.0, as the player to move has won, drawn or lost"
        raise Finding(f"returns {outcome!r}, which is not +1, 0 or -1; {words}")


def require_end(game: Game, ply: int) -> None:
    """Finding for a game that goes on after MAX_PLIES."""
    if ply >= game.max_plies:
        words = "make MAX_PLIES larger, or have legal return 0 earlier"
        raise Finding(f"the game goes on after {ply} plies; {words}", "MAX_PLIES")


def told(game: Game, name: str, difference: str | Exception, states: StateArray | None) -> str:
    """What is wrong with the function or constant `name`, on one line: by place, position and difference.

    The difference is given in words, or as what the function raised.
    """
    name = getattr(difference, "by", "") or name
    place = where(game.path, name)
    if isinstance(difference, Exception) and not isinstance(difference, Finding):
        frame = raised_at(difference, game.path)
        place = f"{Path(frame.filename).name} line {frame.lineno}, in {frame.name}" if frame else place
        hint = ROOM.get(name, "") if isinstance(difference, IndexError) else ""
        if "'safe'" in str(difference):  # with which numpy's bit operators refuse a uint64 and an int64
            hint = MIX
        difference = f"raises {type(difference).__name__}: {difference}" + (f"; {hint}" if hint else "")
    at = "" if states is None else f", at {shown(game, states)}"
    return " ".join(f"{name} ({place}){at}: {difference}".split())


def shown(game: Game, states: StateArray) -> str:
    """states[0] as the game writes it, or else as numpy does."""
    try:
        return game.to_text(states) or "the empty text"
    except Exception:
        return str(states[0])
