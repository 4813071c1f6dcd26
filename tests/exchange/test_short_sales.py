"""Rule 201 by hand: a fall of ten per cent bars short sales at or below the best bid for the rest of the session and the next."""

from __future__ import annotations

import pytest

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side
from marketsim.session_rules import ShortSales
from marketsim.venue_rules import TickBand, VenueRules

BUY, SELL, SHORT = Side.BUY, Side.SELL, Flag.SHORT


def told(exchange: Exchange) -> list[tuple[int, EventKind, Reason]]:
    return [(int(e["order_id"]), EventKind(e["kind"]), Reason(e["reason"])) for e in exchange.take().events]


def trade(exchange: Exchange, price: int, ids: int = 900) -> None:
    exchange.submit(Kind.LIMIT, ids, SELL, 1, price)
    exchange.submit(Kind.LIMIT, ids + 1, BUY, 1, price)


def restricted(at_bid: str = "reprice", **rules: object) -> Exchange:
    """A book that has fallen from 1000 to 900, with a bid of five at 890."""
    exchange = Exchange(VenueRules.plain(lowest_tick=1, short_sales=ShortSales(at_bid=at_bid), **rules))  # type: ignore[arg-type]
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    trade(exchange, 900)
    exchange.submit(Kind.LIMIT, 1, BUY, 5, 890)
    exchange.take()
    return exchange


def test_nine_point_nine_per_cent_is_not_enough_and_ten_is():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, short_sales=ShortSales()))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    trade(exchange, 901)
    assert not exchange.status().shorts_restricted
    trade(exchange, 900, 910)
    assert exchange.status().shorts_restricted


def test_without_a_previous_close_nothing_is_restricted():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, short_sales=ShortSales()))
    trade(exchange, 1000)
    trade(exchange, 1, 910)
    assert not exchange.status().shorts_restricted


def test_the_close_of_one_session_is_the_previous_close_of_the_next():
    exchange = Exchange(VenueRules.plain(lowest_tick=1, short_sales=ShortSales()))
    trade(exchange, 1000)
    trade(exchange, 950, 910)
    for phase in (Phase.CLOSED, Phase.CONTINUOUS):
        exchange.submit(Kind.PHASE, qty_lot=phase)
    assert exchange.status().previous_close_tick == 950
    trade(exchange, 856, 920)  # 9.9 per cent
    assert not exchange.status().shorts_restricted
    trade(exchange, 855, 930)
    assert exchange.status().shorts_restricted


def test_restriction_lasts_this_session_and_the_next_and_a_new_fall_begins_it_again():
    exchange = restricted()

    def next_session() -> bool:
        for phase in (Phase.CLOSED, Phase.CONTINUOUS):
            exchange.submit(Kind.PHASE, qty_lot=phase)
        return exchange.status().shorts_restricted

    assert next_session()
    assert not next_session()
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=900)
    exchange.submit(Kind.CANCEL, 1)
    trade(exchange, 810, 910)
    assert exchange.status().shorts_restricted
    assert next_session()
    trade(exchange, 729, 920)  # ten per cent below 810
    assert next_session()
    assert not next_session()


@pytest.mark.parametrize("price", [890, 880])
def test_a_short_sale_at_or_below_the_bid_is_moved_one_increment_above_it(price):
    exchange = restricted()
    exchange.submit(Kind.LIMIT, 2, SELL, 3, price, flags=SHORT)
    assert told(exchange) == [(2, EventKind.ACCEPTED, Reason.NONE), (2, EventKind.REPRICED, Reason.SHORT_SALE)]
    assert exchange.depth()[["bid_tick", "ask_tick"]].tolist() == [(890, 891)]


def test_the_increment_above_the_bid_is_the_venues():
    exchange = restricted(tick_bands=(TickBand(0, 0, 10),))
    exchange.submit(Kind.LIMIT, 2, SELL, 3, 890, flags=SHORT)
    assert exchange.depth()["ask_tick"].tolist() == [900]


def test_a_short_sale_above_the_bid_and_an_ordinary_sale_go_as_ever():
    exchange = restricted()
    exchange.submit(Kind.LIMIT, 2, SELL, 3, 891, flags=SHORT)
    exchange.submit(Kind.LIMIT, 3, SELL, 3, 890)
    assert exchange.take().trades[["maker_id", "taker_id", "price_tick"]].tolist() == [(1, 3, 890)]


def test_a_resting_short_sale_trades_when_a_buyer_comes_up_to_it():
    exchange = restricted()
    exchange.submit(Kind.LIMIT, 2, SELL, 3, 890, flags=SHORT)
    exchange.submit(Kind.MARKET, 3, BUY, 3)
    assert exchange.take().trades[["maker_id", "taker_id", "price_tick"]].tolist() == [(2, 3, 891)]


def test_a_short_sale_at_the_market_is_refused_and_a_stop_that_becomes_one_is_cancelled():
    exchange = restricted()
    exchange.submit(Kind.MARKET, 2, SELL, 1, flags=SHORT)
    exchange.submit(Kind.STOP, 3, SELL, 1, stop_tick=900, flags=SHORT)  # 900 has traded: triggers at once
    exchange.submit(Kind.STOP_LIMIT, 4, SELL, 1, 880, stop_tick=900, flags=SHORT)
    assert [row for row in told(exchange) if row[1] != EventKind.ACCEPTED] == [
        (2, EventKind.REJECTED, Reason.SHORT_SALE),
        (3, EventKind.TRIGGERED, Reason.NONE),
        (3, EventKind.CANCELLED, Reason.SHORT_SALE),
        (4, EventKind.TRIGGERED, Reason.NONE),
        (4, EventKind.REPRICED, Reason.SHORT_SALE),
    ]


def test_a_venue_that_refuses_leaves_the_order_out_and_a_replaced_one_as_it_was():
    exchange = restricted("reject")
    exchange.submit(Kind.LIMIT, 2, SELL, 3, 890, flags=SHORT)
    exchange.submit(Kind.LIMIT, 3, SELL, 3, 895, flags=SHORT)
    exchange.submit(Kind.REPLACE, 3, qty_lot=3, price_tick=890)
    assert told(exchange) == [
        (2, EventKind.REJECTED, Reason.SHORT_SALE),
        (3, EventKind.ACCEPTED, Reason.NONE),
        (3, EventKind.REJECTED, Reason.SHORT_SALE),
    ]
    assert exchange.depth()["ask_tick"].tolist() == [895]


def test_only_the_displayed_bid_counts():
    exchange = restricted()
    exchange.submit(Kind.LIMIT, 2, BUY, 5, 895, flags=Flag.HIDDEN)
    exchange.submit(Kind.LIMIT, 3, SELL, 5, 891, flags=SHORT)
    assert exchange.take().trades[["maker_id", "taker_id", "price_tick"]].tolist() == [(2, 3, 895)]


def test_only_sales_can_be_short_and_the_mark_is_allowed_on_every_kind():
    exchange = Exchange()
    exchange.submit(Kind.LIMIT, 1, BUY, 1, 100, flags=SHORT)
    assert told(exchange) == [(1, EventKind.REJECTED, Reason.BAD_FLAGS)]
    for order_id, kind in enumerate(
        (Kind.LIMIT, Kind.MARKET, Kind.STOP, Kind.TRAILING_STOP, Kind.PEG_MARKET, Kind.LIMIT_ON_CLOSE), start=2
    ):
        exchange.submit(kind, order_id, SELL, 1, 100, stop_tick=5, flags=SHORT)
    assert all(kind != EventKind.REJECTED for _, kind, _ in told(exchange))


def test_an_auction_takes_short_sales_as_others():
    exchange = restricted()
    exchange.submit(Kind.PHASE, qty_lot=Phase.VOLATILITY_AUCTION)
    exchange.submit(Kind.LIMIT, 2, SELL, 5, 880, flags=SHORT)
    exchange.submit(Kind.PHASE, qty_lot=Phase.CONTINUOUS)
    assert exchange.take().trades[["maker_id", "taker_id", "qty_lot"]].tolist() == [(2, 1, 5)]


def two_venues(first: VenueRules, second: VenueRules) -> Exchange:
    """The first venue's book has fallen from 1000 to 900 and bids 885; the second bids 890."""
    exchange = Exchange((first, second))
    exchange.submit(Kind.PREVIOUS_CLOSE, price_tick=1000)
    trade(exchange, 900)
    exchange.submit(Kind.LIMIT, 1, BUY, 5, 885)
    exchange.submit(Kind.LIMIT, 2, BUY, 5, 890, venue=1)
    return exchange


SHORT_RULED = VenueRules.plain(lowest_tick=1, short_sales=ShortSales())
REFUSING = VenueRules.plain(lowest_tick=1, short_sales=ShortSales(at_bid="reject"))


def test_the_bid_that_counts_is_the_best_of_all_venues():
    exchange = two_venues(SHORT_RULED, VenueRules.plain(lowest_tick=1))
    exchange.take()
    exchange.submit(Kind.LIMIT, 3, SELL, 1, 888, flags=SHORT)
    assert told(exchange) == [(3, EventKind.ACCEPTED, Reason.NONE), (3, EventKind.REPRICED, Reason.SHORT_SALE)]
    assert exchange.depth()["ask_tick"].tolist() == [891]
    exchange.submit(Kind.CANCEL, 2)
    exchange.submit(Kind.LIMIT, 4, SELL, 1, 888, flags=SHORT)
    assert told(exchange)[1:] == [(4, EventKind.ACCEPTED, Reason.NONE)]


def test_a_bid_of_less_than_a_round_lot_is_no_national_bid():
    exchange = two_venues(SHORT_RULED, VenueRules.plain(lowest_tick=1, round_lot=100))
    exchange.submit(Kind.LIMIT, 3, SELL, 1, 888, flags=SHORT)
    assert exchange.depth()["ask_tick"].tolist() == [888]


def test_a_fall_at_one_venue_restricts_short_sales_at_every_venue_with_the_rule():
    exchange = two_venues(SHORT_RULED, REFUSING)
    assert [bool(exchange.status(venue=venue).shorts_restricted) for venue in (0, 1)] == [True, True]
    begun = exchange.take().events
    begun = begun[begun["kind"] == EventKind.SHORT_SALES]
    assert begun[["venue", "price_tick", "qty_lot"]].tolist() == [(0, 900, 1), (1, 900, 1)]
    exchange.submit(Kind.LIMIT, 3, SELL, 1, 890, venue=1, flags=SHORT)
    assert told(exchange) == [(3, EventKind.REJECTED, Reason.SHORT_SALE)]


def test_a_peg_that_sells_short_stands_above_the_bid_of_all_venues():
    exchange = two_venues(SHORT_RULED, VenueRules.plain(lowest_tick=1))
    exchange.submit(Kind.PEG_MARKET, 3, SELL, 1, 1, flags=SHORT)  # its own venue bids 885
    exchange.submit(Kind.PEG_MARKET, 4, SELL, 1, 1)
    exchange.submit(Kind.MARKET, 5, BUY, 2)
    assert exchange.take().trades[["maker_id", "price_tick"]].tolist()[1:] == [(4, 886), (3, 891)]
