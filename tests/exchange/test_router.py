"""The router: hand-made books for each strategy, arrival times, and the compiled splitter against the plain one on random books."""

from __future__ import annotations

import numpy as np
import pytest
from flows_of_messages import MARKETS, random_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import DataError
from marketsim.exchange import Exchange
from marketsim.records import DEPTH, MAX_TICK, Flag, Kind, Phase, Routing, Side, Tif
from marketsim.router import Link, Parent, arrivals, split
from marketsim.venue_rules import Fees, VenueRules

PLAIN = VenueRules.plain()


def asks(*levels: tuple[int, int]) -> np.ndarray:
    """A depth of sell levels (lots, price)."""
    depth = np.zeros(len(levels), DEPTH)
    depth["ask_lot"], depth["ask_tick"] = [lots for lots, _ in levels], [price for _, price in levels]
    return depth


def sent(children: np.ndarray) -> list[tuple[int, int, int]]:
    return [(int(c["venue"]), int(c["qty_lot"]), int(c["price_tick"])) for c in children]


TWO = [asks((5, 100), (5, 102)), asks((5, 101), (5, 103))]


def test_best_price_goes_level_by_level_and_each_child_has_its_worst_one_as_limit():
    assert sent(split(Parent(Side.BUY, 12), TWO, [PLAIN, PLAIN])) == [(0, 7, 102), (1, 5, 101)]


def test_nothing_beyond_the_limit_is_sent_unless_it_is_to_wait_at_home():
    assert sent(split(Parent(Side.BUY, 12, 101), TWO, [PLAIN, PLAIN])) == [(0, 5, 100), (1, 5, 101)]
    children = split(Parent(Side.BUY, 12, 101, home=1, post=True), TWO, [PLAIN, PLAIN])
    assert sent(children) == [(0, 5, 100), (1, 7, 101)]
    assert children["tif"].tolist() == [Tif.IOC, Tif.GTC]
    assert sent(split(Parent(Side.BUY, 3, 99, post=True), TWO, [PLAIN, PLAIN])) == [(0, 3, 99)]


def test_a_sale_takes_the_highest_bid_first():
    depths = np.zeros((2, 1), DEPTH)
    depths["bid_lot"], depths["bid_tick"] = 5, [[99], [98]]
    assert sent(split(Parent(Side.SELL, 8), list(depths), [PLAIN, PLAIN])) == [(0, 5, 99), (1, 3, 98)]


def test_fees_decide_the_order_when_asked_to():
    """A tick is a cent: 100 + 0.30 cents of fee is dearer than 100 flat; against 99 + 0.30 cents the flat 100 loses."""
    rules = [VenueRules.plain(fees=Fees(taker_per_lot=0.0030)), VenueRules.plain(fees=Fees(taker_per_lot=0.0))]
    same = [asks((5, 100)), asks((5, 100))]
    assert sent(split(Parent(Side.BUY, 5), same, rules)) == [(0, 5, 100)]
    assert sent(split(Parent(Side.BUY, 5, strategy=Routing.CHEAPEST), same, rules)) == [(1, 5, 100)]
    better = [asks((5, 99)), asks((5, 100))]
    assert sent(split(Parent(Side.BUY, 5, strategy=Routing.CHEAPEST), better, rules)) == [(0, 5, 99)]


def test_a_large_enough_fee_outweighs_a_better_price_and_a_rebate_a_worse_one():
    """On 10,000 ticks of a cent 2 basis points are 2 cents: 10,000 + 2 against 10,001 + 0 and 10,003 - 2.5."""
    notional = VenueRules.plain(fees=Fees(taker_notional_frac=0.0002))
    inverted = VenueRules.plain(fees=Fees(taker_per_lot=-0.025))
    seen = [asks((5, 10_000)), asks((5, 10_001)), asks((5, 10_003))]
    children = split(Parent(Side.BUY, 11, strategy=Routing.CHEAPEST), seen, [notional, PLAIN, inverted])
    assert sent(children) == [(0, 1, 10_000), (1, 5, 10_001), (2, 5, 10_003)]


def test_spray_sends_everywhere_by_displayed_size_and_sticky_stays_home():
    """20 of 40 displayed: half of each venue's 6, 10 and 24. Sticky: 10 at home, the rest at the best price."""
    seen = [asks((6, 100)), asks((10, 101)), asks((20, 100), (4, 101))]
    rules = [PLAIN] * 3
    assert sent(split(Parent(Side.BUY, 20, strategy=Routing.SPRAY), seen, rules)) == [(0, 3, 100), (1, 5, 101), (2, 12, 100)]
    assert sent(split(Parent(Side.BUY, 20, strategy=Routing.STICKY, home=1), seen, rules)) == [(0, 6, 100), (1, 10, 101), (2, 4, 100)]
    assert sent(split(Parent(Side.BUY, 20), seen, rules)) == [(0, 6, 100), (2, 14, 100)]


def test_what_rounding_leaves_over_of_a_spray_goes_by_price():
    """10 of 21: thirds of 3.33 are cut to 3, and the tenth lot goes to the best price."""
    seen = [asks((7, 101)), asks((7, 102)), asks((7, 100))]
    assert sent(split(Parent(Side.BUY, 10, strategy=Routing.SPRAY), seen, [PLAIN] * 3)) == [(0, 3, 101), (1, 3, 102), (2, 4, 100)]


def test_a_venue_gets_whole_lots_of_its_own():
    seen = [asks((10, 100)), asks((10, 101))]
    assert sent(split(Parent(Side.BUY, 7), seen, [VenueRules.plain(lot=5), PLAIN])) == [(0, 5, 100), (1, 2, 101)]
    assert sent(split(Parent(Side.BUY, 7, 100, post=True), seen, [VenueRules.plain(lot=5), PLAIN])) == [(0, 5, 100)]


def test_equal_prices_go_to_the_quicker_link_then_to_the_lower_venue():
    same = [asks((5, 100))] * 3
    links = [Link(30), Link(20), Link(20)]
    assert sent(split(Parent(Side.BUY, 5), same, [PLAIN] * 3, links)) == [(1, 5, 100)]


def test_a_child_is_a_sweep_if_every_better_protected_quote_is_sent_for():
    children = split(Parent(Side.BUY, 12), TWO, [PLAIN, PLAIN])
    assert children["flags"].tolist() == [Flag.SWEEP, Flag.SWEEP]  # 102 is worse than venue 1's 101, and that worse than venue 0's 100
    home = split(Parent(Side.BUY, 5, strategy=Routing.STICKY, home=1), TWO, [PLAIN, PLAIN])
    assert home["flags"].tolist() == [Flag.NONE]  # venue 0's 100 is not sent for
    unprotected = split(Parent(Side.BUY, 5, strategy=Routing.STICKY, home=1), TWO, [VenueRules.plain(quote_protected=False), PLAIN])
    assert unprotected["flags"].tolist() == [Flag.NONE]  # nor need it be, so nothing is swept


def test_the_sweeps_of_a_split_fill_it_where_orders_without_the_flag_are_held_back():
    guarded = [VenueRules.plain(trade_through="cancel")] * 2
    filled = []
    for flags in (Flag.SWEEP, Flag.NONE):
        exchange = Exchange(guarded)
        for order_id, (lots, price, venue) in enumerate([(5, 100, 0), (5, 102, 0), (5, 101, 1)]):
            exchange.submit(Kind.LIMIT, order_id, Side.SELL, lots, price, venue=venue)
        exchange.take()
        children = exchange.route(Parent(Side.BUY, 12, order_id=10), [Link(), Link()])
        children["flags"] = flags
        filled.append(exchange.send(arrivals(children)).trades["qty_lot"].sum())
    assert filled == [12, 10]  # the two lots at 102 would have traded through the 101


def test_children_arrive_when_their_links_let_them():
    """Two routers see 5 lots at 100 on each of two venues; each is first where its link is the shorter one."""
    exchange = Exchange([PLAIN, PLAIN])
    for venue in (0, 1):
        exchange.submit(Kind.LIMIT, venue, Side.SELL, 5, 100, venue=venue)
    exchange.take()
    near_0 = exchange.route(Parent(Side.BUY, 10, owner_id=1, order_id=10, time_ns=1000), [Link(100), Link(900)])
    near_1 = exchange.route(Parent(Side.BUY, 10, owner_id=2, order_id=20, time_ns=1000), [Link(500), Link(300)])
    messages = arrivals(near_0, near_1)
    assert messages["time_ns"].tolist() == [1100, 1300, 1500, 1900]
    trades = exchange.send(messages).trades
    assert trades[["time_ns", "venue", "taker_owner", "qty_lot"]].tolist() == [(1100, 0, 1, 5), (1300, 1, 2, 5)]


def test_equal_arrivals_keep_the_order_of_the_senders():
    one, other = (split(Parent(Side.BUY, 1, order_id=k), [asks((5, 100))], [PLAIN]) for k in (1, 2))
    assert arrivals(other, one)["order_id"].tolist() == [2, 1]
    assert len(arrivals()) == 0


def test_a_venue_that_does_not_trade_gets_nothing():
    exchange = Exchange([PLAIN, PLAIN])
    exchange.submit(Kind.LIMIT, 1, Side.SELL, 5, 100)
    exchange.submit(Kind.LIMIT, 2, Side.SELL, 5, 101, venue=1)
    exchange.submit(Kind.PHASE, qty_lot=Phase.HALT)
    assert sent(exchange.route(Parent(Side.BUY, 9), [Link(), Link()])) == [(1, 5, 101)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"qty_lot": 0}, "lots 1 to"),
        ({"side": 0}, "side must be 1 or -1"),
        ({"post": True}, "give it a limit_tick"),
        ({"limit_tick": 2 * MAX_TICK}, "largest price"),
    ],
)
def test_a_parent_order_that_makes_no_sense_is_refused(changes, words):
    with pytest.raises(DataError, match=words):
        Parent(**({"side": Side.BUY, "qty_lot": 1} | changes))


def test_venues_and_links_must_match():
    with pytest.raises(DataError, match="1 links for 2 venues"):
        split(Parent(Side.BUY, 1), TWO, [PLAIN, PLAIN], [Link()])
    with pytest.raises(DataError, match="home venue 2"):
        split(Parent(Side.BUY, 1, home=2), TWO, [PLAIN, PLAIN])
    with pytest.raises(DataError, match="venue 2"):
        Exchange([PLAIN, PLAIN]).route(Parent(Side.BUY, 1, home=2), [Link(), Link()])
    with pytest.raises(DataError, match="before it is sent"):
        Link(-1)


PARENTS = st.builds(
    dict,
    side=st.sampled_from([Side.BUY, Side.SELL]),
    qty_lot=st.integers(1, 150),
    limit_tick=st.none() | st.integers(90, 110),
    strategy=st.sampled_from(Routing),
    home=st.integers(0, 1),
    symbol=st.integers(0, 1),
    owner_id=st.just(3),
    order_id=st.just(5000),
)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    market=st.sampled_from(MARKETS),
    parents=st.lists(PARENTS, min_size=20, max_size=20),
    latencies=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    width=st.sampled_from([2, 6, 20]),
)
def test_the_compiled_router_splits_like_the_plain_one(seed, market, parents, latencies, width):
    exchange = Exchange(market, symbols=2)
    exchange.send(random_messages(np.random.default_rng(seed), 200, ids=1000, width=width, faulty=0, venues=len(market)))
    links = [Link(ns) for ns in latencies[: len(market)]]
    for fields in parents:
        for post in {False, fields["limit_tick"] is not None}:
            parent = Parent(**fields, post=post)
            seen = [depth_while_trading(exchange, parent.symbol, venue) for venue in range(len(market))]
            children = exchange.route(parent, links)
            assert children.tolist() == split(parent, seen, market, links).tolist()
            displayed = sum(within(depth, parent) for depth in seen)
            total = int(children["qty_lot"].sum())
            assert total <= parent.qty_lot
            if all(rules.lot == 1 for rules in market):
                assert total == (parent.qty_lot if post else min(parent.qty_lot, displayed))


def depth_while_trading(exchange: Exchange, symbol: int, venue: int) -> np.ndarray:
    """The displayed book, or nothing of a venue that collects orders for an auction or is closed."""
    depth = exchange.depth(200, symbol=symbol, venue=venue)
    return depth if exchange.status(symbol=symbol, venue=venue).phase == Phase.CONTINUOUS else np.zeros_like(depth)


def within(depth: np.ndarray, parent: Parent) -> int:
    """Lots displayed on the other side within a parent's limit."""
    tick, lot = ("ask_tick", "ask_lot") if parent.side > 0 else ("bid_tick", "bid_lot")
    reached = parent.side * depth[tick] <= parent.side * parent.furthest_tick
    return int(depth[lot][reached].sum())
