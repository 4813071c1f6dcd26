"""The metrics table: every account, every measure, figures that agree with the accounts' own columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from marketsim.config.run import RunSpec
from marketsim.risk.account import account_histories, sessions_per_year
from marketsim.risk.measures import BY_NAME, MEASURES
from marketsim.risk.metrics import metrics, metrics_reference
from marketsim.risk.sharpe_significance import Trials
from tests.risk.risk_tables import CLOSE_NS, DAY_NS, bars_of, fills_of, table
from warehouse.schemas import TABLES


@dataclass(frozen=True)
class Books:
    """What a simulation leaves, by hand."""

    fills: pa.Table
    equity: pa.Table
    orders: pa.Table
    positions: pa.Table
    health: pa.Table


def equity_of(
    agent: str, level: list[float], *, cash: float = 1000.0, traded: list[float] | None = None, bars_per_day: int = 1
) -> pa.Table:
    before = [cash, *level[:-1]]
    rows = [
        {
            "agent": agent,
            "session_date": i // bars_per_day,
            "close_utc": i // bars_per_day * DAY_NS + CLOSE_NS + i % bars_per_day,
            "cash": 0.0,
            "long_value_cash": value,
            "short_value_cash": 0.0,
            "equity_cash": value,
            "return_frac": value / before[i] - 1,
            "drawdown_frac": 0.0,
            "turnover_cash": traded[i] if traded else 0.0,
            "fees_cash": 1.0,
            "borrow_cash": 0.5,
            "dividends_cash": 2.0,
        }
        for i, value in enumerate(level)
    ]
    return table("equity", rows)


def books(*equity: pa.Table, fills: pa.Table | None = None) -> Books:
    none = {name: table(name, []) for name in ("orders", "positions", "health")}
    return Books(fills if fills is not None else fills_of([]), pa.concat_tables(equity), **none)


def spec(**changes: object) -> RunSpec:
    settings = {
        "name": "test",
        "symbols": ["AAA"],
        "start": "1970-01-01",
        "account": {"cash": 1000},
        "strategy": {"kind": "buy_and_hold"},
    }
    return RunSpec.model_validate(settings | changes)


def values(result: pa.Table, agent: str = "strategy") -> dict[str, float | None]:
    return {row["metric"]: row["value"] for row in result.to_pylist() if row["agent"] == agent}


BARS = bars_of([(9.0, 10.0)] * 4, volume=100.0)
LEVEL = [1000.0, 1100.0, 990.0, 1210.0]


def test_columns_order_and_units_are_the_warehouses() -> None:
    result = metrics(spec(), BARS, books(equity_of("strategy", LEVEL), equity_of("benchmark", LEVEL)))
    assert result.schema == TABLES["metrics"].arrow
    keys = [(row["agent"], row["metric"]) for row in result.to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) == 2 * len(MEASURES)
    assert {row["role"] for row in result.to_pylist()} == {"strategy", "benchmark"}


def test_a_hand_made_account_is_measured_right() -> None:
    got = values(metrics(spec(), BARS, books(equity_of("strategy", LEVEL, traded=[0.0, 500.0, 0.0, 0.0]))))
    assert got["total_return"] == pytest.approx(0.21)
    assert got["max_drawdown"] == pytest.approx(-0.10)
    assert got["max_drawdown_bars"] == 2
    assert got["annual_turnover"] == pytest.approx(500 / 1075 * 252 / 4)
    assert got["fees"] == 4.0
    assert got["borrow_cost"] == 2.0
    assert got["dividends"] == 8.0
    assert got["total_cost"] == 6.0
    assert got["cost_of_turnover"] == pytest.approx(6 / 500)
    # from the first bar's open at 14:00 to the last one's close at 21:00 three days later
    assert got["cagr"] == pytest.approx(1.21 ** (365.25 / (3 + 7 / 24)) - 1)
    assert got["win_rate"] is None


def test_a_loss_before_the_first_close_counts_from_the_starting_cash() -> None:
    got = values(metrics(spec(), BARS, books(equity_of("strategy", [900.0, 900.0, 900.0, 900.0]))))
    assert got["total_return"] == pytest.approx(-0.1)
    assert got["max_drawdown"] == pytest.approx(-0.1)


def test_an_agents_own_cash_is_its_starting_capital() -> None:
    agents = [{"name": "small", "strategy": {"kind": "buy_and_hold"}, "account": {"cash": 100}}]
    result = metrics(
        spec(agents=agents), BARS, books(equity_of("strategy", LEVEL), equity_of("small", [100.0, 110.0, 120.0, 150.0], cash=100.0))
    )
    assert values(result, "small")["total_return"] == pytest.approx(0.5)
    assert {row["role"] for row in result.to_pylist() if row["agent"] == "small"} == {"agent"}


def test_against_itself_the_benchmark_has_beta_one_and_no_alpha() -> None:
    got = values(metrics(spec(), BARS, books(equity_of("strategy", LEVEL), equity_of("benchmark", LEVEL))), "benchmark")
    assert got["beta"] == pytest.approx(1.0)
    assert got["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert got["information_ratio"] is None


def test_without_a_benchmark_measures_against_it_are_null() -> None:
    got = values(metrics(spec(), BARS, books(equity_of("strategy", LEVEL))))
    assert got["beta"] is None
    assert got["alpha"] is None


def test_capacity_follows_from_notional_volume_and_equity() -> None:
    # 10 shares at 10 = 100 of an average 1,000 dollars a day, from an account of 1,100: 1 % is reached at a tenth of it.
    fills = fills_of([("buy", 10, 10, "1o")])
    got = values(metrics(spec(), BARS, books(equity_of("strategy", LEVEL), fills=fills)))
    assert got["capacity"] == pytest.approx(110.0)


def test_bars_a_year_follow_the_calendar_and_the_bars_a_session() -> None:
    intraday = equity_of("strategy", [1000.0 + i for i in range(12)], bars_per_day=3)
    (history,) = account_histories(spec(), BARS, books(intraday), table("round_trips", []), Trials())
    assert history.clock.periods_per_year == 252 * 3
    assert sessions_per_year("24/7") == 365


def test_trials_deflate_the_sharpe_ratio() -> None:
    ledger = books(equity_of("strategy", LEVEL))
    alone, tried = values(metrics(spec(), BARS, ledger)), values(metrics(spec(), BARS, ledger, Trials(100, 0.01)))
    assert alone["deflated_sharpe"] == alone["probabilistic_sharpe"]
    assert tried["deflated_sharpe"] < alone["deflated_sharpe"]  # type: ignore[operator]


def test_an_account_that_never_moved_has_no_ratios_and_no_risk() -> None:
    got = values(metrics(spec(), BARS, books(equity_of("strategy", [1000.0] * 4))))
    assert got["sharpe"] is None
    assert got["volatility"] == 0.0
    assert got["max_drawdown"] == 0.0


def test_absurd_equity_gives_nulls_not_warnings() -> None:
    with np.errstate(all="raise"):
        got = values(metrics(spec(), BARS, books(equity_of("strategy", [1e3, 1e300, 1.0, 1e300]))))
    assert got["volatility"] is None or math.isfinite(got["volatility"])


def test_every_measure_is_in_the_reference_with_its_formula() -> None:
    text = metrics_reference()
    for measure in MEASURES:
        assert f"| `{measure.name}` | {measure.label} | {measure.unit} |" in text
        assert measure.formula
    assert len(BY_NAME) == len(MEASURES)


def test_the_metrics_people_expect_are_there() -> None:
    expected = {
        *("total_return", "annual_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "omega"),
        *("max_drawdown", "average_drawdown", "max_drawdown_days", "time_in_market", "annual_turnover"),
        *("win_rate", "profit_factor", "expectancy", "sqn", "alpha", "beta", "tracking_error", "information_ratio"),
        *("skew", "kurtosis", "tail_ratio", "var_95", "var_99", "cvar_95", "cvar_99"),
        *("probabilistic_sharpe", "deflated_sharpe", "capacity", "fees", "average_mae", "average_mfe"),
    }
    assert expected <= set(BY_NAME)
