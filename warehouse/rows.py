"""What rows of a table must look like before they are stored: the columns, no missing values, and the order of rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import WarehouseError
from warehouse.table_schema import TableSchema


def check_columns(schema: TableSchema, found: pa.Schema) -> None:
    """Raise a :class:`WarehouseError` unless ``found`` has the table's columns, in order, with their types."""
    expected = schema.arrow
    missing = [name for name in expected.names if name not in found.names]
    unknown = [name for name in found.names if name not in expected.names]
    if missing or unknown:
        faults = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(unknown)} besides"] * bool(unknown)
        raise WarehouseError(f"Table {schema.name} {' and '.join(faults)}; expected the columns {', '.join(expected.names)}.")
    if found.names != expected.names:
        order = ", ".join(found.names)
        raise WarehouseError(f"Table {schema.name} has its columns in the order {order}; expected {', '.join(expected.names)}.")
    for have, want in zip(found, expected, strict=True):
        if have.type != want.type:
            raise WarehouseError(f"Column {want.name} of table {schema.name} has type {have.type}; expected {want.type}.")


class RowChecks:
    """Checks batch after batch that required columns have no nulls and that rows are sorted as the table's schema says."""

    def __init__(self, schema: TableSchema) -> None:
        self._schema = schema
        self._arrow = schema.arrow
        self._n_rows = 0
        self._last: pa.Table | None = None

    def check(self, rows: pa.Table) -> pa.Table:
        """Return ``rows`` with the declared nullability.

        Raises
        ------
        WarehouseError
            Names the table, the column, the row counted over all batches, and what was found.
        """
        for field in self._arrow:
            column = rows[field.name]
            if not field.nullable and column.null_count:
                row = self._n_rows + pc.index(column.is_null(), pa.scalar(value=True)).as_py()
                where = f"Column {field.name} of table {self._schema.name}"
                raise WarehouseError(f"{where} is empty in row {row}; expected a value in every row.")
        if self._schema.sort_by and rows.num_rows:
            self._check_order(rows)
        self._n_rows += rows.num_rows
        return rows.cast(self._arrow)

    def _check_order(self, rows: pa.Table) -> None:
        keys = rows.select(list(self._schema.sort_by))
        first = self._n_rows
        if self._last is not None:
            keys, first = pa.concat_tables([self._last, keys]), self._n_rows - 1
        at = _first_out_of_order(keys)
        if at is not None:
            before, after = (_told(keys.slice(i, 1)) for i in (at, at + 1))
            raise WarehouseError(
                f"Table {self._schema.name} is not sorted by {', '.join(self._schema.sort_by)}: row {first + at + 1} ({after}) "
                f"comes after row {first + at} ({before}); sort it before writing."
            )
        self._last = keys.slice(keys.num_rows - 1)


def _told(row: pa.Table) -> str:
    return ", ".join(str(value) for value in row.to_pylist()[0].values())


def _first_out_of_order(keys: pa.Table) -> int | None:
    """Return the first row that is greater than the next one, nulls last, or None."""
    n = keys.num_rows - 1
    tied: Any = None  # rows whose keys so far equal those of the next row
    wrong: Any = None
    for column in keys.columns:
        for values in _comparable(column):
            here, there = values.slice(0, n), values.slice(1, n)
            greater, equal = pc.greater(here, there), pc.equal(here, there)
            found = greater if tied is None else pc.and_(tied, greater)
            wrong = found if wrong is None else pc.or_(wrong, found)
            tied = equal if tied is None else pc.and_(tied, equal)
    at = pc.index(wrong, pa.scalar(value=True)).as_py()
    return None if at < 0 else int(at)


def _comparable(column: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    """Return columns without nulls that order as ``column`` does with its nulls last."""
    if not column.null_count:
        return [column]
    smallest = pc.min(column)
    filled = column.fill_null(smallest) if smallest.is_valid else pa.chunked_array([pa.repeat(0, len(column))])
    return [column.is_null(), filled]
