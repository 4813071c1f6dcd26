"""Checks of bars against each other: each bar once, and one bar at a time. Looked at on bars that are sound by themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check
from marketsim.validation.frame import NUMBERS
from marketsim.validation.words import time, when

CONTENT = ("code", "day", "open_ns", "close_ns", *NUMBERS)


def add_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with ``copy``: 0 for a bar's first row, 1, 2, … for further rows of the same content, whatever their source.

    Identical rows are neighbours, because the frame is sorted by content.
    """
    same = np.ones(len(frame), bool)
    for name in CONTENT:
        values = frame[name].to_numpy()
        same[1:] &= values[1:] == values[:-1]
    same[:1] = False
    starts = np.flatnonzero(~same)
    lengths = np.diff(np.append(starts, len(frame)))
    return frame.assign(copy=np.arange(len(frame)) - np.repeat(starts, lengths))


def key_checks(*, daily: bool) -> tuple[Check, ...]:
    """Return the checks that a bar is there once: a session once for daily bars, an opening time once for others."""
    key = "session_date" if daily else "open_utc"
    return (
        Check(
            name="repeated_bars",
            columns=(),
            expectations=(gxe.ExpectColumnValuesToBeInSet(column="copy", value_set=[0]),),
            severity="error",
            expected="no identical twin",
            remedy="nothing to do for this run, one copy was kept; check why the source repeats itself",
            found=lambda row: f"the bar of {when(row)} came again",
            quarantines=True,
        ),
        Check(
            name="conflicting_bars",
            columns=("symbol", key),
            # Copies of one bar differ in `copy`; bars that share all three contradict each other.
            expectations=(gxe.ExpectCompoundColumnsToBeUnique(column_list=["symbol", key, "copy"]),),
            severity="error",
            expected=f"a {key} of its own",
            remedy="find out which of the bars is right; none of them is used",
            found=lambda row: f"bars that contradict each other on {when(row)}, this one closing at {row['close_price']:g}",
            quarantines=True,
        ),
    )


def add_latest_close(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with ``latest_close_utc``: the latest close among the symbol's bars before; NaT at its first."""
    by_symbol = frame["code"]
    latest = frame["close_utc"].groupby(by_symbol, sort=False).cummax()
    return frame.assign(latest_close_utc=latest.groupby(by_symbol, sort=False).shift())


def overlap_check() -> Check:
    """Return the check that a bar opens no earlier than the ones before it close."""
    return Check(
        name="overlapping_bars",
        columns=("open_utc", "close_utc"),
        expectations=(gxe.expect_order("open_utc", "latest_close_utc"),),
        severity="error",
        expected="an open no earlier than the close of the bar before",
        remedy="check that `interval` is the length of the source's bars",
        found=lambda row: f"the bar that opens at {time(row['open_ns'])} overlaps the one before",
        quarantines=True,
    )
