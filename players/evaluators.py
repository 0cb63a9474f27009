"""Nets for players. Players of one model file share its weights; torch is imported when the first net is loaded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from games.errors import TandemError
from nets.models import run_model, shipped_model

if TYPE_CHECKING:
    from games.contract import Game
    from nets.evaluator import TorchEvaluator

# A match holds two nets; comparing the checkpoints of a ladder would otherwise keep them all.
KEPT = 4
_loaded: OrderedDict[tuple[Path, int, str], TorchEvaluator] = OrderedDict()
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


def load_evaluator(game: Game, path: Path) -> TorchEvaluator:
    """An evaluator of its own, for one thread, of the model at `path`; raises TandemError as nets.load_model does."""
    from nets.checkpoint import load_model
    from nets.evaluator import TorchEvaluator

    resolved = path.resolve()
    changed = resolved.stat().st_mtime_ns if resolved.is_file() else 0
    key = (resolved, changed, game.rules_id)
    with _lock:
        if key not in _loaded:
            _loaded[key] = TorchEvaluator(load_model(path, game).model)
            while len(_loaded) > KEPT:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key].clone()
