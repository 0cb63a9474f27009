"""What a person may type after a slash."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.exact import Solution
from engine.modes import CHOICES, EXACT
from engine.result import OUTCOME_WORD, in_plies
from games.errors import TandemError
from interfaces.analysis import rank
from interfaces.interrupt import interruptible
from interfaces.session import TRUTH_SECONDS

if TYPE_CHECKING:
    from interfaces.terminal import Terminal

HELP = {
    "mode": ("[MODE]", f"let another mode answer: {', '.join(CHOICES)}"),
    "compare": ("", "what each mode would play here, and what the solver proves of it"),
    "simulations": ("[N]", "think for N simulations a move"),
    "seconds": ("[S]", "think for S seconds a move"),
    "hint": ("", "what the engine would play for the side to move"),
    "undo": ("", "take back your last move, and the answer to it"),
    "new": ("", "a new game"),
    "swap": ("", "change sides; the engine goes on for the other"),
    "help": ("", "these lines, and the rules"),
    "quit": ("", "leave, as do Ctrl-D and Ctrl-C; while the engine thinks, Ctrl-C makes it move"),
}
COLUMNS = "{:1} {:7} {:5} {:28} {:>11} {:>12}  {}"
WIDTH = 100


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
            self.write(f"mode {name}: {CHOICES[name]}")
            return
        for mode, about in CHOICES.items():
            mark = "*" if mode == self.session.mode else " "
            missing = " (positions may repeat)" if mode == EXACT else " (no net)"
            self.write(f"{mark} {mode:7} {about}" + missing * (mode not in self.session.modes))

    def _compare(self, _: str) -> None:
        if self.session.position.ended:
            raise TandemError("the game is over: there is nothing to compare")
        with interruptible() as interrupt:
            truth = self.session.truth(interrupt.stop)
        if interrupt.caught:
            self.write("stopped by Ctrl-C")
            return
        budget, solvers = self.session.budget_of(self.session.spec.kind), self.session.budget_of(EXACT)
        other = f" ({EXACT}: {solvers})" if solvers != budget and truth else ""
        self.write(f"each mode with {budget}{other}, values for the side to move:")
        self.write(COLUMNS.format("", "mode", "move", "value", "simulations", "milliseconds", "truth" if truth else ""))
        for mode in self.session.modes:
            with interruptible() as interrupt:
                result = self.session.think_afresh(mode, interrupt.stop)
            mark = "*" if mode == self.session.mode else ""
            simulations, milliseconds = f"{result.simulations:,}", f"{1000 * result.seconds:,.1f}"
            proven = truth_text(truth[result.action]) if truth else ""
            row = COLUMNS.format(mark, mode, result.move, result.value_text(), simulations, milliseconds, proven)
            self.write(row.rstrip())
            if interrupt.caught:
                self.write("stopped by Ctrl-C")
                return
        if self.session.model is None:
            self.write(f"the other modes need a net: python train.py {self.session.game.spec} makes one")
        self._write_truth(truth)

    def _write_truth(self, truth: dict[int, Solution]) -> None:
        """The legal moves by what the solver proved of them, the best first."""
        if not truth:
            return
        self.write(f"what the solver proves of each move within {TRUTH_SECONDS:g} s:")
        position = self.session.position
        groups: dict[str, list[str]] = {}
        for action in sorted(truth, key=lambda action: rank(truth[action]), reverse=True):
            move = position.game.format_action(position.state, action)
            groups.setdefault(truth_text(truth[action]), []).append(move)
        for text, moves in groups.items():
            self.write(textwrap.fill(f"  {text}: {' '.join(moves)}", WIDTH, subsequent_indent="    "))

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


def truth_text(solution: Solution) -> str:
    """What is proven of a move, in words: "win in 7 plies", or what is still possible."""
    if solution.value is None:
        possible = [word for outcome, word in OUTCOME_WORD.items() if solution.lower <= outcome <= solution.upper]
        return f"unknown ({' or '.join(possible) if len(possible) < 3 else 'nothing proven'})"
    return OUTCOME_WORD[solution.value] + in_plies(solution.plies)
