"""What the README and the guides show is true: examples run, commands name files and flags that exist, links lead."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.analysis import analysis
from interfaces.gtp import Gtp
from interfaces.uci.options import OPTIONS
from selfplay.command import parser
from tests.interfaces.helpers import session

ROOT = Path(__file__).resolve().parent.parent
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
PROTOCOLS, ARCHITECTURE = (PAGES[ROOT / "docs" / name] for name in ("protocols.md", "architecture.md"))
EXAMPLES = re.findall(r"```python\n(.*?)```", ARCHITECTURE, re.DOTALL)
COMMANDS = sorted(
    {found for text in PAGES.values() for found in re.findall(r"^python (?!3)(.+?)(?:\s+#.*|\s*\\)?$", text, re.M)}
)


@pytest.mark.parametrize(("number", "words"), [(0, "1 2 3 4 5 6 7\n"), (0, "pv "), (1, "\n4 ")])
def test_library_examples_run(number: int, words: str) -> None:
    code = EXAMPLES[number]
    assert len(code.strip().splitlines()) <= 12
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert words in found.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_name_what_exists(command: str) -> None:
    words = shlex.split(command)
    module = words[words[0] == "-m"].replace(".", "/")
    targets = [f"{module}.py", f"{module}/__main__.py"] if words[0] == "-m" else words[:1]
    assert any((ROOT / target).is_file() for target in targets) or words[1] == "pytest"
    if words[0] == "train.py":
        parser().parse_args(words[1:])


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", PAGES[page]):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_gtp_section_names_every_command_and_every_key() -> None:
    section = PROTOCOLS.split("\n## GTP")[1].split("\n## ")[0]
    gtp = Gtp(session())
    ours = [name for name in gtp.answer("list_commands").split() if name.startswith("tandem-")]
    found = analysis(gtp.session, {})
    for word in (*ours, *found, *found["moves"][0]):
        assert re.search(rf"`{word}\b", section), word


def test_uci_section_names_every_option() -> None:
    section = PROTOCOLS.split("\n## UCI")[1].split("\n## ")[0]
    for option in OPTIONS:
        (row,) = re.findall(rf"^\| `{option.name}` \|.*$", section, re.MULTILINE)
        if option.kind == "spin":
            assert f" {option.low}-{option.high} ({option.default}) " in row
        assert all(f"`{word}`" in row for word in option.words)


def test_folders_exist() -> None:
    folders = re.findall(r"^\| `(\w+)/` \|", ARCHITECTURE, re.MULTILINE)
    assert len(folders) >= 8
    assert all((ROOT / folder).is_dir() for folder in folders)
