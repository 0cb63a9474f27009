"""What each package says of its files, in its __init__.py: all of them, and none before one that it imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"play", "train", "study", "mygame"}  # named beside the files of a package
PACKAGES = [
    path.parent.relative_to(ROOT)
    for top in ("games", "engine", "nets", "players", "selfplay", "interfaces", "studies")
    for path in sorted((ROOT / top).glob("**/__init__.py"))
]


def rows(package: Path) -> dict[str, int]:
    """Each file that the list names, and the row that does first; what goes on in a further line is of the same row."""
    found: dict[str, int] = {}
    for number, row in enumerate(re.split(r"\n(?=\S)", ast.get_docstring(ast.parse(source(package / "__init__.py"))))):
        for name in re.findall(r"(\w+)\.py\b", row):
            found.setdefault(name, number)
    return found


def source(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def imported(package: Path, name: str) -> Iterator[str]:
    """The files of its own package that a file imports whenever it is imported itself."""
    own = ".".join(package.parts) + "."
    for node in ast.parse(source(package / f"{name}.py")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from (found.removeprefix(own).split(".")[0] for found in names if found.startswith(own))


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_every_file_is_listed_after_those_that_it_imports(package: Path) -> None:
    listed = rows(package)
    files = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__", "__main__"}
    assert listed.keys() - ELSEWHERE == files
    early = {
        (name, other) for name in files for other in imported(package, name) if listed.get(other, 0) > listed[name]
    }
    assert early == set()
