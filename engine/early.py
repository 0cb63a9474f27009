"""Early positions that were solved ahead: they take the solver longest and come up in every game.

engine/tables/GAME.npz, made by `python -m selfplay.early`, holds the score of every position some plies from the start,
one of each that symmetries make alike. `Exact` begins with them in its table, where nothing displaces them.
"""

import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.alphabeta import word_type
from games.contract import Game, StateArray
from games.errors import TandemError
from games.files import plain_stem
from games.rules import rules

FOLDER = Path(__file__).resolve().parent / "tables"


def early_path(game: Game) -> Path:
    """Where a game's table lies, be it there or not."""
    return FOLDER / f"{plain_stem(game.name, game.spec)}.npz"


@cache
def early_positions(game: Game) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.int16]]:
    """The table's positions with all their images, as words [n, words of a state], and their scores [n].

    A score is that of engine.alphabeta. Empty where no table was made for these rules. Raises TandemError for a file
    that is damaged.
    """
    path, width = early_path(game), game.state.itemsize // int(word_type(game)[1:])
    nothing = np.zeros((0, width), word_type(game)), np.zeros(0, np.int16)
    if not path.is_file():
        return nothing
    try:
        with np.load(path, allow_pickle=False) as table:
            if str(table["rules_id"]) != game.rules_id:
                return nothing
            words, scores = table["words"], table["scores"]
        states = np.ascontiguousarray(words).view(game.state).reshape(len(scores))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TandemError(f"{path} is damaged: {error}; take it from a fresh clone, or delete it") from None
    found = [(image, score) for i, score in enumerate(scores) for image in rules(game).images(states[i : i + 1])]
    everything = np.concatenate([image for image, _ in found])
    repeated = np.array([score for _, score in found], np.int16)
    return everything.view(word_type(game)).reshape(len(found), width), repeated


def save_early(game: Game, states: StateArray, scores: npt.NDArray[np.int16]) -> bytes:
    """The bytes of a table file that early_positions reads."""
    file = io.BytesIO()
    words = states.view(word_type(game)).reshape(len(states), -1)
    np.savez_compressed(file, rules_id=np.array(game.rules_id), words=words, scores=scores)
    return file.getvalue()
