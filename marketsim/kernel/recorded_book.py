"""The book of a recorded market: orders by id in FIFO queues, levels by price, several symbols, quantity nobody has an id for.

A book is a tuple (head (1,) HEAD, orders (n,) RESTING, levels (m,) LEVEL, ranks (2 n_symbols, k) int32, n_ranks (2 n_symbols,) int64,
keys (h,) int64, slots (h,) int32). ``ranks[row]`` holds the level slots of one side of one symbol, worst price first and best last, so
that what happens at the touch moves nothing. ``keys`` and ``slots`` are an open-addressing map from order id to order slot.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_levels import empty_level, find_level, grow_anonymous, join, row_of, shrink, side_of, write_top
from marketsim.kernel.recorded_order_ids import NONE, find, remember
from marketsim.recorded import HEAD, LEVEL, NO_PRICE, RESTING, RecordedKind

ADD, REDUCE, DELETE, EXECUTE = int(RecordedKind.ADD), int(RecordedKind.REDUCE), int(RecordedKind.DELETE), int(RecordedKind.EXECUTE)
HIDDEN, REPLACE, SET_LEVEL, CLEAR = (
    int(RecordedKind.EXECUTE_HIDDEN),
    int(RecordedKind.REPLACE),
    int(RecordedKind.SET_LEVEL),
    int(RecordedKind.CLEAR),
)
TRADE, HALT, QUOTE, RESUME = int(RecordedKind.TRADE), int(RecordedKind.HALT), int(RecordedKind.QUOTE), int(RecordedKind.RESUME)


def empty_book(events: npt.NDArray[np.void], n_symbols: int) -> tuple[npt.NDArray[Any], ...]:
    """Return a book with room for everything ``events``, (n,) RECORDED, may ever put into it at once."""
    entering = (events["kind"] == ADD) | (events["kind"] == REPLACE) | (events["kind"] == SET_LEVEL)
    n_orders = int(np.count_nonzero(entering)) + 1
    per_symbol = [len(np.unique(events["price_tick"][entering & (events["symbol"] == symbol)])) for symbol in range(n_symbols)]
    widest = max(per_symbol) + 1
    head = np.zeros(1, HEAD)
    orders, levels = np.zeros(n_orders, RESTING), np.zeros(min(n_orders, 2 * sum(per_symbol) + 1), LEVEL)
    orders["after"] = np.append(np.arange(1, len(orders)), NONE)  # the free slots are chained
    levels["first"] = np.append(np.arange(1, len(levels)), NONE)
    bits = max(4, (2 * n_orders - 1).bit_length())
    return (
        head,
        orders,
        levels,
        np.zeros((2 * n_symbols, widest), np.int32),
        np.zeros(2 * n_symbols, np.int64),
        np.zeros(1 << bits, np.int64),
        np.full(1 << bits, NONE, np.int32),
    )


@entry
def rebuild(events, first, last, book, counts, halted, top):
    """Apply ``events[first:last]`` and write the best prices after each of them.

    Parameters
    ----------
    events : (n,) RECORDED.
    book : see the module; changed.
    counts : (1,) COUNTS; added to.
    halted : (n_symbols,) int8, 1 while a symbol does not trade; changed.
    top : (n,) TOP; rows ``first`` to ``last`` are written with the touch of the event's symbol.
    """
    for i in range(first, last):
        event = events[i]
        apply(event, book, counts[0], halted)
        write_top(2 * event.symbol, book, top[i])
        closes_message = i + 1 == events.size or events[i + 1].message != event.message
        best = top[i]
        if closes_message and best.bid_lot > 0 and best.ask_lot > 0 and best.bid_tick >= best.ask_tick and halted[event.symbol] == 0:
            counts[0].crossed += 1


@entry
def effects(events, book, counts, halted, effect):
    """Apply all events and write what each did to the book.

    ``effect`` is (n,) EFFECT, ``events`` are (n,) RECORDED, and ``book`` is empty.
    """
    for i in range(events.size):
        event, told = events[i], effect[i]
        kind = event.kind
        told.side, told.price_tick, told.entered_lot = event.side, event.price_tick, 0
        slot = NONE
        if kind in (REDUCE, EXECUTE, DELETE, REPLACE):
            slot = charged(event, book, counts[0])
        if slot != NONE:
            told.side = side_of(slot, book)
            if kind != REPLACE:
                told.price_tick = book[2][book[1][slot].level].price_tick
        if kind == SET_LEVEL:
            level = find_level(event.symbol, event.side, event.price_tick, book)
            told.entered_lot = max(np.int64(0), event.qty_lot - (np.int64(0) if level == NONE else book[2][level].qty_lot))
        if settle(event, slot, book, counts[0], halted) != NONE:
            told.entered_lot = event.qty_lot


@entry
def depth_rows(events, first, last, book, counts, halted, depth):
    """Apply ``events[first:last]`` and copy the best levels after the last of them.

    ``depth`` is (2 n_symbols, n, 2) int64: price tick and quantity of the n best levels of each row, NO_PRICE and 0 where there are fewer.
    """
    for i in range(first, last):
        apply(events[i], book, counts[0], halted)
    _, _, levels, ranks, n_ranks, _, _ = book
    for row in range(depth.shape[0]):
        for k in range(depth.shape[1]):
            depth[row, k, 0], depth[row, k, 1] = NO_PRICE, 0
            if k < n_ranks[row]:
                level = levels[ranks[row, n_ranks[row] - 1 - k]]
                depth[row, k, 0], depth[row, k, 1] = level.price_tick, level.qty_lot


@entry
def first_outside(events, first, last, side, price_tick, n_levels, book, counts, halted):
    """Apply events of one symbol; return the first after which ``n_levels`` levels of a side are all better than a price, else NONE."""
    _, _, levels, ranks, n_ranks, _, _ = book
    row = row_of(0, side)
    for i in range(first, last):
        apply(events[i], book, counts[0], halted)
        if n_ranks[row] >= n_levels and side * (levels[ranks[row, n_ranks[row] - n_levels]].price_tick - price_tick) > 0:
            return i
    return NONE


@inner
def apply(event, book, count, halted):
    """Apply one event to the book; what cannot be applied is counted."""
    slot = NONE
    if event.kind in (REDUCE, EXECUTE, DELETE, REPLACE):
        slot = charged(event, book, count)
    settle(event, slot, book, count, halted)


@inner
def settle(event, slot, book, count, halted):
    """Apply one event whose order is in ``slot`` (NONE: unknown, or the event names none); return the slot of an order that entered."""
    book[0][0].n_events += 1
    kind = event.kind
    entered = np.int64(NONE)
    if kind == ADD:
        entered = add(event.order_id, event.symbol, event.side, event.price_tick, event.qty_lot, book, count)
    elif kind in (REDUCE, EXECUTE, DELETE):
        if slot != NONE:
            shrink(slot, gone_lot(event, slot, book, count), book)
            count.applied += 1
    elif kind == REPLACE:
        if slot != NONE:
            side = side_of(slot, book)
            shrink(slot, book[1][slot].qty_lot, book)
            entered = add(event.other_id, event.symbol, side, event.price_tick, event.qty_lot, book, count)
    elif kind == SET_LEVEL:
        set_level(event, book, count)
    elif kind == CLEAR:
        for row in range(2 * event.symbol, 2 * event.symbol + 2):
            while book[4][row] > 0:
                empty_level(book[3][row, book[4][row] - 1], book)
        count.applied += 1
    elif kind == TRADE:
        level = find_level(event.symbol, event.side, event.price_tick, book) if event.side != 0 else NONE
        if level != NONE:
            book[2][level].printed_lot += event.qty_lot
    elif kind == HALT:
        halted[event.symbol] = 1
    elif kind == RESUME:
        halted[event.symbol] = 0
    elif kind == HIDDEN:
        count.hidden += 1
    return entered


@inner
def charged(event, book, count):
    """Return the slot an event is about: its order, else the anonymous quantity of its level, else NONE; the latter two are counted."""
    slot = find(event.order_id, book)
    if slot == NONE:
        level = find_level(event.symbol, event.side, event.price_tick, book) if event.kind != REPLACE else NONE
        if level != NONE and book[1][book[2][level].first].anonymous == 1:
            slot = book[2][level].first
            count.anonymous += 1
        else:
            count.unknown += 1
    return slot


@inner
def gone_lot(event, slot, book, count):
    """Return how many lots leave: what the event says, all of a deleted order, never more than there are."""
    order = book[1][slot]
    if event.kind == DELETE and order.anonymous == 0:
        return order.qty_lot
    if event.qty_lot > order.qty_lot:
        count.overdrawn += 1
        return order.qty_lot
    return event.qty_lot


@inner
def add(order_id, symbol, side, price_tick, qty_lot, book, count):
    """Put an order at the end of its level's queue and return its slot; an id that is alive already is counted and NONE returned."""
    if find(order_id, book) != NONE:
        count.duplicate += 1
        return np.int64(NONE)
    slot = join(symbol, side, price_tick, qty_lot, book)
    order = book[1][slot]
    order.order_id = order_id
    order.stamp = book[0][0].n_events
    remember(order_id, slot, book)
    count.applied += 1
    return slot


@inner
def set_level(event, book, count):
    """Make a level's total what the event says.

    What is missing is anonymous quantity; what is too much leaves the anonymous quantity first, then the newest orders.
    """
    orders, levels = book[1], book[2]
    index = find_level(event.symbol, event.side, event.price_tick, book)
    count.applied += 1
    if event.qty_lot == 0:
        if index != NONE:
            first = levels[index].first
            count.dropped += levels[index].n_orders - orders[first].anonymous
            empty_level(index, book)
        return
    if index == NONE:
        slot = join(event.symbol, event.side, event.price_tick, event.qty_lot, book)
        orders[slot].anonymous, orders[slot].order_id, orders[slot].stamp = 1, 0, 0
        return
    level = levels[index]
    level.printed_lot = 0
    excess = level.qty_lot - event.qty_lot
    if excess < 0:
        grow_anonymous(index, -excess, book)
        return
    if excess > 0 and orders[level.first].anonymous == 1:
        part = min(excess, orders[level.first].qty_lot)
        excess -= part
        shrink(level.first, part, book)
    while excess > 0:
        # The level keeps event.qty_lot > 0, so it has a last order as long as there is an excess.
        slot = level.last
        part = min(excess, orders[slot].qty_lot)
        count.dropped += part == orders[slot].qty_lot
        excess -= part
        shrink(slot, part, book)
