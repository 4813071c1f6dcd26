"""Publish staged runs: check every file, put it in place, and commit all of them by switching one pointer.

A process may be killed at any point. Before the switch no reader sees anything of the run and its staging folder is whole,
so publishing begins again; after it the run is published and only the staging folder is left to remove. What a killed
publisher left lying about is named in its journal and removed by the next one.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse import build, catalog, durable, parquet, settings
from warehouse.errors import WarehouseError, explained
from warehouse.layout import Layout, version_of
from warehouse.manifest import Document, Manifest
from warehouse.parquet import TableFile
from warehouse.staging import Staging

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of publishing one run."""

    run_id: str
    digest: str
    """Digest of the run as readers find it."""
    catalog_version: int
    """Version that first held the run."""
    is_new: bool
    """False when the run had been published before; then nothing was written."""
    seconds: float
    differs: tuple[str, ...] = ()
    """Tables staged with another content than the published ones; empty unless the run had been published before."""


def publish(root: Path, run_id: str, *, progress: Progress = lambda _: None) -> Publication:
    """Publish one staged run; see :func:`publish_runs`."""
    return publish_runs(root, [run_id], progress=progress)[0]


def publish_runs(root: Path, run_ids: Sequence[str], *, progress: Progress = lambda _: None) -> list[Publication]:
    """Publish staged runs in one commit: readers see all of them from one moment on, and none before.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    run_ids : sequence of str
        Runs that lie in ``staging``, or are published already.
    progress : callable
        Hears the name of each step before it begins.

    Returns
    -------
    list of Publication
        One for each run, in the order asked for.

    Raises
    ------
    WarehouseError
        When a staged run is not whole or the disk refuses; nothing published has changed then, and staging is kept.
    """
    started = time.perf_counter()
    store = Layout(root)
    with explained(f"publish {', '.join(run_ids)}", root), durable.exclusive(store.lock, settings.LOCK_TIMEOUT_S):
        clear_leftovers(store)
        version = catalog.current(root)
        published = _published(root)
        new = [run_id for run_id in dict.fromkeys(run_ids) if run_id not in published]
        staged = {run_id: _verified(store, run_id, progress) for run_id in new}
        if new:
            now = dt.datetime.now(dt.UTC)
            progress("journal")
            durable.write_atomic(store.journal, json.dumps({"run_ids": new}).encode())
            manifests = [Manifest(run_id, now, version + 1, *staged[run_id]) for run_id in new]
            for manifest in manifests:
                _put_in_place(store, manifest, progress)
            progress("catalog")
            prepared = build.prepare(store, version, lambda connection: build.add_runs(connection, store, manifests))
            progress("switch")
            build.switch(store, prepared, version + 1)
            published |= {manifest.run_id: (manifest.digest, version + 1) for manifest in manifests}
        differing = {run_id: _differing_tables(store, run_id) for run_id in run_ids if run_id not in staged}
        progress("tidy")
        for run_id in run_ids:
            durable.remove_folder(Staging(root, run_id).folder)
        store.journal.unlink(missing_ok=True)
    seconds = time.perf_counter() - started
    return [Publication(run_id, *published[run_id], run_id in staged, seconds, differing.get(run_id, ())) for run_id in run_ids]


def clear_leftovers(store: Layout) -> None:
    """Remove what a killed publication left; the caller holds the lock, so nobody else is writing."""
    version = catalog.current(store.root)
    if begun := catalog.journal_runs(store):
        published, listed = _published(store.root), catalog.listed_runs(store.root)
        for run_id in begun:
            if run_id in published:
                durable.remove_folder(Staging(store.root, run_id).folder)
            elif run_id not in listed:
                for folder in [*store.tables.glob(f"*/run_id={run_id}"), *store.runs.glob(run_id)]:
                    shutil.rmtree(folder)  # nobody reads it; a process killed here finds the rest by the journal
        store.journal.unlink()
    half_made = [path for path in store.catalogs.glob("*") if path.name.startswith(".") or (version_of(path) or 0) > version]
    for path in [*half_made, *store.root.glob(f".{store.pointer.name}.*.tmp"), *store.staging.glob(".*.tmp")]:
        durable.remove(path)


def _published(root: Path) -> dict[str, tuple[str, int]]:
    """Return digest and version of every published run."""
    if catalog.current(root) == 0:
        return {}
    with catalog.connect(root) as connection:
        rows = connection.execute("SELECT run_id, digest, catalog_version FROM publications").fetchall()
    return {run_id: (digest, version) for run_id, digest, version in rows}


def _verified(store: Layout, run_id: str, progress: Progress) -> tuple[tuple[TableFile, ...], tuple[Document, ...]]:
    """Return the staged files of a run after reading all of them again."""
    staging = Staging(store.root, run_id)
    tables = staging.tables()
    if "runs" not in tables:
        raise WarehouseError(
            f"Run {run_id} is neither published nor completely staged in {staging.folder}; run the steps before publishing."
        )
    if tables["runs"].n_rows != 1:
        raise WarehouseError(f"Table runs of run {run_id} has {tables['runs'].n_rows} rows; expected exactly one.")
    if changed := staging.changed_since_marked():
        raise WarehouseError(
            f"{', '.join(changed)} of run {run_id} changed after the step that wrote it was finished; run that step again."
        )
    for name, described in tables.items():
        progress(f"verify {name}")
        path = staging.table_path(name)
        faults = parquet.faults_of(path, described)
        if not faults and durable.sha256_of(path) != described.sha256:
            faults = ["has other bytes than were written"]
        if faults:
            raise WarehouseError(f"{path} {faults[0]}; run the step that writes table {name} again.")
    documents = [Document(name, path.stat().st_size, durable.sha256_of(path)) for name, path in staging.documents().items()]
    return tuple(tables.values()), tuple(documents)


def _put_in_place(store: Layout, manifest: Manifest, progress: Progress) -> None:
    staging = Staging(store.root, manifest.run_id)
    for file in manifest.tables:
        progress(f"place {file.table}")
        durable.place(staging.table_path(file.table), store.table_file(file.table, manifest.run_id))
    progress("place documents")
    for name, path in staging.documents().items():
        durable.sync(path)
        durable.place(path, store.run_folder(manifest.run_id) / name)
    durable.write_atomic(store.manifest(manifest.run_id), manifest.to_json())


def _differing_tables(store: Layout, run_id: str) -> tuple[str, ...]:
    staged = Staging(store.root, run_id).tables()
    if not staged:
        return ()
    with catalog.connect(store.root) as connection:
        rows = connection.execute("SELECT table_name, digest FROM files WHERE run_id = ?", [run_id]).fetchall()
    published = dict(rows)
    return tuple(name for name, file in staged.items() if published.get(name) != file.digest)
