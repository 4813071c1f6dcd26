"""A run while it is made: tables and documents that are checked and whole, and marks of the steps that are finished.

Every file appears in one step under its final name, beside a description with its size and digests. A process that is
killed leaves finished steps behind; :meth:`Staging.done` believes a mark only if every file it vouches for is still what it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse import durable, layout, parquet
from warehouse.errors import WarehouseError, explained
from warehouse.parquet import TableFile
from warehouse.rows import check_columns
from warehouse.schemas import TABLES
from warehouse.table_stream import TableStream, described


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging folder of one run; holds no state of its own, so any number of processes may open it in turn.

    Parameters
    ----------
    root : Path
        Folder of the warehouse.
    run_id : str
        The run being made.
    """

    root: Path
    run_id: str

    def __post_init__(self) -> None:
        layout.check_run_id(self.run_id)

    @property
    def folder(self) -> Path:
        """Where everything of this run lies until it is published."""
        return layout.Layout(self.root).staging / self.run_id

    # --- tables -----------------------------------------------------------------------------------------------------

    def write_table(self, name: str, table: pa.Table) -> TableFile:
        """Store all rows of a table, replacing what was there.

        Parameters
        ----------
        name : str
            One of ``warehouse.schemas.TABLES``.
        table : pa.Table
            Columns, types and order of that schema; rows sorted by its ``sort_by``.

        Returns
        -------
        TableFile
            Rows, bytes and digests of the file.

        Raises
        ------
        WarehouseError
            When the columns differ, a required value is missing, the rows are not sorted, or the disk refuses.
        """
        check_columns(layout.check_table(name), table.schema)
        return self.write_batches(name, table.to_batches())

    def write_batches(self, name: str, batches: Iterable[pa.RecordBatch]) -> TableFile:
        """Store a table that need not fit into memory; the same rows give the same bytes as :meth:`write_table`."""
        with self.stream(name) as stream:
            for batch in batches:
                stream.write(batch)
        return stream.finished()

    def stream(self, name: str) -> TableStream:
        """Return a table to be written bit by bit, while others are; it appears when its ``with`` block ends well."""
        return TableStream(self.table_path(name), layout.check_table(name), f"write table {name} of run {self.run_id}")

    def table_path(self, name: str) -> Path:
        """Return the Parquet file of a staged table."""
        return self.folder / "tables" / f"{layout.check_table(name).name}.parquet"

    def read_table(self, name: str) -> pa.Table:
        """Return a staged table, as a resumed run needs it."""
        with explained(f"read table {name} of run {self.run_id}", self.table_path(name)):
            batches = list(parquet.read_batches(self.table_path(name)))
        return pa.Table.from_batches(batches, layout.check_table(name).arrow)

    def tables(self) -> dict[str, TableFile]:
        """Return the descriptions of the staged tables by name, in the order of the schemas."""
        found = {}
        for name in TABLES:
            content = _read_json(self._description_path(name))
            if content is not None:
                try:
                    found[name] = TableFile.from_json(content)
                except (KeyError, TypeError, ValueError):
                    continue  # a damaged description vouches for nothing: the step that wrote it is not done
        return found

    def _description_path(self, name: str) -> Path:
        return described(self.table_path(name))

    # --- documents --------------------------------------------------------------------------------------------------

    def document(self, name: str) -> Path:
        """Return the path a document such as ``report.html`` is to be written to; its folder exists."""
        path = self.folder / "documents" / layout.check_file_name(name)
        with explained(f"write document {name} of run {self.run_id}", path):
            durable.make_folder(path.parent)
        return path

    def write_document(self, name: str, content: bytes | str) -> Path:
        """Store a document whole or not at all."""
        path = self.document(name)
        with explained(f"write document {name} of run {self.run_id}", path):
            durable.write_atomic(path, content.encode() if isinstance(content, str) else content)
        return path

    def documents(self) -> dict[str, Path]:
        """Return the documents by name."""
        return {path.name: path for path in sorted((self.folder / "documents").glob("[!.]*"))}

    # --- finished steps ---------------------------------------------------------------------------------------------

    def mark(self, step: str, payload: Mapping[str, Any] | None = None) -> None:
        """Record that a step is finished, with the size and sha256 of every file no other step vouches for.

        Parameters
        ----------
        step : str
            Name of the step.
        payload : mapping, optional
            JSON values the step wants to find again, see :meth:`payload`.
        """
        path = self._mark_path(step)
        with explained(f"mark step {step} of run {self.run_id}", path):
            marks = [self._read_mark(other) for other in self._marks() if other != step]
            others = {name for mark in marks if mark is not None for name in mark["files"]}
            files = {name: _size_and_sha256(path) for name, path in self._files().items() if name not in others}
            durable.write_atomic(path, _as_json({"step": step, "payload": dict(payload or {}), "files": files}))

    def done(self, step: str) -> bool:
        """Whether a step is finished and every file it vouches for is whole."""
        mark = self._read_mark(step)
        if mark is None:
            return False
        files = self._files()
        return all(name in files and _size_and_sha256(files[name]) == expected for name, expected in mark["files"].items())

    def payload(self, step: str) -> dict[str, Any]:
        """Return what a finished step left in its mark.

        Raises
        ------
        WarehouseError
            When the step has no mark.
        """
        mark = self._read_mark(step)
        if mark is None:
            raise WarehouseError(f"Step {step} of run {self.run_id} is not finished; run it before asking for its result.")
        return dict(mark["payload"])

    def changed_since_marked(self) -> list[str]:
        """Return the files some step vouches for that are missing or no longer what they were."""
        files, marks = self._files(), [self._read_mark(step) for step in self._marks()]
        vouched = {name: expected for mark in marks if mark is not None for name, expected in mark["files"].items()}
        return [name for name, expected in vouched.items() if name not in files or _size_and_sha256(files[name]) != expected]

    def _mark_path(self, step: str) -> Path:
        return self.folder / "steps" / f"{layout.check_file_name(step)}.json"

    def _marks(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "steps").glob("[!.]*.json"))

    def _read_mark(self, step: str) -> dict[str, Any] | None:
        """Return a step's mark, or None when it is missing or damaged."""
        mark = _read_json(self._mark_path(step))
        whole = (
            mark is not None and mark.get("step") == step and isinstance(mark.get("files"), dict) and isinstance(mark.get("payload"), dict)
        )
        return mark if whole else None

    def _files(self) -> dict[str, Path]:
        """Return every table file, description and document by its name below the staging folder."""
        paths = [path for kind in ("tables", "documents") for path in sorted((self.folder / kind).glob("[!.]*"))]
        return {path.relative_to(self.folder).as_posix(): path for path in paths}


def _as_json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def _read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None when there is no file or it is not one."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _size_and_sha256(path: Path) -> list[Any]:
    return [path.stat().st_size, durable.sha256_of(path)]
