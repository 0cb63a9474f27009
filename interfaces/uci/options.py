"""What `setoption` may say. Imports neither Numba nor torch, so that `uci` is answered at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.modes import MODES
from games.errors import TandemError

BEST = "best"  # as a mode: hybrid where there is a net, else search
EMPTY = "<empty>"  # how the protocol writes a string of no length
# Those that take another Session: what was searched before is then forgotten.
ENGINE = ("Mode", "Model", "Threads", "Hash")


@dataclass(frozen=True)
class Option:
    """One option, as the protocol types it: spin (low to high), check, combo (words) or string."""

    name: str
    kind: str
    default: str
    low: int = 0
    high: int = 0
    words: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """How it is offered."""
        words = [f"option name {self.name} type {self.kind} default {self.default or EMPTY}"]
        words += [f"min {self.low} max {self.high}"] if self.kind == "spin" else []
        return " ".join([*words, *(f"var {word}" for word in self.words)])

    def read(self, text: str) -> str:
        """The value that `text` gives it; TandemError when it cannot have it."""
        if self.kind == "string":
            return "" if text == EMPTY else text
        if self.kind == "spin":
            if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) or not self.low <= int(text) <= self.high:
                raise TandemError(f"{self.name} must be a whole number from {self.low} to {self.high}, not '{text}'")
            return str(int(text))
        words = self.words if self.kind == "combo" else ("true", "false")
        if text.lower() not in words:
            raise TandemError(f"{self.name} must be one of {', '.join(words)}, not '{text}'")
        return text.lower()


OPTIONS = (
    Option("Hash", "spin", "256", 1, 65_536),  # megabytes of tree
    Option("Threads", "spin", "1", 1, 256),
    Option("MultiPV", "spin", "1", 1, 218),
    Option("Move Overhead", "spin", "30", 0, 5000),  # milliseconds between us and the clock
    Option("Ponder", "check", "false"),  # what it says is that `go ponder` will come
    Option("UCI_ShowWDL", "check", "false"),
    Option("UCI_AnalyseMode", "check", "false"),  # search on where the move is decided already
    Option("SyzygyPath", "string", ""),
    Option("Mode", "combo", BEST, words=(BEST, *MODES)),
    Option("Simulations", "spin", "0", 0, 2**31 - 1),  # at most so many a move; 0: as `go` says
    Option("Model", "string", ""),
)


class Options:
    """The options and their values, which are written as the protocol writes them."""

    def __init__(self, defaults: Mapping[str, str]) -> None:
        """`defaults` are values by name, of the command line; TandemError for those that cannot be had."""
        self._offered = {
            option.name.lower(): replace(option, default=option.read(defaults.get(option.name, option.default)))
            for option in OPTIONS
        }
        self._set: dict[str, str] = {}

    @property
    def lines(self) -> list[str]:
        """How they are offered."""
        return [option.line for option in self._offered.values()]

    def set(self, text: str) -> str:
        """Do what follows `setoption` and return the option's name; TandemError when it cannot be done."""
        found = re.fullmatch(r"\s*name\s+(.+?)(?:\s+value(?:\s+(.*?))?)?\s*", text, re.DOTALL)
        if found is None:
            raise TandemError("write setoption name NAME value VALUE")
        option = self._offered.get(" ".join(found[1].lower().split()))
        if option is None:
            names = ", ".join(option.name for option in self._offered.values())
            raise TandemError(f"no option '{found[1]}': there are {names}")
        self._set[option.name] = option.read(found[2] or "")
        return option.name

    def text(self, name: str) -> str:
        """The value of an option of words."""
        return self._set.get(name, self._offered[name.lower()].default)

    def number(self, name: str) -> int:
        """The value of a spin."""
        return int(self.text(name))

    def on(self, name: str) -> bool:
        """The value of a check."""
        return self.text(name) == "true"

    def engine(self) -> dict[str, str]:
        """Those of ENGINE that were set; the others are as the command line has them."""
        return {name: self._set[name] for name in ENGINE if name in self._set}

    def restore(self, values: Mapping[str, str]) -> None:
        """Go back to what `engine` returned before, as the values since then are of no use."""
        self._set = {name: value for name, value in self._set.items() if name not in ENGINE} | dict(values)
