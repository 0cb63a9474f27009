"""The games of a run on disk: immutable shards, one writer, any number of readers.

A shard is named `<sequence>-<content hash>.safetensors`. The index is the folder's listing; there is no other truth.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from games.errors import TandemError
from games.files import content_hash, reason, remove_temporaries, write_atomic
from selfplay.records import GameBatch, GameRecord
from selfplay.shards import (
    ForeignGames,
    Summary,
    UnreadGames,
    from_bytes,
    read_shard,
    read_summary,
    summarise,
    to_bytes,
)

_log = logging.getLogger("tandem")

_NAME = re.compile(r"(\d{8,})-([0-9a-f]{12})\.safetensors")
_SEQUENCE = re.compile(r"\d{8,}(?=-)")
_PAGE = 4096


class Shard(NamedTuple):
    """One file of the store; sorts by sequence."""

    sequence: int
    name: str

    @classmethod
    def named(cls, name: str) -> "Shard | None":
        """The shard of a file's name; None for another name."""
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), name) if match else None

    @property
    def hash(self) -> str:
        """The content_hash that its bytes must have."""
        return self.name.removesuffix(".safetensors")[-12:]


@dataclass(frozen=True)
class Stats:
    """What is on disk, as far as is known without reading it all: duplicates count until their shard is loaded."""

    shards: int
    games: int
    positions: int
    bytes: int


class Store:
    """The shards in one folder, all of one `rules_id`. Not thread-safe.

    Without `writable` nothing on disk is changed and no lock is needed; with it the caller must be the folder's only
    writer. Raises TandemError naming both when the folder's newest shard is of another game, or when the folder cannot
    be made.
    """

    def __init__(
        self, folder: Path, rules_id: str, *, writable: bool = False, seconds: float = 30, max_games: int = 4096
    ) -> None:
        self.folder = folder
        self.rules_id = rules_id
        self.writable = writable
        self._seconds = seconds
        self._max_games = max_games
        self._buffer: list[GameBatch] = []
        self._buffered: set[int] = set()
        self._empty_at: float | None = None
        self._seen = _Seen()
        self._kept: dict[Shard, NDArray[np.bool_]] = {}
        self._summaries: dict[Shard, Summary] = {}
        self._bad: set[Shard] = set()
        if writable:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TandemError(f"cannot make the folder {folder}: {reason(error)}") from error
            remove_temporaries(folder)
        found = self.shards()
        self._sequence = self._highest_sequence()
        for shard in found[-1:]:
            with suppress(UnreadGames):  # which is for who wants its games to say
                self._summary(shard)

    def append(self, games: Sequence[GameRecord] | GameBatch) -> int:
        """Buffer finished games until the next flush; returns how many were new.

        A game whose number was seen before is a repeated delivery and dropped. Raises TandemError for unsound records,
        none of which is then buffered.
        """
        if not self.writable:
            raise TandemError(f"{self.folder} was opened for reading")
        batch = games if isinstance(games, GameBatch) else GameBatch.from_records(games)
        keep = np.ones(len(batch), np.bool_)
        for index, number in enumerate(batch.number.tolist()):
            keep[index] = number not in self._buffered and number not in self._seen
            if keep[index]:
                self._buffered.add(number)
        if keep.any():
            self._buffer.append(batch.select(keep))
        return int(keep.sum())

    def flush(self) -> Shard | None:
        """Close a shard of all buffered games, if any. Raises TandemError, and keeps the buffer, when it cannot."""
        if not self._buffer:
            return None
        data = to_bytes(batch := GameBatch.concat(self._buffer), self.rules_id)
        # Counted before the write: an interrupt just after the rename must not lead to this number twice.
        self._sequence += 1
        shard = Shard(self._sequence, f"{self._sequence:08}-{content_hash(data)}.safetensors")
        write_atomic(self.folder / shard.name, data)
        self._register(shard, batch)
        self._buffer.clear()
        self._buffered.clear()
        return shard

    def maybe_flush(self, now: float) -> Shard | None:
        """Flush when `max_games` wait, or `seconds` have passed since the buffer was last known to be empty.

        `now` is in seconds on any clock that never runs back.
        """
        if not self._buffer or self._empty_at is None:
            self._empty_at = now
        if sum(map(len, self._buffer)) < self._max_games and now - self._empty_at < self._seconds:
            return None
        self._empty_at = now
        return self.flush()

    def shards(self) -> list[Shard]:
        """List the folder anew, oldest first. A writer sets files of other names aside."""
        found = []
        for name in _names(self.folder):
            shard = Shard.named(name)
            if shard is None and name.endswith(".safetensors"):
                self._set_aside(Shard(-1, name), "its name is not <sequence>-<hash>.safetensors")
            elif shard is not None and shard not in self._bad:
                found.append(shard)
        return sorted(found)

    def load(self, shard: Shard) -> GameBatch | None:
        """The shard's games without those already read from another shard; None, with a warning, for a bad shard.

        Raises ForeignGames for a sound shard of another game or format, UnreadGames where the system refuses it.
        """
        path = self.folder / shard.name
        try:
            data = read_shard(path)
        except FileNotFoundError as error:
            _log.warning("%s is skipped: %s", path, reason(error))
            return None
        if content_hash(data) != shard.hash:
            self._set_aside(shard, "its content does not match the hash in its name")
            return None
        try:
            batch = from_bytes(data, str(path), self.rules_id)
        except ForeignGames:
            raise
        except TandemError as error:
            self._set_aside(shard, str(error).removeprefix(f"{path}: "))
            return None
        return self._register(shard, batch)

    def new_batches(self, since: int = 0) -> Iterator[tuple[int, GameBatch]]:
        """Sequence and games of every sound shard after sequence `since`, oldest first; 0 reads everything."""
        for shard in self.shards():
            if shard.sequence > since and (batch := self.load(shard)) is not None:
                yield shard.sequence, batch

    def next_game_number(self) -> int:
        """One more than the highest game number stored or buffered."""
        stored = [summary.last_number for summary in map(self._summary, self.shards()) if summary]
        return 1 + max(stored + list(self._buffered), default=-1)

    def stats(self) -> Stats:
        """Totals over the sound shards; buffered games are not included."""
        sizes = {shard: _size(self.folder / shard.name) for shard in self.shards()}
        known = {shard: summary for shard in sizes if (summary := self._summary(shard))}
        games, positions = sum(s.games for s in known.values()), sum(s.positions for s in known.values())
        return Stats(len(known), games, positions, sum(sizes[shard] for shard in known))

    def _register(self, shard: Shard, batch: GameBatch) -> GameBatch:
        if shard not in self._kept:
            self._kept[shard] = self._seen.add(batch.number)
        batch = batch.select(self._kept[shard])
        self._summaries[shard] = summarise(batch)
        return batch

    def _summary(self, shard: Shard) -> Summary | None:
        if shard not in self._summaries:
            try:
                self._summaries[shard] = read_summary(self.folder / shard.name, self.rules_id)
            except TandemError:
                # A header read without its hash may lie: the full load decides between bad and foreign.
                self.load(shard)
        return self._summaries.get(shard)

    def _set_aside(self, shard: Shard, why: str) -> None:
        if shard in self._bad:
            return
        self._bad.add(shard)
        path = self.folder / shard.name
        if not self.writable:
            _log.warning("%s is skipped: %s", path, why)
            return
        target = self.folder / "bad" / shard.name
        try:
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
            _log.warning("%s is set aside in bad/: %s", path, why)
        except OSError as error:
            _log.warning("%s is skipped: %s (and cannot be moved to bad/: %s)", path, why, reason(error))

    def _highest_sequence(self) -> int:
        names = _names(self.folder) + _names(self.folder / "bad")
        return max((int(match[0]) for name in names if (match := _SEQUENCE.match(name))), default=0)


class _Seen:
    """A set of game numbers at about a byte each: numbers lie close together, so pages of flags are nearly full."""

    def __init__(self) -> None:
        self._pages: dict[int, NDArray[np.bool_]] = {}

    def __contains__(self, number: int) -> bool:
        page = self._pages.get(number // _PAGE)
        return page is not None and bool(page[number % _PAGE])

    def add(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Add numbers [n]; returns a mask [n], true where a number came for the first time."""
        first = np.zeros(len(numbers), np.bool_)
        first[np.unique(numbers, return_index=True)[1]] = True
        pages, slots = np.divmod(numbers, _PAGE)
        order = np.argsort(pages, kind="stable")
        for here in np.split(order, np.flatnonzero(np.diff(pages[order])) + 1) if len(order) else ():
            flags = self._pages.setdefault(int(pages[here[0]]), np.zeros(_PAGE, np.bool_))
            first[here] &= ~flags[slots[here]]
            flags[slots[here]] = True
        return first


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TandemError(f"cannot list {folder}: {reason(error)}") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
