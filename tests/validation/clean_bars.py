"""Bars without a fault, and a way to plant one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.data.bars import SCHEMA, UTC_NS, combine
from marketsim.data.calendars import Calendar, load_calendar
from marketsim.validate import Validation

XNYS = load_calendar("XNYS")
FIRST, LAST = dt.date(2024, 1, 2), dt.date(2024, 5, 23)  # 100 sessions, with the half-day-free spring and two holidays
N_DAYS = 100


def run_spec(**keys: Any) -> RunSpec:
    """Return a run of AAA and BBB against ^IDX over the bars of `daily_bars`."""
    fields = {"name": "check", "symbols": ["AAA", "BBB"], "benchmark": "^IDX", "start": FIRST, "end": LAST}
    return RunSpec.model_validate({**fields, "strategy": {"kind": "buy_and_hold"}, **keys})


def daily_bars(symbols: tuple[str, ...] = ("AAA", "BBB", "^IDX"), calendar: Calendar = XNYS) -> pa.Table:
    """Return one clean bar a session and symbol; closes swing around 100 by half a percent, volume is a million shares."""
    days = calendar.between(FIRST, LAST)
    open_ns, close_ns = calendar.hours(days)
    return combine([_bars(symbol, days, open_ns, close_ns) for symbol in symbols])


def minute_bars(symbol: str = "AAA", *, minutes: int = 5) -> pa.Table:
    """Return the clean bars of the sessions of 2024-01-02 and 2024-01-03, 390 minutes each."""
    days = XNYS.between(dt.date(2024, 1, 2), dt.date(2024, 1, 3))
    step = minutes * 60 * 10**9
    opens = [np.arange(start, stop, step) for start, stop in zip(*XNYS.hours(days), strict=True)]
    open_ns = np.concatenate(opens)
    return _bars(symbol, np.repeat(days, [len(one) for one in opens]), open_ns, open_ns + step)


def _bars(symbol: str, days: Any, open_ns: Any, close_ns: Any) -> pa.Table:
    n = len(days)
    close = 100 + 0.5 * np.where(np.arange(n) % 2, 1.0, -1.0) + np.arange(n) % 100 * 0.01
    columns = [
        pa.array([symbol] * n),
        pa.array(days, pa.date32()),
        pa.array(open_ns).cast(UTC_NS),
        pa.array(close_ns).cast(UTC_NS),
        *(pa.array(prices) for prices in (np.full(n, 100.0), close + 2, close - 2, close, np.full(n, 1e6), np.ones(n), np.zeros(n))),
        pa.array(["test"] * n),
        pa.nulls(n, UTC_NS),
    ]
    return pa.table(columns, schema=SCHEMA)


LOOSE = pa.schema([pa.field(field.name, field.type) for field in SCHEMA])  # the same types, nulls allowed everywhere


def plant(bars: pa.Table, row: int | slice, **values: Any) -> pa.Table:
    """Return the bars with other values in one row or in a slice of rows."""
    columns = {field.name: _to_list(bars.column(field.name)) for field in bars.schema}
    for name, value in values.items():
        raw = _raw(LOOSE.field(name).type, value)
        places = range(bars.num_rows)[row] if isinstance(row, slice) else [row]
        for place in places:
            columns[name][place] = raw
    return from_lists(columns)


def from_lists(columns: Mapping[str, list[Any]]) -> pa.Table:
    """Return a loose table from plain lists, with dates as days and times as nanoseconds since the epoch."""
    arrays = []
    for field in LOOSE:
        raw = {pa.date32(): pa.int32(), UTC_NS: pa.int64()}.get(field.type)
        arrays.append(pa.array(columns[field.name], raw or field.type).cast(field.type))
    return pa.table(arrays, schema=LOOSE)


def _to_list(column: pa.ChunkedArray) -> list[Any]:
    raw = {pa.date32(): pa.int32(), UTC_NS: pa.int64()}.get(column.type)
    return list((column.cast(raw) if raw else column).to_pylist())


def _raw(kind: pa.DataType, value: Any) -> Any:
    if isinstance(value, str) and not pa.types.is_string(kind):
        return int(np.datetime64(value, "D" if kind == pa.date32() else "ns").astype(np.int64))
    return value


def to_lists(bars: pa.Table) -> dict[str, list[Any]]:
    """Return the columns as plain lists, the inverse of `from_lists`."""
    return {field.name: _to_list(bars.column(field.name)) for field in bars.schema}


def finding(validation: Validation, check: str, symbol: str = "AAA") -> dict[str, Any]:
    """Return the one finding of a check about a symbol."""
    (one,) = [row for row in validation.findings.to_pylist() if row["check_name"] == check and row["symbol"] == symbol]
    return one
