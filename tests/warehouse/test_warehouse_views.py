"""Every analyst's view, checked by hand on the sample run of ``conftest.py``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from marketsim.risk.measures import MEASURES
from warehouse import reader
from warehouse.catalog_sql import VIEWS, purpose
from warehouse.publish import publish
from warehouse.schemas import TABLES
from warehouse.staging import Staging

StageRun = Callable[..., Staging]


def _day(day: int) -> dt.date:
    return dt.date(2024, 1, 31) + dt.timedelta(days=day)


def _close(day: int) -> dt.datetime:
    return dt.datetime(2024, 1, 31, 21) + dt.timedelta(days=day)  # noqa: DTZ001 - views tell UTC without zone


BY_HAND: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "latest_metrics": (
        "SELECT name, run_id, agent, value FROM latest_metrics WHERE metric = 'sharpe' ORDER BY ALL",
        [
            ("other", "r3", "benchmark", 0.5),
            ("other", "r3", "strategy", 1.25),
            ("sample", "r2", "benchmark", 0.5),
            ("sample", "r2", "strategy", 2.25),
        ],
    ),
    "run_summary": (
        "SELECT run_id, name, end_date, sharpe, total_return_frac, cagr_frac, n_failed_checks, catalog_version FROM run_summary",
        [
            ("r3", "other", _day(3), 1.25, 0.21, None, 2, 3),
            ("r2", "sample", _day(3), 2.25, 0.21, None, 2, 2),
            ("r1", "sample", _day(3), 1.25, 0.21, None, 2, 1),
        ],
    ),
    "daily_pnl": (
        "SELECT session_date, pnl_cash, round(return_frac, 12), equity_cash FROM daily_pnl WHERE run_id = 'r1' ORDER BY ALL",
        [
            (_day(0), 0.0, 0.0, 1000.0),
            (_day(1), 100.0, 0.1, 1100.0),
            (_day(2), -110.0, -0.1, 990.0),
            (_day(3), 220.0, 0.222222222222, 1210.0),
        ],
    ),
    "monthly_returns": (
        "SELECT month_date, round(return_frac, 12), benchmark_return_frac FROM monthly_returns WHERE run_id = 'r1' ORDER BY ALL",
        [(dt.date(2024, 1, 1), 0.0, None), (dt.date(2024, 2, 1), 0.21, None)],
    ),
    "trade_costs": (  # 100 × 10 + 100 × 15 traded, (1 + 2 + 3 + 4) × 2 paid: 20 of 2,500 are 80 bp
        "SELECT n_fills, notional_cash, fee_cash, impact_cost_cash, total_cost_cash, total_cost_bps FROM trade_costs WHERE run_id = 'r1'",
        [(2, 2500.0, 2.0, 8.0, 20.0, 80.0)],
    ),
    "drawdowns": (
        "SELECT peak_utc, trough_utc, recovery_utc, depth_frac, n_bars FROM drawdowns WHERE run_id = 'r1'",
        [(_close(1), _close(2), _close(3), -0.1, 1)],
    ),
    "trials_ranked": (
        "SELECT trial_rank, trial, value, chosen FROM trials_ranked WHERE run_id = 'r1'",
        [(1, 2, 2.0, True), (2, 0, 1.0, False), (3, 1, None, False)],
    ),
    "failed_checks": (
        "SELECT severity, check_name, n_unexpected FROM failed_checks WHERE run_id = 'r1'",
        [("critical", "negative", 1), ("warning", "gap", 1)],
    ),
    "market_summary": (  # the spread of the second bar counts, but not against a mid that is not there: 0.02 / 10 is 20 bp
        "SELECT symbol, n_bars, first_mid_price, last_mid_price, low_price, high_price, volume_shares, n_trades, spread, spread_bps"
        " FROM market_summary",
        [("SIM", 2, 10.0, 10.0, 8.0, 12.0, 40.0, 3, 0.03, 20.0)],
    ),
    "market_groups": (
        "SELECT group_name, n_agents, n_orders, cancels_per_order, volume_shares, fees_cash, pnl_cash FROM market_groups ORDER BY ALL",
        [("crowd", 2, 10, 0.5, 10.0, 1.0, -2.0), ("maker", 1, 0, None, 5.0, 0.5, 2.0), ("outside", 1, 0, None, 5.0, 0.5, 0.0)],
    ),
    "market_tape": (
        "SELECT seq, maker, maker_group, taker, taker_group, price FROM market_tape",
        [(7, "maker.0", "maker", "crowd.0", "crowd", 10.0)],
    ),
    "order_outcomes": (
        "SELECT kind, status, reason, n_orders, filled_frac FROM order_outcomes WHERE run_id = 'r1'",
        [("limit", "expired", "end_of_session", 2, 0.125)],
    ),
}

# Two bars of one book, the second without a mid; a crowd of two that sold to a maker.
BARS = [
    {"high_price": 12.0, "low_price": 9.0, "volume_shares": 30.0, "n_trades": 2, "mid_price": 10.0, "spread": 0.02},
    {"high_price": 11.0, "low_price": 8.0, "volume_shares": 10.0, "n_trades": 1, "mid_price": None, "spread": 0.04},
]
AGENTS = [("", "outside", 0, 0, 0.0), ("crowd.0", "crowd", 4, 1, -3.0), ("crowd.1", "crowd", 6, 4, 1.0), ("maker.0", "maker", 0, 2, 2.0)]


def market_tables() -> dict[str, pa.Table]:
    """Return the tables of a small simulated market."""
    bar = {"symbol": "SIM", "venue": "X", "session_date": _day(0), "open_price": 10.0, "close_price": 10.0}
    bar |= {"touch_shares": 5.0, "quoted_frac": 0.5, "fundamental_price": 10.0}
    agent = {"symbol": "SIM", "venue": "X", "n_turns": 1, "n_fills": 1, "n_rejected": 0, "volume_shares": 5.0}
    agent |= {"first_turn_utc": None, "last_turn_utc": None, "cash": 0.0, "fees_cash": 0.5, "equity_cash": 7.0}
    trade = {"seq": 7, "time_utc": _close(0), "symbol": "SIM", "venue": "X", "price": 10.0, "qty_shares": 5.0, "aggressor": "sell"}
    trade |= {"phase": "continuous", "maker_number": 3, "taker_number": 1, "maker_order_id": 1, "taker_order_id": 2}
    rows = {
        "market_bars": [bar | own | {"open_utc": _close(k), "close_utc": _close(k + 1)} for k, own in enumerate(BARS)],
        "market_agents": [
            agent | {"agent_number": k, "agent": name, "group_name": group, "n_orders": n, "n_cancels": cancels, "pnl_cash": pnl}
            for k, (name, group, n, cancels, pnl) in enumerate(AGENTS)
        ],
        "market_trades": [trade | {"maker_fee_cash": -0.1, "taker_fee_cash": 0.3}],
    }
    return {name: pa.Table.from_pylist(values, schema=TABLES[name].arrow) for name, values in rows.items()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture
def published(root: Path, stage: StageRun) -> Path:
    if not reader.runs(root):
        for run_id, name, bump in (("r1", "sample", 0.0), ("r2", "sample", 1.0), ("r3", "other", 0.0)):
            staging = stage(root, run_id, name=name, bump=bump)
            for table, rows in market_tables().items() if run_id == "r1" else ():
                staging.write_table(table, rows)
            publish(root, run_id)
    return root


def test_every_view_is_checked_by_hand() -> None:
    assert sorted(path.stem for path in VIEWS.glob("*.sql")) == sorted(BY_HAND)


def test_headline_figures_are_measures_the_report_computes() -> None:
    asked = set(re.findall(r"metric = '(\w+)'", (VIEWS / "run_summary.sql").read_text()))
    assert asked == {"total_return", "cagr", "volatility", "sharpe", "max_drawdown"}
    assert asked <= {measure.name for measure in MEASURES}


@pytest.mark.parametrize("view", BY_HAND)
def test_view_agrees_with_the_hand_calculation(published: Path, view: str) -> None:
    sql, expected = BY_HAND[view]
    assert [tuple(row.values()) for row in reader.query(published, sql).to_pylist()] == expected


@pytest.mark.parametrize("path", sorted(VIEWS.glob("*.sql")), ids=lambda path: path.stem)
def test_view_opens_with_purpose_and_grain_and_names_its_columns(path: Path) -> None:
    assert "Grain: one row a" in purpose(path)
    assert "SELECT *" not in path.read_text().upper().replace("\n", " ")


def test_a_drawdown_that_lasts_has_no_recovery_and_an_early_one_no_peak(tmp_path: Path, stage: StageRun) -> None:
    staging = stage(tmp_path, "r1")
    rows = staging.read_table("equity").to_pylist()
    for row, drawdown in zip(rows, (-0.05, -0.2, 0.0, -0.1), strict=True):
        row["drawdown_frac"] = drawdown
    equity = staging.read_table("equity")
    staging.write_table("equity", type(equity).from_pylist(rows, schema=equity.schema))
    publish(tmp_path, "r1")
    answer = reader.query(tmp_path, "SELECT peak_utc, trough_utc, recovery_utc, depth_frac, n_bars FROM drawdowns ORDER BY trough_utc")
    assert [tuple(row.values()) for row in answer.to_pylist()] == [
        (None, _close(1), _close(2), -0.2, 2),
        (_close(2), _close(3), None, -0.1, 1),
    ]
