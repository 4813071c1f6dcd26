"""What an agent may look at in its turn: the book and its own account as they were when the market data it sees were sent.

``market`` and ``me`` are the two records every step is given. Prices are ticks, quantities lots; NO_PRICE where there is none.
"""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    LADDERS_A_BOOK,
    NO_PREVENTION,
    NO_PRICE,
    NONE,
    book_at,
    engine_at,
    ladder_at,
    level_at,
    owner_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.grid import increment_at, on_grid
from marketsim.kernel.ladder import best_displayed
from marketsim.kernel.memory import load_f64, load_i64
from marketsim.kernel.order_ids import find_order, find_owner
from marketsim.kernel.simulation.world import desk_at, path_at, session_at, taken_at


@inner
def book_index(market, symbol, venue):
    """Return the row of a symbol's book at a venue."""
    return venue * market.n_symbols + symbol


@inner
def best_level(market, symbol, venue, side):
    """Return the best displayed level of buyers (side 1) or sellers (-1), or NONE."""
    which = BIDS if side > 0 else ASKS
    return best_displayed(engine_at(market.engine, 0), book_index(market, symbol, venue) * LADDERS_A_BOOK + which)


@inner
def next_level(market, level_index):
    """Return the displayed level behind one, or NONE."""
    engine = engine_at(market.engine, 0)
    index = level_at(engine.levels, level_index).worse
    while index != NONE and level_at(engine.levels, index).qty_lot == 0:
        index = level_at(engine.levels, index).worse
    return index


@inner
def level_tick(market, level_index, side):
    """Return the price of a level of the given side."""
    return -side * level_at(engine_at(market.engine, 0).levels, level_index).key


@inner
def level_lot(market, level_index):
    """Return the displayed quantity of a level."""
    return level_at(engine_at(market.engine, 0).levels, level_index).qty_lot


@inner
def best_tick(market, symbol, venue, side):
    """Return the best displayed price of buyers (side 1) or sellers (-1), or NO_PRICE."""
    index = best_level(market, symbol, venue, side)
    return NO_PRICE if index == NONE else level_tick(market, index, side)


@inner
def best_lot(market, symbol, venue, side):
    """Return the quantity displayed at the best price of a side, 0 if there is none."""
    index = best_level(market, symbol, venue, side)
    return 0 if index == NONE else level_lot(market, index)


@inner
def level_of(market, symbol, venue, side, price_tick):
    """Return the displayed level at a price, looking from the best price on, or NONE."""
    index = best_level(market, symbol, venue, side)
    while index != NONE:
        tick = level_tick(market, index, side)
        if tick == price_tick:
            return index
        if side * (tick - price_tick) < 0:
            return NONE
        index = next_level(market, index)
    return NONE


@inner
def lot_at(market, symbol, venue, side, price_tick):
    """Return the quantity displayed at a price, looking from the best price on."""
    index = level_of(market, symbol, venue, side, price_tick)
    return 0 if index == NONE else level_lot(market, index)


@inner
def first_in_queue(market, level_index):
    """Return the order at the front of a level's displayed queue, or NONE; follow with `next_in_queue`, read with `order`."""
    return level_at(engine_at(market.engine, 0).levels, level_index).head


@inner
def next_in_queue(market, index):
    """Return the order behind one in the queue of its price, or NONE."""
    return slot_at(engine_at(market.engine, 0).slots, index).next


@inner
def n_levels(market, symbol, venue, side):
    """Return how many prices of a side hold orders, hidden ones included."""
    engine = engine_at(market.engine, 0)
    which = BIDS if side > 0 else ASKS
    return ladder_at(engine.ladders, book_index(market, symbol, venue) * LADDERS_A_BOOK + which).n_levels


@inner
def last_tick(market, symbol, venue):
    """Return the price of the last trade, or NO_PRICE."""
    book = book_at(engine_at(market.engine, 0).books, book_index(market, symbol, venue))
    return book.last_tick if book.traded else NO_PRICE


@inner
def phase(market, symbol, venue):
    """Return the session phase of a symbol at a venue: records.Phase."""
    return book_at(engine_at(market.engine, 0).books, book_index(market, symbol, venue)).phase


@inner
def mid_tick(market, symbol, venue):
    """Return twice the mid price, so that it is whole; the last trade stands in for a missing side, NO_PRICE if there is none either."""
    bid, ask = best_tick(market, symbol, venue, 1), best_tick(market, symbol, venue, -1)
    if bid != NO_PRICE and ask != NO_PRICE:
        return bid + ask
    last = last_tick(market, symbol, venue)
    return 2 * last if last != NO_PRICE else NO_PRICE


@inner
def traded_lot(market, symbol):
    """Return the quantity of a symbol traded so far at all venues."""
    return load_i64(market.volumes, symbol)


@inner
def session_start_ns(market, session):
    """Return when a session starts; ``market.session`` is the one under way, or the next, of ``market.n_sessions``."""
    return session_at(market.sessions, session).start_ns


@inner
def session_end_ns(market, session):
    """Return when a session ends."""
    return session_at(market.sessions, session).end_ns


@inner
def round_trip_ns(market, me):
    """Return the shortest time from sending a message to the agent's own venue to seeing what came of it."""
    return me.computation_ns + me.order_latency_ns + desk_at(market.desks, me.venue).latency_ns + me.data_latency_ns


@inner
def signed_lot(market, symbol):
    """Return what aggressors have bought of a symbol so far less what they have sold, at all venues; auctions do not count."""
    total = taken_at(market.taken, symbol)
    return total.bought_lot - total.sold_lot


@inner
def grid_tick(market, venue, side, price_tick):
    """Return the nearest price that a venue's price grid has and that is no more aggressive for a side."""
    engine = engine_at(market.engine, 0)
    return on_grid(engine, venue_at(engine.venues, venue), side, price_tick)


@inner
def grid_step(market, venue, price_tick):
    """Return how far apart the prices of a venue's grid are at a price, ticks."""
    engine = engine_at(market.engine, 0)
    return increment_at(engine, venue_at(engine.venues, venue), price_tick)


@inner
def has_settled(me):
    """Whether the exchange had processed all the agent has sent, so that its live orders and its position are all there is."""
    return me.under_way == 0


@inner
def session_now(market, me):
    """Return the row of the session that the agent's clock is in, of the next one at night, and the number of sessions after the last."""
    k = market.session
    # The sessions before the k-th have ended.
    while k < market.n_sessions and me.now_ns >= session_at(market.sessions, k).end_ns:
        k += 1
    return k


@inner
def since_open_ns(market, me):
    """Return how long the session under way has lasted at the agent's clock; 0 before it, and after the last."""
    k = session_now(market, me)
    return max(me.now_ns - session_at(market.sessions, k).start_ns, 0) if k < market.n_sessions else 0


@inner
def to_close_ns(market, me):
    """Return how long it is at the agent's clock until the session under way ends, or the next; 0 after the last."""
    k = session_now(market, me)
    return session_at(market.sessions, k).end_ns - me.now_ns if k < market.n_sessions else 0


@inner
def session_time_ns(market, me):
    """Return how much session time has passed at the agent's clock since the first session began: nights do not count."""
    passed_ns = 0
    # The sessions before the k-th are in ``passed_ns``.
    for k in range(session_now(market, me)):
        session = session_at(market.sessions, k)
        passed_ns += session.end_ns - session.start_ns
    return passed_ns + since_open_ns(market, me)


@inner
def position_lot(market, me, symbol):
    """Return what the agent holds, negative when short."""
    return load_i64(market.holdings, me.number * market.n_symbols + symbol)


@inner
def fundamental_tick(market, symbol):
    """Return the fundamental value now, ticks as a real number; before a session its first value, after it its last."""
    path = path_at(market.paths, symbol)
    at = (market.now_ns - session_at(market.sessions, market.session).start_ns) / path.step_ns
    at = min(max(at, 0.0), path.n - 1.0)
    k = int(at)
    values = path.values + market.session * path.n * 8
    value = load_f64(values, k)
    return value if at == k else value + (at - k) * (load_f64(values, k + 1) - value)


@inner
def activity(market, symbol):
    """Return how busy the session is in the history it is made of: volume over the usual volume, 1 where nothing is known."""
    return load_f64(path_at(market.paths, symbol).activity, market.session)


@inner
def first_order(market, me):
    """Return the agent's oldest live order, or NONE; follow with `next_order`, read with `order`."""
    engine = engine_at(market.engine, 0)
    owner = owner_at(engine.owners, find_owner(engine, me.number))
    return owner.head if owner.owner_id != 0 else NONE


@inner
def next_order(market, index):
    """Return the same agent's next live order, or NONE."""
    return slot_at(engine_at(market.engine, 0).slots, index).owner_next


@inner
def order(market, index):
    """Return the record of a live order: price_tick, qty_lot, order_id, side and more; not to be written to."""
    return slot_at(engine_at(market.engine, 0).slots, index)


@inner
def own_lot(market, me, symbol, venue, side, price_tick):
    """Return the displayed quantity of the agent's own orders at a price."""
    total = 0
    book = book_index(market, symbol, venue)
    index = first_order(market, me)
    # ``total`` counts the agent's orders before ``index``.
    while index != NONE:
        mine = order(market, index)
        if mine.book == book and mine.side == side and mine.level != NONE and mine.price_tick == price_tick:
            total += mine.qty_lot
        index = next_order(market, index)
    return total


@inner
def others_tick(market, me, symbol, venue, side):
    """Return the best displayed price of a side that somebody else stands at, or NO_PRICE."""
    index = best_level(market, symbol, venue, side)
    # Every level before ``index`` is the agent's alone.
    while index != NONE:
        tick = level_tick(market, index, side)
        if level_lot(market, index) > own_lot(market, me, symbol, venue, side, tick):
            return tick
        index = next_level(market, index)
    return NO_PRICE


@inner
def live_order(market, order_id):
    """Return where a live order is, for `order`, or NONE."""
    return find_order(engine_at(market.engine, 0), order_id)


@inner
def n_places(market):
    """Return how many places for orders the exchange has ever used; every live order, whoever owns it, has one of them."""
    return engine_at(market.engine, 0).slots_used


@inner
def is_own_at(market, me, place):
    """Whether a place holds a live order of the agent's in its own symbol and venue."""
    slot = slot_at(engine_at(market.engine, 0).slots, place)
    return slot.owner_id == me.number and slot.order_id >= 0 and slot.book == book_index(market, me.symbol, me.venue)


@inner
def prevents_self_trades(market, venue):
    """Whether a venue keeps orders of one owner from trading with each other."""
    return venue_at(engine_at(market.engine, 0).venues, venue).self_trade != NO_PREVENTION
