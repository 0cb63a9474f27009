"""Where the nodes of a cluster keep compiled kernels: by content, as their code lies in another folder every time."""

import hashlib
from pathlib import Path
from typing import Any, Self

from numba.core import caching, config

FOLDER = "~/.cache/tandem/numba"


class ContentLocator(caching._CacheLocator):
    """A locator for NUMBA_CACHE_LOCATOR_CLASSES: one folder for every copy of a file, told apart by what it holds."""

    def __init__(self, py_file: str, line: int) -> None:
        self._file, self._line = Path(py_file), line

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Self:
        """The locator of a function in a file."""
        found = cls(py_file, py_func.__code__.co_firstlineno)
        found.ensure_cache_path()  # type: ignore[no-untyped-call]
        return found

    def get_cache_path(self) -> str:
        """The folder."""
        folder = Path(getattr(config, "CACHE_DIR", "") or FOLDER).expanduser()
        return str(folder / f"by-content-{self._file.parent.name}")

    def get_source_stamp(self) -> str:
        """What changes with the file."""
        return hashlib.sha256(self._file.read_bytes()).hexdigest()

    def get_disambiguator(self) -> str:
        """What tells functions of one name in one file apart."""
        return str(self._line)
