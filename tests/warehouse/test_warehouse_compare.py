"""Two runs side by side: which tables differ, where first, and which metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.compare import FirstDifference, MetricDifference, diff, first_difference
from warehouse.errors import WarehouseError
from warehouse.publish import publish_runs
from warehouse.schemas import TABLES
from warehouse.staging import Staging

StageRun = Callable[..., Staging]


def test_equal_runs_are_equal(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "a1")
    stage(tmp_path, "b1")
    publish_runs(tmp_path, ["a1", "b1"])
    difference = diff(tmp_path, "a", "b")
    assert (difference.run_a, difference.run_b, difference.equal, difference.metrics) == ("a1", "b1", True, ())
    assert [table.table for table in difference.tables] == ["runs", "configs", "findings", "orders", "fills", "equity", "metrics", "trials"]


def test_the_first_differing_row_and_metric_are_told(tmp_path: Path, stage: StageRun) -> None:
    stage(tmp_path, "a")
    shorter = stage(tmp_path, "b", bump=0.5)
    shorter.write_table("fills", shorter.read_table("fills").slice(0, 1))
    shorter.write_table("health", TABLES["health"].arrow.empty_table())
    publish_runs(tmp_path, ["a", "b"])
    difference = diff(tmp_path, "a", "b")
    tables = {table.table: table for table in difference.tables if not table.equal}
    assert sorted(tables) == ["equity", "fills", "health", "metrics"]
    first = tables["equity"].first
    assert first is not None
    assert (first.row, first.columns, first.a["equity_cash"], first.b["equity_cash"]) == (
        3, ("cash", "equity_cash", "return_frac"), 1210.0, 1210.5,
    )  # fmt: skip
    assert (tables["fills"].n_rows_a, tables["fills"].n_rows_b) == (2, 1)
    assert tables["fills"].first == FirstDifference(1, (), {**tables["fills"].first.a}, {})  # type: ignore[union-attr]
    assert tables["health"].first is None
    assert difference.metrics == (MetricDifference("strategy", "sharpe", "ratio", 1.25, 1.75),)


def test_missing_values_and_nan_are_equal_to_themselves() -> None:
    def batches(values: list[float | None]) -> list[pa.RecordBatch]:
        return [pa.record_batch({"x": pa.array(values, pa.float64())})]

    same = [1.0, None, float("nan")]
    assert first_difference(iter(batches(same)), iter(batches(same))) is None
    found = first_difference(iter(batches([1.0, None])), iter(batches([1.0, 0.0])))
    assert found == FirstDifference(1, ("x",), {"x": None}, {"x": 0.0})


def test_rows_are_counted_over_batches() -> None:
    batches = [pa.record_batch({"x": [0, 1]}), pa.record_batch({"x": [2]})]
    found = first_difference(iter(batches), iter([batches[0], pa.record_batch({"x": [3]})]))
    assert found == FirstDifference(2, ("x",), {"x": 2}, {"x": 3})
    assert first_difference(iter(batches), iter(batches[:1])) == FirstDifference(2, (), {"x": 2}, {})


def test_an_unknown_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="There is no published run 'a'"):
        diff(tmp_path, "a", "b")
