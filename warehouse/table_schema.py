"""What a table's schema says: its columns with unit and meaning, its grain, and where its rows lie.

A *small* table is stored as Parquet with its run and copied into the catalog file, so it answers in milliseconds; a *big*
one stays Parquet and is a view. ``run_id`` is a column of every table for readers, but lies in the folder name, not in the files.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

UTC_NS = pa.timestamp("ns", tz="UTC")
TEXT = pa.string()
REAL = pa.float64()
COUNT = pa.int64()
DATE = pa.date32()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name with unit, Arrow type, meaning."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table: what a row is, how rows are sorted, and its columns."""

    name: str
    grain: str
    small: bool
    sort_by: tuple[str, ...]
    columns: tuple[Column, ...]
    streamed: bool = False  # written while the run goes on, by the million rows: packed for speed

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of a stored file, without ``run_id``."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])
