"""Which catalog version is the newest, and read-only connections to any of them.

A version is a DuckDB file that is never changed once its name is known; the newest one is what the link ``catalog.duckdb``
points to. A reader that holds a version goes on with it while newer ones are published.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import duckdb

from warehouse import catalog_sql
from warehouse.errors import WarehouseError, first_line
from warehouse.layout import Layout, version_of
from warehouse.manifest import check_format

_OPENING = threading.Lock()  # DuckDB shares one instance among a process's connections to a file, and its settings lock once


def current(root: Path) -> int:
    """Return the newest published version; 0 when nothing has been published.

    Raises
    ------
    WarehouseError
        When runs were published but the pointer to their catalog is missing or is not a link.
    """
    layout = Layout(root)
    version = _pointed_at(layout)
    if version is None:
        # A first publication under way has made folders and said so in its journal; whoever finishes it sets the pointer.
        under_way = set(journal_runs(layout))
        lost = _run_folders(layout) - under_way
        lost -= set(journal_runs(layout))
        version = _pointed_at(layout)
        if version is None and lost:
            raise WarehouseError(
                f"{layout.pointer} is missing although {len(lost)} runs lie in {layout.runs}; rebuild the catalog from their manifests."
            )
    return version or 0


def versions(root: Path) -> list[int]:
    """Return the published versions that are still kept, oldest first."""
    newest = current(root)
    found = (version_of(path) for path in Layout(root).catalogs.glob("[0-9]*.duckdb"))
    return sorted(version for version in found if version is not None and version <= newest)


def connect(root: Path, version: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a version of the catalog for reading; it can reach the published tables and nothing else on the machine.

    Parameters
    ----------
    root : Path
        Folder of the warehouse; an empty or missing one has every table with no rows.
    version : int, optional
        A version of :func:`versions`; the newest if left out.

    Raises
    ------
    WarehouseError
        When there is no such version, or its file is damaged or newer than this program.
    """
    while True:
        wanted = current(root) if version is None else version
        if wanted == 0:
            return _empty()
        store = Layout(root.resolve())
        path = store.version_file(wanted)
        try:
            with _OPENING:
                return _restricted(open_file(path, read_only=True), store.tables)
        except WarehouseError:
            if path.is_file():
                raise
        if version is None and current(root) != wanted:
            continue  # a newer version was published and this one removed while we were looking
        known = ", ".join(map(str, versions(root))) or "none"
        advice = "; the pointer names it: rebuild the catalog from the manifests" if version is None else ""
        raise WarehouseError(f"Catalog version {wanted} is not in {path.parent}; it has {known}{advice}.")


def listed_runs(root: Path) -> set[str]:
    """Return the runs that any kept version lists."""
    listed: set[str] = set()
    for version in versions(root):
        with connect(root, version) as connection:
            listed |= {run_id for (run_id,) in connection.execute("SELECT run_id FROM publications").fetchall()}
    return listed


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a catalog file and check that this program understands it."""
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as fault:
        raise WarehouseError(
            f"The catalog {path} cannot be opened ({first_line(fault)}); use a newer marketsim if a newer one wrote it, "
            "else rebuild the catalog from the manifests."
        ) from fault
    try:
        found = connection.execute("SELECT max(format_version) FROM warehouse_format").fetchone()
        check_format(int(found[0]) if found and found[0] is not None else 0, path)
    except duckdb.CatalogException as fault:
        connection.close()
        raise WarehouseError(f"{path} is a DuckDB file but no catalog of a warehouse; move it away and rebuild the catalog.") from fault
    except WarehouseError:
        connection.close()
        raise
    return connection


def journal_runs(layout: Layout) -> list[str]:
    """Return the runs a publication under way, or one that was killed, was about to add."""
    try:
        return [str(run_id) for run_id in json.loads(layout.journal.read_bytes())["run_ids"]]
    except FileNotFoundError:
        return []


def _pointed_at(layout: Layout) -> int | None:
    try:
        return version_of(Path(os.readlink(layout.pointer)))  # noqa: PTH115 - the text of the link, not a path
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise WarehouseError(
            f"{layout.pointer} is not a symbolic link to a catalog version ({fault.strerror}); move it away and rebuild the catalog."
        ) from fault


def _run_folders(layout: Layout) -> set[str]:
    return {path.name for path in layout.runs.glob("[!.]*")} if layout.runs.is_dir() else set()


def _empty() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    catalog_sql.create_tables(connection)
    catalog_sql.create_views(connection)
    return _restricted(connection, None)


def _restricted(connection: duckdb.DuckDBPyConnection, tables: Path | None) -> duckdb.DuckDBPyConnection:
    """Shut the connection off from files other than the published tables, and lock that."""
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if not locked or not locked[0]:
        if tables is not None:
            connection.execute(f"SET allowed_directories = [{catalog_sql.quoted(str(tables))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection
