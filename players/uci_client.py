"""An external engine as a player: a program that speaks the Universal Chess Interface, for games whose moves it writes.

Its spec is `uci:COMMAND;LINE;..;go LIMITS`: a command line, lines to send once, and what to send for each move, as in
`uci:stockfish;setoption name Skill Level value 3;go nodes 1000`.
"""

import time

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from players.choice import Choice, Forfeit
from players.process import REPLY_SECONDS, EngineProcess

DEFAULT_GO = "go movetime 1000"
VARIANT = "UCI_Variant"  # the option by which engines of several games are told which


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
        self._process: UciProcess | None = None
        self._start()

    def choose(self, position: Position) -> Choice:
        """The engine's move. Raises Forfeit when it dies, is silent or moves illegally."""
        if position.ended:
            raise TandemError(f"the game is over ({position.ended}); there is no move to choose")
        if position.start.tobytes() != Position(self._game).start.tobytes():
            raise TandemError(
                f"uci engine '{self._command}' can only start from the first position of {self._game.name}"
            )
        self._start()
        assert self._process is not None
        try:
            self._process.tell(f"position startpos{self._moves(position)}")
            answer = self._process.wait_for(self._go, "bestmove")[-1]
        except Forfeit:
            self._process = None
            raise
        text = answer.partition(" ")[2].split(" ")[0]
        try:
            action = self._game.parse_action(position.state, text)
            if action not in position.legal():
                raise TandemError(f"'{text}' is not legal here")
        except TandemError as error:
            raise Forfeit(f"uci engine '{self._command}' answered '{answer}': {error}") from None
        return Choice(action, None)

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

    def _moves(self, position: Position) -> str:
        board, words = Position(self._game), []
        for action in position.actions:
            words.append(self._game.format_action(board.state, action))
            board.play(action)
        return " ".join(["", "moves", *words]) if words else ""

    def _start(self) -> None:
        if self._process is not None:
            return
        process = UciProcess(self._command, self._reply_seconds)
        offered = process.wait_for("uci", "uciok")
        variants = next((line.split() for line in offered if f"name {VARIANT} " in f"{line} "), [])
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
