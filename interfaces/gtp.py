"""The Go Text Protocol, version 2, for any game: a controller on the other end of stdin and stdout.

Moves are written as the game writes them, and black moves first, whatever the game calls its sides.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from typing import TextIO

from games.cli import version
from games.errors import TandemError
from interfaces.analysis import analysis
from interfaces.clock import Clock, TimeSettings, moves_left
from interfaces.recorder import NOBODY, Recorder
from interfaces.session import Session

COLOURS = {"b": 0, "black": 0, "w": 1, "white": 1}
LETTERS = "BW"


class Gtp:
    """Answers GTP lines over one session."""

    def __init__(self, session: Session, recorder: Recorder | None = None) -> None:
        self.session, self.recorder = session, recorder
        self.closed = False
        self._names = list(NOBODY)
        self._settings = TimeSettings()
        self._start_clocks()
        self._commands: dict[str, Callable[[list[str]], str]] = {
            "protocol_version": self._protocol_version,
            "name": self._name,
            "version": self._version,
            "known_command": self._known_command,
            "list_commands": self._list_commands,
            "quit": self._quit,
            "boardsize": self._boardsize,
            "clear_board": self._clear_board,
            "play": self._play,
            "genmove": self._genmove,
            "undo": self._undo,
            "showboard": self._showboard,
            "final_score": self._final_score,
            "time_settings": self._time_settings,
            "time_left": self._time_left,
            "tandem-mode": self._mode,
            "tandem-simulations": self._simulations,
            "tandem-seconds": self._seconds,
            "tandem-analyze": self._analyze,
        }

    def answer(self, line: str) -> str | None:
        """The answer to one line, its two newlines included; None for a line that holds no command."""
        words = re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", "", line.partition("#")[0]).split()
        if not words:
            return None
        number = words.pop(0) if words[0].isascii() and words[0].isdigit() else ""
        try:
            if not words:
                raise TandemError("syntax error")
            if words[0] not in self._commands:
                raise TandemError("unknown command")
            mark, text = "=", self._commands[words[0]](words[1:])
        except TandemError as error:
            mark, text = "?", " ".join(str(error).split())
        self._record()
        # An empty line would end the answer early, and a board begins on a line of its own.
        first, *rest = text.split("\n")
        return "\n".join([f"{mark}{number} {first}".rstrip(), *(line or " " for line in rest)]) + "\n\n"

    def _record(self) -> None:
        """Bring the record up to date; the protocol has no answer for a disk that is full."""
        if self.recorder is None:
            return
        try:
            self.recorder.update(self.session.position, self._names)
        except TandemError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)

    def _protocol_version(self, arguments: list[str]) -> str:
        return "2"

    def _name(self, arguments: list[str]) -> str:
        return "Tandem"

    def _version(self, arguments: list[str]) -> str:
        return version()

    def _known_command(self, arguments: list[str]) -> str:
        return str(_only(arguments) in self._commands).lower()

    def _list_commands(self, arguments: list[str]) -> str:
        return "\n".join(self._commands)

    def _quit(self, arguments: list[str]) -> str:
        self.closed = True
        return ""

    def _boardsize(self, arguments: list[str]) -> str:
        if _number(_only(arguments)) not in self.session.game.planes[1:]:
            raise TandemError("unacceptable size")
        return ""

    def _clear_board(self, arguments: list[str]) -> str:
        self.session.new_game()
        self._names = list(NOBODY)
        self._start_clocks()
        return ""

    def _play(self, arguments: list[str]) -> str:
        if len(arguments) < 2:
            raise TandemError("syntax error")
        position = self.session.position
        self._require_turn(arguments[0])
        try:
            if not position.playable:
                raise TandemError("the game is over")
            position.play_text(" ".join(arguments[1:]))
        except TandemError:
            raise TandemError("illegal move") from None
        return ""

    def _genmove(self, arguments: list[str]) -> str:
        position = self.session.position
        colour = _colour(_only(arguments))
        if not position.playable:
            raise TandemError("game over")
        self._require_turn(arguments[0])
        seconds = None
        if self._settings.limited:
            seconds = self._clocks[colour].budget(moves_left(position.ply, self.session.game.max_plies))
        began = time.monotonic()
        result = self.session.think(seconds=seconds)
        self._clocks[colour].spend(time.monotonic() - began)
        position.play(result.action)
        self._names[colour] = f"Tandem {self.session.mode}"
        return result.move

    def _undo(self, arguments: list[str]) -> str:
        if not self.session.position.ply:
            raise TandemError("cannot undo")
        self.session.position.undo()
        return ""

    def _showboard(self, arguments: list[str]) -> str:
        position = self.session.position
        return "\n" + self.session.game.render(position.state)

    def _final_score(self, arguments: list[str]) -> str:
        if not self.session.position.ended:
            raise TandemError("cannot score")
        outcome = self.session.position.first_player_outcome()
        return f"{LETTERS[outcome < 0]}+1" if outcome else "0"

    def _time_settings(self, arguments: list[str]) -> str:
        if len(arguments) != 3:
            raise TandemError("syntax error")
        main, period, stones = (_number(text) for text in arguments)
        self._settings = TimeSettings(main, period, stones)
        self._start_clocks()
        return ""

    def _time_left(self, arguments: list[str]) -> str:
        if len(arguments) != 3:
            raise TandemError("syntax error")
        colour, seconds, stones = _colour(arguments[0]), _number(arguments[1]), _number(arguments[2])
        self._clocks[colour].set(seconds, stones)
        return ""

    def _mode(self, arguments: list[str]) -> str:
        if not arguments:
            return self.session.mode
        self.session.set_mode(_only(arguments))
        return ""

    def _simulations(self, arguments: list[str]) -> str:
        if not arguments:
            return self.session.budget
        self.session.set_budget(simulations=_only(arguments))
        return ""

    def _seconds(self, arguments: list[str]) -> str:
        if not arguments:
            return self.session.budget
        self.session.set_budget(seconds=_only(arguments))
        return ""

    def _analyze(self, arguments: list[str]) -> str:
        words = list(arguments)
        if words and "=" not in words[0]:
            self._require_turn(words.pop(0))
        options: dict[str, str] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not key or not equals or not value or key in options:
                raise TandemError("syntax error")
            options[key] = value
        return json.dumps(analysis(self.session, options))

    def _start_clocks(self) -> None:
        self._clocks = [Clock(self._settings), Clock(self._settings)]

    def _require_turn(self, text: str) -> None:
        turn = self.session.position.ply % 2
        if _colour(text) != turn:
            raise TandemError(f"illegal move: {LETTERS[turn].lower()} is to move")


def run_gtp(
    session: Session, recorder: Recorder | None = None, stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout
) -> int:
    """Answer until quit or the end of the input; 0."""
    gtp = Gtp(session, recorder)
    while not gtp.closed and (line := stdin.readline()):
        answer = gtp.answer(line)
        if answer is not None:
            stdout.write(answer)
            stdout.flush()
    return 0


def _only(arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise TandemError("syntax error")
    return arguments[0]


def _colour(text: str) -> int:
    if text.lower() not in COLOURS:
        raise TandemError("syntax error")
    return COLOURS[text.lower()]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise TandemError("syntax error")
    return int(text)
