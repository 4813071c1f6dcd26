"""The reader answers queries, and only queries, over what is published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse import catalog, reader
from warehouse.errors import WarehouseError
from warehouse.publish import publish
from warehouse.staging import Staging

StageRun = Callable[..., Staging]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader") / "data"


@pytest.fixture
def root(home: Path, stage: StageRun) -> Path:
    if not home.exists():
        for run_id, name in (("abc1", "sample"), ("abd2", "other"), ("abd", "sample")):
            stage(home, run_id, name=name)
            publish(home, run_id)
    return home


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM runs",
        "WITH r AS (SELECT run_id FROM runs) SELECT run_id FROM r",
        "FROM run_summary",
        "VALUES (1)",
        "DESCRIBE fills",
        "SHOW TABLES",
        "SUMMARIZE metrics",
        "EXPLAIN SELECT 1",
        "explain analyze SELECT count(*) FROM fills",
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "SELECT 1;",
        "SELECT date_trunc('month', fill_utc), max(fill_utc) - min(fill_utc) FROM fills GROUP BY 1",
    ],
)
def test_queries_are_answered(root: Path, sql: str) -> None:
    assert reader.query(root, sql).num_rows >= 1


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "exactly one SQL statement, found 0"),
        ("SELECT 1; SELECT 2", "exactly one SQL statement, found 2"),
        ("CREATE TABLE t (x INT)", "CREATE is not allowed, the warehouse is read only"),
        ("DELETE FROM runs", "DELETE is not allowed"),
        ("DROP TABLE runs", "DROP is not allowed"),
        ("COPY runs TO 'x.csv'", "COPY is not allowed"),
        ("EXPLAIN ANALYZE COPY runs TO 'x.csv'", "COPY is not allowed"),
        ("EXPLAIN (ANALYZE) COPY runs TO 'x.csv'", "COPY is not allowed"),
        ("/* */ EXPLAIN ANALYZE COPY runs TO 'x.csv'", "Write EXPLAIN first"),
        ("EXPLAIN /* */ ANALYZE COPY runs TO 'x.csv'", "cannot be answered"),
        ("ATTACH 'x.duckdb'", "ATTACH is not allowed"),
        ("SET threads = 1", "SET is not allowed"),
        ("PRAGMA database_list", "PRAGMA is not allowed"),
        ("INSTALL httpfs", "LOAD is not allowed"),
        ("CALL enable_logging()", "CALL is not allowed"),
        ("WITH gone AS (DELETE FROM runs RETURNING run_id) SELECT run_id FROM gone", "cannot be answered"),
        ("SELECT * FROM read_text('/etc/hostname')", 'cannot be answered: Cannot access file "/etc/hostname"'),
        ("SELECT * FROM enable_logging(storage = 'file', storage_path = '/tmp/x')", "cannot be answered"),
        ("SELECT nothing FROM runs", 'cannot be answered: Referenced column "nothing" not found'),
        ("SELEC 1", "cannot be answered: syntax error"),
        ("SELECT ? + 1", "cannot be answered"),
        ("SELECT 1 / 0 + 'x'::INT", "cannot be answered: Could not convert string 'x'"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(root: Path, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError) as refused:
        reader.query(root, sql)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 6


def test_files_of_the_warehouse_outside_the_tables_cannot_be_read(root: Path) -> None:
    for path in (root / "runs/abc1/metrics.json", root / "tables/../runs/abc1/metrics.json", root / "catalog/000001.duckdb"):
        with pytest.raises(WarehouseError, match="Cannot access file"):
            reader.query(root, f"SELECT content FROM read_text('{path}')")


def test_every_connection_to_a_version_is_locked(root: Path) -> None:
    with catalog.connect(root) as first, catalog.connect(root) as second:
        for connection in (first, second):
            assert connection.execute("SELECT current_setting('enable_external_access')").fetchone() == (False,)
            with pytest.raises(Exception, match="configuration has been locked"):
                connection.execute("SET enable_external_access = true")


def test_values_are_bound_by_position_and_by_name(root: Path) -> None:
    assert reader.query(root, "SELECT name FROM runs WHERE run_id = ?", ["abd2"])[0].to_pylist() == ["other"]
    assert reader.query(root, "SELECT name FROM runs WHERE run_id = $id", {"id": "abd2"})[0].to_pylist() == ["other"]


@pytest.mark.parametrize(("max_rows", "expected"), [(None, 100_000), (0, 0), (1, 1), (70_000, 70_000), (200_000, 100_000)])
def test_answers_are_cut_at_the_limit(root: Path, max_rows: int | None, expected: int) -> None:
    answer = reader.query(root, "SELECT i FROM range(100000) AS t(i) ORDER BY i", max_rows=max_rows)
    assert answer["i"].to_pylist() == list(range(expected))


def test_runs_are_listed_newest_first(root: Path) -> None:
    assert [record.run_id for record in reader.runs(root)] == ["abd", "abd2", "abc1"]
    assert [record.run_id for record in reader.runs(root, name="sample", limit=1)] == ["abd"]
    assert (reader.latest_run_id(root), reader.latest_run_id(root, "other"), reader.latest_run_id(root, "none")) == ("abd", "abd2", None)


def test_a_run_is_found_by_the_beginning_of_its_id(root: Path) -> None:
    assert reader.run(root, "abc").run_id == "abc1"
    assert reader.run(root, "abd").run_id == "abd"
    assert reader.metrics(root, "abc").to_pydict()["metric"] == ["sharpe", "sharpe", "total_return", "win_rate"]
    with pytest.raises(WarehouseError, match=r"3 runs begin with ab \(abd, abd2, abc1\)"):
        reader.run(root, "ab")
    for unknown in ("x", ""):
        with pytest.raises(WarehouseError, match="There is no published run"):
            reader.run(root, unknown)


def test_an_unknown_document_is_refused_with_the_known_ones(root: Path) -> None:
    with pytest.raises(WarehouseError, match=r"Run abc1 has no document 'x.html'; it has metrics.json"):
        reader.document(root, "abc1", "x.html")
