"""A person against the engine, at a terminal or through a pipe."""

import importlib
from pathlib import Path

from engine.gamefile import read_games
from engine.modes import EXACT
from engine.position import Position
from engine.result import MoveReport, SearchResult, number_of
from games.cli import in_background
from games.errors import TandemError
from interfaces.board import board
from interfaces.coach import judge
from interfaces.commands import Commands
from interfaces.console import Console, Keys
from interfaces.interrupt import interruptible
from interfaces.recorder import Recorder
from interfaces.seats import SIDES, person_moves_at, verdict
from interfaces.session import Session
from interfaces.tables import stacked

WEIGHED = 8  # moves of the engine's last search that /why can show


class Terminal:
    """The conversation: whose turn it is, what is shown, what a typed line does."""

    def __init__(self, session: Session, side: str, console: Console, recorder: Recorder | None = None) -> None:
        """`side` is one of SIDES: the person's."""
        self.session, self.side, self.console, self.recorder = session, side, console, recorder
        self.leaving = self.coached = False
        self.running = False  # of an engine that plays both sides: whether it goes on by itself
        self.weighed: tuple[SearchResult, list[MoveReport]] | None = None  # by the engine, for its last move
        self._start: str | None = None  # where new games begin, if not at the game's own first position
        self._saved: dict[Path, Recorder] = {}
        self._commands = Commands(self)

    def run(self, headline: str) -> int:
        """Say `headline`, then play until /quit or the end of the input; 0."""
        self.console.write(headline)
        if self.side == "none":
            self.console.write(
                "the engine plays both sides: Enter is a move, /run goes on until a key, /help says more"
            )
        else:
            self.console.write(f"you play {self.side}; type a move, or /help")
        self.show()
        self._load_ahead()
        while not self.leaving:
            self._record()
            self.running = self.running and not self.session.position.ended
            if not self.session.position.ended and not self.persons_turn() and (self.side != "none" or self.running):
                self._try_engine_move()
                continue
            try:
                line = self.console.read(self._prompt())
            except EOFError:
                self.console.write()
                break
            try:
                self._handle(line)
            except TandemError as error:
                self.console.write(" ".join(str(error).split()))
        return 0

    def new_game(self) -> None:
        """A new game from where the last one began."""
        self.session.new_game(self._start)

    def begin_at(self, text: str) -> None:
        """Let this game, and new ones, begin at the position of a text; TandemError when it is none.

        That is raised too where the record's format cannot say where a game begins.
        """
        position = Position.from_text(self.session.game, text)
        if self.recorder is not None:
            self.recorder.require(position)
        self._start, self.session.position = text, position

    def save(self, path: Path) -> str:
        """Add the game to a file, in which it is brought up to date the next time; what was done, in words.

        TandemError when the file cannot be written, or its format does not hold this game.
        """
        position = self.session.position
        if not position.ply:
            raise TandemError("there is nothing to save: no move has been made")
        file = path.resolve()
        recorder = self.recorder if self.recorder is not None and self.recorder.path == file else self._saved.get(file)
        recorder = recorder or Recorder(self.session.game, path)
        recorder.require(position)
        recorder.update(position, self._names())
        self._saved[file] = recorder
        return f"saved in {path}: {number_of(position.ply, 'move')}"

    def load(self, path: Path, number: int | None) -> str:
        """Go on from the last game of a file, or from the `number`-th; what was found, in words.

        TandemError when there is none, or it is broken.
        """
        found, count = None, 0
        for count, game in enumerate(read_games(self.session.game, path), 1):
            found = game
            if count == number:
                break
        if found is None or (number is not None and count != number):
            other = f", no game {number}" if number is not None else ""
            raise TandemError(f"{path} holds {number_of(count, 'game')}{other}")
        if isinstance(found, TandemError):
            raise found
        position = found.position
        if self.recorder is not None:
            self.recorder.require(position)
        own = position.start.tobytes() == Position(self.session.game).start.tobytes()
        self._start = None if own else self.session.game.to_text(position.start)
        self.session.position, self.weighed = position, None
        return f"game {count} of {path}, {number_of(position.ply, 'move')}"

    def persons_turn(self) -> bool:
        """Whether the person has the move."""
        return person_moves_at(self.side, self.session.position.ply)

    def swap(self) -> None:
        """Let the person and the engine change sides; TandemError when one of them plays both."""
        if self.side not in SIDES[:2]:
            whose = "you play" if self.side == "both" else "the engine plays"
            raise TandemError(f"there is nobody to swap with: {whose} both sides")
        self.side = "second" if self.side == "first" else "first"
        self.console.write(f"you play {self.side}")

    def show(self) -> None:
        """The board, and at the end of the game who won."""
        position = self.session.position
        self.console.write()
        self.console.draw(board(position, figures=self.console.unicode, width=self.console.width))
        self.console.write()
        if position.ended:
            self.console.write(f"{verdict(position, self.side)}; /new plays again", strong=True)

    def _prompt(self) -> str:
        if self.session.position.ended:
            return "over> "
        if self.side == "none":
            return "step> "
        return f"{SIDES[self.session.position.ply % 2]}> " if self.side == "both" else "you> "

    def _handle(self, line: str) -> None:
        if not line:
            if self.side == "none" and not self.session.position.ended:
                self._try_engine_move()
            return
        if line.startswith("/"):
            self._commands.run(line)
            return
        if self.session.position.ended:
            raise TandemError("the game is over: /new plays again, /undo takes back, /quit leaves")
        try:
            action = self.session.position.play_text(line)
        except TandemError:
            self._commands.refuse_bare(line)
            raise
        advice = self._advice(action) if self.coached else ""
        if self.side == "none" or self.persons_turn() or self.session.position.ended:
            self.show()  # else the engine's answer shows it
        if advice:
            self.console.write(advice)

    def _advice(self, action: int) -> str:
        """What would have been better than the move just played; "" where it was good enough, or Ctrl-C came."""
        position = self.session.position
        position.undo()
        with interruptible() as interrupt:
            try:
                best = self.session.think(interrupt.stop)
            finally:
                position.play(action)
            after = position if position.ended else self.session.think(interrupt.stop)
        return "" if interrupt.caught else judge(best, position.moves_text()[-1], after).text()

    def _try_engine_move(self) -> None:
        try:
            self._engine_moves()
        except TandemError as error:  # the game on the board is worth more than the engine's move
            self.console.write(" ".join(str(error).split()))
            self.console.write("you play both sides from here; /mode, /undo and /new go on working")
            self.side = "both"

    def _engine_moves(self) -> None:
        """Think and play; Ctrl-C while thinking plays the best move so far, and so does any key after /run."""
        first = self.session.position.ply % 2 == 0
        with interruptible() as interrupt, Keys(self.console, self.running) as keys:
            result = self.session.reply(lambda: keys.pressed() or interrupt.stop())
            self.running = self.running and not (keys.pressed() or keys.caught or interrupt.caught)
        self.session.position.play(result.action)
        notes = [f"engine: {result.summary()}"]
        if result.mode == "auto":
            planned, chosen = self.session.planned_share()
            notes.append(f"{'planned' if result.planned else 'the net was sure'}, {planned} of {chosen} moves planned")
        if interrupt.caught:
            notes.append("stopped by Ctrl-C")
        self.console.write("  ".join(notes), strong=True)
        if result.mode != EXACT or result.proven is not None:
            names = {"first": ("you", "engine"), "second": ("engine", "you")}.get(self.side, SIDES[:2])
            win, draw, loss = result.wdl if first else result.wdl[::-1]
            self.console.write(stacked((win, draw, loss), names, self.console.width, unicode=self.console.unicode))
        self.show()
        # Once the answer stands there: what /why shows of the tree, which the next search may give up.
        self.weighed = result, self.session.weighed(result, WEIGHED)

    def _names(self) -> list[str]:
        return ["human" if person_moves_at(self.side, ply) else self.session.name for ply in (0, 1)]

    def _record(self) -> None:
        """Bring the record up to date."""
        if self.recorder is None:
            return
        try:
            self.recorder.update(self.session.position, self._names())
        except TandemError as error:
            self.console.write(" ".join(str(error).split()))

    def _load_ahead(self) -> None:
        """Import torch, two seconds of work, while the person thinks about the first move."""
        if self.console.interactive and self.persons_turn() and self.session.needs_torch:
            in_background(lambda: importlib.import_module("nets.evaluator"))
