"""Where an auction's price comes from, on books small enough to work out by hand."""

from __future__ import annotations

import pytest

from marketsim.exchange import Exchange
from marketsim.records import Kind, Phase, Side
from marketsim.venue_rules import TickBand, VenueRules

BUY, SELL = Side.BUY, Side.SELL
FINE_BELOW_100 = VenueRules.plain(tick_bands=(TickBand(0, 0, 1), TickBand(0, 100, 2)))
FIVES_FROM_101 = VenueRules.plain(tick_bands=(TickBand(0, 0, 1), TickBand(0, 101, 5)))


def held_after_a_trade_at(rules: VenueRules, last: int, orders: list[tuple[Side, int, int]]) -> list[tuple[int, int]]:
    """Trade once at ``last``, hold a closing auction of (side, quantity, price), and return its (price, quantity) trades."""
    exchange = Exchange(rules)
    exchange.submit(Kind.LIMIT, 1, SELL, 1, last)
    exchange.submit(Kind.LIMIT, 2, BUY, 1, last)
    exchange.submit(Kind.PHASE, qty_lot=Phase.CLOSING_AUCTION)
    exchange.take()
    for order_id, (side, qty, price) in enumerate(orders, start=3):
        exchange.submit(Kind.LIMIT, order_id, side, qty, price)
    exchange.submit(Kind.PHASE, qty_lot=Phase.CONTINUOUS)
    return [(int(trade["price_tick"]), int(trade["qty_lot"])) for trade in exchange.take().trades]


@pytest.mark.parametrize(
    ("rules", "last", "orders", "expected"),
    [
        # From 90 to below 100, ten meet ten; at 100 five more are offered. Nearest to 104 is 99, a price of the finer band,
        # although one step of the band that the limit 100 lies in would lead past it.
        (FINE_BELOW_100, 104, [(SELL, 10, 90), (SELL, 5, 100), (BUY, 10, 110)], [(99, 10)]),
        # Mirrored: above 100 ten meet ten, at 100 five more are wanted. Above 100 the next price of the grid is 105.
        (FIVES_FROM_101, 90, [(BUY, 10, 110), (BUY, 5, 100), (SELL, 10, 90)], [(105, 10)]),
    ],
)
def test_price_next_to_a_limit_is_found_across_the_edge_of_a_tick_band(rules, last, orders, expected):
    assert held_after_a_trade_at(rules, last, orders) == expected
