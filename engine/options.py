"""What settings come to in one mode of one game: the OPTIONS record that kernels read."""

import numpy as np

from engine.modes import Mode
from engine.settings import Settings
from engine.tree import LEAF_NET, LEAF_ROLLOUT, LEAF_STATIC, OPTIONS
from games.contract import Game
from games.errors import TandemError

# By leaf value. Chosen on labelled Connect Four positions, among 0.8 to 5 with nets and 1.5 to 8 with play-outs; for
# static values in games of chess at 2,000 to 5,000 simulations, among 0.08 to 3 and -1 to 0.2: 0.3 plays as well as 1,
# which finds more mates.
C_PUCT = {"net": 1.5, "rollout": 3.0, "static": 1.0}
# Play-outs say little until each move has had one.
FPU_REDUCTION = {"net": 0.25, "rollout": -1.0, "static": 0.0}


def options_of(game: Game, settings: Settings, mode: Mode) -> np.ndarray:
    """OPTIONS [1]. Raises TandemError for settings that mean nothing in this mode or game."""
    s = settings
    options = np.zeros(1, OPTIONS)
    o = options[0]
    o["c_puct"] = s.c_puct if s.c_puct is not None else C_PUCT[mode.value]
    o["fpu_reduction"] = s.fpu_reduction if s.fpu_reduction is not None else FPU_REDUCTION[mode.value]
    if mode.plies_of_search == 1:
        o["fpu_reduction"] = -1e6  # every child once before any twice
    if s.value_pruning and mode.value != "net":
        raise TandemError(f"value_pruning goes by a net's values; mode {mode.name} has value={mode.value}")
    o["value_pruning"] = s.value_pruning if mode.plies_of_search is None else 0.0
    o["draw_value"] = s.draw_value
    o["images"] = min(s.images, game.symmetries)
    o["solve"], o["early_stop"] = s.solve, s.early_stop and mode.plies_of_search is None
    o["look_ahead"] = s.solve and s.look_ahead and mode.plies_of_search is None and game.ahead is not None
    o["proof_nodes"] = _proof_nodes(game, s, mode)
    o["uniform_prior"] = mode.prior == "uniform"
    o["leaf"] = {"net": LEAF_NET, "rollout": LEAF_ROLLOUT, "static": LEAF_STATIC}[mode.value]
    return options


def proves_leaves(mode: Mode) -> bool:
    """Whether proof_nodes mean anything in a mode: a net is asked, at leaves of a tree."""
    return mode.needs_net and mode.plies_of_search is None


def _proof_nodes(game: Game, settings: Settings, mode: Mode) -> int:
    wanted = settings.proof_nodes
    if wanted and game.repetition:
        raise TandemError(
            f"proof_nodes: exact search cannot judge {game.name}, where positions may repeat; leave it out"
        )
    if wanted and not proves_leaves(mode):
        raise TandemError(f"proof_nodes serve searches with a net, hybrid and auto; mode {mode.name} is none")
    if not (settings.solve and proves_leaves(mode)):
        return 0
    return game.proof_nodes if wanted is None else wanted
