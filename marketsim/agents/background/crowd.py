"""What agents that stand for a whole crowd share: prices to look at, orders of their own to cancel, and when the next event comes.

A crowd is one agent whose orders carry one owner id. Its events are Poisson events of two sorts: flows of constant rate, and cancels that
every one of its live orders meets at a rate. Between two of its turns the set of its orders can only shrink, so the next event can be
drawn ahead: whatever has traded by then is not cancelled. Without latency the process is exact, whoever else trades.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import accuse, market_order, wake_in
from marketsim.kernel.simulation.sight import (
    best_lot,
    best_tick,
    first_order,
    fundamental_tick,
    is_own_at,
    n_places,
    next_order,
    order,
    prevents_self_trades,
)
from marketsim.kernel.simulation.streams import exponential, integer, normal, uniform
from marketsim.kernel.simulation.world import SELF_TRADES_PREVENTED

# Fields of every crowd's state.
TOUCH_FIELDS = [("bid_tick", np.int64), ("ask_tick", np.int64)]  # the touch when it was last seen
PLAN_FIELDS = [
    ("planned_id", np.int64),  # the order the next event may cancel; NONE when the next event is one of the flows
    ("sent_id", np.int64),  # the order sent in this turn, which is not in the book yet; NONE for none
]
GUESSES = 64  # places looked at by chance before all orders are gone through


@inner
def open_crowd(market, me, state):
    """Begin: until there is a book, the fundamental value stands between bid and ask."""
    if prevents_self_trades(market, me.venue):
        accuse(market, me, SELF_TRADES_PREVENTED)
    state.bid_tick = math.floor(fundamental_tick(market, me.symbol))
    state.ask_tick = state.bid_tick + 1


@inner
def see_touch(market, me, state):
    """Return bid and ask and remember them; where a side is empty its last price stands in, one tick off the other side at least."""
    bid = best_tick(market, me.symbol, me.venue, 1)
    ask = best_tick(market, me.symbol, me.venue, -1)
    if bid == NO_PRICE:
        bid = state.bid_tick if ask == NO_PRICE else min(state.bid_tick, ask - 1)
    if ask == NO_PRICE:
        ask = max(state.ask_tick, bid + 1)
    state.bid_tick, state.ask_tick = bid, ask
    return bid, ask


@inner
def plan_next(market, me, state, flow_rate_per_s, cancel_rate_per_s):
    """Draw the crowd's next event and ask to be woken for it.

    ``flow_rate_per_s``, above 0, is the rate of all flows together, ``cancel_rate_per_s`` the rate at which each live order is to be
    cancelled. Candidates for a cancel are all places of the exchange, and the order just sent; those that are none of the crowd's orders
    are passed over, which leaves every own order its rate (thinning: Lewis and Shedler 1979).
    """
    places = n_places(market)
    rate_per_s = flow_rate_per_s + cancel_rate_per_s * (places + 1)
    wait_s = 0.0
    # No event came before ``wait_s`` from now.
    while True:
        wait_s += exponential(me, 1.0 / rate_per_s)
        drawn = uniform(me) * rate_per_s - flow_rate_per_s
        if drawn < 0.0:
            state.planned_id = NONE
            break
        place = int(drawn / cancel_rate_per_s)
        if place < places:
            if is_own_at(market, me, place):
                state.planned_id = order(market, place).order_id
                break
        elif state.sent_id != NONE:
            state.planned_id = state.sent_id
            break
    wake_in(market, me, wait_s * 1e9)


@inner
def random_own_order(market, me, side):
    """Return one of the agent's live orders on a side of its own book, each with equal chances, or NONE if there is none."""
    places = n_places(market)
    for _ in range(GUESSES if places > 0 else 0):
        place = integer(me, 0, places - 1)
        if is_own_at(market, me, place) and order(market, place).side == side:
            return place
    chosen, seen = NONE, 0
    index = first_order(market, me)
    # ``chosen`` is each of the ``seen`` own orders so far with equal chances.
    while index != NONE:
        if is_own_at(market, me, index) and order(market, index).side == side:
            seen += 1
            if uniform(me) * seen < 1.0:
                chosen = index
        index = next_order(market, index)
    return chosen


@inner
def draw_lot(me, median_lot, log_sd):
    """Draw an order's size: log-normal around its median, at least one lot; the median itself when ``log_sd`` is 0."""
    if log_sd == 0.0:
        return median_lot
    return max(1, round(median_lot * math.exp(log_sd * normal(me))))


@inner
def take(market, me, side, qty_lot):
    """Send a market order if there is anything to trade with."""
    if best_lot(market, me.symbol, me.venue, -side) > 0:
        market_order(market, me, side, qty_lot)
