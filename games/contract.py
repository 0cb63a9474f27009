"""What a game file must define, what it may define, and the Game object made of it.

A position without its past is one fixed-size record of dtype STATE. Compiled functions take such a record `s`:

    start(s)                   write the first position
    legal(s, out)              write the legal actions into out, return how many; 0 means over by the rules
    play(s, a)                 play a legal action in place; players always alternate, a pass is an action
    outcome(s)                 of a finished game: +1, 0 or -1 for the player to move
    encode(s, planes)          write every cell of float32 planes of shape PLANES, seen by the player to move

They may call other functions of the file, and of modules that it imports from beside it; constants are frozen in.

with the constants STATE, ACTIONS (actions are 0..ACTIONS-1), MAX_LEGAL, MAX_PLIES, PLANES (channels, rows, columns).
Python-only, for people and files: format_action(s, a), parse_action(s, text), to_text(s), from_text(text, s),
render(s), and a docstring that says the rules.

Optional, with defaults:

    LOGITS, policy_index(s, a)           where an action's logit stands (ACTIONS, the action itself)
    POLICY                               (channels per cell, extra): the policy as a map over the cells (None);
                                         logit = (channel * rows + row) * columns + column, the extra ones last
    FEATURES, MAX_ACTIVE, features(s, out)   indices of the active inputs (the non-zero cells of 0/1 planes)
    SYMMETRIES, transform(s, k, out), transform_action(k, a)   the k-th image; k = 0 is the identity (1)
    key(s)                               64-bit identity of a position for repetition (a hash of the record)
    eval_key(s)                          64-bit identity of all that encode and features read (key)
    REPETITION                           how many occurrences of a position draw; 0: none (0)
    static_value(s)                      a search-only leaf value in [-1, 1] for the player to move (None)
    best_first(s, out)                   for proofs, of a game that is not over: -1 if the player to move can win at
                                         once, -2 if every move lets the other win at once; else write the moves, most
                                         promising first and without those that lose so, and return how many (None)
    RULES_VERSION                        counts changes of the rules (1)
    LATER                                parameters that came when models were there already: at its default such a one
                                         is no part of rules_id ()

Parameters come in as the name PARAMS: `SIZE = PARAMS.get("size", 7)`. Only the loader sets it; a file that can also be
imported as a module says `PARAMS = globals().get("PARAMS", {})` first.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import TandemError

StateArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

CONSTANTS = ("STATE", "ACTIONS", "MAX_LEGAL", "MAX_PLIES", "PLANES")
COMPILED = ("start", "legal", "play", "outcome", "encode")
PYTHON_ONLY = ("format_action", "parse_action", "to_text", "from_text", "render")
OPTIONAL_COMPILED = (
    "policy_index",
    "features",
    "transform",
    "transform_action",
    "key",
    "eval_key",
    "static_value",
    "best_first",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Game:
    """One game with its parameters: constants, plain functions, identity. Made by games.load."""

    name: str
    spec: str
    parameters: Mapping[str, Any]
    module: ModuleType
    code_hash: str
    state: np.dtype[Any]
    actions: int
    max_legal: int
    max_plies: int
    planes: tuple[int, int, int]
    logits: int
    policy: tuple[int, int] | None
    feature_count: int
    max_active: int
    default_features: bool
    symmetries: int
    repetition: int
    rules_version: int
    start: Callable[..., Any]
    legal: Callable[..., Any]
    play: Callable[..., Any]
    outcome: Callable[..., Any]
    encode: Callable[..., Any]
    policy_index: Callable[..., Any]
    features: Callable[..., Any]
    transform: Callable[..., Any]
    transform_action: Callable[..., Any]
    key: Callable[..., Any]
    eval_key: Callable[..., Any]
    static_value: Callable[..., Any] | None
    best_first: Callable[..., Any] | None

    def states(self, count: int) -> StateArray:
        """A zeroed array of `count` records."""
        return np.zeros(count, self.state)

    @staticmethod
    def record(states: StateArray, index: int = 0) -> Any:
        """One record of an array with attribute access, for plain and Python-only functions; writes go through."""
        return states.view(np.recarray)[index]

    @property
    def rules(self) -> str:
        """The rules in words: the game file's docstring."""
        return (self.module.__doc__ or "").strip()

    @cached_property
    def rules_id(self) -> str:
        """Identity carried by stores and models: name, parameters, version and a digest of the rules at work."""
        from games.rules import rules

        shown = ",".join(f"{key}={value}" for key, value in sorted(self.parameters.items()))
        digest = hashlib.sha256(rules(self).digest_bytes()).hexdigest()[:12]
        return f"{self.name}({shown}) v{self.rules_version} {digest}"

    def format_action(self, states: StateArray, action: int) -> str:
        """The action as players write it, in the position states[0]."""
        return str(self.module.format_action(self.record(states), action))

    def parse_action(self, states: StateArray, text: str) -> int:
        """The action that `text` names in states[0]; TandemError when it names none. Legality is not checked."""
        try:
            return int(self.module.parse_action(self.record(states), text))
        except ValueError as error:
            raise TandemError(str(error)) from None

    def to_text(self, states: StateArray) -> str:
        """states[0] on one line; from_text reads it back."""
        return str(self.module.to_text(self.record(states)))

    def from_text(self, text: str) -> StateArray:
        """The position written by to_text, as an array of one record; TandemError when it is none."""
        states = self.states(1)
        try:
            self.module.from_text(text, self.record(states))
        except ValueError as error:
            raise TandemError(str(error)) from None
        return states

    def render(self, states: StateArray) -> str:
        """states[0] as a board of several lines."""
        return str(self.module.render(self.record(states)))
