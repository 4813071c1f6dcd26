"""What the warehouse already holds of a run."""

from __future__ import annotations

from pathlib import Path

from warehouse import catalog
from warehouse.layout import Layout
from warehouse.manifest import Manifest
from warehouse.manifest import read as read_manifest


def is_published(root: Path, run_id: str) -> bool:
    """Whether readers see the run."""
    with catalog.connect(root) as connection:
        return connection.execute("SELECT 1 FROM publications WHERE run_id = ?", [run_id]).fetchone() is not None


def manifest_of(root: Path, run_id: str) -> Manifest:
    """Return the manifest of a published run."""
    return read_manifest(Layout(root).manifest(run_id))


def folder_of(root: Path, run_id: str) -> Path:
    """Return where the documents of a published run lie."""
    return Layout(root).run_folder(run_id)
