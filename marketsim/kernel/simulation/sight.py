"""What an agent may look at in its turn: the book and its own account as they were when the market data it sees were sent.

``market`` and ``me`` are the two records every step is given. Prices are ticks, quantities lots; NO_PRICE where there is none.
"""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    book_at,
    engine_at,
    ladder_at,
    level_at,
    owner_at,
    slot_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import load_f64, load_i64
from marketsim.kernel.order_ids import find_owner
from marketsim.kernel.simulation.world import path_at, session_at
from marketsim.kernel.stops import best_displayed


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
def lot_at(market, symbol, venue, side, price_tick):
    """Return the quantity displayed at a price, looking from the best price on."""
    index = best_level(market, symbol, venue, side)
    while index != NONE:
        tick = level_tick(market, index, side)
        if tick == price_tick:
            return level_lot(market, index)
        if side * (tick - price_tick) < 0:
            return 0
        index = next_level(market, index)
    return 0


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
