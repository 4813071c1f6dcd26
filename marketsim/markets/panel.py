"""Bars of many symbols as rectangles: rows are bars in time order, columns symbols, NaN where a symbol did not trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Panel:
    """Raw bars, (n_bars, n_symbols) float64 unless noted."""

    symbols: tuple[str, ...]
    open_ns: IntArray  # (n_bars,)
    close_ns: IntArray  # (n_bars,)
    session: npt.NDArray[np.datetime64]  # (n_bars,) datetime64[D]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    split: FloatArray  # new shares for one old at the open; 1 = none
    dividend: FloatArray  # cash a share going ex at the open; 0 = none

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return len(self.open_ns)

    @property
    def session_end(self) -> npt.NDArray[np.bool_]:
        """Whether a bar is the last of its session, (n_bars,)."""
        return np.append(self.session[1:] != self.session[:-1], True)

    @property
    def session_starts(self) -> npt.NDArray[np.intp]:
        """Row of the first bar of every session, (n_sessions,)."""
        return np.flatnonzero(np.append(True, self.session[1:] != self.session[:-1]))

    @property
    def nights(self) -> FloatArray:
        """Calendar days from a bar's session back to that of the bar before, (n_bars,); 0 for the first bar."""
        day = self.session.astype(np.int64)
        return np.diff(day, prepend=day[:1]).astype(np.float64)

    def split_adjusted_close(self) -> FloatArray:
        """Return closes in today's shares: divided by all later splits, so that returns are continuous."""
        later = np.cumprod(self.split[::-1], axis=0)[::-1]
        later = np.vstack([later[1:], np.ones((1, len(self.symbols)))])
        return self.close / later


def panel(bars: pa.Table, symbols: Sequence[str], *, with_actions: bool = True, max_bars: int | None = None) -> Panel:
    """Arrange canonical bars as a panel over the union of the symbols' bars.

    Parameters
    ----------
    bars : canonical bars, one row a (symbol, open_utc).
    symbols : columns wanted, in this order.
    with_actions : whether splits and dividends are kept; without, bars are taken as they are.
    max_bars : keep only the first so many rows.

    Raises
    ------
    DataError
        No bar of any of the symbols is there.
    """
    code = pc.index_in(bars["symbol"], value_set=pa.array(symbols)).combine_chunks()
    bars = bars.filter(code.is_valid())
    if bars.num_rows == 0:
        raise DataError(f"no bar of {', '.join(symbols)} is left to simulate; check symbols, start and end.")
    column = code.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
    opened = _ns(bars["open_utc"])
    open_ns, first, row = np.unique(opened, return_index=True, return_inverse=True)
    n_rows = len(open_ns) if max_bars is None else min(max_bars, len(open_ns))
    keep = row < n_rows
    row, column = row[keep], column[keep]

    def spread(name: str, empty: float) -> FloatArray:
        values = np.full((n_rows, len(symbols)), empty)
        values[row, column] = np.asarray(bars[name].to_numpy())[keep]
        return values

    shape = (n_rows, len(symbols))
    return Panel(
        symbols=tuple(symbols),
        open_ns=open_ns[:n_rows],
        close_ns=_ns(bars["close_utc"])[first[:n_rows]],
        session=bars["session_date"].to_numpy()[first[:n_rows]].astype("datetime64[D]"),
        open=spread("open_price", np.nan),
        high=spread("high_price", np.nan),
        low=spread("low_price", np.nan),
        close=spread("close_price", np.nan),
        volume=spread("volume_shares", np.nan),
        split=spread("split_ratio", 1.0) if with_actions else np.ones(shape),
        dividend=spread("dividend_cash", 0.0) if with_actions else np.zeros(shape),
    )


def _ns(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.cast(pa.int64()).to_numpy())
