"""Many positions searched side by side, with one evaluation for all of them at a time."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.evalcache import EvalCache
from engine.evaluator import Evaluator
from engine.gumbel import bracket_type
from engine.kernels import SLOT
from engine.position import Position
from engine.result import SearchResult
from engine.search import Search, Settings
from engine.tree import NODE, reset
from games.contract import Game
from games.errors import TandemError

MOST_TOGETHER = 256  # positions: larger batches hardly raise the rate of evaluations


def search_together(
    game: Game, settings: Settings, evaluator: Evaluator, positions: Sequence[Position], budgets: Sequence[int] = (1,)
) -> list[list[SearchResult]]:
    """What Search finds in each position with each budget of simulations, the least first; [budgets][positions].

    For modes net, value and hybrid, with PUCT at the root; the first two take the one budget that they need.
    `settings.memory` bounds the trees of the positions that are searched at a time. Raises TandemError for other modes
    and for games that are over.
    """
    if settings.mode not in ("net", "value", "hybrid"):
        raise TandemError(f"mode {settings.mode} does not evaluate positions together; net, value and hybrid do")
    nodes = (max(*budgets, game.max_legal) + 2) * game.max_legal + 1
    most = max(1, min(MOST_TOGETHER, settings.memory // (nodes * NODE.itemsize)))
    found: list[list[SearchResult]] = [[] for _ in budgets]
    for i in range(0, len(positions), most):
        group = _Group(game, settings, evaluator, positions[i : i + most], nodes)
        for results, budget in zip(found, budgets, strict=True):
            results += group.run(budget)
    return found


class _Group:
    """A tree for each of some positions; what `Search` holds of one tree is here an array over all."""

    def __init__(
        self, game: Game, settings: Settings, evaluator: Evaluator, positions: Sequence[Position], nodes: int
    ) -> None:
        n = len(positions)
        # Lends its options and kernels, and makes a result of each tree in turn.
        self.search = Search(game, replace(settings, memory=1, threads=1, leaves=1), evaluator)
        self.evaluator, self.positions = evaluator, positions
        self.trees, self.used = np.empty((n, nodes), NODE), np.ones(n, np.int64)
        self.roots, self.leaves = game.states(n), game.states(n)
        self.histories = np.zeros((n, game.max_plies + 1 if game.repetition else 1), np.uint64)
        self.counts = np.zeros(n, np.int64)
        for g, position in enumerate(positions):
            self.search.start(position)
            reset(self.trees[g].view(np.recarray)[0])
            self.roots[g] = position.state[0]
            if game.repetition:
                self.histories[g, : position.ply] = position.keys[:-1]
                self.counts[g] = position.ply
        self.slots = np.zeros(n, SLOT)
        self.slots["tree"] = np.arange(n)
        self.paths, self.moves = np.zeros((n, game.max_plies + 2), np.int32), np.zeros((n, game.max_legal), np.int32)
        self.planes = np.zeros((n, *game.planes), np.float32)
        self.logits, self.wdl = np.zeros((n, game.logits), np.float32), np.zeros((n, 3), np.float32)
        self.simulations, self.evaluations = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.brackets = np.zeros(n, bracket_type(game))
        self.cache = EvalCache(game, 0)  # each position's evaluations are counted as its own
        self.seconds = 0.0

    def run(self, simulations: int) -> list[SearchResult]:
        """Search on until each tree has had that many simulations in all, or what its mode needs."""
        began = time.perf_counter()
        mode = self.search.mode
        wanted = np.full(len(self.positions), simulations)
        if mode.plies_of_search is not None:
            wanted[:] = [1 + mode.plies_of_search * len(position.legal()) for position in self.positions]
        budget = np.maximum(wanted - self.simulations, 0)
        k, o, tree = self.search.kernels, self.search.options[0], self.search.trees[0]
        while budget.any():
            rows = k.gather(
                self.trees, self.used, self.roots, self.histories, self.counts, budget, self.brackets, self.slots,
                self.leaves, self.paths, self.moves, self.planes, self.cache.kept, o
            )  # fmt: skip
            if rows:
                self.evaluator.evaluate(self.planes[:rows], self.logits[:rows], self.wdl[:rows])
                self.evaluations += self.slots["row"] >= 0
                k.scatter(
                    self.trees, self.used, self.slots, self.leaves, self.paths, self.moves, self.logits, self.wdl,
                    self.cache.kept, o, tree.rng
                )  # fmt: skip
        self.simulations = np.maximum(wanted, self.simulations)
        self.seconds += time.perf_counter() - began
        return [self._result(g) for g in range(len(self.positions))]

    def _result(self, g: int) -> SearchResult:
        search, tree = self.search, self.search.trees[0]
        search.position, search.simulations = self.positions[g], int(self.simulations[g])
        search.seconds = self.seconds / len(self.positions)
        tree.nodes, tree.evaluations = self.trees[g : g + 1], int(self.evaluations[g])
        return search.result(planned=search.mode.plies_of_search is None)
