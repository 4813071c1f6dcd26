"""Parquet files whose bytes depend on the rows alone, however the rows arrive, and their description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.digest import TableDigest, table_digest
from warehouse.rows import RowChecks, check_columns
from warehouse.schemas import TableSchema
from warehouse.settings import ROW_GROUP_ROWS


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


def write(file: IO[bytes], schema: TableSchema, batches: Iterable[pa.RecordBatch]) -> Written:
    """Write batches as Parquet; equal rows give equal bytes however they are cut into batches.

    At most one row group and one batch are in memory.

    Raises
    ------
    WarehouseError
        When a batch has other columns, a required value is missing, or the rows are not sorted as the schema says.
    """
    checks, digest, n_rows = RowChecks(schema), TableDigest(schema.arrow), 0
    with pq.ParquetWriter(file, schema.arrow, compression="zstd", version="2.6", data_page_version="1.0") as writer:
        for group in _row_groups(batches, schema):
            rows = checks.check(group).combine_chunks()
            for batch in rows.to_batches():
                digest.update(batch)
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
            n_rows += rows.num_rows
    return Written(n_rows, digest.hexdigest())


def _row_groups(batches: Iterable[pa.RecordBatch], schema: TableSchema) -> Iterator[pa.Table]:
    """Yield the rows in tables of ROW_GROUP_ROWS rows, the last one shorter; nulls are still allowed everywhere."""
    lenient = pa.schema([field.with_nullable(nullable=True) for field in schema.arrow])
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    for batch in batches:
        check_columns(schema, batch.schema)
        waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=lenient))
        n_waiting += batch.num_rows
        if n_waiting >= ROW_GROUP_ROWS:
            rows = pa.Table.from_batches(waiting)
            n_whole = n_waiting - n_waiting % ROW_GROUP_ROWS
            yield from (rows.slice(start, ROW_GROUP_ROWS) for start in range(0, n_whole, ROW_GROUP_ROWS))
            waiting, n_waiting = rows.slice(n_whole).to_batches(), n_waiting - n_whole
    if n_waiting:
        yield pa.Table.from_batches(waiting)


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
