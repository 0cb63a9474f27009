"""Kernel nets against the same perceptron written in numpy, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.perceptron import LINE, KernelNet, aligned
from games.errors import TandemError
from tests.engine.helpers import random_layers


def plain(layers, x):
    """All outputs [n, outputs] for inputs [n, inputs]."""
    x = x.astype(np.float64)
    for weight, bias in layers[:-1]:
        x = np.maximum(x @ weight.T.astype(np.float64) + bias, 0)
    return x @ layers[-1][0].T.astype(np.float64) + layers[-1][1]


def outputs(net, x, logits):
    """(logits, wdl) of inputs [n, inputs]; buffers start as NaN, so that an unwritten cell shows."""
    policy, wdl = np.full((len(x), logits), np.nan, np.float32), np.full((len(x), 3), np.nan, np.float32)
    net.evaluate(x.reshape(len(x), 1, 1, -1), policy, wdl)
    return policy, wdl


def hold(layers, x):
    logits = len(layers[-1][1]) - 3
    want = plain(layers, x)
    policy, wdl = outputs(KernelNet("a", layers), x, logits)
    np.testing.assert_allclose(policy, want[:, :logits], rtol=2e-5, atol=2e-5)
    odds = np.exp(want[:, logits:] - want[:, logits:].max(axis=1, keepdims=True))
    np.testing.assert_allclose(wdl, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)


@given(
    st.integers(1, 100),
    st.lists(st.integers(1, 100), min_size=1, max_size=4),
    st.integers(1, 50),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_any_sizes_on_planes_of_zeros_and_ones(inputs, hidden, logits, share, seed):
    """From no input active to all, so that every remainder of a group of rows comes up."""
    x = (np.random.default_rng(seed).random((9, inputs)) < share).astype(np.float32)
    hold(random_layers([inputs, *hidden, logits + 3], seed), x)


@given(st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_inputs_may_be_any_numbers(inputs, seed):
    x = np.random.default_rng(seed).normal(0, 2, (9, inputs)).astype(np.float32)
    hold(random_layers([inputs, 33, 17, 8], seed), x)


@pytest.mark.parametrize("hidden", [(1024, 512), (256,), (300, 200, 100)])
def test_sizes_that_are_played(hidden):
    x = (np.random.default_rng(0).random((50, 84)) < 0.3).astype(np.float32)
    hold(random_layers([84, *hidden, 10]), x)


def test_a_net_with_every_unit_off_or_on():
    for sign in (-1, 1):
        layers = random_layers([20, 40, 40, 9])
        for weight, bias in layers[:-1]:
            weight[:] = sign * abs(weight)
            bias[:] = sign * (abs(bias) + 0.1)
        hold(layers, np.ones((3, 20), np.float32))


def test_batches_do_not_matter():
    x = (np.random.default_rng(1).random((30, 84)) < 0.3).astype(np.float32)
    net = KernelNet("a", random_layers([84, 64, 32, 10]))
    together = outputs(net, x, 7)
    apart = [outputs(net, row[None], 7) for row in x]
    for i in range(2):
        assert np.array_equal(together[i], np.concatenate([pair[i] for pair in apart]))
    net.evaluate(np.zeros((0, 84), np.float32), np.zeros((0, 7), np.float32), np.zeros((0, 3), np.float32))


def test_layers_that_do_not_fit():
    good = random_layers([20, 16, 10])
    for bad in (good[1:], [good[0], good[0]], [(good[0][0], good[1][1]), good[1]]):
        with pytest.raises(TandemError, match="make no perceptron"):
            KernelNet("a", bad)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("part", [0, 1])
def test_weights_that_are_no_numbers(layer, part, value):
    layers = random_layers([20, 16, 10])
    layers[layer][part].flat[-1] = value
    with pytest.raises(TandemError, match="net a holds NaN or infinite weights"):
        KernelNet("a", layers)


def test_outputs_that_are_no_numbers():
    """Finite weights whose products overflow: in the policy alone, in the outcome alone, or to NaN within."""
    x = np.zeros((3, 4), np.float32)
    x[1] = 1
    for row in (0, -1):
        layers = random_layers([4, 4, 10])
        layers[0][0][:], layers[0][1][:], layers[1][0][row] = 3e38, 0, 1
        with pytest.raises(TandemError, match="net a gives NaN or infinite outputs for 1 of 3 positions"):
            outputs(KernelNet("a", layers), x, 7)
    layers = random_layers([4, 4, 4, 10])
    layers[0][0][:], layers[1][0][:] = 3e38, np.tile(np.float32([1, -1, 1, -1]), (4, 1))
    with pytest.raises(TandemError, match="1 of 3 positions"):
        outputs(KernelNet("a", layers), x, 7)


def test_rows_begin_at_cache_lines():
    net = KernelNet("a", random_layers([84, 50, 30, 10]))
    for array in (net.weights.numbers, aligned(7), *net.scratch()[:2]):
        assert array.ctypes.data % (4 * LINE) == 0
    assert net.weights.numbers.dtype == np.float32
    assert not (net.weights.layers % LINE).any()
