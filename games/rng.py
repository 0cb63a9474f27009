"""splitmix64 (Steele, Lea and Flood 2014): one uint64 of state per game or thread.

The same seed gives the same stream compiled and in plain Python; numpy's global generator gives neither.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

U = np.uint64


@register_jitable
def mix(z: Any) -> Any:
    """Scramble one uint64 so that every bit of it moves every bit of the result."""
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


@register_jitable
def next_u64(rng: Any) -> Any:
    """Advance rng (uint64 [1]) and return the next uint64."""
    rng[0] += U(0x9E3779B97F4A7C15)
    return mix(rng[0])


@register_jitable
def below(rng: Any, n: Any) -> Any:
    """A uniform int64 in 0..n-1, n below 2**32."""
    return np.int64(((next_u64(rng) >> U(32)) * U(n)) >> U(32))


@register_jitable
def uniform(rng: Any) -> Any:
    """A uniform float64 in [0, 1)."""
    return np.float64(next_u64(rng) >> U(11)) * 1.1102230246251565e-16


class Random:
    """The same stream for Python code: numpy's scalars warn where splitmix64 means to overflow."""

    def __init__(self, seed: int) -> None:
        self.state = np.array([seed & 0xFFFFFFFFFFFFFFFF], U)

    def below(self, n: int) -> int:
        """A uniform whole number in 0..n-1."""
        with np.errstate(over="ignore"):
            return int(below(self.state, n))

    def uniform(self) -> float:
        """A uniform number in [0, 1)."""
        with np.errstate(over="ignore"):
            return float(uniform(self.state))


def seed_for(seed: int, number: int) -> int:
    """A uint64 seed for the number-th game or thread of a run; any two differ as two random draws would."""
    with np.errstate(over="ignore"):
        return int(mix(mix(U(seed & 0xFFFFFFFFFFFFFFFF)) + U(0x9E3779B97F4A7C15) * U(number + 1)))
