"""Nothing that is read from a file is ever unpickled: no code of a stranger runs by opening what he made."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("games", "engine", "nets", "players", "selfplay", "interfaces", "studies", "benchmarks", "docs")
FILES = sorted([*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))])

# Modules that unpickle, or marshal code.
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pandas", "shelve"}
# Functions of others that may, by the last part of their module's name.
FUNCTIONS = {
    "torch": {"hub", "load", "package", "save"},
    "jit": {"load", "save"},
    "export": {"load", "save"},
}


def unpickling(source: str) -> Iterator[str]:
    """What in a source file unpickles or may, as line and words."""
    for node in ast.walk(ast.parse(source)):
        where = f"line {getattr(node, 'lineno', 0)}: "
        match node:
            case ast.Import(names=names):
                yield from (where + alias.name for alias in names if alias.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module="numpy", names=names):
                yield from (where + "numpy.load" for alias in names if alias.name == "load")
            case ast.ImportFrom(module=str(module), names=names):
                parts = module.split(".")
                wrong = FUNCTIONS.get(parts[-1], set()) if parts[0] in FUNCTIONS else set()
                yield from (f"{where}{module}.{a.name}" for a in names if parts[0] in MODULES or a.name in wrong)
            case ast.Call(func=ast.Name("__import__") | ast.Attribute(attr="import_module"), args=[ast.Constant(name)]):
                yield from (where + name for module in MODULES if name.split(".")[0] == module)
            case ast.Call(func=ast.Attribute(ast.Name("np" | "numpy"), "load" | "save"), keywords=words):
                flags = {word.arg: word.value for word in words}
                if not (isinstance(flag := flags.get("allow_pickle"), ast.Constant) and flag.value is False):
                    yield f"{where}NumPy without allow_pickle=False"
            case ast.Attribute(ast.Name(owner) | ast.Attribute(attr=owner), attr):
                if attr in FUNCTIONS.get(owner, set()) or attr == "read_pickle":
                    yield f"{where}{owner}.{attr}"


def test_no_source_file_unpickles() -> None:
    assert len(FILES) > 100
    found = {path.relative_to(ROOT).as_posix(): list(unpickling(path.read_text(encoding="utf-8"))) for path in FILES}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, pickle as p",
        "from pickle import loads",
        "from torch import load",
        "from numpy import load",
        "def f():\n    import joblib",
        "importlib.import_module('pickle')",
        "__import__('dill')",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "torch.save(x, path)",
        "torch.jit.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "numpy.load(path)",
        "np.save(path, x, allow_pickle=True)",
        "pandas.read_pickle(path)",
    ],
)
def test_the_scan_sees(source: str) -> None:
    assert list(unpickling(source))


@pytest.mark.parametrize("source", ["json.load(f)", "np.load(p, allow_pickle=False)", "games.load(x)", "a.load()"])
def test_the_scan_lets_pass(source: str) -> None:
    assert not list(unpickling(source))
