"""Checks of single bars: values that no bar may have. A bar that fails one is quarantined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd

from marketsim.data.calendars import Calendar
from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check, Row
from marketsim.validation.frame import PRICES
from marketsim.validation.words import date, number, time, when

REQUIRED = (
    *("session_date", "open_utc", "close_utc"),
    *("open_price", "high_price", "low_price", "close_price"),
    *("volume_shares", "split_ratio", "dividend_cash", "source"),
)

# Far above anything traded (Berkshire Hathaway A is below 1e6, an index's volume below 1e11); below it lie units mixed up.
MAX_PRICE, MAX_VOLUME, MAX_SPLIT = 1e7, 1e12, 1e4


def bar_checks(calendar: Calendar, start: dt.date, end: dt.date) -> tuple[Check, ...]:
    """Return the checks of single bars.

    Parameters
    ----------
    calendar : the exchange's sessions.
    start, end : first and last session that a bar may belong to.
    """
    return (
        _required_values(),
        _positive_prices(),
        _price_bounds(),
        _volume_not_negative(),
        _plausible_sizes(),
        _corporate_actions(),
        _bar_times(),
        _sessions_only(calendar),
        _inside_period(start, end),
    )


def _required_values() -> Check:
    return Check(
        name="required_values",
        columns=REQUIRED,
        expectations=tuple(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in REQUIRED),
        severity="error",
        expected="a value in every required column",
        remedy="fill the gap at the source or accept that the bar is left out",
        found=lambda row: f"{' and '.join(name for name in REQUIRED if pd.isna(row[name]))} missing on {when(row)}",
        quarantines=True,
    )


def _positive_prices() -> Check:
    return Check(
        name="positive_prices",
        columns=PRICES,
        expectations=tuple(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, strict_min=True) for name in PRICES),
        severity="error",
        expected="prices above 0",
        remedy="correct the bar at the source or accept that it is left out",
        found=lambda row: f"{_values(row, lambda price: price <= 0)} on {when(row)}",
        quarantines=True,
    )


def _price_bounds() -> Check:
    pairs = [("high_bound", "low_bound")]
    pairs += [("high_bound", name) for name in ("open_price", "close_price")]
    pairs += [(name, "low_bound") for name in ("open_price", "close_price")]
    return Check(
        name="price_bounds",
        columns=PRICES,
        expectations=tuple(gxe.expect_order(upper, lower) for upper, lower in pairs),
        severity="error",
        expected="the high as highest and the low as lowest price",
        remedy="correct the bar at the source or accept that it is left out",
        found=lambda row: f"{_values(row, lambda _: True)} on {when(row)}",
        quarantines=True,
    )


def _volume_not_negative() -> Check:
    return Check(
        name="volume_not_negative",
        columns=("volume_shares",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="volume_shares", min_value=0),),
        severity="error",
        expected="a volume of 0 or more",
        remedy="correct the bar at the source or accept that it is left out",
        found=lambda row: f"volume_shares {number(row['volume_shares'])} on {when(row)}",
        quarantines=True,
    )


def _plausible_sizes() -> Check:
    limits = {**dict.fromkeys(PRICES, MAX_PRICE), "volume_shares": MAX_VOLUME}
    return Check(
        name="plausible_sizes",
        columns=tuple(limits),
        expectations=tuple(gxe.ExpectColumnValuesToBeBetween(column=name, max_value=limit) for name, limit in limits.items()),
        severity="error",
        expected=f"prices up to {number(MAX_PRICE)} and volumes up to {number(MAX_VOLUME)}",
        remedy="check the source's units",
        found=lambda row: (
            f"{' and '.join(f'{name} {number(row[name])}' for name, limit in limits.items() if row[name] > limit)} on {when(row)}"
        ),
        quarantines=True,
    )


def _corporate_actions() -> Check:
    return Check(
        name="corporate_actions",
        columns=("split_ratio", "dividend_cash"),
        expectations=(
            gxe.ExpectColumnValuesToBeBetween(column="split_ratio", min_value=0, strict_min=True, max_value=MAX_SPLIT),
            gxe.ExpectColumnValuesToBeBetween(column="dividend_cash", min_value=0),
            gxe.expect_order("close_price", "dividend_cash", or_equal=False),
        ),
        severity="error",
        expected=f"a split ratio above 0 and up to {number(MAX_SPLIT)}, and a dividend of 0 or more but below the price",
        remedy="correct the split or dividend at the source",
        found=lambda row: (
            f"split_ratio {number(row['split_ratio'])} and dividend_cash {number(row['dividend_cash'])} "
            f"at close_price {number(row['close_price'])} on {when(row)}"
        ),
        quarantines=True,
    )


def _bar_times() -> Check:
    pairs = (("close_utc", "open_utc", False), ("open_utc", "session_from_utc", True), ("session_until_utc", "close_utc", True))
    return Check(
        name="bar_times",
        columns=("open_utc", "close_utc", "session_date"),
        expectations=tuple(gxe.expect_order(later, earlier, or_equal=or_equal) for later, earlier, or_equal in pairs),
        severity="error",
        expected="a close after the open, both between the neighbouring sessions",
        remedy="check the source's time zone",
        found=lambda row: f"the bar of session {date(row['day'])} lasts from {time(row['open_ns'])} to {time(row['close_ns'])}",
        quarantines=True,
    )


def _sessions_only(calendar: Calendar) -> Check:
    return Check(
        name="sessions_only",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeInSet(column="on_closed_day", value_set=[False]),),
        severity="error",
        expected=f"a date on which {calendar.code} trades",
        remedy="check `calendar` and the source's time zone",
        found=lambda row: f"{date(row['day'])} is no session of {calendar.code}",
        quarantines=True,
    )


def _inside_period(start: dt.date, end: dt.date) -> Check:
    first, last = (int(np.datetime64(day, "D").astype(np.int64)) for day in (start, end))
    return Check(
        name="inside_period",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="day", min_value=first, max_value=last),),
        severity="error",
        expected=f"a date from {start} to {end}",
        remedy="correct the date at the source or change `start` and `end`",
        found=lambda row: f"session_date {date(row['day'])}",
        quarantines=True,
    )


def _values(row: Row, wrong: Callable[[float], bool]) -> str:
    return ", ".join(f"{name} {number(row[name])}" for name in PRICES if wrong(row[name]))
