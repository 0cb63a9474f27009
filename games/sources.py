"""The files that a game is made of: its own, and the modules that it imports from beside it or from here."""

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from games.errors import TandemError

FOLDER = Path(__file__).resolve().parent


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let a file that runs now import the modules of its folder, as Python does for a script."""
    if folder == FOLDER:
        yield
        return
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # a module may have been written a moment ago
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def sources(path: Path) -> dict[Path, bytes]:
    """The bytes of a game file and of every file that it imports, itself or through others, from its folder or ours."""
    found: dict[Path, bytes] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = file.read_bytes()
            waiting += [
                other
                for name in _imported(found[file])
                for root in (path.parent, FOLDER.parent)
                if (other := root.joinpath(*name.split(".")).with_suffix(".py")).parent in (path.parent, FOLDER)
                if other.is_file()
            ]
    return dict(sorted(found.items()))


def _imported(source: bytes) -> Iterator[str]:
    """Dotted names that a source imports; `from a import b` may mean a module a.b."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # of a module that is imported later, if ever
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def helpers(path: Path, files: dict[Path, bytes]) -> list[ModuleType]:
    """The modules among a game's files that lie beside it; TandemError where Python knows another of that name."""
    found = []
    for file in files:
        if file != path and file.parent != FOLDER and file.stem in sys.modules:
            module = sys.modules[file.stem]
            taken = getattr(module, "__file__", None) or "Python itself"
            if Path(taken).resolve() != file:
                raise TandemError(f"{path.name} imports {file.stem}, a name that {taken} has: rename {file.name}")
            found.append(module)
    return found
