"""The conversation of KataGo's analysis engine: JSON lines in, JSON lines out, in whatever order answers come.

https://github.com/lightvector/KataGo/blob/master/docs/Analysis_Engine.md; docs/protocols.md says what differs.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, TextIO

from games.cli import in_background, version
from interfaces.analyse.answer import head
from interfaces.analyse.jobs import Jobs
from interfaces.analyse.query import QueryError, id_of, read_object, read_query, shown, warnings_of
from interfaces.analyse.workers import Batches, Worker
from interfaces.session import Session

MOST_LINE = 1 << 20  # bytes; a longer one need not be held in memory
ACTIONS = ("query_version", "clear_cache", "terminate", "terminate_all")


class Analyst:
    """Answers lines over one session, with a worker a processor. `hear` takes a line; `jobs` says when all is done."""

    def __init__(self, session: Session, stdout: TextIO, workers: int | None = None) -> None:
        """TandemError when the session's net cannot be had."""
        self._session, self._stdout, self._lock = session, stdout, threading.Lock()
        self._batches, count = Batches(session), workers or os.cpu_count() or 1
        self.jobs = Jobs(count)
        self.workers = [Worker(session, self._batches, self.jobs, self.say) for _ in range(count)]

    def say(self, found: Mapping[str, Any]) -> None:
        """Write one object, of whichever thread."""
        line = json.dumps(found, separators=(",", ":")) + "\n"
        with self._lock:
            self._stdout.write(line)
            self._stdout.flush()

    def hear(self, line: bytes) -> None:
        """Take a line: an answer says what is wrong with it, or the workers give its answers later."""
        query_id: dict[str, str] = {}
        try:
            given = read_object(line)
            query_id["id"] = id_of(given)
            if "action" in given:
                self._act(given)
                return
            query = read_query(self._session, given)
            for words, name in query.warnings:
                self.say({"warning": words, "field": name, "id": query.id})
            self.jobs.add(query, self._batches.kind_of(query.spec))
        except QueryError as error:
            at = {} if error.field is None else {"field": error.field}
            self.say({"error": str(error), **at, **query_id})

    def read(self, stdin: BinaryIO) -> None:
        """Hear every line of the input, to its end."""
        try:
            while line := stdin.readline(MOST_LINE + 1):
                if len(line) > MOST_LINE:
                    while line and not line.endswith(b"\n"):
                        line = stdin.readline(MOST_LINE)
                    self.say({"error": f"a line of over {MOST_LINE:,} bytes"})
                elif line.strip():
                    self.hear(line)
            self.jobs.close()
        except BaseException as error:  # whatever it is, the main thread has to know
            self.jobs.fail(error)

    def _act(self, given: dict[str, Any]) -> None:
        action = given["action"]
        if action not in ACTIONS:
            raise QueryError(f"unknown action {shown(str(action))}: there are {', '.join(ACTIONS)}", "action")
        known: tuple[str, ...] = ("id", "action")
        turns, answer = None, {"id": given["id"], "action": action}
        if action == "query_version":
            answer |= {"version": version(), "git_hash": "<omitted>"}
        if action == "clear_cache":
            for worker in self.workers:
                worker.forget = True
        if action == "terminate":
            known += ("terminateId",)
            if not isinstance(given.get("terminateId"), str):
                raise QueryError("terminateId must be the id of a query", "terminateId")
        if action in ("terminate", "terminate_all"):
            known += ("turnNumbers",)
            turns = given.get("turnNumbers")
            if "turnNumbers" in given and not (isinstance(turns, list) and all(type(turn) is int for turn in turns)):
                raise QueryError("turnNumbers must be a list of whole numbers", "turnNumbers")
        for words, name in warnings_of(given, known):
            self.say({"warning": words, "field": name, "id": given["id"]})
        self.say({**answer, **{name: given[name] for name in known if name in given}})
        if "turnNumbers" in known:
            for job in self.jobs.stop(given.get("terminateId"), None if turns is None else set(turns)):
                self.say({**head(job.query, job.turn), "noResults": True})
                self.jobs.done(job)


def run_analyse(session: Session, stdin: BinaryIO | None = None, stdout: TextIO | None = None) -> int:
    """Answer what `stdin` asks on `stdout`, until it ends and every query is answered; 0."""
    analyst, lines = Analyst(session, stdout or sys.stdout), stdin or sys.stdin.buffer
    for worker in analyst.workers:
        in_background(worker.run)
    in_background(lambda: analyst.read(lines))
    analyst.jobs.wait()
    return 0
