"""Canonical bars and their digest."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.data.bars import SCHEMA, bars_digest, canonical_bars, combine, make_frame
from marketsim.data.calendars import load_calendar
from marketsim.data.ingest import SOURCES
from marketsim.errors import DataError
from warehouse.schemas import TABLES


def some_bars(symbols=("AAA", "BBB"), n=6, **changed):
    calendar = load_calendar("XNYS")
    days = pa.array([dt.date(2024, 1, 2 + i) for i in range(n)])
    close = changed.get("close", np.linspace(10, 11, n))
    frame = make_frame(days, [close, close + 1, close - 1, close], np.full(n, 1000.0))
    return combine([canonical_bars(s, frame, interval="1d", calendar=calendar, source="test") for s in symbols])


def test_schemas_are_those_of_the_warehouse():
    assert SCHEMA.equals(TABLES["bars"].arrow)
    assert SOURCES.equals(TABLES["sources"].arrow)


def test_rows_are_sorted_by_symbol_and_time_whatever_the_order_received():
    calendar = load_calendar("XNYS")
    days = pa.array([dt.date(2024, 1, 4), dt.date(2024, 1, 2), dt.date(2024, 1, 3)])
    close = np.array([4.0, 2.0, 3.0])
    frame = make_frame(days, [close] * 4, close)
    bars = combine([canonical_bars(s, frame, interval="1d", calendar=calendar, source="x") for s in ("ZZZ", "AAA")])
    assert bars.column("symbol").to_pylist() == ["AAA"] * 3 + ["ZZZ"] * 3
    assert bars.column("close_price").to_pylist() == [2, 3, 4, 2, 3, 4]


def test_missing_values_are_null_and_missing_actions_are_none():
    frame = make_frame(
        pa.array([dt.date(2024, 1, 2), dt.date(2024, 1, 3)]),
        [np.array([np.nan, 1.0])] * 4,
        pa.array([None, 5], pa.int64()),
        split_ratio=np.array([0.0, np.nan]),
        dividend_cash=pa.array([None, 0.5]),
    )
    assert frame.column("open").to_pylist() == [None, 1.0]
    assert frame.column("volume").to_pylist() == [None, 5.0]
    assert frame.column("split_ratio").to_pylist() == [1.0, 1.0]
    assert frame.column("dividend_cash").to_pylist() == [0.0, 0.5]


def test_a_bar_within_the_day_closes_one_interval_later_or_with_the_session():
    opened = pa.array([dt.datetime(2012, 11, 23, hour, 30, tzinfo=dt.UTC) for hour in (14, 17)], pa.timestamp("ns", tz="UTC"))
    frame = make_frame(opened, [np.ones(2)] * 4, np.ones(2))
    bars = canonical_bars("SPY", frame, interval="1h", calendar=load_calendar("XNYS"), source="x")
    closes = [f"{close:%H:%M}" for close in bars.column("close_utc").to_pylist()]
    assert closes == ["15:30", "18:00"]  # the day after Thanksgiving closes at 13:00 in New York
    assert set(bars.column("session_date").to_pylist()) == {dt.date(2012, 11, 23)}


def test_a_day_without_a_session_can_be_represented():
    frame = make_frame(pa.array([dt.date(2024, 1, 6)]), [np.ones(1)] * 4, np.ones(1))
    row = canonical_bars("SPY", frame, interval="1d", calendar=load_calendar("XNYS"), source="x").to_pylist()[0]
    assert (row["session_date"], f"{row['open_utc']:%d %H:%M}") == (dt.date(2024, 1, 6), "06 14:30")


@given(st.lists(st.integers(0, 12), max_size=4))
def test_digest_does_not_depend_on_chunks(cuts):
    bars = some_bars()
    edges = [0, *sorted(cuts), bars.num_rows]
    pieces = [bars.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    assert bars_digest(pa.concat_tables(pieces)) == bars_digest(bars)


def test_digest_ignores_retrieval_time_and_nothing_else():
    bars = some_bars()
    later = bars.set_column(12, SCHEMA.field(12), pa.repeat(pa.scalar(dt.datetime(2025, 1, 1, tzinfo=dt.UTC), SCHEMA.field(12).type), 12))
    assert bars_digest(later) == bars_digest(bars)
    seen = {bars_digest(bars)}
    for place, field in enumerate(SCHEMA):
        if field.name == "retrieved_utc":
            continue
        values = bars.column(place).to_pylist()
        values[3] = {
            "symbol": "CCC",
            "source": "other",
            "session_date": dt.date(2020, 1, 1),
            "open_utc": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
            "close_utc": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        }.get(field.name, 7.25)
        seen.add(bars_digest(bars.set_column(place, field, pa.array(values, field.type))))
        if field.nullable:
            values[3] = None
            seen.add(bars_digest(bars.set_column(place, field, pa.array(values, field.type))))
    assert len(seen) == 1 + 12 + 5


def test_null_and_zero_have_different_digests_and_both_zeros_the_same():
    zero, minus, null = (some_bars(("AAA",), 1, close=np.array([value])) for value in (0.0, -0.0, np.nan))
    assert bars_digest(zero) == bars_digest(minus)
    assert bars_digest(zero) != bars_digest(null)


def test_digest_of_another_table_is_refused():
    with pytest.raises(DataError, match=r"bars have the columns x; expected"):
        bars_digest(pa.table({"x": [1]}))
    assert combine([]).schema.equals(SCHEMA)
