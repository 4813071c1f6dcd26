"""Exchange sessions as plain arrays: which days trade, and when they open and close in UTC.

The sessions come from exchange_calendars; holidays, half days and daylight saving are its business.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError

# Fixed, not "today and a year more": a run must not depend on the day it is made.
FIRST, LAST = "1900-01-01", "2049-12-31"

Dates = npt.NDArray[np.datetime64]
Nanos = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The sessions of one exchange.

    Attributes
    ----------
    code : MIC code, or 24/7, 24/5.
    zone : IANA zone of the exchange.
    sessions : (n,) datetime64[D], ascending.
    open_ns, close_ns : (n,) int64, nanoseconds since the epoch, UTC.
    usual_open, usual_close : local time of day and day offset of a full session, for days that are none.
    """

    code: str
    zone: str
    sessions: Dates
    open_ns: Nanos
    close_ns: Nanos
    usual_open: tuple[dt.time, int]
    usual_close: tuple[dt.time, int]

    def hours(self, dates: Dates) -> tuple[Nanos, Nanos]:
        """Return opens and closes, each (n,) int64 nanoseconds UTC; a date that is no session gets the usual hours."""
        place = np.minimum(np.searchsorted(self.sessions, dates), len(self.sessions) - 1)
        open_ns, close_ns = self.open_ns[place], self.close_ns[place]
        for row in np.flatnonzero(self.sessions[place] != dates):
            date = dates[row].astype(dt.date)
            open_ns[row], close_ns[row] = self._usual(date, self.usual_open), self._usual(date, self.usual_close)
        return open_ns, close_ns

    def _usual(self, date: dt.date, hour: tuple[dt.time, int]) -> int:
        time, days = hour
        local = dt.datetime.combine(date, time, ZoneInfo(self.zone)) + dt.timedelta(days=days)
        return int(local.timestamp()) * 1_000_000_000

    def in_session(self, time_ns: Nanos) -> npt.NDArray[np.bool_]:
        """Tell for each time, (n,) nanoseconds UTC, whether a session is open; the open counts, the close does not."""
        place = np.minimum(np.searchsorted(self.close_ns, time_ns, side="right"), len(self.close_ns) - 1)
        return (self.open_ns[place] <= time_ns) & (time_ns < self.close_ns[place])

    def sessions_of(self, time_ns: Nanos) -> tuple[Dates, Nanos]:
        """Return for each time the session that is open, or else the next one, and that session's close in nanoseconds UTC."""
        place = np.minimum(np.searchsorted(self.close_ns, time_ns, side="right"), len(self.close_ns) - 1)
        return self.sessions[place], self.close_ns[place]

    def between(self, first: dt.date, last: dt.date) -> Dates:
        """Return the sessions from ``first`` to ``last``, both included, (n,) datetime64[D]."""
        low = np.searchsorted(self.sessions, np.datetime64(first, "D"), side="left")
        high = np.searchsorted(self.sessions, np.datetime64(last, "D"), side="right")
        return self.sessions[low:high]

    def last_closed(self, now: dt.datetime) -> dt.date:
        """Return the newest session that has closed at ``now``, a time with a zone."""
        place = int(np.searchsorted(self.close_ns, int(now.timestamp()) * 1_000_000_000, side="right"))
        date: dt.date = self.sessions[max(place - 1, 0)].astype(dt.date)
        return date


@functools.cache  # a quarter of a second each, and a run of many markets asks again for every one
def load_calendar(code: str, around: tuple[dt.date, dt.date] | None = None) -> Calendar:
    """Return an exchange's sessions over all the years that exchange_calendars records, at most 1900 to 2049.

    Parameters
    ----------
    code : MIC code, or 24/7, 24/5.
    around : first and last date of interest; sessions beyond may be missing, and half a second is saved.

    Raises
    ------
    ConfigError
        No exchange has this code; the nearest one is named.
    """
    import exchange_calendars as xc

    try:
        start, end = (FIRST, LAST) if around is None else (max(FIRST, str(around[0])), min(LAST, str(around[1])))
        found = xc.get_calendar(code, start=start, end=end)
    except xc.errors.InvalidCalendarName:
        near = difflib.get_close_matches(code, xc.get_calendar_names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "use a MIC code such as XNYS, XLON or XTKS."
        raise ConfigError(f"calendar: {code} is not an exchange that exchange_calendars knows; {hint}") from None
    except xc.errors.NoSessionsError:
        return load_calendar(code)
    except ValueError:
        kind = type(xc.get_calendar(code))  # the exchange's records are shorter than ours; take what there is
        first, last = kind.bound_min(), kind.bound_max()
        start = FIRST if first is None else max(FIRST, first.date().isoformat())
        found = xc.get_calendar(code, start=start, end=LAST if last is None else min(LAST, last.date().isoformat()))
    return Calendar(
        code=code,
        zone=str(found.tz.key),
        sessions=found.sessions.to_numpy().astype("datetime64[D]"),
        open_ns=np.asarray(found.opens_nanos, np.int64),
        close_ns=np.asarray(found.closes_nanos, np.int64),
        usual_open=(found.open_times[-1][1], int(found.open_offset)),
        usual_close=(found.close_times[-1][1], int(found.close_offset)),
    )
