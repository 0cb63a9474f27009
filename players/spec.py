"""A player as one string, `kind:key=value,...`, the same in every program; read and refused without torch."""

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from engine.modes import EXACT, MODES, PRIORS, VALUES
from engine.settings import MOST_SECONDS, ROOTS
from games.contract import MOST_PROOF_NODES
from games.errors import TandemError, nearest

# What evaluates a net: torch, or the search kernel itself, which only an mlp fits; auto takes that where it can.
BACKENDS = ("auto", "kernel", "torch")
PROTOCOLS = ("gtp", "uci")  # of external engines
KINDS = (*MODES, EXACT, "random", *PROTOCOLS)


class _Number(NamedTuple):
    kind: type[int] | type[float]
    low: float
    high: float = math.inf
    above: bool = False  # whether `low` itself is out

    def read(self, value: object) -> int | float:
        """The number that `value` is or writes; ValueError when it is none or out of range."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        if self.kind is int and isinstance(value, float):
            raise ValueError
        number = self.kind(value)
        if not math.isfinite(number) or not self.low <= number <= self.high or (self.above and number == self.low):
            raise ValueError
        return number

    def words(self) -> str:
        noun = "a whole number" if self.kind is int else "a number"
        if self.above and self.high < math.inf:
            return f"{noun} above {self.low} and at most {self.high:,}"
        if self.high < math.inf:
            return f"{noun} from {self.low} to {self.high}"
        return f"{noun} above {self.low}" if self.above else f"{noun} of at least {self.low}"


NUMBERS = {
    "simulations": _Number(int, 1, 2**31 - 1),  # the tree counts visits in 32 bits
    "seconds": _Number(float, 0, MOST_SECONDS, above=True),
    "seed": _Number(int, 0, 2**64 - 1),
    "temperature": _Number(float, 0),
    "threads": _Number(int, 1, 256),
    "memory": _Number(int, 1, 2**20),  # megabytes of tree
    "threshold": _Number(float, 0, 1),
    "c_puct": _Number(float, 0, 1000, above=True),
    "fpu_reduction": _Number(float, -2, 2),
    "leaves": _Number(int, 1, 4096),
    "draw_value": _Number(float, -1, 1),
    "value_pruning": _Number(float, 0, 2),
    "proof_nodes": _Number(int, 0, MOST_PROOF_NODES),
    "images": _Number(int, 1, 2**31 - 1),
    "considered": _Number(int, 1, 2**31 - 1),
    "value_scale": _Number(float, 0, 1000, above=True),
}
WORDS = {"prior": PRIORS, "value": VALUES, "backend": BACKENDS, "root": ROOTS}
KEYS = (*NUMBERS, *WORDS, "model")
ALLOWED = {EXACT: ("seconds", "seed"), "random": ("seed",), "gtp": (), "uci": ()}  # a mode takes all keys


@dataclass(frozen=True)
class PlayerSpec:
    """Who plays: a mode of engine.modes with its options, `exact`, `random`, or the command of a `gtp` or `uci` engine.

    What is None takes the default of whoever plays. `str()` and `parse_spec` are inverses. Raises TandemError for
    unknown kinds and for options that are ill-typed, out of range or of another kind of player.
    """

    kind: str
    simulations: int | None = None
    seconds: float | None = None
    model: str | None = None
    seed: int | None = None
    temperature: float | None = None
    threads: int | None = None
    memory: int | None = None
    prior: str | None = None
    value: str | None = None
    backend: str | None = None
    threshold: float | None = None
    c_puct: float | None = None
    fpu_reduction: float | None = None
    leaves: int | None = None
    draw_value: float | None = None
    root: str | None = None
    considered: int | None = None
    value_scale: float | None = None
    value_pruning: float | None = None
    images: int | None = None
    proof_nodes: int | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TandemError(
                f"unknown player '{self.kind}': {nearest(self.kind, KINDS)}players are {', '.join(KINDS)}"
            )
        given = self._options()
        for key, value in given.items():
            object.__setattr__(self, key, _checked(key, value))
        allowed = ALLOWED.get(self.kind, KEYS)
        wrong = [key for key in given if key not in allowed]
        if wrong:
            takes = f"only {', '.join(allowed)}" if allowed else "a command line and no options"
            raise TandemError(f"player {self.kind} takes {takes}, not {wrong[0]}")
        if (self.kind in PROTOCOLS) != (self.command is not None):
            raise TandemError("write gtp:COMMAND or uci:COMMAND, as in gtp:gnugo --mode gtp; no other has a command")
        if self.command is not None:
            _check_command(self.kind, self.command)

    def __str__(self) -> str:
        if self.command is not None:
            return f"{self.kind}:{self.command}"
        options = ",".join(f"{key}={_written(value)}" for key, value in self._options().items())
        return f"{self.kind}:{options}" if options else self.kind

    def with_options(self, **changes: object) -> Self:
        """A copy with `kind` or options changed, given as values or as text; None goes back to the default.

        Raises TandemError as the class does, and for unknown keys.
        """
        for key in changes:
            if key not in ("kind", "command"):
                _check_key(key)
        values: dict[str, Any] = {k: str(v) if isinstance(v, Path) else v for k, v in changes.items()}
        return replace(self, **values)

    def _options(self) -> dict[str, Any]:
        """The options that are given, in the order of the fields."""
        return {key: value for key, value in vars(self).items() if key in KEYS and value is not None}


def parse_spec(text: str) -> PlayerSpec:
    """Read "hybrid", "hybrid:simulations=100,seed=1", "exact:seconds=2", "random:seed=1", "gtp:COMMAND", "uci:COMMAND".

    Raises TandemError naming what was wrong and the nearest right name.
    """
    kind, colon, tail = text.strip().partition(":")
    kind = kind.strip()
    if kind in PROTOCOLS:
        return PlayerSpec(kind, command=tail.strip())
    if kind not in KINDS:
        return PlayerSpec(kind)
    values: dict[str, Any] = {}
    for item in tail.split(",") if colon else []:
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise TandemError(f"player '{text}': '{item.strip()}' is no option; write {kind}:key=value,key=value")
        _check_key(key)
        if key in values:
            raise TandemError(f"player '{text}': {key} is given twice; give it once")
        values[key] = value
    return PlayerSpec(kind, **values)


def _check_key(key: str) -> None:
    if key not in KEYS:
        raise TandemError(f"unknown option '{key}': {nearest(key, KEYS)}options are {', '.join(KEYS)}")


def _checked(key: str, value: object) -> object:
    if key in NUMBERS:
        try:
            return NUMBERS[key].read(value)
        except (ValueError, OverflowError):
            # An int of thousands of digits has no string; it is not worth one either.
            shown = value if isinstance(value, float | str) else type(value).__name__
            raise TandemError(f"{key} must be {NUMBERS[key].words()}, not {str(shown)[:40]}") from None
    text = str(value)
    if key in WORDS and text not in WORDS[key]:
        raise TandemError(f"unknown {key} '{text}': {nearest(text, WORDS[key])}it is one of {', '.join(WORDS[key])}")
    if key == "model" and (not text or text != text.strip() or "," in text):
        raise TandemError(
            f"model '{text}': a spec holds no path that is empty, has a comma or ends in blanks; rename it"
        )
    return text


EXAMPLES = {"gtp": "gtp:gnugo --mode gtp", "uci": "'uci:stockfish;go nodes 1000'"}


def _check_command(kind: str, command: str) -> None:
    try:
        words = shlex.split(command.partition(";")[0] if kind == "uci" else command)
    except ValueError as error:
        raise TandemError(f"{kind}:{command}: not a command line ({error}); close its quotes") from None
    if not words or command != command.strip() or "\n" in command:
        raise TandemError(f"write {kind}:COMMAND with a command line after the colon, as in {EXAMPLES[kind]}")


def _written(value: object) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
