"""Alpha-beta over one game's rules, compiled: what `engine.exact` proves positions with.

A score is seen by the player to move and knows the distance: a win in d plies is FAR - d, a loss d - FAR, a draw 0.
One ply further from the end it shrinks by one, so that scores in the table hold wherever their position turns up.
The stack is an array of frames, not Python's or the processor's: a search may pause anywhere and go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from games.bits import prefetch
from games.compiler import kernel, part
from games.contract import Game, StateArray

FRAME = np.dtype(
    [
        ("alpha", "i4"),
        ("beta", "i4"),
        ("asked", "i4"),  # alpha as the node was entered with: a result above it is a lower bound
        ("best", "i4"),
        ("count", "i4"),  # moves to try
        ("next", "i4"),  # of these, the one to try next
        ("move", "i4"),  # the best so far
        ("slot", "i8"),  # in the table
    ]
)
NODES, DEPTH, HANDED_UP, VALUE, ROOT_PLY = 0, 1, 2, 3, 4  # of a search's control words, int64
CONTROL_WORDS = 5
PAUSED, DONE, TOO_LONG = 0, 1, 2  # what `search` returns
FREE, USED, PINNED = 0, 1, 2  # an entry of the table; what is pinned stays whatever comes
UNSOLVED = 2**20  # what `outcome_of` returns where it proves no score
UNKNOWN = 2  # what `keepers` returns where it proves no outcome


def word_type(game: Game) -> str:
    """The widest unsigned integer that a state is a whole number of: states are compared and hashed word by word."""
    return next(f"u{size}" for size in (8, 4, 2, 1) if game.state.itemsize % size == 0)


def entry_type(game: Game) -> np.dtype[Any]:
    """An entry of the table: a whole state, so that no two positions are ever taken for each other, and its bounds."""
    kind = word_type(game)
    words = game.state.itemsize // int(kind[1:])
    return np.dtype([("words", kind, (words,)), ("lower", "i2"), ("upper", "i2"), ("move", "i2"), ("used", "u2")])


@register_jitable
def nearer(value: Any) -> Any:
    """A child's score as its parent sees it: of the other sign, one ply further from the end."""
    if value > 0:
        return 1 - value
    return -1 - value if value < 0 else value


@register_jitable
def farther(value: Any) -> Any:
    """The inverse of `nearer`: a parent's bound as the child sees it."""
    if value > 0:
        return -value - 1
    return 1 - value if value < 0 else value


@dataclass(frozen=True)
class AlphaBeta:
    """One game's compiled search. `words` is `states` seen as unsigned integers, sharing its memory."""

    search: Callable[..., int]
    remembered: Callable[..., int]
    pin: Callable[..., None]


class Stack:
    """What a search works on beside the table: a state, moves and a frame for every ply down to the end."""

    def __init__(self, game: Game) -> None:
        plies = game.max_plies + 2
        self.states = game.states(plies)
        self.words = self.states.view(word_type(game)).reshape(plies, -1)
        self.moves = np.zeros((plies, game.max_legal), np.int32)
        self.frames = np.zeros(plies, FRAME)
        self.control = np.zeros(CONTROL_WORDS, np.int64)

    def begin(self, state: StateArray, ply: int, alpha: int, beta: int) -> None:
        """Set a search of `state`, `ply` plies after the game's start, up: is its score above alpha, below beta?"""
        self.states[0] = state[0]
        self.frames["alpha"][0], self.frames["beta"][0] = alpha, beta
        self.frames["next"][0] = 0
        self.control[DEPTH], self.control[HANDED_UP], self.control[ROOT_PLY] = 0, 0, ply


def new_table(game: Game, memory: int) -> StateArray:
    """An empty table of a power of two entries within that many bytes."""
    entries = max(memory // entry_type(game).itemsize, 2)
    return np.zeros(1 << (entries.bit_length() - 1), entry_type(game))


@dataclass(frozen=True)
class Parts:
    """One game's search as plain functions, for kernels of its callers to hold; see those of AlphaBeta."""

    slot_of: Callable[..., Any]
    run: Callable[..., Any]
    keepers: Callable[..., Any]
    outcome_of: Callable[..., Any]


@cache
def parts(game: Game) -> Parts:
    """The search, bound to a game's rules and not compiled yet."""
    legal, play, outcome, best_first = game.legal, game.play, game.outcome, game.best_first
    FAR, max_plies = game.max_plies + 1, game.max_plies
    WORDS = game.state.itemsize // int(word_type(game)[1:])
    ordered = best_first is not None
    if best_first is None:
        best_first = legal
    # Where best_first has looked ahead, no win within two plies and no loss within three is left; else a move may even
    # end the game against its own player, as the last disc does in Othello.
    soonest_win, soonest_loss = (3, 4) if ordered else (1, 1)

    @part(game)
    def slot_of(words: Any, depth: Any, mask: Any) -> Any:
        h = np.uint64(0)
        for k in range(WORDS):
            h = (h ^ np.uint64(words[depth, k])) * np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(29)
        return np.int64((h * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(20)) & mask

    @part(game)
    def forced(n: Any, s: Any) -> Any:
        """The score of a position that needs no search: over (n = 0), or decided in -n plies."""
        if n < 0:
            return FAR + n if (-n) & 1 else -FAR - n
        result = outcome(s)
        return FAR if result > 0 else -FAR if result < 0 else 0

    @part(game)
    def run(table: Any, states: Any, words: Any, moves: Any, frames: Any, control: Any, budget: Any) -> Any:
        mask = np.int64(table.shape[0] - 1)
        depth, nodes, ply = control[DEPTH], np.int64(0), control[ROOT_PLY]
        handed_up, value = control[HANDED_UP] != 0, control[VALUE]
        status = PAUSED
        while True:
            f = frames[depth]
            if not handed_up:
                if nodes >= budget:
                    break
                nodes += 1
                s = states[depth]
                f.slot = slot_of(words, depth, mask)
                prefetch(table, f.slot)  # arrives while best_first works
                n = np.int64(best_first(s, moves[depth]))
                handed_up = True
                if n <= 0:
                    value = np.int64(forced(n, s))
                elif ply + depth >= max_plies:
                    status = TOO_LONG
                    break
                else:
                    left = max_plies - ply - depth
                    high = np.int64(FAR - soonest_win if left >= soonest_win else 0)
                    low = np.int64(soonest_loss - FAR if left >= soonest_loss else 0)
                    f.asked = max(np.int64(f.alpha), low)
                    entry = table[f.slot]
                    f.move = -1
                    if entry.used:
                        same = True
                        for k in range(WORDS):
                            same = same and entry.words[k] == words[depth, k]
                        if same:
                            high = min(high, np.int64(entry.upper))
                            low = max(low, np.int64(entry.lower))
                            f.move = entry.move
                    if high <= f.alpha or low == high:
                        value = high
                    elif low >= f.beta:
                        value = low
                    else:
                        f.alpha = max(np.int64(f.alpha), low)
                        f.beta = min(np.int64(f.beta), high)
                        f.best = -FAR
                        f.count = n
                        f.next = 0
                        handed_up = False
                        if f.move >= 0:  # what was best in an earlier search is tried first
                            for k in range(1, n):
                                if moves[depth, k] == f.move:
                                    for m in range(k, 0, -1):
                                        moves[depth, m] = moves[depth, m - 1]
                                    moves[depth, 0] = f.move
                if handed_up:
                    if depth == 0:
                        status = DONE
                        break
                    depth -= 1
                    continue
            else:
                score = nearer(value)
                if score > f.best:
                    f.best = score
                    f.move = moves[depth, f.next - 1]
                    if score > f.alpha:
                        f.alpha = score
                handed_up = False
            if f.alpha >= f.beta or f.next == f.count:
                entry = table[f.slot]
                if entry.used != PINNED:
                    same = entry.used != FREE
                    for k in range(WORDS):
                        same = same and entry.words[k] == words[depth, k]
                        entry.words[k] = words[depth, k]
                    if not same:
                        entry.used = USED
                        entry.lower = -FAR
                        entry.upper = FAR
                    if f.best > f.asked:
                        entry.lower = max(entry.lower, f.best)
                        entry.move = f.move
                    elif entry.lower == -FAR:  # else the move that proves the lower bound stays
                        entry.move = f.move
                    if f.best < f.beta:
                        entry.upper = min(entry.upper, f.best)
                value = np.int64(f.best)
                handed_up = True
                if depth == 0:
                    status = DONE
                    break
                depth -= 1
                continue
            child = frames[depth + 1]
            child.alpha = farther(f.beta)
            child.beta = farther(f.alpha)
            states[depth + 1] = states[depth]
            play(states[depth + 1], moves[depth, f.next])
            f.next += 1
            depth += 1
        control[DEPTH], control[HANDED_UP], control[VALUE] = depth, np.int64(handed_up), value
        control[NODES] += nodes
        return status

    @part(game)
    def test(
        table: Any, states: Any, words: Any, moves: Any, frames: Any, control: Any, bar: Any, ply: Any, budget: Any
    ) -> Any:
        """Is the score of states[0], `ply` plies after the game's start, above `bar`? `run`, from the beginning."""
        frames[0].alpha = bar
        frames[0].beta = bar + 1
        control[DEPTH] = 0
        control[HANDED_UP] = 0
        control[ROOT_PLY] = ply
        return run(table, states, words, moves, frames, control, budget)

    @part(game)
    def keepers(
        roots: Any, i: Any, ply: Any, budget: Any, table: Any, states: Any, words: Any, moves: Any, frames: Any,
        control: Any, actions: Any, keeps: Any
    ) -> Any:  # fmt: skip
        """Which legal actions of roots[i] keep its outcome; returns that outcome, UNKNOWN when `budget` is too small.

        actions int32 and keeps uint8 [legal actions] are written.
        """
        n = legal(roots[i], actions)
        start = control[NODES]
        for bar in (0, -1):  # first look for wins, then for draws
            found = 0
            for j in range(n):
                states[0] = roots[i]
                play(states[0], actions[j])
                if legal(states[0], moves[0]) == 0:
                    result = outcome(states[0])
                    keeps[j] = result < 0 if bar == 0 else result <= 0
                    found += keeps[j]
                    continue
                left, above = budget - (control[NODES] - start), -1 if bar == 0 else 0
                if test(table, states, words, moves, frames, control, above, ply + 1, left) != DONE:
                    return UNKNOWN
                keeps[j] = control[VALUE] < 0 if bar == 0 else control[VALUE] <= 0
                found += keeps[j]
            if found > 0:
                return 1 if bar == 0 else 0
        for j in range(n):
            keeps[j] = 1
        return -1

    @part(game)
    def outcome_of(
        roots: Any, i: Any, ply: Any, budget: Any, table: Any, states: Any, words: Any, moves: Any, frames: Any,
        control: Any
    ) -> Any:  # fmt: skip
        """A score of roots[i] of the right sign, or UNSOLVED when `budget` is too small.

        Its distance is one that the better side can force: a win comes no later, a loss can be put off no longer.
        """
        start = control[NODES]
        for bar in (0, -1):  # first look for a win, then for a draw
            states[0] = roots[i]
            left = budget - (control[NODES] - start)
            if test(table, states, words, moves, frames, control, bar, ply, left) != DONE:
                return UNSOLVED
            if control[VALUE] > bar:
                break
        return control[VALUE]

    return Parts(slot_of, run, keepers, outcome_of)


@cache
def alpha_beta(game: Game) -> AlphaBeta:
    """The search, compiled for a game."""
    inner = parts(game)
    slot_of, run = inner.slot_of, inner.run
    WORDS = game.state.itemsize // int(word_type(game)[1:])

    @kernel(game)
    def search(table: Any, states: Any, words: Any, moves: Any, frames: Any, control: Any, budget: Any) -> Any:
        """Go on for at most `budget` nodes; DONE leaves the score, or a bound outside the window, in control[VALUE]."""
        return run(table, states, words, moves, frames, control, budget)

    @kernel(game)
    def remembered(table: Any, words: Any) -> Any:
        """The move that the table holds best in the state at words[0]; -1 when it holds none."""
        entry = table[slot_of(words, 0, np.int64(table.shape[0] - 1))]
        for k in range(WORDS):
            if entry.words[k] != words[0, k]:
                return -1
        return entry.move if entry.used else -1

    @kernel(game)
    def pin(table: Any, words: Any, scores: Any, best: Any) -> None:
        """Enter states (words [n, words of a state]) with their scores and best moves [n], which nothing displaces.

        Where two share a slot, the first stays.
        """
        for i in range(words.shape[0]):
            entry = table[slot_of(words, i, np.int64(table.shape[0] - 1))]
            if entry.used != PINNED:
                for k in range(WORDS):
                    entry.words[k] = words[i, k]
                entry.lower = scores[i]
                entry.upper = scores[i]
                entry.move = best[i]
                entry.used = PINNED

    return AlphaBeta(search, remembered, pin)
