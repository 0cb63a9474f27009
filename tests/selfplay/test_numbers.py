"""Every number is in one place: not yet given out, leased to one holder, lost, or delivered."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from selfplay.numbers import Ledger

HOLDERS = st.sampled_from("abc")


class Bookkeeping(RuleBasedStateMachine):
    """Leases, deliveries of any order, twice and to the wrong one, and losses, beside sets that keep the books too."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(7)
        self.leased: dict[str, set[int]] = {}
        self.lost: set[int] = set()
        self.delivered: list[int] = []
        self.given = 7  # first number that was never leased

    @rule(holder=HOLDERS, least=st.integers(0, 9))
    def top_up(self, holder: str, least: int) -> None:
        fresh = self.ledger.top_up(holder, least).tolist()
        held = self.leased.setdefault(holder, set())
        assert len(fresh) == max(0, least - len(held))
        again = sorted(self.lost)[: len(fresh)]
        assert fresh == [*again, *range(self.given, self.given + len(fresh) - len(again))]
        self.given += len(fresh) - len(again)
        self.lost -= set(again)
        held |= set(fresh)

    @rule(holder=HOLDERS, numbers=st.lists(st.integers(5, 40), max_size=6))
    def deliver(self, holder: str, numbers: list[int]) -> None:
        held, expected = self.leased.get(holder, set()), []
        for number in numbers:
            expected.append(number in held)
            held.discard(number)
        assert self.ledger.deliver(holder, np.array(numbers, np.int64)).tolist() == expected
        self.delivered += [number for number, taken in zip(numbers, expected, strict=True) if taken]

    @rule(holder=HOLDERS)
    def lose(self, holder: str) -> None:
        self.ledger.lose(holder)
        self.lost |= self.leased.pop(holder, set())

    @invariant()
    def each_is_in_one_place(self) -> None:
        places = [*self.delivered, *self.lost, *(number for held in self.leased.values() for number in held)]
        assert sorted(places) == list(range(7, self.given))


Bookkeeping.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_bookkeeping = Bookkeeping.TestCase
