"""Which position is searched next, and by whom."""

import threading

import pytest

from engine.position import Position
from games.loader import load
from interfaces.analyse import jobs as jobs_module
from interfaces.analyse.jobs import Jobs
from interfaces.analyse.query import Query, QueryError
from players.spec import parse_spec

POSITION = Position(load("tictactoe"))


def query(name: str, turns: int = 1, priorities: tuple[int, ...] = ()) -> Query:
    return Query(name, POSITION, 0, tuple(range(turns)), priorities or (0,) * turns, parse_spec("search"))


def test_the_highest_priority_first_then_as_they_came():
    jobs = Jobs(1)
    jobs.add(query("a", 3, (0, 5, 0)), None)
    jobs.add(query("b", 2, (5, -1)), "kind")
    jobs.close()
    taken = []
    while job := jobs.take():
        taken.append((job.query.id, job.turn))
        jobs.done(job)
    assert taken == [("a", 1), ("b", 0), ("a", 0), ("a", 2), ("b", 1)]
    jobs.wait()


def test_each_worker_gets_its_share_of_those_of_a_kind():
    jobs = Jobs(2)
    jobs.add(query("a", 5), "kind")
    inside = [jobs.take()]
    while job := jobs.take_alike("kind", len(inside)):
        inside.append(job)
    assert [job.turn for job in inside] == [0, 1, 2]
    assert jobs.take_alike("other", 0) is None
    assert jobs.take().turn == 3


def test_others_are_passed_over_but_not_for_ever_and_never_those_of_a_higher_priority(monkeypatch):
    monkeypatch.setattr(jobs_module, "MOST_PASSED", 3)
    jobs = Jobs(1)
    jobs.add(query("a"), "kind")
    jobs.add(query("b"), None)
    jobs.add(query("c", 9), "kind")
    inside = [jobs.take()]
    while job := jobs.take_alike("kind", len(inside)):
        inside.append(job)
    assert [(job.query.id, job.turn) for job in inside] == [("a", 0), ("c", 0), ("c", 1), ("c", 2)]
    assert jobs.take().query.id == "b"
    assert jobs.take_alike("kind", 1).turn == 3
    jobs.add(query("d", 1, (1,)), "other")
    assert jobs.take_alike("kind", 1) is None
    assert jobs.take().query.id == "d"


def test_stopping_hands_back_those_that_waited():
    jobs = Jobs(1)
    for name in ("a", "b", "a"):
        jobs.add(query(name, 3), "kind")
    first = jobs.take()
    assert [job.turn for job in jobs.stop("a", {0, 2})] == [2, 0, 2]
    assert first.stopped
    assert [job.query.id for job in jobs.stop(None, None)] == ["a", "b", "b", "b", "a"]
    assert jobs.stop("nobody", None) == []
    assert jobs.take_alike("kind", 0) is None


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(jobs_module, "MOST_WAITING", 5)
    jobs = Jobs(1)
    jobs.add(query("a", 4), None)
    with pytest.raises(QueryError, match="more than 5 positions wait"):
        jobs.add(query("b", 2), None)
    jobs.add(query("c", 1), None)


def test_a_failure_ends_the_wait():
    jobs = Jobs(1)
    jobs.add(query("a"), None)
    threading.Timer(0.05, jobs.fail, [BrokenPipeError()]).start()
    with pytest.raises(BrokenPipeError):
        jobs.wait()
