"""The one exception that users see: a line that says what was wrong and what would be right."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class TandemError(ValueError):
    """Bad input or a refused file. Entry points print its text as one line and exit with code 2."""


class GameError(TandemError):
    """What is wrong with one game of a file; `kind` is what it shares with others: "an illegal move"."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


def nearest(name: str, known: Iterable[str]) -> str:
    """The words "did you mean X? " with the known name that is most like `name`; "" where none is."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}? " if close else ""


def nearest_path(path: Path) -> str:
    """The same of what lies in the folder of a path that is not there."""
    try:
        return nearest(path.name, (other.name for other in path.parent.iterdir()))
    except OSError:
        return ""
