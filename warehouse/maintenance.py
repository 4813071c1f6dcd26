"""Keep a warehouse small and sound: take out old runs, drop old catalog versions and leftovers, rebuild a lost catalog.

Taking out runs makes a catalog version without them and deletes no file, so readers of older versions go on undisturbed.
Compacting drops old versions, and then the files that no kept version lists.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse import build, catalog, durable, settings
from warehouse.errors import WarehouseError, explained
from warehouse.layout import Layout, version_of
from warehouse.manifest import read as read_manifest
from warehouse.publish import clear_leftovers
from warehouse.verify import leftovers

KEEP_VERSIONS = 10
STALE_STAGING_DAYS = 7.0
_REMOVED_MANIFEST = "manifest.removed.json"


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was removed."""

    n_bytes_freed: int
    versions: tuple[int, ...]
    stale: tuple[Path, ...]
    leftovers: tuple[Path, ...]


def compact(
    root: Path, *, keep_versions: int = KEEP_VERSIONS, pinned: Collection[int] = (), stale_days: float = STALE_STAGING_DAYS
) -> Compaction:
    """Remove old catalog versions, abandoned staging folders and files that no kept version lists.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    keep_versions : int
        Newest versions to keep, at least 1. Readers that opened a removed version keep what they hold.
    pinned : collection of int
        Older versions to keep besides.
    stale_days : float
        Staging folders untouched for longer are removed, days.
    """
    if keep_versions < 1:
        raise WarehouseError(f"keep_versions is {keep_versions}; expected at least 1, the newest version is the warehouse.")
    with _alone(root, "compact the warehouse") as store:
        kept = catalog.versions(root)
        versions = [version for version in kept[:-keep_versions] if version not in pinned]
        freed = sum(durable.remove(store.version_file(version)) for version in versions)
        horizon = time.time() - stale_days * 86400
        made = [*store.staging.glob("[!.]*"), *store.catalogs.glob("*.duckdb.tmp")]  # the latter: where readers spilled
        stale = [path for path in made if _newest_change(path) < horizon]
        freed += sum(map(durable.remove, stale))
        orphans = leftovers(store)
        freed += sum(map(durable.remove, orphans))
    return Compaction(freed, tuple(versions), tuple(stale), tuple(orphans))


def remove_runs(root: Path, *, older_than: dt.datetime | None = None, keep: int = 0, run_ids: Collection[str] = ()) -> list[str]:
    """Take runs out of the newest catalog; their files go when :func:`compact` drops the last version that lists them.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    older_than : datetime, optional
        Take out runs published before this time, with zone.
    keep : int
        The newest runs of each name that ``older_than`` leaves alone.
    run_ids : collection of str
        Runs to take out whatever their age.

    Returns
    -------
    list of str
        The runs taken out, oldest first.
    """
    with _alone(root, "remove runs") as store:
        version = catalog.current(root)
        with catalog.connect(root) as connection:
            rows = connection.execute(
                """
                SELECT publications.run_id, publications.published_utc,
                    row_number() OVER (PARTITION BY runs.name ORDER BY publications.catalog_version DESC, runs.run_id DESC)
                FROM publications JOIN runs ON runs.run_id = publications.run_id
                ORDER BY publications.catalog_version, runs.run_id
                """
            ).fetchall()
        if unknown := set(run_ids) - {run_id for run_id, _, _ in rows}:
            raise WarehouseError(f"There is no published run {', '.join(sorted(unknown))} in {root}; nothing was removed.")
        before = older_than.astimezone(dt.UTC).replace(tzinfo=None) if older_than else dt.datetime.min  # noqa: DTZ901 - the column has no zone
        removed = [run_id for run_id, at, rank in rows if run_id in run_ids or (at < before and rank > keep)]
        if removed:
            build.next_version(store, version, lambda connection: build.drop_runs(connection, removed))
        for run_id in removed:
            store.manifest(run_id).rename(store.run_folder(run_id) / _REMOVED_MANIFEST)
    return removed


def rebuild(root: Path) -> int:
    """Make a new catalog from the manifests alone, for when the pointer or the newest version is lost or damaged.

    Returns
    -------
    int
        The new version; it lists every run that has a manifest.

    Raises
    ------
    WarehouseError
        When a manifest is damaged or a file it lists is missing; the old catalog stays what it was.
    """
    store = Layout(root)
    with explained("rebuild the catalog", root), durable.exclusive(store.lock, settings.LOCK_TIMEOUT_S):
        manifests = [read_manifest(path) for path in sorted(store.runs.glob("[!.]*/manifest.json"))]
        manifests.sort(key=lambda manifest: (manifest.catalog_version, manifest.run_id))
        for manifest in manifests:
            for file in manifest.tables:
                path = store.table_file(file.table, manifest.run_id)
                if not path.is_file() or path.stat().st_size != file.n_bytes:
                    raise WarehouseError(f"{path} is missing or has another size than run {manifest.run_id} published; restore it first.")
        numbers = [version_of(path) or 0 for path in store.catalogs.glob("*.duckdb")]
        version = max([*numbers, *(manifest.catalog_version for manifest in manifests)], default=0) + 1
        prepared = build.prepare(store, 0, lambda connection: build.add_runs(connection, store, manifests))
        build.switch(store, prepared, version)
        store.journal.unlink(missing_ok=True)
    return version


@contextmanager
def _alone(root: Path, doing: str) -> Iterator[Layout]:
    store = Layout(root)
    with explained(doing, root), durable.exclusive(store.lock, settings.LOCK_TIMEOUT_S):
        clear_leftovers(store)
        yield store


def _newest_change(folder: Path) -> float:
    return max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
