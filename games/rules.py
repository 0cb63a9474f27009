"""The rules of one game as compiled functions over arrays of states: what Python code outside kernels calls."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from games.compiler import kernel
from games.contract import FloatArray, Game, StateArray
from games.rng import below, mix

DIGEST_GAMES, DIGEST_NODES = 64, 2000


@dataclass(frozen=True)
class Rules:
    """Compiled functions; `states` is a game's record array, `i` an index into it."""

    game: Game
    start: Callable[[StateArray], None]
    legal_into: Callable[[StateArray, int, npt.NDArray[np.int32]], int]
    play: Callable[[StateArray, int, int], None]
    outcome: Callable[[StateArray, int], float]
    encode: Callable[[StateArray, FloatArray], None]
    key: Callable[[StateArray, int], int]
    transform: Callable[[StateArray, int, StateArray], bool]
    perft: Callable[[StateArray, int], int]
    digest: Callable[[StateArray, int, int], int]
    replay: Callable[[StateArray, npt.NDArray[np.int32], npt.NDArray[np.uint64]], int]

    def first(self) -> StateArray:
        """The game's first position, as an array of one record."""
        states = self.game.states(1)
        self.start(states)
        return states

    def legal(self, states: StateArray) -> list[int]:
        """The legal actions of states[0], in the order of the rules; none when the game is over."""
        out = np.empty(self.game.max_legal, np.int32)
        return [int(a) for a in out[: self.legal_into(states, 0, out)]]

    def images(self, states: StateArray) -> list[StateArray]:
        """states[0] and its images under the game's symmetries, each once, in an order that all of them share."""
        found = {states[:1].tobytes(): states[:1]}
        for k in range(1, self.game.symmetries):
            image = self.game.states(1)
            if self.transform(states, k, image):
                found[image.tobytes()] = image
        return [found[name] for name in sorted(found)]

    def digest_bytes(self) -> bytes:
        """The rules at work: perft counts from the start, and a hash over some random games played to their end."""
        counts, depth = [1], 0
        while counts[-1] and counts[-1] < DIGEST_NODES and depth < self.game.max_plies:
            depth += 1
            counts.append(int(self.perft(self.first(), depth)))
        games = int(self.digest(self.first(), DIGEST_GAMES, self.game.max_plies))
        return repr((self.game.state.descr, self.game.planes, self.game.logits, counts, games)).encode()


@cache
def rules(game: Game) -> Rules:
    """The compiled rules of a game; compiled on the first call ever, read from Numba's disk cache after."""
    r_start, r_legal, r_play, r_outcome, r_encode = game.start, game.legal, game.play, game.outcome, game.encode
    r_key, r_transform, max_legal = game.key, game.transform, game.max_legal

    @kernel(game)
    def start(states: Any) -> None:
        for i in range(states.shape[0]):
            r_start(states[i])

    @kernel(game)
    def legal_into(states: Any, i: Any, out: Any) -> Any:
        return r_legal(states[i], out)

    @kernel(game)
    def play(states: Any, i: Any, action: Any) -> None:
        r_play(states[i], action)

    @kernel(game)
    def outcome(states: Any, i: Any) -> Any:
        return r_outcome(states[i])

    @kernel(game)
    def encode(states: Any, planes: Any) -> None:
        for i in range(states.shape[0]):
            r_encode(states[i], planes[i])

    @kernel(game)
    def key(states: Any, i: Any) -> Any:
        return r_key(states[i])

    @kernel(game)
    def transform(states: Any, k: Any, out: Any) -> Any:
        if k == 0:
            out[0] = states[0]
            return True
        return r_transform(states[0], k, out[0])

    @kernel(game)
    def perft(states: Any, depth: Any) -> Any:
        stack = np.empty(depth + 1, states.dtype)
        moves = np.empty((depth + 1, max_legal), np.int32)
        count = np.zeros(depth + 1, np.int64)
        at = np.zeros(depth + 1, np.int64)
        stack[0] = states[0]
        if depth == 0:
            return 1
        total, d = 0, 0
        count[0] = r_legal(stack[0], moves[0])
        while d >= 0:
            if at[d] == count[d]:
                d -= 1
                continue
            stack[d + 1] = stack[d]
            r_play(stack[d + 1], moves[d, at[d]])
            at[d] += 1
            if d + 1 == depth:
                total += 1
                continue
            d += 1
            count[d] = r_legal(stack[d], moves[d])
            at[d] = 0
        return total

    @kernel(game)
    def digest(states: Any, games: Any, max_plies: Any) -> Any:
        moves = np.empty(max_legal, np.int32)
        rng = np.zeros(1, np.uint64)
        scratch = states.copy()
        h = np.uint64(0)
        for _ in range(games):
            scratch[0] = states[0]
            s = scratch[0]
            n = r_legal(s, moves)
            plies = 0
            while n > 0 and plies < max_plies:
                for j in range(n):
                    h = mix(h * np.uint64(31) + np.uint64(moves[j] + 1))
                r_play(s, moves[below(rng, n)])
                n = r_legal(s, moves)
                plies += 1
            h = mix(h + np.uint64(plies))
            if n == 0:
                h = mix(h + np.uint64(np.int64(2.0 + r_outcome(s))))
        return h

    @kernel(game)
    def replay(states: Any, actions: Any, keys: Any) -> Any:
        """Play actions [n] from states[0] into states [n + 1] and keys [n + 1]; how many are legal, in a row."""
        moves = np.empty(max_legal, np.int32)
        keys[0] = r_key(states[0])
        for i in range(actions.shape[0]):
            n, found = r_legal(states[i], moves), False
            for j in range(n):
                found = found or moves[j] == actions[i]
            if not found:
                return i
            states[i + 1] = states[i]
            r_play(states[i + 1], actions[i])
            keys[i + 1] = r_key(states[i + 1])
        return actions.shape[0]

    return Rules(game, start, legal_into, play, outcome, encode, key, transform, perft, digest, replay)
