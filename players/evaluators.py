"""Nets for players, in torch or as kernel nets; torch is imported when the first net that needs it is loaded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.perceptron import KernelNet
from games.errors import TandemError
from nets.config import NetConfig
from nets.kernelnet import FAMILIES, load_kernel_net
from nets.modelfile import read_header
from nets.models import run_model, shipped_model
from players.spec import PlayerSpec

if TYPE_CHECKING:
    from games.contract import Game
    from nets.evaluator import TorchEvaluator

# A match holds two nets; comparing the checkpoints of a ladder would otherwise keep them all.
KEPT = 4
_loaded: OrderedDict[tuple[Path, int, str, str], TorchEvaluator | KernelNet] = OrderedDict()
_lock = threading.Lock()


def find_model(game: Game, given: Path | None) -> Path:
    """The model file to use: `given`, the net of the run folder `given`, or the one that ships.

    Raises TandemError when nothing is given and none ships, or the run has none. A missing file is found on loading.
    """
    if given is not None:
        return run_model(given) if given.is_dir() else given
    shipped = shipped_model(game)
    if shipped is None:
        raise TandemError(f"no net ships for {game.spec}: name one with model=FILE, train one, or use mode search")
    return shipped


def backend_of(path: Path, spec: PlayerSpec) -> str:
    """What evaluates the model at `path` for this player: "kernel" where the net and `leaves` allow it, else "torch".

    Raises TandemError when the spec asks for a kernel net that cannot be had, and as read_header does.
    """
    config = NetConfig.parse(read_header(path).net)
    given = spec.backend or "auto"
    if given == "kernel" and config.family not in FAMILIES:
        raise TandemError(f"{path}: a {config} net runs in torch only; use backend=torch, or leave backend out")
    if given == "kernel" and (spec.leaves or 1) > 1:
        raise TandemError("backend=kernel evaluates one leaf at a time; leave leaves out, or use backend=torch")
    if given == "auto":
        return "kernel" if config.family in FAMILIES and (spec.leaves or 1) == 1 else "torch"
    return given


def load_evaluator(game: Game, path: Path, backend: str = "auto") -> TorchEvaluator | KernelNet:
    """An evaluator for one thread of the model at `path`; those of one file share its weights.

    backend: "kernel", "torch" or "auto" (a kernel net where the family allows it). Raises TandemError as
    nets.modelfile.read_model does, and when the model is no kernel net but was to be one.
    """
    backend = backend_of(path, PlayerSpec("hybrid", backend=backend))
    resolved = path.resolve()
    changed = resolved.stat().st_mtime_ns if resolved.is_file() else 0
    key = (resolved, changed, game.rules_id, backend)
    with _lock:
        if key not in _loaded:
            _loaded[key] = load_kernel_net(path, game) if backend == "kernel" else _torch_evaluator(game, path)
            while len(_loaded) > KEPT:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        evaluator = _loaded[key]
    return evaluator if isinstance(evaluator, KernelNet) else evaluator.clone()


def _torch_evaluator(game: Game, path: Path) -> TorchEvaluator:
    from nets.checkpoint import load_model
    from nets.evaluator import TorchEvaluator

    return TorchEvaluator(load_model(path, game).model)
