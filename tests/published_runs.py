"""Small published runs made by hand, for tests of what reads the warehouse."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse.publish import Publication, publish
from warehouse.schemas import TABLES
from warehouse.staging import Staging

FIRST = dt.date(2020, 1, 2)
METRICS: Sequence[tuple[str, str, str, float | None, str]] = (
    ("benchmark", "benchmark", "total_return", 0.5, "fraction"),
    ("dip_buyer", "agent", "total_return", 0.25, "fraction"),
    ("strategy", "strategy", "sharpe", None, "ratio"),
    ("strategy", "strategy", "total_return", 1.0, "fraction"),
)


def publish_run(
    root: Path,
    run_id: str,
    *,
    name: str = "nightly",
    status: str = "success",
    metrics: Sequence[tuple[str, str, str, float | None, str]] = METRICS,
    equity: Sequence[float] = (100.0, 101.0),
    documents: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Publication:
    """Stage and publish one run with a few rows."""
    staging = Staging(root, run_id)
    staging.write_table("runs", rows("runs", [_run_row(name, status, len(equity))]))
    config_json = json.dumps(dict(config or {"name": name}), sort_keys=True)
    staging.write_table("configs", rows("configs", [{"config_digest": "c" * 64, "config_json": config_json}]))
    columns = ("agent", "role", "metric", "value", "unit")
    staging.write_table("metrics", rows("metrics", [dict(zip(columns, row, strict=True)) for row in metrics]))
    staging.write_table("equity", rows("equity", [_equity_row(n, value) for n, value in enumerate(equity)]))
    for document, content in (documents if documents is not None else {"report.html": f"<!doctype html><h1>{run_id}</h1>"}).items():
        staging.write_document(document, content)
    return publish(root, run_id)


def rows(table: str, values: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows of a warehouse table from dictionaries."""
    return pa.Table.from_pylist([dict(row) for row in values], schema=TABLES[table].arrow)


def _run_row(name: str, status: str, n_bars: int) -> dict[str, Any]:
    return {
        "name": name,
        "mode": "backtest",
        "horizon": "daily",
        "market": "bars",
        "status": status,
        "status_reason": "" if status == "success" else "gate cash_conserved failed",
        "start_date": FIRST,
        "end_date": FIRST + dt.timedelta(days=n_bars - 1),
        "n_symbols": 1,
        "n_bars": n_bars,
        "seed": 7,
        "config_digest": "c" * 64,
        "snapshot_digest": "d" * 64,
        "code_version": "0.1.0+abc",
        "parent_run_id": "",
    }


def _equity_row(n: int, value: float) -> dict[str, Any]:
    close = dt.datetime.combine(FIRST, dt.time(21), dt.UTC) + dt.timedelta(days=n)
    zero = ("short_value_cash", "return_frac", "drawdown_frac", "turnover_cash", "fees_cash", "borrow_cash", "dividends_cash")
    return {
        "agent": "strategy",
        "session_date": FIRST + dt.timedelta(days=n),
        "close_utc": close,
        "cash": 0.0,
        "long_value_cash": value,
        "equity_cash": value,
        **dict.fromkeys(zero, 0.0),
    }
