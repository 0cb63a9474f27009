"""Games of files as records of a run: read in order, some at a time, each once."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.gamefile import PlayedGame, read_games
from games.contract import Game
from games.errors import GameError, TandemError
from games.files import reason
from games.rules import rules
from selfplay.records import FULL, UNPROVEN, GameBatch, GameRecord

_log = logging.getLogger("tandem")


@dataclass(frozen=True)
class Source:
    """A file of games, known by its content wherever it lies."""

    path: Path
    hash: str

    @classmethod
    def of(cls, path: Path) -> "Source":
        """TandemError when the file cannot be read."""
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=6))
        except OSError as error:
            raise TandemError(f"cannot read {path}: {reason(error)}") from None
        return cls(path.resolve(), digest.hexdigest())


def teaches(found: PlayedGame | TandemError) -> bool:
    """Whether a game of a file can be learnt from: it was played, and its result is known."""
    return isinstance(found, PlayedGame) and found.outcome is not None and found.position.ply > 0


def check_file(game: Game, path: Path) -> None:
    """Raise TandemError, naming the first of its games that is wrong, for a file without any game to learn from."""
    first: TandemError | None = None
    for found in read_games(game, path):
        if teaches(found):
            return
        first = first or (found if isinstance(found, TandemError) else None)
    raise first or TandemError(f"{path} holds no game with moves and a result; nothing can be learnt from it")


@dataclass(frozen=True)
class Place:
    """Where reading a file has come to: at byte `end`, with so many games that can be learnt from before it."""

    end: int = 0
    games: int = 0


class Reader:
    """Reads the games of files that are new to a run; `taken` says how many of each, by its hash, are no more.

    The first file is read from `place` on, so that going on with a large one does not take reading it anew. A file that
    is gone or changed is passed over with a warning, and those of its games that teach nothing are counted.
    """

    def __init__(self, game: Game, sources: Sequence[Source], taken: Mapping[str, int], place: Place = Place()) -> None:
        self.game, self.sources, self.taken, self.place = game, sources, taken, place
        self.files_read = self.games = 0
        self.passed_over = Counter[str]()  # by what is wrong
        self.first_error = ""
        self._before = 0  # bytes of the files read
        self._all = sum(_size(source.path) for source in sources)
        self._games = self._read()

    @property
    def exhausted(self) -> bool:
        """Whether all files have been read to their end."""
        return self.files_read == len(self.sources)

    @property
    def share(self) -> float:
        """How much of the files has been read, 0 to 1."""
        return 1.0 if self.exhausted else min((self._before + self.place.end) / max(self._all, 1), 1.0)

    @property
    def progress(self) -> str:
        """How much of the files has been read, in words."""
        return f"{self.share * self._all / 1e6:,.1f} of {self._all / 1e6:,.1f} MB read"

    def take(self, positions: int, number: int, stop: Callable[[], bool] | None = None) -> GameBatch:
        """The next games, numbered from `number` on, of about so many positions; none at the end.

        Games passed over count too, and there are fewer when stop() says so.
        """
        records: list[GameRecord] = []
        count = 0
        for plies, found in self._games if positions else ():
            count += plies
            if found:
                records.append(_record(*found, number + len(records)))
            if count >= positions or (stop and stop()):
                break
        self.games += len(records)
        return GameBatch.from_records(records)

    def report(self) -> str:
        """What was read and what was passed over, with the first reason."""
        files, passed = len(self.sources), self.passed_over
        words = [f"{self.games:,} games read, {self.share:.0%} of {files} file{'s' * (files != 1)}"]
        if passed:
            kinds = ", ".join(f"{kind} {n:,}" for kind, n in passed.most_common())
            words.append(f"{passed.total():,} passed over ({kinds})")
        if self.first_error:
            words.append(f"the first that is broken: {self.first_error}")
        return "; ".join(words)

    def _read(self) -> Iterator[tuple[int, tuple[PlayedGame, Source] | None]]:
        """Of each game its plies, and the game itself if it is new and can be learnt from."""
        for source in self.sources:
            if _size(source.path) and Source.of(source.path) == source:
                for plies, played in self._games_of(source):
                    yield plies, (played, source) if played else None
            else:
                _log.warning("%s is gone or has changed, and is not read on", source.path)
            self.files_read += 1
            self._before, self.place = self._before + _size(source.path), Place()

    def _games_of(self, source: Source) -> Iterator[tuple[int, PlayedGame | None]]:
        taken = self.taken.get(source.hash, 0)
        for found in read_games(self.game, source.path, self.place.end):
            if isinstance(found, TandemError):
                self.passed_over[found.kind if isinstance(found, GameError) else "no more to be read"] += 1
                self.first_error = self.first_error or str(found)
                yield 1, None
                continue
            number = self.place.games
            self.place = Place(found.end, number + teaches(found))
            if not teaches(found):
                self.passed_over["no moves or no result"] += 1
            yield found.position.ply, found if teaches(found) and number >= taken else None


def _record(played: PlayedGame, source: Source, number: int) -> GameRecord:
    """One row for each move: the move itself is the policy target, the result the value's."""
    assert played.outcome is not None
    actions = np.array(played.position.actions, np.int32)
    n = len(actions)
    game, start = played.position.game, played.position.start
    return GameRecord(
        number=number,
        seed=0,
        start="" if start.tobytes() == rules(game).first().tobytes() else game.to_text(start),
        actions=actions,
        source="record",
        net_id=source.hash,
        outcome=played.outcome,
        ended=played.position.ended or "record",
        ply=np.arange(n, dtype=np.int32),
        kind=np.full(n, FULL, np.uint8),
        root_wdl=np.full((n, 3), np.nan, np.float16),
        proven=np.full(n, UNPROVEN, np.int8),
        simulations=np.zeros(n, np.int32),
        child_count=np.ones(n, np.int32),
        child_action=actions,
        policy=np.ones(n, np.float16),
        visits=np.zeros(n, np.int32),
        child_q=np.full(n, np.nan, np.float16),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
