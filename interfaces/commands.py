"""What a person may type after a slash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from engine.modes import CHOICES, EXACT, about_mode
from games.errors import TandemError, nearest
from interfaces.comparison import compare
from interfaces.interrupt import interruptible
from interfaces.levels import LEVELS, read_level
from interfaces.seats import take_back
from interfaces.tables import candidates
from interfaces.thinking import analyse

if TYPE_CHECKING:
    from interfaces.terminal import Terminal

HELP = {
    "mode": ("[MODE]", f"let another mode answer: {', '.join(CHOICES)}"),
    "level": ("[N]", f"play at a level from 1 to {LEVELS}; hints, /analyse and /coach stay as strong as the mode is"),
    "compare": ("", "what each mode would play here, and what the solver proves of it"),
    "analyse": ("", "think on, and show the moves that it weighs, until a key is pressed or the outcome proven"),
    "why": ("", "what the engine weighed before its last move"),
    "simulations": ("[N]", "think for N simulations a move"),
    "seconds": ("[S]", "think for S seconds a move"),
    "hint": ("", "what the engine would play for the side to move"),
    "coach": ("[on|off]", "after a weak move of yours, say what would have been better"),
    "undo": ("", "take back your last move, and the answer to it"),
    "new": ("", "a new game, from where this one began"),
    "position": ("[TEXT]", "the position as text, or a game that begins at another; for chess a FEN, and /fen too"),
    "save": ("FILE", "add the game to a file: .txt, .sgf or .pgn (docs/records.md)"),
    "load": ("FILE [N]", "go on from the last game of a file, or the N-th"),
    "run": ("", "let an engine that plays both sides (--side none) go on until a key is pressed"),
    "swap": ("", "change sides; the engine goes on for the other"),
    "help": ("", "these lines, and the rules"),
    "quit": ("", "leave, as do Ctrl-D and Ctrl-C; while the engine thinks, Ctrl-C makes it move"),
}
ALIASES = {"fen": "position", "analyze": "analyse"}


class Commands:
    """The slash commands of one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.session, self.write = terminal, terminal.session, terminal.console.write
        self._actions: dict[str, Callable[[str], None]] = {name: getattr(self, f"_{name}") for name in HELP}

    def run(self, line: str) -> None:
        """Do what `line`, slash included, says; TandemError for unknown commands and wrong arguments."""
        name, _, argument = line.removeprefix("/").partition(" ")
        name = ALIASES.get(name, name)
        if name not in HELP:
            hint = nearest(f"/{name}", [f"/{known}" for known in (*HELP, *ALIASES)])
            raise TandemError(f"unknown command /{name}: {hint or 'try /help'}")
        argument = argument.strip()
        if argument and not HELP[name][0]:
            raise TandemError(f"/{name} takes nothing after it, not '{argument}'")
        self._actions[name](argument)

    def refuse_bare(self, line: str) -> None:
        """TandemError when `line`, which is no move, is a command without its slash."""
        if (name := line.split()[0]) in (*HELP, *ALIASES):
            raise TandemError(f"'{line}' is no move: commands begin with a slash, as in /{name}")

    def _mode(self, name: str) -> None:
        if name:
            self.session.set_mode(name)
            self.write(f"mode {name}: {about_mode(name, self.session.game)}")
            return
        table = Table.grid(padding=(0, 1, 0, 0))
        for mode in CHOICES:
            missing = " (positions may repeat)" if mode == EXACT else " (no net)"
            about = about_mode(mode, self.session.game) + missing * (mode not in self.session.modes)
            table.add_row("*" if mode == self.session.mode else "", mode, about)
        self.write(table)

    def _compare(self, _: str) -> None:
        compare(self.session, self.terminal.console, self.terminal.show)

    def _analyse(self, _: str) -> None:
        analyse(self.session, self.terminal.console, self.terminal.show)

    def _why(self, _: str) -> None:
        if self.terminal.weighed is None or not self.terminal.weighed[1]:
            raise TandemError("the engine has weighed no moves yet: it does as it answers, /analyse for you to see")
        result, reports = self.terminal.weighed
        self.write(f"engine: {result.summary()}")
        self.write(candidates(reports, result, self.terminal.console.width, len(reports)))

    def _level(self, text: str) -> None:
        if text:
            self.session.set_level(read_level(text))
        self.write(self.session.playing)

    def _coach(self, text: str) -> None:
        if text not in ("", "on", "off"):
            raise TandemError(f"/coach is on or off, not '{text}'")
        self.terminal.coached = text == "on" if text else self.terminal.coached
        words = "says what would have been better after a weak move" if self.terminal.coached else "says nothing"
        self.write(f"coach {'on' if self.terminal.coached else 'off'}: {words}")

    def _run(self, _: str) -> None:
        if self.terminal.side != "none":
            raise TandemError("the engine plays against you: start with --side none to watch it play both sides")
        self.terminal.running = True

    def _save(self, name: str) -> None:
        self.write(self.terminal.save(_named("save", name)))

    def _load(self, text: str) -> None:
        name, _, number = text.rpartition(" ")
        if not name or not number.isdigit():
            name, number = text, ""
        self.write(self.terminal.load(_named("load", name), int(number) if number else None))
        self.terminal.show()

    def _simulations(self, text: str) -> None:
        if text:
            self.session.set_budget(simulations=text)
        self.write(self.session.budget)

    def _seconds(self, text: str) -> None:
        if text:
            self.session.set_budget(seconds=text)
        self.write(self.session.budget)

    def _hint(self, _: str) -> None:
        with interruptible() as interrupt:
            result = self.session.think(interrupt.stop)
        self.write(f"hint: {result.summary()}" + "  stopped by Ctrl-C" * interrupt.caught)

    def _undo(self, _: str) -> None:
        take_back(self.session.position, self.terminal.side)
        self.terminal.show()

    def _new(self, _: str) -> None:
        self.terminal.new_game()
        self.terminal.show()

    def _position(self, text: str) -> None:
        if text:
            self.terminal.begin_at(text)
            self.terminal.show()
            return
        self.write(self.session.game.to_text(self.session.position.state))

    def _swap(self, _: str) -> None:
        self.terminal.swap()

    def _help(self, _: str) -> None:
        # What follows the first paragraph of a game file is for those who read its code.
        self.write(self.session.game.rules.split("\n\n")[0])
        self.write(f"\nYour moves, now: {self.session.position.legal_text()}\n")
        table = Table.grid(padding=(0, 1, 0, 2))
        for name, (argument, about) in HELP.items():
            table.add_row(f"/{name} {argument}", about)
        self.write(table)

    def _quit(self, _: str) -> None:
        self.terminal.leaving = True


def _named(command: str, name: str) -> Path:
    if not name:
        raise TandemError(f"say which file: /{command} games.txt; docs/records.md has the formats")
    return Path(name).expanduser()
