"""Turns a game file into a Game: runs it, checks it against the contract, fills the defaults in."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.extending import register_jitable

from games import contract, defaults
from games.compiler import code_hash
from games.contract import Game
from games.errors import TandemError, nearest, nearest_path
from games.sources import FOLDER, helpers, importable, raised_at, sources, where
from games.trial import try_out

_YES_NO = {"true": True, "1": True, "false": False, "0": False}
_loaded: dict[tuple[str, tuple[tuple[str, Any], ...]], Game] = {}
_jitable: set[Any] = set()


class Parameters:
    """What a game file sees as PARAMS: given values under the types and defaults that the file itself states."""

    def __init__(self, game: str, given: dict[str, Any]) -> None:
        self.game, self.given, self.values = game, given, dict[str, Any]()
        self.defaults = dict[str, Any]()

    def get(self, name: str, default: Any) -> Any:
        """The parameter `name` as the type of its default; TandemError when the given text does not fit it."""
        value = self.given.get(name, default)
        try:
            # bool("false") is True, as of every other text.
            value = _YES_NO[str(value).lower()] if isinstance(default, bool) else type(default)(value)
        except (KeyError, TypeError, ValueError):
            kind = type(default).__name__
            raise TandemError(f"{self.game}: parameter {name}={value!r} must be of type {kind}") from None
        self.values[name], self.defaults[name] = value, default
        return value


def known_games() -> list[str]:
    """Names of the games that ship: the files of this folder that define a STATE."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\nSTATE = " in path.read_text(encoding="utf-8"))


def load(spec: str, *, tried: bool = True) -> Game:
    """Load "connect4", "connect4:rows=7,columns=8" or "path/to/mygame.py:size=5".

    Raises TandemError: no such game, a file that breaks the contract, an unknown or ill-typed parameter. Its rules are
    tried out too (games.trial), unless `tried` is False: the conformance kit looks closer.
    """
    name, given = _parse(spec)
    path = _path(name)
    cache_key = (str(path), tuple(sorted(given.items())))
    if cache_key not in _loaded:
        _loaded[cache_key] = _load(name, path, given)
    if tried:
        try_out(_loaded[cache_key])
    return _loaded[cache_key]


def _parse(spec: str) -> tuple[str, dict[str, Any]]:
    name, colon, tail = spec.partition(":")
    if sys.platform == "win32" and len(name) == 1:  # a drive letter, not a game
        head, colon, tail = tail.partition(":")
        name = f"{name}:{head}"
    given: dict[str, Any] = {}
    for item in tail.split(",") if colon else []:
        key, equals, value = item.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise TandemError(f"game '{spec}': write parameters as {name}:name=value,name=value")
        if key.strip() in given:
            raise TandemError(f"game '{spec}': {key.strip()} is given twice")
        given[key.strip()] = value.strip()
    return name.strip(), given


def _path(name: str) -> Path:
    if name.endswith(".py"):
        path = Path(name).resolve()
        if not path.is_file():
            raise TandemError(f"no game file at {name}; {nearest_path(path)}give the path of a .py file")
        return path
    games = known_games()
    if name not in games:
        raise TandemError(
            f"unknown game '{name}': {nearest(name, games)}known are {', '.join(games)}, or the path of a .py file"
        )
    return FOLDER / f"{name}.py"


def _load(name: str, path: Path, given: dict[str, Any]) -> Game:
    title = path.stem
    parameters = Parameters(title, given)
    module = _run(path, title, given, parameters)
    unknown = sorted(set(given) - set(parameters.values))
    if unknown:
        has = ", ".join(parameters.defaults) or "none"
        hint = nearest(unknown[0], parameters.defaults)
        raise TandemError(f"{title} has no parameter '{unknown[0]}'; {hint}its parameters: {has}")
    _require(module, path)
    files = sources(path)
    for part in (module, *helpers(path)):
        _let_kernels_call(part, () if part is not module else contract.IN_PYTHON)
    own_features = hasattr(module, "features")
    defaults.fill(module)
    changed = {key: value for key, value in sorted(parameters.values.items()) if value != parameters.defaults[key]}
    own = {key: value for key, value in parameters.values.items() if key not in module.LATER or key in changed}
    suffix = ":" + ",".join(f"{key}={value}" for key, value in changed.items()) if changed else ""
    functions = {key: getattr(module, key) for key in (*contract.COMPILED, *contract.OPTIONAL_COMPILED)}
    functions["policy_terms"] = module.one_term  # the file's own are for nets of sparse inputs
    return Game(
        name=title,
        spec=name + suffix,
        parameters=own,
        module=module,
        code_hash=code_hash(b"".join(files.values()), sorted(parameters.values.items())),
        state=module.STATE,
        actions=module.ACTIONS,
        max_legal=module.MAX_LEGAL,
        max_plies=module.MAX_PLIES,
        planes=tuple(module.PLANES),
        logits=module.LOGITS,
        terms=1,
        policy=module.POLICY,
        feature_count=module.FEATURES,
        max_active=module.MAX_ACTIVE,
        default_features=not own_features,
        symmetries=module.SYMMETRIES,
        repetition=module.REPETITION,
        rules_version=module.RULES_VERSION,
        proof_nodes=module.PROOF_NODES,
        sgf=module.SGF,
        **functions,
    )


def _run(path: Path, title: str, given: dict[str, Any], parameters: Parameters) -> ModuleType:
    """Execute the file as a module that kernels' caches can name: the same name in every process."""
    suffix = "".join(f"_{key}_{value}" for key, value in sorted(given.items()))
    name = re.sub(r"\W", "_", f"tandem_game_{title}{suffix}")  # a dot would make it part of a package
    module_spec = importlib.util.spec_from_file_location(name, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    vars(module)["PARAMS"] = parameters
    sys.modules[name] = module
    try:
        with importable(path.parent):
            module_spec.loader.exec_module(module)
    except TandemError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        if isinstance(error, ValueError) and given:  # the file's own word on its parameters
            asked = ",".join(f"{key}={value}" for key, value in given.items())
            raise TandemError(f"{title} is not to be had with {asked}: {error}") from error
        words = " ".join(f"{type(error).__name__}: {error}".split())
        frame = None if isinstance(error, SyntaxError) else raised_at(error, path)  # a syntax error names its line
        place = f" ({Path(frame.filename).name} line {frame.lineno})" if frame else ""
        raise TandemError(f"game file {path.name} does not run{place}: {words}") from error
    return module


def _let_kernels_call(module: ModuleType, but: tuple[str, ...]) -> None:
    """Make the plain functions of a module callable from compiled code."""
    for key, value in list(vars(module).items()):
        if isinstance(value, Dispatcher):  # an author's own @njit would keep the kernels out of the disk cache
            value = value.py_func
            setattr(module, key, value)
        if inspect.isfunction(value) and value.__module__ == module.__name__ and key not in but:
            if value not in _jitable:  # a helper may serve several games
                register_jitable(value)
            _jitable.add(value)


def _require(module: ModuleType, path: Path) -> None:
    """Refuse a module that misses a part of the contract or states an impossible one."""
    needed = (*contract.CONSTANTS, *contract.COMPILED, *contract.PYTHON_ONLY)
    missing = ", ".join(_written(name) for name in needed if not hasattr(module, name))
    if missing:
        raise TandemError(f"game file {path.name} does not define {missing}; games/contract.py says what each is")
    _require_functions(module, path)
    _require_constants(module, path)
    together: tuple[tuple[str, ...], ...] = (
        ("LOGITS", "policy_index"),
        ("FEATURES", "MAX_ACTIVE", "features"),
        ("TERMS", "TERM_LOGITS", "policy_terms"),
        ("SYMMETRIES", "transform", "transform_action"),
        ("GRID", "pieces", "touched"),
    )
    for group in together:
        have = [name for name in group if hasattr(module, name)]
        if have and len(have) < len(group):
            lacking = ", ".join(_written(name) for name in group if name not in have)
            raise TandemError(f"{where(path, have[0])}: {have[0]} goes with {lacking}, which the file does not define")


def _written(name: str) -> str:
    """A part of the contract as a file has it: a function with its parameters."""
    return f"{name}({contract.PARAMETERS[name]})" if name in contract.PARAMETERS else name


def _require_functions(module: ModuleType, path: Path) -> None:
    for name, parameters in contract.PARAMETERS.items():
        function = getattr(module, name, None)
        if not hasattr(module, name):
            continue
        if not callable(function):
            raise TandemError(f"{where(path, name)}: {name} must be a function: write def {_written(name)}")
        try:
            signature = inspect.signature(function)
            signature.bind(*parameters.split(", "))
        except TypeError:
            words = f"{name}{signature} must be {_written(name)}, whatever the parameters are called"
            raise TandemError(f"{where(path, name)}: {words}") from None


def _require_constants(module: ModuleType, path: Path) -> None:
    def refuse(name: str, words: str) -> TandemError:
        return TandemError(f"{where(path, name)}: {name} {words}")

    if not isinstance(module.STATE, np.dtype) or not module.STATE.names:
        raise refuse("STATE", "must be a numpy dtype with named fields, such as np.dtype([('me', 'u8')])")
    clash = [field for field in module.STATE.names if hasattr(np.record, field)]
    if clash:
        words = f"fields {', '.join(clash)} are names of numpy attributes; rename them, to my_{clash[0].lower()} say"
        raise refuse("STATE", words)
    for field in module.STATE.names:
        kind = module.STATE[field].base
        if kind.kind not in "iufb":
            raise refuse("STATE", f"field {field} is {kind}; fields are integers, floats or bools, or arrays of them")
    # An action and a distance are int16 in a node; a distance starts its search for the shortest at 32767.
    most = {"ACTIONS": 32767, "MAX_LEGAL": 32767, "MAX_PLIES": 32766}
    for name in (*most, "LOGITS", "FEATURES", "MAX_ACTIVE", "TERMS", "TERM_LOGITS", "SYMMETRIES"):
        value = getattr(module, name, 1)
        if not isinstance(value, int) or value < 1:
            raise refuse(name, f"must be a whole number of at least 1, not {value!r}")
        if value > most.get(name, value):
            raise refuse(name, f"must be at most {most[name]}, not {value}")
    repetition = getattr(module, "REPETITION", 0)
    if not isinstance(repetition, int) or repetition < 0 or repetition == 1:
        raise refuse("REPETITION", f"must be 0 (none) or how many occurrences draw, not {repetition!r}")
    nodes = getattr(module, "PROOF_NODES", 0)
    if not isinstance(nodes, int) or not 0 <= nodes <= contract.MOST_PROOF_NODES:
        raise refuse("PROOF_NODES", f"must be a whole number from 0 to {contract.MOST_PROOF_NODES:,}, not {nodes!r}")
    if nodes and repetition:
        raise refuse("PROOF_NODES", "must be 0 where positions may repeat: exact search cannot say what they are worth")
    planes = module.PLANES
    if not (isinstance(planes, tuple) and len(planes) == 3 and all(isinstance(n, int) and n > 0 for n in planes)):
        raise refuse("PLANES", f"must be (channels, rows, columns), not {planes!r}")
    grid = getattr(module, "GRID", None)
    if grid is not None and not (
        isinstance(grid, tuple) and len(grid) == 3 and grid[0] in contract.LOOKS and all(_names(n) for n in grid[1:])
    ):
        looks = ", ".join(contract.LOOKS)
        raise refuse("GRID", f"must be (look, names of the columns, of the rows), a look of {looks}, not {grid!r}")
    policy, logits = getattr(module, "POLICY", None), getattr(module, "LOGITS", module.ACTIONS)
    if policy is not None and not (
        isinstance(policy, tuple) and len(policy) == 2 and all(isinstance(n, int) and n >= 0 for n in policy)
    ):
        raise refuse("POLICY", f"must be (channels per cell, extra) or None, not {policy!r}")
    if policy is not None and policy[0] * planes[1] * planes[2] + policy[1] != logits:
        made = policy[0] * planes[1] * planes[2] + policy[1]
        raise refuse("POLICY", f"{policy} (channels per cell, extra) makes {made} logits, not LOGITS = {logits}")


def _names(names: Any) -> bool:
    """Whether these name the rows or columns of a grid."""
    return isinstance(names, str | list | tuple) and bool(names) and all(isinstance(name, str) for name in names)
