"""A small run, computed by hand, that the warehouse's tests stage and publish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from warehouse.schemas import TABLES
from warehouse.staging import Staging

StageRun = Callable[..., Staging]


def _days(*days: int) -> list[dt.date]:
    return [dt.date(2024, 1, 31) + dt.timedelta(days=day) for day in days]


def _closes(*days: int) -> list[dt.datetime]:
    return [dt.datetime(2024, 1, 31, 21, tzinfo=dt.UTC) + dt.timedelta(days=day) for day in days]


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name].arrow)


def sample_tables(name: str = "sample", bump: float = 0.0) -> dict[str, pa.Table]:
    """Return a run over four sessions (31 January to 3 February): equity 1000, 1100, 990, 1210; ``bump`` is added to the last."""
    empty_of = {"config_digest": "c", "snapshot_digest": "s", "code_version": "0", "status_reason": "", "parent_run_id": ""}
    run = {"name": name, "mode": "backtest", "horizon": "daily", "market": "bars", "status": "success", "seed": 1}
    window = {"start_date": _days(0)[0], "end_date": _days(3)[0], "n_symbols": 1, "n_bars": 4}
    equity = [1000.0, 1100.0, 990.0, 1210.0 + bump]
    before = [1000.0, *equity[:-1]]
    drawdown = [0.0, 0.0, -0.1, 0.0]
    flat = dict.fromkeys(("long_value_cash", "short_value_cash", "turnover_cash", "fees_cash", "borrow_cash", "dividends_cash"), 0.0)
    zipped = list(zip(_days(0, 1, 2, 3), _closes(0, 1, 2, 3), equity, before, drawdown, strict=True))
    fill = {"agent": "strategy", "symbol": "IBM", "liquidity": "taker", "order_id": 0, "position_after_shares": 0.0}
    costs = {"fee_cash": 1.0, "spread_cost_cash": 2.0, "slippage_cost_cash": 3.0, "impact_cost_cash": 4.0}
    return {
        "runs": _table("runs", [run | window | empty_of]),
        "configs": _table("configs", [{"config_digest": "c", "config_json": "{}"}]),
        "findings": _table(
            "findings",
            [
                {"check_name": check, "symbol": "IBM", "column_name": "", "severity": severity, "success": success, "n_checked": 4}
                | {"n_unexpected": 1 - success, "unexpected_pct": 25.0 * (1 - success), "observed": "", "message": "told"}
                for check, severity, success in [("gap", "warning", False), ("negative", "critical", False), ("type", "error", True)]
            ],
        ),
        "fills": _table(
            "fills",
            [
                fill
                | costs
                | {"fill_id": i, "side": side, "qty_shares": 100.0, "price": price, "reference_price": price}
                | {"fill_utc": _closes(i)[0], "session_date": _days(i)[0]}
                for i, (side, price) in enumerate([("buy", 10.0), ("sell", 15.0)])
            ],
        ),
        "orders": _table(
            "orders",
            [
                {"agent": "strategy", "order_id": i, "symbol": "IBM", "side": "buy", "kind": "limit", "tif": "day", "status": "expired"}
                | {"reason": "end_of_session", "submitted_utc": _closes(0)[0], "ended_utc": _closes(1)[0], "qty_shares": 100.0}
                | {"filled_shares": 25.0 * i, "limit_price": 9.0, "stop_price": None, "fee_cash": 0.0}
                for i in range(2)
            ],
        ),
        "equity": _table(
            "equity",
            [
                flat
                | {"agent": "strategy", "session_date": day, "close_utc": close, "cash": e, "equity_cash": e}
                | {"return_frac": e / b - 1, "drawdown_frac": dd}
                for day, close, e, b, dd in zipped
            ],
        ),
        "metrics": _table(
            "metrics",
            [
                {"agent": "benchmark", "role": "benchmark", "metric": "sharpe", "value": 0.5, "unit": "ratio"},
                {"agent": "strategy", "role": "strategy", "metric": "sharpe", "value": 1.25 + bump, "unit": "ratio"},
                {"agent": "strategy", "role": "strategy", "metric": "total_return", "value": 0.21, "unit": "fraction"},
                {"agent": "strategy", "role": "strategy", "metric": "win_rate", "value": None, "unit": "fraction"},
            ],
        ),
        "trials": _table(
            "trials",
            [
                {"trial": i, "n_trials": 3, "window_number": -1, "sample": "in", "start_date": _days(0)[0], "end_date": _days(3)[0]}
                | {"parameters_json": "{}", "metric": "sharpe", "value": value, "sharpe": value, "chosen": value == 2.0}
                | {"total_return_frac": 0.0, "max_drawdown_frac": 0.0}
                for i, value in enumerate([1.0, None, 2.0])
            ],
        ),
    }


def _stage(root: Path, run_id: str, *, name: str = "sample", bump: float = 0.0) -> Staging:
    staging = Staging(root, run_id)
    for table, rows in sample_tables(name, bump).items():
        staging.write_table(table, rows)
    staging.write_document("metrics.json", '{"sharpe": 1.25}')
    return staging


@pytest.fixture
def stage() -> StageRun:
    """Return ``stage(root, run_id, name=..., bump=...)``, which stages the sample run."""
    return _stage


@pytest.fixture
def tables() -> Callable[..., dict[str, pa.Table]]:
    """Return the function that makes the sample run's tables."""
    return sample_tables
