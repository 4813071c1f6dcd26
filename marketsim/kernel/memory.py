"""Tables of records behind plain addresses, which compiled code reaches without carrying arrays about.

A NumPy array travels through compiled code as seven scalars with a reference count; a table here is one int64 in a header record.
``accessor(DTYPE)`` gives a function ``(address, index) -> record`` that compiles to one addition. There are no bounds checks.
Tables live in C memory, so that compiled code can let them grow by itself.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

realloc: Any = types.ExternalFunction("realloc", types.intp(types.intp, types.uintp))
madvise: Any = types.ExternalFunction("madvise", types.int32(types.intp, types.uintp, types.int32))
free: Any = types.ExternalFunction("free", types.void(types.intp))


def accessor(dtype: np.dtype[Any]) -> Any:
    """Return a compiled function ``(address: int64, index: int64) -> record of dtype`` at ``address + index * itemsize``."""
    record = numba.from_dtype(dtype)
    size = dtype.itemsize

    @intrinsic
    def at(typingctx: Any, address: Any, index: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            base = context.cast(builder, args[0], signature.args[0], types.int64)
            place = context.cast(builder, args[1], signature.args[1], types.int64)
            where = builder.add(base, builder.mul(place, ir.Constant(ir.IntType(64), size)))
            return builder.inttoptr(where, context.get_value_type(record))

        return record(address, index), codegen

    return at


def _scalar_access(width: Any, bits: int) -> tuple[Any, Any]:
    pointer = ir.IntType(bits).as_pointer()

    def place(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = context.cast(builder, args[0], signature.args[0], types.int64)
        index = context.cast(builder, args[1], signature.args[1], types.int64)
        return builder.inttoptr(builder.add(base, builder.mul(index, ir.Constant(ir.IntType(64), bits // 8))), pointer)

    @intrinsic
    def load(typingctx: Any, address: Any, index: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(place(context, builder, signature, args))
            return context.cast(builder, value, width, types.int64)

        return types.int64(address, index), codegen

    @intrinsic
    def store(typingctx: Any, address: Any, index: Any, value: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            small = context.cast(builder, context.cast(builder, args[2], signature.args[2], types.int64), types.int64, width)
            builder.store(small, place(context, builder, signature, args))
            return context.get_dummy_value()

        return types.none(address, index, value), codegen

    return load, store


load_i32, store_i32 = _scalar_access(types.int32, 32)
load_i64, store_i64 = _scalar_access(types.int64, 64)


@intrinsic
def _load_f64(typingctx: Any, address: Any, index: Any) -> Any:
    del typingctx

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        base = context.cast(builder, args[0], signature.args[0], types.int64)
        place = context.cast(builder, args[1], signature.args[1], types.int64)
        where = builder.add(base, builder.mul(place, ir.Constant(ir.IntType(64), 8)))
        return builder.load(builder.inttoptr(where, ir.DoubleType().as_pointer()))

    return types.float64(address, index), codegen


load_f64: Any = _load_f64


def _bit_scan(name: str) -> Any:
    @intrinsic
    def scan(typingctx: Any, word: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            wide = context.cast(builder, args[0], signature.args[0], types.int64)
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.IntType(64), [ir.IntType(64), ir.IntType(1)]), f"llvm.{name}.i64"
            )
            return builder.call(function, [wide, ir.Constant(ir.IntType(1), 1)])

        return types.int64(word), codegen

    return scan


lowest_bit = _bit_scan("cttz")  # index of the lowest set bit; the word must not be 0
_leading_zeros = _bit_scan("ctlz")


@numba.extending.register_jitable
def highest_bit(word: Any) -> Any:
    """Index of the highest set bit; the word must not be 0."""
    return 63 - _leading_zeros(word)


@intrinsic
def _prefetch(typingctx: Any, address: Any) -> Any:
    del typingctx

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        small = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, small, small, small]), "llvm.prefetch.p0"
        )
        where = builder.inttoptr(context.cast(builder, args[0], signature.args[0], types.int64), byte)
        builder.call(function, [where, ir.Constant(small, 1), ir.Constant(small, 3), ir.Constant(small, 1)])
        return context.get_dummy_value()

    return types.none(address), codegen


prefetch: Any = _prefetch  # (address): asks the processor to bring a cache line near; never faults


def caller(n_arguments: int) -> Any:
    """Return a compiled function ``(code, arguments)`` that calls machine code by its address; 0, or not 0 if it raised.

    Every argument is one word: a whole number, or the address of a record the callee takes as an argument. The callee returns nothing,
    or a whole number that is not looked at.
    """

    @intrinsic
    def call(typingctx: Any, code: Any, arguments: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            status, _ = _called(builder, args, n_arguments)
            return context.cast(builder, status, types.int32, types.int64)

        return types.int64(types.int64, types.UniTuple(types.int64, n_arguments)), codegen

    return call


def telling_caller(n_arguments: int) -> Any:
    """Return a function like that of `caller` that returns two words: its status, and where Numba's record of an exception lies."""

    @intrinsic
    def call(typingctx: Any, code: Any, arguments: Any) -> Any:
        del typingctx

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            status, exception = _called(builder, args, n_arguments)
            words = [context.cast(builder, status, types.int32, types.int64), builder.ptrtoint(builder.load(exception), ir.IntType(64))]
            return context.make_tuple(builder, signature.return_type, words)

        return types.UniTuple(types.int64, 2)(types.int64, types.UniTuple(types.int64, n_arguments)), codegen

    return call


def _called(builder: Any, args: Any, n_arguments: int) -> tuple[Any, Any]:
    """Call machine code in Numba's own convention: where the result goes, where an exception goes, the arguments; it returns a status."""
    word, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.IntType(32), [word.as_pointer(), pointer.as_pointer(), *[word] * n_arguments])
    function = builder.inttoptr(args[0], kind.as_pointer())
    result, exception = cgutils.alloca_once(builder, word), cgutils.alloca_once(builder, pointer, zfill=True)
    status = builder.call(function, [result, exception, *cgutils.unpack_tuple(builder, args[1], n_arguments)])
    return status, exception
