"""An external engine as a player: a program that speaks the Universal Chess Interface, for games whose moves it writes.

Its spec is `uci:COMMAND;LINE;..;go LIMITS`: a command line, lines to send once, and what to send for each move, as in
`uci:stockfish;setoption name Skill Level value 3;go nodes 1000`.
"""

import math
import time
from collections.abc import Sequence

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from players.choice import Choice, Forfeit
from players.process import REPLY_SECONDS, EngineProcess

DEFAULT_GO = "go movetime 1000"
VARIANT = "UCI_Variant"  # the option by which engines of several games are told which
# Of a score of hundredths of a pawn: (1 + value) / 2 is the share of points that lichess sees won with it
# (https://lichess.org/page/accuracy).
PER_CENTIPAWN = 0.00368208


def value_of(lines: Sequence[str]) -> float | None:
    """The value that the last score in an engine's lines says, -1 to 1 for the player to move; None without a score."""
    for line in reversed(lines):
        words = line.split()
        if words[:1] == ["info"] and "score" in words[:-2]:
            unit, number = words[words.index("score") + 1 :][:2]
            try:
                score = int(number)
            except ValueError:
                continue
            if unit == "cp":
                return math.tanh(PER_CENTIPAWN * score / 2)
            if unit == "mate":
                return 1.0 if score > 0 else -1.0
    return None


class UciProcess(EngineProcess):
    """One running engine that speaks UCI."""

    protocol = "uci"

    def wait_for(self, line: str, word: str) -> list[str]:
        """Send `line`, or nothing; all lines of the answer up to that which begins with `word`, which comes last."""
        self.tell(line)
        deadline = time.monotonic() + self.reply_seconds
        answer = [self.hear(line, deadline)]
        while answer[-1].split()[:1] != [word]:
            answer.append(self.hear(line, deadline))
        return answer


class UciPlayer:
    """Plays the engine's bestmove; every move is asked for with the whole game. After a failure it starts anew."""

    def __init__(self, game: Game, command: str, reply_seconds: float = REPLY_SECONDS) -> None:
        """Start the engine. Raises TandemError when that fails or it does not know the game."""
        if not reply_seconds > 0:
            raise TandemError(f"the seconds an engine may take to answer must be above 0, not {reply_seconds}")
        self.name = f"uci:{command}"
        self._game, self._reply_seconds = game, reply_seconds
        self._command, *lines = (part.strip() for part in command.split(";"))
        self._setup = [line for line in lines if line.split()[:1] != ["go"]]
        self._go = next((line for line in lines if line.split()[:1] == ["go"]), DEFAULT_GO)
        self._began = ""  # where the game that was last sent began
        self._written: list[tuple[int, str]] = []  # its actions so far, and as they were sent
        self._process: UciProcess | None = None
        self._start()

    def choose(self, position: Position) -> Choice:
        """The engine's move. Raises Forfeit when it dies, is silent or moves illegally."""
        if not position.playable:
            raise TandemError(f"the game is over ({position.ended}); there is no move to choose")
        told = self._told(position)
        self._start()
        assert self._process is not None
        try:
            self._process.tell(told)
            lines = self._process.wait_for(self._go, "bestmove")
        except Forfeit:
            self._process = None
            raise
        answer = lines[-1]
        text = answer.partition(" ")[2].split(" ")[0]
        try:
            action = self._game.parse_action(position.state, text)
            if action not in position.legal():
                raise TandemError(f"'{text}' is not legal here")
        except TandemError as error:
            raise Forfeit(f"uci engine '{self._command}' answered '{answer}': {error}") from None
        return Choice(action, None, value_of(lines))

    def new_game(self) -> None:
        """Have the engine forget the last game."""
        if self._process is not None:
            try:
                self._process.tell("ucinewgame")
                self._process.wait_for("isready", "readyok")
            except Forfeit:
                self._process = None

    def close(self) -> None:
        """Send quit, then end the engine's process group."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _told(self, position: Position) -> str:
        """The line that gives the engine the whole game; other games' positions are not written as UCI has them."""
        if position.start.tobytes() == Position(self._game).start.tobytes():
            start = "startpos"
        elif self._game.name == "chess":
            start = f"fen {self._game.to_text(position.start)}"
        else:
            raise TandemError(
                f"uci engine '{self._command}' can only start from the first position of {self._game.name}"
            )
        moves = self._moves(position, start)
        return " ".join(["position", start, *(["moves", *moves] if moves else [])])

    def _moves(self, position: Position, start: str) -> list[str]:
        """The moves as text; of a game that goes on only the new ones are written."""
        known = self._written
        if start != self._began or position.actions[: len(known)] != [action for action, _ in known]:
            known = []
        for ply in range(len(known), position.ply):
            action = position.actions[ply]
            known.append((action, self._game.format_action(position.states[ply], action)))
        self._began, self._written = start, known
        return [word for _, word in known]

    def _start(self) -> None:
        if self._process is not None:
            return
        process = UciProcess(self._command, self._reply_seconds)
        offered = process.wait_for("uci", "uciok")
        variants = next((line.split() for line in offered if f"name {VARIANT} " in f"{line} "), [])
        if self._game.name in variants and self._game.spec != self._game.name:
            process.close()
            raise TandemError(
                f"uci engine '{self._command}' knows {self._game.name} on its usual board alone, not {self._game.spec}"
            )
        if self._game.name in variants:
            process.tell(f"setoption name {VARIANT} value {self._game.name}")
        elif self._game.name != "chess":
            process.close()
            raise TandemError(
                f"uci engine '{self._command}' does not know {self._game.name}: {VARIANT} offers no such game"
            )
        for line in self._setup:
            process.tell(line)
        process.wait_for("isready", "readyok")
        self._process = process
