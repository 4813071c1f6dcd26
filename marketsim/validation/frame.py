"""Canonical bars as the pandas frame the suites look at, in canonical order, with each bar's place in the calendar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.data.calendars import Calendar
from marketsim.validation.words import NAT

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PRICES = ("open_price", "high_price", "low_price", "close_price")
NUMBERS = (*PRICES, "volume_shares", "split_ratio", "dividend_cash")
TIMES = ("open_utc", "close_utc")

# A relative step this small is rounding (a price times a split ratio), never a fault of a bar.
ROUNDING = 1e-9


def bars_frame(bars: pa.Table, symbols: Sequence[str], calendar: Calendar, *, daily: bool) -> pd.DataFrame:
    """Return one row a bar, sorted by symbol, time and content, labelled from 0 on.

    Parameters
    ----------
    bars : rows of `marketsim.data.bars.SCHEMA`, in any order, with any values.
    symbols : sorted symbols of the run; a bar of another one gets ``code`` -1 and comes first.
    calendar : the exchange's sessions.
    daily : whether a bar is a session.

    Returns
    -------
    pandas.DataFrame
        The bars' columns with NaN and NaT for null, and: ``code`` place of the symbol, ``received`` place in ``bars``,
        ``day`` days since 1970-01-01, ``open_ns`` and ``close_ns``, ``on_closed_day`` (no session that day; false where the calendar
        does not reach), ``session_from_utc`` and ``session_until_utc`` (close of the session before, open of the one after),
        ``regular_open_utc`` and ``regular_close_utc`` of the session, ``previous_open_utc`` of the symbol's row received
        before, and ``high_bound``, ``low_bound`` (high and low widened by rounding).
    """
    columns: dict[str, Floats | Ints] = {name: _floats(bars.column(name)) for name in NUMBERS}
    day = _floats(bars.column("session_date").cast(pa.int32()))
    times = {name: _nanos(bars.column(name)) for name in TIMES}
    code = _codes(bars.column("symbol"), symbols)
    source, retrieved = _ranks(bars.column("source")), _nanos(bars.column("retrieved_utc"))
    order = _canonical_order([code, times["open_utc"], day, times["close_utc"], *columns.values(), source, retrieved])

    frame = pd.DataFrame({"code": code, "received": np.arange(len(code)), "day": day, **columns})
    frame["daily"] = daily
    frame["symbol"] = bars.column("symbol").to_pandas()
    frame["source"] = bars.column("source").to_pandas()
    # Clipped to the years pandas can print; `day` keeps the date as it came.
    frame["session_date"] = _to_days(np.clip(day, *_PRINTABLE))
    for name in TIMES:
        frame[name] = _to_times(times[name])
        frame[name.replace("_utc", "_ns")] = times[name]
    frame["previous_open_utc"] = frame.groupby("code", sort=False)["open_utc"].shift()
    frame["high_bound"] = frame["high_price"] * (1 + ROUNDING)
    frame["low_bound"] = frame["low_price"] * (1 - ROUNDING)
    _add_sessions(frame, calendar)
    return frame.take(order).reset_index(drop=True)


_PRINTABLE = (np.datetime64("0001-01-01", "D").astype(np.int64), np.datetime64("9999-12-31", "D").astype(np.int64))


def _add_sessions(frame: pd.DataFrame, calendar: Calendar) -> None:
    day = frame["day"].to_numpy()
    sessions = calendar.sessions.astype(np.int64)
    place = np.minimum(np.searchsorted(sessions, day), len(sessions) - 1)
    inside = (day >= sessions[0]) & (day <= sessions[-1])
    on_session = inside & (sessions[place] == day)
    frame["on_closed_day"] = inside & ~on_session
    around = {
        "session_from_utc": np.concatenate([[NAT], calendar.close_ns[:-1]]),
        "session_until_utc": np.concatenate([calendar.open_ns[1:], [NAT]]),
        "regular_open_utc": calendar.open_ns,
        "regular_close_utc": calendar.close_ns,
    }
    for name, per_session in around.items():
        frame[name] = _to_times(np.where(on_session, per_session[place], NAT))


def _canonical_order(keys: Sequence[Floats | Ints]) -> Ints:
    """Return the order by the keys, first key first; by all of them, so that the order received decides nothing."""
    code, time = keys[0], keys[1]
    if np.all((code[1:] > code[:-1]) | ((code[1:] == code[:-1]) & (time[1:] > time[:-1]))):
        return np.arange(len(code))
    return np.lexsort(keys[::-1])


def _codes(column: pa.ChunkedArray, symbols: Sequence[str]) -> Ints:
    found = pc.index_in(column, value_set=pa.array(symbols, pa.string()))
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def _ranks(column: pa.ChunkedArray) -> Ints:
    names = sorted(name for name in column.unique().to_pylist() if name is not None)
    return _codes(column, names)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.float64)


def _nanos(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int64()).fill_null(NAT).to_numpy(), np.int64)


def _to_times(nanos: Ints) -> pd.Series[pd.Timestamp]:
    return pd.Series(nanos.view("datetime64[ns]"))


def _to_days(day: Floats) -> pd.Series[pd.Timestamp]:
    missing = np.isnan(day)
    seconds = np.where(missing, 0, day).astype(np.int64) * 86_400
    return pd.Series(np.where(missing, NAT, seconds).view("datetime64[s]"))
