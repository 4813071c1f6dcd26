"""AAPL against the S&P 500, 2000–2013, by empyrical, quantstats, backtesting.py and numpy (golden/make_library_measures.py).

Where a library means something else by the same word, the test says what and asserts the difference.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketsim.data.providers.sample import SampleBars
from marketsim.risk import benchmark, drawdown, ratios, returns, tails, trips
from marketsim.risk.calendar_periods import month_number, year_number
from marketsim.risk.columns import days, numbers
from marketsim.risk.round_trips import round_trips

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "library_measures.json").read_text())
EMPYRICAL, QUANTSTATS, BACKTESTING = GOLDEN["empyrical"], GOLDEN["quantstats"], GOLDEN["backtesting"]
START, END = dt.date(2000, 3, 1), dt.date(2013, 3, 1)


def _returns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return AAPL's adjusted returns, the index's, and their sessions."""
    from bokeh_sampledata import stocks

    day = np.array(stocks.AAPL["date"], dtype="datetime64[D]").astype(np.int64)
    own = returns.returns_from_wealth(np.array(stocks.AAPL["adj_close"]))
    frame = SampleBars().fetch("^GSPC", dt.date(1999, 1, 1), None, "1d")
    index_day = np.asarray(frame["time"].cast(pa.int32()).to_numpy())
    index = returns.returns_from_wealth(numbers(frame, "close"))
    common, left, right = np.intersect1d(day[1:], index_day[1:], return_indices=True)
    return own[left], index[right], common


R, B, SESSION = _returns()
WEALTH = np.concatenate(([1.0], np.cumprod(1 + R)))


def _same(value: float, expected: float) -> None:
    assert value == pytest.approx(expected, rel=1e-9)


def test_the_series_is_the_one_the_libraries_saw() -> None:
    assert R.size == GOLDEN["provenance"]["n"]


def test_returns_agree_with_empyrical() -> None:
    _same(returns.total_return(R), EMPYRICAL["total_return"])
    _same(returns.annualised_return(R, 252), EMPYRICAL["annual_return"])
    _same(returns.volatility(R, 252), EMPYRICAL["volatility"])


def test_ratios_agree_with_empyrical() -> None:
    _same(ratios.sharpe(R, 252), EMPYRICAL["sharpe"])
    _same(ratios.sortino(R, 252), EMPYRICAL["sortino"])
    _same(ratios.downside_deviation(R, 252), EMPYRICAL["downside_deviation"])
    _same(ratios.omega(R), EMPYRICAL["omega"])
    _same(tails.tail_ratio(R), EMPYRICAL["tail_ratio"])
    _same(drawdown.max_drawdown(WEALTH), EMPYRICAL["max_drawdown"])
    # Its Calmar annualises by bars; ours takes the calendar's CAGR.
    _same(ratios.calmar(returns.annualised_return(R, 252), drawdown.max_drawdown(WEALTH)), EMPYRICAL["calmar_of_annual_return"])


def test_alpha_and_beta_agree_with_empyrical_which_compounds_alpha() -> None:
    _same(benchmark.beta(R, B), EMPYRICAL["beta"])
    alpha = benchmark.alpha(R, B, 252)
    _same((1 + alpha / 252) ** 252 - 1, EMPYRICAL["alpha_compounded"])


def test_ratios_agree_with_quantstats() -> None:
    _same(ratios.sharpe(R, 252), QUANTSTATS["sharpe"])
    _same(ratios.sharpe(R, 252, ratios.risk_free_per_bar(0.02, 252)), QUANTSTATS["sharpe_risk_free_2_pct"])
    _same(ratios.sortino(R, 252), QUANTSTATS["sortino"])
    _same(drawdown.max_drawdown(WEALTH), QUANTSTATS["max_drawdown"])
    _same(tails.skewness(R), QUANTSTATS["skew"])
    _same(tails.excess_kurtosis(R), QUANTSTATS["kurtosis"])
    _same(benchmark.beta(R, B), QUANTSTATS["beta"])
    _same(benchmark.alpha(R, B, 252), QUANTSTATS["alpha"])
    # Its information ratio is not annualised.
    _same(benchmark.information_ratio(R, B, 252) / math.sqrt(252), QUANTSTATS["information_ratio_a_bar"])


def test_calendar_extremes_agree_with_quantstats() -> None:
    months, years = returns.by_period(R, month_number(SESSION))[1], returns.by_period(R, year_number(SESSION))[1]
    _same(returns.best(months), QUANTSTATS["best_month"])
    _same(returns.worst(months), QUANTSTATS["worst_month"])
    _same(returns.best(years), QUANTSTATS["best_year"])
    _same(returns.worst(years), QUANTSTATS["worst_year"])


def test_trip_measures_of_days_agree_with_quantstats_which_leaves_flat_days_out_of_the_win_rate() -> None:
    moved = R[R != 0]
    _same(trips.win_rate(moved), QUANTSTATS["win_rate_of_days"])
    _same(trips.payoff_ratio(R), QUANTSTATS["payoff_ratio_of_days"])
    _same(trips.profit_factor(R), QUANTSTATS["profit_factor_of_days"])
    _same(trips.kelly_fraction(moved), QUANTSTATS["kelly_fraction_of_days"])


def test_ulcer_index_divides_by_n_where_quantstats_divides_by_n_minus_one() -> None:
    _same(drawdown.ulcer_index(WEALTH) * math.sqrt(R.size / (R.size - 1)), QUANTSTATS["ulcer_index"])


def test_historical_var_agrees_with_numpys_inverted_distribution() -> None:
    assert tails.value_at_risk(R, 0.95) == GOLDEN["numpy"]["var_95"]
    assert tails.value_at_risk(R, 0.99) == GOLDEN["numpy"]["var_99"]


def test_expected_shortfall_is_within_one_observation_of_empyricals() -> None:
    """Empyrical averages whole observations; ours fills the tail of 163.45 (32.69) of them exactly."""
    assert tails.expected_shortfall(R, 0.95) == pytest.approx(-EMPYRICAL["cvar_95"], rel=2e-3)
    assert tails.expected_shortfall(R, 0.99) == pytest.approx(-EMPYRICAL["cvar_99"], rel=6e-3)


def test_quantstats_fits_a_normal_distribution_and_understates_these_tails() -> None:
    """Its default VaR and CVaR are those of a normal law, not of the history: φ(1.645) / 5 % = 2.0627 deviations."""
    mean, deviation = R.mean(), R.std(ddof=1)
    _same(1.6448536269514722 * deviation - mean, QUANTSTATS["gaussian_var_95"])
    _same(2.0627128075074 * deviation - mean, QUANTSTATS["gaussian_cvar_95"])
    assert QUANTSTATS["gaussian_var_95"] > tails.value_at_risk(R, 0.95)
    assert QUANTSTATS["gaussian_cvar_95"] < tails.expected_shortfall(R, 0.95)


def _trades_as_tables() -> tuple[pa.Table, pa.Table]:
    """Return backtesting.py's trades as fills, and the bars they were made on."""
    from tests.risk.risk_tables import table

    frame = SampleBars().fetch("AAPL", START, END, "1d")
    session = np.asarray(frame["time"].cast(pa.int32()).to_numpy())
    bars = table(
        "bars",
        [
            {
                "symbol": "AAPL",
                "session_date": day,
                "open_utc": day * 86_400_000_000_000 + 1,
                "close_utc": day * 86_400_000_000_000 + 2,
                "split_ratio": 1.0,
                "dividend_cash": 0.0,
                "source": "sample",
                "retrieved_utc": None,
            }
            | {f"{name}_price": row[name] for name in ("open", "high", "low", "close")}
            | {"volume_shares": row["volume"]}
            for day, row in zip(session.tolist(), frame.to_pylist(), strict=True)
        ],
    )
    epoch = dt.date(1970, 1, 1)
    events = []
    for size, entry, exit_, entry_price, exit_price, *_ in BACKTESTING["trades"]:
        events.append(((dt.date.fromisoformat(entry) - epoch).days, 1, size, entry_price))
        events.append(((dt.date.fromisoformat(exit_) - epoch).days, 0, -size, exit_price))
    events.sort(key=lambda event: event[:2])
    fills = table(
        "fills",
        [
            {
                "agent": "strategy",
                "fill_id": i,
                "order_id": i,
                "symbol": "AAPL",
                "side": "buy" if size > 0 else "sell",
                "liquidity": "taker",
                "fill_utc": day * 86_400_000_000_000 + 1,
                "session_date": day,
                "qty_shares": float(abs(size)),
                "price": price,
                "reference_price": price,
                "fee_cash": 0.0,
                "spread_cost_cash": 0.0,
                "slippage_cost_cash": 0.0,
                "impact_cost_cash": 0.0,
                "position_after_shares": 0.0,
            }
            for i, (day, _, size, price) in enumerate(events)
        ],
    )
    return fills, bars


def test_round_trips_and_their_measures_agree_with_backtesting_py() -> None:
    fills, bars = _trades_as_tables()
    got = round_trips(fills, bars)
    expected = sorted(BACKTESTING["trades"], key=lambda trade: (trade[2], trade[1]))
    epoch = np.datetime64("1970-01-01", "D")
    assert [t["side"] for t in got.to_pylist()] == ["buy" if trade[0] > 0 else "sell" for trade in expected]
    assert [str(epoch + int(v) // 86_400_000_000_000) for v in got["entry_utc"].cast(pa.int64()).to_numpy()] == [
        trade[1] for trade in expected
    ]
    np.testing.assert_allclose(numbers(got, "pnl_cash"), [trade[5] for trade in expected], rtol=1e-9)
    np.testing.assert_allclose(numbers(got, "return_frac"), [trade[6] for trade in expected], rtol=1e-9)
    np.testing.assert_array_equal(numbers(got, "bars_held"), [trade[7] for trade in expected])

    pnl, stats = numbers(got, "pnl_cash"), BACKTESTING["stats"]
    _same(trips.win_rate(pnl), stats["win_rate"])
    _same(trips.system_quality_number(pnl), stats["sqn"])
    # Its profit factor divides sums of returns, not of money.
    _same(trips.profit_factor(numbers(got, "return_frac")), stats["profit_factor"])


def test_drawdowns_of_the_account_agree_with_backtesting_py() -> None:
    equity = np.array(BACKTESTING["equity"])
    day_ns = days(SampleBars().fetch("AAPL", START, END, "1d"), "time") * 86_400_000_000_000
    _same(drawdown.max_drawdown(equity), BACKTESTING["stats"]["max_drawdown"])
    assert drawdown.max_drawdown_days(equity, day_ns) == BACKTESTING["stats"]["max_drawdown_days"]
    # It rounds the average up to whole days.
    assert drawdown.average_drawdown_days(equity, day_ns) == pytest.approx(BACKTESTING["stats"]["average_drawdown_days"], abs=1.0)
