"""Games written to a file as they are played: what --record asks for."""

from collections.abc import Sequence
from pathlib import Path

from engine.gamefile import format_of, read_games, require_start, serialise
from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.files import check_output, reason, write_atomic

NOBODY = ("", "")


class Recorder:
    """Keeps a file up to the last move: its own games at the end, whatever was there before them.

    So a game that is left is there too, a move taken back is not, and a kill loses nothing.
    """

    def __init__(self, game: Game, path: Path) -> None:
        """TandemError when the file cannot be written, or holds what is no record of this game."""
        self.path = path.resolve()  # the file that a link names is to be replaced, not the link
        self._position: Position | None = None
        self._names: Sequence[str] = NOBODY
        self._text = b""  # of the game under way, as it stands in the file
        self._format = format_of(game, path)
        check_output(self.path)
        for found in read_games(game, self.path) if self.path.exists() else ():
            if isinstance(found, TandemError):  # what is added might be read as a part of it
                raise TandemError(f"{found}; name another file to record to")
        self._heading = self._format.heading(game).encode()

    def require(self, position: Position) -> None:
        """Raise TandemError where the file's format cannot say where a game begins."""
        require_start(self._format, position)

    def update(self, position: Position, names: Sequence[str] = NOBODY) -> None:
        """Write what has changed since the last time; another `position` is another game.

        `names` are those of the first and the second player, or "". Raises TandemError when the file cannot be written;
        the next time tries again.
        """
        if position is not self._position:
            self._position, self._text = position, b""
        text = serialise(self._format, position, names) if position.ply else b""
        if text == self._text:
            return
        # Read anew each time, as another program may have put its games there since.
        found = self._read()
        at = (b"\n" + found).rfind(b"\n" + self._text) if self._text else -1  # whole lines
        if at >= 0:
            data = found[:at] + text + found[at + len(self._text) :]
        else:
            gap = self._format.gap
            between = b"" if not found or found[-4:].replace(b"\r", b"").endswith(gap) else gap
            data = (found or self._heading) + between + text
        write_atomic(self.path, data)
        self._text = text

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise TandemError(f"cannot read {self.path}: {reason(error)}") from None
