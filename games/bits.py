"""Helpers close to the processor that run both compiled and in plain Python."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def popcount(x: Any) -> int:
    """Number of set bits of a uint64."""
    return int(x).bit_count()


def ctz(x: Any) -> int:
    """Index of the lowest set bit of a uint64; 64 when none is set."""
    x = int(x)
    return 64 if x == 0 else (x & -x).bit_length() - 1


def bswap(x: Any) -> np.uint64:
    """The eight bytes of a uint64 in reverse order: on an 8x8 board of one byte a row, the board upside down."""
    return np.uint64(int.from_bytes(int(x).to_bytes(8, "little"), "big"))


@intrinsic
def _ctpop(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _cttz(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def _bswap(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), generate


def prefetch(array: Any, index: Any) -> None:
    """Have the processor fetch array[index], of one dimension, while it works on; nothing at all in plain Python."""


@intrinsic
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        at = [arguments[1]]
        item = cgutils.get_item_pointer(context, builder, kind, view, at, False)  # type: ignore[no-untyped-call]
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kinds = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kinds)
        builder.call(fetch, [builder.bitcast(item, byte), word(0), word(3), word(1)])  # to read data, into all caches

    return types.void(array, types.int64), generate


# An overload's implementation must repeat its annotations: Numba compares whole signatures. The ignored argument is
# the typing context, which Numba passes to an intrinsic.
@overload(popcount)
def _popcount(x: Any) -> Any:
    def compiled(x: Any) -> Any:
        return np.int64(_ctpop(np.uint64(x)))  # type: ignore[call-arg]

    return compiled


@overload(ctz)
def _ctz(x: Any) -> Any:
    def compiled(x: Any) -> Any:
        return np.int64(_cttz(np.uint64(x)))  # type: ignore[call-arg]

    return compiled


@overload(bswap)
def _bswap_overload(x: Any) -> Any:
    def compiled(x: Any) -> Any:
        return _bswap(np.uint64(x))  # type: ignore[call-arg]

    return compiled


@overload(prefetch)
def _prefetch_overload(array: Any, index: Any) -> Any:
    def compiled(array: Any, index: Any) -> Any:
        _prefetch(array, np.int64(index))  # type: ignore[call-arg]

    return compiled
