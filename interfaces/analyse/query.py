"""A line of JSON to a query, or to what is wrong with it, by the field."""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from interfaces.session import Session
from players.spec import PlayerSpec

FIELDS = (
    "id",
    "moves",
    "initialPosition",
    "initialPlayer",
    "boardXSize",
    "boardYSize",
    "analyzeTurns",
    "maxVisits",
    "includePolicy",
    "overrideSettings",
    "reportDuringSearchEvery",
    "priority",
    "priorities",
)
# Of a player spec; what takes memory or threads, or names a file, is the command line's to say.
SETTINGS = (
    "mode", "simulations", "seconds", "seed", "prior", "value", "threshold", "c_puct", "fpu_reduction", "draw_value",
    "root", "considered", "value_scale", "value_pruning", "images", "proof_nodes",
)  # fmt: skip
COLOURS = {"b": 0, "black": 0, "w": 1, "white": 1}
MOST_ID, MOST_MOVE, MOST_POSITION = 1000, 100, 10_000  # characters
MOST_SHOWN = 200  # characters of what is wrong
MOST_PRIORITY = 2**31
MOST_WARNINGS = 10  # of one query
LEAST_EVERY = 0.01  # seconds between two reports


class QueryError(TandemError):
    """What is wrong with a query: its field, where that is known."""

    def __init__(self, words: str, field: str | None = None) -> None:
        super().__init__(shown(words, MOST_SHOWN))
        self.field = field


@dataclass(frozen=True)
class Query:
    """Turns of one game to be analysed; `position` is the one after all moves.

    `first` is the colour, 0 or 1, of who moves first; `priorities` go with `turns`; `every` is in seconds.
    """

    id: str
    position: Position
    first: int
    turns: tuple[int, ...]
    priorities: tuple[int, ...]
    spec: PlayerSpec
    include_policy: bool = False
    every: float | None = None
    warnings: tuple[tuple[str, str], ...] = field(default=())  # words and the field


def shown(text: str, most: int = 40) -> str:
    """The text, or its beginning."""
    return text if len(text) <= most else text[: most - 3] + "..."


def read_object(line: bytes) -> dict[str, Any]:
    """The JSON object that a line holds; QueryError for other lines."""
    try:
        found = json.loads(line.decode(), parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise QueryError("JSON that is nested too deep") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise QueryError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise QueryError("a query is a JSON object, on one line")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(shown(text))


def id_of(query: Mapping[str, Any]) -> str:
    """The query's id; QueryError where there is none."""
    found = query.get("id")
    if not isinstance(found, str) or len(found) > MOST_ID:
        raise QueryError(f"id must be a string of at most {MOST_ID:,} characters", "id")
    return found


def warnings_of(query: Mapping[str, Any], known: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Words and the field for what is in the query and not known, the first few of them."""
    found = []
    for name in [name for name in query if name not in known][:MOST_WARNINGS]:
        close = difflib.get_close_matches(shown(name), known, 1)
        hint = f": did you mean {close[0]}?" if close else ""
        found.append((f"unknown field, passed over{hint}", shown(name)))
    return tuple(found)


def read_query(session: Session, query: Mapping[str, Any]) -> Query:
    """The query of an object with an id; QueryError names the field that is wrong."""
    game = session.game
    _check_board(game, query)
    first = _colour(query.get("initialPlayer", "B"), "initialPlayer")
    position = _position(game, query, first)
    turns = _turns(query, position)
    priority = _whole(query.get("priority", 0), "priority", -MOST_PRIORITY, MOST_PRIORITY)
    priorities = (priority,) * len(turns)
    if "priorities" in query:
        given = _list(query["priorities"], "priorities")
        if "priority" in query or len(given) != len(_list(query.get("analyzeTurns"), "analyzeTurns")):
            raise QueryError("priorities stand in place of priority, one for each of analyzeTurns", "priorities")
        by_turn = dict(zip(query["analyzeTurns"], given, strict=True))
        priorities = tuple(_whole(by_turn[turn], "priorities", -MOST_PRIORITY, MOST_PRIORITY) for turn in turns)
    include_policy = query.get("includePolicy", False)
    if not isinstance(include_policy, bool):
        raise QueryError("includePolicy must be true or false", "includePolicy")
    every = query.get("reportDuringSearchEvery")
    if "reportDuringSearchEvery" in query and (
        isinstance(every, bool) or not isinstance(every, int | float) or not LEAST_EVERY <= every <= 1e6
    ):
        raise QueryError(f"reportDuringSearchEvery must be seconds, from {LEAST_EVERY}", "reportDuringSearchEvery")
    for turn in turns:
        here = position if turn == position.ply else until(position, turn)
        if not here.playable:
            raise QueryError(f"the game is over at turn {turn} ({here.ended}): there is nothing to analyse", "moves")
    return Query(
        id_of(query), position, first, turns, priorities, _spec(session, query), include_policy, every,
        warnings_of(query, FIELDS)
    )  # fmt: skip


def until(position: Position, turn: int) -> Position:
    """The position that the game was in after that many of its moves."""
    end = turn + 1
    return Position(position.game, position.actions[:turn], position.keys[:end], position.states[:end])


def _check_board(game: Game, query: Mapping[str, Any]) -> None:
    for name, size in (("boardXSize", game.planes[2]), ("boardYSize", game.planes[1])):
        if name in query and query[name] != size:
            raise QueryError(f"the board of {game.spec} is {game.planes[2]} wide and {game.planes[1]} high", name)


def _position(game: Game, query: Mapping[str, Any], first: int) -> Position:
    text = query.get("initialPosition")
    if "initialPosition" in query and (not isinstance(text, str) or len(text) > MOST_POSITION):
        raise QueryError("initialPosition must be the text of a position, as /position shows it", "initialPosition")
    try:
        position = Position(game) if text is None else Position.from_text(game, text)
    except TandemError as error:
        raise QueryError(str(error), "initialPosition") from None
    for number, move in enumerate(_list(query.get("moves", []), "moves"), 1):
        try:
            _play(position, move, (first + position.ply) % 2)
        except TandemError as error:
            raise QueryError(f"move {number}: {error}", "moves") from None
    return position


def _play(position: Position, move: object, turn: int) -> None:
    if isinstance(move, list) and len(move) == 2:
        if _colour(move[0], "moves") != turn:
            raise QueryError(f"it is {'BW'[turn]} who is to move")
        move = move[1]
    if not isinstance(move, str) or len(move) > MOST_MOVE:
        raise QueryError('a move is written as the game writes it, "4", or with its colour, ["B", "4"]')
    if not position.playable:
        raise QueryError(f"the game is over ({position.ended})")
    position.play_text(move)


def _turns(query: Mapping[str, Any], position: Position) -> tuple[int, ...]:
    """Each turn once."""
    if "analyzeTurns" not in query:
        return (position.ply,)
    given = [_whole(turn, "analyzeTurns", 0, position.ply) for turn in _list(query["analyzeTurns"], "analyzeTurns")]
    return tuple(dict.fromkeys(given))


def _spec(session: Session, query: Mapping[str, Any]) -> PlayerSpec:
    given = query.get("overrideSettings", {})
    if not isinstance(given, dict):
        raise QueryError("overrideSettings must be an object", "overrideSettings")
    options: dict[str, str] = {}
    for key, value in given.items():
        if key not in SETTINGS:
            close = difflib.get_close_matches(shown(key), SETTINGS, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise QueryError(f"no setting {shown(key)}: {hint}there are {', '.join(SETTINGS)}", "overrideSettings")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise QueryError(f"{key} must be a number or a word", "overrideSettings")
        options[key] = str(value)
    if "maxVisits" in query:
        if "simulations" in options:
            raise QueryError("maxVisits are the simulations: give one of them", "maxVisits")
        options["simulations"] = str(_whole(query["maxVisits"], "maxVisits", 1, 2**31 - 1))
    try:
        return session.spec_of(options)
    except TandemError as error:
        raise QueryError(str(error), "overrideSettings" if given else "maxVisits") from None


def _colour(value: object, name: str) -> int:
    if not isinstance(value, str) or value.lower() not in COLOURS:
        raise QueryError('a colour is "B" or "W"', name)
    return COLOURS[value.lower()]


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise QueryError(f"{name} must be a list", name)
    return value


def _whole(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise QueryError(f"{name} must be whole numbers from {low} to {high:,}", name)
    return value
