"""What a person may type after a slash."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.modes import MODES
from engine.result import OUTCOME_WORD, SearchResult
from games.errors import TandemError
from interfaces.interrupt import interruptible

if TYPE_CHECKING:
    from interfaces.terminal import Terminal

HELP = {
    "mode": ("[MODE]", f"let another mode answer: {', '.join(MODES)}"),
    "compare": ("", "what each mode would play here, side by side, within the same budget"),
    "simulations": ("[N]", "think for N simulations a move"),
    "seconds": ("[S]", "think for S seconds a move"),
    "hint": ("", "what the engine would play for the side to move"),
    "undo": ("", "take back your last move, and the answer to it"),
    "new": ("", "a new game"),
    "swap": ("", "change sides; the engine goes on for the other"),
    "help": ("", "these lines, and the rules"),
    "quit": ("", "leave, as do Ctrl-D and Ctrl-C; while the engine thinks, Ctrl-C makes it move"),
}
COLUMNS = "{:1} {:7} {:5} {:32} {:>12} {:>13}"


class Commands:
    """The slash commands of one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.session, self.write = terminal, terminal.session, terminal.console.write
        self._actions: dict[str, Callable[[str], None]] = {name: getattr(self, f"_{name}") for name in HELP}

    def run(self, line: str) -> None:
        """Do what `line`, slash included, says; TandemError for unknown commands and wrong arguments."""
        name, _, argument = line.removeprefix("/").partition(" ")
        if name not in HELP:
            close = difflib.get_close_matches(name, HELP, 1)
            raise TandemError(f"unknown command /{name}: " + (f"did you mean /{close[0]}?" if close else "try /help"))
        argument = argument.strip()
        if argument and not HELP[name][0]:
            raise TandemError(f"/{name} takes nothing after it, not '{argument}'")
        self._actions[name](argument)

    def refuse_bare(self, line: str) -> None:
        """TandemError when `line`, which is no move, is a command without its slash."""
        if (name := line.split()[0]) in HELP:
            raise TandemError(f"'{line}' is no move: commands begin with a slash, as in /{name}")

    def _mode(self, name: str) -> None:
        if name:
            self.session.set_mode(name)
            self.write(f"mode {name}: {MODES[name].about}")
            return
        for mode in MODES.values():
            mark = "*" if mode.name == self.session.mode else " "
            self.write(f"{mark} {mode.name:7} {mode.about}" + ("" if mode.name in self.session.modes else " (no net)"))

    def _compare(self, _: str) -> None:
        if self.session.position.ended:
            raise TandemError("the game is over: there is nothing to compare")
        self.write(f"each mode with {self.session.budget}, values for the side to move:")
        self.write(COLUMNS.format("", "mode", "move", "value", "simulations", "milliseconds"))
        for mode in self.session.modes:
            with interruptible() as interrupt:
                result = self.session.think_afresh(mode, interrupt.stop)
            mark = "*" if mode == self.session.mode else ""
            simulations, milliseconds = f"{result.simulations:,}", f"{1000 * result.seconds:,.1f}"
            self.write(COLUMNS.format(mark, mode, result.move, _value(result), simulations, milliseconds))
            if interrupt.caught:
                self.write("stopped by Ctrl-C")
                return
        if len(self.session.modes) < len(MODES):
            self.write(f"the other modes need a net: python train.py {self.session.game.spec} makes one")

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
        position, terminal = self.session.position, self.terminal
        own = next((ply for ply in range(position.ply - 1, -1, -1) if terminal.person_moves_at(ply)), None)
        if own is None:
            raise TandemError("nothing to take back: you have not moved yet")
        while position.ply > own:
            position.undo()
        terminal.show()

    def _new(self, _: str) -> None:
        self.session.new_game()
        self.terminal.show()

    def _swap(self, _: str) -> None:
        self.terminal.swap()

    def _help(self, _: str) -> None:
        # What follows the first paragraph of a game file is for those who read its code.
        self.write(self.session.game.rules.split("\n\n")[0])
        self.write(f"\nYour moves, now: {self.session.position.legal_text()}\n")
        for name, (argument, about) in HELP.items():
            self.write(f"  {f'/{name} {argument}':18} {about}")

    def _quit(self, _: str) -> None:
        self.terminal.leaving = True


def _value(result: SearchResult) -> str:
    if result.proven is not None:
        return f"proven {OUTCOME_WORD[result.proven]} in {result.plies} plies"
    return "win {:.0%} draw {:.0%} loss {:.0%}".format(*result.wdl)
