# ruff: noqa: S608 - names come from the schemas and the layout's checked paths
"""The SQL a catalog version is made of: its tables, one view for each big table, and the analysts' views of ``views/``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.errors import WarehouseError, first_line
from warehouse.schemas import TABLES
from warehouse.settings import FORMAT_VERSION
from warehouse.table_schema import TableSchema

VIEWS = Path(__file__).parent / "views"

# Times are shown as TIMESTAMP_NS, which is UTC by the columns' names: DuckDB 2.0 reads the files' own TIMESTAMPTZ_NS but
# has neither date_trunc nor a difference for it. They are made from the nanoseconds because a plain cast gives the local time
# of the reader's TimeZone setting, is some seventy times slower, and is not pushed down into the scan.
_SQL_TYPES = {
    "string": "VARCHAR",
    "double": "DOUBLE",
    "float": "FLOAT",
    "int64": "BIGINT",
    "int32": "INTEGER",
    "int16": "SMALLINT",
    "int8": "TINYINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[ns, tz=UTC]": "TIMESTAMP_NS",
}

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS warehouse_format (format_version INTEGER NOT NULL, structure VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS publications (
    run_id VARCHAR NOT NULL, published_utc TIMESTAMP NOT NULL, catalog_version BIGINT NOT NULL, digest VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    run_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, path VARCHAR NOT NULL, n_rows BIGINT NOT NULL, n_bytes BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL, digest VARCHAR NOT NULL, column_names VARCHAR[] NOT NULL
);
COMMENT ON TABLE publications IS 'one row a published run: when it was published and by which catalog version';
COMMENT ON TABLE files IS 'one row a Parquet file, path below tables/';
"""

# Views must find the files wherever the folder is moved or mounted. DuckDB puts its spill folder beside the file it opened,
# links followed, so that setting tells where this catalog lies; whoever attaches the catalog to another database says
# SET VARIABLE warehouse = '/path/of/the/warehouse' instead.
_FOLDER_MACRO = r"""
CREATE OR REPLACE MACRO warehouse_folder() AS coalesce(
    getvariable('warehouse'),
    nullif(regexp_extract(current_setting('temp_directory'), '^(.*)/catalog/[^/]+\.tmp$', 1), ''),
    error('set the variable warehouse to the folder of this warehouse')
)
"""


def quoted(text: str) -> str:
    """Return ``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def name_of(column: str) -> str:
    """Return a column's name as SQL; some, such as "window", are words of the language."""
    return f'"{column}"'


def sql_type(type_: pa.DataType) -> str:
    """Return the type readers see for a stored type."""
    name = str(type_)
    if name not in _SQL_TYPES:
        raise WarehouseError(f"Type {name} of a warehouse column has no SQL type; expected one of {', '.join(_SQL_TYPES)}.")
    return _SQL_TYPES[name]


def structure() -> str:
    """Return a digest of everything but rows and file lists that this program puts into a catalog."""
    views = [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(VIEWS.glob("*.sql"))]
    return hashlib.sha256(repr((TABLES, _SQL_TYPES, _OWN_TABLES, _FOLDER_MACRO, views)).encode()).hexdigest()


def has_structure(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a catalog was made by a program with the same tables and views."""
    return connection.execute("SELECT structure FROM warehouse_format").fetchone() == (structure(),)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the catalog's own tables and the small tables; add columns that came with a newer program."""
    connection.execute(_OWN_TABLES)
    connection.execute("DELETE FROM warehouse_format")
    connection.execute("INSERT INTO warehouse_format VALUES (?, ?)", [FORMAT_VERSION, structure()])
    for schema in TABLES.values():
        if schema.small:
            columns = ", ".join(f"{name_of(column.name)} {sql_type(column.type)}" for column in schema.columns)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {schema.name} (run_id VARCHAR NOT NULL, {columns})")
            for column in schema.columns:
                connection.execute(f"ALTER TABLE {schema.name} ADD COLUMN IF NOT EXISTS {name_of(column.name)} {sql_type(column.type)}")
            _comment(connection, "TABLE", schema)


def insert_small(connection: duckdb.DuckDBPyConnection, schema: TableSchema, names: Sequence[str], files: Sequence[Path]) -> None:
    """Copy the rows of Parquet files that all have the columns ``names`` into a small table."""
    source = _parquet(f"[{', '.join(quoted(str(file)) for file in files)}]")
    connection.execute(f"INSERT INTO {schema.name} BY NAME SELECT run_id, {_expressions(schema, names)} FROM {source}")


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace every view by what the schemas and ``views/*.sql`` say now."""
    old = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    for (name,) in old:
        connection.execute(f"DROP VIEW {name}")
    connection.execute(_FOLDER_MACRO)
    list_files(connection)
    for path in sorted(VIEWS.glob("*.sql")):
        try:
            connection.execute(f"CREATE VIEW {path.stem} AS {path.read_text(encoding='utf-8')}")
        except duckdb.Error as fault:
            raise WarehouseError(f"The view {path} cannot be made: {first_line(fault)}.") from fault
        connection.execute(f"COMMENT ON VIEW {path.stem} IS {quoted(purpose(path))}")


def list_files(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view of each big table read the files the catalog lists now; views upon it follow by its name."""
    for schema in TABLES.values():
        if not schema.small:
            connection.execute(f"CREATE OR REPLACE VIEW {schema.name} AS {_big_table(connection, schema)}")
            _comment(connection, "VIEW", schema)


def purpose(view: Path) -> str:
    """Return the comment a view's file opens with."""
    lines = view.read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("--").strip() for line in lines[: next(i for i, line in enumerate(lines) if not line.startswith("--"))]]
    return " ".join(comment)


def _big_table(connection: duckdb.DuckDBPyConnection, schema: TableSchema) -> str:
    """Return the query over all published files of a table; files written before a column existed have it empty."""
    groups = connection.execute(
        "SELECT column_names, list(path ORDER BY path) FROM files WHERE table_name = ? AND n_rows > 0 GROUP BY ALL ORDER BY column_names",
        [schema.name],
    ).fetchall()
    selects = []
    for names, paths in groups:
        files = ", ".join(quoted(path) for path in paths)
        source = _parquet(f"list_transform([{files}], lambda path: warehouse_folder() || '/tables/' || path)")
        selects.append(f"SELECT run_id, {_expressions(schema, names)} FROM {source}")
    return " UNION ALL ".join(selects) or f"SELECT NULL::VARCHAR AS run_id, {_expressions(schema, [])} WHERE false"


def _expressions(schema: TableSchema, present: Sequence[str]) -> str:
    return ", ".join(_expression(column.name, column.type, column.name in present) for column in schema.columns)


def _expression(name: str, type_: pa.DataType, present: bool) -> str:
    if not present:
        return f"NULL::{sql_type(type_)} AS {name_of(name)}"
    return f"make_timestamp_ns(epoch_ns({name_of(name)})) AS {name_of(name)}" if pa.types.is_timestamp(type_) else name_of(name)


def _parquet(files: str) -> str:
    return f"read_parquet({files}, hive_partitioning = true, hive_types = {{'run_id': VARCHAR}})"


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, schema: TableSchema) -> None:
    columns = [f"COMMENT ON COLUMN {schema.name}.{name_of(column.name)} IS {quoted(column.meaning)}" for column in schema.columns]
    connection.execute(";".join([f"COMMENT ON {kind} {schema.name} IS {quoted(schema.grain)}", *columns]))
