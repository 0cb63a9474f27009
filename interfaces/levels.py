"""What the engine's levels from 1 to 10 mean: how it chooses, how much it thinks, and how loosely it picks.

The higher, the stronger (benchmarks/levels.py). A net's own choice comes first, drawn at a temperature that falls from
level to level, then the search that it guides; without a net the search alone, which thinks more and picks more surely.
"""

import secrets

from games.errors import TandemError
from players.spec import PlayerSpec, parse_spec

WITH_NET = (
    "net:temperature=3",
    "net:temperature=2",
    "net:temperature=1.3",
    "net:temperature=0.8",
    "net:temperature=0.4",
    "net",
    "hybrid:simulations=50",
    "hybrid:simulations=200",
    "hybrid:simulations=800",
    "hybrid:simulations=3200",
)
WITHOUT = (
    "search:simulations=5,temperature=3",
    "search:simulations=10,temperature=2",
    "search:simulations=20,temperature=1.3",
    "search:simulations=40,temperature=0.8",
    "search:simulations=100,temperature=0.4",
    "search:simulations=300",
    "search:simulations=1000",
    "search:simulations=3000",
    "search:simulations=10000",
    "search:simulations=30000",
)
LEVELS = len(WITH_NET)


def read_level(text: str) -> int:
    """The level that a text names; TandemError when it names none."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LEVELS:
        raise TandemError(f"a level is a whole number from 1, the weakest, to {LEVELS}, not '{text[:40]}'")
    return int(text)


def level_spec(level: int, *, net: bool, base: PlayerSpec) -> PlayerSpec:
    """The player of a level; `base` says the seed, else another one each time, that no two games need be the same."""
    spec = parse_spec((WITH_NET if net else WITHOUT)[level - 1])
    seed = base.seed if base.seed is not None else secrets.randbits(32)
    return spec.with_options(seed=seed, backend=base.backend if net else None)
