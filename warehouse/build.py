# ruff: noqa: S608 - table names come from the schemas, values are bound
"""Make the next catalog version beside the published ones, and switch the pointer to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from warehouse import catalog, catalog_sql, durable
from warehouse.layout import Layout, table_path
from warehouse.manifest import Manifest
from warehouse.schemas import TABLES

_BLOCK_BYTES = 16_384  # DuckDB's smallest: every version is a whole file of many short columns, and most of a larger block would be empty


def next_version(layout: Layout, previous: int, change: Callable[[duckdb.DuckDBPyConnection], None]) -> int:
    """Make the version after ``previous`` with ``change`` applied and point to it; until then no reader can see it.

    Parameters
    ----------
    layout : Layout
        The warehouse; the caller holds its lock.
    previous : int
        Version to begin with; 0 for an empty catalog.
    change : callable
        Changes the tables of an open, writable catalog.
    """
    prepared = prepare(layout, previous, change)
    version = previous + 1
    switch(layout, prepared, version)
    return version


def prepare(layout: Layout, previous: int, change: Callable[[duckdb.DuckDBPyConnection], None]) -> Path:
    """Return a whole catalog under a temporary name, on disk to stay."""
    path = durable.temporary_name(layout.version_file(previous + 1))
    durable.make_folder(path.parent)
    try:
        if previous:
            shutil.copyfile(layout.version_file(previous), path)
            connection = catalog.open_file(path, read_only=False)
        else:
            connection = duckdb.connect(str(path), config={"default_block_size": str(_BLOCK_BYTES)})
        try:
            connection.execute("BEGIN")
            alike = bool(previous) and catalog_sql.has_structure(connection)
            if not alike:
                catalog_sql.create_tables(connection)
            change(connection)
            if alike:
                catalog_sql.list_files(connection)
            else:
                catalog_sql.create_views(connection)
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        finally:
            connection.close()
        path.chmod(durable.READ_ONLY_MODE)
        durable.sync(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def switch(layout: Layout, prepared: Path, version: int) -> None:
    """Give a prepared catalog its name and point to it: the one moment at which readers see what it adds."""
    path = layout.version_file(version)
    prepared.replace(path)
    durable.sync(path.parent)
    durable.point(layout.pointer, path.relative_to(layout.root).as_posix())


def add_runs(connection: duckdb.DuckDBPyConnection, layout: Layout, manifests: Sequence[Manifest]) -> None:
    """Enter runs, whose files are in place, into the tables of a catalog."""
    publications = [(m.run_id, m.published_utc.replace(tzinfo=None), m.catalog_version, m.digest) for m in manifests]
    connection.executemany("INSERT INTO publications VALUES (?, ?, ?, ?)", publications)
    files = [
        (m.run_id, f.table, table_path(f.table, m.run_id), f.n_rows, f.n_bytes, f.sha256, f.digest, [name for name, _ in f.columns])
        for m in manifests
        for f in m.tables
    ]
    if files:
        connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", files)
    alike: dict[tuple[str, tuple[str, ...]], list[Path]] = {}
    for m in manifests:
        for f in m.tables:
            if f.table in TABLES and TABLES[f.table].small and f.n_rows:  # a table a newer program dropped stays in its files
                names = tuple(name for name, _ in f.columns)
                alike.setdefault((f.table, names), []).append(layout.table_file(f.table, m.run_id))
    for (table, names), paths in alike.items():
        catalog_sql.insert_small(connection, TABLES[table], names, paths)


def drop_runs(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Take runs out of the tables of a catalog."""
    for table in ["publications", "files", *(schema.name for schema in TABLES.values() if schema.small)]:
        connection.execute(f"DELETE FROM {table} WHERE run_id IN (SELECT unnest(?::VARCHAR[]))", [list(run_ids)])
