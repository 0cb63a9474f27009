"""Dirichlet noise for root priors (AlphaGo Zero, Silver et al. 2017, Methods, "Self-play")."""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine.tree import set_prior
from games.rng import uniform


@register_jitable
def normal(rng: Any) -> Any:
    """One standard normal draw, by Box and Muller."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(rng)))
    return radius * np.cos(2.0 * np.pi * uniform(rng))


@register_jitable
def gamma(rng: Any, shape: Any) -> Any:
    """One gamma draw of any positive shape and scale 1 (Marsaglia and Tsang 2000)."""
    if shape < 1.0:  # a draw of shape + 1, shrunk, as they advise
        boost = (1.0 - uniform(rng)) ** (1.0 / shape)
        shape += 1.0
    else:
        boost = 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        x = normal(rng)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and np.log(1.0 - uniform(rng)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return boost * d * v


@register_jitable
def add_noise(tree: Any, rng: Any, concentration: Any, weight: Any) -> None:
    """Mix the priors of the root's children with a Dirichlet draw of `concentration` / children per child."""
    first, count = np.int64(tree[0].first_child), np.int64(tree[0].child_count)
    noise = np.empty(count)
    for j in range(count):
        noise[j] = gamma(rng, concentration / count) + 1e-30
    total = noise.sum()
    for j in range(count):
        child = tree[first + j]
        set_prior(child, np.float32((1.0 - weight) * child.prior + weight * noise[j] / total))
