"""Games as move lists, which every game has: one game a line, its moves as the game writes them.

    # connect4
    4 4 3 5 2 6 1 1-0

The last word may be the result: 1-0 when the first player has won, 0-1 when the second has, 1/2-1/2 for a draw, * where
it is not known. A # at the start of a word begins a comment, which lasts to the end of the line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from games.contract import Game
from games.errors import TandemError
from games.loader import known_games, load

RESULTS: dict[str, int | None] = {"1-0": 1, "0-1": -1, "1/2-1/2": 0, "*": None}
WORDS = {outcome: word for word, outcome in RESULTS.items()}
MOST_LINE = 1 << 20  # bytes; a longer one is no game, and need not be held in memory
COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True)
class Written:
    """A game as a file has it; nobody has played it through yet.

    `moves` are written as the game writes them; `outcome` is +1, 0 or -1 for the player who moved first, None where the
    file does not say; `end` is how many bytes of the file have been read with it.
    """

    where: str  # in its file: "game 3 (line 7)"
    moves: list[str]
    outcome: int | None
    end: int


def parse(game: Game, file: BinaryIO, begin: int = 0) -> Iterator[Written]:
    """The games of a file, one by one; `begin` is 0 or the end of a game.

    Raises TandemError at the first line that is no text, or when the first names another game.
    """
    number, line, end, after = 0, 0, begin, f" after byte {begin:,}" if begin else ""
    file.seek(begin)
    while data := file.readline(MOST_LINE):
        line, end = line + 1, end + len(data)
        if len(data) == MOST_LINE:
            raise TandemError(f"line {line} is over {MOST_LINE:,} bytes long; give one game a line")
        try:
            text = data.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if not text.expandtabs(1).rstrip("\r\n").isprintable():
            raise TandemError(f"line {line} is no text; give one game a line, its moves with blanks between them")
        if line == 1:
            _check_heading(game, text)
        if words := COMMENT.sub("", text).split():
            number += 1
            outcome = RESULTS[words.pop()] if words[-1] in RESULTS else None
            yield Written(f"game {number} (line {line}{after})", words, outcome, end)


def _check_heading(game: Game, text: str) -> None:
    """Moves of one board may be legal on another: refuse a file that begins with the name of another game of ours."""
    word = text.removeprefix("#").strip()
    if not text.startswith("#") or len(word.split()) != 1 or word.partition(":")[0] not in known_games():
        return
    try:
        spec = load(word).spec
    except TandemError:
        spec = word
    if spec != game.spec:
        raise TandemError(f"line 1: it holds games of {spec}, not of {game.spec}")


def serialise(moves: Sequence[str], outcome: int | None) -> bytes:
    """The line of a game, newline included; TandemError for moves that would not be read back."""
    for move in moves:
        if move in RESULTS or move.startswith("#") or len(move.split()) != 1:
            raise TandemError(f"move '{move}' does not fit a move list: a move must be one word, no result and no #")
    return (" ".join([*moves, WORDS[outcome]]) + "\n").encode()
