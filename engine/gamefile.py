"""Games in files, played through by the rules. A file's ending says its format: one row of FORMATS for each."""

import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.position import Position
from games import movelist, pgn, sgf
from games.contract import Game
from games.errors import GameError, TandemError
from games.files import reason
from games.movelist import Written
from games.pgn import Resolved

MOST_MOVE = 40  # characters; a longer one is quoted by its beginning


@dataclass(frozen=True)
class PlayedGame:
    """A legal game.

    `outcome` is +1, 0 or -1 for the player who moved first: by the rules where they end it, else as the file says, then
    by a draw that could be claimed, None where nothing says it. `end` is how many bytes of the file have been read with
    it.
    """

    position: Position
    outcome: int | None
    end: int


@dataclass(frozen=True)
class Format:
    """How games are written.

    `parse` gives those of a file from a byte on, 0 or the end of a game, one by one, so that a file may be larger than
    memory. Of a game that it cannot read it gives a TandemError in its place, and raises one where it cannot go on.
    `serialise` takes the game as it stands and the names of the first and the second player or "". A file begins with
    `heading`; `gap` must stand before each game that follows another. `setup`: games may begin at any position.
    """

    name: str
    serves: Callable[[Game], bool]
    parse: Callable[[Game, BinaryIO, int], Iterator[Written | Resolved | TandemError]]
    serialise: Callable[[Position, Sequence[str]], bytes]
    heading: Callable[[Game], str] = lambda _: ""
    gap: bytes = b"\n"
    setup: bool = False


def _parse_sgf(game: Game, file: BinaryIO, begin: int) -> Iterator[Written | TandemError]:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield from sgf.parse(game, data, begin)


def _sgf(position: Position, names: Sequence[str]) -> bytes:
    return sgf.serialise(position.game, position.moves_text(), _outcome(position), names)


def _move_list(position: Position, _: Sequence[str]) -> bytes:
    return movelist.serialise(position.moves_text(), _outcome(position))


def _pgn(position: Position, names: Sequence[str]) -> bytes:
    words = position.ending or "unterminated"
    return pgn.serialise(position.game, position.start, position.moves_text(), _outcome(position), names, words)


# The endings of files, in lower case.
FORMATS = {
    ".sgf": Format("SGF", sgf.has_sgf, _parse_sgf, _sgf),
    ".pgn": Format("PGN", pgn.has_pgn, pgn.parse, _pgn, gap=b"\n\n", setup=True),
    ".txt": Format("move lists", lambda _: True, movelist.parse, _move_list, lambda game: f"# {game.spec}\n"),
}


def format_of(game: Game, path: Path) -> Format:
    """The format that a file's ending names; TandemError when it is none for games of this kind."""
    found = FORMATS.get(path.suffix.lower())
    if found is not None and found.serves(game):
        return found
    known = " or ".join(f"{ending} ({known.name})" for ending, known in FORMATS.items() if known.serves(game))
    what = f"{game.spec} has no {found.name}" if found else "its ending names no format of games"
    raise TandemError(f"{path}: {what}; records of {game.name} end in {known}")


def read_games(game: Game, path: Path, begin: int = 0) -> Iterator[PlayedGame | TandemError]:
    """The games of a file one by one, and for each that cannot be read or played a TandemError.

    That names file, game and move, and is a GameError where the next game can be read. The first is that which begins
    at byte `begin`, 0 or the `end` of another. Raises TandemError when the file cannot be opened or read on.
    """
    if not path.is_file():
        what = (
            "is a folder; name the files in it" if path.is_dir() else "is no file" if path.exists() else "is not there"
        )
        raise TandemError(f"{path} {what}")
    form = format_of(game, path)
    try:
        with path.open("rb") as file:
            games = form.parse(game, file, begin) if path.stat().st_size else iter(())
            try:
                for written in games:
                    try:
                        if isinstance(written, TandemError):
                            raise written
                        yield _played(game, written)
                    except GameError as error:
                        yield GameError(error.kind, f"{path}: {error}")
            except TandemError as error:
                yield TandemError(f"{path}: {error}")
    except OSError as error:
        raise TandemError(f"cannot read {path}: {reason(error)}") from None


def serialise(form: Format, position: Position, names: Sequence[str]) -> bytes:
    """A game as it stands, newline included; `names` of first and second player or "".

    TandemError where it begins at a position of its own, which the format cannot say.
    """
    require_start(form, position)
    return form.serialise(position, names)


def require_start(form: Format, position: Position) -> None:
    """Raise TandemError where a game begins at a position of its own and the format cannot say so."""
    if not form.setup and position.start.tobytes() != Position(position.game).start.tobytes():
        endings = [ending for ending, known in FORMATS.items() if known.serves(position.game) and known.setup]
        instead = f"; record to {' or '.join(endings)}" if endings else ""
        raise TandemError(f"{form.name} hold games from the first position alone{instead}")


def _outcome(position: Position) -> int | None:
    """+1, 0 or -1 for who moved first; None while the game goes on."""
    return int(position.first_player_outcome()) if position.ended else None


def _played(game: Game, written: Written | Resolved) -> PlayedGame:
    """Play a game through; GameError where a move cannot be played."""
    if isinstance(written, Resolved):
        position = Position.from_actions(game, written.start, written.actions)
    else:
        position = _played_text(game, written)
    outcome = written.outcome
    if position.ended == "rules" or outcome is None:
        outcome = _outcome(position)
    return PlayedGame(position, outcome, written.end)


def _played_text(game: Game, written: Written) -> Position:
    position = Position(game)
    for number, move in enumerate(written.moves, 1):
        where = f"{written.where}, move {number}"
        if position.ended:
            if set(written.moves[number - 1 :]) == {"pass"}:  # some programs pass once more, or twice
                break
            raise GameError(
                "moves after the end", f"{where}: {move[:MOST_MOVE]!r} comes after the end ({position.ended})"
            )
        if len(move) > MOST_MOVE or not move.isprintable():
            raise GameError(
                "an illegal move", f"{where}: {move[:MOST_MOVE]!r} is no move; legal: {position.legal_text()}"
            )
        try:
            position.play_text(move)
        except TandemError as error:
            raise GameError("an illegal move", f"{where}: {error}") from None
    return position
