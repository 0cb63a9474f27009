"""Which actor plays which game: numbers are leased, delivered once, and leased again when their actor is lost."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Ledger:
    """The numbers of a run's games, each in one place: not yet given out, leased to one holder, lost, or delivered.

    Numbers that a lost holder had not delivered are the next to be leased, so that no game is missing for good.
    """

    def __init__(self, first: int) -> None:
        """`first` is the lowest number that was never given out."""
        self._next = first
        self._lost = np.zeros(0, np.int64)  # rising
        self._leased: dict[Hashable, Numbers] = {}  # each rising

    def top_up(self, holder: Hashable, least: int) -> Numbers:
        """Lease as many more to `holder` as make its undelivered ones `least`; the fresh ones, [n]."""
        held = self._leased.get(holder, np.zeros(0, np.int64))
        wanted = max(0, least - len(held))
        again, self._lost = self._lost[:wanted], self._lost[wanted:]
        fresh = np.arange(self._next, self._next + wanted - len(again))
        self._next += len(fresh)
        given = np.concatenate([again, fresh])
        self._leased[holder] = np.sort(np.concatenate([held, given]))
        return given

    def deliver(self, holder: Hashable, numbers: Numbers) -> NDArray[np.bool_]:
        """Mark games [n] as delivered; a mask [n], false where a number is not leased to `holder` or comes twice."""
        held = self._leased.get(holder, np.zeros(0, np.int64))
        first = np.zeros(len(numbers), np.bool_)
        first[np.unique(numbers, return_index=True)[1]] = True
        taken = first & np.isin(numbers, held)
        if holder in self._leased:
            self._leased[holder] = np.setdiff1d(held, numbers[taken], assume_unique=True)
        return taken

    def lose(self, holder: Hashable) -> None:
        """The holder is gone: what it had not delivered is to be played again, by others."""
        self._lost = np.sort(np.concatenate([self._lost, self._leased.pop(holder, np.zeros(0, np.int64))]))
