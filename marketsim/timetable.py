"""When a venue's sessions begin, change phase and end: explicit instants, so that daylight saving is settled before the exchange starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketsim.errors import ConfigError
from marketsim.kernel.book_state import NO_TIMER
from marketsim.records import Phase
from marketsim.session_rules import NS_A_MINUTE, NS_A_SECOND

Day: TypeAlias = Sequence[tuple[dt.time, Phase]]
US_EQUITIES: Day = (
    (dt.time(4), Phase.PRE_OPEN),
    (dt.time(9, 25), Phase.OPENING_AUCTION),
    (dt.time(9, 30), Phase.CONTINUOUS),
    (dt.time(16), Phase.CLOSING_AUCTION),
    (dt.time(16), Phase.CLOSED),
)
US_EQUITIES_EARLY: Day = (*US_EQUITIES[:3], (dt.time(13), Phase.CLOSING_AUCTION), (dt.time(13), Phase.CLOSED))


@dataclass(frozen=True, slots=True)
class Timetable:
    """The phases of one or more sessions, as (int64 nanoseconds since 1970-01-01 UTC, phase entered then), ascending.

    Several phases may begin at one instant; they are entered one after the other. Each session ends with CLOSED. Before the first instant
    the venue is closed.
    """

    phases: tuple[tuple[int, Phase], ...]

    def __post_init__(self) -> None:
        if not self.phases:
            raise ConfigError("Timetable.phases is empty; leave the timetable out instead")
        for (before, _), (after, phase) in pairwise(self.phases):
            if after < before:
                raise ConfigError(f"Timetable.phases goes from {before} ns back to {after} ns ({phase.name}); sort it by time")
        if any(phase in (Phase.HALT, Phase.VOLATILITY_AUCTION) for _, phase in self.phases):
            raise ConfigError("Timetable.phases holds a halt or a volatility auction; those are not scheduled")

    @classmethod
    def local(cls, dates: Sequence[dt.date], zone: str, day: Day) -> Timetable:
        """Return the sessions of some dates from local times of day.

        Parameters
        ----------
        dates : local dates, ascending
        zone : IANA name, such as America/New_York
        day : what begins when, ascending

        Raises
        ------
        ConfigError
            If the zone is unknown, or a local time does not exist on a date because the clocks go forward.
        """
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(f"there is no time zone {zone!r}; use an IANA name such as America/New_York") from None
        return cls(tuple((_instant(date, time, place), phase) for date in dates for time, phase in day))

    @classmethod
    def us_equities(cls, dates: Sequence[dt.date], *, early: Collection[dt.date] = ()) -> Timetable:
        """Return sessions of 09:30 to 16:00 New York time, with the auctions around them; the dates in ``early`` close at 13:00."""
        days = ((date, US_EQUITIES_EARLY if date in early else US_EQUITIES) for date in dates)
        return cls(tuple(row for date, day in days for row in cls.local([date], "America/New_York", day).phases))

    def crosses(self) -> list[tuple[int, int]]:
        """Return for each row when its session's opening and closing auctions are held, NO_TIMER for never.

        The opening auction is held when the session first becomes continuous; the closing auction when the phase after CLOSING_AUCTION
        begins, or, in a session without one, when it ends.
        """
        rows: list[tuple[int, int]] = []
        session: list[tuple[int, Phase]] = []
        for k, row in enumerate(self.phases):
            session.append(row)
            if row[1] == Phase.CLOSED or k + 1 == len(self.phases):
                opens = [time for time, phase in session if phase == Phase.CONTINUOUS]
                closes = [after for (_, phase), (after, _) in pairwise(session) if phase == Phase.CLOSING_AUCTION]
                closes += [time for time, phase in session if phase == Phase.CLOSED]
                rows += [(opens[0] if opens else NO_TIMER, closes[0] if closes else NO_TIMER)] * len(session)
                session = []
        return rows


@dataclass(frozen=True, slots=True)
class AuctionCutoffs:
    """How long before an auction of the timetable its orders must have come, ns; by default they may come until it is held.

    Without a timetable nobody knows when an auction will be held, and orders may come until it is.
    """

    market_on_open_ns: int = 0
    limit_on_open_ns: int = 0
    market_on_close_ns: int = 0
    limit_on_close_ns: int = 0

    def __post_init__(self) -> None:
        if min(self.market_on_open_ns, self.limit_on_open_ns, self.market_on_close_ns, self.limit_on_close_ns) < 0:
            raise ConfigError(f"{self} must hold times before the auctions, at least 0 ns")

    @classmethod
    def us_equities(cls) -> AuctionCutoffs:
        """Return 09:28 and 09:29:30 for an opening cross at 09:30, and 15:55 and 15:58 for a closing cross at 16:00."""
        return cls(2 * NS_A_MINUTE, 30 * NS_A_SECOND, 5 * NS_A_MINUTE, 2 * NS_A_MINUTE)


def _instant(date: dt.date, time: dt.time, zone: ZoneInfo) -> int:
    local = dt.datetime.combine(date, time, zone)
    utc = local.astimezone(dt.UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ConfigError(f"{date} {time} does not exist in {zone.key}: the clocks go forward there; choose another time")
    since = utc - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
