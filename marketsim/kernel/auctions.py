"""The auction: one price for everyone, found by four rules, and the trades at it.

The price (1) trades the most, (2) leaves the smallest imbalance, (3) is nearest to the reference, the last trade; and (4) where several are
equally near, or there is no reference, it is the lowest that leaves no surplus of buyers, or the highest if all leave one. It is never
outside the limits of the orders, unless it is the reference.
"""

from __future__ import annotations

import numpy as np

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    CLOSE_BUYS,
    GUARDED,
    ICEBERG,
    IMBALANCE,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    OPEN_BUYS,
    book_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.grid import increment_at, next_price
from marketsim.kernel.prints import begin_from_auction
from marketsim.kernel.queues import cancel, end_order, refill, unlink
from marketsim.kernel.tape import open_qty, record_trade, write_event
from marketsim.records import MAX_TICK, EventKind, Phase, Reason

CANCELLED, AUCTION = EventKind.CANCELLED.value, EventKind.AUCTION.value
AUCTION_OVER = Reason.AUCTION_OVER.value
OPENING, CLOSING = Phase.OPENING_AUCTION.value, Phase.CLOSING_AUCTION.value


@inner
def auction_ladder(phase, side):
    """Return which ladder holds the orders only for the auction of a phase, or NONE where a phase's auction has none."""
    if phase == OPENING:
        return OPEN_BUYS + (side < 0)
    return CLOSE_BUYS + (side < 0) if phase == CLOSING else NONE


@inner
def interest(engine, book_index, side, phase):
    """Return the prices of one side, best first, and the quantity at each or better, both (n,) int64; market orders are at ±NO_PRICE."""
    base = book_index * LADDERS_A_BOOK
    book_ladder = ladder_at(engine.ladders, base + (BIDS if side > 0 else ASKS))
    which = auction_ladder(phase, side)
    n_only = ladder_at(engine.ladders, base + which).n_levels if which != NONE else 0
    prices = np.empty(book_ladder.n_levels + n_only, np.int64)
    total = np.empty(prices.size, np.int64)
    one = book_ladder.best
    other = ladder_at(engine.ladders, base + which).best if which != NONE else NONE
    n = 0
    so_far = 0
    # Two sorted lists are merged; ``so_far`` is the quantity of all that were passed.
    while one != NONE or other != NONE:
        if one == NONE or (other != NONE and level_at(engine.levels, other).key < level_at(engine.levels, one).key):
            level = level_at(engine.levels, other)
            other = level.worse
        else:
            level = level_at(engine.levels, one)
            one = level.worse
        for queue in range(2):
            index = level.head if queue == 0 else level.hidden_head
            while index != NONE:
                slot = slot_at(engine.slots, index)
                so_far += open_qty(engine, index, slot)
                index = slot.next
        if n == 0 or prices[n - 1] != -side * level.key:
            prices[n] = -side * level.key
            n += 1
        total[n - 1] = so_far
    return prices[:n], total[:n]


@inner
def _at_or_better(prices, total, side, price):
    """Return the quantity of a side that would trade at a price."""
    low = 0
    high = prices.size
    # prices[:low] would trade, prices[high:] would not.
    while low < high:
        middle = (low + high) // 2
        if side * (prices[middle] - price) >= 0:
            low = middle + 1
        else:
            high = middle
    return total[low - 1] if low > 0 else 0


@inner
def clearing(engine, book_index, phase):
    """Return the auction's price (NO_PRICE if nothing would trade), the quantity it trades, and demand less supply at it."""
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    bid_prices, bid_total = interest(engine, book_index, 1, phase)
    ask_prices, ask_total = interest(engine, book_index, -1, phase)
    lowest, highest = _range(bid_prices, ask_prices)
    best, traded, surplus = NO_PRICE, 0, 0
    # Demand and supply change only at limits, so that the best price is a limit, next to one, or the reference.
    for k in range(3 * (bid_prices.size + ask_prices.size) + 1):
        place = k // 3
        if place < bid_prices.size:
            price = bid_prices[place]
        elif place < bid_prices.size + ask_prices.size:
            price = ask_prices[place - bid_prices.size]
        elif book.traded:
            price = book.last_tick
        else:
            break
        if abs(price) > MAX_TICK:
            continue
        if place < bid_prices.size + ask_prices.size:
            if k % 3 != 1:
                price = next_price(engine, venue, price, k % 3 - 1)
            if not lowest <= price <= highest:
                continue
        increment = increment_at(engine, venue, price) if venue.n_tick_bands > 0 else 1
        if price < venue.lowest_tick or price % increment != 0:
            continue
        demand = _at_or_better(bid_prices, bid_total, 1, price)
        supply = _at_or_better(ask_prices, ask_total, -1, price)
        volume = min(demand, supply)
        if volume > 0 and (best == NO_PRICE or _is_better(book, volume, demand - supply, price, traded, surplus, best)):
            best, traded, surplus = price, volume, demand - supply
    return best, traded, surplus


@inner
def _range(bid_prices, ask_prices):
    """Return the lowest and the highest limit of both sides, each sorted best first with its market orders in front."""
    lowest, highest = NO_PRICE, -NO_PRICE
    for prices in (bid_prices, ask_prices):
        for k in range(min(prices.size, 2)):
            if abs(prices[k]) <= MAX_TICK:
                lowest, highest = min(lowest, prices[k]), max(highest, prices[k])
        if prices.size > 0 and abs(prices[-1]) <= MAX_TICK:
            lowest, highest = min(lowest, prices[-1]), max(highest, prices[-1])
    return lowest, highest


@inner
def _is_better(book, volume, imbalance, price, best_volume, best_imbalance, best_price):
    """Whether one price beats another by the four rules."""
    if volume != best_volume:
        return volume > best_volume
    if abs(imbalance) != abs(best_imbalance):
        return abs(imbalance) < abs(best_imbalance)
    if book.traded and abs(price - book.last_tick) != abs(best_price - book.last_tick):
        return abs(price - book.last_tick) < abs(best_price - book.last_tick)
    if (imbalance > 0) != (best_imbalance > 0):
        return imbalance <= 0
    return price > best_price if imbalance > 0 else price < best_price


@inner
def uncross(engine, book_index, phase):
    """Hold the auction of a phase: trade at one price, let imbalance orders take what is left, cancel what was only for this auction."""
    book = book_at(engine.books, book_index)
    price, volume, surplus = clearing(engine, book_index, phase)
    if price != NO_PRICE:
        write_event(engine, AUCTION, 0, NONE, 0, 0, price, volume, book.symbol, book.venue)
        _trade_at(engine, book_index, phase, price, volume, 0)
        if surplus != 0 and (phase in (OPENING, CLOSING)):
            _trade_at(engine, book_index, phase, price, abs(surplus), -1 if surplus > 0 else 1)
        book.last_tick = price
        book.traded = 1
        if book.quirks & GUARDED:
            begin_from_auction(engine, book_index, price)
    for side in range(-1, 2, 2):
        which = auction_ladder(phase, side)
        if which != NONE:
            drop_all(engine, book_index * LADDERS_A_BOOK + which)
            drop_all(engine, book_index * LADDERS_A_BOOK + which + IMBALANCE)


@inner
def drop_all(engine, ladder_index):
    """Cancel all that waits in a ladder for an auction that is over."""
    ladder = ladder_at(engine.ladders, ladder_index)
    while ladder.best != NONE:
        cancel(engine, level_at(engine.levels, ladder.best).head, CANCELLED, AUCTION_OVER)


@inner
def _trade_at(engine, book_index, phase, price, volume, imbalance_side):
    """Trade a volume at a price, both sides in their order; ``imbalance_side`` takes its imbalance orders instead of the rest."""
    book = book_at(engine.books, book_index)
    while volume > 0:
        buyer = _first(engine, book_index, 1, phase, imbalance_side == 1)
        seller = _first(engine, book_index, -1, phase, imbalance_side == -1)
        if buyer == NONE or seller == NONE:
            return
        buy, sell = slot_at(engine.slots, buyer), slot_at(engine.slots, seller)
        if buy.price_tick < price or sell.price_tick > price:
            return
        qty = min(volume, buy.qty_lot, sell.qty_lot)
        record_trade(engine, book, sell, buy, price, qty, 0)
        volume -= qty
        _fill(engine, buyer, qty)
        _fill(engine, seller, qty)


@inner
def _first(engine, book_index, side, phase, for_imbalance):
    """Return a side's next order: by price, then displayed, for the auction only, hidden; or its next imbalance order."""
    base = book_index * LADDERS_A_BOOK
    which = auction_ladder(phase, side)
    if for_imbalance:
        level_index = ladder_at(engine.ladders, base + which + IMBALANCE).best
        return level_at(engine.levels, level_index).head if level_index != NONE else NONE
    only = ladder_at(engine.ladders, base + which).best if which != NONE else NONE
    waiting = ladder_at(engine.ladders, base + (BIDS if side > 0 else ASKS)).best
    if waiting == NONE:
        return level_at(engine.levels, only).head if only != NONE else NONE
    level = level_at(engine.levels, waiting)
    if only != NONE:
        gap = level_at(engine.levels, only).key - level.key
        if gap < 0 or (gap == 0 and level.head == NONE):
            return level_at(engine.levels, only).head
    return level.head if level.head != NONE else level.hidden_head


@inner
def _fill(engine, slot_index, qty):
    """Take a fill off an order that waits."""
    slot = slot_at(engine.slots, slot_index)
    slot.qty_lot -= qty
    if slot.special & IS_HIDDEN == 0:
        level_at(engine.levels, slot.level).qty_lot -= qty
    if slot.qty_lot == 0 and not (slot.special & ICEBERG and refill(engine, slot_index)):
        unlink(engine, slot_index)
        end_order(engine, slot_index)
