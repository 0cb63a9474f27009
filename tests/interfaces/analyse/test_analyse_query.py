"""Queries: what is refused, by the field; what is passed over; and that no line whatsoever does harm."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.position import Position
from games.loader import known_games
from interfaces.analyse.query import FIELDS, SETTINGS, read_query, until
from tests.interfaces.analyse.helpers import heard
from tests.interfaces.helpers import session

WON = ["a1", "a2", "b1", "b2", "c1"]
BAD = [
    (b"", "not JSON", None),
    (b"{", "not JSON", None),
    (b"\xff{}", "not JSON", None),
    (b"[1]", "a query is a JSON object", None),
    (b"3", "a query is a JSON object", None),
    (b"[" * 100_000, "nested too deep", None),
    (b'{"id":"x","moves":' + b"[" * 100_000, "nested too deep", None),
    (b'{"id":"x","maxVisits":NaN}', "NaN is no number", None),
    (b'{"id":"x","maxVisits":1e999}', "1e999 is no number", None),
    (b'{"id":"x","maxVisits":' + b"9" * 10_000 + b"}", "not JSON", None),
    ({}, "id must be a string", "id"),
    ({"id": 3}, "id must be a string", "id"),
    ({"id": "x" * 1001}, "id must be a string", "id"),
    ({"moves": "b2"}, "moves must be a list", "moves"),
    ({"moves": ["z9"]}, "move 1: ", "moves"),
    ({"moves": ["b2", "b2"]}, "move 2: illegal move b2", "moves"),
    ({"moves": [["W", "b2"]]}, "move 1: it is B who is to move", "moves"),
    ({"moves": [["X", "b2"]]}, 'move 1: a colour is "B" or "W"', "moves"),
    ({"moves": [["B", "b2", "c"]]}, "move 1: a move is written", "moves"),
    ({"moves": [None]}, "move 1: a move is written", "moves"),
    ({"moves": [[[[["b2"]]]]]}, "move 1: a move is written", "moves"),
    ({"moves": ["b" * 1000]}, "move 1: a move is written", "moves"),
    ({"moves": [*WON, "c2"]}, "move 6: the game is over (rules)", "moves"),
    ({"moves": WON}, "the game is over at turn 5 (rules)", "moves"),
    ({"moves": WON, "analyzeTurns": [0, 5]}, "the game is over at turn 5", "moves"),
    ({"initialPosition": 5}, "initialPosition must be the text", "initialPosition"),
    ({"initialPosition": "no board"}, "", "initialPosition"),
    ({"initialPosition": "x" * 20_000}, "initialPosition must be the text", "initialPosition"),
    ({"initialPlayer": "R"}, "a colour is", "initialPlayer"),
    ({"boardXSize": 19}, "the board of tictactoe is 3 wide and 3 high", "boardXSize"),
    ({"boardYSize": "3"}, "the board of tictactoe", "boardYSize"),
    ({"analyzeTurns": 0}, "analyzeTurns must be a list", "analyzeTurns"),
    ({"analyzeTurns": [1]}, "whole numbers from 0 to 0", "analyzeTurns"),
    ({"analyzeTurns": [-1]}, "whole numbers from 0 to 0", "analyzeTurns"),
    ({"analyzeTurns": [True]}, "whole numbers", "analyzeTurns"),
    ({"analyzeTurns": [10**300]}, "whole numbers", "analyzeTurns"),
    ({"maxVisits": 0}, "whole numbers from 1", "maxVisits"),
    ({"maxVisits": 1.5}, "whole numbers from 1", "maxVisits"),
    ({"maxVisits": 2**31}, "whole numbers from 1", "maxVisits"),
    ({"maxVisits": None}, "whole numbers from 1", "maxVisits"),
    ({"maxVisits": 3, "overrideSettings": {"simulations": 3}}, "give one of them", "maxVisits"),
    ({"includePolicy": 1}, "true or false", "includePolicy"),
    ({"reportDuringSearchEvery": 0}, "must be seconds", "reportDuringSearchEvery"),
    ({"reportDuringSearchEvery": True}, "must be seconds", "reportDuringSearchEvery"),
    ({"priority": 0.5}, "whole numbers", "priority"),
    ({"analyzeTurns": [0], "priorities": []}, "one for each of analyzeTurns", "priorities"),
    ({"priorities": [1]}, "analyzeTurns must be a list", "analyzeTurns"),
    ({"analyzeTurns": [0], "priorities": ["1"]}, "whole numbers", "priorities"),
    ({"overrideSettings": []}, "must be an object", "overrideSettings"),
    ({"overrideSettings": {"c_pucte": 1}}, "no setting c_pucte: did you mean c_puct?", "overrideSettings"),
    ({"overrideSettings": {"memory": 1}}, "no setting memory", "overrideSettings"),
    ({"overrideSettings": {"model": "/etc/passwd"}}, "no setting model", "overrideSettings"),
    ({"overrideSettings": {"c_puct": [1]}}, "must be a number or a word", "overrideSettings"),
    ({"overrideSettings": {"c_puct": "1,threads=200"}}, "c_puct", "overrideSettings"),
    ({"overrideSettings": {"c_puct": 10**300}}, "c_puct must be", "overrideSettings"),
    ({"overrideSettings": {"mode": "serch"}}, "did you mean search?", "overrideSettings"),
    ({"overrideSettings": {"mode": "hybrid"}}, "mode hybrid needs a net", "overrideSettings"),
    ({"overrideSettings": {"mode": "exact"}, "maxVisits": 9}, "exact takes only", "overrideSettings"),
    ({"action": "dance"}, "unknown action dance", "action"),
    ({"action": []}, "unknown action []", "action"),
    ({"action": "terminate"}, "terminateId must be", "terminateId"),
    ({"action": "terminate", "terminateId": "a", "turnNumbers": ["1"]}, "turnNumbers must be", "turnNumbers"),
]


@pytest.mark.parametrize(("query", "words", "field"), BAD, ids=lambda value: str(value)[:50])
def test_a_bad_query_is_refused_by_its_field(query, words, field):
    line = query if isinstance(query, bytes) else json.dumps({"id": "q", **query} if query else query).encode()
    (said,) = heard(session(), line)
    assert words in said["error"]
    assert len(said["error"]) < 300
    assert said.get("field") == field
    assert said.get("id") == ("q" if field not in (None, "id") else None)


@pytest.mark.parametrize("game", known_games())
def test_a_bad_move_is_refused_in_every_game(game):
    for move in ("", "zz", "\0", "a" * 100, "٣", "-1", "99999999999999999999", "\ud800"):
        for query in ({"moves": [move]}, {"initialPosition": move}):
            (said,) = heard(session(game=game), json.dumps({"id": "q", **query}).encode())
            assert said["field"] == next(iter(query))


def test_unknown_fields_are_passed_over_with_a_warning_each_but_not_by_the_thousand():
    said = heard(session(), json.dumps({"id": "q", "maxVisit": 3, "komi": 7.5, "rules": {}}).encode())
    assert [w["field"] for w in said] == ["maxVisit", "komi", "rules"]
    assert said[0]["warning"].endswith("did you mean maxVisits?")
    assert len(heard(session(), json.dumps({"id": "q"} | {f"f{i}": 1 for i in range(5000)}).encode())) == 10


def test_colours_and_positions():
    opened = session()
    plain = read_query(opened, {"id": "a", "moves": ["b2", "a1"], "analyzeTurns": [2, 0, 0]})
    pairs = read_query(opened, {"id": "a", "moves": [["B", "b2"], ["white", "a1"]]})
    assert plain.position.actions == pairs.position.actions
    assert (plain.turns, pairs.turns) == ((2, 0), (2,))
    turned = read_query(opened, {"id": "a", "moves": [["W", "b2"], ["B", "a1"]], "initialPlayer": "W"})
    assert (turned.first, turned.position.actions) == (1, plain.position.actions)
    text = opened.game.to_text(plain.position.state)
    begun = read_query(opened, {"id": "a", "initialPosition": text, "moves": ["c3"]})
    assert begun.position.legal_text() == Position.from_moves(opened.game, ["b2", "a1", "c3"]).legal_text()
    assert until(plain.position, 1).moves_text() == ["b2"]


def test_a_budget_replaces_the_sessions():
    opened = session("search:seconds=5")
    assert read_query(opened, {"id": "a"}).spec.seconds == 5
    spec = read_query(opened, {"id": "a", "maxVisits": 7, "overrideSettings": {"c_puct": 2.5, "seed": 3}}).spec
    assert (spec.seconds, spec.simulations, spec.c_puct, spec.seed) == (None, 7, 2.5, 3)
    assert read_query(opened, {"id": "a", "overrideSettings": {"mode": "exact"}}).spec.kind == "exact"


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["b2", "B"])
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=9)
override = st.dictionaries(st.sampled_from(SETTINGS), values, max_size=3)
fields = st.dictionaries(st.sampled_from((*FIELDS, "action", "terminateId", "turnNumbers")), values, max_size=5)
lines = (
    st.binary(max_size=80)
    | values.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda some, more: json.dumps({"id": "q", **some, **more}).encode(), fields, fields)
    | override.map(lambda some: json.dumps({"id": "q", "overrideSettings": some}).encode())
)
OPENED = session()


@settings(max_examples=400, deadline=None)
@given(lines)
@example(b'{"id":"\\ud800","moves":[1]}')
@example(b'{"id":"q","moves":["\\ud800"]}')
@example(b'{"id":"q","\\ud800":1}')
@example(b'{"id":"q","overrideSettings":{"mode":"\\ud800"}}')
def test_no_line_does_harm(line):
    for said in heard(OPENED, line):
        assert said.keys() & {"error", "warning", "action"}
