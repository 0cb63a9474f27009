"""go: what is read, and the time that a move gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.uci.limits import LEAST, MOST_OF_CLOCK, NUMBERS, OF_INCREMENT, WORDS, Limits, parse_go

WORD = st.one_of(
    st.sampled_from([*NUMBERS, *WORDS, "searchmoves", "e2e4"]), st.integers().map(str), st.text(max_size=5)
)


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        ("", Limits()),
        ("infinite", Limits(infinite=True)),
        ("wtime 1000 btime 900 winc 10 binc 5", Limits({"wtime": 1000, "btime": 900, "winc": 10, "binc": 5})),
        ("ponder wtime -5", Limits({"wtime": -5}, ponder=True)),
        ("searchmoves e2e4 d2d4 nodes 5", Limits({"nodes": 5}, ("e2e4", "d2d4"))),
        ("nodes 5 searchmoves e2e4", Limits({"nodes": 5}, ("e2e4",))),
        ("fast nodes 5 please depth 2", Limits({"nodes": 5, "depth": 2})),
        ("nodes five depth 2", Limits({"depth": 2}, refused=("nodes takes a whole number, not 'five'",))),
        ("nodes", Limits(refused=("nodes takes a whole number, not ''",))),
        ("nodes " + "1" * 19, Limits({"nodes": 10**18})),
        ("wtime -" + "9" * 1000, Limits({"wtime": -(10**18)})),
        ("nodes " + "1" * 1001, Limits(refused=(f"nodes takes a whole number, not '{'1' * 1001}'",))),
    ],
)
def test_what_is_read(line: str, limits: Limits) -> None:
    assert parse_go(line.split()) == limits


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("movetime 1000", 0.97),
        ("movetime 10", LEAST),
        ("infinite wtime 1000", None),
        ("btime 1000", None),
        ("wtime 60000", (60 - 31 * 0.03) / 30),
        ("wtime 60000 movestogo 10", (60 - 11 * 0.03) / 10),
        ("wtime 60000 movestogo 100", (60 - 31 * 0.03) / 30),
        ("wtime 10000 movestogo 1", MOST_OF_CLOCK * 9.97),
        ("wtime 1000 winc 100", (1 + 2.9 * OF_INCREMENT - 31 * 0.03) / 30),
        ("wtime 100 winc 1000", MOST_OF_CLOCK * 0.07),
        ("wtime 20", LEAST),
        ("wtime -50 winc -3", LEAST),
    ],
)
def test_the_time_of_a_move(line: str, seconds: float | None) -> None:
    assert parse_go(line.split()).seconds(False, 0.03) == pytest.approx(seconds)
    swapped = line.replace("winc", "binc").replace("wtime", "otime").replace("btime", "wtime").replace("otime", "btime")
    assert parse_go(swapped.split()).seconds(True, 0.03) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("line", "overhead", "seconds"),
    [
        ("wtime 5000", 0.2, 2.5 / 30),
        ("wtime 120000", 5, 60 / 30),
        ("wtime 120000 movestogo 40", 5, 60 / 30),
        ("wtime 7000 movestogo 2", 1, (7 - 3 * 1) / 2),
        ("wtime 5000 winc 100", 0.2, 2.5 / 30),
        ("wtime 5000 winc 300", 0.2, (5 + 29 * OF_INCREMENT * 0.3 - 31 * 0.2) / 30),
    ],
)
def test_overheads_to_come_reserve_half_the_clock_at_most(line: str, overhead: float, seconds: float) -> None:
    assert parse_go(line.split()).seconds(False, overhead) == pytest.approx(seconds)


MILLISECONDS = st.one_of(st.integers(-9, 10**4), st.integers(-(2**31), 2**31 - 1))


@given(MILLISECONDS, MILLISECONDS, st.one_of(st.integers(-9, 99), st.integers()), st.integers(0, 5000))
def test_no_move_spends_what_the_clock_has_not(left: int, increment: int, moves: int, overhead: int) -> None:
    seconds = Limits({"wtime": left, "winc": increment, "movestogo": moves}).seconds(False, overhead / 1000)
    assert seconds is not None
    assert seconds == LEAST or LEAST < seconds <= (left - overhead) / 1000


def test_a_long_game_at_one_second_and_a_tenth_is_not_lost_on_time() -> None:
    """Each move takes its time and some 15 ms that nobody had reckoned with."""
    left = 1000.0
    for _ in range(500):
        seconds = Limits({"wtime": int(left), "winc": 100}).seconds(False, 0.03)
        assert seconds is not None
        left -= 1000 * seconds + 30 + 15
        assert left > 150
        left += 100


@pytest.mark.parametrize(
    ("line", "simulations"),
    [("nodes 7", 7), ("nodes 0", 1), ("nodes -3", 1), ("depth 5", 32), ("depth 5 nodes 7", 7), ("depth 2 nodes 7", 4)],
)
def test_counted(line: str, simulations: int) -> None:
    assert parse_go(line.split()).simulations == simulations


@pytest.mark.parametrize("line", ["", "ponder", "movestogo 5", "winc 3", "searchmoves e2e4", "nodes x"])
def test_bare(line: str) -> None:
    assert parse_go(line.split()).bare(black=False)


def test_the_other_sides_clock_is_no_limit() -> None:
    limits = parse_go(["btime", "1000", "binc", "100"])
    assert limits.bare(black=False)
    assert not limits.bare(black=True)


@given(st.lists(WORD))
def test_any_words_are_read(words: list[str]) -> None:
    limits = parse_go(words)
    assert limits.simulations is None or limits.simulations >= 1
    for black in (False, True):
        seconds = limits.seconds(black, 0.03)
        assert seconds is None or seconds >= LEAST
