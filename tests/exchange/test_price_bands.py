"""Limit up, limit down, worked out by hand from the US plan: prices in ticks of $0.0001, times from an opening at 09:30 New York time."""

from __future__ import annotations

import datetime as dt

import pytest

from marketsim.errors import ConfigError
from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side
from marketsim.session_rules import BandWidth, PriceBands
from marketsim.timetable import Timetable
from marketsim.venue_rules import VenueRules

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = Timetable.us_equities([dt.date(2026, 3, 6)])
OPENS = next(time for time, phase in DAY.phases if phase == Phase.CONTINUOUS)
CLOSES = DAY.phases[-1][0]
FIVE_PERCENT = PriceBands((BandWidth(0, 50_000),))


def bands_of(exchange: Exchange, symbol: int = 0) -> tuple[int | None, int | None]:
    status = exchange.status(symbol=symbol)
    return status.lower_tick, status.upper_tick


def told(exchange: Exchange, *kinds: EventKind) -> list[tuple[int, EventKind, Reason, int, int]]:
    """Events since the last look as (order, kind, reason, price, quantity), of some kinds only."""
    rows = exchange.take().events
    return [
        (int(e["order_id"]), EventKind(e["kind"]), Reason(e["reason"]), int(e["price_tick"]), int(e["qty_lot"]))
        for e in rows
        if e["kind"] in kinds
    ]


def trade(exchange: Exchange, price: int, time_ns: int, ids: int) -> None:
    exchange.submit(Kind.LIMIT, ids, SELL, 1, price, time_ns=time_ns)
    exchange.submit(Kind.LIMIT, ids + 1, BUY, 1, price, time_ns=time_ns)


def on(symbol_is_second_tier: bool, close: int, time_ns: int) -> Exchange:
    """An exchange that opens without an auction trade at a previous close, its clock at a time."""
    bands = PriceBands.us_equities((0,) if symbol_is_second_tier else ())
    exchange = Exchange(VenueRules.nasdaq(timetable=DAY, price_bands=bands, indication_period_ns=0))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=close)
    exchange.submit(Kind.CLOCK, time_ns=time_ns)
    return exchange


@pytest.mark.parametrize(
    ("second_tier", "close", "lower", "upper"),
    [
        (False, 100_000, 95_000, 105_000),  # $10: 5 %
        (True, 100_000, 90_000, 110_000),  # tier 2: 10 %
        (False, 30_000, 24_000, 36_000),  # $3 itself is not above $3: 20 %
        (False, 30_100, 28_600, 31_600),  # $3.01: $2.8595 and $3.1605, to the nearest cent, the half upwards
        (True, 20_000, 16_000, 24_000),  # $2: 20 % in either tier
        (False, 7_500, 6_000, 9_000),  # $0.75: 20 %
        (False, 5_000, 3_500, 6_500),  # $0.50: $0.15 is less than 75 %
        (False, 1_000, 250, 1_750),  # $0.10: 75 % is less than $0.15
    ],
)
def test_bands_of_the_us_plan_in_the_middle_of_the_day(second_tier, close, lower, upper):
    assert bands_of(on(second_tier, close, OPENS + 60 * MINUTE)) == (lower, upper)


@pytest.mark.parametrize(
    ("second_tier", "close", "time_ns", "lower", "upper"),
    [
        (False, 100_000, OPENS, 90_000, 110_000),
        (False, 100_000, OPENS + 15 * MINUTE - 1, 90_000, 110_000),
        (False, 100_000, OPENS + 15 * MINUTE, 95_000, 105_000),
        (True, 100_000, OPENS, 80_000, 120_000),
        (False, 100_000, CLOSES - 25 * MINUTE - 1, 95_000, 105_000),
        (False, 100_000, CLOSES - 25 * MINUTE, 90_000, 110_000),
        (True, 100_000, CLOSES - 25 * MINUTE, 90_000, 110_000),  # tier 2 above $3 is not doubled at the close
        (True, 20_000, CLOSES - 25 * MINUTE, 12_000, 28_000),  # at $2 it is
        (False, 5_000, OPENS, 2_000, 8_000),  # $0.50: twice $0.15
        (False, 1_000, OPENS, 1, 2_500),  # $0.10: 150 %, and no price below the lowest
    ],
)
def test_bands_are_doubled_at_the_open_and_at_the_close(second_tier, close, time_ns, lower, upper):
    assert bands_of(on(second_tier, close, time_ns)) == (lower, upper)


def test_tiers_are_by_symbol():
    rules = VenueRules.plain(lowest_tick=1, price_bands=PriceBands((BandWidth(0, 50_000),), (BandWidth(0, 100_000),), (1,)))
    exchange = Exchange(rules, symbols=2)
    for symbol in (0, 1):
        exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000, symbol=symbol)
    assert [bands_of(exchange, 0), bands_of(exchange, 1)] == [(950, 1050), (900, 1100)]


def test_width_is_decided_by_the_previous_close_and_not_by_the_reference():
    exchange = on(False, 30_000, OPENS + 60 * MINUTE)
    for step, price in enumerate((30_200, 30_400, 30_600, 30_800)):
        trade(exchange, price, OPENS + (60 + 6 * step) * MINUTE, 10 * step)
    assert exchange.status().reference_tick == 30_800
    assert bands_of(exchange) == (24_600, 37_000)  # still 20 %: $2.464 and $3.696 to the nearest cent


def test_reference_moves_by_one_per_cent_of_the_mean_after_thirty_seconds():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=FIVE_PERCENT))
    trade(exchange, 1000, 0, 1)  # the first trade is the reference
    trade(exchange, 1020, 10 * SECOND, 3)  # mean 1010: far enough, but too early
    exchange.submit(Kind.CLOCK, time_ns=30 * SECOND - 1)
    assert exchange.status().reference_tick == 1000
    exchange.submit(Kind.CLOCK, time_ns=30 * SECOND)
    assert exchange.status().reference_tick == 1010
    trade(exchange, 1022, 70 * SECOND, 5)  # mean of three: 1014, not one per cent from 1010
    assert exchange.status().reference_tick == 1010
    # Five minutes after the first trade it no longer counts: the mean of 1020 and 1022 is 1021, more than one per cent away.
    exchange.submit(Kind.CLOCK, time_ns=300 * SECOND - 1)
    assert exchange.status().reference_tick == 1010
    exchange.submit(Kind.CLOCK, time_ns=300 * SECOND)
    assert exchange.status().reference_tick == 1021
    assert bands_of(exchange) == (970, 1072)  # 51.05 is 51 ticks
    # Without trades the last reference stays.
    exchange.submit(Kind.CLOCK, time_ns=3600 * SECOND)
    assert exchange.status().reference_tick == 1021


def test_a_move_of_less_than_one_per_cent_publishes_nothing():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=FIVE_PERCENT))
    trade(exchange, 10_000, 0, 1)
    trade(exchange, 10_199, 40 * SECOND, 3)  # mean 10099.5, rounded up to 10100: one per cent
    assert exchange.status().reference_tick == 10_100
    again = Exchange(VenueRules.plain(lowest_tick=1, price_bands=FIVE_PERCENT))
    trade(again, 10_000, 0, 1)
    trade(again, 10_198, 40 * SECOND, 3)  # mean 10099
    assert again.status().reference_tick == 10_000


def in_limit_state(**changes: object) -> Exchange:
    bands = PriceBands((BandWidth(0, 50_000),), **changes)  # type: ignore[arg-type]
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=bands))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    exchange.submit(Kind.LIMIT, 1, SELL, 5, 950, time_ns=SECOND)
    return exchange


def test_fifteen_seconds_at_the_band_pause_trading_for_five_minutes_and_an_auction_reopens():
    exchange = in_limit_state()
    assert exchange.status().in_limit_state
    exchange.submit(Kind.CLOCK, time_ns=16 * SECOND - 1)
    assert exchange.status().phase == Phase.CONTINUOUS
    exchange.submit(Kind.CLOCK, time_ns=16 * SECOND)
    assert (exchange.status().phase, exchange.status().until_ns) == (Phase.VOLATILITY_AUCTION, 316 * SECOND)
    assert bands_of(exchange) == (None, None)
    exchange.submit(Kind.LIMIT, 2, SELL, 5, 900, time_ns=20 * SECOND)
    exchange.submit(Kind.LIMIT, 3, BUY, 5, 920, time_ns=20 * SECOND)
    exchange.submit(Kind.CLOCK, time_ns=316 * SECOND)
    # From 900 to 920 five trade; the nearest of them to the reference... there was no trade yet, so the lowest without a surplus.
    trades = exchange.take().trades
    assert trades[["maker_id", "taker_id", "price_tick", "time_ns"]].tolist() == [(2, 3, 900, 316 * SECOND)]
    assert exchange.status().phase == Phase.CONTINUOUS
    assert bands_of(exchange) == (855, 945)


def test_the_limit_state_ends_when_the_quote_leaves_the_band():
    exchange = in_limit_state()
    exchange.submit(Kind.LIMIT, 2, BUY, 5, 950, time_ns=10 * SECOND)
    assert not exchange.status().in_limit_state
    exchange.submit(Kind.LIMIT, 3, SELL, 5, 950, time_ns=12 * SECOND)
    exchange.submit(Kind.CLOCK, time_ns=27 * SECOND - 1)
    assert exchange.status().phase == Phase.CONTINUOUS
    exchange.submit(Kind.CLOCK, time_ns=27 * SECOND)
    assert exchange.status().phase == Phase.VOLATILITY_AUCTION


def test_a_hidden_order_at_the_band_is_no_limit_state():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=FIVE_PERCENT))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    exchange.submit(Kind.LIMIT, 1, SELL, 5, 950, flags=Flag.HIDDEN)
    assert not exchange.status().in_limit_state


def test_the_reference_rests_while_the_book_is_in_a_limit_state():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=PriceBands((BandWidth(0, 50_000),), limit_state_ns=600 * SECOND)))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    trade(exchange, 960, SECOND, 1)
    exchange.submit(Kind.LIMIT, 3, SELL, 5, 950, time_ns=2 * SECOND)
    exchange.submit(Kind.CLOCK, time_ns=60 * SECOND)
    assert exchange.status().reference_tick == 1000
    exchange.submit(Kind.CANCEL, 3, time_ns=61 * SECOND)
    assert exchange.status().reference_tick == 960


def test_orders_that_a_new_band_leaves_outside_move_to_it_and_lose_their_place():
    exchange = on(False, 100_000, OPENS)
    exchange.submit(Kind.LIMIT, 1, BUY, 5, 106_000)
    exchange.submit(Kind.LIMIT, 2, BUY, 5, 105_000)
    exchange.submit(Kind.LIMIT, 3, BUY, 5, 107_000)
    exchange.take()
    exchange.submit(Kind.CLOCK, time_ns=OPENS + 15 * MINUTE)
    repriced = (EventKind.REPRICED, Reason.OUTSIDE_BAND, 105_000, 5)
    assert told(exchange, EventKind.REPRICED) == [(3, *repriced), (1, *repriced)]
    exchange.submit(Kind.LIMIT, 4, SELL, 12, 105_000)
    assert exchange.take().trades[["maker_id", "qty_lot"]].tolist() == [(2, 5), (3, 5), (1, 2)]


def test_a_venue_that_refuses_orders_outside_the_band_rejects_and_cancels_them():
    bands = PriceBands((BandWidth(0, 50_000),), outside="reject", window_ns=SECOND, hold_ns=0)
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=bands))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    exchange.submit(Kind.LIMIT, 1, BUY, 5, 1051)
    exchange.submit(Kind.LIMIT, 2, BUY, 5, 1000)
    exchange.submit(Kind.LIMIT, 3, SELL, 1, 951)
    exchange.submit(Kind.REPLACE, 2, qty_lot=4, price_tick=1051)
    exchange.submit(Kind.STOP_LIMIT, 4, SELL, 1, 940, stop_tick=1000)
    assert told(exchange, EventKind.REJECTED, EventKind.CANCELLED) == [
        (1, EventKind.REJECTED, Reason.OUTSIDE_BAND, 1051, 5),
        (2, EventKind.REJECTED, Reason.OUTSIDE_BAND, 1051, 4),
        (4, EventKind.CANCELLED, Reason.OUTSIDE_BAND, 940, 1),
    ]
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=900)
    exchange.submit(Kind.PHASE, qty_lot=Phase.CLOSED)
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=900)
    exchange.submit(Kind.PHASE, qty_lot=Phase.CONTINUOUS)  # 855 to 945
    assert told(exchange, EventKind.CANCELLED) == [(2, EventKind.CANCELLED, Reason.OUTSIDE_BAND, 1000, 4)]


def test_fill_or_kill_counts_only_what_stands_inside_the_band():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, price_bands=FIVE_PERCENT))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    exchange.submit(Kind.LIMIT, 1, SELL, 5, 1050)
    exchange.submit(Kind.LIMIT, 2, SELL, 5, 1051)
    exchange.take()
    exchange.submit(Kind.LIMIT, 3, BUY, 6, 1060, tif=4)
    exchange.submit(Kind.MARKET, 4, BUY, 6, tif=4)
    assert [row[2] for row in told(exchange, EventKind.REJECTED)] == [Reason.FILL_OR_KILL] * 2


def test_bands_need_positive_prices_and_sensible_numbers():
    with pytest.raises(ConfigError, match="lowest_tick of at least 1"):
        VenueRules.plain(price_bands=FIVE_PERCENT)
    with pytest.raises(ConfigError, match="ascend by from_tick"):
        PriceBands((BandWidth(10, 1), BandWidth(0, 1)))
    with pytest.raises(ConfigError, match="wider than 0"):
        PriceBands((BandWidth(0, 0),))
    with pytest.raises(ConfigError, match="one of reprice, reject"):
        PriceBands((BandWidth(0, 1),), outside="drop")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="each tier that has symbols"):
        PriceBands((BandWidth(0, 1),), second_tier_symbols=(1,))
