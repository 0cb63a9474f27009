"""Bit tricks and the random generator: compiled and plain Python agree on every input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import TypingError

from games import bits, rng

WORDS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 63).map(lambda n: 1 << n), st.sampled_from([0, 2**64 - 1]))
SEEDS = st.integers(0, 2**64 - 1)


@njit
def compiled_bits(x):
    return bits.popcount(x), bits.ctz(x), bits.bswap(x)


@njit
def compiled_append(out, n, word, base):
    return bits.append_bits(out, n, word, base)


@njit
def compiled_stream(state, bounds):
    values = np.zeros((bounds.shape[0], 3))
    for i in range(bounds.shape[0]):
        values[i, 0] = rng.below(state, bounds[i])
        values[i, 1] = rng.uniform(state)
        values[i, 2] = rng.below(state, 7)
    return values


@njit
def sum_fetched_ahead(values):
    total = 0
    for i in range(values.shape[0]):
        bits.prefetch(values, min(i + 8, values.shape[0] - 1))
        total += values[i].n
    return total


def test_to_fetch_ahead_changes_nothing():
    """In arrays of records too, whose size is no power of two."""
    values = np.zeros(1000, [("n", "i8"), ("rest", "u1", (5,))])
    values["n"] = np.arange(1000)
    before = values.copy()
    assert sum_fetched_ahead(values) == 499_500
    assert np.array_equal(values, before)
    assert bits.prefetch(values, 3) is None


@settings(deadline=None)
@given(WORDS)
def test_bits(x):
    x = np.uint64(x)
    plain = bits.popcount(x), bits.ctz(x), bits.bswap(x)
    assert compiled_bits(x) == plain
    assert plain[0] == bin(int(x)).count("1")
    assert plain[1] == (64 if x == 0 else next(i for i in range(64) if int(x) >> i & 1))
    assert plain[2] == np.array([x]).byteswap()[0]


@settings(deadline=None)
@given(st.lists(WORDS, max_size=4), st.integers(0, 70), st.integers(-3, 3))
def test_append_bits(words, room, base):
    """Whatever room is left after the entries: none of them is lost, and nothing is written past the array."""
    indices = [base + 64 * w + i for w, word in enumerate(words) for i in range(64) if word >> i & 1]
    memory = np.full((2, len(indices) + room + 9), -9, np.int32)
    for row, append in zip(memory, (bits.append_bits, compiled_append), strict=True):
        out, n = row[: len(indices) + room], 0
        for w, word in enumerate(words):
            n = append(out, n, np.uint64(word), base + 64 * w)
        assert n == len(indices)
        assert out[:n].tolist() == indices
        assert (row[len(out) :] == -9).all()


def test_append_bits_is_for_int32():
    with pytest.raises(TypingError):
        compiled_append(np.zeros(9, np.int64), 0, np.uint64(3), 0)


@settings(deadline=None)
@given(SEEDS, st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=20))
def test_stream(seed, bounds):
    """One stream three times: compiled, the plain functions, and the class for Python code."""
    state, plain_state, random = np.array([seed], np.uint64), np.array([seed], np.uint64), rng.Random(seed)
    values = compiled_stream(state, np.array(bounds))
    with np.errstate(over="ignore"):
        plain = [(rng.below(plain_state, n), rng.uniform(plain_state), rng.below(plain_state, 7)) for n in bounds]
    named = [(random.below(n), random.uniform(), random.below(7)) for n in bounds]
    assert values.tolist() == [list(row) for row in plain] == [list(row) for row in named]
    assert state[0] == plain_state[0] == random.state[0]
    assert all(0 <= row[0] < n and 0 <= row[1] < 1 for row, n in zip(plain, bounds, strict=True))


def test_known_values():
    """The first outputs of splitmix64 from state 1234567, as its authors publish them."""
    state = np.array([1234567], np.uint64)
    with np.errstate(over="ignore"):
        found = [int(rng.next_u64(state)) for _ in range(3)]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_below_is_uniform():
    random = rng.Random(3)
    counts = np.bincount([random.below(10) for _ in range(20_000)], minlength=10)
    assert counts.shape == (10,)
    assert abs(counts - 2000).max() < 250  # five and a half standard deviations


@pytest.mark.parametrize("seed", [0, 1, -1, 2**64 - 1])
def test_seeds_of_games_differ(seed):
    seeds = [rng.seed_for(seed, number) for number in range(1000)]
    assert len(set(seeds)) == 1000
    assert seeds == [rng.seed_for(seed, number) for number in range(1000)]
    assert not set(seeds) & {rng.seed_for(seed + 1, number) for number in range(1000)}
