"""Each defect listed for other engines, as a market small enough to follow by hand."""

from __future__ import annotations

import pytest

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Reason, Side, Tif
from marketsim.venue_rules import VenueRules

BUY, SELL = Side.BUY, Side.SELL


def fills(exchange: Exchange) -> list[tuple[int, int, int, int]]:
    """Trades since the last look as (maker, taker, price, quantity)."""
    return [tuple(int(t[name]) for name in ("maker_id", "taker_id", "price_tick", "qty_lot")) for t in exchange.take().trades]


def events(exchange: Exchange) -> list[tuple[int, EventKind, Reason]]:
    return [(int(e["order_id"]), EventKind(e["kind"]), Reason(e["reason"])) for e in exchange.take().events]


def limit(exchange: Exchange, order_id: int, side: Side, qty: int, price: int, **rest: int) -> None:
    exchange.submit(Kind.LIMIT, order_id, side, qty, price, **rest)


def test_a_far_stop_does_not_block_a_nearer_one():
    exchange = Exchange()
    exchange.submit(Kind.STOP, 1, BUY, 1, stop_tick=200)
    exchange.submit(Kind.STOP, 2, BUY, 1, stop_tick=105)
    for order_id, price in ((3, 105), (4, 106), (5, 107)):
        limit(exchange, order_id, SELL, 1, price)
    limit(exchange, 6, BUY, 1, 105)
    assert fills(exchange) == [(3, 6, 105, 1), (4, 2, 106, 1)]


def test_fill_or_kill_prints_at_the_makers_prices():
    exchange = Exchange()
    limit(exchange, 1, SELL, 5, 100)
    limit(exchange, 2, SELL, 5, 101)
    limit(exchange, 3, BUY, 10, 110, tif=Tif.FOK)
    assert fills(exchange) == [(1, 3, 100, 5), (2, 3, 101, 5)]


def test_an_iceberg_refills_behind_the_others_and_one_taker_takes_several_slices():
    exchange = Exchange()
    limit(exchange, 1, SELL, 30, 100, display_lot=10)
    limit(exchange, 2, SELL, 10, 100)
    exchange.submit(Kind.MARKET, 3, BUY, 35)
    assert fills(exchange) == [(1, 3, 100, 10), (2, 3, 100, 10), (1, 3, 100, 10), (1, 3, 100, 5)]
    assert exchange.depth()["ask_lot"].tolist() == [5]


@pytest.mark.parametrize("mode", ["cancel_newest", "cancel_both", "decrement"])
def test_fill_or_kill_counts_only_what_self_trade_prevention_lets_it_have(mode):
    exchange = Exchange(VenueRules.plain(self_trade=mode))
    limit(exchange, 1, SELL, 5, 100, owner_id=1)
    limit(exchange, 2, SELL, 10, 101, owner_id=2)
    exchange.take()
    limit(exchange, 3, BUY, 10, 101, owner_id=1, tif=Tif.FOK)
    assert events(exchange) == [(3, EventKind.REJECTED, Reason.FILL_OR_KILL)]
    assert exchange.depth()[["ask_tick", "ask_lot"]].tolist() == [(100, 5)]


def test_fill_or_kill_on_a_venue_that_cancels_the_older_passes_over_it():
    exchange = Exchange(VenueRules.plain(self_trade="cancel_oldest"))
    limit(exchange, 1, SELL, 5, 100, owner_id=1)
    limit(exchange, 2, SELL, 10, 101, owner_id=2)
    limit(exchange, 3, BUY, 10, 101, owner_id=1, tif=Tif.FOK)
    assert fills(exchange) == [(2, 3, 101, 10)]


def test_fill_or_kill_respects_the_lot_size():
    exchange = Exchange(VenueRules.plain(lot=10))
    limit(exchange, 1, SELL, 20, 100)
    exchange.take()
    limit(exchange, 2, BUY, 15, 100, tif=Tif.FOK)
    assert events(exchange) == [(2, EventKind.REJECTED, Reason.OFF_LOT)]


def test_fill_or_kill_that_cannot_fill_leaves_nothing_but_its_rejection():
    exchange = Exchange()
    limit(exchange, 1, SELL, 5, 100)
    exchange.take()
    limit(exchange, 2, BUY, 6, 100, tif=Tif.FOK)
    assert events(exchange) == [(2, EventKind.REJECTED, Reason.FILL_OR_KILL)]


def test_a_second_cancel_does_not_touch_a_neighbour():
    exchange = Exchange()
    for order_id in (1, 2, 3):
        limit(exchange, order_id, SELL, 1, 100)
    exchange.submit(Kind.CANCEL, 2)
    exchange.take()
    exchange.submit(Kind.CANCEL, 2)
    assert events(exchange) == [(2, EventKind.REJECTED, Reason.UNKNOWN_ORDER)]
    exchange.submit(Kind.MARKET, 4, BUY, 5)
    assert fills(exchange) == [(1, 4, 100, 1), (3, 4, 100, 1)]


def test_a_stop_can_be_cancelled():
    exchange = Exchange()
    exchange.submit(Kind.STOP, 1, BUY, 1, stop_tick=100)
    exchange.submit(Kind.CANCEL, 1)
    limit(exchange, 2, SELL, 5, 100)
    limit(exchange, 3, BUY, 1, 100)
    assert fills(exchange) == [(2, 3, 100, 1)]


def test_the_rest_of_an_immediate_or_cancel_order_does_not_wait():
    exchange = Exchange()
    limit(exchange, 1, SELL, 3, 100)
    exchange.take()
    limit(exchange, 2, BUY, 5, 100, tif=Tif.IOC)
    assert events(exchange)[-1] == (2, EventKind.CANCELLED, Reason.IMMEDIATE_OR_CANCEL)
    assert exchange.depth()["bid_lot"].tolist() == [0]


def test_a_cancel_leaves_everyone_elses_place_alone():
    exchange = Exchange()
    for order_id in (1, 2, 3):
        limit(exchange, order_id, BUY, 1, 100)
    exchange.submit(Kind.CANCEL, 2)
    limit(exchange, 4, BUY, 1, 100)
    exchange.submit(Kind.MARKET, 5, SELL, 3)
    assert [maker for maker, *_ in fills(exchange)] == [1, 3, 4]


def test_the_same_liquidity_is_not_filled_twice():
    exchange = Exchange()
    limit(exchange, 1, SELL, 10, 100)
    exchange.submit(Kind.MARKET, 2, BUY, 8)
    exchange.submit(Kind.MARKET, 3, BUY, 8)
    assert fills(exchange) == [(1, 2, 100, 8), (1, 3, 100, 2)]


def test_a_stop_trades_against_the_book_that_its_trigger_left():
    exchange = Exchange()
    limit(exchange, 1, SELL, 5, 100)
    limit(exchange, 2, SELL, 5, 103)
    exchange.submit(Kind.STOP, 3, BUY, 2, stop_tick=100)
    limit(exchange, 4, BUY, 5, 100)
    assert fills(exchange) == [(1, 4, 100, 5), (2, 3, 103, 2)]


def test_prices_do_not_depend_on_the_symbols_number():
    tapes = []
    for symbol in (0, 2):
        exchange = Exchange(symbols=3)
        limit(exchange, 1, SELL, 5, 100, symbol=symbol)
        exchange.submit(Kind.MARKET, 2, BUY, 3, symbol=symbol)
        tapes.append(fills(exchange))
    assert tapes[0] == tapes[1] == [(1, 2, 100, 3)]


def test_a_trailing_stop_follows_more_than_once():
    exchange = Exchange()
    limit(exchange, 1, SELL, 1, 100)
    limit(exchange, 2, BUY, 1, 100)
    exchange.submit(Kind.TRAILING_STOP, 3, SELL, 1, stop_tick=5)
    exchange.take()
    for k, price in enumerate((103, 106, 104, 109)):
        limit(exchange, 10 + 2 * k, SELL, 1, price)
        limit(exchange, 11 + 2 * k, BUY, 1, price)
    moves = [int(e["price_tick"]) for e in exchange.take().events if e["kind"] == EventKind.REPRICED]
    assert moves == [98, 101, 104]
    limit(exchange, 30, BUY, 9, 103)
    limit(exchange, 31, BUY, 1, 104)
    limit(exchange, 32, SELL, 1, 104)
    assert fills(exchange) == [(31, 32, 104, 1), (30, 3, 103, 1)]


def test_any_number_of_symbols_works_and_times_are_the_messages_own():
    exchange = Exchange(symbols=50)
    limit(exchange, 1, SELL, 1, 100, symbol=49, time_ns=7)
    limit(exchange, 2, BUY, 1, 100, symbol=49, time_ns=9)
    tape = exchange.take()
    assert tape.trades[["symbol", "time_ns"]].tolist() == [(49, 9)]
    assert tape.events["time_ns"].tolist() == [7, 9]


def test_a_stop_triggers_once():
    exchange = Exchange()
    limit(exchange, 1, SELL, 10, 100)
    exchange.submit(Kind.STOP, 2, BUY, 1, stop_tick=100)
    for order_id in (3, 4, 5):
        limit(exchange, order_id, BUY, 1, 100)
    triggered = [int(e["order_id"]) for e in exchange.take().events if e["kind"] == EventKind.TRIGGERED]
    assert triggered == [2]


def test_post_only_slides_one_tick_when_it_locks_and_executes_when_it_crosses():
    exchange = Exchange(VenueRules.plain(post_only="slide"))
    limit(exchange, 1, SELL, 5, 100)
    limit(exchange, 2, BUY, 5, 100, flags=Flag.POST_ONLY)
    assert exchange.depth()["bid_tick"].tolist() == [99]
    limit(exchange, 3, BUY, 2, 101, flags=Flag.POST_ONLY)
    assert fills(exchange) == [(1, 3, 100, 2)]


def test_memory_does_not_grow_with_the_number_of_messages():
    exchange = Exchange()
    for k in range(3000):
        limit(exchange, 10**12 + k, BUY, 1, 100 + k % 7)
        exchange.submit(Kind.CANCEL, 10**12 + k)
        if k % 100 == 99:
            exchange.take()
    first = len(exchange.snapshot())
    for k in range(3000, 9000):
        limit(exchange, 10**12 + k, BUY, 1, 100 + k % 7)
        exchange.submit(Kind.CANCEL, 10**12 + k)
        if k % 100 == 99:
            exchange.take()
    assert len(exchange.snapshot()) == first
