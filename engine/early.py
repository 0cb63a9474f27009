"""Early positions that were solved ahead: they take the solver longest and come up in every game.

engine/tables/GAME.npz, made by `python -m selfplay.early`, holds score and best move of every position some plies from
the start, one of each that symmetries make alike. `Exact` begins with them in its table, where nothing displaces them.
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
def early_positions(
    game: Game,
) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """The table's positions with all their images, as words [n, words of a state], their scores and best moves [n].

    A score is that of engine.alphabeta. Empty where no table was made for these rules. Raises TandemError for a file
    that is damaged.
    """
    path, width = early_path(game), game.state.itemsize // int(word_type(game)[1:])
    nothing = np.zeros((0, width), word_type(game)), np.zeros(0, np.int16), np.zeros(0, np.int16)
    if not path.is_file():
        return nothing
    try:
        with np.load(path, allow_pickle=False) as table:
            if str(table["rules_id"]) != game.rules_id:
                return nothing
            words, scores, moves = table["words"], table["scores"], table["moves"]
        states = np.ascontiguousarray(words).view(game.state).reshape(len(scores))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TandemError(f"{path} is damaged: {error}; take it from a fresh clone, or delete it") from None
    found: dict[bytes, tuple[int, int]] = {}
    for i in range(len(scores)):
        for k in range(game.symmetries):
            image = game.states(1)
            if k == 0 or rules(game).transform(states[i : i + 1], k, image):
                image, move = (image, game.transform_action(k, moves[i])) if k else (states[i : i + 1], moves[i])
                found[image.tobytes()] = int(scores[i]), int(move)
    everything = np.frombuffer(b"".join(found), word_type(game)).reshape(len(found), width)
    pairs = np.array(list(found.values()), np.int16)
    return everything, pairs[:, 0].copy(), pairs[:, 1].copy()


def save_early(
    game: Game, states: StateArray, scores: npt.NDArray[np.int16], moves: npt.NDArray[np.int16]
) -> bytes:  # fmt: skip
    """The bytes of a table file that early_positions reads."""
    file = io.BytesIO()
    words = states.view(word_type(game)).reshape(len(states), -1)
    np.savez_compressed(file, rules_id=np.array(game.rules_id), words=words, scores=scores, moves=moves)
    return file.getvalue()
