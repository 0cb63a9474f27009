"""Ctrl-C during a search."""

import signal

import pytest

from interfaces.interrupt import interruptible
from tests.interfaces.helpers import session


def test_the_first_is_noted_the_second_raises_and_afterwards_all_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.caught
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_search_that_is_stopped_at_once_still_has_a_move():
    for spec in ("search:simulations=100000", "search:seconds=100"):
        opened = session(spec, "connect4")
        with interruptible() as interrupt:
            signal.raise_signal(signal.SIGINT)
            result = opened.think(interrupt.stop)
        assert 1 <= result.simulations <= 1000
        assert result.action in opened.position.legal()


def test_without_ctrl_c_nothing_stops():
    with interruptible() as interrupt:
        assert not any(interrupt.stop() for _ in range(3))
    assert not interrupt.caught
