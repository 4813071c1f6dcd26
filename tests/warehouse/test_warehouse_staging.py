"""Staged tables are checked and whole; marks of finished steps are believed only while their files are intact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse import parquet
from warehouse.digest import table_digest
from warehouse.errors import WarehouseError
from warehouse.schemas import TABLES
from warehouse.settings import ROW_GROUP_ROWS
from warehouse.staging import Staging

Tables = Callable[..., dict[str, pa.Table]]


def test_table_comes_back_as_it_was_written(tmp_path: Path, tables: Tables) -> None:
    staging = Staging(tmp_path, "r1")
    for name, rows in tables().items():
        described = staging.write_table(name, rows)
        assert staging.read_table(name).equals(rows)
        assert described.digest == table_digest(rows)
        assert described.n_rows == rows.num_rows


def test_every_table_of_the_schema_can_be_written_empty(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "r1")
    for name, schema in TABLES.items():
        assert staging.write_table(name, schema.arrow.empty_table()).n_rows == 0
    assert list(staging.tables()) == list(TABLES)


def test_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    n = ROW_GROUP_ROWS + 1000
    columns = {"check_name": pa.array(["a"] * n), "symbol": pa.array([f"{i:07d}" for i in range(n)])}
    fixed = {
        c.name: pa.array(np.arange(n) % 7, c.type) if pa.types.is_integer(c.type) else pa.array(["t"] * n, c.type)
        for c in TABLES["findings"].columns
        if c.name not in columns and (pa.types.is_integer(c.type) or pa.types.is_string(c.type))
    }
    other = {"success": pa.array([True] * n), "unexpected_pct": pa.array(np.linspace(0, 1, n))}
    rows = pa.table({c.name: {**columns, **fixed, **other}[c.name] for c in TABLES["findings"].columns})
    staging = Staging(tmp_path, "r1")
    whole = staging.write_table("findings", rows)
    cuts = [rows.slice(0, 5), rows.slice(5, 70_000), rows.slice(70_005)]
    pieces = staging.write_batches("findings", (batch for cut in cuts for batch in cut.to_batches(max_chunksize=9_999)))
    assert (pieces.sha256, pieces.digest) == (whole.sha256, whole.digest)


def test_missing_unknown_and_misplaced_columns_are_named(tmp_path: Path, tables: Tables) -> None:
    staging, metrics = Staging(tmp_path, "r1"), tables()["metrics"]
    with pytest.raises(WarehouseError, match="Table metrics lacks unit; expected the columns agent, role, metric, value, unit"):
        staging.write_table("metrics", metrics.drop_columns(["unit"]))
    with pytest.raises(WarehouseError, match="Table metrics lacks unit and has units besides"):
        staging.write_table("metrics", metrics.rename_columns(["agent", "role", "metric", "value", "units"]))
    with pytest.raises(WarehouseError, match="in the order role, agent"):
        staging.write_table("metrics", metrics.select(["role", "agent", "metric", "value", "unit"]))
    with pytest.raises(WarehouseError, match="Column value of table metrics has type float; expected double"):
        staging.write_table("metrics", metrics.set_column(3, "value", metrics["value"].cast(pa.float32())))
    with pytest.raises(WarehouseError, match=r"no table 'metric' in the warehouse; expected one of runs, configs"):
        staging.write_table("metric", metrics)
    assert staging.tables() == {}


def test_an_empty_required_value_is_named_with_its_row(tmp_path: Path, tables: Tables) -> None:
    metrics = tables()["metrics"]
    unit = pa.array(["ratio", "ratio", None, "fraction"])
    with pytest.raises(WarehouseError, match="Column unit of table metrics is empty in row 2"):
        Staging(tmp_path, "r1").write_table("metrics", pa.table([*metrics.columns[:4], unit], names=metrics.column_names))


def test_unsorted_rows_are_named(tmp_path: Path, tables: Tables) -> None:
    metrics = tables()["metrics"].take([1, 0, 2, 3])
    with pytest.raises(WarehouseError, match=r"metrics is not sorted by agent, metric: row 1 \(benchmark, sharpe\) comes after row 0"):
        Staging(tmp_path, "r1").write_table("metrics", metrics)


def test_order_is_checked_across_row_groups_and_nulls_come_last(tmp_path: Path) -> None:
    schema = TABLES["quarantine"]

    def rows(n: int, at: int | None, symbol: str = "A") -> pa.Table:
        text = {c.name: pa.array(["x"] * n) for c in schema.columns}
        return pa.table({**text, "symbol": pa.array([symbol] * n), "open_utc": pa.array([at] * n, schema.arrow.field("open_utc").type)})

    staging = Staging(tmp_path, "r1")
    last_null = pa.concat_tables([rows(ROW_GROUP_ROWS, 5), rows(2, None), rows(1, 0, "B")])
    assert staging.write_table("quarantine", last_null).n_rows == ROW_GROUP_ROWS + 3
    with pytest.raises(WarehouseError, match=f"row {ROW_GROUP_ROWS} .* comes after row {ROW_GROUP_ROWS - 1}"):
        staging.write_table("quarantine", pa.concat_tables([rows(ROW_GROUP_ROWS, None), rows(1, 5)]))


def test_done_step_is_remembered_with_its_payload(tmp_path: Path, tables: Tables) -> None:
    staging = Staging(tmp_path, "r1")
    assert not staging.done("simulate")
    with pytest.raises(WarehouseError, match="Step simulate of run r1 is not finished"):
        staging.payload("simulate")
    staging.write_table("fills", tables()["fills"])
    staging.mark("simulate", {"n_fills": 2})
    again = Staging(tmp_path, "r1")
    assert again.done("simulate")
    assert again.payload("simulate") == {"n_fills": 2}


def test_damaged_files_undo_the_step_that_wrote_them_only(tmp_path: Path, tables: Tables) -> None:
    staging = Staging(tmp_path, "r1")
    staging.write_table("fills", tables()["fills"])
    staging.mark("simulate")
    report = staging.write_document("report.html", "<p>fine</p>")
    staging.mark("report")
    report.write_text("<p>half")
    assert (staging.done("simulate"), staging.done("report")) == (True, False)
    staging.write_document("report.html", "<p>better</p>")
    staging.mark("report")
    fills = staging.table_path("fills")
    fills.chmod(0o644)
    fills.write_bytes(fills.read_bytes()[:-1])
    assert (staging.done("simulate"), staging.done("report")) == (False, True)
    staging.table_path("fills").unlink()
    assert not staging.done("simulate")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"step": "simulate"}', b'{"step": "other", "files": {}, "payload": {}}'])
def test_a_damaged_mark_is_no_mark(tmp_path: Path, content: bytes) -> None:
    staging = Staging(tmp_path, "r1")
    staging.mark("simulate")
    (staging.folder / "steps" / "simulate.json").write_bytes(content)
    assert not staging.done("simulate")


def test_a_failed_write_leaves_the_former_table(tmp_path: Path, tables: Tables) -> None:
    staging = Staging(tmp_path, "r1")
    staging.write_table("fills", tables()["fills"])

    def broken() -> object:
        yield tables()["fills"].to_batches()[0]
        raise RuntimeError("source broke")

    with pytest.raises(RuntimeError, match="source broke"):
        staging.write_batches("fills", broken())  # type: ignore[arg-type]
    assert staging.read_table("fills").equals(tables()["fills"])
    assert not parquet.faults_of(staging.table_path("fills"), staging.tables()["fills"])
    assert sorted(path.name for path in (staging.folder / "tables").iterdir()) == ["fills.json", "fills.parquet"]


@pytest.mark.parametrize("run_id", ["", "../up", "a/b", ".hidden", "a" * 65, "a=b", "é"])
def test_run_ids_that_cannot_name_a_folder_are_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(WarehouseError, match="is not a run id"):
        Staging(tmp_path, run_id)


@pytest.mark.parametrize("name", ["", "../report.html", "a/b.html", ".x"])
def test_document_names_with_folders_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarehouseError, match="is not a plain file name"):
        Staging(tmp_path, "r1").document(name)


def quotes(n: int) -> pa.Table:
    time = pa.array(np.arange(n) * 1_000 + 1_600_000_000_000_000_000).view(pa.timestamp("ns", tz="UTC"))
    sides = {
        name: pa.array(np.round(np.sin(np.arange(n)) * 50 + 100) / 100) for name in ("bid_price", "bid_shares", "ask_price", "ask_shares")
    }
    return pa.table({"time_utc": time, "symbol": pa.array(["SIM"] * n), "venue": pa.array(["X"] * n), **sides})


def test_tables_streamed_side_by_side_equal_those_written_whole(tmp_path: Path) -> None:
    rows = quotes(ROW_GROUP_ROWS + 3_000)
    expected = Staging(tmp_path, "r1").write_table("market_quotes", rows)
    staging = Staging(tmp_path, "r2")
    with staging.stream("market_quotes") as one, staging.stream("market_trades") as other:
        for batch in rows.to_batches(max_chunksize=7_777):
            one.write(batch)
        other.write(_trade())
    assert (one.finished().sha256, one.finished().digest) == (expected.sha256, expected.digest)
    assert staging.read_table("market_quotes").equals(rows.cast(TABLES["market_quotes"].arrow))
    assert other.finished().n_rows == 1


def test_a_stream_that_fails_leaves_nothing(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "r1")
    rows = quotes(10)
    with pytest.raises(RuntimeError, match="the market broke"), staging.stream("market_quotes") as stream:  # noqa: PT012 - as in a run
        stream.write(rows.to_batches()[0])
        raise RuntimeError("the market broke")
    assert [path for path in staging.folder.rglob("*") if path.is_file()] == []
    with pytest.raises(WarehouseError, match="market_quotes is not sorted by time_utc"), staging.stream("market_quotes") as stream:
        stream.write(rows.take(list(range(9, -1, -1))).combine_chunks().to_batches()[0])
    assert staging.tables() == {}
    with pytest.raises(WarehouseError, match="is still being written"):
        stream.finished()


def test_whole_numbers_and_times_of_streamed_tables_are_stored_as_differences(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "r1")
    n = 100_000
    described = staging.write_table("market_quotes", quotes(n))
    with pq.ParquetFile(staging.table_path("market_quotes")) as file:
        columns = [file.metadata.row_group(0).column(k) for k in range(file.metadata.num_columns)]
    encodings = {column.path_in_schema: column.encodings for column in columns}
    assert "DELTA_BINARY_PACKED" in encodings["time_utc"]
    assert any("DICTIONARY" in encoding for encoding in encodings["bid_price"])
    assert described.n_bytes < 8 * n  # 56 bytes a row in memory


def _trade() -> pa.RecordBatch:
    values = {pa.string(): "x", pa.float64(): 1.0, pa.int32(): 1, pa.int64(): 1, pa.timestamp("ns", tz="UTC"): 0}
    schema = TABLES["market_trades"].arrow
    return pa.RecordBatch.from_pylist([{field.name: values[field.type] for field in schema}], schema=schema)
