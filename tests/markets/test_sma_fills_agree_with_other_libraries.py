"""SMA 20/50 on the bundled bars, fill by fill and to the cent, against backtesting.py and backtrader (golden/make_sma_fills.py)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from bokeh_sampledata import stocks

from marketsim.simulate import simulate
from tests.markets.worlds import canonical, spec

GOLDEN = Path(__file__).parent / "golden" / "sma_fills.csv"
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_sma_20_50_agrees_fill_by_fill(symbol: str) -> None:
    expected = [row for row in csv.DictReader(GOLDEN.open()) if row["symbol"] == symbol]
    run = spec(
        symbols=[symbol],
        start="2000-03-01",
        strategy={"kind": "sma_crossover", "fast": 20, "slow": 50, "shares": 100},
        fees={"per_notional_bps": 10},
        market={"kind": "bars", "actions": "ignore"},
    )
    result = simulate(run, canonical(symbol, getattr(stocks, symbol)))
    got = result.fills.to_pylist()
    assert [(f["session_date"].isoformat(), f["side"], f["qty_shares"]) for f in got] == [
        (row["date"], row["side"], float(row["qty"])) for row in expected
    ]
    for fill, row in zip(got, expected, strict=True):
        assert fill["price"] == pytest.approx(float(row["price"]), abs=1e-4)
        assert fill["fee_cash"] == pytest.approx(float(row["fee"]), abs=1e-6)
    final = result.equity.to_pylist()[-1]["equity_cash"]
    assert final == pytest.approx(float(expected[0]["final_equity"]), abs=0.005)


def test_the_same_orders_in_one_account_add_up_to_the_four_single_runs() -> None:
    """Four symbols in one portfolio: the profit is the sum of the published single results, as no order competes for cash."""
    import pyarrow as pa

    finals = {row["symbol"]: float(row["final_equity"]) for row in csv.DictReader(GOLDEN.open())}
    run = spec(
        symbols=list(SYMBOLS),
        start="2000-03-01",
        strategy={"kind": "sma_crossover", "fast": 20, "slow": 50, "shares": 100},
        fees={"per_notional_bps": 10},
        market={"kind": "bars", "actions": "ignore"},
    )
    result = simulate(run, pa.concat_tables([canonical(s, getattr(stocks, s)) for s in SYMBOLS]))
    profit = result.equity.to_pylist()[-1]["equity_cash"] - 1_000_000
    # GOOG's first average needs 50 of its own bars either way; a portfolio changes nothing about its signals.
    assert profit == pytest.approx(sum(value - 1_000_000 for value in finals.values()), abs=0.01)
