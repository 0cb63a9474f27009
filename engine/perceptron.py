"""A kernel net: a ReLU perceptron evaluated inside compiled code, one position at a time, from plain arrays.

What is zero costs nothing: a layer adds up the weight rows of its active inputs alone (Yu et al., NNUE, 2018, does so
for the first layer), and of the last layer only the outputs asked for are computed. Weights reach kernels as
arguments, so that one compiled kernel serves every size.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, register_jitable

from games.bits import ctz
from games.compiler import FLAGS, code_hash
from games.contract import FloatArray
from games.errors import TandemError

LANES = 32  # units tested for activity at once; vectors and rows are padded with zeros to a multiple of it
LINE = 16  # floats in a cache line; rows begin at one
GROUP = 8  # rows added in one pass: the sums are then loaded and stored once for eight rows
U = np.uint64


class Weights(NamedTuple):
    """A perceptron's numbers, and where each layer's stand.

    layers int64 [layers, 4]: INPUTS, WIDTH, ROWS, BIAS. From numbers[ROWS] on, float32 numbers hold a row of WIDTH for
    each input (what it adds to the WIDTH units); in the last layer a row for each output instead (what it takes of its
    INPUTS). From numbers[BIAS] on stand the units' or outputs' biases. Both counts include the padding.
    """

    numbers: FloatArray
    layers: npt.NDArray[np.int64]


INPUTS, WIDTH, ROWS, BIAS = range(4)


class Scratch(NamedTuple):
    """What one evaluation at a time writes: float32 inputs and units, int32 which are active, float32 their values."""

    inputs: FloatArray
    units: FloatArray
    active: npt.NDArray[np.int32]
    values: FloatArray


def _bits_where(comparison: str) -> Callable[..., Any]:
    """x, i -> the bits of x[i : i + LANES] that compare so with 0, in one vector comparison; NaN always does."""

    @intrinsic
    def bits(typing_context: Any, x: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            vector = ir.VectorType(ir.FloatType(), LANES)
            start = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
            lanes = builder.load(start, align=4)
            found = builder.fcmp_unordered(comparison, lanes, ir.Constant(vector, [0.0] * LANES))
            return builder.zext(builder.bitcast(found, ir.IntType(LANES)), ir.IntType(64))

        return types.uint64(x, types.int64), generate

    return bits


_nonzero, _positive = _bits_where("!="), _bits_where(">")


@register_jitable
def _activate(x: Any, relu: Any, index: Any, value: Any) -> Any:
    """List the inputs that are not 0, or with `relu` the units above 0; returns how many.

    Zeros follow, up to a whole group. A unit that is NaN counts as active: it must reach the outputs.
    """
    n = 0
    for i in range(0, x.shape[0], LANES):
        bits = _positive(x, i) if relu else _nonzero(x, i)
        while bits != U(0):
            k = i + ctz(bits)
            bits &= bits - U(1)
            index[n] = k
            value[n] = x[k]
            n += 1
    for i in range(n, n + GROUP):
        index[i] = 0
        value[i] = 0.0
    return n


@register_jitable
def _row(numbers: Any, start: Any, i: Any, width: Any) -> Any:
    return numbers[start + i * width : start + (i + 1) * width]


@register_jitable(fastmath={"contract"})
def _add_four(y: Any, numbers: Any, start: Any, index: Any, value: Any) -> None:
    """Add to y the rows of index[:4], each times its value."""
    n = y.shape[0]
    a, b = _row(numbers, start, index[0], n), _row(numbers, start, index[1], n)
    c, d = _row(numbers, start, index[2], n), _row(numbers, start, index[3], n)
    p, q, r, s = value[0], value[1], value[2], value[3]
    for j in range(n):
        y[j] += p * a[j] + q * b[j] + r * c[j] + s * d[j]


@register_jitable(fastmath={"contract"})
def _add_eight(y: Any, numbers: Any, start: Any, index: Any, value: Any) -> None:
    """Add to y the rows of index[:8], each times its value."""
    n = y.shape[0]
    a, b = _row(numbers, start, index[0], n), _row(numbers, start, index[1], n)
    c, d = _row(numbers, start, index[2], n), _row(numbers, start, index[3], n)
    e, f = _row(numbers, start, index[4], n), _row(numbers, start, index[5], n)
    g, h = _row(numbers, start, index[6], n), _row(numbers, start, index[7], n)
    p, q, r, s = value[0], value[1], value[2], value[3]
    t, u, v, w = value[4], value[5], value[6], value[7]
    for j in range(n):
        y[j] += p * a[j] + q * b[j] + r * c[j] + s * d[j] + t * e[j] + u * f[j] + v * g[j] + w * h[j]


@register_jitable
def hidden(weights: Any, scratch: Any) -> Any:
    """From scratch.inputs through the hidden layers; returns how many units of the last are active.

    These stand in scratch.active and scratch.values afterwards, for `output`.
    """
    return _through(weights, scratch, _activate(scratch.inputs, False, scratch.active, scratch.values))


@register_jitable
def hidden_of_list(weights: Any, scratch: Any, n: Any) -> Any:
    """`hidden`, of the n inputs that scratch.active lists, each 1 and all others 0."""
    active, values = scratch.active, scratch.values
    for i in range(n):
        values[i] = 1.0
    for i in range(n, n + GROUP):
        active[i] = 0
        values[i] = 0.0
    return _through(weights, scratch, n)


@register_jitable
def _through(weights: Any, scratch: Any, n: Any) -> Any:
    """The hidden layers, from the n active inputs."""
    numbers, layers, active, values = weights.numbers, weights.layers, scratch.active, scratch.values
    for layer in range(layers.shape[0] - 1):
        start, bias = layers[layer, ROWS], layers[layer, BIAS]
        y = scratch.units[: layers[layer, WIDTH]]
        for j in range(y.shape[0]):
            y[j] = numbers[bias + j]
        i = 0
        while i + GROUP <= n:
            _add_eight(y, numbers, start, active[i:], values[i:])
            i += GROUP
        while i < n:
            _add_four(y, numbers, start, active[i:], values[i:])
            i += 4
        n = _activate(y, True, active, values)
    return n


@register_jitable
def output(weights: Any, scratch: Any, n: Any, k: Any) -> Any:
    """The k-th output, of the n active units that `hidden` found."""
    last = weights.layers[-1]
    row = _row(weights.numbers, last[ROWS], k, last[INPUTS])
    y = weights.numbers[last[BIAS] + k]
    for i in range(n):
        y += scratch.values[i] * row[scratch.active[i]]
    return y


@register_jitable
def softmax(x: Any, n: Any) -> Any:
    """Turn the first n of x into probabilities in place; returns whether all were finite."""
    high = x[0]
    total = np.float32(0.0)
    for j in range(n):
        high = max(high, x[j])
        total += x[j]
    finite = np.isfinite(total)
    total = np.float32(0.0)
    for j in range(n):
        x[j] = np.exp(x[j] - high)
        total += x[j]
    for j in range(n):
        x[j] /= total
    return finite


@cache
def _evaluate() -> Callable[..., Any]:
    """Compile (or read from Numba's disk cache) the loop of KernelNet.evaluate."""

    def evaluate(weights: Any, scratch: Any, planes: Any, logits: Any, wdl: Any, features: Any) -> Any:
        """On planes float32 [n, cells]; returns how many positions had NaN or infinite outputs.

        Where features is above 0 the planes are lists of indices that end at `features`.
        """
        bad = 0
        for g in range(planes.shape[0]):
            if features:
                n = 0
                while n < planes.shape[1] and planes[g, n] < features:
                    scratch.active[n] = np.int32(planes[g, n])
                    n += 1
                n = hidden_of_list(weights, scratch, n)
            else:
                for i in range(planes.shape[1]):
                    scratch.inputs[i] = planes[g, i]
                n = hidden(weights, scratch)
            total = np.float32(0.0)
            for k in range(logits.shape[1]):
                logits[g, k] = output(weights, scratch, n, k)
                total += logits[g, k]
            for k in range(3):
                wdl[g, k] = output(weights, scratch, n, logits.shape[1] + k)
            if not softmax(wdl[g], 3) or not np.isfinite(total):
                bad += 1
        return bad

    evaluate.__qualname__ = f"evaluate.{code_hash(b'', ())}"
    compiled: Callable[..., Any] = njit(**FLAGS)(evaluate)
    return compiled


class KernelNet:
    """A perceptron for `Search` to run in its kernel.

    It leads from the planes, or a list of active inputs, to policy logits and three WDL logits. It holds no state:
    threads and searches may share it.
    """

    def __init__(self, net_id: str, layers: Sequence[tuple[FloatArray, FloatArray]], *, listed: bool = False) -> None:
        """Take weight [outputs, inputs] and bias [outputs] of each layer, float32; ReLU follows all but the last.

        Raises TandemError when there are fewer than two layers, their shapes do not fit or a number is not finite.
        """
        self.net_id, self.listed = net_id, listed
        self.inputs = layers[0][0].shape[1]
        shapes = [weight.shape for weight, _ in layers]
        fits = all(outputs == inputs for (outputs, _), (_, inputs) in pairwise(shapes))
        if len(layers) < 2 or not fits or any(bias.shape != weight.shape[:1] for weight, bias in layers):
            raise TandemError(f"net {net_id}: its layers {shapes} make no perceptron")
        if not all(np.isfinite(part).all() for layer in layers for part in layer):
            raise TandemError(f"net {net_id} holds NaN or infinite weights; use an earlier checkpoint")
        self.weights = _pack(layers)

    def scratch(self) -> Scratch:
        """Fresh working space, for one evaluation at a time."""
        widest = int(self.weights.layers[:, INPUTS].max())
        inputs = aligned(int(self.weights.layers[0, INPUTS]))
        return Scratch(inputs, aligned(widest), np.zeros(widest + GROUP, np.int32), aligned(widest + GROUP))

    def evaluate(self, planes: FloatArray, logits: FloatArray, wdl: FloatArray) -> None:
        """Evaluator.evaluate, one position after the other; TandemError when an output is NaN or infinite."""
        rows, features = planes.reshape(len(planes), prod(planes.shape[1:])), self.inputs if self.listed else 0
        bad = _evaluate()(self.weights, self.scratch(), rows, logits, wdl, features)
        if bad:
            raise self.broken(f"{bad} of {len(planes)} positions")

    def broken(self, where: str) -> TandemError:
        """What to raise for outputs that are no numbers."""
        return TandemError(
            f"net {self.net_id} gives NaN or infinite outputs for {where}; "
            "its weights are broken, use an earlier checkpoint"
        )


def aligned(count: int) -> FloatArray:
    """Zeroed float32 [count] that begins at a cache line."""
    numbers = np.zeros(count + LINE, np.float32)
    skip = -numbers.ctypes.data // numbers.itemsize % LINE
    return numbers[skip : skip + count]


def _pack(layers: Sequence[tuple[FloatArray, FloatArray]]) -> Weights:
    def padded(n: int) -> int:
        return -(-n // LANES) * LANES

    blocks, table, at = [], [], 0
    for i, (weight, bias) in enumerate(layers):
        outputs, inputs = weight.shape
        block = np.zeros((padded(outputs), padded(inputs)), np.float32)
        block[:outputs, :inputs] = weight
        rows = block if i == len(layers) - 1 else block.T
        offsets = np.zeros(padded(outputs), np.float32)
        offsets[:outputs] = bias
        table.append((padded(inputs), padded(outputs), at, at + rows.size))
        blocks += [rows.ravel(), offsets]
        at += rows.size + offsets.size
    numbers = aligned(at)
    np.concatenate(blocks, out=numbers)
    return Weights(numbers, np.array(table, np.int64))
