"""The bundled data against public facts, and against an independent download where that is at hand."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from marketsim.data.actions import adjustment_factors, infer_actions
from marketsim.data.bars import to_floats
from marketsim.data.providers.sample import SampleBars
from marketsim.errors import ProviderError
from tests.conftest import SHARED_DATA

LONG_AGO = dt.date(1990, 1, 1)


@pytest.fixture(scope="module")
def provider():
    return SampleBars()


def actions_of(frame):
    rows = frame.to_pylist()
    splits = {str(r["time"]): r["split_ratio"] for r in rows if r["split_ratio"] != 1}
    return splits, {str(r["time"]): r["dividend_cash"] for r in rows if r["dividend_cash"] != 0}


@pytest.mark.parametrize(
    ("symbol", "n_rows", "first", "last"),
    [
        ("AAPL", 3270, "2000-03-01", "2013-03-01"),
        ("MSFT", 3270, "2000-03-01", "2013-03-01"),
        ("IBM", 3270, "2000-03-01", "2013-03-01"),
        ("GOOG", 2148, "2004-08-19", "2013-03-01"),
        ("FB", 196, "2012-05-18", "2013-03-01"),
        ("^GSPC", 5031, "1999-01-04", "2018-12-31"),
        ("^IXIC", 5031, "1999-01-04", "2018-12-31"),
    ],
)
def test_rows_and_span_are_as_documented(provider, symbol, n_rows, first, last):
    frame = provider.fetch(symbol, LONG_AGO, None, "1d")
    days = frame.column("time").to_pylist()
    assert (frame.num_rows, str(days[0]), str(days[-1])) == (n_rows, first, last)
    prices = np.array([to_floats(frame.column(name)) for name in ("low", "open", "close", "high")])
    assert np.all(np.isfinite(prices))
    assert np.all(prices[0] <= prices.min(axis=0) + 1e-9)
    assert np.all(prices[3] >= prices.max(axis=0) - 1e-9)


def test_apple_splits_and_its_first_dividends_in_17_years(provider):
    splits, dividends = actions_of(provider.fetch("AAPL", LONG_AGO, None, "1d"))
    assert splits == {"2000-06-21": 2.0, "2005-02-28": 2.0}
    assert dividends == {"2012-08-09": 2.65, "2012-11-07": 2.65, "2013-02-07": 2.65}


def test_microsoft_split_first_dividend_and_the_special_of_2004(provider):
    splits, dividends = actions_of(provider.fetch("MSFT", LONG_AGO, None, "1d"))
    assert splits == {"2003-02-18": 2.0}
    assert dividends["2003-02-19"] == 0.08
    assert dividends["2004-11-15"] == 3.08  # the special 3.00 and the quarter's 0.08
    assert len(dividends) == 37


def test_ibm_quarterly_dividends_as_declared(provider):
    splits, dividends = actions_of(provider.fetch("IBM", LONG_AGO, None, "1d"))
    assert splits == {}
    declared = [0.13] * 4 + [0.14] * 4 + [0.15] * 4 + [0.16] * 4 + [0.18] * 4 + [0.20] * 4 + [0.30] * 4 + [0.40] * 4 + [0.50] * 4
    declared += [0.55] * 4 + [0.65] * 4 + [0.75] * 4 + [0.85] * 4
    assert list(dividends.values()) == declared


@pytest.mark.parametrize("symbol", ["GOOG", "FB", "^GSPC", "^IXIC"])
def test_symbols_without_actions_have_none(provider, symbol):
    assert actions_of(provider.fetch(symbol, LONG_AGO, None, "1d")) == ({}, {})


@pytest.mark.parametrize(("symbol", "n_actions"), [("AAPL", 5), ("MSFT", 38), ("IBM", 52)])
def test_adjusted_closes_rounded_to_cents_give_the_same_actions(provider, symbol, n_actions):
    frame = provider.fetch(symbol, LONG_AGO, None, "1d")
    close, ratio, cash = (to_floats(frame.column(name)) for name in ("close", "split_ratio", "dividend_cash"))
    # Total-return factors, as the data's origin makes them; 28 = 7 · 4 stands for splits after the end.
    growth = np.cumprod(ratio * (1 + cash / close))
    rounded = np.round(close * growth / growth[-1] * (1 if symbol == "IBM" else 1 / 4), 2)
    found_ratio, found_cash = infer_actions(close, rounded, "ex_close")
    assert np.array_equal(found_ratio, ratio)
    assert np.count_nonzero(found_ratio != 1) + np.count_nonzero(found_cash) == n_actions
    paid = np.sort(cash[cash > 0])
    np.testing.assert_allclose(np.sort(found_cash[found_cash > 0]), paid, atol=0.08)


def test_known_days_of_the_index(provider):
    frame = provider.fetch("^GSPC", LONG_AGO, None, "1d")
    days, close = frame.column("time").to_pylist(), to_floats(frame.column("close"))
    change = {day: close[i] / close[i - 1] - 1 for i, day in enumerate(days) if i}
    assert change[dt.date(2008, 10, 15)] == pytest.approx(-0.0903, abs=5e-5)
    assert change[dt.date(2010, 5, 6)] == pytest.approx(-0.0324, abs=5e-5)
    assert to_floats(frame.column("low"))[days.index(dt.date(2010, 5, 6))] == pytest.approx(1065.79, abs=0.005)


def test_start_and_end_are_included(provider):
    frame = provider.fetch("AAPL", dt.date(2000, 6, 21), dt.date(2000, 6, 22), "1d")
    assert [str(day) for day in frame.column("time").to_pylist()] == ["2000-06-21", "2000-06-22"]


@pytest.mark.parametrize(
    ("symbol", "start", "interval", "message"),
    [
        ("APPL", LONG_AGO, "1d", r"APPL is not among the bundled samples \(AAPL, .*\); did you mean AAPL\?"),
        ("NVDA", LONG_AGO, "1d", r"NVDA is not among .* name another provider"),
        ("AAPL", LONG_AGO, "1m", r"daily bars only, not 1m"),
        ("AAPL", dt.date(2020, 1, 1), "1d", r"no bar from 2020-01-01 to the newest; they end in March 2013"),
    ],
)
def test_what_is_not_bundled_is_said(provider, symbol, start, interval, message):
    with pytest.raises(ProviderError, match=message):
        provider.fetch(symbol, start, None, interval)


def test_reading_the_samples_imports_neither_arch_nor_statsmodels():
    code = (
        "import sys, datetime as dt\nfrom marketsim.data.providers.sample import SampleBars\n"
        "SampleBars().fetch('^GSPC', dt.date(2000, 1, 1), None, '1d')\n"
        "print([m for m in ('arch', 'scipy', 'statsmodels', 'yfinance', 'exchange_calendars') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(("symbol", "n_corrected"), [("AAPL", 10), ("MSFT", 8)])
def test_adjusted_returns_agree_with_an_independent_download(provider, symbol, n_corrected):
    file = SHARED_DATA / "daily" / "us_daily_adjusted_with_actions.parquet"
    if not file.exists():
        pytest.skip(f"{file} is absent: it may be used for tests but not redistributed")
    other = pq.read_table(file, filters=[("symbol", "=", symbol)])
    frame = provider.fetch(symbol, LONG_AGO, None, "1d")
    close, ratio, cash = (to_floats(frame.column(name)) for name in ("close", "split_ratio", "dividend_cash"))
    ours = dict(zip(frame.column("time").to_pylist(), close * adjustment_factors(close, ratio, cash)[0], strict=True))
    theirs = dict(zip(pc.cast(other.column("date"), "date32", safe=False).to_pylist(), to_floats(other.column("close")), strict=True))
    days = [day for day in ours if dt.date(2000, 12, 29) <= day <= dt.date(2012, 12, 31)]
    change = np.abs(np.diff(np.log([ours[day] for day in days])) - np.diff(np.log([theirs[day] for day in days])))
    assert len(days) == 3018
    assert np.median(change) < 1e-6
    # The two vendors differ in a handful of closes, each of which shows in two returns; no difference lies on an action.
    assert np.count_nonzero(change > 1e-3) == n_corrected
    actions = np.array([ratio[i] != 1 or cash[i] != 0 for i, day in enumerate(frame.column("time").to_pylist()) if day in set(days[1:])])
    assert change[actions].max() < 1e-3
    events = other.filter(pc.or_(pc.not_equal(other.column("dividend"), 0), pc.not_equal(other.column("split"), 0))).to_pylist()
    known = {str(e["date"].date()) for e in events if dt.date(2000, 3, 2) <= e["date"].date() <= dt.date(2013, 3, 1)}
    splits, dividends = actions_of(frame)
    assert known == set(splits) | set(dividends)
