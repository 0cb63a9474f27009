"""The memory of one tree."""

import numpy as np

from engine.evalcache import EvalCache
from engine.gumbel import bracket_type
from engine.kernels import SLOT
from engine.netplan import NetPlan
from engine.tree import NODE, reset
from games.contract import Game
from games.rng import Random


class TreeArrays:
    """One arena of nodes, its spare for compaction, and what the kernels need beside it."""

    def __init__(self, game: Game, nodes: int, leaves: int, seed: int, cache: EvalCache) -> None:
        shape = game.planes
        self.nodes, self.spare = np.empty((1, nodes), NODE), np.empty((1, nodes), NODE)
        self.used = np.ones(1, np.int64)
        self.rng = Random(seed).state
        self.roots = game.states(3)
        self.path = np.zeros((leaves, game.max_plies + 2), np.int32)
        self.slots = np.zeros(leaves, SLOT)
        self.leaves = game.states(leaves)
        self.moves = np.zeros((leaves, game.max_legal), np.int32)
        self.planes = np.zeros((leaves, *shape), np.float32)
        self.logits = np.zeros((leaves, game.logits), np.float32)
        self.wdl = np.zeros((leaves, 3), np.float32)
        self.budget = np.zeros(1, np.int64)
        self.bracket = np.zeros(1, bracket_type(game))
        self.evaluations = 0
        self.cache = cache
        self.net_plan: NetPlan | None = None

    def clear(self) -> None:
        self.cache.forget()
        reset(self.nodes[0].view(np.recarray)[0])
        self.used[0] = 1

    def children(self) -> np.ndarray:
        root = self.nodes[0, 0]
        first = max(int(root["first_child"]), 0)
        return self.nodes[0, first : first + int(root["child_count"])]
