"""What games are like: how long, how often drawn, how well for who begins, and how alike their openings."""

import numpy as np
import numpy.typing as npt

from selfplay.records import GameBatch

OPENING_PLIES = (4, 8, 12)  # lengths of the openings that are told apart
_NONE = -1  # in place of a move after a game's end


def openings_of(batch: GameBatch) -> npt.NDArray[np.int32]:
    """[games, 12] the first actions of each game, -1 after its end."""
    at = batch.action_offsets[:-1, None] + np.arange(OPENING_PLIES[-1])
    there = at < batch.action_offsets[1:, None]
    return np.where(there, np.append(batch.actions, _NONE)[np.where(there, at, -1)], _NONE).astype(np.int32)


def unique_openings(openings: npt.NDArray[np.int32], plies: int) -> float:
    """Distinct lines of so many first plies as a share of the games, one or more; a shorter game is its own line."""
    return len(np.unique(openings[:, :plies], axis=0)) / len(openings)


def first_player_score(outcome: npt.NDArray[np.int8]) -> float:
    """Of outcomes +1, 0, -1 for who began: their mean score, in [0, 1]."""
    return float(outcome.mean()) / 2 + 0.5


def game_scalars(batch: GameBatch) -> dict[str, float]:
    """The figures of some games by the names that TensorBoard and the log give them; none of no games."""
    if not len(batch):
        return {}
    openings = openings_of(batch)
    return {
        "games/mean_plies": float(np.diff(batch.action_offsets).mean()),
        "games/draws": float((batch.outcome == 0).mean()),
        "games/first_player_score": first_player_score(batch.outcome),
        **{f"games/unique_{plies}": unique_openings(openings, plies) for plies in OPENING_PLIES},
    }
