"""An incoming order against the waiting ones: best price first, first come first served inside it, at the price of the one who waited."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    ICEBERG,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PREVENTION,
    NONE,
    book_at,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.queues import cancel, end_order, reduce_resting, refill, unlink
from marketsim.kernel.stops import after_trade
from marketsim.kernel.tape import open_qty, record_event, record_trade
from marketsim.records import EventKind, Reason

CANCELLED, REDUCED = EventKind.CANCELLED.value, EventKind.REDUCED.value
SELF_TRADE = Reason.SELF_TRADE.value


@inner
def match(engine, taker_index, limit_key):
    """Trade an order that is in no queue until it is filled, or nothing at ``limit_key`` of the other side or better is left."""
    taker = slot_at(engine.slots, taker_index)
    book = book_at(engine.books, taker.book)
    ladder = ladder_at(engine.ladders, taker.book * LADDERS_A_BOOK + (ASKS if taker.side > 0 else BIDS))
    prevention = NO_PREVENTION if taker.owner_id == 0 else venue_at(engine.venues, book.venue).self_trade
    while taker.qty_lot > 0 and ladder.best != NONE:
        level = level_at(engine.levels, ladder.best)
        if level.key > limit_key:
            break
        maker_index = level.head if level.head != NONE else level.hidden_head
        maker = slot_at(engine.slots, maker_index)
        if prevention != NO_PREVENTION and maker.owner_id == taker.owner_id:
            _prevent_self_trade(engine, prevention, taker, maker_index)
            continue
        qty = min(taker.qty_lot, maker.qty_lot)
        price = maker.price_tick
        record_trade(engine, book, maker, taker, price, qty, taker.side)
        book.last_tick = price
        book.traded = 1
        taker.qty_lot -= qty
        maker.qty_lot -= qty
        if maker.special & IS_HIDDEN == 0:
            level.qty_lot -= qty
        if maker.qty_lot == 0 and not (maker.special & ICEBERG and refill(engine, maker_index)):
            unlink(engine, maker_index)
            end_order(engine, maker_index)
        if book.awake > 0:
            after_trade(engine, taker.book)


@inner
def _prevent_self_trade(engine, mode, taker, maker_index):
    """Keep an owner from trading with themselves; the taker or the maker is smaller or gone afterwards."""
    maker = slot_at(engine.slots, maker_index)
    if mode == CANCEL_OLDEST:
        cancel(engine, maker_index, CANCELLED, SELF_TRADE)
        return
    gone = taker.qty_lot
    if mode == CANCEL_BOTH:
        cancel(engine, maker_index, CANCELLED, SELF_TRADE)
    elif mode != CANCEL_NEWEST:
        # Decrement and cancel: both lose the smaller of the two quantities.
        waiting = open_qty(engine, maker_index, maker)
        gone = min(taker.qty_lot, waiting)
        if gone == waiting:
            cancel(engine, maker_index, CANCELLED, SELF_TRADE)
        else:
            record_event(engine, maker, REDUCED, SELF_TRADE, gone)
            reduce_resting(engine, maker_index, gone)
    record_event(engine, taker, CANCELLED if gone == taker.qty_lot else REDUCED, SELF_TRADE, gone)
    taker.qty_lot -= gone


@inner
def tradable(engine, book_index, side, owner_id, limit_key, enough):
    """Return how much an order could trade at once, counted up to ``enough`` or to where self-trade prevention would stop it."""
    prevention = NO_PREVENTION if owner_id == 0 else venue_at(engine.venues, book_at(engine.books, book_index).venue).self_trade
    level_index = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + (ASKS if side > 0 else BIDS)).best
    total = 0
    # ``total`` is what all better levels offer.
    while level_index != NONE and total < enough:
        level = level_at(engine.levels, level_index)
        if level.key > limit_key:
            break
        reserves = 0
        for queue in range(2):
            index = level.head if queue == 0 else level.hidden_head
            while index != NONE:
                maker = slot_at(engine.slots, index)
                if prevention == NO_PREVENTION or maker.owner_id != owner_id:
                    total += maker.qty_lot
                    if maker.special & ICEBERG:
                        reserves += extra_at(engine.extras, index).reserve_lot
                elif prevention != CANCEL_OLDEST:
                    return total
                index = maker.next
            # Slices that refill go behind the displayed queue, and before the hidden one.
            total += reserves
            reserves = 0
        level_index = level.worse
    return total
