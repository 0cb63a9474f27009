"""What a game file must define, what it may define, and the Game object made of it.

A position without its past is one fixed-size record of dtype STATE. Compiled functions take such a record `s`:

    start(s)                   write the first position
    legal(s, out)              write the legal actions into out, return how many; 0 means over by the rules
    play(s, a)                 play a legal action in place; players always alternate, a pass is an action
    outcome(s)                 of a finished game: +1, 0 or -1 for the player to move
    encode(s, planes)          write every cell of float32 planes of shape PLANES, seen by the player to move

They may call other functions of the file, and of modules that it imports from beside it; constants are frozen in.

with the constants STATE, ACTIONS (actions are 0..ACTIONS-1), MAX_LEGAL, MAX_PLIES, PLANES (channels, rows, columns).
No game lasts longer than MAX_PLIES: the loader and the kit refuse one that does, and where it goes on all the same, it
is a draw.
Python-only, for people and files: format_action(s, a), parse_action(s, text), to_text(s), from_text(text, s),
render(s), and a docstring that says the rules.

Optional, with defaults:

    LOGITS, policy_index(s, a)           where an action's logit stands (ACTIONS, the action itself)
    POLICY                               (channels per cell, extra): the policy as a map over the cells (None);
                                         logit = (channel * rows + row) * columns + column, the extra ones last
    FEATURES, MAX_ACTIVE, features(s, out)   for nets of sparse inputs: write which of FEATURES inputs are active into
                                             out, return how many (the non-zero cells of 0/1 planes)
    TERMS, TERM_LOGITS, policy_terms(s, moves, n, out)   for those nets, too: a move's logit is a sum of TERMS of
                                             TERM_LOGITS; write into out[j] which, for each of the n legal moves. What
                                             moves share they learn together (one term, of policy_index)
    SYMMETRIES, transform(s, k, out), transform_action(k, a)   the k-th image; k = 0 is the identity (1)
    key(s)                               64-bit identity of a position for repetition (a hash of the record); with
                                         REPETITION, 2**64 - 1 where a draw can be claimed whatever came before
    eval_key(s)                          64-bit identity of all that encode and features read (key)
    REPETITION                           how many occurrences of a position draw; 0: none (0)
    static_value(s)                      a search-only leaf value in [-1, 1] for the player to move; its docstring tells
                                         players what it goes by (None)
    best_first(s, out)                   for proofs, of a game that is not over: -1 if the player to move can win at
                                         once, -2 if every move lets the other win at once; else write the moves, most
                                         promising first and without those that lose so, and return how many; only
                                         where no move loses at once, which exact search goes by (None)
    PROOF_NODES                          of exact search, that searches with a net give a leaf before they ask the net:
                                         as many as pay, which arena matches tell (0)
    ending(s)                            Python-only: of a position that is over or drawn by a claim, why, in the words
                                         of its players, "stalemate" (None: who wins says it)
    GRID, pieces(s), touched(s, a)       Python-only, for boards that are drawn: GRID is (one of LOOKS, the names of the
                                         columns, those of the rows from the top); pieces are the rows from the top, a
                                         character a cell, "." where nothing stands; touched are the cells (row, column)
                                         of a move, the one that a piece leaves first, the one that it reaches last, and
                                         none of a pass (None)
    ended_by(s)                          Python-only, with GRID: of a game that is over, the cells that show why, as
                                         those of a winning line (None)
    wins_at_once(s)                      of a game that is not over: whether the player to move can win at once, where
                                         that is seen much sooner than by trying; searches look ahead by it, or by
                                         best_first (None)
    SGF                                  the game's number in the Smart Game Format (GM), where games/sgf.py knows how
                                         that one writes moves: 2, 4 or 11 (None: records are move lists)
    RULES_VERSION                        counts changes of the rules (1)
    LATER                                parameters that came when models were there already: at its default such a one
                                         is no part of rules_id ()

Parameters come in as the name PARAMS: `SIZE = PARAMS.get("size", 7)`. Only the loader sets it; a file that can also be
imported as a module says `PARAMS = globals().get("PARAMS", {})` first.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.errors import TandemError

StateArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float32]

MOST_PROOF_NODES = 1_000_000  # exact search of so many is not interrupted: a second or less in most games
CONSTANTS = ("STATE", "ACTIONS", "MAX_LEGAL", "MAX_PLIES", "PLANES")
COMPILED = ("start", "legal", "play", "outcome", "encode")
PYTHON_ONLY = ("format_action", "parse_action", "to_text", "from_text", "render")
# Every function that a file may define, with its parameters: their number is fixed, their names are the author's.
PARAMETERS = {
    "start": "s",
    "legal": "s, out",
    "play": "s, a",
    "outcome": "s",
    "encode": "s, planes",
    "format_action": "s, a",
    "parse_action": "s, text",
    "to_text": "s",
    "from_text": "text, s",
    "render": "s",
    "policy_index": "s, a",
    "features": "s, out",
    "policy_terms": "s, moves, n, out",
    "transform": "s, k, out",
    "transform_action": "k, a",
    "key": "s",
    "eval_key": "s",
    "static_value": "s",
    "best_first": "s, out",
    "wins_at_once": "s",
    "ending": "s",
    "pieces": "s",
    "touched": "s, a",
    "ended_by": "s",
}
IN_PYTHON = (*PYTHON_ONLY, "ending", "pieces", "touched", "ended_by")
# How a board may be drawn. Pieces x and o, or upper and lower case, are the first and the second player's.
LOOKS = {
    "marks": "squares in which x and o are written",
    "discs": "squares with discs on them",
    "chequered": "squares light and dark in turn, with discs or, for letters of chess, its men",
    "points": "crossings of lines with stones on them",
    "columns": "holes in an upright frame, where any cell of a column stands for a move in it",
    "hexagons": "hexagons, each row half a cell further right; upper and lower edge are the first player's, as in Hex",
}
OPTIONAL_COMPILED = tuple(name for name in PARAMETERS if name not in COMPILED + IN_PYTHON)


Cell = tuple[int, int]  # row from the top, column from the left, both from 0


class Grid(NamedTuple):
    """How a board is drawn: one of LOOKS, and the names of its columns from the left and of its rows from the top."""

    look: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]


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
    terms: int  # of the logits that sum to a move's
    policy: tuple[int, int] | None
    feature_count: int
    max_active: int
    default_features: bool
    symmetries: int
    repetition: int
    rules_version: int
    proof_nodes: int
    sgf: int | None
    start: Callable[..., Any]
    legal: Callable[..., Any]
    play: Callable[..., Any]
    outcome: Callable[..., Any]
    encode: Callable[..., Any]
    policy_index: Callable[..., Any]
    policy_terms: Callable[..., Any]
    features: Callable[..., Any]
    transform: Callable[..., Any]
    transform_action: Callable[..., Any]
    key: Callable[..., Any]
    eval_key: Callable[..., Any]
    static_value: Callable[..., Any] | None
    best_first: Callable[..., Any] | None
    wins_at_once: Callable[..., Any] | None

    def states(self, count: int) -> StateArray:
        """A zeroed array of `count` records."""
        return np.zeros(count, self.state)

    @property
    def ahead(self) -> Callable[..., Any] | None:
        """ahead(s, out): what searches look ahead by, -1, -2 or any number of moves, as best_first; None if nothing."""
        ahead: Callable[..., Any] | None = self.best_first or self.module.ahead
        return ahead

    @cached_property
    def listed(self) -> "Game":
        """The same game for kernels that feed nets of sparse inputs: its "planes" list the active ones.

        Planes are float32 [1, 1, MAX_ACTIVE] of indices, FEATURES where the list has ended; logits are the file's
        TERM_LOGITS. For the kernels alone: rules, positions and files are those of the game itself.
        """
        name = hashlib.sha256(f"{self.code_hash} listed".encode()).hexdigest()[: len(self.code_hash)]
        file = self.module
        return replace(
            self, planes=(1, 1, self.max_active), encode=file.listed, logits=file.TERM_LOGITS, terms=file.TERMS,
            policy=None, policy_terms=file.policy_terms, code_hash=name,
        )  # fmt: skip

    @property
    def path(self) -> Path:
        """The game file."""
        return Path(str(self.module.__file__))

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

    def ending(self, states: StateArray) -> str:
        """Why the game is over in states[0], or can be claimed a draw, in words; "" where the game has none."""
        words = getattr(self.module, "ending", None)
        return str(words(self.record(states))) if words else ""

    @cached_property
    def grid(self) -> Grid | None:
        """How the board is drawn; None where the file does not say, which leaves `render`."""
        given = getattr(self.module, "GRID", None)
        return None if given is None else Grid(given[0], tuple(given[1]), tuple(given[2]))

    def pieces(self, states: StateArray) -> list[str]:
        """What stands on every cell of the grid: its rows from the top, one character a cell, "." for nothing."""
        return list(self.module.pieces(self.record(states))) if self.grid else []

    def touched(self, states: StateArray, action: int) -> list[Cell]:
        """The cells of the grid that a legal action touches; none of a pass, nor where there is no grid."""
        return self._cells(self.module.touched(self.record(states), action)) if self.grid else []

    def ended_by(self, states: StateArray) -> list[Cell]:
        """Of a game that is over in states[0], the cells that show why, as those of a winning line."""
        why = getattr(self.module, "ended_by", None)
        return self._cells(why(self.record(states))) if why else []

    @staticmethod
    def _cells(found: Iterable[Cell]) -> list[Cell]:
        return [(int(row), int(column)) for row, column in found]
