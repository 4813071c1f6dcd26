"""Protected quotes: no order trades at a worse price than is displayed elsewhere, nor locks or crosses what is displayed there.

Venue 0 protects, venue 1 has the better quote. The rules are 17 CFR 242.611 (trade-throughs) and 242.610(d) (locking and crossing).
"""

from __future__ import annotations

import numpy as np
import pytest
from flows_of_messages import random_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side, Tif
from marketsim.venue_rules import TickBand, VenueRules

REPRICE = VenueRules.plain(trade_through="reprice")
CANCEL = VenueRules.plain(trade_through="cancel")
PLAIN = VenueRules.plain()


def market(here: VenueRules, *elsewhere: VenueRules, asks: tuple[tuple[int, int], ...] = ((5, 100), (5, 103))) -> Exchange:
    """Venue 0 with sell orders 1, 2, …; venue 1 with an offer of 4 lots at 101, id 90."""
    exchange = Exchange([here, *(elsewhere or (PLAIN,))])
    for k, (lots, price) in enumerate(asks):
        exchange.submit(Kind.LIMIT, 1 + k, Side.SELL, lots, price)
    exchange.submit(Kind.LIMIT, 90, Side.SELL, 4, 101, venue=1)
    exchange.take()
    return exchange


def outcome(exchange: Exchange) -> tuple[list[tuple[int, int, int]], list[tuple[int, EventKind, Reason, int, int]]]:
    tape = exchange.take()
    trades = [(int(t["maker_id"]), int(t["qty_lot"]), int(t["price_tick"])) for t in tape.trades]
    events = [
        (int(e["order_id"]), EventKind(e["kind"]), Reason(e["reason"]), int(e["qty_lot"]), int(e["price_tick"]))
        for e in tape.events
        if e["kind"] != EventKind.ACCEPTED
    ]
    return trades, events


@pytest.mark.parametrize("rules", [REPRICE, CANCEL])
def test_a_market_order_trades_up_to_the_protected_price_and_the_rest_is_cancelled(rules):
    exchange = market(rules)
    exchange.submit(Kind.MARKET, 7, Side.BUY, 8)
    assert outcome(exchange) == ([(1, 5, 100)], [(7, EventKind.CANCELLED, Reason.TRADE_THROUGH, 3, 0)])


def test_a_trade_at_the_protected_price_itself_is_no_trade_through():
    exchange = market(REPRICE, asks=((5, 101), (5, 102)))
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 102, tif=Tif.IOC)
    assert outcome(exchange) == ([(1, 5, 101)], [(7, EventKind.CANCELLED, Reason.TRADE_THROUGH, 3, 102)])


def test_reprice_lets_the_rest_of_a_displayed_order_wait_one_tick_short_of_the_protected_quote():
    exchange = market(REPRICE)
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 104)
    assert outcome(exchange) == ([(1, 5, 100)], [(7, EventKind.REPRICED, Reason.TRADE_THROUGH, 3, 100)])
    assert exchange.depth(1)[0].item() == (100, 3, 103, 5)


def test_an_order_that_would_lock_the_protected_quote_is_moved_too():
    exchange = market(REPRICE, asks=())
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 101)
    assert outcome(exchange) == ([], [(7, EventKind.REPRICED, Reason.TRADE_THROUGH, 8, 100)])


def test_cancel_does_not_let_it_wait():
    exchange = market(CANCEL)
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 101)
    assert outcome(exchange) == ([(1, 5, 100)], [(7, EventKind.CANCELLED, Reason.TRADE_THROUGH, 3, 101)])


def test_a_hidden_order_may_lock_but_not_cross():
    exchange = market(REPRICE, asks=())
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 105, flags=Flag.HIDDEN)
    assert outcome(exchange) == ([], [(7, EventKind.REPRICED, Reason.TRADE_THROUGH, 8, 101)])
    exchange = market(CANCEL, asks=())
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 101, flags=Flag.HIDDEN)
    exchange.submit(Kind.LIMIT, 8, Side.BUY, 8, 102, flags=Flag.HIDDEN)
    assert outcome(exchange) == ([], [(8, EventKind.CANCELLED, Reason.TRADE_THROUGH, 8, 102)])


def test_a_sale_respects_the_protected_bid():
    exchange = Exchange([REPRICE, PLAIN])
    exchange.submit(Kind.LIMIT, 1, Side.BUY, 5, 98)
    exchange.submit(Kind.LIMIT, 90, Side.BUY, 4, 100, venue=1)
    exchange.take()
    exchange.submit(Kind.LIMIT, 7, Side.SELL, 8, 97)
    assert outcome(exchange) == ([], [(7, EventKind.REPRICED, Reason.TRADE_THROUGH, 8, 101)])


def test_a_sweep_trades_through_and_may_wait_where_it_crosses():
    exchange = market(CANCEL)
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 12, 104, flags=Flag.SWEEP)
    assert outcome(exchange) == ([(1, 5, 100), (2, 5, 103)], [])
    assert exchange.depth(1)[0].item() == (104, 2, 0, 0)


def test_a_sweep_is_a_limit_order():
    exchange = market(CANCEL)
    exchange.submit(Kind.MARKET, 7, Side.BUY, 12, flags=Flag.SWEEP)
    assert outcome(exchange)[1] == [(7, EventKind.REJECTED, Reason.BAD_FLAGS, 12, 0)]


def test_fill_or_kill_and_minimum_quantity_count_only_what_may_trade():
    exchange = market(REPRICE)
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 6, 104, tif=Tif.FOK)
    exchange.submit(Kind.LIMIT, 8, Side.BUY, 6, 104, tif=Tif.IOC, min_qty_lot=6)
    exchange.submit(Kind.LIMIT, 9, Side.BUY, 6, 104, tif=Tif.FOK, flags=Flag.SWEEP)
    trades, events = outcome(exchange)
    assert trades == [(1, 5, 100), (2, 1, 103)]
    assert events == [
        (7, EventKind.REJECTED, Reason.FILL_OR_KILL, 6, 104),
        (8, EventKind.CANCELLED, Reason.MINIMUM_QUANTITY, 6, 104),
    ]


def test_a_replacement_is_held_back_like_a_new_order_and_may_sweep_like_one():
    exchange = market(REPRICE, asks=((5, 103),))
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 2, 90)
    exchange.submit(Kind.REPLACE, 7, Side.BUY, 3, 104)
    assert outcome(exchange)[1][-1] == (7, EventKind.REPRICED, Reason.TRADE_THROUGH, 3, 100)
    exchange.submit(Kind.REPLACE, 7, Side.BUY, 3, 104, flags=Flag.SWEEP)
    assert outcome(exchange)[0] == [(1, 3, 103)]


def test_a_triggered_stop_is_held_back():
    exchange = market(REPRICE)
    exchange.submit(Kind.STOP, 7, Side.BUY, 9, stop_tick=100)
    exchange.submit(Kind.LIMIT, 8, Side.BUY, 1, 100)
    trades, events = outcome(exchange)
    assert trades == [(1, 1, 100), (1, 4, 100)]
    assert events[-1] == (7, EventKind.CANCELLED, Reason.TRADE_THROUGH, 5, 100)


def test_the_rest_of_a_market_order_with_protection_waits_clear_of_the_protected_quote():
    exchange = market(VenueRules.plain(trade_through="reprice", protection_ticks=5))
    exchange.submit(Kind.MARKET, 7, Side.BUY, 8)
    assert outcome(exchange)[1] == [
        (7, EventKind.REPRICED, Reason.NO_LIQUIDITY, 3, 105),
        (7, EventKind.REPRICED, Reason.TRADE_THROUGH, 3, 100),
    ]


def test_a_post_only_order_does_not_lock_another_venue_either():
    exchange = market(VenueRules.plain(trade_through="reprice", post_only="slide"), asks=())
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 101, flags=Flag.POST_ONLY)
    assert exchange.depth(1)["bid_tick"].tolist() == [100]


def test_the_new_price_lies_on_the_venues_grid_and_an_order_that_has_none_is_cancelled():
    exchange = market(VenueRules.plain(trade_through="reprice", lowest_tick=1, tick_bands=(TickBand(0, 0, 5),)), asks=())
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 105)
    assert outcome(exchange)[1] == [(7, EventKind.REPRICED, Reason.TRADE_THROUGH, 8, 100)]
    exchange = Exchange([VenueRules.plain(trade_through="reprice", lowest_tick=1), PLAIN])
    exchange.submit(Kind.LIMIT, 90, Side.SELL, 4, 1, venue=1)
    exchange.submit(Kind.LIMIT, 7, Side.BUY, 8, 2)
    assert outcome(exchange)[1] == [(7, EventKind.CANCELLED, Reason.TRADE_THROUGH, 8, 2)]


def test_only_protected_displayed_round_lot_quotes_of_trading_venues_count():
    for elsewhere in (VenueRules.plain(quote_protected=False), VenueRules.plain(round_lot=5)):
        exchange = market(REPRICE, elsewhere)
        exchange.submit(Kind.MARKET, 7, Side.BUY, 8)
        assert outcome(exchange)[0] == [(1, 5, 100), (2, 3, 103)]
    exchange = market(REPRICE)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, venue=1)
    exchange.submit(Kind.MARKET, 7, Side.BUY, 8)
    assert outcome(exchange)[0] == [(1, 5, 100), (2, 3, 103)]


def test_nothing_is_protected_while_protected_quotes_are_crossed():
    exchange = market(REPRICE)
    exchange.submit(Kind.LIMIT, 91, Side.BUY, 1, 102, venue=1, flags=Flag.SWEEP)  # takes order 90 and crosses venue 0
    assert exchange.consolidated().bid_tick is None
    exchange = market(REPRICE, PLAIN, PLAIN)
    exchange.submit(Kind.LIMIT, 91, Side.BUY, 1, 102, venue=2)
    exchange.take()
    exchange.submit(Kind.MARKET, 7, Side.BUY, 8)
    assert outcome(exchange)[0] == [(1, 5, 100), (2, 3, 103)]


def test_one_venue_has_nobody_to_protect():
    exchange = Exchange(REPRICE)
    exchange.submit(Kind.LIMIT, 1, Side.SELL, 5, 100)
    exchange.submit(Kind.MARKET, 2, Side.BUY, 9)
    assert outcome(exchange) == ([(1, 5, 100)], [(2, EventKind.CANCELLED, Reason.NO_LIQUIDITY, 4, 0)])


def test_a_peg_follows_the_best_of_all_venues_when_its_venue_says_so():
    follows, own = Exchange([VenueRules.plain(peg_reference="consolidated"), PLAIN]), Exchange([PLAIN, PLAIN])
    for exchange in (follows, own):
        exchange.submit(Kind.LIMIT, 1, Side.BUY, 5, 95)
        exchange.submit(Kind.PEG_PRIMARY, 2, Side.BUY, 5, 200)
        exchange.submit(Kind.LIMIT, 3, Side.BUY, 1, 98, venue=1)
        exchange.submit(Kind.MARKET, 4, Side.SELL, 1)
    assert outcome(follows)[0] == [(2, 1, 98)]
    assert outcome(own)[0] == [(1, 1, 95)]


def test_a_peg_moves_when_the_quote_of_another_venue_does_and_not_before():
    exchange = Exchange([VenueRules.plain(peg_reference="consolidated"), PLAIN])
    exchange.submit(Kind.LIMIT, 3, Side.BUY, 1, 98, venue=1)
    exchange.submit(Kind.LIMIT, 4, Side.SELL, 1, 104, venue=1)
    exchange.submit(Kind.PEG_MIDPOINT, 2, Side.BUY, 5, 200)
    exchange.take()
    exchange.submit(Kind.LIMIT, 5, Side.SELL, 1, 106, venue=1)
    exchange.submit(Kind.CANCEL, 4)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT, venue=1)
    assert [row for row in outcome(exchange)[1] if row[0] == 2] == [
        (2, EventKind.REPRICED, Reason.NONE, 5, 102),
        (2, EventKind.REPRICED, Reason.NONE, 0, 102),  # without a reference it waits outside the book
    ]


def test_a_peg_priced_from_its_own_venue_does_not_trade_through_either():
    exchange = Exchange([REPRICE, PLAIN])
    exchange.submit(Kind.LIMIT, 1, Side.SELL, 5, 103, flags=Flag.HIDDEN)
    exchange.submit(Kind.LIMIT, 2, Side.SELL, 5, 106)
    exchange.submit(Kind.LIMIT, 3, Side.SELL, 5, 101, venue=1)
    exchange.submit(Kind.PEG_MARKET, 4, Side.BUY, 5, 200)
    trades, _ = outcome(exchange)
    assert trades == []
    exchange.submit(Kind.LIMIT, 5, Side.SELL, 5, 100)
    assert outcome(exchange)[0] == [(4, 5, 101)]


GUARDED = (
    (REPRICE, CANCEL),
    (VenueRules.plain(trade_through="reprice", post_only="slide", lot=2), CANCEL, VenueRules.plain(trade_through="cancel", round_lot=9)),
)


@pytest.mark.parametrize("rules", GUARDED)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), width=st.sampled_from([2, 6]))
def test_no_trade_goes_through_a_protected_quote_unless_it_is_a_sweep_or_quotes_are_crossed(rules, seed, width):
    messages = random_messages(np.random.default_rng(seed), 250, ids=200, width=width, faulty=0, venues=len(rules))
    messages = messages[np.isin(messages["kind"], [Kind.LIMIT, Kind.MARKET, Kind.CANCEL, Kind.REPLACE, Kind.REDUCE])]
    messages["tif"] = np.where(messages["tif"] == Tif.GTD, Tif.GTC, messages["tif"])  # an expiry would change the quotes looked at
    exchange = Exchange(rules, symbols=2)
    for k in range(len(messages)):
        before = [[quote(exchange, symbol, venue) for venue in range(len(rules))] for symbol in range(2)]
        for trade in exchange.send(messages[k : k + 1]).trades:
            quotes = before[trade["symbol"]]
            bids, asks = ([q[side] for q in quotes if q[side] is not None] for side in (0, 1))
            crossed = bids and asks and max(bids) > min(asks)
            away = [q[int(trade["aggressor"] > 0)] for v, q in enumerate(quotes) if v != trade["venue"]]
            limits = [-trade["aggressor"] * price for price in away if price is not None]
            worse = limits and -trade["aggressor"] * trade["price_tick"] < max(limits)
            assert not worse or crossed or messages["flags"][k] & Flag.SWEEP


def quote(exchange: Exchange, symbol: int, venue: int) -> tuple[int | None, int | None]:
    """Bid and ask of one venue, from its displayed depth and its round lot."""
    depth = exchange.depth(30, symbol=symbol, venue=venue)
    found = []
    for tick, lot in (("bid_tick", "bid_lot"), ("ask_tick", "ask_lot")):
        enough = np.flatnonzero(np.cumsum(depth[lot]) >= exchange.rules[venue].round_lot)
        found.append(int(depth[tick][enough[0]]) if len(enough) else None)
    return found[0], found[1]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), width=st.sampled_from([1, 4, 20]))
def test_where_all_venues_protect_and_nobody_sweeps_they_never_lock_or_cross(seed, width):
    messages = random_messages(np.random.default_rng(seed), 400, ids=300, width=width, faulty=0, venues=2)
    messages["flags"] &= ~Flag.SWEEP
    tape = Exchange([REPRICE, VenueRules.plain(trade_through="cancel", peg_reference="consolidated")], symbols=2).send(
        messages, consolidated=True
    )
    assert not tape.consolidated["state"].any()
