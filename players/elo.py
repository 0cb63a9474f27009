"""From pair scores to an Elo difference with its 95 % interval.

The unit of observation is the pair: both games of one opening, colours swapped, score 0, 1/4, 1/2, 3/4 or 1 together,
and two games of one opening are not independent. The interval is Wilson's (1927) with an effective number of pairs in
place of n, which Korn and Graubard (1998, Survey Methodology 24) define for clustered samples:

    n' = n / d * (z / t)^2                   d = variance of a pair / (m (1 - m)), t = Student's quantile, n - 1 degrees
    (m + z^2/2n' -+ z sqrt(m (1 - m)/n' + z^2/4n'^2)) / (1 + z^2/n')

It keeps within 0 and 1, and reaches them only where every pair was lost or won: Elo is then bounded on one side only.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

TAIL = 0.975
Z = NormalDist().inv_cdf(TAIL)
# From here on Student's quantile and the normal one differ by less than a thousandth.
NORMAL_FROM = 1500


class Interval(NamedTuple):
    """Both ends of a 95 % interval."""

    low: float
    high: float


def score_interval(pairs: Sequence[float]) -> Interval:
    """95 % interval of the expected score in [0, 1], from the scores of one or more pairs, each in [0, 1]."""
    n, m = len(pairs), sum(pairs) / len(pairs)
    spread = m * (1 - m)
    if spread > 0:
        # One imagined pair of the largest variance keeps a match of draws alone from looking certain.
        design = min((sum((x - m) ** 2 for x in pairs) + spread) / n / spread, 1)
    else:
        design = 1.0
    size = n / design * (Z / student_quantile(max(n - 1, 1))) ** 2
    centre, scale = m + Z**2 / (2 * size), 1 + Z**2 / size
    half = Z * math.sqrt(spread / size + Z**2 / (4 * size**2))
    low = 0.0 if m == 0 else (centre - half) / scale
    high = 1.0 if m == 1 else (centre + half) / scale
    return Interval(low, high)


def elo(score: float) -> float:
    """The Elo difference at which `score` in [0, 1] is expected; infinite at 0 and 1."""
    if score in (0, 1):
        return math.inf if score else -math.inf
    return 400 * math.log10(score / (1 - score)) + 0.0


def student_quantile(degrees: int) -> float:
    """Student's t at TAIL for 1 or more degrees of freedom, by bisection."""
    if degrees >= NORMAL_FROM:
        return Z
    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_within(middle, degrees) < 2 * TAIL - 1 else (low, middle)
    return (low + high) / 2


def _student_within(t: float, degrees: int) -> float:
    """P(|T| < t), by the finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0 if degrees == 1 else term
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
