"""Checks of each symbol as a whole: whether its bars are there, complete, enough, and recent."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from marketsim.config.run import RunSpec
from marketsim.data.bars import INTERVAL_S
from marketsim.data.calendars import Calendar
from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check, Row
from marketsim.validation.words import date, some

MAX_QUARANTINED_PCT = 5.0  # beyond it the data are another thing than what was asked for
MIN_BARS = 20  # a month of sessions; hardly a measure means anything below it
MAX_MISSING_BARS_PCT = 5.0  # within the day, where feeds send no bar for a minute without trades


def coverage_frame(
    received: pd.DataFrame,
    usable: pd.DataFrame,
    symbols: Sequence[str],
    spec: RunSpec,
    calendar: Calendar,
    errors: Mapping[str, str],
) -> pd.DataFrame:
    """Return one row a symbol with the counts the coverage checks judge; NaN where there is no usable bar to count from.

    Parameters
    ----------
    received, usable : bars as they came and what is left of them, both from `frame.bars_frame`.
    symbols : sorted symbols of the run; their places are the frames' ``code``.
    spec : the run; a run without `end` is due up to the newest usable bar of any symbol.
    calendar : the exchange's sessions.
    errors : why a provider delivered nothing, by symbol.
    """
    places = np.arange(len(symbols) + 1)
    n_received = np.diff(np.searchsorted(received["code"], places))
    bounds = np.searchsorted(usable["code"], places)
    day = usable["day"].to_numpy()
    regular = (usable["open_utc"] >= usable["regular_open_utc"]).to_numpy()
    first_due = _days(spec.start)
    last_due = _days(spec.end) if spec.end is not None else float(day.max()) if len(day) else first_due
    rows: list[dict[str, Any]] = []
    for symbol, n, low, high in zip(symbols, n_received, bounds[:-1], bounds[1:], strict=True):
        row = {
            "symbol": symbol,
            "error": errors.get(symbol, ""),
            "none": 0,
            "n_received": n,
            "n_usable": high - low,
            "n_quarantined": n - (high - low),
            "quarantined_pct": 100 * (n - (high - low)) / n if n else math.nan,
            "last_due": last_due,
            "n_due": _count(calendar, first_due, last_due),
        }
        row |= _sessions_of_symbol(day[low:high], calendar, first_due, last_due)
        if spec.bar_interval in INTERVAL_S:
            row |= _slots_of_symbol(day[low:high][regular[low:high]], calendar, INTERVAL_S[spec.bar_interval])
        rows.append(row)
    return pd.DataFrame(rows)


def coverage_checks(*, daily: bool, ends: bool, max_age_sessions: int | None) -> tuple[Check, ...]:
    """Return the checks of whole symbols.

    Parameters
    ----------
    daily : whether a bar is a session; for others the bars within the sessions are counted as well.
    ends : whether the run names its last session; otherwise a symbol cannot end early.
    max_age_sessions : sessions the newest bar may lag behind; None = the lag is told, not judged.
    """
    checks = [_has_bars(), _usable_share(), _enough_bars(), _missing_sessions(), _late_start(), _freshness(max_age_sessions)]
    checks += [] if daily else [_missing_bars()]
    checks += [_early_end()] if ends else []
    return tuple(checks)


def _sessions_of_symbol(day: np.ndarray[Any, Any], calendar: Calendar, first_due: float, last_due: float) -> dict[str, Any]:
    """Return the counts that follow from the days on which a symbol has bars."""
    if not len(day):
        unknown = dict.fromkeys(("first", "last", "n_missing", "n_late", "n_early"), math.nan)
        return {**unknown, "n_sessions": 0, "missing": ""}
    first, last = day[0], day[-1]
    sessions = calendar.sessions.astype(np.int64)
    between = sessions[(sessions >= first) & (sessions <= last)]
    missing = np.setdiff1d(between, day)
    return {
        "first": first,
        "last": last,
        "n_sessions": len(between),
        "n_missing": len(missing),
        "missing": some([date(one) for one in missing[:3]], len(missing)),
        "n_late": _count(calendar, first_due, first - 1),
        "n_early": _count(calendar, last + 1, last_due),
    }


def _slots_of_symbol(day: np.ndarray[Any, Any], calendar: Calendar, interval_s: int) -> dict[str, Any]:
    """Return how many bars the regular hours of the sessions with bars have room for, and how many are missing."""
    place = np.searchsorted(calendar.sessions.astype(np.int64), np.unique(day))
    length_ns = calendar.close_ns[place] - calendar.open_ns[place]
    n_slots = int(np.ceil(length_ns / (interval_s * 1e9)).sum())
    n_missing = max(n_slots - len(day), 0)
    return {"n_slots": n_slots, "n_missing_slots": n_missing, "missing_slots_pct": 100 * n_missing / n_slots if n_slots else math.nan}


def _has_bars() -> Check:
    return Check(
        name="has_bars",
        columns=(),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_received", min_value=1),),
        severity="critical",
        benchmark_severity="error",
        expected="at least one",
        remedy="check the symbol's spelling, the providers and the period",
        found=lambda row: f"{row['n_received']:,} bars received" + (f" ({row['error'].rstrip('.')})" if row["error"] else ""),
        counts=("n_received", "none"),
    )


def _usable_share() -> Check:
    return Check(
        name="usable_share",
        columns=(),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="quarantined_pct", max_value=MAX_QUARANTINED_PCT),),
        severity="critical",
        benchmark_severity="error",
        expected=f"at most {MAX_QUARANTINED_PCT:g} %",
        remedy="see the reasons in the quarantine and repair the source",
        found=lambda row: f"{row['n_quarantined']:,} of {row['n_received']:,} bars quarantined",
        counts=("n_received", "n_quarantined"),
    )


def _enough_bars() -> Check:
    return Check(
        name="enough_bars",
        columns=(),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_usable", min_value=MIN_BARS),),
        severity="warning",
        expected=f"{MIN_BARS} or more",
        remedy="widen the period; measures over so few bars say little",
        found=lambda row: f"{row['n_usable']:,} usable bars",
        counts=("n_usable", "none"),
    )


def _missing_sessions() -> Check:
    return Check(
        name="missing_sessions",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_missing", max_value=0),),
        severity="warning",
        expected="a usable bar in every session between the first and the last",
        remedy="fetch the days again; until then positions are held over them at the last price",
        found=lambda row: (
            f"{row['n_missing']:,.0f} of {row['n_sessions']:,} sessions without a usable bar"
            + (f" ({row['missing']})" if row["missing"] else "")
        ),
        counts=("n_sessions", "n_missing"),
    )


def _missing_bars() -> Check:
    return Check(
        name="missing_bars",
        columns=("open_utc",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="missing_slots_pct", max_value=MAX_MISSING_BARS_PCT),),
        severity="warning",
        expected=f"at most {MAX_MISSING_BARS_PCT:g} %",
        remedy="check `interval` and the source; a thinly traded symbol has such holes",
        found=lambda row: f"{row['n_missing_slots']:,} of {row['n_slots']:,} bars missing within regular hours",
        counts=("n_slots", "n_missing_slots"),
    )


def _late_start() -> Check:
    return Check(
        name="late_start",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_late", max_value=0),),
        severity="info",
        expected="none",
        remedy="fine for a symbol listed later; otherwise fetch the beginning again",
        found=lambda row: f"{row['n_late']:,.0f} sessions of the run before the first usable bar on {date(row['first'])}",
        counts=("n_due", "n_late"),
    )


def _early_end() -> Check:
    return Check(
        name="early_end",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_early", max_value=0),),
        severity="warning",
        expected="none",
        remedy="fine for a symbol delisted before; otherwise fetch the end again or move `end`",
        found=lambda row: f"{row['n_early']:,.0f} sessions of the run after the last usable bar on {date(row['last'])}",
        counts=("n_due", "n_early"),
    )


def _freshness(max_age_sessions: int | None) -> Check:
    judged = max_age_sessions is not None
    return Check(
        name="freshness",
        columns=("session_date",),
        expectations=(gxe.ExpectColumnValuesToBeBetween(column="n_early", max_value=max_age_sessions),) if judged else (),
        severity="critical" if judged else "info",
        benchmark_severity="error" if judged else None,
        expected=f"at most {max_age_sessions}" if judged else "any age, because max_age_sessions is not set",
        remedy="fetch newer bars or allow more in validation.max_age_sessions",
        found=lambda row: f"newest usable bar {_age(row)}",
        counts=("n_due", "n_early"),
    )


def _age(row: Row) -> str:
    return f"of {date(row['last'])}, {row['n_early']:,.0f} sessions behind {date(row['last_due'])}"


def _days(day: dt.date) -> float:
    return float(np.datetime64(day, "D").astype(np.int64))


def _count(calendar: Calendar, first: float, last: float) -> int:
    """Return the number of sessions from one day to another, both included; 0 when they are the wrong way round."""
    low, high = np.searchsorted(calendar.sessions.astype(np.int64), [first, last + 1])
    return max(int(high - low), 0)
