"""A table under way: rows come bit by bit, and the file appears whole under its name, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa

from warehouse import durable, parquet
from warehouse.errors import WarehouseError, explained
from warehouse.parquet import TableFile
from warehouse.table_schema import TableSchema


def described(path: Path) -> Path:
    """Return where the description of a table's file lies."""
    return path.with_suffix(".json")


class TableStream:
    """A temporary file until its ``with`` block ends well; then the table and its description, in one step each.

    Parameters
    ----------
    path : where the table is to be
    schema : its columns
    doing : what is under way, for errors, such as "write table fills of run 1f3a"
    """

    def __init__(self, path: Path, schema: TableSchema, doing: str) -> None:
        self._path, self._schema, self._doing = path, schema, doing
        self._written: TableFile | None = None

    def __enter__(self) -> TableStream:
        with explained(self._doing, self._path):
            durable.make_folder(self._path.parent)
            self._temporary = durable.temporary_name(self._path)
            self._file = self._temporary.open("xb")
            self._writer = parquet.Writer(self._file, self._schema)
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows.

        Raises
        ------
        WarehouseError
            The columns differ, a required value is missing, the rows are not sorted, or the disk refuses.
        """
        with explained(self._doing, self._path):
            self._writer.write(batch)

    def finished(self) -> TableFile:
        """Return rows, bytes and digests of the file, once the block has ended well."""
        if self._written is None:
            raise WarehouseError(f"Cannot {self._doing}: it is still being written; leave its block first.")
        return self._written

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                with explained(self._doing, self._path):
                    self._commit()
        finally:
            self._writer.abandon()
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _commit(self) -> None:
        written = self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._written = TableFile(
            table=self._schema.name,
            n_rows=written.n_rows,
            n_bytes=self._temporary.stat().st_size,
            sha256=durable.sha256_of(self._temporary),
            digest=written.digest,
            columns=parquet.column_types(self._schema.arrow),
        )
        self._temporary.chmod(durable.READ_ONLY_MODE)
        self._temporary.replace(self._path)
        content = json.dumps(self._written.as_json(), indent=1, sort_keys=True).encode() + b"\n"
        durable.write_atomic(described(self._path), content)
