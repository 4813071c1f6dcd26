"""Numbers, dates and times as they read in findings and reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketsim.validation.check import Row

NAT = np.iinfo(np.int64).min  # how numpy spells a missing time


def number(value: float) -> str:
    """Return a price or volume as a person writes it: 25.75, 4,698,000, -1.5, nan."""
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:g}"


def date(day: float) -> str:
    """Return days since 1970-01-01 as an ISO date; any day an Arrow date can hold."""
    return "no date" if np.isnan(day) else str(np.datetime64(int(day), "D"))


def time(time_ns: float) -> str:
    """Return nanoseconds since the epoch as UTC to the second."""
    if time_ns == NAT:
        return "no time"
    return str(np.datetime64(int(time_ns), "ns").astype("datetime64[s]")).replace("T", " ") + " UTC"


def when(row: Row) -> str:
    """Return a bar's session date; with the time of its open for bars within the day."""
    return date(row["day"]) if row["daily"] and not np.isnan(row["day"]) else time(row["open_ns"])


def some(things: Sequence[str], total: int) -> str:
    """Return the first few of ``total`` things as a list in words."""
    rest = total - len(things)
    return ", ".join(things) + (f" and {rest:,} more" if rest > 0 else "")
