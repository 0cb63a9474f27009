"""How Numba types a game's functions: what does not compile, and where a uint64 and an int make a float.

Compiled code does not keep to plain Python here. There a uint64 and an int give a uint64, in compiled code they give an
int64; and a variable, or a function's result, that is a uint64 on one path and an int64 on another is a float64, which
has no bit operators and rounds what is above 2**53.
"""

import operator
import re
from functools import cache
from pathlib import Path
from typing import Any

from numba import from_dtype, njit, types
from numba.core import ir

from games.compiler import FLAGS, core
from games.contract import IN_PYTHON, PARAMETERS, Game
from games.errors import TandemError
from games.sources import own, ships
from games.trial import MIX, told

BITWISE = re.compile(r"(and|or|xor|shift|invert)_?\(.*float")
OURS = {path.name for path in core()}
DIVISIONS = operator.truediv, operator.itruediv


@cache
def misfits(game: Game) -> dict[str, str]:
    """What is wrong with the types of a game's own functions, by the function's name; nothing of those that fit."""
    files = own(game.path)
    record, seen, found = from_dtype(game.state), set[Any](), dict[str, str]()
    given = {"s": record, "a": types.int64, "k": types.int64, "planes": types.Array(types.float32, 3, "C")}
    for name, parameters in PARAMETERS.items():
        function = getattr(game, name)
        # What games/defaults.py filled in is not the author's to mend.
        if name in IN_PYTHON or function is None or Path(function.__code__.co_filename) not in files:
            continue
        given["out"] = record if name == "transform" else types.Array(types.int32, 1, "C")
        words = _misfit(function, tuple(given[p] for p in parameters.split(", ")), files, seen)
        if words:
            found[name] = words
    return found


def require_types(game: Game) -> None:
    """Refuse a file of one's own whose functions do not fit Numba, as TandemError; the games that ship are tested."""
    for name, words in misfits(game).items() if not ships(game.path) else ():
        raise TandemError(told(game, name, words, None))


def _misfit(function: Any, arguments: tuple[Any, ...], files: list[Path], seen: set[Any]) -> str:
    """What is wrong with a function, or with one of the game's that it calls, for arguments of these types."""
    seen.add((function, arguments))
    compiled = njit(**{**FLAGS, "cache": False})(function)
    try:
        compiled.compile(arguments)
    except Exception as error:  # Numba's own are of many kinds, and some are Python's
        return reason(str(error))
    typed = compiled.overloads[arguments].type_annotation
    for block in typed.blocks.values():
        for step in block.body:
            value = getattr(step, "value", None)
            if _makes_a_float(step, value, typed):
                return f"makes a float of a uint64 at {Path(step.loc.filename).name} line {step.loc.line}: {MIX}"
            if isinstance(value, ir.Expr) and value.op == "call":
                callee = getattr(typed.typemap[value.func.name], "typing_key", None)
                source = getattr(getattr(callee, "__code__", None), "co_filename", None)
                inner = callee, tuple(typed.calltypes[value].args)
                if source and Path(source) in files and inner not in seen:
                    words = _misfit(*inner, files, seen)
                    if words:
                        return words
    return ""


def _makes_a_float(step: Any, value: Any, typed: Any) -> bool:
    """Whether a step of Numba's intermediate code turns a uint64 into a float that nobody asked for."""
    if not isinstance(step, ir.Assign) or not isinstance(typed.typemap[step.target.name], types.Float):
        return False
    if isinstance(value, ir.Var):  # of a variable with several types
        return _signed(typed.typemap[value.name]) is False
    if not isinstance(value, ir.Expr):
        return False
    if value.op == "cast":  # of a function's results
        return _signed(typed.typemap[value.value.name]) is False
    if value not in typed.calltypes or (value.op in ("binop", "inplace_binop") and value.fn in DIVISIONS):
        return False
    kinds = [kind for given in typed.calltypes[value].args for kind in getattr(given, "types", (given,))]
    return {True, False} <= {_signed(kind) for kind in kinds}


def _signed(kind: Any) -> bool | None:
    """Of an integer type whether it has a sign; None of any other."""
    return getattr(kind, "signed", None)


def reason(message: str) -> str:
    """Numba's message of many lines as one: what it stumbled over, and where in files that are not ours."""
    found = re.findall(r'(?:File|Raised from|typing of call at) .*?([^/\\" ]+\.py)(?:", line | \()(\d+)', message)
    places = [f"{name} line {line}" for name, line in found if name not in OURS]
    places = list(dict.fromkeys(places))  # innermost first
    calls = re.findall(r">>> (.+)", message)
    said = [line.strip() for line in message.rpartition("Failed in nopython mode pipeline")[2].splitlines()[1:]]
    what = f"no {calls[-1]} in compiled code" if calls else next((line for line in said if line), message)
    at = f" at {', called at '.join(places)}" if places else ""
    return " ".join(f"does not compile{at}: {what}".split()) + (f"; {MIX}" if BITWISE.search(what) else "")
