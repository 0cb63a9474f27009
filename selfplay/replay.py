"""The replay: a window of the newest positions, sampled at random and encoded again under a random symmetry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from games.compiler import kernel
from games.contract import FloatArray, Game
from games.rng import below
from selfplay.records import FULL, RANDOM, UNPROVEN, GameBatch, starts_of


@dataclass(frozen=True)
class Batch:
    """Training samples; a policy row sums to 1 over the legal moves, or is all zero where there is no target.

    Policies have a column for each move of a position, MAX_LEGAL in all: in games such as chess few of all logits are
    of legal moves. TERMS is 1 but for nets of sparse inputs.
    """

    planes: FloatArray  # [n, channels, rows, columns]
    moves: npt.NDArray[np.int64]  # [n, MAX_LEGAL, TERMS] the logits that sum to a legal move's; 0 after the last
    policy: FloatArray  # [n, MAX_LEGAL]
    legal: npt.NDArray[np.bool_]  # [n, MAX_LEGAL] whether there is a move
    outcome: FloatArray  # [n, 3] win, draw, loss for the player to move: proven, else the game's result
    root_wdl: FloatArray  # [n, 3] the search's estimate

    def dense(self, logits: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """`policy` and `legal` with a column for each of so many logits, where a move has one."""
        policy, legal = np.zeros((len(self.moves), logits), np.float32), np.zeros((len(self.moves), logits), np.bool_)
        row, column = np.nonzero(self.legal)
        at = row, self.moves[row, column, 0]
        policy[at], legal[at] = self.policy[row, column], True
        return policy, legal


class Column:
    """An array that grows at its end and forgets at its start; indices stay those of the whole history."""

    def __init__(self, dtype: Any, shape: tuple[int, ...] = ()) -> None:
        self.data, self.begin, self.end = np.empty((1024, *shape), dtype), 0, 0
        self.offset = 0  # history index of data[0]

    def append(self, values: npt.NDArray[Any]) -> None:
        """Add values at the end, moving what is alive when the array is full."""
        need = self.end - self.begin + len(values)
        if self.end - self.offset + len(values) > len(self.data):
            alive = self.view()
            data = np.empty((max(2 * need, 1024), *self.data.shape[1:]), self.data.dtype)
            data[: len(alive)] = alive
            self.data, self.offset = data, self.begin
        at = self.end - self.offset
        self.data[at : at + len(values)] = values
        self.end += len(values)

    def view(self) -> npt.NDArray[Any]:
        """What is alive, index `begin` first."""
        return self.data[self.begin - self.offset : self.end - self.offset]


@cache
def sample_kernel(game: Game) -> Callable[..., None]:
    """The kernel that replays a game up to each sampled position and encodes it under a random symmetry."""
    play, encode, transform, transform_action = game.play, game.encode, game.transform, game.transform_action
    policy_terms, terms, symmetries, full = game.policy_terms, game.terms, game.symmetries, FULL
    legal_actions, max_legal, all_actions = game.legal, game.max_legal, game.actions

    @kernel(game)
    def sample(
        picks: Any, row_game: Any, row_ply: Any, row_kind: Any, child_from: Any, child_action: Any, child_policy: Any,
        action_from: Any, actions: Any, starts: Any, bases: Any, planes: Any, moves: Any, policy: Any, counts: Any,
        rng: Any,
    ) -> None:  # fmt: skip
        """bases int64 [3]: history index of the first game, action and child at hand. counts int64 [n] of moves."""
        scratch, found = np.empty(2, starts.dtype), np.empty(max_legal, np.int32)
        column, summed = np.zeros(all_actions, np.int32), np.empty((max_legal, terms), np.int32)
        for b in range(picks.shape[0]):
            i = picks[b]
            g = row_game[i] - bases[0]
            scratch[0] = starts[g]
            s = scratch[0]
            first = action_from[g] - bases[1]
            for j in range(first, first + row_ply[i]):
                play(s, actions[j])
            k = below(rng, symmetries)
            image = scratch[1]
            if k > 0 and transform(s, k, image):
                encode(image, planes[b])
            else:
                k = 0
                image = s
                encode(s, planes[b])
            policy[b] = 0.0
            moves[b] = 0
            counts[b] = 0
            if child_from[i, 0] == child_from[i, 1]:
                continue
            counts[b] = legal_actions(image, found)
            policy_terms(image, found, counts[b], summed)
            for j in range(counts[b]):
                column[found[j]] = j
                for term in range(terms):
                    moves[b, j, term] = summed[j, term]
            if row_kind[i] != full:
                continue
            for j in range(child_from[i, 0] - bases[2], child_from[i, 1] - bases[2]):
                action = child_action[j]
                if k > 0:
                    action = transform_action(k, action)
                policy[b, column[action]] = child_policy[j]

    return sample


def side(ply: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """1 where the start's first player moves, -1 where the other does."""
    return np.where(ply % 2 == 0, 1, -1)


def outcomes(batch: GameBatch, owner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """[rows] what each game came to, for the player who began it: the first proof from that row on, else the result.

    What is proven is a position's value, whatever the moves make of it afterwards.
    """
    rows = batch.positions
    proof = np.where(batch.proven != UNPROVEN, np.arange(rows), rows)
    proof = np.minimum.accumulate(proof[::-1])[::-1]
    has = (proof < rows) & (owner[np.minimum(proof, rows - 1)] == owner)
    proof = np.where(has, proof, 0)
    found = batch.outcome[owner].astype(np.int64)
    return np.where(has, batch.proven[proof] * side(batch.ply[proof]), found) if rows else found


class Replay:
    """Holds games in columns; RANDOM rows and rows beyond the window are never drawn."""

    def __init__(self, game: Game, inputs: Game | None = None) -> None:
        """`inputs` is the game as the net wants it encoded, Game.listed say; by default as it is."""
        self.game, self.inputs = game, inputs or game
        self.sample_into = sample_kernel(self.inputs)
        self.starts, self.action_from = Column(game.state), Column(np.int64)
        self.actions = Column(np.int16)
        self.row_game, self.row_ply, self.row_kind = Column(np.int64), Column(np.int16), Column(np.uint8)
        self.child_from, self.root_wdl = Column(np.int64, (2,)), Column(np.float16, (3,))
        self.outcome = Column(np.int8)  # for the player to move
        self.child_action, self.child_policy = Column(np.int16), Column(np.float32)
        self.positions = 0  # seen so far, those forgotten included

    def __len__(self) -> int:
        """Positions that can be drawn."""
        return len(self.row_game.view())

    def append(self, batch: GameBatch) -> None:
        """Add the trainable rows of finished games."""
        games, base_game = len(batch), self.action_from.end
        self.starts.append(starts_of(self.game, batch))
        self.action_from.append(batch.action_offsets[:-1] + self.actions.end)
        self.actions.append(batch.actions)
        owner = np.repeat(np.arange(games), np.diff(batch.row_offsets))
        keep = batch.kind != RANDOM
        sign = side(batch.ply)
        spans = np.stack([batch.child_offsets[:-1], batch.child_offsets[1:]], 1) + self.child_action.end
        self.row_game.append(owner[keep] + base_game)
        self.row_ply.append(batch.ply[keep])
        self.row_kind.append(batch.kind[keep])
        self.child_from.append(spans[keep])
        self.root_wdl.append(batch.root_wdl[keep])
        outcome = sign * outcomes(batch, owner)
        self.outcome.append(outcome[keep])
        self.child_action.append(batch.child_action)
        self.child_policy.append(batch.policy)
        self.positions += int(keep.sum())

    def forget(self, keep: int) -> None:
        """Let go of all but the newest `keep` positions, rounded up to whole games."""
        rows = self.row_game
        if len(rows.view()) <= keep:
            return
        games = rows.view()
        first_game = int(games[len(games) - keep])
        at = int(np.searchsorted(games, first_game))
        for column in (self.row_ply, self.row_kind, self.child_from, self.root_wdl, self.outcome):
            column.begin += at
        self.child_action.begin = self.child_policy.begin = int(self.child_from.view()[0, 0])
        self.actions.begin = int(self.action_from.view()[first_game - self.action_from.begin])
        self.starts.begin = self.action_from.begin = first_game
        rows.begin += at

    def sample(self, n: int, rng: np.random.Generator, kernel_rng: npt.NDArray[np.uint64]) -> Batch:
        """Draw n positions uniformly, with replacement, each under a random symmetry of the game."""
        picks = rng.integers(len(self), size=n)
        planes = np.empty((n, *self.inputs.planes), np.float32)
        moves, counts = np.empty((n, self.game.max_legal, self.inputs.terms), np.int64), np.empty(n, np.int64)
        policy = np.empty((n, self.game.max_legal), np.float32)
        bases = np.array([self.action_from.begin, self.actions.begin, self.child_action.begin], np.int64)
        self.sample_into(
            picks, self.row_game.view(), self.row_ply.view(), self.row_kind.view(), self.child_from.view(),
            self.child_action.view(), self.child_policy.view(), self.action_from.view(), self.actions.view(),
            self.starts.view(), bases, planes, moves, policy, counts, kernel_rng,
        )  # fmt: skip
        outcome = np.eye(3, dtype=np.float32)[1 - self.outcome.view()[picks].astype(np.int64)]
        legal = np.arange(self.game.max_legal) < counts[:, None]
        return Batch(planes, moves, policy, legal, outcome, self.root_wdl.view()[picks].astype(np.float32))
