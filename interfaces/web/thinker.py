"""The thread in which the engine thinks for a table."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.result import SearchResult
from games.errors import TandemError
from interfaces.web.views import candidates_view, compared_view, evaluation_view, truth_view
from players.player import EnginePlayer, ExactPlayer

if TYPE_CHECKING:
    from interfaces.web.table import Table

REFRESH_SECONDS = 0.25  # between two looks at a search that goes on
STEP_SECONDS = 0.6  # that a move of the engine against itself stays on the board, at least
ANALYSIS_SECONDS = 120.0  # the longest that a position is thought about for its own sake
FINISH_SECONDS = 5.0  # that a search gets to notice that the program ends


class Job:
    """Something the engine does: a move, a hint, a comparison, an analysis."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.enough = threading.Event()  # use what there is
        self.dropped = threading.Event()  # and do not even use it
        self.done = threading.Event()

    def drop(self) -> None:
        """Ask it to end, and to leave no trace."""
        self.dropped.set()
        self.enough.set()


class Thinker:
    """Does jobs one by one. While there is one, nobody else uses the table's session."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.job: Job | None = None  # the one that is done now, or waits
        self._jobs = queue.SimpleQueue[Job | None]()

    def begin(self, kind: str) -> None:
        """Start a job: "move" and what may follow from it, "step", "hint", "compare" or "analyse"."""
        self.job = Job(kind)
        self._jobs.put(self.job)

    def drop(self) -> None:
        """Wait until nothing is done; what one job leads to may have begun meanwhile."""
        while (job := self.job) is not None:
            job.drop()
            job.done.wait()

    def end(self) -> None:
        """Stop, and let the thread end; no longer than FINISH_SECONDS."""
        if (job := self.job) is not None:
            job.drop()
            job.done.wait(FINISH_SECONDS)
        self._jobs.put(None)

    def work(self) -> None:
        """Do one job after another, until the end."""
        while (job := self._jobs.get()) is not None:
            try:
                if not job.dropped.is_set():
                    {"hint": self._give_hint, "compare": self._compare, "analyse": self._analyse}.get(
                        job.kind, self._play
                    )(job)
            except Exception as error:  # the game on the board is worth more than the engine's move
                self._failed(job, error)
            with self.table.changed:
                self.job = None
                if self.table.analysing and not (
                    job.kind == "analyse" or job.dropped.is_set() or self.table.drawn["outcome"] is not None
                ):
                    self.begin("analyse")
                self.table.publish()
            job.done.set()

    def _failed(self, job: Job, error: Exception) -> None:
        if not isinstance(error, TandemError):
            traceback.print_exc()
        with self.table.changed:
            self.table.note, self.table.analysing = one_line(error), False
            if job.kind in ("move", "step") and self.table.side in ("first", "second"):
                self.table.side = "both"
                self.table.note += "; you play both sides from here"
            self.table.paused = self.table.side == "none"

    def _play(self, job: Job) -> None:
        """The engine's moves, until it is the person's turn or somebody says that it is enough."""
        forced = job.kind == "step"
        while forced or self.table.engine_goes_on():
            began = time.monotonic()
            session = self.table.session
            result = self._think(job, session.replier, session.reply)
            if job.dropped.is_set():
                return
            with self.table.changed:
                session.position.play(result.action)
                self.table.redraw()
                self.table.publish()
            forced = False
            if self.table.engine_goes_on() and job.enough.wait(STEP_SECONDS - (time.monotonic() - began)):
                return

    def _give_hint(self, job: Job) -> None:
        result = self._think(job, self.table.session.player, self.table.session.think)
        assert self.table.candidates is not None
        best = self.table.candidates["moves"][0]
        self.table.hint = {"move": best["move"], "cells": best["cells"], "value": result.value_text()}

    def _analyse(self, job: Job) -> None:
        session = self.table.session
        self._think(job, session.player, lambda stop: session.think(stop, ANALYSIS_SECONDS))

    def _compare(self, job: Job) -> None:
        session, position = self.table.session, self.table.session.position
        self.table.comparison = {
            "ply": position.ply,
            "budget": session.budget_of(session.spec.kind),
            "rows": [],
            "proofs": [],
        }
        self.table.publish()
        truth = session.truth(_later(job.enough.is_set))
        for mode in session.modes:
            if job.enough.is_set():
                return
            result = session.think_afresh(mode, _later(job.enough.is_set))
            with self.table.changed:
                rows = [*self.table.comparison["rows"], compared_view(position, mode, result, truth)]
                self.table.comparison = self.table.comparison | {"rows": rows}
                self.table.publish()
        self.table.comparison = self.table.comparison | {"proofs": truth_view(position, truth)}

    def _think(
        self, job: Job, player: EnginePlayer | ExactPlayer, search: Callable[[Callable[[], bool]], SearchResult]
    ) -> SearchResult:
        """Let a player search, showing what it finds on the way and at the end, unless it is dropped."""
        shown = time.monotonic()
        # Where moves are drawn by chance, a look would draw too, and the seed's game be another.
        watched = player.search if isinstance(player, EnginePlayer) else None
        if watched is not None and watched.settings.temperature:
            watched = None

        def stop() -> bool:
            nonlocal shown
            if job.enough.is_set():
                return True
            if watched and watched.simulations and time.monotonic() - shown >= REFRESH_SECONDS:
                self._show(player, watched.result())
                shown = time.monotonic()
            return False

        result = search(_later(stop))
        if not job.dropped.is_set():
            self._show(player, result)
        return result

    def _show(self, player: EnginePlayer | ExactPlayer, result: SearchResult) -> None:
        position = self.table.session.position
        found, evaluation = candidates_view(position, player, result), evaluation_view(result, position.ply)
        with self.table.changed:
            self.table.candidates = found
            if evaluation is not None:
                self.table.evaluations[position.ply] = evaluation
            self.table.publish()


def _later(stop: Callable[[], bool]) -> Callable[[], bool]:
    """The same, but never true at the first question: a search without a simulation has no move."""
    asked = False

    def ask() -> bool:
        nonlocal asked
        first, asked = not asked, True
        return not first and stop()

    return ask


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
