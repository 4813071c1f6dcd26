"""Market-wide halts by hand: levels, cut-off, once a day, several venues at once."""

from __future__ import annotations

import datetime as dt

import pytest

from marketsim.errors import ConfigError
from marketsim.exchange import Exchange
from marketsim.records import EventKind, Kind, Phase, Reason
from marketsim.session_rules import BreakerLevel, CircuitBreakers
from marketsim.timetable import Timetable
from marketsim.venue_rules import VenueRules

MINUTE = 60_000_000_000
DAY = Timetable.us_equities([dt.date(2026, 3, 6), dt.date(2026, 3, 9)])
OPENS, CLOSES = DAY.phases[2][0], DAY.phases[4][0]
US = VenueRules.plain(circuit_breakers=CircuitBreakers.us_equities(), timetable=DAY)


def phases(exchange: Exchange, symbols: int = 1, venues: int = 1) -> list[Phase]:
    return [exchange.status(symbol=symbol, venue=venue).phase for venue in range(venues) for symbol in range(symbols)]


def opened(rules: VenueRules = US, minutes: int = 10) -> Exchange:
    exchange = Exchange(rules)
    exchange.submit(Kind.PREVIOUS_CLOSE, symbol=-1, price_tick=100_000)
    exchange.submit(Kind.CLOCK, time_ns=OPENS + minutes * MINUTE)
    return exchange


def index(exchange: Exchange, level: int, time_ns: int) -> Phase:
    exchange.submit(Kind.INDEX, symbol=-1, price_tick=level, time_ns=time_ns)
    return exchange.status().phase


def test_seven_per_cent_halts_for_a_quarter_of_an_hour_and_only_once_a_day():
    exchange = opened()
    assert index(exchange, 93_001, OPENS + 11 * MINUTE) == Phase.CONTINUOUS
    assert index(exchange, 93_000, OPENS + 12 * MINUTE) == Phase.HALT
    exchange.submit(Kind.CLOCK, time_ns=OPENS + 27 * MINUTE - 1)
    assert phases(exchange) == [Phase.HALT]
    exchange.submit(Kind.CLOCK, time_ns=OPENS + 27 * MINUTE)
    assert phases(exchange) == [Phase.CONTINUOUS]
    assert index(exchange, 92_000, OPENS + 28 * MINUTE) == Phase.CONTINUOUS
    assert index(exchange, 87_000, OPENS + 29 * MINUTE) == Phase.HALT


def test_twenty_per_cent_halts_until_the_close_and_the_next_day_begins_anew():
    exchange = opened()
    assert index(exchange, 80_000, CLOSES - MINUTE) == Phase.HALT
    exchange.submit(Kind.CLOCK, time_ns=CLOSES - 1)
    assert phases(exchange) == [Phase.HALT]
    exchange.submit(Kind.CLOCK, time_ns=CLOSES)
    assert phases(exchange) == [Phase.CLOSED]
    exchange.submit(Kind.PREVIOUS_CLOSE, symbol=-1, price_tick=80_000)
    next_open = DAY.phases[7][0]
    exchange.submit(Kind.CLOCK, time_ns=next_open)
    assert phases(exchange) == [Phase.CONTINUOUS]
    assert index(exchange, 74_400, next_open + MINUTE) == Phase.HALT


@pytest.mark.parametrize(("before_close", "expected"), [(35 * MINUTE + 1, Phase.HALT), (35 * MINUTE, Phase.CONTINUOUS)])
def test_the_first_two_levels_end_at_15_25(before_close, expected):
    assert index(opened(), 93_000, CLOSES - before_close) == expected


def test_on_a_half_day_the_cut_off_moves_with_the_close():
    date = dt.date(2026, 11, 27)
    half = Timetable.us_equities([date], early=[date])
    closes = half.phases[-1][0]
    for before_close, expected in ((35 * MINUTE + 1, Phase.HALT), (35 * MINUTE, Phase.CONTINUOUS)):
        exchange = Exchange(VenueRules.plain(circuit_breakers=CircuitBreakers.us_equities(), timetable=half))
        exchange.submit(Kind.PREVIOUS_CLOSE, symbol=-1, price_tick=100_000)
        assert index(exchange, 93_000, closes - before_close) == expected


def test_a_jump_over_two_levels_counts_for_both():
    exchange = opened()
    assert index(exchange, 86_000, OPENS + 20 * MINUTE) == Phase.HALT
    tape = exchange.take()
    assert tape.events["qty_lot"][tape.events["kind"] == EventKind.MARKET_HALT].tolist() == [2]
    exchange.submit(Kind.CLOCK, time_ns=OPENS + 35 * MINUTE)
    assert index(exchange, 92_000, OPENS + 36 * MINUTE) == Phase.CONTINUOUS


def test_all_symbols_of_all_venues_halt_together_each_by_its_own_rules():
    three_minutes = CircuitBreakers((BreakerLevel(70_000, 3 * MINUTE),))
    venues = [VenueRules.plain(circuit_breakers=CircuitBreakers.us_equities()), VenueRules.plain(circuit_breakers=three_minutes)]
    exchange = Exchange([*venues, VenueRules.plain()], symbols=2)
    exchange.submit(Kind.PREVIOUS_CLOSE, symbol=-1, price_tick=100_000)
    exchange.submit(Kind.INDEX, symbol=-1, venue=1, price_tick=93_000)
    halt, open_ = Phase.HALT, Phase.CONTINUOUS
    assert phases(exchange, 2, 3) == [halt, halt, halt, halt, open_, open_]
    exchange.submit(Kind.CLOCK, time_ns=3 * MINUTE)
    assert phases(exchange, 2, 3) == [halt, halt, open_, open_, open_, open_]


def test_a_halt_without_end_is_not_given_one():
    exchange = opened()
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT)
    index(exchange, 93_000, OPENS + 12 * MINUTE)
    exchange.submit(Kind.CLOCK, time_ns=OPENS + 60 * MINUTE)
    assert phases(exchange) == [Phase.HALT]


def test_a_timed_halt_ends_in_an_auction_of_the_venues_length():
    exchange = Exchange(VenueRules.plain(reopening_ns=30))
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, expire_ns=100)
    exchange.submit(Kind.CLOCK, time_ns=100)
    assert (exchange.status().phase, exchange.status().until_ns) == (Phase.VOLATILITY_AUCTION, 130)
    exchange.submit(Kind.CLOCK, time_ns=130)
    assert exchange.status().phase == Phase.CONTINUOUS


def test_faulty_news_is_rejected_with_a_reason():
    exchange = Exchange(US)
    exchange.submit(Kind.INDEX, symbol=-1, price_tick=93_000)
    exchange.submit(Kind.INDEX, symbol=0, price_tick=93_000)
    exchange.submit(Kind.INDEX, symbol=-1, price_tick=0)
    exchange.submit(Kind.PREVIOUS_CLOSE, symbol=-1, price_tick=2**40 + 1)
    exchange.submit(Kind.PREVIOUS_CLOSE, symbol=0, price_tick=-5)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, expire_ns=10, time_ns=10)
    reasons = [Reason.NO_PREVIOUS_CLOSE, Reason.UNKNOWN_SYMBOL, *[Reason.BAD_PRICE] * 3, Reason.BAD_EXPIRY]
    assert exchange.take().events["reason"].tolist() == reasons


def test_levels_must_ascend():
    with pytest.raises(ConfigError, match="ascend"):
        CircuitBreakers((BreakerLevel(130_000, 1), BreakerLevel(70_000, 1)))
