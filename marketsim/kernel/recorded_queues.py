"""Where own orders stand in the queues of a recorded book, and what of its levels they have taken. `recorded_market` tells the tuples."""

from __future__ import annotations

from marketsim.kernel.compile import inner
from marketsim.kernel.recorded_levels import find_level
from marketsim.kernel.recorded_order_ids import NONE
from marketsim.recorded import OwnState, Queue

RESTING = int(OwnState.RESTING)
PRO_RATA = int(Queue.PRO_RATA)


@inner
def queue_shrinks(symbol, side, price_tick, gone_lot, stamp, place):
    """Move own orders up by what left the queue in front of them."""
    time, _, _, _, _, desk = place
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == symbol and row.side == side and row.state == RESTING and row.price_tick == price_tick and stamp <= row.stamp:
            row.ahead_lot -= min(row.ahead_lot, gone_lot)


@inner
def level_changes(event, before, place):
    """Move own orders up in a level that is told by its total alone, by the assumption the run has made."""
    time, book, _, _, _, desk = place
    level = find_level(event.symbol, event.side, event.price_tick, book)
    printed = book[2][level].printed_lot if level != NONE else 0
    cancelled = max(0, before - event.qty_lot - printed)
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == event.symbol and row.side == event.side and row.state == RESTING and row.price_tick == event.price_tick:
            if time.queue == PRO_RATA and cancelled > 0 and before > printed:
                row.ahead_lot -= cancelled * row.ahead_lot // (before - printed)
            row.ahead_lot = min(row.ahead_lot, event.qty_lot)


@inner
def available(index, book):
    """Return what own orders have not taken of a level, lots."""
    orders, level = book[1], book[2][index]
    total = level.qty_lot
    slot = level.first
    while slot != NONE:
        total -= orders[slot].taken_lot
        slot = orders[slot].after
    return total


@inner
def mark_taken(index, qty_lot, book):
    """Remember lots as taken, oldest order first."""
    orders = book[1]
    slot = book[2][index].first
    while slot != NONE and qty_lot > 0:
        part = min(qty_lot, orders[slot].qty_lot - orders[slot].taken_lot)
        orders[slot].taken_lot += part
        qty_lot -= part
        slot = orders[slot].after


@inner
def level_lot(symbol, side, price_tick, book):
    """Return the recorded quantity at a price, 0 where there is no level."""
    index = find_level(symbol, side, price_tick, book)
    return 0 if index == NONE else book[2][index].qty_lot
