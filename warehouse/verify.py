"""Look for what is missing, changed or left over in a warehouse; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse import catalog, durable, parquet
from warehouse.errors import WarehouseError
from warehouse.layout import Layout, table_path
from warehouse.manifest import Manifest
from warehouse.manifest import read as read_manifest
from warehouse.parquet import TableFile
from warehouse.schemas import TABLES


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    kind: str
    """``missing``, ``changed``, ``contradiction``, ``leftover`` or ``unreadable``."""
    path: Path
    message: str
    """One sentence: what was found and what to do."""


@dataclass(frozen=True, slots=True)
class _Published:
    digest: str
    tables: dict[str, tuple[int, int, str, str]]


def verify(root: Path, *, content: bool = True) -> list[Problem]:
    """Compare the newest catalog, the manifests and the files with each other.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    content : bool
        Read every file and recompute its digests; without it only sizes are compared.

    Returns
    -------
    list of Problem
        Empty when all is well.
    """
    store = Layout(root)
    try:
        published = _published(root)
        row_counts = _small_row_counts(root)
    except WarehouseError as fault:
        return [Problem("unreadable", store.pointer, str(fault))]
    problems: list[Problem] = []
    for run_id, entry in published.items():
        problems += _run_problems(store, run_id, entry, content=content)
    for (table, run_id), found in row_counts.items():
        expected = published[run_id].tables.get(table, (0,))[0] if run_id in published else 0
        if found != expected:
            message = f"The catalog holds {found} rows of {table} for run {run_id}, {expected} were published; rebuild the catalog."
            problems.append(Problem("contradiction", store.version_file(catalog.current(root)), message))
    problems += [
        Problem("leftover", path, f"No catalog version lists {path}; compacting the warehouse removes it.") for path in leftovers(store)
    ]
    return problems


def leftovers(store: Layout) -> list[Path]:
    """Return table folders and documents of runs that no kept catalog version lists, and temporary files.

    What a publication under way has in its journal is not among them.
    """
    known = catalog.listed_runs(store.root) | set(catalog.journal_runs(store))
    folders = [path for path in store.tables.glob("*/run_id=*") if path.name.removeprefix("run_id=") not in known]
    folders += [path for path in store.runs.glob("[!.]*") if path.name not in known]
    hidden = [*store.tables.glob("*/.*"), *store.runs.glob(".*"), *store.staging.glob(".*")]
    return sorted(folders + hidden)


def _run_problems(store: Layout, run_id: str, entry: _Published, *, content: bool) -> Iterator[Problem]:
    try:
        manifest = read_manifest(store.manifest(run_id))
    except WarehouseError as fault:
        yield Problem("unreadable", store.manifest(run_id), str(fault))
        return
    listed = {file.table: _key(file) for file in manifest.tables}
    if listed != entry.tables or manifest.digest != entry.digest:
        message = f"The manifest of run {run_id} and the catalog list different files; rebuild the catalog from the manifests."
        yield Problem("contradiction", store.manifest(run_id), message)
    for file in manifest.tables:
        path = store.tables / table_path(file.table, run_id)
        found = _file_fault(path, file.n_bytes, file.sha256, content=content)
        if found is None and content:
            found = next(iter(parquet.faults_of(path, file)), None)
        if found is not None:
            yield _file_problem(path, found)
    yield from _document_problems(store, manifest, content=content)


def _document_problems(store: Layout, manifest: Manifest, *, content: bool) -> Iterator[Problem]:
    for document in manifest.documents:
        path = store.run_folder(manifest.run_id) / document.name
        if (fault := _file_fault(path, document.n_bytes, document.sha256, content=content)) is not None:
            yield _file_problem(path, fault)


def _file_problem(path: Path, fault: str) -> Problem:
    kind = "changed" if path.is_file() else "missing"
    return Problem(kind, path, f"{path} {fault}; restore it from a backup, or remove its run and publish that again.")


def _file_fault(path: Path, n_bytes: int, sha256: str, *, content: bool) -> str | None:
    try:
        if path.stat().st_size != n_bytes:
            return f"has {path.stat().st_size} bytes, {n_bytes} were published"
        if content and durable.sha256_of(path) != sha256:
            return "has other bytes than were published"
    except OSError as fault:
        return f"cannot be read ({fault.strerror})"
    return None


def _key(file: TableFile) -> tuple[int, int, str, str]:
    return file.n_rows, file.n_bytes, file.sha256, file.digest


def _published(root: Path) -> dict[str, _Published]:
    with catalog.connect(root) as connection:
        publications = connection.execute("SELECT run_id, digest FROM publications ORDER BY run_id").fetchall()
        files = connection.execute("SELECT run_id, table_name, n_rows, n_bytes, sha256, digest FROM files").fetchall()
    published = {run_id: _Published(digest, {}) for run_id, digest in publications}
    for run_id, table, *key in files:
        published[run_id].tables[table] = (key[0], key[1], key[2], key[3])
    return published


def _small_row_counts(root: Path) -> dict[tuple[str, str], int]:
    counts = {}
    with catalog.connect(root) as connection:
        for schema in TABLES.values():
            if schema.small:
                counted = f"SELECT run_id, count(*) FROM {schema.name} GROUP BY run_id"  # noqa: S608 - a name of the schemas
                listed = "SELECT run_id, 0 FROM files WHERE table_name = ?"
                rows = connection.execute(f"{listed} UNION ALL {counted}", [schema.name]).fetchall()
                counts.update({(schema.name, run_id): n for run_id, n in rows})
    return counts
