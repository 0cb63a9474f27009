"""An actor: a group of games played in lockstep, one batched evaluation for all of them at a time."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.evalcache import EvalCache
from engine.evaluator import Evaluator, inputs_of
from engine.gumbel import bracket_type
from engine.kernels import SLOT, kernels
from engine.leafproofs import provers
from engine.tree import LEAF_NET, NODE, OPTIONS
from games.contract import Game
from games.rng import Random
from selfplay.config import TrainConfig
from selfplay.moves import CHILD, ENDED, PLAYER, POLICY, REASONS, ROW, move_kernels
from selfplay.proofs import prove_kernel
from selfplay.records import GameBatch

LOG_ROWS = 4096
EVALUATIONS_PER_PLY = 16  # about; how large a cache a round can fill
PROOF_TABLE = 32 << 20  # bytes; positions of games under way are few, and a small table stays near the processor


class Actor:
    """Plays games against itself with its evaluator's net; holds no truth, so losing it costs its games in flight.

    Games are numbered first_number, first_number + stride, ..., or as `number` says; a game's seed is a hash of the
    run's seed and its number. One actor serves one thread.
    """

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        evaluator: Evaluator,
        *,
        first_number: int = 0,
        stride: int = 1,
        numbers: Sequence[int] = (),
    ) -> None:
        self.game, self.config, self.evaluator = game, config, evaluator
        inputs = inputs_of(game, evaluator)
        self.kernels, (self.begin_games, self.make_moves) = kernels(inputs), move_kernels(game)
        games = config.games_per_actor
        # In brackets a move's simulations come on top of what the last moves' left behind: up to about as many again.
        most = math.ceil(config.simulations * config.late_effort) * (3 if config.root == "gumbel" else 1)
        nodes = (most + 2) * game.max_legal + 1
        self.options, self.policy = np.zeros(1, OPTIONS), np.zeros(1, POLICY)
        self.options["c_puct"], self.options["fpu_reduction"] = config.c_puct, config.fpu_reduction
        self.options["leaf"], self.options["solve"], self.options["early_stop"] = LEAF_NET, config.solve, True
        self.options["look_ahead"] = config.solve and game.ahead is not None
        self.policy["gumbel"] = config.root == "gumbel"
        for name in set(POLICY.names or ()) - {"gumbel"}:
            self.policy[name] = getattr(config, name)
        self.trees, self.spare = np.empty((games, nodes), NODE), np.empty(nodes, NODE)
        self.used, self.budget = np.ones(games, np.int64), np.zeros(games, np.int64)
        self.brackets = np.zeros(games, bracket_type(game))
        self.roots = game.states(games)
        self.histories = np.zeros((games, game.max_plies + 1 if game.repetition else 1), np.uint64)
        self.counts = np.zeros(games, np.int64)
        self.players = np.zeros(games, PLAYER)
        self.actions = np.zeros((games, game.max_plies), np.int32)
        self.slots = np.zeros(games, SLOT)
        self.slots["tree"] = np.arange(games)
        self.leaves, self.paths = game.states(games), np.zeros((games, game.max_plies + 2), np.int32)
        self.moves = np.zeros((games, game.max_legal), np.int32)
        self.planes = np.zeros((games, *inputs.planes), np.float32)
        self.logits = np.zeros((games, inputs.logits), np.float32)
        self.wdl = np.zeros((games, 3), np.float32)
        self.cache = EvalCache(game, config.cache << 20)
        self.rng = Random(config.seed).state
        self.logged = np.zeros(3, np.int64)
        self.rows, self.children = np.zeros(LOG_ROWS, ROW), np.zeros(LOG_ROWS * min(game.max_legal, 64), CHILD)
        self.ended, self.ended_actions = np.zeros(games, ENDED), np.zeros((games, game.max_plies), np.int32)
        self.run_seed = np.uint64(config.seed)
        self.numbers = np.array([first_number, stride, 0], np.int64)  # as take_number reads them
        self.number(numbers)
        self.prove = prove_kernel(game)
        self.provers = provers(game, 1, config.proof_nodes, PROOF_TABLE)  # of positions before their search, no leaves
        self.keeps, self.legal = np.zeros((games, game.max_legal), np.uint8), np.zeros(game.max_legal, np.int32)
        self.tried = np.zeros((game.max_plies + 1, 2), np.int64)
        self.waiting: list[tuple[np.ndarray, np.ndarray]] = []  # rows and children of games under way
        self.finished: list[tuple[np.ndarray, np.ndarray]] = []  # ended games and their actions
        self.cached_net = evaluator.net_id
        self._spend(1.0)
        self.evaluations = self.plies = 0
        self.begin_games(
            self.trees, self.used, self.roots, self.histories, self.counts, self.budget, self.brackets, self.players,
            self.actions, self.numbers, self.run_seed, self.policy[0],
        )  # fmt: skip

    def number(self, numbers: Sequence[int]) -> None:
        """Let these be the numbers of the next games, after those that were given before and are not used up."""
        listed = [*self.numbers[3 : 3 + self.numbers[2]][::-1], *numbers]
        self.numbers = np.array([*self.numbers[:2], len(listed), *reversed(listed)], np.int64)

    def step(self) -> None:
        """One simulation or more in every game, and the moves that have become due."""
        while not self.make_moves(
            self.trees, self.used, self.spare, self.roots, self.histories, self.counts, self.budget, self.brackets,
            self.players, self.actions, self.numbers, self.run_seed, self.policy[0], 0.0, self.logged, self.rows,
            self.children, self.ended, self.ended_actions, self.keeps,
        ):  # fmt: skip
            self._empty_logs()
        if self.policy["proof_nodes"][0]:
            self.prove(
                self.roots, self.players, self.policy[0], self.tried, self.provers, self.legal, self.keeps, self.budget
            )
        o = self.options[0]
        rows = self.kernels.gather(
            self.trees, self.used, self.roots, self.histories, self.counts, self.budget, self.brackets, self.slots,
            self.leaves, self.paths, self.moves, self.planes, self.cache.kept, self.provers, o,
        )  # fmt: skip
        if rows:
            self.evaluator.evaluate(self.planes[:rows], self.logits[:rows], self.wdl[:rows])
            self.evaluations += rows
            self.kernels.scatter(
                self.trees, self.used, self.slots, self.leaves, self.paths, self.moves, self.logits, self.wdl,
                self.cache.kept, o, self.rng,
            )  # fmt: skip

    def _spend(self, effort: float) -> None:
        for name in ("simulations", "fast_simulations", "proof_nodes"):
            self.policy[name] = round(getattr(self.config, name) * effort)
        if self.game.repetition:  # what a position is worth depends on the game's past: exact search cannot say
            self.policy["proof_nodes"] = 0

    def play(self, plies: int, stop: Callable[[], bool] | None = None, effort: float = 1.0) -> GameBatch:
        """Step until that many more searched plies are done (or stop() says so); the games that ended meanwhile.

        effort, from 1 to the configuration's late_effort, multiplies what is searched and proven before a move.
        """
        self._spend(effort)
        if self.evaluator.net_id != self.cached_net:
            self.cache.forget()
            self.cached_net = self.evaluator.net_id
        self.cache.make_room(int(EVALUATIONS_PER_PLY * plies * effort))
        target = self.plies + int(self.logged[0]) + plies
        while self.plies + int(self.logged[0]) < target and not (stop and stop()):
            self.step()
        self._empty_logs()
        return self._finished()

    def _empty_logs(self) -> None:
        """Move what the kernel logged out of its way."""
        n_rows, n_children, n_ended = (int(n) for n in self.logged)
        self.waiting.append((self.rows[:n_rows].copy(), self.children[:n_children].copy()))
        self.finished.append((self.ended[:n_ended].copy(), self.ended_actions[:n_ended].copy()))
        self.plies += n_rows
        self.logged[:] = 0

    def _finished(self) -> GameBatch:
        """The games that have ended, by number; rows of games under way go on waiting."""
        rows, children = (np.concatenate(parts) for parts in zip(*self.waiting, strict=True))
        ended, actions = (np.concatenate(parts) for parts in zip(*self.finished, strict=True))
        first_child = np.cumsum(rows["children"]) - rows["children"]
        done = np.isin(rows["number"], ended["number"])
        left = ~done
        self.waiting = [(rows[left], children[np.repeat(left, rows["children"])])]
        self.finished = []
        order = np.flatnonzero(done)[np.lexsort((rows["ply"][done], rows["number"][done]))]
        rows = rows[order]
        spans = offsets_of(rows["children"])
        children = children[np.repeat(first_child[order] - spans[:-1], rows["children"]) + np.arange(spans[-1])]
        by_number = np.argsort(ended["number"])
        ended, actions = ended[by_number], actions[by_number]
        texts = ("", "self-play", self.evaluator.net_id, *REASONS)
        indices = [np.full(len(ended), i, np.int32) for i in range(3)]
        return GameBatch(
            texts=texts,
            number=ended["number"],
            seed=ended["seed"],
            outcome=ended["outcome"],
            start=indices[0],
            source=indices[1],
            net_id=indices[2],
            ended=ended["reason"].astype(np.int32) + 3,
            action_offsets=offsets_of(ended["plies"]),
            row_offsets=offsets_of(np.diff(np.searchsorted(rows["number"], [*ended["number"], np.inf]))),
            child_offsets=spans,
            actions=actions[np.arange(actions.shape[1]) < ended["plies"][:, None]],
            ply=rows["ply"],
            kind=rows["kind"],
            root_wdl=rows["wdl"].clip(0, 1).astype(np.float16),
            proven=rows["proven"],
            simulations=rows["simulations"],
            child_action=children["action"],
            policy=children["policy"].astype(np.float16),
            visits=children["visits"],
            child_q=children["q"].clip(-1, 1).astype(np.float16),
        ).check("self-play")


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """[n] lengths to [n + 1] int64 offsets."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
