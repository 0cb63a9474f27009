"""Search: one position, any mode, in resumable steps; what the next move can use of the tree is kept."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from engine.arrays import TreeArrays
from engine.evaluator import Evaluator
from engine.kernels import CHECK_EVERY, kernels
from engine.modes import resolve
from engine.netplan import NetPlan
from engine.perceptron import KernelNet
from engine.position import Position
from engine.result import MoveReport, SearchResult, certain, pick
from engine.tree import LEAF_NET, LEAF_ROLLOUT, LEAF_STATIC, NODE, OPTIONS
from games.contract import Game
from games.errors import TandemError
from games.rng import Random, seed_for

DEFAULT_SIMULATIONS = 100
# Leaves that wait for one batch choose without each other's values: that costs little in a search of many times more.
MOST_LEAVES, SIMULATIONS_PER_LEAF = 16, 100
# Chosen on labelled Connect Four positions, among 0.8 to 5 with nets and 1.5 to 8 with play-outs.
C_PUCT_NET, C_PUCT_ROLLOUT = 1.5, 3.0
FPU_NET, FPU_ROLLOUT = 0.25, -1.0  # play-outs say little until each move has had one
MOST_SECONDS = 1_000_000
CHUNK_SECONDS = 0.005  # between two looks at the clock, the stop signal and Ctrl-C
THREAD_NOISE = 0.1  # share of Dirichlet noise that makes the trees of further threads differ


@dataclass(frozen=True)
class Settings:
    """How to search. `threads` trees are grown side by side and merged; they share simulations and `memory`, in bytes.

    `leaves` is how many leaves of a tree the net evaluates at once; None lets the budget decide. A kernel net takes
    one at a time, and `cache` is the byte budget, for each thread, of what it said and need not be asked again.
    """

    mode: str = "hybrid"
    prior: str | None = None
    value: str | None = None
    c_puct: float | None = None
    fpu_reduction: float | None = None
    draw_value: float = 0.0
    threshold: float = 0.7
    temperature: float = 0.0
    threads: int = 1
    leaves: int | None = None
    seed: int = 0
    memory: int = 256 << 20
    cache: int = 32 << 20
    solve: bool = True
    look_ahead: bool = True
    early_stop: bool = True
    reuse: bool = True

    def __post_init__(self) -> None:
        positive = {"threads": self.threads, "leaves": self.leaves or 1, "memory": self.memory, "cache": self.cache}
        for name, value in positive.items():
            if value < 1:
                raise TandemError(f"{name} must be at least 1, not {value}")
        if not -1 <= self.draw_value <= 1:
            raise TandemError(f"draw_value must lie between -1 (a loss) and 1 (a win), not {self.draw_value}")
        if self.temperature < 0:
            raise TandemError(f"temperature must be 0 or more, not {self.temperature}")


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
        if isinstance(self.evaluator, KernelNet) and (self.settings.leaves or 1) > 1:
            raise TandemError("a kernel net evaluates one leaf at a time: leave leaves out, or use backend=torch")
        self.kernels = kernels(game)
        self.options = self._options()
        threads = self.settings.threads if self.mode.plies_of_search is None else 1  # a few evaluations need no more
        nodes = self.settings.memory // (2 * NODE.itemsize * threads)
        nodes = max(nodes, 2 * game.max_legal + 1)
        leaves = game.max_legal if self.mode.plies_of_search == 1 else self.settings.leaves or MOST_LEAVES
        seeds = [seed_for(self.settings.seed, i) for i in range(threads)]
        self.trees = [TreeArrays(game, nodes, leaves, seed) for seed in seeds]
        if isinstance(self.evaluator, KernelNet):
            for tree in self.trees:
                tree.net_plan = NetPlan(game, self.evaluator, self.settings.cache)
        self.rng = Random(self.settings.seed)
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._batch_leaves(1 if self.settings.leaves is None and self.mode.plies_of_search is None else leaves)
        self.position: Position | None = None
        self.simulations, self.seconds = 0, 0.0
        self.history = np.zeros(1, np.uint64)
        self.moves_chosen = self.moves_planned = 0

    def _options(self) -> np.ndarray:
        s, mode = self.settings, self.mode
        options = np.zeros(1, OPTIONS)
        o = options[0]
        rollouts = mode.value != "net"
        o["c_puct"] = s.c_puct if s.c_puct is not None else (C_PUCT_ROLLOUT if rollouts else C_PUCT_NET)
        o["fpu_reduction"] = s.fpu_reduction if s.fpu_reduction is not None else (FPU_ROLLOUT if rollouts else FPU_NET)
        if mode.plies_of_search == 1:
            o["fpu_reduction"] = -1e6  # every child once before any twice
        o["draw_value"] = s.draw_value
        o["solve"], o["early_stop"] = s.solve, s.early_stop and mode.plies_of_search is None
        o["look_ahead"] = s.solve and s.look_ahead and mode.plies_of_search is None and self.game.best_first is not None
        o["uniform_prior"] = mode.prior == "uniform"
        o["leaf"] = {"net": LEAF_NET, "rollout": LEAF_ROLLOUT, "static": LEAF_STATIC}[mode.value]
        return options

    def _batch_leaves(self, leaves: int) -> None:
        """Evaluate that many leaves of a tree at once; the virtual loss keeps them apart."""
        self.leaves = 1 if isinstance(self.evaluator, KernelNet) else leaves
        self.options["virtual_loss"] = 1.0 if self.leaves > 1 else 0.0

    def start(self, position: Position) -> None:
        """Make `position` the root, keeping the subtree that earlier searches grew under it."""
        if position.ended not in ("", "repetition"):  # a draw by claim never ends the root: nobody may have claimed it
            raise TandemError(f"the game is over ({position.ended}); there is nothing to search")
        if not self._descend_to(position):
            for tree in self.trees:
                tree.clear()
        self.position = position.copy()
        self.history = np.array(position.keys[:-1] or [0], np.uint64)
        for tree in self.trees:
            tree.roots[0] = position.state[0]
            tree.evaluations = 0
        self.simulations, self.seconds = 0, 0.0

    def _descend_to(self, position: Position) -> bool:
        """Reroot every tree where `position` continues the last one; False when it does not."""
        last = self.position
        if last is None or not self.settings.reuse or last.start.tobytes() != position.start.tobytes():
            return False
        ahead = position.ply - last.ply
        if ahead < 0 or position.actions[: last.ply] != last.actions:
            return False
        if self.settings.draw_value != 0 and ahead % 2:
            return False  # utilities are the root player's, and that is another one now
        for tree in self.trees:
            for action in position.actions[last.ply :]:
                used = int(self.kernels.reroot(tree.nodes[0], action, tree.spare[0]))
                if used == 0:
                    tree.clear()
                    break
                tree.nodes, tree.spare = tree.spare, tree.nodes
                tree.used[0] = used
            if tree.nodes[0, 0]["first_child"] < 0:
                tree.clear()  # a leaf carries nothing over, but perhaps a draw by repetition that is not claimed
        return True

    def advance(self, simulations: int, left: int | None = None) -> int:
        """Run up to that many more simulations, shared out among the threads; returns how many ran.

        Fewer run when the root is proven or, with early_stop, when `left` simulations (default: these) cannot
        change the most visited move.
        """
        left = simulations if left is None else left
        began = time.perf_counter()
        try:
            if self.pool is None:
                ran = self._advance(self.trees[0], simulations, left)
            else:
                ran = sum(self.pool.map(self._advance, self.trees, self._shares(simulations), self._shares(left)))
        except BaseException:  # leaves may wait for values that will not come: no later search may meet them
            self.position = None
            raise
        self.seconds += time.perf_counter() - began
        self.simulations += ran
        return ran

    def _shares(self, simulations: int) -> list[int]:
        """What each tree gets of them, the first ones one more where they do not divide."""
        trees = len(self.trees)
        return [(simulations + trees - 1 - i) // trees for i in range(trees)]

    def _advance(self, tree: TreeArrays, simulations: int, left: int) -> int:
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
        look_at = 0
        while tree.budget[0] > 0:
            ran = simulations - int(tree.budget[0])
            if o["early_stop"] and ran >= look_at:
                look_at = ran + CHECK_EVERY
                if k.decided(tree.nodes[0], left - ran):
                    break
            rows = k.gather(
                tree.nodes, tree.roots, histories, counts, tree.budget, slots, tree.leaves, tree.path, tree.moves,
                tree.planes, o
            )  # fmt: skip
            if rows:
                self.evaluator.evaluate(tree.planes[:rows], tree.logits[:rows], tree.wdl[:rows])
                tree.evaluations += rows
            k.scatter(
                tree.nodes, tree.used, slots, tree.leaves, tree.path, tree.moves, tree.logits, tree.wdl, o,
                tree.rng
            )  # fmt: skip
            if noisy and tree.nodes[0, 0]["visits"] == 1:
                k.noise(tree.nodes[0], tree.rng, 10.0, THREAD_NOISE)
        return simulations - int(tree.budget[0])

    def _plan_net(self, tree: TreeArrays, plan: NetPlan, count: int, simulations: int, left: int) -> int:
        root, path, o = tree.roots, tree.path[0], self.options[0]
        ran, evaluations = plan.advance(
            tree.nodes[0], tree.used, root, self.history, count, path, o, simulations, left, tree.rng
        )
        tree.evaluations += evaluations
        return ran

    def run(
        self,
        position: Position,
        *,
        simulations: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SearchResult:
        """Search until the budget is spent, the answer is certain or stop() says so; then choose a move.

        With neither budget given, DEFAULT_SIMULATIONS. Raises TandemError for budgets of zero or less.
        """
        check_budget(simulations, seconds)
        if self.settings.leaves is None and self.mode.plies_of_search is None:
            few = (simulations or DEFAULT_SIMULATIONS) // (SIMULATIONS_PER_LEAF * len(self.trees))
            self._batch_leaves(MOST_LEAVES if simulations is None and seconds else max(1, min(few, MOST_LEAVES)))
        self.start(position)
        planned = self._plan_needed()
        if planned:
            if seconds is not None:
                self._run_clock(seconds, simulations, stop)
            else:
                self._run_count((simulations or DEFAULT_SIMULATIONS) - self.simulations, stop)
            if not len(self.trees[0].children()):
                self.advance(1)  # the time was up, or the stop came, before the first simulation
        self.moves_chosen += 1
        self.moves_planned += planned
        return self.result(planned)

    def _plan_needed(self) -> bool:
        """Do what modes that do not plan need; False when that already answers."""
        if self.mode.name == "auto" or self.mode.plies_of_search is not None:
            for tree in self.trees:
                if tree.nodes[0, 0]["first_child"] < 0 or self.mode.plies_of_search is not None:
                    tree.clear()
            self.advance(1)
        if self.mode.plies_of_search == 1:
            assert self.position is not None
            self.advance(len(self.position.legal()))
        if self.mode.name == "auto":
            priors = np.sort(self.trees[0].children()["prior"])
            return len(priors) > 1 and float(priors[-1] - priors[-2]) <= self.settings.threshold
        return self.mode.plies_of_search is None

    def _run_count(self, simulations: int, stop: Callable[[], bool] | None) -> None:
        left, chunk = simulations, 512 * len(self.trees)
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
        assert self.position is not None
        children, root = self._merged()
        if not len(children):
            raise TandemError("no simulation has run; advance first")
        children = children[np.argsort(children["action"])]
        visits = children["visits"].astype(np.int64)
        exact = children["lower"] == children["upper"]
        q = np.where(visits > 0, children["value"] / np.maximum(visits, 1), np.nan)
        proofs = np.where(exact, children["lower"], np.nan).astype(np.float64)
        q = np.where(exact, np.where(proofs == 0, self.settings.draw_value, proofs), q)
        policy = np.zeros(len(children))
        self.kernels.root_policy(children, self.settings.draw_value, policy)
        prior = children["prior"].astype(np.float64)
        if self.mode.name == "auto" and not planned:
            policy = prior  # the net's answer, whatever an earlier search left in the tree
        if self.mode.plies_of_search == 1:
            best = np.where(policy > 0, np.nan_to_num(q, nan=-2.0), -3.0)
            policy = (best == best.max()).astype(np.float64)
        index = pick(policy, q, prior, self.settings.temperature, self.rng)
        action = int(children["action"][index])
        wdl = self._wdl(root, -1)
        proven = int(-root["lower"]) if root["lower"] == root["upper"] else None
        if proven is not None:
            wdl = certain(proven)
        elif self.mode.plies_of_search == 1:
            wdl = self._wdl(children[index], 1)
        return SearchResult(
            mode=self.mode.name,
            action=action,
            move=self.game.format_action(self.position.state, action),
            actions=children["action"].astype(np.int32),
            visits=visits,
            q=q,
            prior=prior,
            policy=policy / policy.sum(),
            proofs=proofs,
            wdl=wdl,
            pv=self._pv(action),
            simulations=self.simulations,
            evaluations=sum(tree.evaluations for tree in self.trees),
            seconds=self.seconds,
            proven=proven,
            plies=int(root["plies"]),
            planned=planned,
        )

    def moves(self, result: SearchResult) -> list[MoveReport]:
        """What the tree that gave `result` holds of each legal move, in the order of its arrays."""
        assert self.position is not None
        reports = []
        for i, child in enumerate(self._merged()[0]):
            low, high = int(child["lower"]), int(child["upper"])
            reports.append(
                MoveReport(
                    move=self.game.format_action(self.position.state, int(child["action"])),
                    visits=int(child["visits"]),
                    prior=float(result.prior[i]),
                    policy=float(result.policy[i]),
                    q=None if np.isnan(result.q[i]) else float(result.q[i]),
                    wdl=certain(low) if low == high else self._wdl(child, 1) if child["visits"] else None,
                    bounds=(low, high),
                    plies=int(child["plies"]) + 1 if low == high else None,
                    pv=self._pv(int(child["action"])),
                )
            )
        return reports

    def _merged(self) -> tuple[np.ndarray, np.ndarray]:
        """Children and root with visits, values and proofs of all trees together."""
        children, root = self.trees[0].children().copy(), self.trees[0].nodes[0, 0].copy()
        children = children[np.argsort(children["action"])]
        for tree in self.trees[1:]:
            other_root = tree.nodes[0, 0]
            others = tree.children()
            others = others[np.argsort(others["action"])]
            pairs = [(root, other_root)] + ([(children, others)] if len(others) == len(children) else [])
            for mine, theirs in pairs:
                for name in ("visits", "value", "draws"):
                    mine[name] += theirs[name]
                mine["plies"] = np.where(mine["lower"] == mine["upper"], mine["plies"], theirs["plies"])
                mine["lower"] = np.maximum(mine["lower"], theirs["lower"])
                mine["upper"] = np.minimum(mine["upper"], theirs["upper"])
        return children, root

    def _wdl(self, node: np.ndarray, sign: int) -> tuple[float, float, float]:
        """Win, draw and loss for the player to move at the root from a node's sums; sign -1 for the opponent's node."""
        visits = max(int(node["visits"]), 1)
        draw = min(max(float(node["draws"]) / visits, 0.0), 1.0)
        difference = sign * float(node["value"]) / visits - float(self.options["draw_value"][0]) * draw
        difference = min(max(difference, draw - 1), 1 - draw)  # sums of float32 outputs may stray by a rounding
        return (1 - draw + difference) / 2, draw, (1 - draw - difference) / 2

    def _pv(self, action: int) -> list[str]:
        """The chosen move, then the most visited line (proofs first) in the first tree."""
        assert self.position is not None
        nodes, line = self.trees[0].nodes[0], Position(self.game, states=[self.position.state])
        children, moves = self.trees[0].children(), list[str]()
        while len(children):
            if not moves:
                chosen = np.flatnonzero(children["action"] == action)
            else:
                policy = np.zeros(len(children))
                if not children["visits"].any():
                    break
                self.kernels.root_policy(children, 0.0, policy)
                chosen = np.array([int(policy.argmax())])
            child = children[chosen[0]]
            moves.append(self.game.format_action(line.state, int(child["action"])))
            line.play(int(child["action"]))
            first = int(child["first_child"])
            children = nodes[first : first + int(child["child_count"])] if first >= 0 else children[:0]
        return moves


def check_budget(simulations: int | None, seconds: float | None) -> None:
    """Refuse budgets of zero or less, and those that no clock or counter can hold."""
    if simulations is not None and simulations < 1:
        raise TandemError(f"simulations must be at least 1, not {simulations}")
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise TandemError(f"seconds must be above 0 and at most {MOST_SECONDS:,}, not {seconds}")
