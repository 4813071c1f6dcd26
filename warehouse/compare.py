"""Tell two published runs apart: which tables differ, where first, and by how much their metrics do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse import parquet, reader
from warehouse.layout import Layout
from warehouse.manifest import Manifest
from warehouse.schemas import TABLES


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first row, counted from 0, that is not the same in both runs; ``a`` or ``b`` is empty where that run has no such row."""

    row: int
    columns: tuple[str, ...]
    a: dict[str, Any]
    b: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TableDifference:
    """One table in both runs; ``first`` is None when they are equal, or differ in their columns alone."""

    table: str
    equal: bool
    n_rows_a: int
    n_rows_b: int
    first: FirstDifference | None


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One metric in both runs; None where a run does not have it or it is not defined."""

    agent: str
    metric: str
    unit: str
    a: float | None
    b: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs side by side; ``metrics`` holds those that differ."""

    run_a: str
    run_b: str
    tables: tuple[TableDifference, ...]
    metrics: tuple[MetricDifference, ...]

    @property
    def equal(self) -> bool:
        """Whether every table is the same in both."""
        return all(table.equal for table in self.tables)


def diff(root: Path, run_a: str, run_b: str) -> Difference:
    """Compare two published runs table by table.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    run_a, run_b : str
        Run ids, or as much of their beginnings as tells them apart.

    Raises
    ------
    WarehouseError
        When there is no such run.
    """
    a, b = reader.manifest(root, run_a), reader.manifest(root, run_b)
    tables = tuple(_table_difference(root, a, b, name) for name in TABLES if any(name in _by_table(m) for m in (a, b)))
    return Difference(a.run_id, b.run_id, tables, _metric_differences(root, a.run_id, b.run_id))


def _by_table(manifest: Manifest) -> dict[str, parquet.TableFile]:
    return {file.table: file for file in manifest.tables}


def _table_difference(root: Path, a: Manifest, b: Manifest, name: str) -> TableDifference:
    file_a, file_b = _by_table(a).get(name), _by_table(b).get(name)
    n_rows_a, n_rows_b = (file.n_rows if file else 0 for file in (file_a, file_b))
    if file_a and file_b and file_a.digest == file_b.digest:
        return TableDifference(name, True, n_rows_a, n_rows_b, None)
    paths = [Layout(root).table_file(name, manifest.run_id) for manifest in (a, b)]
    first = first_difference(*(parquet.read_batches(path) if path.exists() else iter(()) for path in paths))
    return TableDifference(name, False, n_rows_a, n_rows_b, first)


def first_difference(a: Iterator[pa.RecordBatch], b: Iterator[pa.RecordBatch]) -> FirstDifference | None:
    """Return the first row in which two streams of equally cut batches differ, nulls and NaN equal to themselves; None if they do not."""
    start = 0
    while True:
        batch_a, batch_b = next(a, None), next(b, None)
        if batch_a is None and batch_b is None:
            return None
        n_a, n_b = (batch.num_rows if batch is not None else 0 for batch in (batch_a, batch_b))
        n = min(n_a, n_b)
        rows = {}
        if batch_a is not None and batch_b is not None:
            shared = [name for name in batch_a.schema.names if name in batch_b.schema.names]
            rows = {name: _first_unequal(batch_a[name].slice(0, n), batch_b[name].slice(0, n)) for name in shared}
        found = [row for row in rows.values() if row is not None]
        if found or n_a != n_b:
            row = min(found, default=n)
            columns = tuple(name for name, at in rows.items() if at == row)
            return FirstDifference(start + row, columns, _row(batch_a, row), _row(batch_b, row))
        start += n


def _first_unequal(a: pa.Array, b: pa.Array) -> int | None:
    if a.type != b.type:
        a, b = a.cast(pa.string()), b.cast(pa.string())
    both_missing = pc.and_(a.is_null(nan_is_null=True), b.is_null(nan_is_null=True))
    same = pc.or_(pc.fill_null(pc.equal(a, b), fill_value=False), both_missing)
    at = int(pc.index(same, pa.scalar(value=False)).as_py())
    return None if at < 0 else at


def _row(batch: pa.RecordBatch | None, row: int) -> dict[str, Any]:
    return {} if batch is None or row >= batch.num_rows else dict(batch.slice(row, 1).to_pylist()[0])


def _metric_differences(root: Path, run_a: str, run_b: str) -> tuple[MetricDifference, ...]:
    sql = """
    SELECT coalesce(a.agent, b.agent) AS agent, coalesce(a.metric, b.metric) AS metric, coalesce(a.unit, b.unit) AS unit, a.value, b.value
    FROM (SELECT agent, metric, unit, value FROM metrics WHERE run_id = $a) AS a
    FULL JOIN (SELECT agent, metric, unit, value FROM metrics WHERE run_id = $b) AS b ON b.agent = a.agent AND b.metric = a.metric
    WHERE a.value IS DISTINCT FROM b.value
    ORDER BY ALL
    """
    columns = reader.query(root, sql, {"a": run_a, "b": run_b}).columns
    return tuple(MetricDifference(*values) for values in zip(*(column.to_pylist() for column in columns), strict=True))
