"""Exact play: positions proven by alpha-beta, with the distance to the end; the truth where it finishes.

`Exact` narrows a position's score down by null-window searches, widest steps first (Pons 2015, parts 5 and 8), over
one table that lives as long as it does. Out of budget, it says what is proven so far and no more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.alphabeta import DONE, NODES, PAUSED, VALUE, Stack, alpha_beta, farther, nearer, new_table
from engine.early import early_positions
from engine.modes import EXACT
from engine.position import Position
from engine.result import SearchResult, certain
from games.contract import Game
from games.errors import TandemError
from games.rng import Random

CHUNK_NODES = 20_000  # between two looks at the clock and the stop signal: some milliseconds
MOST_NODES = 2**62
MOST_PV = 12  # moves; further down the table remembers bounds more than best play


@dataclass(frozen=True)
class Solution:
    """What is proven of a position, seen by its player to move.

    lower and upper bound the outcome (-1, 0, 1); plies is the distance to the end where both sides hurry to win and
    put losing off, None when that is not proven, not asked for, or the position a draw.
    """

    lower: int
    upper: int
    plies: int | None
    nodes: int
    seconds: float
    line: tuple[str, ...] = ()  # the move and best play after it, as far as remembered; of `moves` alone

    @property
    def value(self) -> int | None:
        """The outcome, where it is proven."""
        return self.lower if self.lower == self.upper else None


class Budget:
    """Nodes and seconds left to a series of searches."""

    def __init__(self, nodes: int | None, seconds: float | None, stop: Callable[[], bool] | None) -> None:
        self.nodes = MOST_NODES if nodes is None else nodes
        self.began, self.used = time.perf_counter(), 0
        self.deadline = None if seconds is None else self.began + seconds
        self.stop = stop

    def chunk(self) -> int:
        """Nodes to search before asking again; 0 when the budget is spent."""
        if (self.deadline is not None and time.perf_counter() >= self.deadline) or (self.stop and self.stop()):
            return 0
        return min(self.nodes - self.used, CHUNK_NODES)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.began

    def part(self, parts: int) -> "Budget":
        """An equal part of what is left; what it uses is for the caller to add here."""
        seconds = None if self.deadline is None else max(self.deadline - time.perf_counter(), 0.0) / parts
        return Budget((self.nodes - self.used) // parts, seconds, self.stop)


class Exact:
    """Solves positions of one game. Not thread-safe. `memory` is the byte budget of its table.

    `early` has it begin with the early positions that were solved ahead, where there are any.
    """

    def __init__(self, game: Game, *, memory: int = 256 << 20, seed: int = 0, early: bool = True) -> None:
        if game.repetition:
            raise TandemError(f"exact cannot play {game.name}: its outcomes depend on repeated positions")
        self.game, self.kernels, self.far = game, alpha_beta(game), game.max_plies + 1
        self.table, self.stack, self.rng = new_table(game, memory), Stack(game), Random(seed)
        self._keeper = -1  # a move that proves the lower bound which was found last
        if early:
            self.kernels.pin(self.table, *early_positions(game))

    def _test(self, position: Position, bar: int, budget: Budget) -> int | None:
        """A score at most `bar` proves itself an upper bound, one above it a lower bound; None: out of budget."""
        stack = self.stack
        stack.begin(position.state, position.ply, bar, bar + 1)
        status = PAUSED
        while status == PAUSED and (chunk := budget.chunk()):
            before = int(stack.control[NODES])
            status = self.kernels.search(
                self.table, stack.states, stack.words, stack.moves, stack.frames, stack.control, chunk
            )
            budget.used += int(stack.control[NODES]) - before
        if status == PAUSED:
            return None
        if status != DONE:
            raise TandemError(f"{self.game.name} may last longer than {self.game.max_plies} plies; exact cannot say")
        return int(stack.control[VALUE])

    def _narrow(self, position: Position, low: int, high: int, budget: Budget, outcome_only: bool) -> tuple[int, int]:
        """Bounds on the score of a position within [low, high], as close as the budget allows."""
        if position.ended:
            score = self.far * int(position.outcome())
            return score, score
        self._keeper = -1
        while not self._settled(low, high, outcome_only):
            middle = low + (high - low) // 2
            if outcome_only:
                middle = 0 if high > 0 else -1
            elif middle <= 0 and -(-low // 2) < middle:
                middle = -(-low // 2)
            elif middle >= 0 and high // 2 > middle:
                middle = high // 2
            found = self._test(position, middle, budget)
            if found is None:
                break
            if found > middle:
                low = max(low, found)
                self._keeper = self._remembered(position)
            else:
                high = min(high, found)
        return low, high

    @staticmethod
    def _settled(low: int, high: int, outcome_only: bool) -> bool:
        return low >= high or (outcome_only and (low > 0 or high < 0))

    def _solution(self, low: int, high: int, nodes: int, seconds: float, line: tuple[str, ...] = ()) -> Solution:
        plies = self.far - abs(low) if low == high != 0 else None
        return Solution(int(np.sign(low)), int(np.sign(high)), plies, nodes, seconds, line)

    def solve(
        self,
        position: Position,
        *,
        nodes: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        outcome_only: bool = False,
    ) -> Solution:
        """What is proven of a position within the budgets; all there is to prove when none is given.

        outcome_only leaves the distance alone, which is faster. Raises TandemError for a game that outlasts its
        MAX_PLIES.
        """
        budget = Budget(nodes, seconds, stop)
        low, high = self._narrow(position, -self.far, self.far, budget, outcome_only)
        return self._solution(low, high, budget.used, budget.seconds)

    def best(self, position: Position) -> tuple[int, int]:
        """The score of a position that is not over, as engine.alphabeta counts it, and a move that reaches it.

        However long that takes.
        """
        score = self._narrow(position, -self.far, self.far, Budget(None, None, None), False)[0]
        return score, self._held(position)

    def moves(
        self,
        position: Position,
        *,
        nodes: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        outcome_only: bool = False,
    ) -> dict[int, Solution]:
        """What is proven of every legal action: outcome for the player who makes it, plies to the end with it.

        A budget is shared out evenly, to the outcomes of all moves first (twice, as some need less than their part) and
        to distances then. A Solution's nodes and seconds are those spent on its move.
        """
        budget, actions = Budget(nodes, seconds, stop), position.legal()
        bounds = dict.fromkeys(actions, (-self.far, self.far))  # of the position after the move
        spent = dict.fromkeys(actions, (0, 0.0))
        lines = dict.fromkeys(actions, tuple[str, ...]())
        for only in (True, True) if outcome_only else (True, True, False):
            todo = [a for a in actions if not self._settled(*bounds[a], only)]
            for i, action in enumerate(todo):
                part = budget.part(len(todo) - i)
                position.play(action)
                bounds[action] = self._narrow(position, *bounds[action], part, only)
                position.undo()
                budget.used += part.used
                spent[action] = spent[action][0] + part.used, spent[action][1] + part.seconds
                lines[action] = tuple(self._line(position, action))
        return {
            a: self._solution(nearer(high), nearer(low), *spent[a], lines[a]) for a, (low, high) in bounds.items()
        }  # fmt: skip

    def run(
        self,
        position: Position,
        *,
        nodes: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SearchResult:
        """Choose a move: the soonest win or the latest loss, among equals by seed.

        Where the budget does not reach, a move that keeps what is proven, if any is; else what the unfinished search
        held best. The result's simulations are nodes; its proofs name the moves found best. Raises TandemError when the
        game is over.
        """
        if position.ended:
            raise TandemError(f"the game is over ({position.ended}); there is nothing to solve")
        budget = Budget(nodes, seconds, stop)
        low, high = self._narrow(position, -self.far, self.far, budget, False)
        held = self._held(position)  # now: testing other moves may displace it from the table
        actions = sorted(position.legal())
        best = self._best(position, low, budget) if low == high else []
        action = best[self.rng.below(len(best))] if best else held
        found = self._solution(low, high, budget.used, budget.seconds)
        proofs = np.array([found.value if a in best else np.nan for a in actions], np.float64)
        return SearchResult(
            mode=EXACT,
            action=action,
            move=self.game.format_action(position.state, action),
            actions=np.array(actions, np.int32),
            visits=np.zeros(len(actions), np.int64),
            q=proofs,
            prior=np.full(len(actions), 1 / len(actions)),
            policy=np.array([float(a == action) for a in actions]),
            proofs=proofs,
            wdl=certain(found.value) if found.value is not None else (1 / 3, 1 / 3, 1 / 3),
            pv=self._line(position, action),
            simulations=found.nodes,
            evaluations=0,
            seconds=found.seconds,
            proven=found.value,
            plies=found.plies or 0,
            planned=True,
            bounds=(found.lower, found.upper),
        )

    def _best(self, position: Position, score: int, budget: Budget) -> list[int]:
        """The moves that reach the position's score, as far as the budget goes: in an order that favours none."""
        actions, best, bar = position.legal(), list[int](), farther(score)
        for at in range(len(actions)):
            other = at + self.rng.below(len(actions) - at)
            actions[at], actions[other] = actions[other], actions[at]
            position.play(actions[at])
            after = self.far * int(position.outcome()) if position.ended else self._test(position, bar, budget)
            position.undo()
            if after is not None and after <= bar:
                best.append(actions[at])
        return best

    def _line(self, position: Position, action: int) -> list[str]:
        """The move, and what the table remembers as best play after it."""
        line, moves = Position(self.game, states=[position.state]), list[str]()
        while True:
            moves.append(self.game.format_action(line.state, action))
            line.play(action)
            if line.ended or len(moves) >= MOST_PV or (action := self._remembered(line)) < 0:
                return moves

    def _remembered(self, position: Position) -> int:
        self.stack.begin(position.state, position.ply, 0, 1)
        move = int(self.kernels.remembered(self.table, self.stack.words))
        return move if move in position.legal() else -1

    def _held(self, position: Position) -> int:
        """The move that the search now ended holds best, one that proves the lower bound if any does.

        Without any, the move that it is at: those before it were not good enough, those after it seemed worse.
        """
        stack = self.stack
        at = int(stack.moves[0, stack.frames["next"][0] - 1]) if stack.frames["next"][0] > 0 else -1
        move = self._keeper if self._keeper >= 0 else self._remembered(position)
        if move >= 0:
            return move
        for action in position.legal():  # a win at once needs no order of moves
            position.play(action)
            won = bool(position.ended) and position.outcome() < 0
            position.undo()
            if won:
                return action
        if at < 0:
            stack.begin(position.state, position.ply, -self.far, self.far)
            stack.moves[0, 0] = position.legal()[0]  # stays where every move loses at once
            self.kernels.search(self.table, stack.states, stack.words, stack.moves, stack.frames, stack.control, 1)
            at = int(stack.moves[0, 0])
        return at
