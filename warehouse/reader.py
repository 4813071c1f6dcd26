"""Answer questions about what is published: any one SQL query, and the few everybody asks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse import catalog
from warehouse.errors import WarehouseError, explained, first_line
from warehouse.layout import Layout, check_table
from warehouse.manifest import Manifest
from warehouse.manifest import read as read_manifest

_BATCH_ROWS = 65_536
_EXPLAIN = re.compile(r"\s*explain\b(?:\s*analyze\b)?(?:\s*\(\s*(?:analyze|format)\b[^)]*\))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One published run."""

    run_id: str
    name: str
    market: str
    horizon: str
    status: str
    start_date: dt.date
    end_date: dt.date
    parent_run_id: str
    digest: str
    published_utc: dt.datetime
    catalog_version: int


_RUNS = """
SELECT
    runs.run_id, runs.name, runs.market, runs.horizon, runs.status, runs.start_date, runs.end_date, runs.parent_run_id,
    publications.digest, publications.published_utc, publications.catalog_version
FROM runs
JOIN publications ON publications.run_id = runs.run_id
WHERE (?::VARCHAR IS NULL OR starts_with(runs.run_id, ?)) AND (?::VARCHAR IS NULL OR runs.name = ?)
ORDER BY publications.catalog_version DESC, runs.run_id DESC
LIMIT ?
"""


def query(
    root: Path, sql: str, parameters: Sequence[Any] | dict[str, Any] = (), *, max_rows: int | None = None, version: int | None = None
) -> pa.Table:
    """Answer one SQL query over the published tables and views; nothing can be written and no other file can be read.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    sql : str
        One SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN statement.
    parameters : sequence or mapping
        Values for ``?`` or ``$name``.
    max_rows : int, optional
        Stop after this many rows; ask for one more than needed to learn whether there were more.
    version : int, optional
        Catalog version to ask; the newest if left out.

    Returns
    -------
    pa.Table
        Times are UTC without a zone.

    Raises
    ------
    WarehouseError
        When it is not one such statement, or DuckDB cannot answer it.
    """
    with catalog.connect(root, version) as connection:
        try:
            _check_statement(connection, sql)
            relation = connection.sql(sql, params=parameters or None)
            if relation is None:
                raise WarehouseError("The statement has no result; expected a SELECT or another query.")
            reader = relation.to_arrow_reader(_BATCH_ROWS)
            batches, n_rows = [], 0
            while max_rows is None or n_rows < max_rows:
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    break
                batches.append(batch if max_rows is None else batch.slice(0, max_rows - n_rows))
                n_rows += batches[-1].num_rows
            return pa.Table.from_batches(batches, reader.schema)
        except (duckdb.Error, pa.ArrowException) as fault:
            raise WarehouseError(f"The query cannot be answered: {first_line(fault)}") from fault


def runs(root: Path, *, name: str | None = None, limit: int | None = None) -> list[RunRecord]:
    """Return the published runs, newest first; those called ``name`` when it is given."""
    return _records(root, prefix=None, name=name, limit=limit)


def run(root: Path, run_id: str) -> RunRecord:
    """Return one run; the beginning of its id is enough where only one run has it.

    Raises
    ------
    WarehouseError
        When no run or more than one has this id.
    """
    found = _records(root, prefix=run_id, name=None, limit=None) if run_id else []
    exact = [record for record in found if record.run_id == run_id]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise WarehouseError(f"{len(found)} runs begin with {run_id} ({', '.join(r.run_id for r in found[:5])}); give more of the id.")
    raise WarehouseError(f"There is no published run {run_id!r} in {root}; `marketsim runs` lists them.")


def latest_run_id(root: Path, name: str | None = None) -> str | None:
    """Return the id of the newest published run, of those called ``name`` when it is given; None when there is none."""
    newest = runs(root, name=name, limit=1)
    return newest[0].run_id if newest else None


def metrics(root: Path, run_id: str) -> pa.Table:
    """Return a run's rows of ``metrics``, sorted by agent and metric: agent, role, metric, value, unit."""
    record = run(root, run_id)
    sql = "SELECT agent, role, metric, value, unit FROM metrics WHERE run_id = ? ORDER BY agent, metric"
    return query(root, sql, [record.run_id])


def table(root: Path, run_id: str, name: str) -> pa.Table:
    """Return a run's rows of a table exactly as they were written, times with their zone; none when the run has no such table."""
    schema = check_table(name)
    path = Layout(root).table_file(name, run(root, run_id).run_id)
    with explained(f"read table {name} of run {run_id}", path):
        return pq.ParquetFile(path).read() if path.exists() else schema.arrow.empty_table()


def document(root: Path, run_id: str, name: str) -> Path:
    """Return the path of a run's document, such as ``report.html``.

    Raises
    ------
    WarehouseError
        When the run has none of that name; names those it has.
    """
    published = manifest(root, run_id)
    names = [listed.name for listed in published.documents]
    if name not in names:
        raise WarehouseError(f"Run {published.run_id} has no document {name!r}; it has {', '.join(names) or 'none'}.")
    return Layout(root).run_folder(published.run_id) / name


def manifest(root: Path, run_id: str) -> Manifest:
    """Return what a run published: its files with sizes and digests."""
    return read_manifest(Layout(root).manifest(run(root, run_id).run_id))


def _records(root: Path, *, prefix: str | None, name: str | None, limit: int | None) -> list[RunRecord]:
    with catalog.connect(root) as connection:
        rows = connection.execute(_RUNS, [prefix, prefix, name, name, 2**62 if limit is None else limit]).fetchall()
    return [RunRecord(*[*row[:-2], row[-2].replace(tzinfo=dt.UTC), row[-1]]) for row in rows]


def _check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise WarehouseError(f"Expected exactly one SQL statement, found {len(statements)}; send them one by one.")
    kind = statements[0].type
    if kind == duckdb.StatementType.EXPLAIN:  # EXPLAIN ANALYZE runs what it explains
        if (explain := _EXPLAIN.match(sql)) is None:
            raise WarehouseError("Write EXPLAIN first, before any comment.")
        return _check_statement(connection, sql[explain.end() :])
    if kind != duckdb.StatementType.SELECT:
        raise WarehouseError(f"{kind.name} is not allowed, the warehouse is read only; expected a SELECT or another query.")
    return None
