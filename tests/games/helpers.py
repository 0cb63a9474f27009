"""Game files made from the shipped ones by replacing text."""

import re
from pathlib import Path

import games.loader


def variant(folder: Path, name: str, base: str, *changes: tuple[str, str]) -> Path:
    """A copy of the game file `base` in `folder`, called `name`, with each old text replaced by a new one."""
    text = (games.loader.FOLDER / f"{base}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{base}.py no longer holds {old!r}"
        text = text.replace(old, new)
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


def with_lines(words: str, path: Path) -> str:
    """`words` with each {at TEXT} replaced by "NAME.py line N", of the first line of the file that holds TEXT."""
    lines = path.read_text(encoding="utf-8").splitlines()

    def place(found: re.Match[str]) -> str:
        return f"{path.name} line {next(n for n, line in enumerate(lines, 1) if found[1] in line)}"

    return re.sub(r"\{at (.+?)\}", place, words)
