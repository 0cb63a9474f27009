"""The game that every tab of a browser sees: who plays, who thinks, and all of it as one object that JSON holds."""

import importlib
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from engine.modes import CHOICES, about_mode
from engine.position import Position
from engine.result import certain
from games.cli import in_background
from games.errors import TandemError
from interfaces.levels import LEVELS, read_level
from interfaces.recorder import Recorder
from interfaces.seats import SIDES, person_moves_at, take_back, verdict
from interfaces.session import Session
from interfaces.web.thinker import Thinker, one_line
from interfaces.web.views import View, board_view, legal_view


class Conflict(TandemError):
    """A command that was right once and comes too late, or too early."""


class Table:
    """A session with seats around it. Commands come one at a time; the engine thinks in a thread of its own.

    A command that changes the game first makes the engine stop, so that no two threads ever use the session. What tabs
    read is a finished object, replaced as a whole.
    """

    def __init__(self, session: Session, headline: str, side: str = "first", recorder: Recorder | None = None) -> None:
        """`side` is one of SIDES: the person's."""
        self.session, self.headline, self.side, self.recorder = session, headline, side, recorder
        self._start: str | None = None  # where new games begin, if not at the game's own first position
        self.paused = side == "none"
        self.analysing = False
        self.note = ""
        self.drawn: View = {}
        self.evaluations: dict[int, View] = {}  # by ply
        self.candidates: View | None = None
        self.comparison: View | None = None
        self.hint: View | None = None
        self._one_command = threading.Lock()
        self.changed = threading.Condition()  # its lock is that of everything that a state is made of
        self.thinker = Thinker(self)
        self._run_id, self._count = secrets.token_hex(4), 0  # a tab must not take another run's state for its own
        self._state: View = {}
        self._commands: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "move": self._do_move,
            "undo": self._do_undo,
            "new": self._do_new,
            "side": self._do_side,
            "mode": self._do_mode,
            "budget": self._do_budget,
            "level": self._do_level,
            "hint": lambda given: self._begin("hint"),
            "compare": lambda given: self._begin("compare"),
            "analyse": self._do_analyse,
            "step": lambda given: self._begin("step"),
            "run": self._do_run,
            "stop": self._do_stop,
        }

    def open(self, start: str | None = None) -> None:
        """Begin, at the position of a text if one is given; TandemError when it is none, or cannot be recorded."""
        if start is not None:
            self._begin_at(start)
        in_background(self.thinker.work)
        self._settle()
        if self.session.needs_torch and self.thinker.job is None:  # two seconds of work, while the person looks
            in_background(lambda: importlib.import_module("nets.evaluator"))

    def close(self) -> None:
        """Make the engine stop and give up its threads."""
        self.thinker.end()
        self.session.close()

    @property
    def commands(self) -> list[str]:
        """The names of the commands."""
        return list(self._commands)

    def state(self, seen: str = "", wait: float = 0.0) -> View:
        """All that a tab shows, as soon as it is another version than `seen`, and after `wait` seconds in any case."""
        with self.changed:
            self.changed.wait_for(lambda: self._state["version"] != seen, wait)
            return self._state

    def look_back(self, ply: int) -> View:
        """The board after `ply` moves of this game; TandemError when there were not as many."""
        with self.changed:
            return board_view(self.session.position, ply)

    def command(self, name: str, given: Mapping[str, Any]) -> View:
        """Do what a tab asks for, and return the state after it; `name` is one of `commands`.

        TandemError for what cannot be done, Conflict where the game is no longer, or not yet, where the tab thinks.
        """
        with self._one_command:
            self.note = ""
            self._commands[name](given)
            return self.state()

    def _do_move(self, given: Mapping[str, Any]) -> None:
        position = self.session.position
        text, ply = _text(given, "move", "a move, as the game writes it"), given.get("ply", position.ply)
        if ply != position.ply:
            raise Conflict(f"the game has moved on: {position.ply} moves have been played")
        if position.ended:
            raise TandemError("the game is over: begin a new one, or take back")
        if not self._persons_turn():
            raise Conflict("it is the engine's turn")
        action = position.game.parse_action(position.state, text)
        position.copy().play(action)  # refused while the engine goes on with what it does
        self.thinker.drop()
        position.play(action)
        self._settle(moved=True)

    def _do_undo(self, given: Mapping[str, Any]) -> None:
        self.thinker.drop()
        try:
            take_back(self.session.position, self.side)
        except TandemError:
            self._settle()
            raise
        self.paused = self.side == "none"
        self.candidates = None
        self._settle(moved=True)

    def _do_new(self, given: Mapping[str, Any]) -> None:
        text = _text(given, "position", "a position, as the game writes it") if given.get("position") else None
        if text is not None:
            self.session.game.from_text(text)  # refused while the old game still stands
        self.thinker.drop()
        try:
            if text is None:
                self.session.new_game(self._start)
            else:
                self._begin_at(text)
            self.paused, self.candidates, self.evaluations = self.side == "none", None, {}
        finally:
            self._settle(moved=True)

    def _do_side(self, given: Mapping[str, Any]) -> None:
        side = _text(given, "side", f"one of {', '.join(SIDES)}")
        if side not in SIDES:
            raise TandemError(f"side must be one of {', '.join(SIDES)}, not '{side}'")
        self.thinker.drop()
        self.side, self.paused = side, side == "none"
        self._settle()

    def _do_mode(self, given: Mapping[str, Any]) -> None:
        mode = _text(given, "mode", f"one of {', '.join(self.session.modes)}")
        self.thinker.drop()
        try:
            self.session.set_mode(mode)
        finally:
            self._settle()

    def _do_budget(self, given: Mapping[str, Any]) -> None:
        names = given.keys() & {"simulations", "seconds"}
        if len(names) != 1:
            raise TandemError("a budget is either simulations or seconds")
        name = names.pop()
        self.thinker.drop()
        try:
            self.session.set_budget(**{name: _text(given, name, "a number")})
        finally:
            self._settle()

    def _do_level(self, given: Mapping[str, Any]) -> None:
        null = given.get("level", "") is None
        level = None if null else read_level(_text(given, "level", "a level, or null for none"))
        self.thinker.drop()
        try:
            if level is None:
                self.session.set_mode(self.session.mode)
            else:
                self.session.set_level(level)
        finally:
            self._settle()

    def _do_analyse(self, given: Mapping[str, Any]) -> None:
        on = given.get("on")
        if not isinstance(on, bool):
            raise TandemError("on must be true or false")
        self.analysing = on
        with self.changed:
            busy = self.thinker.job is not None and self.thinker.job.kind != "analyse"
            self.publish()  # what runs is followed by the analysis
        if not busy:
            self.thinker.drop()
            self._settle()

    def _do_run(self, given: Mapping[str, Any]) -> None:
        if self.side != "none":
            raise TandemError("the engine goes on by itself where it plays both sides: choose side none")
        self.thinker.drop()
        self.paused = False
        self._settle()

    def _do_stop(self, given: Mapping[str, Any]) -> None:
        with self.changed:
            self.paused = self.side == "none"
            if (job := self.thinker.job) is not None:
                self.analysing &= job.kind != "analyse"
                job.enough.set()
            self.publish()

    def _begin(self, kind: str) -> None:
        """Let the engine do something besides; Conflict while it thinks about a move of its own."""
        if self.session.position.ended:
            raise TandemError("the game is over: begin a new one, or take back")
        if (job := self.thinker.job) is not None and job.kind in ("move", "step"):
            raise Conflict("the engine thinks about its move: stop it first")
        self.thinker.drop()
        self.thinker.begin(kind)
        self.publish()

    def _begin_at(self, text: str) -> None:
        position = Position.from_text(self.session.game, text)
        if self.recorder is not None:
            self.recorder.require(position)
        self._start, self.session.position = text, position

    def _persons_turn(self) -> bool:
        return person_moves_at(self.side, self.session.position.ply)

    def engine_goes_on(self) -> bool:
        """Whether the engine has the move and is to make it."""
        return not (self.session.position.ended or self._persons_turn() or self.paused)

    def _settle(self, *, moved: bool = False) -> None:
        """Draw anew where somebody moved, and let the engine do what follows; nothing else runs meanwhile."""
        with self.changed:
            if moved or not self.drawn:
                self.redraw()
            if self.engine_goes_on():
                self.thinker.begin("move")
            elif self.analysing and not self.session.position.ended:
                self.thinker.begin("analyse")
            self.publish()

    def redraw(self) -> None:
        """What depends on the moves played alone."""
        position = self.session.position
        ended, ply = position.ended, position.ply
        self.hint = self.comparison = None
        self.evaluations = {at: found for at, found in self.evaluations.items() if at <= ply}
        if ended:
            wdl = [float(p) for p in certain(round(position.first_player_outcome()))]
            self.evaluations[ply] = {"ply": ply, "wdl": wdl, "mode": "", "value": position.ending or "the end"}
        self.drawn = {
            "board": board_view(position),
            "legal": legal_view(position),
            "moves": position.moves_text(),
            "position": position.game.to_text(position.state),
            "outcome": position.first_player_outcome() if ended else None,
        }
        if self.recorder is not None:
            names = ["human" if person_moves_at(self.side, at) else self.session.name for at in (0, 1)]
            try:
                self.recorder.update(position, names)
            except TandemError as error:
                self.note = one_line(error)

    def publish(self) -> None:
        """Make a new state of all there is and tell those who wait for it."""
        with self.changed:
            session, ply = self.session, self.session.position.ply
            self._count += 1
            self._state = {
                "version": f"{self._run_id}.{self._count}",
                "game": _game_view(session),
                "headline": self.headline,
                "modes": [
                    {"name": name, "about": about_mode(name, session.game), "playable": name in session.modes}
                    for name in CHOICES
                ],
                "mode": session.mode,
                "level": session.level,
                "levels": LEVELS,
                "budget": {
                    "simulations": session.spec.simulations,
                    "seconds": session.spec.seconds,
                    "text": session.budget,
                },
                "side": self.side,
                "verdict": None if self.drawn["outcome"] is None else verdict(session.position, self.side),
                "paused": self.paused,
                "analysing": self.analysing,
                "persons_turn": self.drawn["outcome"] is None and self._persons_turn(),
                "to_move": SIDES[ply % 2],
                "thinking": self.thinker.job.kind if self.thinker.job else None,
                "evaluations": [self.evaluations[at] for at in sorted(self.evaluations)],
                "candidates": self.candidates,
                "hint": self.hint,
                "comparison": self.comparison,
                "note": self.note,
                **self.drawn,
            }
            self.changed.notify_all()


def _game_view(session: Session) -> View:
    game = session.game
    return {
        "spec": game.spec,
        "name": game.name,
        "rules": game.rules.split("\n\n")[0],
        "grid": game.grid._asdict() if game.grid else None,
    }


def _text(given: Mapping[str, Any], name: str, what: str) -> str:
    """A field of a request that must be there as text, or as a number; TandemError otherwise."""
    found = given.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise TandemError(f"{name} must be {what}")
    return str(found).strip()
