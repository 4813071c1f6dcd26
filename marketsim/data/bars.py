"""Canonical bars: the one shape in which market history leaves the data room, and its digest.

A *frame* is what a provider answers for one symbol, already in our names and types but without session times; a *bar table*
adds symbol, session, opening and closing times. Prices are raw: splits and dividends are kept beside them, not folded in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.data.calendars import Calendar
from marketsim.errors import DataError

UTC_NS = pa.timestamp("ns", tz="UTC")
DATE = pa.date32()

SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("session_date", DATE, nullable=False),
        pa.field("open_utc", UTC_NS, nullable=False),
        pa.field("close_utc", UTC_NS, nullable=False),
        pa.field("open_price", pa.float64()),
        pa.field("high_price", pa.float64()),
        pa.field("low_price", pa.float64()),
        pa.field("close_price", pa.float64()),
        pa.field("volume_shares", pa.float64()),
        pa.field("split_ratio", pa.float64(), nullable=False),
        pa.field("dividend_cash", pa.float64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("retrieved_utc", UTC_NS),
    ]
)

PRICES = ("open", "high", "low", "close")
FRAME_COLUMNS = ("time", *PRICES, "volume", "split_ratio", "dividend_cash", "retrieved_utc")

INTERVAL_S = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}

Numbers: TypeAlias = npt.NDArray[np.float64] | pa.Array | pa.ChunkedArray


def make_frame(
    time: pa.Array | pa.ChunkedArray,
    prices: Sequence[Numbers],
    volume: Numbers,
    *,
    split_ratio: Numbers | None = None,
    dividend_cash: Numbers | None = None,
) -> pa.Table:
    """Return a frame sorted by time; bars with the same time keep their order.

    Parameters
    ----------
    time : (n,) date32 session dates for daily bars, timestamps in UTC of the bars' opens for others.
    prices : open, high, low and close, each (n,) currency; NaN and null both become null.
    volume : (n,) shares; NaN and null both become null.
    split_ratio : (n,) new shares for one old at the bar's open; null, NaN and 0 mean none. None = none at all.
    dividend_cash : (n,) cash a new share ex at the bar's open; null and NaN mean none. None = none at all.
    """
    n = len(time)
    splits = np.ones(n) if split_ratio is None else np.nan_to_num(to_floats(split_ratio), nan=1.0, posinf=np.inf, neginf=-np.inf)
    cash = np.zeros(n) if dividend_cash is None else np.nan_to_num(to_floats(dividend_cash), nan=0.0, posinf=np.inf, neginf=-np.inf)
    columns = [
        time.cast(DATE if pa.types.is_date(time.type) else UTC_NS),
        *(_nullable(values) for values in (*prices, volume)),
        pa.array(np.where(splits == 0.0, 1.0, splits)),
        pa.array(cash),
        pa.nulls(n, UTC_NS),
    ]
    return pa.table(columns, names=list(FRAME_COLUMNS)).sort_by("time")


def canonical_bars(symbol: str, frame: pa.Table, *, interval: str, calendar: Calendar, source: str) -> pa.Table:
    """Return a provider's frame as rows of `SCHEMA`, sorted by opening time.

    Daily bars open and close with their session; a date that is no session gets the calendar's usual hours, so that a bad row
    can be represented and reported. Other bars open at their time and close one interval later or with their session.
    """
    n = frame.num_rows
    if interval == "1d":
        dates = frame.column("time").cast(pa.int32()).to_numpy().astype("datetime64[D]")
        open_ns, close_ns = calendar.hours(dates)
    else:
        open_ns = frame.column("time").cast(pa.int64()).to_numpy()
        dates, session_close_ns = calendar.sessions_of(open_ns)
        close_ns = np.minimum(open_ns + INTERVAL_S[interval] * 1_000_000_000, session_close_ns)
    columns = [
        pa.repeat(pa.scalar(symbol), n),
        pa.array(dates, DATE),
        pa.array(open_ns).cast(UTC_NS),
        pa.array(close_ns).cast(UTC_NS),
        *(frame.column(name) for name in FRAME_COLUMNS[1:-1]),
        pa.repeat(pa.scalar(source), n),
        frame.column("retrieved_utc"),
    ]
    return pa.table(columns, schema=SCHEMA)


def combine(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the bars of several symbols as one table, sorted by symbol and opening time, in one chunk."""
    if not tables:
        return SCHEMA.empty_table()
    table = pa.concat_tables(tables)
    return table.take(pc.sort_indices(table, [("symbol", "ascending"), ("open_utc", "ascending")])).combine_chunks()


def bars_digest(bars: pa.Table) -> str:
    """Return the sha256 of the bars' content in hexadecimal; `retrieved_utc` and the chunking do not count.

    Raises
    ------
    DataError
        The table does not have the columns and types of `SCHEMA`.
    """
    if not bars.schema.equals(SCHEMA):
        raise DataError(f"bars have the columns {', '.join(bars.schema.names)}; expected those of marketsim.data.bars.SCHEMA.")
    return table_digest(bars.drop_columns(["retrieved_utc"]))


def table_digest(table: pa.Table) -> str:
    """Return the sha256 of a table's names, types and values, hexadecimal; every NaN is alike, and so are 0 and −0."""
    digest = hashlib.sha256()
    for field, column in zip(table.schema, table.columns, strict=True):
        digest.update(f"{field.name}\0{field.type}\0{len(column)}\0".encode())
        digest.update(np.packbits(column.is_valid().to_numpy()).tobytes())
        if pa.types.is_string(field.type):
            # Numbered by first appearance, so the numbers follow from the values alone.
            encoded = column.combine_chunks().dictionary_encode()
            digest.update(json.dumps(encoded.dictionary.to_pylist()).encode())
            digest.update(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("<i4").tobytes())
        elif pa.types.is_floating(field.type):
            values = column.fill_null(0.0).to_numpy() + 0.0
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        else:
            whole = column.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(field.type) else column.cast(pa.int64())
            digest.update(whole.fill_null(0).to_numpy().astype("<i8").tobytes())
    return digest.hexdigest()


def to_floats(values: Numbers) -> npt.NDArray[np.float64]:
    """Return numbers as (n,) float64 with NaN for null."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    return np.asarray(values.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False), np.float64)


def _nullable(values: Numbers) -> pa.Array:
    return pa.array(to_floats(values), from_pandas=True)
