"""95 % intervals of shares, and of the difference between two shares that were counted on the same positions."""

import math
from collections.abc import Sequence

from players.elo import Interval, Z


def wilson(successes: float, n: float) -> Interval:
    """Of a share, n above 0 (Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1); n may be an effective one."""
    p, spread = successes / n, Z * Z / n
    middle = (p + spread / 2) / (1 + spread)
    half = Z * math.sqrt(max(p * (1 - p), 0.0) / n + spread / (4 * n)) / (1 + spread)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def paired_difference(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, Interval]:
    """Share of successes in `second` less that in `first`, and its interval; entry by entry on the same positions.

    Newcombe 1998 ("... based on paired data", Statistics in Medicine 17), method 10: Wilson's intervals of the two
    shares, squared and added with their correlation. It holds where hardly any entry differs, or none.
    """
    n = len(first)
    both = sum(a and b for a, b in zip(first, second, strict=True))
    only_first, only_second = sum(first) - both, sum(second) - both
    neither = n - both - only_first - only_second
    p, q = (both + only_second) / n, (both + only_first) / n
    (low_p, high_p), (low_q, high_q) = wilson(both + only_second, n), wilson(both + only_first, n)
    agreement = float(both * neither - only_first * only_second)
    # His correction for continuity: a positive correlation counts for less, one below n / 2 for nothing.
    agreement = max(agreement - n / 2, 0.0) if agreement > 0 else agreement
    margins = (both + only_second) * (only_first + neither) * (both + only_first) * (only_second + neither)
    correlation = agreement / math.sqrt(margins) if margins else 0.0

    def root(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * correlation * a * b + b * b, 0.0))

    return p - q, Interval(p - q - root(p - low_p, high_q - q), p - q + root(high_p - p, q - low_q))
