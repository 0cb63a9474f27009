"""The files that a game is made of: its own, and the modules that it imports from beside it or from here."""

import ast
import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from games.compiler import core
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


def _tree(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):  # of a module that is imported later, if ever
        return ast.Module([], [])


def _imported(source: bytes) -> Iterator[str]:
    """Dotted names that a source imports; `from a import b` may mean a module a.b."""
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def where(path: Path, name: str) -> str:
    """The place at which a game file defines, assigns or imports `name`, in words; the file where it does not."""
    found, waiting = 0, list[ast.AST](_tree(path.read_bytes()).body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Name(ctx=ast.Store()):
                names = [node.id]
            case ast.alias():
                names = [node.asname or node.name]
            case _:
                names = []
        if name in names:
            found = max(found, getattr(node, "lineno", 0))
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return f"{path.name} line {found}" if found else path.name


def own(path: Path) -> list[Path]:
    """A game file and the helpers that it imports: files beside it, and of ours those that do not extend Numba."""
    return [file for file in sources(path) if file == path or file not in core()]


def raised_at(error: BaseException, path: Path) -> traceback.FrameSummary | None:
    """The innermost call in a game file, or in a helper beside it, that an exception came out of."""
    files = own(path)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) in files]
    if not frames and error.__context__:  # a TandemError that was made of the file's own ValueError
        return raised_at(error.__context__, path)
    return frames[-1] if frames else None


def ships(path: Path) -> bool:
    """Whether a game file is one of ours, which the tests hold to the contract."""
    return path.parent == FOLDER


def helpers(path: Path) -> list[ModuleType]:
    """The modules of a game's helpers; TandemError where Python knows another of that name."""
    found = []
    for file in own(path):
        name = f"games.{file.stem}" if file.parent == FOLDER else file.stem
        if file != path and name in sys.modules:
            module = sys.modules[name]
            taken = getattr(module, "__file__", None) or "Python itself"
            if Path(taken).resolve() != file:
                raise TandemError(f"{path.name} imports {file.stem}, a name that {taken} has: rename {file.name}")
            found.append(module)
    return found
