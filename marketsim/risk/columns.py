"""Columns of Arrow tables as numpy arrays: times as int64 nanoseconds, dates as int64 days, numbers as float64 with NaN for null."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from marketsim.risk.observations import FloatArray, IntArray


def numbers(table: pa.Table, name: str) -> FloatArray:
    """Return a numeric column, (n,) float64; null becomes NaN."""
    return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def times(table: pa.Table, name: str) -> IntArray:
    """Return a timestamp column without nulls, (n,) int64 nanoseconds since the epoch, UTC."""
    return np.asarray(table[name].cast(pa.int64()).to_numpy(), dtype=np.int64)


def days(table: pa.Table, name: str) -> IntArray:
    """Return a date column without nulls, (n,) int64 days since the epoch."""
    return np.asarray(table[name].cast(pa.int32()).to_numpy(), dtype=np.int64)


def codes(table: pa.Table, name: str) -> tuple[list[str], IntArray]:
    """Return the distinct texts of a column in order of appearance, and each row's position among them, (n,) int64."""
    encoded = table[name].combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def rows_of(table: pa.Table, name: str, value: str) -> pa.Table:
    """Return the rows whose text column ``name`` equals ``value``, in their order."""
    labels, code = codes(table, name)
    if value not in labels:
        return table.slice(0, 0)
    return table.filter(pa.array(code == labels.index(value)))
