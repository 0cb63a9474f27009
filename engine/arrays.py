"""The memory of one tree."""

from collections.abc import Collection

import numpy as np

from engine.evalcache import EvalCache
from engine.gumbel import bracket_type
from engine.kernels import SLOT
from engine.leafproofs import forget, provers
from engine.netplan import NetPlan
from engine.tree import NODE, reset
from games.contract import Game
from games.rng import Random


class TreeArrays:
    """One arena of nodes, its spare for compaction, and what the kernels need beside it."""

    def __init__(
        self, game: Game, nodes: int, leaves: int, proof_nodes: int, seed: int, cache: EvalCache, inputs: Game
    ) -> None:
        """`inputs` is the game as what evaluates wants it encoded."""
        self.nodes, self.spare = np.empty((1, nodes), NODE), np.empty((1, nodes), NODE)
        self.used = np.ones(1, np.int64)
        self.rng = Random(seed).state
        self.roots = game.states(3)
        self.path = np.zeros((leaves, game.max_plies + 2), np.int32)
        self.slots = np.zeros(leaves, SLOT)
        self.leaves = game.states(leaves)
        self.moves = np.zeros((leaves, game.max_legal), np.int32)
        self.planes = np.zeros((leaves, *inputs.planes), np.float32)
        self.logits = np.zeros((leaves, inputs.logits), np.float32)
        self.wdl = np.zeros((leaves, 3), np.float32)
        self.budget = np.zeros(1, np.int64)
        self.bracket = np.zeros(1, bracket_type(game))
        self.evaluations = 0
        self.cache, self.provers = cache, provers(game, 1, proof_nodes)
        self.net_plan: NetPlan | None = None

    def clear(self) -> None:
        """Forget everything."""
        self.uproot()
        forget(self.provers, 0)

    def uproot(self) -> None:
        """Forget the tree and every evaluation, but not what exact search found: a win must be found again."""
        self.cache.forget()
        reset(self.nodes[0].view(np.recarray)[0])
        self.used[0] = 1

    def restrict(self, actions: Collection[int]) -> None:
        """Leave an expanded root those of its children that `actions` name, one or more, as if it had no others."""
        root, children = self.nodes[0, 0], self.children()
        among = np.isin(children["action"], list(actions))
        if among.all():
            return
        kept, others = children[among], children[~among]
        children[: len(kept)] = kept
        kept = children[: len(kept)]
        root["child_count"] = len(kept)
        kept["prior"] /= kept["prior"].sum() or 1
        kept["u"] = kept["prior"] / (1 + kept["visits"])
        # What the others had backed up is taken back; a visit of the root's own, for a net's value, stays.
        root["visits"] -= others["visits"].sum()
        root["value"] += others["value"].sum()
        root["draws"] -= others["draws"].sum()
        root["q"] = root["value"] / max(root["visits"], 1)
        root["lower"], root["upper"] = -kept["upper"].max(), -kept["lower"].max()
        if root["lower"] == root["upper"]:
            ends = kept[(kept["lower"] == kept["upper"]) & (kept["lower"] == -root["lower"])]["plies"]
            root["plies"] = 1 + (ends.max() if root["lower"] >= 0 else ends.min())

    def children(self) -> np.ndarray:
        """NODE [legal moves], a view: those of the root, none where it is not expanded."""
        root = self.nodes[0, 0]
        first = max(int(root["first_child"]), 0)
        return self.nodes[0, first : first + int(root["child_count"])]
