"""Parquet files whose bytes depend on the rows alone, however the rows arrive, and their description."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.digest import TableDigest, table_digest
from warehouse.rows import RowChecks, check_columns
from warehouse.settings import ROW_GROUP_ROWS
from warehouse.table_schema import TableSchema


@dataclass(frozen=True, slots=True)
class TableFile:
    """One Parquet file: what it holds and how to recognise it."""

    table: str
    n_rows: int
    n_bytes: int
    sha256: str
    digest: str
    columns: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TableFile:
        """Build it from :meth:`as_json`; raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is something else."""
        columns = tuple((str(name), str(type_)) for name, type_ in content["columns"])
        numbers = {name: int(content[name]) for name in ("n_rows", "n_bytes")}
        return cls(table=str(content["table"]), sha256=str(content["sha256"]), digest=str(content["digest"]), columns=columns, **numbers)


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a file while it was written."""

    n_rows: int
    digest: str


def column_types(schema: pa.Schema) -> tuple[tuple[str, str], ...]:
    """Return name and Arrow type of each column as text."""
    return tuple((field.name, str(field.type)) for field in schema)


class Writer:
    """Writes rows as Parquet as they come; equal rows give equal bytes however they are cut into batches.

    At most one row group and one batch are in memory. It ends with `close` or `abandon`.

    Parameters
    ----------
    file : where the bytes go
    schema : the table
    """

    def __init__(self, file: IO[bytes], schema: TableSchema) -> None:
        self._schema, self._checks, self._digest = schema, RowChecks(schema), TableDigest(schema.arrow)
        self._writer = pq.ParquetWriter(file, schema.arrow, version="2.6", data_page_version="1.0", **_packing(schema))
        self._lenient = pa.schema([field.with_nullable(nullable=True) for field in schema.arrow])
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = self._n_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows.

        Raises
        ------
        WarehouseError
            The batch has other columns, a required value is missing, or the rows are not sorted as the schema says.
        """
        check_columns(self._schema, batch.schema)
        self._waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=self._lenient))
        self._n_waiting += batch.num_rows
        if self._n_waiting >= ROW_GROUP_ROWS:
            rows = pa.Table.from_batches(self._waiting)
            n_whole = self._n_waiting - self._n_waiting % ROW_GROUP_ROWS
            for start in range(0, n_whole, ROW_GROUP_ROWS):
                self._write_group(rows.slice(start, ROW_GROUP_ROWS))
            self._waiting, self._n_waiting = rows.slice(n_whole).to_batches(), self._n_waiting - n_whole

    def close(self) -> Written:
        """Write what is waiting and the file's end."""
        if self._n_waiting:
            self._write_group(pa.Table.from_batches(self._waiting))
        self._waiting, self._n_waiting = [], 0
        self._writer.close()
        return Written(self._n_rows, self._digest.hexdigest())

    def abandon(self) -> None:
        """Give up what is still open; the file is worth nothing then, so that it does not matter whether its end can be written."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _write_group(self, group: pa.Table) -> None:
        rows = self._checks.check(group).combine_chunks()
        for batch in rows.to_batches():
            self._digest.update(batch)
        self._writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
        self._n_rows += rows.num_rows


def _packing(schema: TableSchema) -> dict[str, Any]:
    """Return how a table's columns are encoded: of streamed ones whole numbers and times as differences, the rest by dictionary."""
    if not schema.streamed:
        return {"compression": "zstd"}
    whole = [field.name for field in schema.arrow if pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type)]
    plain = [field.name for field in schema.arrow if pa.types.is_boolean(field.type)]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [field.name for field in schema.arrow if field.name not in whole + plain],
        "column_encoding": dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
    }


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows batch by batch, as stored."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=ROW_GROUP_ROWS)


def faults_of(path: Path, expected: TableFile) -> list[str]:
    """Return what differs between a file and its description: columns, number of rows, content; empty when nothing does."""
    try:
        with pq.ParquetFile(path) as file:
            schema, n_rows = file.schema_arrow, file.metadata.num_rows
        if column_types(schema) != expected.columns:
            return [f"has the columns {column_types(schema)}, expected {expected.columns}"]
        if n_rows != expected.n_rows:
            return [f"has {n_rows} rows, expected {expected.n_rows}"]
        if table_digest(read_batches(path), schema) != expected.digest:
            return [f"does not say what was written: its digest is not {expected.digest}"]
    except (pa.ArrowException, OSError) as fault:
        return [f"cannot be read as Parquet ({fault})"]
    return []
