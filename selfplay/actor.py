"""An actor: a group of games played in lockstep, one batched evaluation for all of them at a time."""

from collections.abc import Callable

import numpy as np

from engine.evaluator import Evaluator
from engine.kernels import SLOT, kernels
from engine.tree import LEAF_NET, NODE, OPTIONS
from games.contract import Game
from games.rng import Random
from selfplay.config import TrainConfig
from selfplay.moves import CHILD, ENDED, PLAYER, POLICY, REASONS, ROW, move_kernels
from selfplay.records import GameBatch, GameRecord

LOG_ROWS = 4096


class Actor:
    """Plays games against itself with its evaluator's net; holds no truth, so losing it costs its games in flight.

    Games are numbered first_number, first_number + stride, ...; a game's seed is a hash of the run's seed and its
    number. One actor serves one thread.
    """

    def __init__(
        self, game: Game, config: TrainConfig, evaluator: Evaluator, *, first_number: int = 0, stride: int = 1
    ) -> None:
        self.game, self.evaluator = game, evaluator
        self.kernels, (self.begin_games, self.make_moves) = kernels(game), move_kernels(game)
        games = config.games_per_actor
        nodes = (config.simulations + 2) * game.max_legal + 1
        self.options, self.policy = np.zeros(1, OPTIONS), np.zeros(1, POLICY)
        self.options["c_puct"], self.options["fpu_reduction"] = config.c_puct, config.fpu_reduction
        self.options["leaf"], self.options["solve"], self.options["early_stop"] = LEAF_NET, config.solve, True
        for name in POLICY.names or ():
            self.policy[name] = getattr(config, name)
        self.trees, self.spare = np.empty((games, nodes), NODE), np.empty(nodes, NODE)
        self.used, self.budget = np.ones(games, np.int64), np.zeros(games, np.int64)
        self.roots = game.states(games)
        self.histories = np.zeros((games, game.max_plies + 1 if game.repetition else 1), np.uint64)
        self.counts = np.zeros(games, np.int64)
        self.players = np.zeros(games, PLAYER)
        self.actions = np.zeros((games, game.max_plies), np.int32)
        self.slots = np.zeros(games, SLOT)
        self.slots["tree"] = np.arange(games)
        self.leaves, self.paths = game.states(games), np.zeros((games, game.max_plies + 2), np.int32)
        self.moves = np.zeros((games, game.max_legal), np.int32)
        self.planes = np.zeros((games, *game.planes), np.float32)
        self.logits = np.zeros((games, game.logits), np.float32)
        self.wdl = np.zeros((games, 3), np.float32)
        self.rng = Random(config.seed).state
        self.logged = np.zeros(3, np.int64)
        self.rows, self.children = np.zeros(LOG_ROWS, ROW), np.zeros(LOG_ROWS * min(game.max_legal, 64), CHILD)
        self.ended, self.ended_actions = np.zeros(games, ENDED), np.zeros((games, game.max_plies), np.int32)
        self.run_seed = np.uint64(config.seed)
        self.next_number = np.array([first_number, stride], np.int64)
        self.waiting: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.finished: list[GameRecord] = []
        self.evaluations = self.plies = 0
        self.begin_games(
            self.trees, self.used, self.roots, self.histories, self.counts, self.budget, self.players, self.actions,
            self.next_number, self.run_seed, self.policy[0],
        )  # fmt: skip

    def step(self) -> None:
        """One simulation or more in every game, and the moves that have become due."""
        while not self.make_moves(
            self.trees, self.used, self.spare, self.roots, self.histories, self.counts, self.budget, self.players,
            self.actions, self.next_number, self.run_seed, self.policy[0], 0.0, self.logged, self.rows, self.children,
            self.ended, self.ended_actions,
        ):  # fmt: skip
            self._empty_logs()
        o = self.options[0]
        rows = self.kernels.gather(
            self.trees, self.roots, self.histories, self.counts, self.budget, self.slots, self.leaves, self.paths,
            self.moves, self.planes, o,
        )  # fmt: skip
        if rows:
            self.evaluator.evaluate(self.planes[:rows], self.logits[:rows], self.wdl[:rows])
            self.evaluations += rows
            self.kernels.scatter(
                self.trees, self.used, self.slots, self.leaves, self.paths, self.moves, self.logits, self.wdl, o,
                self.rng,
            )  # fmt: skip

    def play(self, plies: int, stop: Callable[[], bool] | None = None) -> GameBatch:
        """Step until that many more searched plies are done (or stop() says so); the games that ended meanwhile."""
        target = self.plies + int(self.logged[0]) + plies
        while self.plies + int(self.logged[0]) < target and not (stop and stop()):
            self.step()
        self._empty_logs()
        finished, self.finished = self.finished, []
        return GameBatch.from_records(finished)

    def _empty_logs(self) -> None:
        """Move logged rows to their games, and games that ended to `finished`."""
        n_rows, n_children, n_ended = (int(n) for n in self.logged)
        rows, children = self.rows[:n_rows].copy(), self.children[:n_children].copy()
        offsets = np.zeros(n_rows + 1, np.int64)
        np.cumsum(rows["children"], out=offsets[1:])
        order = np.argsort(rows["number"], kind="stable")
        owners, starts = np.unique(rows["number"][order], return_index=True)
        for owner, mine in zip(owners, np.split(order, starts[1:]), strict=True):
            mine_children = np.concatenate([children[offsets[i] : offsets[i + 1]] for i in mine])
            self.waiting.setdefault(int(owner), []).append((rows[mine], mine_children))
        for done, actions in zip(self.ended[:n_ended], self.ended_actions[:n_ended], strict=True):
            self.finished.append(self._record(done, actions[: done["plies"]].copy()))
        self.plies += n_rows
        self.logged[:] = 0

    def _record(self, done: np.ndarray, actions: np.ndarray) -> GameRecord:
        parts = self.waiting.pop(int(done["number"]))
        rows = np.concatenate([part[0] for part in parts])
        children = np.concatenate([part[1] for part in parts])
        return GameRecord(
            number=int(done["number"]),
            seed=int(done["seed"]),
            actions=actions,
            net_id=self.evaluator.net_id,
            outcome=int(done["outcome"]),
            ended=REASONS[int(done["reason"])],
            ply=rows["ply"].astype(np.int32),
            kind=rows["kind"],
            root_wdl=rows["wdl"].clip(0, 1).astype(np.float16),
            proven=rows["proven"],
            simulations=rows["simulations"],
            child_count=rows["children"],
            child_action=children["action"],
            policy=children["policy"].astype(np.float16),
            visits=children["visits"],
            child_q=children["q"].clip(-1, 1).astype(np.float16),
        )


