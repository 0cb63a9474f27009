"""Search: one position, any mode, in resumable steps; what the next move can use of the tree is kept."""

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.answer import reports_of, result_of
from engine.arrays import TreeArrays
from engine.compaction import is_full
from engine.evalcache import EvalCache
from engine.evaluator import Evaluator, inputs_of
from engine.kernels import CHECK_EVERY, kernels
from engine.leafproofs import Provers, root_kernel
from engine.modes import resolve
from engine.netplan import NetPlan
from engine.options import options_of
from engine.perceptron import KernelNet
from engine.position import Position
from engine.result import MoveReport, SearchResult
from engine.settings import DEFAULT_SIMULATIONS, Settings, check_budget
from engine.tree import NODE
from games.contract import Game
from games.errors import TandemError
from games.rng import Random, seed_for

# Leaves that wait for one batch choose without each other's values: that costs little in a search of many times more.
MOST_LEAVES, SIMULATIONS_PER_LEAF = 16, 100
NEVER = 2**40  # simulations: more than can be left, so that nothing is decided early
# From which budget on a search begins by looking for wins in three plies: in chess one to two milliseconds.
LOOK_SIMULATIONS, LOOK_SECONDS = 1000, 0.05
CHUNK = 512  # simulations of a tree between two looks at the stop signal, where they are counted
CHUNK_SECONDS = 0.005  # between two looks at the clock, the stop signal and Ctrl-C
THREAD_NOISE = 0.1  # share of Dirichlet noise that makes the trees of further threads differ


class Search:
    """Searches positions of one game. Not thread-safe; one instance per game being played.

    run(position, simulations=...) or run(position, seconds=...) does it all; start, advance and result are the
    steps it is made of. A counted budget repeats exactly for the same seed; a timed one does not.
    """

    def __init__(self, game: Game, settings: Settings | None = None, evaluator: Evaluator | None = None) -> None:
        self.game, self.settings = game, settings or Settings()
        self.mode = resolve(game, self.settings.mode, self.settings.prior, self.settings.value)
        if self.mode.needs_net and evaluator is None:
            raise TandemError(f"mode {self.mode.name} needs a net; only mode search works without")
        self.evaluator = evaluator if self.mode.needs_net else None
        if self.settings.images > 1 and self.evaluator is not None and not isinstance(self.evaluator, KernelNet):
            raise TandemError("images are averaged by kernel nets alone: leave images out, or use a perceptron")
        if isinstance(self.evaluator, KernelNet) and (self.settings.leaves or 1) > 1:
            raise TandemError("a kernel net evaluates one leaf at a time: leave leaves out, or use backend=torch")
        inputs = inputs_of(game, self.evaluator)
        self.kernels = kernels(inputs)
        self.settle_root = root_kernel(game)
        self.options = options_of(game, self.settings, self.mode)
        threads = self.settings.threads if self.mode.plies_of_search is None else 1  # a few evaluations need no more
        nodes = self.settings.memory // (2 * NODE.itemsize * threads)
        nodes = max(nodes, 2 * game.max_legal + 1)
        leaves = game.max_legal if self.mode.plies_of_search == 1 else self.settings.leaves or MOST_LEAVES
        seeds = [seed_for(self.settings.seed, i) for i in range(threads)]
        caches = [EvalCache(game, self.settings.cache if self.evaluator is not None else 0, 1) for _ in seeds]
        proof_nodes = int(self.options["proof_nodes"][0])
        self.trees = [
            TreeArrays(game, nodes, leaves, proof_nodes, *rest, inputs) for rest in zip(seeds, caches, strict=True)
        ]
        if isinstance(self.evaluator, KernelNet):
            for tree in self.trees:
                tree.net_plan = NetPlan(game, self.evaluator)
        self.rng = Random(self.settings.seed)
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._batch_leaves(1 if self.settings.leaves is None and self.mode.plies_of_search is None else leaves)
        self.position: Position | None = None
        self.chosen_from: frozenset[int] | None = None  # the root's moves, where they are not all that are legal
        self.simulations, self.seconds = 0, 0.0
        self.history = np.zeros(1, np.uint64)
        self.moves_chosen = self.moves_planned = 0

    def _batch_leaves(self, leaves: int) -> None:
        """Evaluate that many leaves of a tree at once; the virtual loss keeps them apart, and each has room to grow."""
        self.leaves = 1 if isinstance(self.evaluator, KernelNet) else leaves
        if self.mode.plies_of_search is None:
            most = self.trees[0].nodes.shape[1] - self.game.max_legal - 1
            self.options["room"] = min(self.leaves * self.game.max_legal, most)
        self.options["virtual_loss"] = 1.0 if self.leaves > 1 else 0.0

    def start(self, position: Position, moves: Collection[int] | None = None) -> None:
        """Make `position` the root, keeping the subtree that earlier searches grew under it.

        `moves` are the actions to choose from, where they are not all that are legal. TandemError when the game is over
        or none of them is legal.
        """
        if not position.playable:
            raise TandemError(f"the game is over ({position.ended}); there is nothing to search")
        legal = frozenset(position.legal())
        chosen_from = legal if moves is None else legal & frozenset(moves)
        if not chosen_from:
            raise TandemError("none of the moves to choose from is legal")
        if not self._descend_to(position, legal if self.chosen_from is None else self.chosen_from, chosen_from):
            for tree in self.trees:
                tree.clear()
        self.position = position.copy()
        self.chosen_from = None if chosen_from == legal else chosen_from
        self.history = np.array(position.keys[:-1] or [0], np.uint64)
        for tree in self.trees:
            tree.roots[0] = position.state[0]
            tree.bracket["budget"] = 0
            tree.evaluations = 0
        self.simulations, self.seconds = 0, 0.0

    def _descend_to(self, position: Position, before: frozenset[int], now: frozenset[int]) -> bool:
        """Reroot every tree where `position` continues the last one; False when it does not.

        Nor where the root stays and has moves `now` that it had not `before`: its trees know nothing of them.
        """
        last = self.position
        if last is None or not self.settings.reuse or last.start.tobytes() != position.start.tobytes():
            return False
        ahead = position.ply - last.ply
        if ahead < 0 or position.actions[: last.ply] != last.actions:
            return False
        if ahead == 0 and not now <= before:
            return False
        if self.settings.draw_value != 0 and ahead % 2:
            return False  # utilities are the root player's, and that is another one now
        for tree in self.trees:
            for action in position.actions[last.ply :]:
                used = int(self.kernels.reroot(tree.nodes[0], action, tree.spare[0]))
                if used == 0:
                    tree.uproot()
                    break
                tree.nodes, tree.spare = tree.spare, tree.nodes
                tree.used[0] = used
            if tree.nodes[0, 0]["first_child"] < 0:
                tree.uproot()  # a leaf carries nothing over, but perhaps a draw by repetition that is not claimed
        return True

    def advance(self, simulations: int, left: int | None = None) -> int:
        """Run up to that many more simulations, shared out among the threads; returns how many ran.

        Fewer run when the root is proven or, with early_stop, when `left` simulations (default: these) cannot
        change the most visited move.
        """
        left = simulations if left is None else left
        if self.trees[0].bracket["budget"][0]:
            left = NEVER  # a bracket is played to its end: the moves in it have about as many visits until then
        began = time.perf_counter()
        try:
            if self.pool is None:
                ran = self._advance(self.trees[0], simulations, left)
            else:
                ran = sum(self.pool.map(self._advance, self.trees, self._shares(simulations), self._shares(left)))
        except BaseException:  # leaves may wait for values that will not come: no later search may meet them
            self.position = None
            for tree in self.trees:
                tree.cache.forget()
            raise
        self.seconds += time.perf_counter() - began
        self.simulations += ran
        return ran

    @property
    def proven(self) -> bool:
        """Whether the outcome is certain and, where earlier searches made it so, this one has run at all."""
        roots = [tree.nodes[0, 0] for tree in self.trees]
        return self.simulations > 0 and any(root["lower"] == root["upper"] for root in roots)

    def _shares(self, simulations: int) -> list[int]:
        """What each tree gets of them, the first ones one more where they do not divide."""
        trees = len(self.trees)
        return [(simulations + trees - 1 - i) // trees for i in range(trees)]

    def _advance(self, tree: TreeArrays, simulations: int, left: int) -> int:
        """Simulations of one tree, which is thinned whenever it is full."""
        ran = self._grow(tree, simulations, left)
        while ran < simulations and self._full(tree):
            used = int(self.kernels.thin(tree.nodes[0], tree.used[0], tree.spare[0]))
            tree.nodes, tree.spare, tree.used[0] = tree.spare, tree.nodes, used
            ran += self._grow(tree, simulations - ran, left - ran)
        return ran

    def _full(self, tree: TreeArrays) -> bool:
        return bool(is_full(tree.used[0], tree.nodes.shape[1], self.options["room"][0]))

    def _grow(self, tree: TreeArrays, simulations: int, left: int) -> int:
        """Simulations of one tree until they have run, it is full or the move is decided; how many ran."""
        k, o = self.kernels, self.options[0]
        count = len(self.history) if self.position is not None and self.position.ply else 0
        if self.evaluator is None:
            root, path = tree.roots, tree.path[0]
            return int(
                k.plan(tree.nodes[0], tree.used, root, self.history, count, path, o, simulations, left, tree.rng)
            )
        noisy, slots = tree is not self.trees[0], tree.slots[: self.leaves]
        if tree.net_plan is not None:
            ran = 0
            if noisy and tree.nodes[0, 0]["visits"] == 0:
                ran = self._plan_net(tree, tree.net_plan, count, 1, left)
                k.noise(tree.nodes[0], tree.rng, 10.0, THREAD_NOISE)
            return ran + self._plan_net(tree, tree.net_plan, count, simulations - ran, left - ran)
        histories, counts = self.history.reshape(1, -1), np.array([count], np.int64)
        tree.budget[0] = simulations
        tree.cache.make_room(simulations)
        look_at = 0
        while tree.budget[0] > 0 and not self._full(tree):
            ran = simulations - int(tree.budget[0])
            if o["early_stop"] and ran >= look_at:
                look_at = ran + CHECK_EVERY
                if k.decided(tree.nodes[0], left - ran):
                    break
            rows = k.gather(
                tree.nodes, tree.used, tree.roots, histories, counts, tree.budget, tree.bracket, slots, tree.leaves,
                tree.path, tree.moves, tree.planes, tree.cache.kept, tree.provers, o
            )  # fmt: skip
            if rows:
                self.evaluator.evaluate(tree.planes[:rows], tree.logits[:rows], tree.wdl[:rows])
                tree.evaluations += rows
                tree.cache.evaluations += rows
            k.scatter(
                tree.nodes, tree.used, slots, tree.leaves, tree.path, tree.moves, tree.logits, tree.wdl,
                tree.cache.kept, o, tree.rng
            )  # fmt: skip
            if noisy and tree.nodes[0, 0]["visits"] == 1:
                k.noise(tree.nodes[0], tree.rng, 10.0, THREAD_NOISE)
        return simulations - int(tree.budget[0])

    def _plan_net(self, tree: TreeArrays, plan: NetPlan, count: int, simulations: int, left: int) -> int:
        root, path, o = tree.roots, tree.path[0], self.options[0]
        ran, evaluations = plan.advance(
            tree.nodes[0], tree.used, tree.bracket, root, self.history, count, path, o, simulations, left, tree.rng,
            tree.cache, tree.provers
        )  # fmt: skip
        tree.evaluations += evaluations
        return ran

    def run(
        self,
        position: Position,
        *,
        simulations: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        moves: Collection[int] | None = None,
    ) -> SearchResult:
        """Search until the budget is spent, the answer is certain or stop() says so; then choose a move.

        With neither budget given, DEFAULT_SIMULATIONS. Raises TandemError for budgets of zero or less, and as start.
        """
        check_budget(simulations, seconds)
        if self.settings.leaves is None and self.mode.plies_of_search is None:
            few = leaves_for((simulations or DEFAULT_SIMULATIONS) // len(self.trees))
            self._batch_leaves(MOST_LEAVES if simulations is None and seconds else few)
        self.start(position, moves)
        planned = self._plan_needed()
        if planned:
            self._restrict()
            looks = self.looks_for_wins(simulations or DEFAULT_SIMULATIONS, seconds)
            if looks or self.options["proof_nodes"][0]:
                self._look_at_roots(looks)
            if seconds is not None:
                self._run_clock(seconds, simulations, stop)
            else:
                left = (simulations or DEFAULT_SIMULATIONS) - self.simulations
                self._open_brackets(left)
                self._run_count(left, stop)
            if not len(self.trees[0].children()):
                self.advance(1)  # the time was up, or the stop came, before the first simulation
        self.moves_chosen += 1
        self.moves_planned += planned
        return self.result(planned)

    def warm_up(self, position: Position) -> None:
        """Run every kernel of a search once, so that what compiles, or is read from disk, is no part of a move's time.

        The trees are empty afterwards. TandemError as start.
        """
        self.start(position)
        self.advance(len(self.trees))
        self._open_brackets(1)
        for tree in self.trees:
            self.look_at_root(tree.nodes[0], tree.roots, tree.provers, 0)
            self.kernels.thin(tree.nodes[0], tree.used[0], tree.spare[0])
        after = position.copy()
        after.play(self.result().action)
        if after.playable:
            self.start(after)
        self.position = None
        for tree in self.trees:
            tree.clear()

    def _plan_needed(self) -> bool:
        """Do what modes that do not plan need; False when that already answers."""
        if self.mode.name == "auto" or self.mode.plies_of_search is not None:
            for tree in self.trees:
                if tree.nodes[0, 0]["first_child"] < 0 or self.mode.plies_of_search is not None:
                    tree.uproot()
            self.advance(1)
            self._restrict()
        if self.mode.plies_of_search == 1:
            self.advance(len(self.trees[0].children()))
        if self.mode.name == "auto":
            priors = np.sort(self.trees[0].children()["prior"])
            return len(priors) > 1 and float(priors[-1] - priors[-2]) <= self.settings.threshold
        return self.mode.plies_of_search is None

    def looks_for_wins(self, simulations: int, seconds: float | None) -> bool:
        """Whether a search within that budget begins by looking for wins in three plies."""
        settings = self.settings
        if self.kernels.win_soon is None or self.mode.plies_of_search is not None:
            return False
        enough = simulations >= LOOK_SIMULATIONS if seconds is None else seconds >= LOOK_SECONDS
        return enough and settings.solve and settings.look_ahead

    def _look_at_roots(self, for_wins: bool) -> None:
        if any(tree.nodes[0, 0]["first_child"] < 0 for tree in self.trees):
            self.advance(len(self.trees))
        for tree in self.trees:
            self.look_at_root(tree.nodes[0], tree.roots, tree.provers, 0, for_wins=for_wins)

    def look_at_root(
        self, tree: np.ndarray, roots: np.ndarray, provers: Provers, g: int, *, for_wins: bool = True
    ) -> None:
        """Prove moves of a root that has grown: wins in three plies, and all that exact search settles.

        tree NODE [nodes] of the position under way, which stands in roots[0]; its provers have number g in `provers`.
        """
        path, o = self.trees[0].path[0], self.options[0]
        if tree[0]["first_child"] < 0 or self.position is None:
            return
        if for_wins and self.kernels.win_soon is not None:
            self.kernels.win_soon(tree, roots, path)
        if o["proof_nodes"]:
            self.settle_root(tree, roots, provers, g, self.position.ply, path, o)

    def _restrict(self) -> None:
        """Leave the roots the moves that are to be chosen from; they grow all that are legal in a first simulation."""
        if self.chosen_from is not None:
            if any(tree.nodes[0, 0]["first_child"] < 0 for tree in self.trees):
                self.advance(len(self.trees))
            for tree in self.trees:
                tree.restrict(self.chosen_from)

    def _open_brackets(self, simulations: int) -> None:
        """Halve this move's simulations at the root, where a net gives the priors to begin with."""
        if self.settings.root == "gumbel" and self.evaluator is not None and self.mode.plies_of_search is None:
            for tree, share in zip(self.trees, self._shares(simulations), strict=True):
                below = share - (tree.nodes[0, 0]["first_child"] < 0)
                scale = self.settings.value_scale
                self.kernels.open_bracket(
                    tree.bracket, tree.nodes[0], max(below, 1), self.settings.considered, scale, tree.rng
                )

    def _run_count(self, simulations: int, stop: Callable[[], bool] | None) -> None:
        left, chunk = simulations, CHUNK * len(self.trees)
        while left > 0 and not (stop and stop()):
            ran = self.advance(min(chunk, left), left)
            left -= ran
            if ran < min(chunk, left + ran):
                return

    def _run_clock(self, seconds: float, simulations: int | None, stop: Callable[[], bool] | None) -> None:
        began = time.perf_counter()
        chunk, most = len(self.trees), simulations or 2**40
        while (left := seconds - (time.perf_counter() - began)) > 0 and not (stop and stop()):
            done = self.simulations
            chunk = min(chunk, most - done)
            rate = done / max(self.seconds, 1e-9)
            before = self.seconds
            ran = self.advance(chunk, min(int(rate * left) + 1, most) if self.simulations > 64 else most)
            if ran < chunk or done + chunk >= most:
                return
            taken = max(self.seconds - before, 1e-9)
            chunk = max(1, min(2 * chunk, int(chunk * min(CHUNK_SECONDS, max(left, 1e-3)) / taken)))

    def result(self, planned: bool = True) -> SearchResult:
        """What the search knows now. Raises TandemError when no simulation has run."""
        return result_of(self, planned)

    def moves(self, result: SearchResult, actions: Collection[int] | None = None) -> list[MoveReport]:
        """What the tree that gave `result` holds of each of its moves, or of `actions`, in the order of its arrays."""
        return reports_of(self, result, actions)


def leaves_for(simulations: int) -> int:
    """How many leaves of a tree a net that runs in batches evaluates at once, in a search of so many simulations."""
    return max(1, min(simulations // SIMULATIONS_PER_LEAF, MOST_LEAVES))
