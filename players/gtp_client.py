"""An external engine as a player: a program that speaks the Go Text Protocol 2 on its standard input and output."""

import time
from typing import NamedTuple

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from players.choice import Choice, Forfeit
from players.process import REPLY_SECONDS, EngineProcess


class Reply(NamedTuple):
    """An answer: whether it began with "=", and what followed."""

    ok: bool
    text: str


class GtpProcess(EngineProcess):
    """One running engine that speaks GTP."""

    protocol = "gtp"

    def send(self, line: str) -> Reply:
        """Send one command and wait for its answer. Raises Forfeit, and kills the engine, when it dies or is silent."""
        self.tell(line)
        deadline = time.monotonic() + self.reply_seconds
        answer: list[str] = []
        while True:
            got = self.hear(line, deadline)
            # What comes before "=" or "?" is chatter; a blank line ends the answer.
            if answer and not got:
                return Reply(answer[0][0] == "=", "\n".join(answer)[1:].strip())
            if answer or got[:1] in ("=", "?"):
                answer.append(got)


class GtpPlayer:
    """Plays what the engine answers to genmove; the engine is sent only those moves that it does not know yet.

    After a failure the next move starts the engine anew.
    """

    def __init__(self, game: Game, command: str, reply_seconds: float = REPLY_SECONDS) -> None:
        """Start the engine, clear its board. Raises TandemError when that fails or `reply_seconds` is not above 0."""
        if not reply_seconds > 0:
            raise TandemError(f"the seconds an engine may take to answer must be above 0, not {reply_seconds}")
        self.name = f"gtp:{command}"
        self._game, self._command, self._reply_seconds = game, command, reply_seconds
        self._board = Position(game)  # what stands on the engine's board
        self._passes = False  # whether it passes by itself where nothing else is legal, and knows no such move
        self._process: GtpProcess | None = None
        self._start()

    def show(self, position: Position) -> None:
        """Bring the engine's board to `position`. Raises Forfeit when it dies, is silent or refuses."""
        if position.start.tobytes() != self._board.start.tobytes():
            raise TandemError(
                f"gtp engine '{self._command}' can only start from the first position of {self._game.name}"
            )
        self._start()
        self._bring_to(position)

    def choose(self, position: Position) -> Choice:
        """The engine's move. Raises Forfeit when it dies, is silent, resigns, refuses or moves illegally."""
        if not position.playable:
            raise TandemError(f"the game is over ({position.ended}); there is no move to choose")
        self.show(position)
        line = f"genmove {_colour(position)}"
        reply = self._send(line)
        try:
            if not reply.ok:
                raise TandemError("refused")
            action = self._game.parse_action(position.state, reply.text)
            self._board.play(action)
        except TandemError as error:
            # Its board may hold the refused move.
            self._drop()
            said = f"'{'=' if reply.ok else '?'} {reply.text}'"
            raise Forfeit(f"gtp engine '{self._command}' answered {said} to '{line}': {error}") from None
        return Choice(action, None)

    def new_game(self) -> None:
        """Nothing to forget: the next move brings the engine's board to the position it is asked about."""

    def close(self) -> None:
        """Send quit, then end the engine's process group."""
        self._drop()

    def _start(self) -> None:
        if self._process is None:
            self._process = GtpProcess(self._command, self._reply_seconds)
            rows, columns = self._game.planes[1:]
            if rows == columns:
                self._send(f"boardsize {rows}")  # engines of one size may not know it
            self._clear()

    def _bring_to(self, position: Position) -> None:
        """Make the engine's board that of `position`: by undo where that is shorter, else from the start."""
        wanted, board = position.actions, self._board
        common = 0
        while common < min(len(wanted), board.ply) and wanted[common] == board.actions[common]:
            common += 1
        if board.ply - common > common or (self._passes and common < board.ply):
            self._clear()
        while self._board.ply > common:
            if not self._send("undo").ok:
                self._clear()
                break
            self._board.undo()
        for action in wanted[self._board.ply :]:
            board = self._board
            move = self._game.format_action(board.state, action)
            forced = move == "pass" and len(board.legal()) == 1
            if not (self._passes and forced):
                line = f"play {_colour(board)} {move}"
                reply = self._send(line)
                if not reply.ok and not forced:
                    self._drop()
                    raise Forfeit(f"gtp engine '{self._command}' refused '{line}': '? {reply.text}'")
                self._passes = self._passes or not reply.ok
            board.play(action)

    def _clear(self) -> None:
        reply = self._send("clear_board")
        if not reply.ok:
            self._drop()
            raise Forfeit(f"gtp engine '{self._command}' refused 'clear_board': '? {reply.text}'")
        self._board = Position(self._game)

    def _send(self, line: str) -> Reply:
        assert self._process is not None
        try:
            return self._process.send(line)
        except Forfeit:
            self._process = None
            raise

    def _drop(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def _colour(position: Position) -> str:
    return "b" if position.ply % 2 == 0 else "w"
