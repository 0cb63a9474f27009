"""What was found, by the names of KataGo's analysis engine."""

from collections.abc import Mapping
from typing import Any

from interfaces.analyse.query import Query


def answer(query: Query, turn: int, found: Mapping[str, Any], during: bool) -> dict[str, Any]:
    """The answer to one turn of a query; `found` is what interfaces.analysis makes of a search.

    All is seen by the player to move. winrate counts a draw as half a win, utility runs from -1 to 1. Moves of which
    nothing is known are left out, unless that is all of them, as in mode net.
    """
    known = [move for move in found["moves"] if move["q"] is not None] or found["moves"]
    moves = [_move(order, move) for order, move in enumerate(known)]
    root = {
        "currentPlayer": "BW"[(query.first + turn) % 2],
        "visits": found["simulations"],
        "winrate": _winrate(found["wdl"]),
        "utility": found["value"],
        "wdl": found["wdl"],
        "proven": found["proven"],
        "plies": found["plies"],
    }
    policy = {"policy": {m["move"]: m["prior"] for m in found["moves"]}} if query.include_policy else {}
    return {**head(query, turn, during), "rootInfo": root, "moveInfos": moves, **policy}


def head(query: Query, turn: int, during: bool = False) -> dict[str, Any]:
    """What every answer begins with."""
    return {"id": query.id, "turnNumber": turn, "isDuringSearch": during}


def _move(order: int, move: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "move": move["move"],
        "order": order,
        "visits": move["visits"],
        "winrate": _winrate(move["wdl"]),
        "utility": move["q"],
        "prior": move["prior"],
        "wdl": move["wdl"],
        "bounds": move["bounds"],
        "plies": move["plies"],
        "pv": move["pv"],
    }


def _winrate(wdl: list[float] | None) -> float | None:
    return None if wdl is None else round(wdl[0] + wdl[1] / 2, 6)
