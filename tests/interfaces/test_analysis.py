"""What tandem-analyze answers: against brute force, against what search itself says, and at no cost to the game."""

import json
import time

import pytest

from engine.exact import Solution
from engine.modes import CHOICES, MODES
from engine.position import Position
from games.loader import load
from interfaces.analysis import analysis
from interfaces.gtp import Gtp
from tests.engine.helpers import after, oracle
from tests.interfaces.helpers import session, tiny_net

LINES = [[], ["b2"], ["a1", "a2", "b1"], ["a1", "b1", "c1", "b2", "a2", "c2", "b3", "a3"]]
KEYS = {"move", "visits", "prior", "policy", "q", "wdl", "bounds", "plies", "pv"}


def asked(gtp: Gtp, *words: str) -> dict:
    """The JSON of one tandem-analyze, which is one line."""
    answer = gtp.answer(" ".join(("tandem-analyze", *words)))
    assert answer.startswith("= {")
    assert answer.endswith("}\n\n")
    assert answer.count("\n") == 2
    return json.loads(answer[2:], parse_constant=pytest.fail)


def at(moves: list[str], model=None, spec: str = "search:simulations=30") -> Gtp:
    gtp = Gtp(session(spec, model=model))
    for move in moves:
        gtp.session.position.play_text(move)
    return gtp


@pytest.mark.parametrize("mode", CHOICES)
@pytest.mark.parametrize("moves", LINES, ids=len)
def test_every_mode_reports_every_move(mode, moves, tmp_path):
    gtp = at(moves, tiny_net(tmp_path / "net.safetensors"))
    began = time.monotonic()
    found = asked(gtp, "bw"[len(moves) % 2], f"mode={mode}")
    taken = time.monotonic() - began
    assert (found["game"], found["mode"], found["to_move"]) == ("tictactoe", mode, "bw"[len(moves) % 2])
    assert found["played"] == moves
    assert (found["net"] is None) == (mode in ("search", "exact"))
    legal = gtp.session.position.legal_text().split()
    assert sorted(m["move"] for m in found["moves"]) == sorted(legal)
    assert found["moves"][0]["move"] == found["move"] == found["pv"][0]
    assert 0 <= found["seconds"] <= taken
    assert found["simulations"] >= (mode != "exact")  # the last move needs no node
    for m in found["moves"]:
        assert m.keys() == KEYS
        assert m["pv"][0] == m["move"]
        line = gtp.session.position.copy()
        for move in m["pv"]:
            line.play_text(move)
        low, high = m["bounds"]
        assert -1 <= low <= high <= 1
        assert (m["plies"] is None) == (low != high or (mode == "exact" and low == 0))
        assert (m["q"] is None) == (m["wdl"] is None)
        if m["wdl"] is not None:
            assert sum(m["wdl"]) == pytest.approx(1, abs=1e-5)
            assert m["q"] == pytest.approx(m["wdl"][0] - m["wdl"][2], abs=1e-5)
    if mode != "exact":
        for name in ("prior", "policy"):
            assert sum(m[name] for m in found["moves"]) == pytest.approx(1, abs=1e-5)
        assert sum(m["visits"] for m in found["moves"]) <= found["simulations"]


def distance(mode: str, outcome: int, plies: int) -> int | None:
    """What a mode says of the way to a proven end: the solver, nothing where it is a draw."""
    return None if mode == "exact" and outcome == 0 else plies


@pytest.mark.parametrize(("mode", "budget"), [("search", "simulations=100000"), ("exact", "seconds=60")])
def test_what_is_proven_agrees_with_brute_force(mode, budget):
    game = load("tictactoe")
    for moves in LINES:
        position = Position.from_moves(game, moves)
        found = asked(at(moves), f"mode={mode}", budget)
        outcome, plies = oracle(position)
        assert (found["proven"], found["plies"]) == (outcome, distance(mode, outcome, plies))
        for m in found["moves"]:
            value, plies = oracle(after(position, game.parse_action(position.state, m["move"])))
            assert m["bounds"][0] <= -value <= m["bounds"][1]
            if mode == "exact":
                assert (m["bounds"], m["q"], m["plies"]) == ([-value, -value], -value, distance(mode, value, plies + 1))
    # One move wins at once, and the report says so of it alone.
    found = asked(at(["a1", "a2", "b1", "b3"]), f"mode={mode}", budget)
    best = found["moves"][0]
    assert (best["move"], best["plies"], best["wdl"], best["bounds"]) == ("c1", 1, [1, 0, 0], [1, 1])


def test_the_game_and_the_settings_stay_as_they_are(tmp_path):
    gtp = at(["b2"], tiny_net(tmp_path / "net.safetensors"), "hybrid:simulations=20")
    board, genmove = gtp.answer("showboard"), at(["b2"], tmp_path / "net.safetensors", "hybrid:simulations=20")
    for words in (["mode=search", "seconds=0.01"], ["c_puct=9", "simulations=7"], ["mode=exact"], ["temperature=5"]):
        asked(gtp, *words)
    assert gtp.answer("showboard") == board
    assert (gtp.session.mode, gtp.session.budget) == ("hybrid", "20 simulations a move")
    assert gtp.answer("genmove w") == genmove.answer("genmove w")


def test_a_counted_analysis_repeats_and_its_budget_replaces_the_sessions(tmp_path):
    gtp = at([], tiny_net(tmp_path / "net.safetensors"), "hybrid:seconds=60")
    first, second = (asked(gtp, "simulations=25") for _ in range(2))
    assert first["simulations"] == 25
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert asked(gtp, "simulations=25", "seed=3", "mode=search") != asked(gtp, "simulations=25", "mode=search")


def test_what_the_solver_does_not_prove_is_null(monkeypatch):
    bounds = {0: (0, 1), 1: (-1, 0)}

    def moves(solver, position, **budget):
        return {a: Solution(*bounds.get(a, (-1, 1)), None, 7, 0.5) for a in position.legal()}

    monkeypatch.setattr("engine.exact.Exact.moves", moves)
    found = analysis(session(), {"mode": "exact"})
    assert (found["move"], found["value"], found["wdl"], found["proven"], found["plies"]) == ("a1", *[None] * 4)
    assert (found["simulations"], found["seconds"]) == (63, 4.5)
    assert (found["moves"][0]["bounds"], found["moves"][-1]["bounds"]) == ([0, 1], [-1, 0])
    assert all(m["q"] is None and m["wdl"] is None and m["plies"] is None for m in found["moves"])


def test_a_finished_game_has_nothing_to_analyse():
    gtp = at(["a1", "a2", "b1", "b2", "c1"])
    for mode in ("search", "exact"):
        assert gtp.answer(f"tandem-analyze mode={mode}") == "? game over\n\n"


def test_every_mode_is_tried():
    assert set(CHOICES) == {*MODES, "exact"}
