"""What a net said, kept by position: other orders of the same moves meet it again, and so do other games.

The net is nearly all of a simulation's cost. What is kept is what the net said, so that trees do not depend on it.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from games.contract import FloatArray, Game
from games.rng import mix

U = np.uint64
ENTRIES_EACH = 4  # of an evaluation to come: positions that share a place lose each other
VALUE, DRAW, PRIORS = 0, 1, 2  # of a row: loss less win probability, draw probability, priors from there on


class Kept(NamedTuple):
    """Evaluations by position.

    keys uint64 [entries, none or a power of two] (0: free), rows float32 [entries, PRIORS + MAX_LEGAL], the priors in
    the order of the legal moves. pending int32 [entries]: the row of the batch under way that will be kept there; -1
    where the row is complete.
    """

    keys: npt.NDArray[np.uint64]
    rows: FloatArray
    pending: npt.NDArray[np.int32]


@register_jitable
def name_of(name: Any, terms: Any, k: Any) -> Any:
    """The name, never 0, of a position by what its evaluation depends on.

    That is its encoding, by its eval_key, and the logits of its k legal moves, int32 [k or more, TERMS], of which an
    encoding need not tell.
    """
    for j in range(k):
        for i in range(terms.shape[1]):
            name = name * U(0x9E3779B97F4A7C15) + U(terms[j, i])
    return mix(name) | U(1)


@register_jitable
def place_of(keys: Any, name: Any) -> Any:
    """Where a position is kept, or is to be: the first of its two places, unless another position has that."""
    mask = U(keys.shape[0] - 1)
    at = (name >> U(1)) & mask
    if keys[at] != name and keys[at] != U(0):
        at ^= U(1) & mask
    return np.int64(at)


class EvalCache:
    """Grows as evaluations come, up to `memory` bytes; where that is not enough for one, it keeps `least` (0 or 1)."""

    def __init__(self, game: Game, memory: int, least: int = 0) -> None:
        self.width = PRIORS + game.max_legal
        entries = max(memory // (12 + 4 * self.width), least)
        self.most = 1 << entries.bit_length() - 1 if entries else 0
        self.forget()

    def forget(self) -> None:
        """Forget every evaluation."""
        self.evaluations = 0
        self.kept = self._room(min(self.most, 1))

    def _room(self, entries: int) -> Kept:
        rows = np.zeros((entries, self.width), np.float32)
        return Kept(np.zeros(entries, np.uint64), rows, np.full(entries, -1, np.int32))

    def make_room(self, coming: int) -> None:
        """Grow for that many more evaluations: a short search should not wait until a long one's memory is cleared."""
        wanted = min(1 << (ENTRIES_EACH * (self.evaluations + coming) - 1).bit_length(), self.most)
        old = self.kept
        if len(old.keys) < wanted:
            self.kept = self._room(wanted)
            used = np.flatnonzero(old.keys)
            at = (old.keys[used] >> U(1)) & U(wanted - 1)
            self.kept.keys[at], self.kept.rows[at] = old.keys[used], old.rows[used]
