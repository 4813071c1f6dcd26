"""Sessions by the clock: local hours on both sides of a clock change, cut-offs, auctions, indications."""

from __future__ import annotations

import datetime as dt

import pytest

from marketsim.errors import ConfigError
from marketsim.exchange import Exchange
from marketsim.records import EventKind, Kind, Phase, Reason, Side, Tif
from marketsim.timetable import AuctionCutoffs, Timetable
from marketsim.venue_rules import VenueRules

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def utc(*when: int) -> int:
    return int(dt.datetime(*when, tzinfo=dt.UTC).timestamp()) * SECOND


def test_new_york_opens_at_14_30_utc_before_the_clocks_change_and_at_13_30_after():
    # In 2026 the clocks of New York go forward on 8 March and back on 1 November.
    table = Timetable.us_equities([dt.date(2026, 3, 6), dt.date(2026, 3, 9), dt.date(2026, 10, 30), dt.date(2026, 11, 2)])
    opens = [time for time, phase in table.phases if phase == Phase.CONTINUOUS]
    closes = [time for time, phase in table.phases if phase == Phase.CLOSED]
    assert opens == [utc(2026, 3, 6, 14, 30), utc(2026, 3, 9, 13, 30), utc(2026, 10, 30, 13, 30), utc(2026, 11, 2, 14, 30)]
    assert closes == [utc(2026, 3, 6, 21), utc(2026, 3, 9, 20), utc(2026, 10, 30, 20), utc(2026, 11, 2, 21)]


def test_any_zone_and_day_can_be_given():
    day = ((dt.time(7, 50), Phase.OPENING_AUCTION), (dt.time(8), Phase.CONTINUOUS), (dt.time(16, 30), Phase.CLOSED))
    table = Timetable.local([dt.date(2026, 7, 1)], "Europe/London", day)
    assert [time for time, _ in table.phases] == [utc(2026, 7, 1, 6, 50), utc(2026, 7, 1, 7), utc(2026, 7, 1, 15, 30)]


def test_an_early_close_is_at_13_00():
    date = dt.date(2026, 11, 27)
    assert Timetable.us_equities([date], early=[date]).phases[-1] == (utc(2026, 11, 27, 18), Phase.CLOSED)


def test_faulty_timetables_are_refused_with_one_sentence():
    with pytest.raises(ConfigError, match="clocks go forward"):
        Timetable.local([dt.date(2026, 3, 8)], "America/New_York", ((dt.time(2, 30), Phase.CONTINUOUS),))
    with pytest.raises(ConfigError, match="no time zone 'New York'"):
        Timetable.local([dt.date(2026, 3, 9)], "New York", ((dt.time(9), Phase.CONTINUOUS),))
    with pytest.raises(ConfigError, match="sort it by time"):
        Timetable(((5, Phase.CONTINUOUS), (4, Phase.CLOSED)))
    with pytest.raises(ConfigError, match="not scheduled"):
        Timetable(((5, Phase.HALT),))
    with pytest.raises(ConfigError, match="empty"):
        Timetable(())


@pytest.mark.parametrize("date", [dt.date(2026, 3, 6), dt.date(2026, 3, 9)])
@pytest.mark.parametrize(
    ("kind", "hour", "minute", "second"),
    [(Kind.MARKET_ON_OPEN, 9, 28, 0), (Kind.LIMIT_ON_OPEN, 9, 29, 30), (Kind.MARKET_ON_CLOSE, 15, 55, 0), (Kind.LIMIT_ON_CLOSE, 15, 58, 0)],
)
def test_nasdaq_cut_offs_hold_in_local_time_all_year(date, kind, hour, minute, second):
    exchange = Exchange(VenueRules.nasdaq(timetable=Timetable.us_equities([date])))
    offset = 5 if date < dt.date(2026, 3, 8) else 4
    until = utc(date.year, date.month, date.day, hour + offset, minute, second)
    exchange.submit(kind, 1, BUY, 100, 100_000, time_ns=until - 1)
    exchange.submit(kind, 2, BUY, 100, 100_000, time_ns=until)
    events = exchange.take().events
    mine = events[events["order_id"] >= 0]
    assert mine[["order_id", "kind", "reason"]].tolist() == [
        (1, EventKind.ACCEPTED, Reason.NONE),
        (2, EventKind.REJECTED, Reason.CUT_OFF),
    ]


def test_without_a_timetable_orders_may_come_until_the_auction_is_held():
    exchange = Exchange(VenueRules.plain(cutoffs=AuctionCutoffs.us_equities()))
    exchange.submit(Kind.MARKET_ON_CLOSE, 1, BUY, 5, time_ns=10**18)
    exchange.submit(Kind.PHASE, qty_lot=Phase.PRE_OPEN)
    exchange.submit(Kind.MARKET_ON_OPEN, 2, BUY, 5, time_ns=10**18)
    assert EventKind.REJECTED not in exchange.take().events["kind"]


def test_a_day_passes_from_closed_to_closed_without_any_phase_message():
    table = Timetable.us_equities([dt.date(2026, 3, 9)])
    exchange = Exchange(VenueRules.plain(timetable=table))
    exchange.submit(Kind.LIMIT, 1, SELL, 10, 100, tif=Tif.DAY, time_ns=utc(2026, 3, 9, 7))
    exchange.submit(Kind.LIMIT, 1, SELL, 10, 100, tif=Tif.DAY, time_ns=utc(2026, 3, 9, 12))
    exchange.submit(Kind.MARKET_ON_OPEN, 2, BUY, 4, time_ns=utc(2026, 3, 9, 12))
    exchange.submit(Kind.LIMIT, 3, BUY, 1, 100, time_ns=utc(2026, 3, 9, 15))
    exchange.submit(Kind.MARKET_ON_CLOSE, 4, BUY, 2, time_ns=utc(2026, 3, 9, 19))
    exchange.submit(Kind.CLOCK, time_ns=utc(2026, 3, 10, 0))
    tape = exchange.take()
    assert tape.events["reason"][tape.events["kind"] == EventKind.REJECTED].tolist() == [Reason.WRONG_PHASE]
    assert tape.trades[["taker_id", "qty_lot", "time_ns", "phase"]].tolist() == [
        (2, 4, utc(2026, 3, 9, 13, 30), Phase.OPENING_AUCTION),
        (3, 1, utc(2026, 3, 9, 15), Phase.CONTINUOUS),
        (4, 2, utc(2026, 3, 9, 20), Phase.CLOSING_AUCTION),
    ]
    expired = tape.events[tape.events["kind"] == EventKind.EXPIRED]
    assert expired[["order_id", "qty_lot", "time_ns"]].tolist() == [(1, 3, utc(2026, 3, 9, 20))]


def test_a_pause_at_the_close_makes_way_for_the_closing_auction():
    rules = VenueRules.plain(timetable=Timetable(((10, Phase.CONTINUOUS), (100, Phase.CLOSING_AUCTION), (120, Phase.CLOSED))))
    exchange = Exchange(rules)
    exchange.submit(Kind.PHASE, qty_lot=Phase.VOLATILITY_AUCTION, expire_ns=500, time_ns=90)
    exchange.submit(Kind.CLOCK, time_ns=100)
    assert (exchange.status().phase, exchange.status().until_ns) == (Phase.CLOSING_AUCTION, None)


def test_a_halt_over_the_beginning_of_the_closing_auction_ends_in_it():
    rules = VenueRules.plain(timetable=Timetable(((10, Phase.CONTINUOUS), (100, Phase.CLOSING_AUCTION), (120, Phase.CLOSED))))
    exchange = Exchange(rules)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, expire_ns=110, time_ns=90)
    exchange.submit(Kind.CLOCK, time_ns=109)
    assert exchange.status().phase == Phase.HALT
    exchange.submit(Kind.CLOCK, time_ns=110)
    assert exchange.status().phase == Phase.CLOSING_AUCTION


def test_nasdaq_tells_of_the_closing_cross_every_second_from_ten_minutes_before():
    exchange = Exchange(VenueRules.nasdaq(timetable=Timetable.us_equities([dt.date(2026, 3, 9)])))
    close = utc(2026, 3, 9, 20)
    exchange.submit(Kind.LIMIT, 1, SELL, 30, 100_000, time_ns=close - 60 * MINUTE)
    exchange.submit(Kind.MARKET_ON_CLOSE, 2, BUY, 50, time_ns=close - 30 * MINUTE)
    exchange.take()
    exchange.submit(Kind.CLOCK, time_ns=close - 1)
    events = exchange.take().events
    words = events[events["kind"] == EventKind.INDICATION]
    assert words["time_ns"].tolist() == list(range(close - 10 * MINUTE, close, SECOND))
    assert set(words[["price_tick", "qty_lot"]].tolist()) == {(100_000, 30)}
    left = events[events["kind"] == EventKind.IMBALANCE]
    assert set(left[["side", "qty_lot"]].tolist()) == {(BUY, 20)}


def test_times_near_the_end_of_the_clock_do_not_ring_for_ever():
    exchange = Exchange(VenueRules.plain(indication_period_ns=10, reopening_ns=10))
    exchange.submit(Kind.PHASE, qty_lot=Phase.OPENING_AUCTION, time_ns=2**63 - 5)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, expire_ns=2**63 - 2, time_ns=2**63 - 4)
    exchange.submit(Kind.CLOCK, time_ns=2**63 - 1)
    assert exchange.status().phase in (Phase.VOLATILITY_AUCTION, Phase.CONTINUOUS)
