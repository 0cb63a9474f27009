"""Many positions searched side by side, with one evaluation for all of them at a time."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.compaction import is_full
from engine.evalcache import EvalCache
from engine.evaluator import Evaluator, inputs_of
from engine.gumbel import bracket_type
from engine.kernels import CHECK_EVERY, SLOT
from engine.leafproofs import forget, provers
from engine.position import Position
from engine.result import MoveReport, SearchResult
from engine.search import CHUNK, Search
from engine.settings import Settings
from engine.tree import NODE, reset
from games.contract import Game
from games.errors import TandemError

MOST_TOGETHER = 256  # positions: larger batches hardly raise the rate of evaluations
TOGETHER = ("net", "value", "hybrid")  # modes


def search_together(
    game: Game, settings: Settings, evaluator: Evaluator, positions: Sequence[Position], budgets: Sequence[int] = (1,)
) -> list[list[SearchResult]]:
    """What Search finds in each position with each budget of simulations, the least first; [budgets][positions].

    For modes net, value and hybrid, with PUCT at the root; the first two take the one budget that they need.
    `settings.memory` bounds the trees of the positions that are searched at a time. Raises TandemError for other modes
    and for games that are over.
    """
    most = max(1, min(MOST_TOGETHER, settings.memory // tree_bytes(game, max(budgets))))
    found: list[list[SearchResult]] = [[] for _ in budgets]
    for i in range(0, len(positions) or 1, most):
        some = positions[i : i + most]
        trees = Lockstep(game, settings, evaluator, len(some), max(budgets))
        for g, position in enumerate(some):
            trees.enter(g, position, budgets[0])
        for results, budget in zip(found, budgets, strict=True):
            for g in range(len(some)):
                trees.go_on(g, budget)
            while trees.searching.any():
                trees.step()
            results += [trees.result(g) for g in range(len(some))]
    return found


def tree_nodes(game: Game, simulations: int) -> int:
    """Nodes that a tree of that many simulations has at most."""
    return (max(simulations, game.max_legal) + 2) * game.max_legal + 1


def tree_bytes(game: Game, simulations: int) -> int:
    """Bytes of a tree that has room for that many simulations."""
    return tree_nodes(game, simulations) * NODE.itemsize


class Lockstep:
    """Places for positions, a tree in each; what `Search` holds of one tree is here an array over all.

    A place is entered at any time, and searched by every `step` until its budget is spent or its move decided, as a
    Search would; what it finds, and when it ends, does not depend on the other places, but for how a net rounds in
    batches of another size. Not thread-safe.
    """

    def __init__(
        self,
        game: Game,
        settings: Settings,
        evaluator: Evaluator,
        places: int,
        simulations: int,
        *,
        leaves: int = 1,
        cache: EvalCache | None = None,
    ) -> None:
        """`simulations` is the most that a place is entered with, `leaves` how many of a tree are evaluated at once.

        Without a `cache` nothing that the net said is kept. TandemError for modes that do not evaluate together.
        """
        if settings.mode not in TOGETHER:
            raise TandemError(f"mode {settings.mode} does not evaluate positions together; net, value and hybrid do")
        # Lends its options and kernels, and makes a result of each tree in turn.
        lent = replace(settings, memory=1, threads=1, leaves=leaves, reuse=False)
        self.search = Search(game, lent, evaluator)
        self._own = self.search.trees[0].nodes
        self.evaluator, self.leaves_each = evaluator, leaves
        self.positions: list[Position | None] = [None] * places
        slots, depth, inputs = places * leaves, game.max_plies + 2, inputs_of(game, evaluator)
        nodes = min(tree_nodes(game, simulations), max(settings.memory // (2 * NODE.itemsize), 2 * game.max_legal + 1))
        self.trees, self.used = np.empty((places, nodes), NODE), np.ones(places, np.int64)
        self.roots = game.states(places)
        self.histories = np.zeros((places, game.max_plies + 1 if game.repetition else 1), np.uint64)
        self.counts = np.zeros(places, np.int64)
        self.slots, self.leaves = np.zeros(slots, SLOT), game.states(slots)
        self.slots["tree"] = np.repeat(np.arange(places), leaves)
        self.paths, self.moves = np.zeros((slots, depth), np.int32), np.zeros((slots, game.max_legal), np.int32)
        self.planes = np.zeros((slots, *inputs.planes), np.float32)
        self.logits, self.wdl = np.zeros((slots, inputs.logits), np.float32), np.zeros((slots, 3), np.float32)
        self.provers = provers(game, places, int(self.search.options["proof_nodes"][0]))
        self.brackets = np.zeros(places, bracket_type(game))
        self.cache = cache or EvalCache(game, 0)
        self.wanted, self.simulations = np.zeros(places, np.int64), np.zeros(places, np.int64)
        self.budget, self.chunk, self.look_at = (np.zeros(places, np.int64) for _ in range(3))
        self.searching, self.looks, self.for_wins = (np.zeros(places, np.bool_) for _ in range(3))
        self.evaluations, self.seconds = np.zeros(places, np.int64), np.zeros(places)

    def enter(self, place: int, position: Position, simulations: int) -> None:
        """Begin anew in a place; modes net and value take what they need. TandemError when the game is over."""
        game, mode = self.search.game, self.search.mode
        self.search.trees[0].nodes = self._own  # which it clears
        self.search.start(position)
        self.positions[place] = self.search.position
        reset(self.trees[place].view(np.recarray)[0])
        self.used[place], self.roots[place] = 1, position.state[0]
        if game.repetition:
            self.histories[place, : position.ply] = position.keys[:-1]
        self.counts[place] = position.ply
        forget(self.provers, place)
        self.simulations[place] = self.evaluations[place] = self.chunk[place] = self.budget[place] = 0
        self.seconds[place] = 0.0
        self.for_wins[place] = self.search.looks_for_wins(simulations, None)
        self.looks[place] = self.for_wins[place] or self.search.options["proof_nodes"][0] > 0
        if mode.plies_of_search is not None:
            simulations = 1 + mode.plies_of_search * len(position.legal())
        self.wanted[place] = simulations
        self._next_chunk(place)
        self.cache.make_room(int((self.wanted - self.simulations).sum()))

    def go_on(self, place: int, simulations: int) -> None:
        """Let a place have that many simulations in all; nothing changes in modes net and value, or if it had them."""
        if self.search.mode.plies_of_search is None and simulations > self.wanted[place]:
            self.wanted[place] = simulations
            self._next_chunk(place)

    def leave(self, place: int) -> None:
        """Search a place no more; what it has found stays."""
        self.simulations[place] = self._ran(place)
        self.chunk[place] = self.budget[place] = 0
        self.searching[place] = False

    def step(self) -> None:
        """One evaluation for all; TandemError when the net fails, and then nothing here can be used any more."""
        began, searched = time.perf_counter(), self.searching.copy()
        k, o, rng = self.search.kernels, self.search.options[0], self.search.trees[0].rng
        rows = k.gather(
            self.trees, self.used, self.roots, self.histories, self.counts, self.budget, self.brackets, self.slots,
            self.leaves, self.paths, self.moves, self.planes, self.cache.kept, self.provers, o
        )  # fmt: skip
        if rows:
            self.evaluator.evaluate(self.planes[:rows], self.logits[:rows], self.wdl[:rows])
            self.evaluations += (self.slots["row"] >= 0).reshape(-1, self.leaves_each).sum(1)
            self.cache.evaluations += rows
            k.scatter(
                self.trees, self.used, self.slots, self.leaves, self.paths, self.moves, self.logits, self.wdl,
                self.cache.kept, o, rng
            )  # fmt: skip
        for place in np.flatnonzero(self.searching & is_full(self.used, self.trees.shape[1], o["room"])).tolist():
            self._thin(place)
        for place in np.flatnonzero(self.searching & (self.budget == 0)).tolist():
            self._next_chunk(place)
        if o["early_stop"]:
            for place in np.flatnonzero(self.searching & (self.chunk - self.budget >= self.look_at)).tolist():
                self.look_at[place] = self.chunk[place] - self.budget[place] + CHECK_EVERY
                if k.decided(self.trees[place], int(self.wanted[place]) - self._ran(place)):
                    self.leave(place)
        self.seconds[searched] += (time.perf_counter() - began) / max(int(searched.sum()), 1)

    def result(self, place: int) -> SearchResult:
        """What the search of a place knows now. Raises TandemError when no simulation has run."""
        return self._lent(place).result(planned=self.search.mode.plies_of_search is None)

    def reports(self, place: int, result: SearchResult) -> list[MoveReport]:
        """What the tree of a place, which gave `result`, holds of each of its moves."""
        return self._lent(place).moves(result)

    def _thin(self, place: int) -> None:
        out = np.empty(self.trees.shape[1], NODE)
        used = int(self.search.kernels.thin(self.trees[place], self.used[place], out))
        self.trees[place, :used], self.used[place] = out[:used], used

    def _ran(self, place: int) -> int:
        return int(self.simulations[place] + self.chunk[place] - self.budget[place])

    def _next_chunk(self, place: int) -> None:
        """Hand out the next simulations in the portions in which Search runs and checks them."""
        if self.looks[place] and self._ran(place):
            tree, root = self.trees[place], self.roots[place : place + 1]
            self.search.position = self.positions[place]
            self.search.look_at_root(tree, root, self.provers, place, for_wins=self.for_wins[place])
            self.looks[place] = False
        left = int(self.wanted[place]) - self._ran(place)
        self.leave(place)
        k, early_stop = self.search.kernels, self.search.options["early_stop"][0]
        over = left <= 0 or (early_stop and k.decided(self.trees[place], left))
        self.searching[place] = not over
        self.chunk[place] = 0 if over else 1 if self.looks[place] else min(left, CHUNK)
        self.budget[place], self.look_at[place] = self.chunk[place], CHECK_EVERY

    def _lent(self, place: int) -> Search:
        """The search with the tree of a place for its own."""
        search, tree = self.search, self.search.trees[0]
        search.position, search.simulations = self.positions[place], self._ran(place)
        search.seconds = float(self.seconds[place])
        tree.nodes, tree.evaluations = self.trees[place : place + 1], int(self.evaluations[place])
        return search
