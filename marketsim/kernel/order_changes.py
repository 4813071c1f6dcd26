"""Cancel, reduce and replace: what may be done to an order that waits. Each returns the book it touched, or NONE."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    FOR_AUCTION,
    GUARDED,
    NONE,
    PEGGED,
    POSTS_ONLY,
    SOLD_SHORT,
    WAITING_STOP,
    book_at,
    extra_at,
    owner_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.guards import admitted
from marketsim.kernel.order_action import act, wait_for_auction, watch_as_peg, watch_as_stop
from marketsim.kernel.order_admission import too_late, would_trade
from marketsim.kernel.order_checks import bad_price, bad_prices, bad_qty
from marketsim.kernel.order_entry import trade_or_rest
from marketsim.kernel.order_ids import find_order, find_owner
from marketsim.kernel.queues import cancel, forget_watch, reduce_resting, unlink
from marketsim.kernel.tape import open_qty, record_event, record_rejection
from marketsim.records import EventKind, Kind, Phase, Reason

CANCELLED, REDUCED, REPLACED = EventKind.CANCELLED.value, EventKind.REDUCED.value, EventKind.REPLACED.value
ON_REQUEST, UNKNOWN_ORDER, BAD_OWNER = Reason.ON_REQUEST.value, Reason.UNKNOWN_ORDER.value, Reason.BAD_OWNER.value
WRONG_PHASE, WOULD_TRADE = Reason.WRONG_PHASE.value, Reason.WOULD_TRADE.value
MARKET_ON_OPEN, MARKET_ON_CLOSE = Kind.MARKET_ON_OPEN.value, Kind.MARKET_ON_CLOSE.value
CONTINUOUS, CLOSED = Phase.CONTINUOUS.value, Phase.CLOSED.value


@inlined
def cancel_one(engine, message):
    """Take back one order."""
    index = find_order(engine, message.order_id)
    if index == NONE:
        record_rejection(engine, message, UNKNOWN_ORDER)
        return NONE
    book_index = slot_at(engine.slots, index).book
    cancel(engine, index, CANCELLED, ON_REQUEST)
    return book_index


@inner
def cancel_of_owner(engine, message, book_index):
    """Take back every order of an owner in one book, or in all books of the venue, in the order in which they were accepted."""
    if message.owner_id <= 0:
        record_rejection(engine, message, BAD_OWNER)
        return
    owner = owner_at(engine.owners, find_owner(engine, message.owner_id))
    index = owner.head if owner.owner_id != 0 else NONE
    found = False
    while index != NONE:
        slot = slot_at(engine.slots, index)
        after = slot.owner_next
        if slot.book == book_index or (book_index == NONE and book_at(engine.books, slot.book).venue == message.venue):
            cancel(engine, index, CANCELLED, ON_REQUEST)
            found = True
        index = after
    if not found:
        record_rejection(engine, message, UNKNOWN_ORDER)


@inner
def reduce_one(engine, message):
    """Take some of an order's open quantity off where it stands; all of it or more is a cancel."""
    index = find_order(engine, message.order_id)
    if index == NONE:
        record_rejection(engine, message, UNKNOWN_ORDER)
        return NONE
    slot = slot_at(engine.slots, index)
    book_index = slot.book
    reason = bad_qty(venue_at(engine.venues, book_at(engine.books, book_index).venue), message.qty_lot)
    if reason != 0:
        record_rejection(engine, message, reason)
        return NONE
    if message.qty_lot >= open_qty(engine, index, slot):
        cancel(engine, index, CANCELLED, ON_REQUEST)
    else:
        reduce_resting(engine, index, message.qty_lot)
        record_event(engine, slot, REDUCED, ON_REQUEST, message.qty_lot)
    return book_index


@inner
def replace_one(engine, message):
    """Give an order a new price and a new open quantity under the same id."""
    index = find_order(engine, message.order_id)
    if index == NONE:
        record_rejection(engine, message, UNKNOWN_ORDER)
        return NONE
    slot = slot_at(engine.slots, index)
    book_index = slot.book
    reason = _bad_replacement(engine, index, message)
    if reason != 0:
        record_rejection(engine, message, reason)
        return NONE
    if slot.special & (WAITING_STOP | PEGGED):
        _replace_watch(engine, index, message)
        return book_index
    venue = venue_at(engine.venues, book_at(engine.books, book_index).venue)
    was_open = open_qty(engine, index, slot)
    if message.price_tick == slot.price_tick and message.qty_lot <= was_open and venue.replace_loses_priority == 0:
        if message.qty_lot < was_open:
            reduce_resting(engine, index, was_open - message.qty_lot)
        record_event(engine, slot, REPLACED, 0, message.qty_lot)
        return book_index
    unlink(engine, index)
    if slot.kind not in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
        slot.price_tick = message.price_tick
    slot.qty_lot = message.qty_lot
    record_event(engine, slot, REPLACED, 0, message.qty_lot)
    if slot.special & FOR_AUCTION:
        wait_for_auction(engine, index)
        return book_index
    if slot.special == 0 and book_at(engine.books, book_index).quirks == 0:
        trade_or_rest(engine, index)
    else:
        act(engine, index, 0, message.flags)
    return book_index


@inner
def _bad_replacement(engine, slot_index, message):
    """Return why an order cannot be replaced as asked, or 0; the order then stays as it is."""
    slot = slot_at(engine.slots, slot_index)
    book = book_at(engine.books, slot.book)
    venue = venue_at(engine.venues, book.venue)
    reason = bad_qty(venue, message.qty_lot)
    if reason == 0:
        # What waits at a price of its own has become a limit order, whatever it was sent as.
        if slot.special & (WAITING_STOP | PEGGED):
            reason = bad_prices(engine, venue, slot.kind, message)
        elif slot.kind not in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
            reason = bad_price(engine, venue, message.price_tick)
    if reason == 0 and slot.special & FOR_AUCTION:
        reason = too_late(engine, slot.book, slot.kind)
    if reason == 0 and book.phase == CLOSED:
        reason = WRONG_PHASE
    if reason == 0 and book.phase == CONTINUOUS and slot.special & (WAITING_STOP | PEGGED | FOR_AUCTION) == 0:
        price = message.price_tick
        if book.quirks & GUARDED:
            price, moved_by, refused = admitted(engine, slot.book, slot.side, slot.special & SOLD_SHORT, False, price)
            if refused:
                return moved_by
        if slot.special & POSTS_ONLY and would_trade(engine, slot.book, slot.side, price):
            reason = WOULD_TRADE
    return reason


@inner
def _replace_watch(engine, slot_index, message):
    """Give a waiting stop or a peg its new prices and quantity; it starts again at the back."""
    slot = slot_at(engine.slots, slot_index)
    kinds = slot.special
    if slot.level != NONE:
        unlink(engine, slot_index)
    forget_watch(engine, slot_index)
    slot.special = kinds
    slot.price_tick = message.price_tick
    slot.qty_lot = message.qty_lot
    extra = extra_at(engine.extras, slot_index)
    extra.reserve_lot = 0
    extra.stop_tick = message.stop_tick
    extra.limit_tick = message.price_tick
    if kinds & PEGGED:
        watch_as_peg(engine, slot_index, REPLACED)
    else:
        watch_as_stop(engine, slot_index, REPLACED)
