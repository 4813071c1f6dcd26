"""The best bid and offer over all venues: hand-made books, and every state of random ones recomputed from the orders."""

from __future__ import annotations

import numpy as np
import pytest
from flows_of_messages import MARKETS, as_dicts, random_messages
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_exchange import SlowExchange
from slow_venues import consolidated

from marketsim.errors import ConfigError, DataError
from marketsim.exchange import ConsolidatedQuote, Exchange, process
from marketsim.records import MESSAGE, EventKind, Flag, Kind, Phase, QuoteState, Side
from marketsim.venue_rules import Fees, VenueRules


def three_venues(*rules: VenueRules, symbols: int = 1) -> Exchange:
    return Exchange(rules or [VenueRules.plain()] * 3, symbols=symbols)


def quoted(exchange: Exchange, order_id: int, side: Side, lots: int, price: int, venue: int, flags: int = 0) -> None:
    exchange.submit(Kind.LIMIT, order_id, side, lots, price, venue=venue, flags=flags)


def test_the_best_price_its_lots_and_the_venues_that_stand_there():
    exchange = three_venues()
    for order_id, (side, lots, price, venue) in enumerate(
        [(Side.BUY, 3, 99, 0), (Side.BUY, 4, 100, 1), (Side.BUY, 5, 100, 2), (Side.SELL, 6, 102, 0), (Side.SELL, 7, 103, 1)]
    ):
        quoted(exchange, order_id, side, lots, price, venue)
    assert exchange.consolidated() == ConsolidatedQuote(100, 9, 102, 6, 0b110, 0b001, QuoteState.NORMAL)


def test_a_missing_side_has_no_price_and_leaves_the_quote_normal():
    exchange = three_venues()
    assert exchange.consolidated() == ConsolidatedQuote(None, 0, None, 0, 0, 0, QuoteState.NORMAL)
    quoted(exchange, 1, Side.SELL, 2, -5, 1)
    assert exchange.consolidated() == ConsolidatedQuote(None, 0, -5, 2, 0, 0b010, QuoteState.NORMAL)


def test_venues_may_lock_and_cross_each_other():
    exchange = three_venues()
    quoted(exchange, 1, Side.SELL, 2, 100, 0)
    quoted(exchange, 2, Side.BUY, 3, 100, 1)
    assert exchange.consolidated() == ConsolidatedQuote(100, 3, 100, 2, 0b010, 0b001, QuoteState.LOCKED)
    quoted(exchange, 3, Side.BUY, 1, 101, 2)
    assert exchange.consolidated() == ConsolidatedQuote(101, 1, 100, 2, 0b100, 0b001, QuoteState.CROSSED)


def test_hidden_lots_and_venues_out_of_continuous_trading_quote_nothing():
    exchange = three_venues()
    quoted(exchange, 1, Side.BUY, 3, 105, 0, Flag.HIDDEN)
    quoted(exchange, 2, Side.BUY, 3, 104, 1)
    quoted(exchange, 3, Side.BUY, 3, 103, 2)
    assert exchange.consolidated().bid_tick == 104
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, venue=1)
    assert exchange.consolidated().bid_tick == 103
    exchange.submit(Kind.PHASE, qty_lot=Phase.CONTINUOUS, venue=1)
    assert exchange.consolidated().bid_tick == 104


def test_a_quote_stands_at_the_price_down_to_which_a_round_lot_is_displayed():
    exchange = three_venues(*[VenueRules.plain(round_lot=100)] * 2)
    quoted(exchange, 1, Side.BUY, 60, 103, 0)
    assert exchange.consolidated().bid_tick is None
    quoted(exchange, 2, Side.BUY, 50, 101, 0)
    assert exchange.consolidated() == ConsolidatedQuote(101, 110, None, 0, 0b01, 0, QuoteState.NORMAL)
    quoted(exchange, 3, Side.BUY, 100, 102, 1)
    assert exchange.consolidated() == ConsolidatedQuote(102, 100, None, 0, 0b10, 0, QuoteState.NORMAL)


def test_each_symbol_has_its_own_and_an_unknown_one_is_an_error():
    exchange = three_venues(symbols=2)
    exchange.submit(Kind.LIMIT, 1, Side.BUY, 1, 100, symbol=1, venue=2)
    assert exchange.consolidated(symbol=0).bid_lot == 0
    assert exchange.consolidated(symbol=1).bid_venues == 0b100
    with pytest.raises(DataError, match="no symbol 2"):
        exchange.consolidated(symbol=2)


def test_captured_after_every_message_of_the_symbol_it_concerns():
    messages = np.zeros(4, MESSAGE)
    messages["kind"] = [Kind.LIMIT, Kind.LIMIT, Kind.CANCEL, Kind.LIMIT]
    messages["order_id"] = [1, 2, 1, 3]
    messages["symbol"] = [1, 1, 0, 9]  # a cancel names no symbol: the order's own counts
    messages["venue"] = [0, 1, 0, 0]
    messages["side"], messages["qty_lot"], messages["price_tick"] = Side.BUY, 5, [100, 99, 0, 100]
    tape = process(messages, [VenueRules.plain()] * 2, symbols=2, consolidated=True)
    assert tape.consolidated["bid_tick"].tolist() == [100, 100, 99, 0]
    assert tape.consolidated["bid_venues"].tolist() == [1, 1, 2, 0]
    assert process(messages, symbols=2).consolidated is None


@pytest.mark.parametrize("market", MARKETS)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), phases=st.booleans())
def test_the_captured_quote_is_the_one_recomputed_from_all_orders_after_every_message(market, seed, phases):
    messages = random_messages(np.random.default_rng(seed), 150, ids=100, faulty=0, width=4, phases=phases, venues=len(market))
    messages = messages[messages["kind"] != Kind.CLOCK]
    mine = Exchange(market, symbols=2).send(messages, consolidated=True).consolidated
    twin = SlowExchange(market, symbols=2)
    for row, message in zip(mine, as_dicts(messages), strict=True):
        book = twin.alive[message["order_id"]][1] if message["order_id"] in twin.alive else None
        twin.send(message)
        rejected = any(e["seq"] == twin.seq and e["kind"] == EventKind.REJECTED for e in twin.events[-1:])
        by_id = message["kind"] in (Kind.CANCEL, Kind.REPLACE, Kind.REDUCE) and not rejected
        symbol = book.symbol if by_id and book is not None else message["symbol"]
        assert row.item() == consolidated([b for b in twin.books if b.symbol == symbol])


def test_venues_that_are_compared_must_count_alike():
    cents = VenueRules.plain(trade_through="cancel")
    with pytest.raises(ConfigError, match="same tick_size and lot_size"):
        Exchange([cents, VenueRules.nasdaq()])
    Exchange([VenueRules.plain(), VenueRules.plain(fees=Fees(tick_size=0.25))])  # nobody compares


def test_there_is_a_bit_for_each_venue():
    Exchange([VenueRules.plain()] * 63)
    with pytest.raises(ConfigError, match="1 to 63 venues"):
        Exchange([VenueRules.plain()] * 64)
