"""A person against the engine, at a terminal or through a pipe."""

import importlib

from games.cli import in_background
from games.errors import TandemError
from interfaces.commands import Commands
from interfaces.console import Console
from interfaces.interrupt import interruptible
from interfaces.session import Session

SIDES = ("first", "second", "both")


class Terminal:
    """The conversation: whose turn it is, what is shown, what a typed line does."""

    def __init__(self, session: Session, side: str, console: Console) -> None:
        """`side` is one of SIDES: the person's."""
        self.session, self.side, self.console = session, side, console
        self.leaving = False
        self._commands = Commands(self)

    def run(self, headline: str) -> int:
        """Say `headline`, then play until /quit or the end of the input; 0."""
        self.console.write(headline)
        self.console.write(f"you play {self.side}; type a move, or /help")
        self.show()
        self._load_ahead()
        while not self.leaving:
            if not self.session.position.ended and not self.persons_turn():
                try:
                    self._engine_moves()
                except TandemError as error:  # the game on the board is worth more than the engine's move
                    self.console.write(" ".join(str(error).split()))
                    self.console.write("you play both sides from here; /mode, /undo and /new go on working")
                    self.side = "both"
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

    def person_moves_at(self, ply: int) -> bool:
        """Whether the person is the one to move after `ply` moves."""
        return self.side == "both" or SIDES[ply % 2] == self.side

    def persons_turn(self) -> bool:
        """Whether the person has the move."""
        return self.person_moves_at(self.session.position.ply)

    def swap(self) -> None:
        """Let the person and the engine change sides; TandemError when the person plays both."""
        if self.side == "both":
            raise TandemError("there is nobody to swap with: you play both sides")
        self.side = "second" if self.side == "first" else "first"
        self.console.write(f"you play {self.side}")

    def show(self) -> None:
        """The board, and at the end of the game who won."""
        position = self.session.position
        self.console.write(f"\n{self.session.game.render(position.state)}\n")
        if position.ended:
            self.console.write(f"{self._verdict()}; /new plays again", strong=True)

    def _verdict(self) -> str:
        position = self.session.position
        outcome = position.first_player_outcome()
        if not outcome:
            return "a draw" if position.ended == "rules" else f"a draw by {position.ended}"
        winner = SIDES[outcome < 0]
        if self.side == "both":
            return f"{winner} wins"
        return "you win" if winner == self.side else "the engine wins"

    def _prompt(self) -> str:
        if self.session.position.ended:
            return "over> "
        return f"{SIDES[self.session.position.ply % 2]}> " if self.side == "both" else "you> "

    def _handle(self, line: str) -> None:
        if not line:
            return
        if line.startswith("/"):
            self._commands.run(line)
            return
        if self.session.position.ended:
            raise TandemError("the game is over: /new plays again, /undo takes back, /quit leaves")
        try:
            self.session.position.play_text(line)
        except TandemError:
            self._commands.refuse_bare(line)
            raise
        if self.persons_turn() or self.session.position.ended:
            self.show()

    def _engine_moves(self) -> None:
        """Think and play; Ctrl-C while thinking plays the best move so far."""
        with interruptible() as interrupt:
            result = self.session.think(interrupt.stop)
        self.session.position.play(result.action)
        notes = [f"engine: {result.summary()}"]
        if result.mode == "auto":
            planned, chosen = self.session.planned_share()
            notes.append(f"{'planned' if result.planned else 'the net was sure'}, {planned} of {chosen} moves planned")
        if interrupt.caught:
            notes.append("stopped by Ctrl-C")
        self.console.write("  ".join(notes), strong=True)
        self.show()

    def _load_ahead(self) -> None:
        """Import torch, two seconds of work, while the person thinks about the first move."""
        if self.console.interactive and self.persons_turn() and self.session.needs_torch:
            in_background(lambda: importlib.import_module("nets.evaluator"))
