"""Checks of a symbol's usable bars as a series: jumps, splits that do not show, stale prices, days without trade.

Nothing here is quarantined: a jump may be true, and a run with a hole at the crash would be worse than one with a warning.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check, Row
from marketsim.validation.words import number, when

# Splits that are common enough to be recognised from the price alone, new shares for old.
COMMON_SPLITS = (
    *((new, 1) for new in (2, 3, 4, 5, 7, 8, 10, 15, 20, 50)),
    *((3, 2), (5, 2)),
    *((1, old) for old in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 50, 100)),
)
OPEN_TOLERANCE, CLOSE_TOLERANCE = 0.03, 0.10  # log distance of the open and of the close from the exact ratio

# Smaller splits (5-for-4, stock dividends) cannot be told from an ordinary overnight move.
LEAST_VISIBLE_SPLIT = math.log(1.4999)


def series_frame(usable: pd.DataFrame) -> pd.DataFrame:
    """Return usable bars with what the series checks look at; a symbol's first bar has NaN where a bar before is needed.

    Adds ``previous_close``; ``log_move`` and ``log_gap``, the log returns from there to the close and to the open, restated by
    split and dividend; ``gap_as_recorded`` and ``gap_as_unsplit``, the absolute gap with the recorded split and without it, NaN
    where no visible split is recorded; ``equal_closes``, how many equal closes in a row the bar is part of.
    """
    close, open_, split = (usable[name].to_numpy() for name in ("close_price", "open_price", "split_ratio"))
    dividend, code = usable["dividend_cash"].to_numpy(), usable["code"].to_numpy()
    first = np.ones(len(usable), bool)
    first[1:] = code[1:] != code[:-1]
    previous = np.where(first, np.nan, np.roll(close, 1))
    log_split, log_previous = np.log(split), np.log(previous)
    log_move = np.log(close + dividend) + log_split - log_previous
    log_gap = np.log(open_ + dividend) + log_split - log_previous
    visible = np.abs(log_split) >= LEAST_VISIBLE_SPLIT
    new_run = first | (close != previous)
    run = np.cumsum(new_run) - 1
    return usable.assign(
        previous_close=previous,
        log_move=log_move,
        log_gap=log_gap,
        gap_as_recorded=np.where(visible, np.abs(log_gap), np.nan),
        gap_as_unsplit=np.where(visible, np.abs(log_gap - log_split), np.nan),
        equal_closes=np.bincount(run)[run] if len(run) else run,
    )


def series_checks(*, jump_threshold: float, stale_bars: int, daily: bool) -> tuple[Check, ...]:
    """Return the checks of a series.

    Parameters
    ----------
    jump_threshold : absolute log return of the close that needs an explanation.
    stale_bars : equal closes in a row that count as stale.
    daily : whether a bar is a session; bars within the day are also held against the regular hours.
    """
    checks = (_price_jumps(jump_threshold), _splits_in_price(), _stale_prices(stale_bars), _zero_volume())
    return checks if daily else (*checks, _regular_hours())


def like_a_split(log_gap: float, log_move: float) -> str:
    """Return the split that a move of the price looks like, e.g. "2-for-1"; empty when it looks like none.

    Parameters
    ----------
    log_gap, log_move : log returns from the close before to the open and to the close; both must lie near the split's.
    """
    for new, old in COMMON_SPLITS:
        exact = math.log(old / new)
        if abs(log_gap - exact) <= OPEN_TOLERANCE and abs(log_move - exact) <= CLOSE_TOLERANCE:
            return f"{new}-for-{old}"
    return ""


def _price_jumps(threshold: float) -> Check:
    return Check(
        name="price_jumps",
        columns=("close_price", "split_ratio", "dividend_cash"),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="log_move", min_value=-threshold, max_value=threshold),),
        severity="warning",
        expected=f"a close within {math.expm1(-threshold):+.1%} and {math.expm1(threshold):+.1%} of the one before, "
        "splits and dividends taken out",
        remedy="look the day up; record the split if it was one, leave the bar if the move was real",
        found=_describe_jump,
    )


def _describe_jump(row: Row) -> str:
    recorded = row["split_ratio"] != 1
    split = "" if recorded else like_a_split(row["log_gap"], row["log_move"])
    moved = f"{number(row['previous_close'])} to {number(row['close_price'])} ({math.expm1(row['log_move']):+.1%})"
    return (
        f"close from {moved}"
        + (f" with a recorded split of {row['split_ratio']:g}" if recorded else "")
        + f" on {when(row)}"
        + (f", which looks like an unrecorded {split} split" if split else "")
    )


def _splits_in_price() -> Check:
    return Check(
        name="splits_in_price",
        columns=("open_price", "split_ratio"),
        expectations=(gxe.expect_order("gap_as_unsplit", "gap_as_recorded"),),
        # A split that the price does not show multiplies a position for nothing; every figure after it is wrong.
        severity="critical",
        benchmark_severity="error",
        expected="raw prices, in which a recorded split shows",
        remedy="the prices seem to be split-adjusted already: supply raw prices or leave the splits out",
        found=lambda row: (
            f"a split of {row['split_ratio']:g} on {when(row)}, where the price went "
            f"from {number(row['previous_close'])} to {number(row['open_price'])}"
        ),
    )


def _stale_prices(stale_bars: int) -> Check:
    return Check(
        name="stale_prices",
        columns=("close_price",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="equal_closes", max_value=stale_bars, strict_max=True),),
        severity="warning",
        expected=f"fewer than {stale_bars} equal closes in a row",
        remedy="check whether the symbol traded or the source filled the days up",
        found=lambda row: f"{row['equal_closes']} closes at {number(row['close_price'])} from {when(row)} on",
    )


def _zero_volume() -> Check:
    return Check(
        name="zero_volume",
        columns=("volume_shares",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="volume_shares", min_value=0, strict_min=True),),
        severity="warning",
        benchmark_severity="info",
        expected="a volume above 0",
        remedy="orders cannot fill there under a participation cap; check whether the symbol traded",
        found=lambda row: f"no share traded on {when(row)}",
    )


def _regular_hours() -> Check:
    pairs = (("open_utc", "regular_open_utc"), ("regular_close_utc", "close_utc"))
    return Check(
        name="regular_hours",
        columns=("open_utc", "close_utc"),
        expectations=tuple(gxe.expect_order(later, earlier) for later, earlier in pairs),
        severity="warning",
        expected="times within the regular session",
        remedy="leave the extended hours out, or expect fills at thinly traded prices",
        found=lambda row: f"the bar of {when(row)}",
    )
