"""Elo of several players from the matches between them, on one scale: a match against a much weaker one says little."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

SCALE = 400 / np.log(10)  # Elo for each unit of log-odds
STEPS, CLOSE = 100, 1e-9  # of Newton's method, which takes about six


def bradley_terry(
    who: npt.NDArray[np.int64], pairs: npt.NDArray[np.float64], won: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Maximum likelihood (Bradley and Terry 1952) of who met whom [matches, 2], and of the first's score in each.

    Players are numbered from 0, and matches must link them all; the last one's Elo is 0. Returns the Elo [players - 1]
    of the others, and its covariance [players - 1, players - 1] by the information in the matches, a pair of games
    counting as one trial that is won or lost: a pair says more than that, so the covariance is none too small. One
    drawn pair more between any two who met keeps a player who always won from an infinite rating.
    """
    pairs, won, players = pairs + 1.0, won + 0.5, int(who.max()) + 1
    strengths = np.zeros(players)
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(strengths[who[:, 1]] - strengths[who[:, 0]]))
        gradient, information = np.zeros(players), np.zeros((players, players))
        for (a, b), surplus, weight in zip(who, won - pairs * expected, pairs * expected * (1 - expected), strict=True):
            gradient[[a, b]] += surplus, -surplus
            information[[a, b, a, b], [a, b, b, a]] += weight, weight, -weight, -weight
        step = np.linalg.solve(information[:-1, :-1], gradient[:-1])
        strengths[:-1] += np.clip(step, -2, 2)
        if np.abs(step).max() < CLOSE:
            break
    return SCALE * strengths[:-1], SCALE**2 * np.linalg.inv(information[:-1, :-1])


def linked(base: str, matches: Iterable[tuple[str, str]]) -> set[str]:
    """The players that some chain of matches links to `base`, itself included."""
    found, links = {base}, list(matches)
    while more := {p for link in links if found & set(link) for p in link} - found:
        found |= more
    return found
