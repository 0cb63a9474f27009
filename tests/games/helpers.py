"""Game files made from the shipped ones by replacing text."""

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
