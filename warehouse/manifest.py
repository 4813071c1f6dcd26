"""What one run published, written beside its documents: enough to check every file and to build the catalog anew."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warehouse.digest import run_digest
from warehouse.errors import WarehouseError
from warehouse.parquet import TableFile
from warehouse.settings import FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Document:
    """One file beside the tables, such as a report."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one run; the time of publication and the catalog version are not part of its digest."""

    run_id: str
    published_utc: dt.datetime
    catalog_version: int
    tables: tuple[TableFile, ...]
    documents: tuple[Document, ...]

    @property
    def digest(self) -> str:
        """Digest of the contents of all tables."""
        return run_digest({file.table: file.digest for file in self.tables})

    def to_json(self) -> bytes:
        """Return the text of ``manifest.json``."""
        content = {
            "format_version": FORMAT_VERSION,
            "run_id": self.run_id,
            "digest": self.digest,
            "published_utc": self.published_utc.isoformat(),
            "catalog_version": self.catalog_version,
            "tables": [file.as_json() for file in self.tables],
            "documents": [asdict(document) for document in self.documents],
        }
        return json.dumps(content, indent=1).encode() + b"\n"


def read(path: Path) -> Manifest:
    """Read a ``manifest.json``.

    Raises
    ------
    WarehouseError
        When it is missing, damaged, contradicts itself, or was written by a newer program.
    """
    try:
        content = json.loads(path.read_bytes())
        check_format(int(content["format_version"]), path)
        manifest = _from_json(content)
    except OSError as fault:
        raise WarehouseError(f"The manifest {path} cannot be read ({fault.strerror}); restore it from a backup.") from fault
    except (KeyError, TypeError, ValueError) as fault:
        raise WarehouseError(f"The manifest {path} is damaged ({fault}); restore it from a backup.") from fault
    if manifest.digest != content["digest"]:
        raise WarehouseError(f"The manifest {path} is damaged: its digest is not that of the tables it lists; restore it from a backup.")
    return manifest


def check_format(found: int, where: Path) -> None:
    """Raise a :class:`WarehouseError` when ``where`` was written in a newer format than this program knows."""
    if found > FORMAT_VERSION:
        raise WarehouseError(f"{where} has warehouse format {found}, this program knows up to {FORMAT_VERSION}; use a newer marketsim.")


def _from_json(content: Mapping[str, Any]) -> Manifest:
    return Manifest(
        run_id=str(content["run_id"]),
        published_utc=dt.datetime.fromisoformat(content["published_utc"]),
        catalog_version=int(content["catalog_version"]),
        tables=tuple(TableFile.from_json(file) for file in content["tables"]),
        documents=tuple(Document(str(d["name"]), int(d["n_bytes"]), str(d["sha256"])) for d in content["documents"]),
    )
