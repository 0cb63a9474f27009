"""Answers: those of a search of the one position, however many are searched beside it."""

import io
import json
import random
import threading
import time
from pathlib import Path

import pytest

from engine.exact import Exact
from engine.modes import CHOICES
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from interfaces.analyse.protocol import Analyst
from interfaces.analyse.workers import Batches
from interfaces.analysis import searched, solved
from interfaces.session import Session
from players.player import make_player
from tests.engine.helpers import FakeNet, random_position
from tests.interfaces.analyse.helpers import asked, objects
from tests.interfaces.helpers import session, tiny_net


@pytest.fixture
def batched(monkeypatch):
    """Sessions whose net is a FakeNet that is evaluated in batches; its calls are counted in `rows`."""
    rows: list[int] = []

    class Counting(FakeNet):
        def evaluate(self, planes, logits, wdl):
            rows.append(len(planes))
            super().evaluate(planes, logits, wdl)

    def evaluator(batches: Batches) -> FakeNet:
        return Counting(batches._session.game, 3)

    monkeypatch.setattr(Batches, "evaluator", evaluator)
    return rows


def in_batches(folder: Path, game: str = "connect4", simulations: int = 10) -> Session:
    """A session whose net would be evaluated in torch; `batched` puts another in its place."""
    return session(f"hybrid:backend=torch,simulations={simulations}", game, tiny_net(folder / "net.safetensors", game))


def line_of(game: Game, choose: random.Random, plies: int) -> list[str]:
    return random_position(game, choose, plies).moves_text()


def agrees(answer: dict, found: dict) -> None:
    """Whether an answer says what tandem-analyze says."""
    root = answer["rootInfo"]
    for ours, theirs in (("visits", "simulations"), ("utility", "value"), ("wdl", "wdl"), ("proven", "proven")):
        assert root[ours] == found[theirs]
    known = [move for move in found["moves"] if move["q"] is not None] or found["moves"]
    assert len(answer["moveInfos"]) == len(known)
    for order, (ours, theirs) in enumerate(zip(answer["moveInfos"], known, strict=True)):
        assert (ours["order"], ours["utility"]) == (order, theirs["q"])
        for name in ("move", "visits", "prior", "wdl", "bounds", "plies", "pv"):
            assert ours[name] == theirs[name]
        if ours["wdl"] is not None:
            assert ours["winrate"] == pytest.approx(ours["wdl"][0] + ours["wdl"][1] / 2, abs=2e-6)


@pytest.mark.parametrize("mode", CHOICES)
def test_an_answer_says_what_a_search_of_the_one_position_finds(mode, tmp_path):
    model, choose = tiny_net(tmp_path / "net.safetensors"), random.Random(2)
    spec = "search:simulations=30"
    games = [line_of(load("tictactoe"), choose, 6) for _ in range(12)]
    settings = {"mode": mode, **({"seconds": 60} if mode == "exact" else {"simulations": 40})}
    queries = [{"id": str(i), "moves": moves, "overrideSettings": settings} for i, moves in enumerate(games)]
    answers = {answer["id"]: answer for answer in asked(session(spec, model=model), *queries)}
    for query in queries:
        position = Position.from_moves(load("tictactoe"), query["moves"])
        if mode == "exact":
            found = solved(position, Exact(position.game).moves(position, seconds=60))
        else:
            player = make_player(position.game, f"{mode}:simulations=40", model=model)
            result = player.choose(position).result
            found = searched(position, result, player.search.moves(result), player.net_id)
        agrees(answers[query["id"]], found)


@pytest.mark.parametrize(("game", "plies"), [("connect4", 20), ("othello:size=6", 12)])
def test_side_by_side_each_position_is_searched_as_if_alone(game, plies, batched, tmp_path):
    opened = in_batches(tmp_path, game)
    choose, queries = random.Random(4), []
    for i in range(60):
        visits, mode = choose.choice([1, 20, 100, 100, 130]), choose.choice(["hybrid", "hybrid", "value", "net"])
        given = {"id": str(i), "moves": line_of(opened.game, choose, plies), "maxVisits": visits}
        queries.append(given | {"overrideSettings": {"mode": mode}, "includePolicy": True})
    answers = {answer["id"]: answer for answer in asked(opened, *queries)}
    assert len(answers) == 60
    for query in queries:
        position, answer = Position.from_moves(opened.game, query["moves"]), answers[query["id"]]
        search = Search(opened.game, Settings(query["overrideSettings"]["mode"]), FakeNet(opened.game, 3))
        found = search.run(position, simulations=query["maxVisits"])
        names = [opened.game.format_action(position.state, int(action)) for action in found.actions]
        visits = {name: n for name, n in zip(names, found.visits.tolist(), strict=True) if n}
        assert {m["move"]: m["visits"] for m in answer["moveInfos"] if m["visits"]} == visits
        assert answer["moveInfos"][0]["move"] == found.move
        assert answer["rootInfo"]["visits"] == found.simulations
        assert answer["policy"] == pytest.approx(dict(zip(names, found.prior.tolist(), strict=True)), abs=1e-6)
    assert max(batched) > 8


def test_every_turn_is_answered_once_with_its_player(batched, tmp_path):
    moves = ["4", "4", "3", "5"]
    query = {"id": "g", "moves": moves, "analyzeTurns": [4, 0, 1, 2, 3, 3], "initialPlayer": "W"}
    answers = asked(in_batches(tmp_path), query)
    assert sorted(a["turnNumber"] for a in answers) == [0, 1, 2, 3, 4]
    for answer in answers:
        assert not answer["isDuringSearch"]
        assert answer["rootInfo"]["currentPlayer"] == "WB"[answer["turnNumber"] % 2]


def test_a_net_that_fails_is_an_error_for_each_of_its_positions_and_no_end(batched, monkeypatch, tmp_path):
    calls = []

    def broken(net, planes, logits, wdl):
        calls.append(1)
        raise TandemError("net fake gives NaN")

    monkeypatch.setattr(FakeNet, "evaluate", broken)
    queries = [{"id": str(i), "moves": []} for i in range(6)]
    answers = asked(in_batches(tmp_path), *queries)
    assert sorted(a["id"] for a in answers) == list("012345")
    assert {a["error"] for a in answers} == {"net fake gives NaN"}
    assert calls


class Live:
    """An engine that is talked to while it works."""

    def __init__(self, opened) -> None:
        self.out = io.StringIO()
        self.analyst = Analyst(opened, self.out, 1)
        self.threads = [threading.Thread(target=worker.run, daemon=True) for worker in self.analyst.workers]
        for thread in self.threads:
            thread.start()

    def say(self, **query) -> None:
        self.analyst.hear(json.dumps(query).encode())

    def answers(self, name: str) -> list[dict]:
        return [found for found in objects(self.out.getvalue()) if found.get("id") == name]

    def until(self, name: str, count: int) -> list[dict]:
        """The answers of that id, once there are so many."""
        began = time.monotonic()
        while len(self.answers(name)) < count:
            assert time.monotonic() - began < 60
            time.sleep(0.01)
        return self.answers(name)

    def close(self) -> None:
        self.analyst.jobs.close()
        self.analyst.jobs.wait()
        for thread in self.threads:
            thread.join(60)


@pytest.mark.parametrize("which", ["side by side", "by itself"])
def test_reports_during_the_search_and_its_end_by_terminate(which, request, tmp_path):
    if which == "side by side":
        request.getfixturevalue("batched")
        opened = in_batches(tmp_path)
    else:
        opened = session("hybrid", "connect4", tiny_net(tmp_path / "net.safetensors", "connect4"))
    live = Live(opened)
    live.say(id="long", moves=[], maxVisits=500_000, reportDuringSearchEvery=0.02)
    reports = live.until("long", 3)
    assert all(report["isDuringSearch"] for report in reports[:2])
    assert reports[0]["rootInfo"]["visits"] < reports[1]["rootInfo"]["visits"]
    live.say(id="next", moves=["4"], maxVisits=500_000, analyzeTurns=[0, 1], priority=-1)
    live.say(id="t1", action="terminate", terminateId="next", turnNumbers=[1])
    live.say(id="t2", action="terminate_all")
    live.close()
    (acknowledged,) = live.answers("t1")
    assert acknowledged == {"id": "t1", "action": "terminate", "terminateId": "next", "turnNumbers": [1]}
    last = live.answers("long")[-1]
    assert not last["isDuringSearch"]
    assert 0 < last["rootInfo"]["visits"] < 500_000
    ends = {answer["turnNumber"]: answer for answer in live.answers("next")}
    assert ends.keys() == {0, 1}
    assert ends[1] == {"id": "next", "turnNumber": 1, "isDuringSearch": False, "noResults": True}


def test_versions_and_an_empty_cache(batched, tmp_path):
    live = Live(in_batches(tmp_path, simulations=30))
    live.say(id="v", action="query_version")
    assert live.answers("v")[0].keys() == {"id", "action", "version", "git_hash"}
    asked_for = []
    for name in ("one", "two", "clear", "three"):
        before = sum(batched)
        if name == "clear":
            live.say(id=name, action="clear_cache")
            assert live.answers(name) == [{"id": name, "action": "clear_cache"}]
        else:
            live.say(id=name, moves=[])
            live.until(name, 1)
            asked_for.append(sum(batched) - before)
    live.close()
    assert asked_for[0] == asked_for[2] > 2 * asked_for[1]
