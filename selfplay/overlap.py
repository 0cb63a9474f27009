"""Which labelled positions a run was trained on: those that stand among its games' rows, up to symmetry."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from games.compiler import kernel
from games.contract import Game
from games.rules import rules
from selfplay.labels import Label
from selfplay.records import RANDOM, starts_of
from selfplay.store import Store


@cache
def mark_kernel(game: Game) -> Callable[..., None]:
    """The kernel that plays games through and looks every trained position up."""
    play, key, untrained = game.play, game.key, RANDOM

    @kernel(game)
    def mark(
        starts: Any, action_offsets: Any, actions: Any, row_offsets: Any, ply: Any, kind: Any, wanted: Any, met: Any
    ) -> None:
        """wanted uint64 [n], ascending, are keys; met bool [n] is set where a game of starts STATE [games] has one."""
        scratch = np.empty(1, starts.dtype)
        for g in range(starts.shape[0]):
            scratch[0] = starts[g]
            s = scratch[0]
            played: Any = 0
            for row in range(row_offsets[g], row_offsets[g + 1]):
                while played < ply[row]:
                    play(s, actions[action_offsets[g] + played])
                    played += 1
                if kind[row] == untrained:
                    continue
                at = np.searchsorted(wanted, key(s))
                if at < wanted.shape[0] and wanted[at] == key(s):
                    met[at] = True

    return mark


def trained_on(game: Game, store: Store, labels: Sequence[Label]) -> npt.NDArray[np.bool_]:
    """Of each label, whether its position or one that a symmetry makes alike was trained on in the store's games.

    Positions are compared by the game's 64-bit key.
    """
    r = rules(game)
    images = [r.images(label.position.state) for label in labels]
    keys = np.array([r.key(image, 0) for group in images for image in group], np.uint64)
    owner = np.repeat(np.arange(len(labels)), [len(group) for group in images])
    wanted = np.unique(keys)
    met = np.zeros(len(wanted), np.bool_)
    for _, batch in store.new_batches():
        mark_kernel(game)(
            starts_of(game, batch), batch.action_offsets, batch.actions, batch.row_offsets, batch.ply, batch.kind,
            wanted, met,
        )  # fmt: skip
    found = np.zeros(len(labels), np.bool_)
    np.logical_or.at(found, owner, met[np.searchsorted(wanted, keys)])
    return found
