"""Which file lies where below the root of a warehouse.

``tables/<table>/run_id=<id>/part-0.parquet``  the rows of one run, never changed
``runs/<id>/``                                 its documents and ``manifest.json``
``catalog/<version>.duckdb``                   one catalog for each publication, never changed
``catalog.duckdb``                             symbolic link to the newest catalog: the one pointer
``catalog/publishing.json``                    runs a publication under way is about to add
``staging/<id>/``                              a run being made
``.lock``                                      held by the one process that publishes or tidies up
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.schemas import TABLES
from warehouse.table_schema import TableSchema

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION_FILE = re.compile(r"(\d{6,})\.duckdb")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one warehouse."""

    root: Path

    @property
    def tables(self) -> Path:
        """Folder of the Parquet files."""
        return self.root / "tables"

    @property
    def runs(self) -> Path:
        """Folder of the runs' documents."""
        return self.root / "runs"

    @property
    def catalogs(self) -> Path:
        """Folder of the catalog's versions."""
        return self.root / "catalog"

    @property
    def pointer(self) -> Path:
        """Symbolic link to the newest catalog."""
        return self.root / "catalog.duckdb"

    @property
    def journal(self) -> Path:
        """What a publication under way is about to add."""
        return self.catalogs / "publishing.json"

    @property
    def staging(self) -> Path:
        """Folder of runs being made."""
        return self.root / "staging"

    @property
    def lock(self) -> Path:
        """File locked by the publisher."""
        return self.root / ".lock"

    def version_file(self, version: int) -> Path:
        """Return the catalog file of a version."""
        return self.catalogs / f"{version:06d}.duckdb"

    def table_file(self, table: str, run_id: str) -> Path:
        """Return the Parquet file that holds one run's rows of a table."""
        return self.tables / table_path(table, run_id)

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run's documents."""
        return self.runs / check_run_id(run_id)

    def manifest(self, run_id: str) -> Path:
        """Return the file that lists what a run published."""
        return self.run_folder(run_id) / "manifest.json"


def table_path(table: str, run_id: str) -> str:
    """Return the path of a run's Parquet file below ``tables``, as the catalog records it."""
    return f"{table}/run_id={check_run_id(run_id)}/part-0.parquet"


def version_of(path: Path) -> int | None:
    """Return the version a catalog file's name tells, or None for any other file."""
    match = _VERSION_FILE.fullmatch(path.name)
    return int(match[1]) if match else None


def check_run_id(run_id: str) -> str:
    """Return ``run_id`` if it can name a folder, else raise a :class:`WarehouseError`."""
    if not _RUN_ID.fullmatch(run_id):
        raise WarehouseError(f"{run_id!r} is not a run id; expected 1 to 64 letters, digits, '-' or '_', a letter or digit first.")
    return run_id


def check_file_name(name: str) -> str:
    """Return ``name`` if it is a plain file name, else raise a :class:`WarehouseError`."""
    if not _FILE_NAME.fullmatch(name):
        raise WarehouseError(f"{name!r} is not a plain file name; expected letters, digits, '.', '-' or '_' and no folder.")
    return name


def check_table(name: str) -> TableSchema:
    """Return the schema of a table, or raise a :class:`WarehouseError` that names the known ones."""
    if name not in TABLES:
        raise WarehouseError(f"There is no table {name!r} in the warehouse; expected one of {', '.join(TABLES)}.")
    return TABLES[name]
