"""When a simulated market is open: its sessions, and the phases, shocks and news on their way to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from marketsim.config.run import RunSpec
from marketsim.config.simulated import FundamentalShock, HaltShock, Moment, OrderShock, SimulatedMarket, WithdrawalShock
from marketsim.data.calendars import load_calendar
from marketsim.errors import ConfigError
from marketsim.markets.simulated.population import Roster
from marketsim.markets.simulated.setting import News
from marketsim.records import MESSAGE, Kind, NewsCode, Phase, Side, Tif

SECOND_NS = 1_000_000_000
EVERY_SYMBOL = -1


@dataclass(frozen=True, slots=True)
class Session:
    """One session; the market is there from ``start_ns``, when orders are first collected, and continuous from ``open_ns``."""

    date: dt.date
    start_ns: int
    open_ns: int
    last_ns: int  # end of continuous trading: the close, or when the closing auction's call begins
    close_ns: int


@dataclass(frozen=True, slots=True)
class Timetable:
    """The sessions of a run, and the zone its times of day are local to."""

    sessions: tuple[Session, ...]
    zone: str

    def at(self, moment: Moment) -> int:
        """Return the time of a moment, ns.

        Raises
        ------
        ConfigError
            Its session is not simulated.
        """
        if moment.session >= len(self.sessions):
            raise ConfigError(
                f"market: session {moment.session} of the event at {moment.time} is not simulated; "
                f"there are {len(self.sessions)} sessions, numbered from 0."
            )
        return local_ns(self.sessions[moment.session].date, moment.time, self.zone)


def timetable(spec: RunSpec, market: SimulatedMarket) -> Timetable:
    """Return the sessions a run simulates.

    Raises
    ------
    ConfigError
        The calendar has too few, or a session has no time for continuous trading.
    """
    # Two in three days are sessions, and no exchange is closed for a month.
    end = spec.end or spec.start + dt.timedelta(days=2 * (market.sessions or 1) + 31)
    # Whole years, so that markets of single days share one calendar.
    calendar = load_calendar(spec.calendar, around=(dt.date(spec.start.year, 1, 1), dt.date(end.year, 12, 31)))
    if spec.end is not None:
        dates = calendar.between(spec.start, spec.end)
    else:
        first = int(np.searchsorted(calendar.sessions, np.datetime64(spec.start, "D")))
        dates = calendar.sessions[first : first + (market.sessions or 1)]
    if len(dates) == 0 or (spec.end is None and len(dates) < (market.sessions or 1)):
        raise ConfigError(
            f"calendar: {spec.calendar} has {len(dates)} sessions from {spec.start} on, which is too few; choose an earlier start."
        )
    open_ns, close_ns = calendar.hours(dates)
    found = []
    for k, date in enumerate(dates.astype(dt.date)):
        opens, closes = int(open_ns[k]), int(close_ns[k])
        if market.hours is not None:
            opens, closes = (local_ns(date, time, calendar.zone) for time in (market.hours.open, market.hours.close))
        phases = market.phases
        start = opens - round((phases.pre_open_s + phases.opening_auction_s) * SECOND_NS)
        last = closes - round(phases.closing_auction_s * SECOND_NS)
        if last <= opens:
            raise ConfigError(f"market.phases: {date} has no time left between its opening and closing auctions; shorten them.")
        found.append(Session(date, start, opens, last, closes))
    return Timetable(tuple(found), calendar.zone)


def local_ns(date: dt.date, time: str, zone: str) -> int:
    """Return a local time such as 09:30:00.5 as ns since 1970-01-01 UTC."""
    whole, _, fraction = time.partition(".")
    moment = dt.datetime.combine(date, dt.time.fromisoformat(whole), ZoneInfo(zone))
    return int(moment.timestamp()) * SECOND_NS + int(fraction.ljust(9, "0") or 0)


def messages_from_outside(spec: RunSpec, market: SimulatedMarket, times: Timetable, roster: Roster) -> npt.NDArray[np.void]:
    """Return what reaches the exchange by itself, (n,) MESSAGE: phases, and shocks that are messages."""
    rows = [*_phases(spec, market, times), *_shocks(spec, market, times, roster)]
    rows.sort(key=lambda row: row["time_ns"])  # stable: at one time phases come before shocks
    table = np.zeros(len(rows), MESSAGE)
    for place, row in zip(table, rows, strict=True):
        for name, value in row.items():
            place[name] = value
    return table


def news_items(spec: RunSpec, market: SimulatedMarket, times: Timetable) -> tuple[News, ...]:
    """Return the scheduled news."""
    symbols = spec.symbols
    return tuple(
        News(
            times.at(item),
            item.code if item.what == "own" else NewsCode[item.what.upper()],
            item.size,
            0 if item.symbol is None else symbols.index(item.symbol),
        )
        for item in market.news
    )


def shocked(
    paths: npt.NDArray[np.float64], spec: RunSpec, market: SimulatedMarket, times: Timetable, step_ns: int
) -> npt.NDArray[np.float64]:
    """Return fundamental values, (n_symbols, n_sessions, n), after the shocks to them."""
    result = paths.copy()
    for shock in market.shocks:
        if isinstance(shock, FundamentalShock):
            symbol = 0 if shock.symbol is None else spec.symbols.index(shock.symbol)
            at = max(0, -(-(times.at(shock) - times.sessions[shock.session].start_ns) // step_ns))
            result[symbol, shock.session, at:] *= 1 + shock.size_frac
            result[symbol, shock.session + 1 :] *= 1 + shock.size_frac
    return result


def _phases(spec: RunSpec, market: SimulatedMarket, times: Timetable) -> Iterator[dict[str, int]]:
    phases = market.phases
    for session in times.sessions:
        steps = [(session.open_ns, Phase.CONTINUOUS), (session.close_ns, Phase.CLOSED)]
        if phases.pre_open_s > 0:
            steps.append((session.start_ns, Phase.PRE_OPEN))
        if phases.opening_auction_s > 0:
            steps.append((session.open_ns - round(phases.opening_auction_s * SECOND_NS), Phase.OPENING_AUCTION))
        if phases.closing_auction_s > 0:
            steps.append((session.last_ns, Phase.CLOSING_AUCTION))
        for time_ns, phase in steps:
            yield from _to_books(spec, market, time_ns, phase)


def _to_books(spec: RunSpec, market: SimulatedMarket, time_ns: int, phase: Phase, only: int | None = None) -> Iterator[dict[str, int]]:
    for venue in range(len(market.venues)):
        for symbol in range(len(spec.symbols)) if only is None else (only,):
            yield {"time_ns": time_ns, "kind": Kind.PHASE, "qty_lot": phase, "symbol": symbol, "venue": venue}


def _shocks(spec: RunSpec, market: SimulatedMarket, times: Timetable, roster: Roster) -> Iterator[dict[str, int]]:
    venues = [venue.name for venue in market.venues]
    for number, shock in enumerate(market.shocks):
        time_ns = times.at(shock)
        symbol = 0 if shock.symbol is None else spec.symbols.index(shock.symbol)
        match shock:
            case OrderShock():
                yield {
                    "time_ns": time_ns,
                    "kind": Kind.MARKET if shock.limit_price is None else Kind.LIMIT,
                    "order_id": FIRST_OUTSIDE_ID + number,
                    "side": Side.BUY if shock.side == "buy" else Side.SELL,
                    "price_tick": 0 if shock.limit_price is None else round(shock.limit_price / market.tick_size),
                    "qty_lot": round(shock.qty_shares / market.lot_size),
                    "tif": Tif.DAY if shock.limit_price is not None else Tif.GTC,
                    "symbol": symbol,
                    "venue": 0 if shock.venue is None else venues.index(shock.venue),
                }
            case WithdrawalShock():
                place = roster.groups.index(shock.group)
                for agent in (k for k, group in enumerate(roster.group_of) if group == place):
                    for venue in range(len(venues)):
                        yield {
                            "time_ns": time_ns,
                            "kind": Kind.CANCEL_OWNER,
                            "owner_id": agent,
                            "symbol": EVERY_SYMBOL if shock.symbol is None else symbol,
                            "venue": venue,
                        }
            case HaltShock():
                yield from _to_books(spec, market, time_ns, Phase.HALT, symbol)
                session = times.sessions[shock.session]
                resumes = time_ns + round(shock.duration_s * SECOND_NS)
                if resumes < session.last_ns:
                    yield from _to_books(spec, market, resumes, Phase.CONTINUOUS, symbol)


# Agents' orders are numbered from 0 up by the simulation; what comes from outside is far above them.
FIRST_OUTSIDE_ID = 1 << 60
