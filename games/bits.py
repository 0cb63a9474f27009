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


def append_bits(out: Any, n: Any, word: Any, base: Any) -> int:
    """Write base + i into out[n:], int32, for every set bit i of a uint64, in order; how many entries out then holds.

    Compiled code writes eight at a time where out has room for eight more, so what follows in out may be overwritten.
    """
    word = int(word)
    while word:
        out[n] = base + ctz(word)
        n += 1
        word &= word - 1
    return int(n)


# For every byte the indices of its set bits, one a byte from the lowest up.
_INDICES = [sum(bit << 8 * at for at, bit in enumerate(i for i in range(8) if b >> i & 1)) for b in range(256)]


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


@intrinsic
def _append_bits(typing_context: Any, out: Any, n: Any, word: Any, base: Any) -> Any:
    """append_bits for a contiguous int32 array; an intrinsic, as a function would count references to the array."""
    number, long = ir.IntType(32), ir.IntType(64)
    eight = ir.VectorType(number, 8)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, n, word, base = arguments
        view = context.make_array(signature.args[0])(context, builder, array)
        count = builder.ctpop(word)
        end = builder.add(n, count)
        has_room = builder.icmp_signed("<=", builder.add(end, long(8)), builder.extract_value(view.shape, 0))
        with builder.if_else(has_room) as (by_eights, one_by_one):
            with by_eights:
                table = ir.Constant(ir.ArrayType(long, 256), _INDICES)
                table = cgutils.global_constant(builder, "indices_of_bits", table)  # type: ignore[no-untyped-call]
                at = n
                for k in range(0, 64, 8):
                    byte = builder.and_(builder.lshr(word, long(k)), long(255))
                    indices = builder.load(builder.gep(table, [long(0), byte]))
                    indices = builder.zext(builder.bitcast(indices, ir.VectorType(ir.IntType(8), 8)), eight)
                    first = builder.insert_element(eight(ir.Undefined), builder.add(base, number(k)), number(0))
                    first = builder.shuffle_vector(first, first, eight([0] * 8))
                    place = builder.bitcast(builder.gep(view.data, [at]), eight.as_pointer())
                    builder.store(builder.add(indices, first), place, align=4)
                    at = builder.add(at, builder.ctpop(byte))
            with one_by_one:
                left = cgutils.alloca_once_value(builder, word)  # type: ignore[no-untyped-call]
                with cgutils.for_range(builder, count) as loop:
                    bits = builder.load(left)
                    index = builder.trunc(builder.cttz(bits, ir.IntType(1)(0)), number)
                    builder.store(builder.add(base, index), builder.gep(view.data, [builder.add(n, loop.index)]))
                    builder.store(builder.and_(bits, builder.sub(bits, long(1))), left)
        return end

    return types.int64(out, types.int64, types.uint64, types.int32), generate


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


@overload(append_bits, inline="always")
def _append_bits_overload(out: Any, n: Any, word: Any, base: Any) -> Any:
    def compiled(out: Any, n: Any, word: Any, base: Any) -> Any:
        return _append_bits(out, np.int64(n), np.uint64(word), np.int32(base))  # type: ignore[call-arg]

    fits = isinstance(out, types.Array) and (out.dtype, out.ndim, out.layout) == (types.int32, 1, "C")
    return compiled if fits else None
