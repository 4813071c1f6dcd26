"""The levels of a recorded book: opened and closed in order of price, each with a queue of orders. `recorded_book` tells the tuple."""

from __future__ import annotations

import numpy as np

from marketsim.kernel.compile import inner
from marketsim.kernel.recorded_order_ids import NONE, forget
from marketsim.recorded import NO_PRICE
from marketsim.records import Side

BUY = int(Side.BUY)


@inner
def join(symbol, side, price_tick, qty_lot, book):
    """Take a free slot and chain it to the end of the level, which is opened where there is none."""
    head, orders, levels = book[0][0], book[1], book[2]
    index = find_level(symbol, side, price_tick, book)
    if index == NONE:
        index = open_level(symbol, side, price_tick, book)
    level = levels[index]
    slot = head.free_order
    order = orders[slot]
    head.free_order = order.after
    order.qty_lot, order.taken_lot, order.anonymous, order.level = qty_lot, 0, 0, index
    order.before, order.after = level.last, NONE
    if level.last == NONE:
        level.first = slot
    else:
        orders[level.last].after = slot
    level.last = slot
    level.n_orders += 1
    level.qty_lot += qty_lot
    return slot


@inner
def shrink(slot, qty_lot, book):
    """Take lots off an order; it leaves when none are left, and its level with its last order."""
    order = book[1][slot]
    level = book[2][order.level]
    order.qty_lot -= qty_lot
    level.qty_lot -= qty_lot
    order.taken_lot = min(order.taken_lot, order.qty_lot)
    if order.qty_lot == 0:
        index = order.level
        unchain(slot, book)
        if level.n_orders == 0:
            close_level(index, book)


@inner
def unchain(slot, book):
    """Remove an order from its queue and from the map, and free its slot."""
    head, orders = book[0][0], book[1]
    order = orders[slot]
    level = book[2][order.level]
    if order.before == NONE:
        level.first = order.after
    else:
        orders[order.before].after = order.after
    if order.after == NONE:
        level.last = order.before
    else:
        orders[order.after].before = order.before
    level.n_orders -= 1
    if order.anonymous == 0:
        forget(order.order_id, book)
    order.after = head.free_order
    head.free_order = slot


@inner
def grow_anonymous(index, qty_lot, book):
    """Add lots to a level's anonymous quantity, which stands first in its queue."""
    head, orders = book[0][0], book[1]
    level = book[2][index]
    if orders[level.first].anonymous == 0:
        slot = head.free_order
        order = orders[slot]
        head.free_order = order.after
        order.order_id, order.qty_lot, order.taken_lot, order.stamp, order.anonymous, order.level = 0, 0, 0, 0, 1, index
        order.before, order.after = NONE, level.first
        orders[level.first].before = slot
        level.first = slot
        level.n_orders += 1
    orders[level.first].qty_lot += qty_lot
    level.qty_lot += qty_lot


@inner
def empty_level(index, book):
    """Remove a level with all its orders."""
    level = book[2][index]
    while level.first != NONE:
        unchain(level.first, book)
    close_level(index, book)


@inner
def find_level(symbol, side, price_tick, book):
    """Return the slot of a price's level, or NONE."""
    _, _, levels, ranks, n_ranks, _, _ = book
    row = row_of(symbol, side)
    place = rank(row, side, price_tick, book)
    if place < n_ranks[row] and levels[ranks[row, place]].price_tick == price_tick:
        return np.int64(ranks[row, place])
    return np.int64(NONE)


@inner
def row_of(symbol, side):
    """Return the row of ``ranks`` that holds one side of a symbol."""
    return 2 * np.int64(symbol) + (0 if side == BUY else 1)


@inner
def rank(row, side, price_tick, book):
    """Return where in its row a price stands or would stand: the first place whose price is at least as good."""
    _, _, levels, ranks, n_ranks, _, _ = book
    low, high = np.int64(0), n_ranks[row]
    # Everything left of low is worse, everything from high on is at least as good.
    while low < high:
        middle = (low + high) >> 1
        if side * (levels[ranks[row, middle]].price_tick - price_tick) < 0:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def open_level(symbol, side, price_tick, book):
    """Open an empty level at its place in the row and return its slot."""
    head, levels, ranks, n_ranks = book[0][0], book[2], book[3], book[4]
    row = row_of(symbol, side)
    place = rank(row, side, price_tick, book)
    for k in range(n_ranks[row], place, -1):
        ranks[row, k] = ranks[row, k - 1]
    index = head.free_level
    level = levels[index]
    head.free_level = level.first
    level.price_tick, level.qty_lot, level.printed_lot, level.row = price_tick, 0, 0, row
    level.first, level.last, level.n_orders = NONE, NONE, 0
    ranks[row, place] = index
    n_ranks[row] += 1
    return index


@inner
def close_level(index, book):
    """Remove an empty level from its row and free its slot."""
    head, levels, ranks, n_ranks = book[0][0], book[2], book[3], book[4]
    level = levels[index]
    row = level.row
    place = rank(row, 1 - 2 * (row & 1), level.price_tick, book)
    n_ranks[row] -= 1
    for k in range(place, n_ranks[row]):
        ranks[row, k] = ranks[row, k + 1]
    level.first = head.free_level
    head.free_level = index


@inner
def side_of(slot, book):
    """Return the side of a resting order, +1 or -1."""
    return 1 - 2 * (book[2][book[1][slot].level].row & 1)


@inner
def write_top(row, book, top):
    """Write the best bid and ask of the symbol whose buy side is ``row``."""
    _, _, levels, ranks, n_ranks, _, _ = book
    top.bid_tick, top.bid_lot, top.ask_tick, top.ask_lot = NO_PRICE, 0, NO_PRICE, 0
    if n_ranks[row] > 0:
        best = levels[ranks[row, n_ranks[row] - 1]]
        top.bid_tick, top.bid_lot = best.price_tick, best.qty_lot
    if n_ranks[row + 1] > 0:
        best = levels[ranks[row + 1, n_ranks[row + 1] - 1]]
        top.ask_tick, top.ask_lot = best.price_tick, best.qty_lot
