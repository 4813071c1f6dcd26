"""Publishing is one step for readers, repeats nothing, and works wherever the folder lies."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from warehouse import catalog, durable, reader, settings
from warehouse.digest import run_digest, table_digest
from warehouse.errors import WarehouseError
from warehouse.publish import publish, publish_runs
from warehouse.schemas import TABLES
from warehouse.staging import Staging
from warehouse.table_schema import Column
from warehouse.verify import verify

Tables = Callable[..., dict[str, pa.Table]]
StageRun = Callable[..., Staging]


def test_published_tables_are_what_was_staged(tmp_path: Path, stage: StageRun, tables: Tables) -> None:
    staging = stage(tmp_path, "r1")
    publication = publish(tmp_path, "r1")
    expected = {name: table_digest(rows) for name, rows in tables().items()}
    assert (publication.is_new, publication.catalog_version, publication.digest) == (True, 1, run_digest(expected))
    for name, rows in tables().items():
        assert reader.table(tmp_path, "r1", name).equals(rows)
        assert reader.query(tmp_path, f"SELECT count(*) FROM {name} WHERE run_id = 'r1'")[0][0].as_py() == rows.num_rows
    assert json.loads(reader.document(tmp_path, "r1", "metrics.json").read_text()) == {"sharpe": 1.25}
    assert not staging.folder.exists()
    assert verify(tmp_path) == []


def test_publishing_again_does_nothing_and_says_so(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    first = publish(tmp_path, "r1")
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.parquet"))
    stage(tmp_path, "r1")
    again = publish(tmp_path, "r1")
    assert (again.is_new, again.digest, again.catalog_version, again.differs) == (False, first.digest, 1, ())
    assert publish(tmp_path, "r1").is_new is False  # without anything staged, too
    assert catalog.versions(tmp_path) == [1]
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.parquet")) == before


def test_a_repeated_run_with_another_content_is_told_and_not_published(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    stage(tmp_path, "r1", bump=1.0)
    assert publish(tmp_path, "r1").differs == ("equity", "metrics")
    assert reader.query(tmp_path, "SELECT max(equity_cash) FROM equity")[0][0].as_py() == 1210.0


def test_an_empty_warehouse_has_every_table_without_rows(tmp_path: Path) -> None:
    root = tmp_path / "nowhere"
    with catalog.connect(root) as connection:
        for schema in TABLES.values():
            answer = connection.sql(f"FROM {schema.name}").to_arrow_table()
            assert answer.num_rows == 0
            assert answer.column_names == ["run_id", *schema.arrow.names]
    assert reader.query(root, "FROM run_summary").num_rows == 0
    assert not root.exists()


def test_tables_nobody_wrote_are_there_without_rows(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    assert {"bars", "positions", "round_trips", "health"}.isdisjoint(file.table for file in reader.manifest(tmp_path, "r1").tables)
    for name in ("bars", "positions", "round_trips", "health"):
        assert reader.query(tmp_path, f"FROM {name}").num_rows == 0


def test_several_runs_in_one_commit_appear_together(tmp_path: Path, stage: StageRun) -> None:
    for run_id in ("a", "b"):
        stage(tmp_path, run_id)
    publications = publish_runs(tmp_path, ["a", "b"])
    assert [(p.run_id, p.catalog_version, p.is_new) for p in publications] == [("a", 1, True), ("b", 1, True)]
    assert reader.query(tmp_path, "SELECT run_id, count(*) FROM fills GROUP BY ALL ORDER BY ALL").to_pydict()["run_id"] == ["a", "b"]


def test_concurrent_publishers_all_land(tmp_path: Path, stage: StageRun) -> None:
    run_ids = [f"r{i}" for i in range(4)]
    for run_id in run_ids:
        stage(tmp_path, run_id)
    threads = [threading.Thread(target=publish, args=(tmp_path, run_id)) for run_id in run_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.run_id for record in reader.runs(tmp_path)) == run_ids
    assert catalog.versions(tmp_path) == [1, 2, 3, 4]
    assert verify(tmp_path) == []


def test_an_older_version_shows_what_was_published_then(tmp_path: Path, stage: StageRun) -> None:
    for run_id in ("r1", "r2"):
        stage(tmp_path, run_id)
        publish(tmp_path, run_id)
    sql = "SELECT DISTINCT run_id FROM equity ORDER BY run_id"
    assert reader.query(tmp_path, sql, version=1)[0].to_pylist() == ["r1"]
    assert reader.query(tmp_path, sql)[0].to_pylist() == ["r1", "r2"]
    with pytest.raises(WarehouseError, match=r"Catalog version 3 is not in .*; it has 1, 2"):
        reader.query(tmp_path, sql, version=3)


def test_an_open_reader_keeps_its_version(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    with catalog.connect(tmp_path) as connection:
        stage(tmp_path, "r2")
        publish(tmp_path, "r2")
        assert connection.execute("SELECT count(DISTINCT run_id) FROM equity").fetchone() == (1,)


def test_an_unpublished_folder_is_never_seen(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    shutil.copytree(tmp_path / "tables/fills/run_id=r1", tmp_path / "tables/fills/run_id=stray")
    assert reader.query(tmp_path, "SELECT DISTINCT run_id FROM fills")[0].to_pylist() == ["r1"]


def test_a_moved_warehouse_goes_on_working(tmp_path: Path, stage: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(tmp_path / "old", "r1")
    publish(tmp_path / "old", "r1")
    (tmp_path / "old").rename(tmp_path / "new place's")
    root = tmp_path / "new place's"
    assert reader.query(root, "SELECT count(*) FROM fills")[0][0].as_py() == 2
    monkeypatch.chdir(tmp_path)
    assert reader.query(Path(root.name), "SELECT count(*) FROM fills")[0][0].as_py() == 2
    stage(root, "r2")
    publish(root, "r2")
    assert reader.query(root, "SELECT count(*) FROM fills")[0][0].as_py() == 4
    assert verify(root) == []


def test_plain_duckdb_finds_the_files_from_anywhere(tmp_path: Path, stage: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    stage(root, "r1")
    publish(root, "r1")
    for folder, name in ((tmp_path, "data/catalog.duckdb"), (root, "catalog.duckdb"), (Path("/"), str(root / "catalog.duckdb"))):
        monkeypatch.chdir(folder)
        with duckdb.connect(name, read_only=True) as connection:
            assert connection.execute("SELECT count(*) FROM fills").fetchone() == (2,)
            assert connection.cursor().execute("SELECT count(*) FROM daily_pnl").fetchone() == (4,)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{root}/catalog.duckdb' AS lab (READ_ONLY)")
        with pytest.raises(duckdb.Error, match="set the variable warehouse"):
            connection.execute("SELECT count(*) FROM lab.fills")
        connection.execute(f"SET VARIABLE warehouse = '{root}'")
        assert connection.execute("SELECT count(*) FROM lab.fills").fetchone() == (2,)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_times_are_utc_whatever_zone_the_reader_lives_in(tmp_path: Path, stage: StageRun, zone: str) -> None:
    staging = stage(tmp_path, "r1")
    bought = staging.read_table("fills")["fill_utc"][0]
    publish(tmp_path, "r1")
    with duckdb.connect(str(tmp_path / "catalog.duckdb"), read_only=True) as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        sql = "SELECT min(fill_utc)::VARCHAR, epoch_ns(min(fill_utc)) FROM fills WHERE fill_utc < '2024-02-01'"
        assert connection.execute(sql).fetchone() == ("2024-01-31 21:00:00", bought.value)


def test_tables_and_columns_explain_themselves(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    comments = reader.query(
        tmp_path, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE column_name <> 'run_id'"
    ).to_pylist()
    found = {(row["table_name"], row["column_name"]): row["comment"] for row in comments}
    for schema in TABLES.values():
        assert {c.name: found[schema.name, c.name] for c in schema.columns} == {c.name: c.meaning for c in schema.columns}


def test_files_and_versions_are_write_protected(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    for path in [*tmp_path.rglob("*.parquet"), *tmp_path.glob("catalog/*.duckdb")]:
        assert path.stat().st_mode & 0o222 == 0


def test_files_are_copied_where_links_are_not_supported(tmp_path: Path, stage: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    assert verify(tmp_path) == []


def test_a_column_added_later_is_empty_in_older_runs(tmp_path: Path, stage: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(tmp_path, "r1")
    publish(tmp_path, "r1")
    staging = stage(tmp_path, "r2")
    for name in ("fills", "metrics"):
        rows = staging.read_table(name)
        added = Column("venue_code", pa.string(), "where", nullable=True)
        monkeypatch.setitem(TABLES, name, dataclasses.replace(TABLES[name], columns=(*TABLES[name].columns, added)))
        staging.write_table(name, rows.append_column("venue_code", pa.array(["XNYS"] * rows.num_rows)))
    publish(tmp_path, "r2")
    for name in ("fills", "metrics"):
        answer = reader.query(tmp_path, f"SELECT run_id, any_value(venue_code) FROM {name} GROUP BY ALL ORDER BY ALL")
        assert answer[1].to_pylist() == [None, "XNYS"]
    assert verify(tmp_path) == []


def test_a_run_without_its_row_in_runs_is_not_published(tmp_path: Path, stage: StageRun, tables: Tables) -> None:
    Staging(tmp_path, "r1").write_table("fills", tables()["fills"])
    with pytest.raises(WarehouseError, match="Run r1 is neither published nor completely staged"):
        publish(tmp_path, "r1")
    Staging(tmp_path, "r1").write_table("runs", TABLES["runs"].arrow.empty_table())
    with pytest.raises(WarehouseError, match="Table runs of run r1 has 0 rows; expected exactly one"):
        publish(tmp_path, "r1")
    assert reader.runs(tmp_path) == []


def test_a_staged_file_that_changed_is_not_published(tmp_path: Path, stage: StageRun) -> None:
    staging = stage(tmp_path, "r1")
    path = staging.table_path("fills")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WarehouseError, match=r"fills.parquet cannot be read as Parquet .*run the step that writes table fills again"):
        publish(tmp_path, "r1")
    staging = stage(tmp_path, "r1")
    staging.mark("report")
    staging.document("metrics.json").write_text("{}")
    with pytest.raises(WarehouseError, match=r"documents/metrics.json of run r1 changed"):
        publish(tmp_path, "r1")
    stage(tmp_path, "r1")
    assert publish(tmp_path, "r1").is_new


def test_the_pointer_is_there_at_every_moment_of_a_switch(tmp_path: Path) -> None:
    link = tmp_path / "catalog.duckdb"
    durable.point(link, "catalog/000000.duckdb")
    switching = threading.Thread(target=lambda: [durable.point(link, f"catalog/{i:06d}.duckdb") for i in range(1, 500)])
    switching.start()
    seen = []
    while switching.is_alive():
        seen.append(link.readlink().name)  # raises when there is none
    switching.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 10


def test_a_publisher_waits_for_the_other_one_and_says_so(tmp_path: Path, stage: StageRun, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(tmp_path, "r1")
    monkeypatch.setattr(settings, "LOCK_TIMEOUT_S", 0.05)
    with durable.exclusive(tmp_path / ".lock", 1.0), pytest.raises(WarehouseError, match=r"Another process has been writing .* for 0.05 s"):
        publish(tmp_path, "r1")
    assert publish(tmp_path, "r1").is_new
