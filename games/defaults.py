"""The optional half of the contract, filled into a game's module where its file leaves it out.

Each default is set as an attribute of the module and named after it, since a kernel's cache key stores functions
by the name under which Python can import them.
"""

from collections.abc import Callable
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
from numba.extending import register_jitable

from games.rng import mix

U = np.uint64
CLAIMED = 2**64 - 1  # the key of positions in which a draw can be claimed, whatever came before


def fill(module: ModuleType) -> None:
    """Give the module every optional constant and function of the contract that it lacks."""
    constants = {
        "LOGITS": module.ACTIONS,
        "POLICY": None,
        "SYMMETRIES": 1,
        "REPETITION": 0,
        "RULES_VERSION": 1,
        "SGF": None,
        "LATER": (),
        "TERMS": 1,
        "PROOF_NODES": 0,
        "TERM_LOGITS": getattr(module, "LOGITS", module.ACTIONS),
        "FEATURES": prod(module.PLANES),
        "MAX_ACTIVE": prod(module.PLANES),
    }
    for name, value in constants.items():
        vars(module).setdefault(name, value)
    makers: dict[str, Callable[[ModuleType], Callable[..., Any]]] = {
        "policy_index": _policy_index,
        "features": _features,
        "transform": _transform,
        "transform_action": _transform_action,
        "key": _key,
        "eval_key": lambda module: _same_key(module.key),
    }
    for name, make in makers.items():
        if not hasattr(module, name):
            function = make(module)
            function.__module__, function.__name__, function.__qualname__ = module.__name__, name, name
            setattr(module, name, register_jitable(function))
    one_term = _one_term(module)
    one_term.__module__, one_term.__name__, one_term.__qualname__ = module.__name__, "one_term", "one_term"
    vars(module)["one_term"] = register_jitable(one_term)
    vars(module).setdefault("policy_terms", module.one_term)
    listed = _listed(module)
    listed.__module__, listed.__name__, listed.__qualname__ = module.__name__, "listed", "listed"
    vars(module)["listed"] = register_jitable(listed)
    for name in ("static_value", "best_first", "wins_at_once"):
        vars(module).setdefault(name, None)
    vars(module)["ahead"] = None
    if module.wins_at_once is not None:
        ahead = _ahead(module.wins_at_once)
        ahead.__module__, ahead.__name__, ahead.__qualname__ = module.__name__, "ahead", "ahead"
        vars(module)["ahead"] = register_jitable(ahead)


def _policy_index(module: ModuleType) -> Callable[..., Any]:
    return lambda s, a: a


def _one_term(module: ModuleType) -> Callable[..., Any]:
    policy_index = module.policy_index

    def one_term(s: Any, moves: Any, n: Any, out: Any) -> None:
        for j in range(n):
            out[j, 0] = policy_index(s, moves[j])

    return one_term


def _features(module: ModuleType) -> Callable[..., Any]:
    encode, shape = module.encode, module.PLANES

    def features(s: Any, out: Any) -> Any:
        planes = np.zeros(shape, np.float32)
        encode(s, planes)
        count = 0
        for i, value in enumerate(planes.ravel()):
            if value != 0:
                out[count] = i
                count += 1
        return count

    return features


def _listed(module: ModuleType) -> Callable[..., Any]:
    features, inputs = module.features, module.FEATURES

    def listed(s: Any, planes: Any) -> None:
        active = np.empty(planes.shape[2], np.int32)
        count = features(s, active)
        for i in range(planes.shape[2]):
            planes[0, 0, i] = active[i] if i < count else inputs

    return listed


def _ahead(wins_at_once: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s, out: -1 if wins_at_once(s) else 0


def _transform(module: ModuleType) -> Callable[..., Any]:
    return lambda s, k, out: False


def _transform_action(module: ModuleType) -> Callable[..., Any]:
    return lambda k, a: a


def _same_key(key: Callable[..., Any]) -> Callable[..., Any]:
    return lambda s: key(s)


def _key(module: ModuleType) -> Callable[..., Any]:
    """A hash over every field of the record, built field by field: compiled code cannot loop over a record's fields."""

    def nothing(s: Any) -> Any:
        return U(0x243F6A8885A308D3)

    def scalar(field: str, rest: Callable[..., Any]) -> Callable[..., Any]:
        return lambda s: mix(rest(s) * U(0x9E3779B97F4A7C15) + U(np.int64(s[field])))

    def unsigned(field: str, rest: Callable[..., Any]) -> Callable[..., Any]:
        return lambda s: mix(rest(s) * U(0x9E3779B97F4A7C15) + U(s[field]))

    def array(field: str, rest: Callable[..., Any]) -> Callable[..., Any]:
        def walk(s: Any) -> Any:
            h = rest(s)
            for value in s[field].flat:
                h = mix(h * U(0x9E3779B97F4A7C15) + U(np.int64(value)))
            return h

        return walk

    fields = module.STATE.fields
    assert fields is not None
    function: Callable[..., Any] = nothing
    for field in module.STATE.names:
        kind = fields[field][0]
        step = array if kind.shape else unsigned if kind.kind == "u" else scalar
        function = step(field, register_jitable(function))
    return function
