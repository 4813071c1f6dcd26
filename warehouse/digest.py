"""Digests of what tables say, whatever way they are chunked, sliced, encoded or compressed.

Each column is hashed as three streams: which rows are null, how long each text is, and the values themselves with nulls
as zero. A NaN of any bit pattern counts as one NaN; −0.0 and 0.0 differ, as their bytes do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import WarehouseError


class TableDigest:
    """The digest of a table that arrives batch by batch.

    Parameters
    ----------
    schema : pa.Schema
        Columns in order; names and types count, nullability and metadata do not.

    Raises
    ------
    WarehouseError
        For a column whose type is not a number, boolean, date, timestamp, text, bytes or a dictionary of these.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._fields = [(field.name, _plain(field.type)) for field in schema]
        for name, type_ in self._fields:
            if not (_is_fixed(type_) or _is_text(type_)):
                raise WarehouseError(
                    f"Column {name} has type {type_}, which has no digest; expected numbers, booleans, dates, times or text."
                )
        self._hashes = [(hashlib.sha256(), hashlib.sha256(), hashlib.sha256()) for _ in self._fields]
        self._n_rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of one batch, columns in the order of the schema."""
        self._n_rows += batch.num_rows
        for column, (_, type_), (nulls, lengths, values) in zip(batch.columns, self._fields, self._hashes, strict=True):
            array = column.cast(type_) if column.type != type_ else column
            nulls.update(array.is_null().cast(pa.uint8()).to_numpy().data)
            if _is_text(type_):
                length, content = _text(array)
                lengths.update(length)
                values.update(content)
            else:
                values.update(_fixed(array))

    def hexdigest(self) -> str:
        """Return the sha256 of all rows so far, hexadecimal."""
        columns = [[n, str(t), *(h.hexdigest() for h in hashes)] for (n, t), hashes in zip(self._fields, self._hashes, strict=True)]
        return _digest_json([self._n_rows, columns])


def table_digest(table: pa.Table | Iterable[pa.RecordBatch], schema: pa.Schema | None = None) -> str:
    """Return the sha256 of a table's logical content, hexadecimal.

    Parameters
    ----------
    table : pa.Table or iterable of pa.RecordBatch
        The rows; for batches give ``schema`` too.
    schema : pa.Schema, optional
        Columns of the batches.
    """
    if isinstance(table, pa.Table):
        table, schema = table.to_batches(), table.schema
    if schema is None:
        raise TypeError("batches need their schema")
    digest = TableDigest(schema)
    for batch in table:
        digest.update(batch)
    return digest.hexdigest()


def run_digest(tables: Mapping[str, str]) -> str:
    """Return the digest of a run from the digests of its tables, in whatever order they are given."""
    return _digest_json(dict(tables))


def _digest_json(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(type_: pa.DataType) -> pa.DataType:
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    return pa.large_binary() if _is_text(value) else value


def _is_text(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(kind(type_) for kind in kinds)


def _is_fixed(type_: pa.DataType) -> bool:
    return bool(pa.types.is_boolean(type_) or pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_temporal(type_))


def _text(array: pa.Array) -> tuple[memoryview, memoryview]:
    if array.null_count:
        array = pc.fill_null(array, b"")
    _, offset_buffer, content = array.buffers()
    if not len(array) or content is None:
        return memoryview(bytes(8 * len(array))), memoryview(b"")
    offsets = np.frombuffer(offset_buffer, dtype=np.int64, count=len(array) + 1, offset=8 * array.offset)
    return np.diff(offsets).data, memoryview(content)[int(offsets[0]) : int(offsets[-1])]


def _fixed(array: pa.Array) -> memoryview:
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    elif pa.types.is_temporal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    if array.null_count:
        array = pc.fill_null(array, pa.scalar(0, array.type))
    values = np.ascontiguousarray(array.to_numpy(zero_copy_only=False))
    if values.dtype.kind == "f" and (is_nan := np.isnan(values)).any():
        values = np.where(is_nan, values.dtype.type(np.nan), values)
    return values.data
