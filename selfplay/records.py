"""Finished games as columns: what an actor emits, a shard stores and the replay reads.

A game has actions and *rows*. A row is one searched or labelled position: its `ply` says how many of the game's actions
lead to it, so a labelled position is a game of zero actions with one row of ply 0, and a final position may have a row.
A row has *children*, one per legal action in the order of the rules' legal list, or none where nothing was searched. Of
a game that was read from a file it has one, the move that was played.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from games.contract import Game, StateArray
from games.errors import TandemError
from games.rules import rules

# Values of `kind`. A ply without a row is not for training either.
FULL = 0  # searched with the full budget: trains policy and value
FAST = 1  # searched with a reduced budget: no policy target
RANDOM = 2  # the move was played at random: not for training

# The value of `proven` where the search proved nothing; else -1, 0 or +1 for the player to move.
UNPROVEN = 2

MOST_NUMBER = 2**62  # of a game; numbers to come must fit into int64, too

_TEXTS = ("start", "source", "net_id", "ended")
_OFFSETS = {"action_offsets": "action", "row_offsets": "row", "child_offsets": "child"}
_ROWS: dict[str, Any] = {"ply": "i4", "kind": "u1", "root_wdl": "f2", "proven": "i1", "simulations": "i4"}
_CHILDREN: dict[str, Any] = {"child_action": "i4", "policy": "f2", "visits": "i4", "child_q": "f2"}
_GAMES: dict[str, Any] = {"number": "i8", "seed": "u8", "outcome": "i1"}

# Every stored array: the count its length follows, and its dtype.
COLUMNS: dict[str, tuple[str, np.dtype[Any]]] = {
    **{name: ("game", np.dtype(code)) for name, code in _GAMES.items()},
    **{name: ("game", np.dtype("i4")) for name in _TEXTS},
    **{name: ("row + 1" if name == "child_offsets" else "game + 1", np.dtype("i8")) for name in _OFFSETS},
    "actions": ("action", np.dtype("i4")),
    **{name: ("row", np.dtype(code)) for name, code in _ROWS.items()},
    **{name: ("child", np.dtype(code)) for name, code in _CHILDREN.items()},
}


@dataclass(frozen=True, eq=False, kw_only=True)
class GameRecord:
    """One finished game. Raises TandemError when its arrays do not fit together.

    `root_wdl` is win, draw, loss, or NaN where unknown; it and `child_q` (-1 to 1, NaN where unvisited) are seen from
    the player to move in that row. `policy` is the policy target.
    """

    number: int  # within the run, from 0; two records of one number are the same game
    seed: int  # uint64
    start: str = ""  # text of the start state; "" is the game's own start
    actions: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [plies]
    source: Literal["self-play", "record", "teacher"] = "self-play"
    net_id: str = ""  # of a record, the hash of the file that it was read from
    outcome: int  # +1, 0, -1 for the player to move in the start state
    ended: str  # "rules", "repetition", "claim", "max plies"; "label" or "record" when nothing was played out
    ply: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [rows], increasing, 0 to plies
    kind: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))  # [rows]
    root_wdl: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 3), np.float16))  # [rows, 3]
    proven: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))  # [rows]
    simulations: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [rows]
    child_count: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [rows]
    child_action: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [children]
    policy: NDArray[np.float16] = field(default_factory=lambda: np.zeros(0, np.float16))  # [children]
    visits: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # [children]
    child_q: NDArray[np.float16] = field(default_factory=lambda: np.zeros(0, np.float16))  # [children]

    def __post_init__(self) -> None:
        children = int(np.sum(self.child_count))
        for names, length in (((*_ROWS, "child_count"), len(self.ply)), (tuple(_CHILDREN), children)):
            for name in names:
                if (found := len(getattr(self, name))) != length:
                    raise TandemError(f"game {self.number}: {name} has {found} entries, not {length}")


@dataclass(frozen=True, eq=False, kw_only=True)
class GameBatch:
    """Many games, concatenated: game g owns actions[action_offsets[g]:action_offsets[g + 1]], and so on.

    Columns have the meanings and dtypes of GameRecord; start, source, net_id and ended are indices into `texts`.
    """

    texts: tuple[str, ...]
    number: NDArray[np.int64]  # [games]
    seed: NDArray[np.uint64]  # [games]
    outcome: NDArray[np.int8]  # [games]
    start: NDArray[np.int32]  # [games]
    source: NDArray[np.int32]  # [games]
    net_id: NDArray[np.int32]  # [games]
    ended: NDArray[np.int32]  # [games]
    action_offsets: NDArray[np.int64]  # [games + 1], into actions
    row_offsets: NDArray[np.int64]  # [games + 1], into the columns of rows
    child_offsets: NDArray[np.int64]  # [rows + 1], into the columns of children
    actions: NDArray[np.int32]
    ply: NDArray[np.int32]  # [rows]
    kind: NDArray[np.uint8]  # [rows]
    root_wdl: NDArray[np.float16]  # [rows, 3]
    proven: NDArray[np.int8]  # [rows]
    simulations: NDArray[np.int32]  # [rows]
    child_action: NDArray[np.int32]  # [children]
    policy: NDArray[np.float16]  # [children]
    visits: NDArray[np.int32]  # [children]
    child_q: NDArray[np.float16]  # [children]

    def __len__(self) -> int:
        """How many games."""
        return len(self.number)

    @property
    def positions(self) -> int:
        """How many rows."""
        return len(self.ply)

    @classmethod
    def from_records(cls, records: Sequence[GameRecord]) -> "GameBatch":
        """Concatenate records. Raises TandemError for values out of range."""
        texts: dict[str, int] = {}
        columns: dict[str, Any] = {}
        counts = {"row": [len(r.ply) for r in records], "action": [len(r.actions) for r in records]}
        counts["child"] = [int(n) for r in records for n in r.child_count]
        for name, (level, dtype) in COLUMNS.items():
            if name in _OFFSETS:
                columns[name] = np.concatenate([[0], np.cumsum(counts[_OFFSETS[name]], dtype=dtype)], dtype=dtype)
            elif name in _TEXTS:
                columns[name] = np.array([texts.setdefault(getattr(r, name), len(texts)) for r in records], dtype)
            elif level == "game":
                columns[name] = np.array([getattr(r, name) for r in records], dtype)
            else:
                empty = np.zeros((0, 3) if name == "root_wdl" else 0, dtype)
                parts = [empty, *(getattr(r, name) for r in records)]
                columns[name] = np.concatenate(parts, dtype=dtype, casting="same_kind")
        return cls(texts=tuple(texts), **columns).check("game records")

    @classmethod
    def concat(cls, batches: Iterable["GameBatch"]) -> "GameBatch":
        """One batch of all games, in order."""
        parts = list(batches) or [cls.from_records([])]
        texts = {text: index for index, text in enumerate(dict.fromkeys(t for part in parts for t in part.texts))}
        columns: dict[str, Any] = {}
        for name in COLUMNS:
            arrays = [getattr(part, name) for part in parts]
            if name in _TEXTS:
                arrays = [
                    np.array([texts[t] for t in part.texts], np.int32)[array] if len(array) else array
                    for part, array in zip(parts, arrays, strict=True)
                ]
            elif name in _OFFSETS:
                steps = [np.diff(array) for array in arrays]
                arrays = [np.zeros(1, np.int64), np.cumsum(np.concatenate(steps), dtype=np.int64)]
            columns[name] = np.concatenate(arrays)
        return cls(texts=tuple(texts), **columns)

    def game(self, index: int) -> GameRecord:
        """The record of one game; its arrays are views."""
        rows = slice(*self.row_offsets[index : index + 2])
        children = slice(*self.child_offsets[[rows.start, rows.stop]])
        values: dict[str, Any] = {name: self.texts[getattr(self, name)[index]] for name in _TEXTS}
        values |= {name: int(getattr(self, name)[index]) for name in _GAMES}
        values |= {name: getattr(self, name)[rows] for name in _ROWS}
        values |= {name: getattr(self, name)[children] for name in _CHILDREN}
        counts = np.diff(self.child_offsets[rows.start : rows.stop + 1]).astype(np.int32)
        actions = self.actions[slice(*self.action_offsets[index : index + 2])]
        return GameRecord(actions=actions, child_count=counts, **values)

    def records(self) -> Iterator[GameRecord]:
        """All games as records, in order."""
        return (self.game(index) for index in range(len(self)))

    def select(self, keep: NDArray[np.bool_]) -> "GameBatch":
        """The games where `keep` [games] is true."""
        return self if keep.all() else GameBatch.from_records([self.game(int(index)) for index in np.flatnonzero(keep)])

    def check(self, where: str) -> "GameBatch":
        """The batch itself if it is sound; else raises TandemError naming `where` and the field."""
        _check(self, where)
        return self


def _check(batch: GameBatch, where: str) -> None:
    def demand(sound: object, name: str, wrong: str) -> None:
        if not sound:
            raise TandemError(f"{where}: {name}: {wrong}")

    for name in COLUMNS:
        demand(getattr(batch, name).ndim == 1 + (name == "root_wdl"), name, "wrong number of dimensions")
    lengths = {"game": len(batch), "row": batch.positions, "action": len(batch.actions), "child": len(batch.policy)}
    lengths |= {"game + 1": lengths["game"] + 1, "row + 1": lengths["row"] + 1}
    for name, (level, dtype) in COLUMNS.items():
        array = getattr(batch, name)
        shape = (lengths[level], 3) if name == "root_wdl" else (lengths[level],)
        demand(array.dtype == dtype, name, f"dtype is {array.dtype}, not {dtype}")
        demand(array.shape == shape, name, f"shape is {array.shape}, not {shape}")
    for name, level in _OFFSETS.items():
        offsets = getattr(batch, name)
        inside = (offsets >= 0) & (offsets <= lengths[level])  # differences of any others may overflow
        whole = offsets[0] == 0 and offsets[-1] == lengths[level] and inside.all() and (np.diff(offsets) >= 0).all()
        demand(whole, name, f"does not rise from 0 to {lengths[level]}")
    for name in _TEXTS:
        index = getattr(batch, name)
        demand(((index >= 0) & (index < len(batch.texts))).all(), name, f"index outside {len(batch.texts)} texts")
    demand(((batch.number >= 0) & (batch.number <= MOST_NUMBER)).all(), "number", f"not from 0 to {MOST_NUMBER}")
    demand((abs(batch.outcome) <= 1).all(), "outcome", "not -1, 0 or 1")
    demand((batch.kind <= RANDOM).all(), "kind", "not FULL, FAST or RANDOM")
    demand(((batch.proven >= -1) & (batch.proven <= UNPROVEN)).all(), "proven", "not -1, 0, 1 or UNPROVEN")
    for name in ("simulations", "visits"):
        demand((getattr(batch, name) >= 0).all(), name, "below 0")
    demand(((batch.policy >= 0) & (batch.policy <= 1)).all(), "policy", "not a probability")
    wdl = batch.root_wdl
    demand((np.isnan(wdl) | ((wdl >= 0) & (wdl <= 1))).all(), "root_wdl", "neither a probability nor NaN")
    game = np.repeat(np.arange(len(batch)), np.diff(batch.row_offsets))
    plies = np.diff(batch.action_offsets)[game]
    demand(((batch.ply >= 0) & (batch.ply <= plies)).all(), "ply", "outside the game")
    demand(((np.diff(batch.ply) > 0) | (np.diff(game) > 0)).all(), "ply", "does not increase within the game")


def starts_of(game: Game, batch: GameBatch) -> StateArray:
    """Where each game of a batch began, as STATE [games]."""
    starts = np.repeat(rules(game).first(), len(batch))
    for g in np.flatnonzero(np.array([batch.texts[i] != "" for i in batch.start], bool)):
        starts[g] = game.from_text(batch.texts[batch.start[g]])[0]
    return starts
