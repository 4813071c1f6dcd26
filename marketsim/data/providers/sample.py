"""Real daily bars that ship inside installed packages: five stocks (bokeh_sampledata) and two indices (arch).

The files are read where the packages lie; importing the packages themselves would load all of pandas, scipy and statsmodels.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from marketsim.data.actions import infer_actions
from marketsim.data.bars import Numbers, make_frame, to_floats
from marketsim.data.providers.provider import within
from marketsim.errors import ProviderError

STOCKS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
INDICES = {"^GSPC": "sp500", "^IXIC": "nasdaq"}
AVAILABLE = (*STOCKS, *INDICES)


class SampleBars:
    """Daily bars of seven symbols between 1999 and 2018, the same on every machine."""

    name = "sample"
    remote = False

    def request(self, symbol: str, interval: str) -> str:
        """Name the package that holds the symbol."""
        return f"{'arch.data' if symbol in INDICES else 'bokeh_sampledata.stocks'} {symbol} {interval}"

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return the bundled bars; a symbol or an interval that is not bundled is a `ProviderError`."""
        if symbol not in AVAILABLE:
            near = difflib.get_close_matches(symbol, AVAILABLE, n=1, cutoff=0.4)
            raise ProviderError(
                f"{symbol} is not among the bundled samples ({', '.join(AVAILABLE)}); "
                f"{f'did you mean {near[0]}? Otherwise ' if near else ''}name another provider, such as file or yahoo."
            )
        if interval != "1d":
            raise ProviderError(
                f"{symbol}: the bundled samples hold daily bars only, not {interval}; use horizon: daily or another provider."
            )
        frame = within(self._index(symbol) if symbol in INDICES else self._stock(symbol), start, end)
        if frame.num_rows == 0:
            raise ProviderError(
                f"{symbol}: the bundled samples hold no bar from {start} to {end or 'the newest'}; "
                "they end in March 2013 (stocks) and December 2018 (indices); move start and end."
            )
        return frame

    @functools.cached_property
    def _stocks(self) -> pa.Table:
        return pacsv.read_csv(_packaged("bokeh_sampledata", "_data/stocks.csv.gz"))

    def _stock(self, symbol: str) -> pa.Table:
        rows = self._stocks.filter(pc.equal(self._stocks.column("Ticker"), symbol))
        # Quandl WIKI, the origin of these series, reinvests dividends at the ex-date's close.
        splits, cash = infer_actions(to_floats(rows.column("Close")), to_floats(rows.column("Adj Close")), "ex_close")
        return _frame(rows, rows.column("Date"), splits, cash)

    def _index(self, symbol: str) -> pa.Table:
        rows = pacsv.read_csv(_packaged("arch", f"data/{INDICES[symbol]}/{INDICES[symbol]}.csv.gz"))
        return _frame(rows, pc.strptime(rows.column("Date"), format="%m/%d/%Y", unit="s").cast(pa.date32()))


def _frame(rows: pa.Table, dates: pa.ChunkedArray, splits: Numbers | None = None, cash: Numbers | None = None) -> pa.Table:
    prices = [rows.column(name) for name in ("Open", "High", "Low", "Close")]
    return make_frame(dates, prices, rows.column("Volume"), split_ratio=splits, dividend_cash=cash)


def _packaged(package: str, path: str) -> Path:
    spec = find_spec(package)
    file = Path(spec.origin).parent / path if spec and spec.origin else None
    if file is None or not file.is_file():
        raise ProviderError(f"package {package} does not hold {path}; reinstall the locked packages with `make setup`.")
    return file
