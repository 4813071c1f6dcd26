"""A new order: it is checked, gets its slot, and acts."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    FOR_AUCTION,
    ICEBERG,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    PEGGED,
    POSTS_ONLY,
    SOLD_SHORT,
    WAITING_STOP,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
)
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.matching import match
from marketsim.kernel.order_action import act, hidden_rank, wait_for_auction, watch_as_peg, watch_as_stop
from marketsim.kernel.order_admission import not_now
from marketsim.kernel.order_checks import malformed
from marketsim.kernel.order_ids import enter_order, find_order, join_owner
from marketsim.kernel.queues import end_order, rest
from marketsim.kernel.tables import take_slot
from marketsim.kernel.tape import record_event, record_event_here, record_rejection
from marketsim.kernel.timers import add_timer
from marketsim.records import MAX_QTY_LOT, MAX_TICK, EventKind, Flag, Kind, Reason, Tif

MARKET, LIMIT, STOP = Kind.MARKET.value, Kind.LIMIT.value, Kind.STOP.value
STOP_LIMIT, TRAILING_STOP, MARKET_ON_OPEN = Kind.STOP_LIMIT.value, Kind.TRAILING_STOP.value, Kind.MARKET_ON_OPEN.value
MARKET_ON_CLOSE, IMBALANCE_ON_CLOSE, FIRST_PEG = Kind.MARKET_ON_CLOSE.value, Kind.IMBALANCE_ON_CLOSE.value, Kind.PEG_PRIMARY.value
LAST_PEG = Kind.PEG_MIDPOINT.value
GTC, GTD = Tif.GTC.value, Tif.GTD.value
POST_ONLY, HIDDEN, SHORT = Flag.POST_ONLY.value, Flag.HIDDEN.value, Flag.SHORT.value
ACCEPTED = EventKind.ACCEPTED.value
DUPLICATE_ORDER = Reason.DUPLICATE_ORDER.value


@inlined
def is_plain_limit(book, message):
    """Whether a message is a limit order without anything special in a book without anything special."""
    return (
        message.kind == LIMIT
        and message.tif <= GTC
        and message.tif >= 0
        and message.flags == 0
        and message.display_lot == 0
        and message.min_qty_lot == 0
        and book.quirks == 0
        and (message.side == 1 or message.side == -1)
        and 0 < message.qty_lot <= MAX_QTY_LOT
        and -MAX_TICK <= message.price_tick <= MAX_TICK
        and message.order_id >= 0
        and message.owner_id >= 0
    )


@inlined
def enter_plain_limit(engine, book_index, message):
    """Enter an order that `is_plain_limit` let through."""
    if find_order(engine, message.order_id) != NONE:
        record_rejection(engine, message, DUPLICATE_ORDER)
        return
    index = _new_slot(engine, book_index, message, message.price_tick, 0)
    slot = slot_at(engine.slots, index)
    record_event_here(engine, slot, ACCEPTED, 0, slot.qty_lot)
    trade_or_rest(engine, index)


@inlined
def trade_or_rest(engine, slot_index):
    """Trade a limit order as far as its price allows and let the remainder wait."""
    slot = slot_at(engine.slots, slot_index)
    best = ladder_at(engine.ladders, slot.book * LADDERS_A_BOOK + (ASKS if slot.side > 0 else BIDS)).best
    key = slot.side * slot.price_tick
    if best != NONE and level_at(engine.levels, best).key <= key:
        match(engine, slot_index, key)
        if slot.qty_lot == 0:
            end_order(engine, slot_index)
            return
    rest(engine, slot_index)


@inlined
def _new_slot(engine, book_index, message, price_tick, special):
    """Return a slot filled from a message, known by its id and to its owner, in no queue."""
    index = take_slot(engine)
    slot = slot_at(engine.slots, index)
    slot.price_tick = price_tick
    slot.qty_lot = message.qty_lot
    slot.order_id = message.order_id
    slot.arrival = engine.arrivals
    slot.level = NONE
    slot.owner_id = message.owner_id
    slot.book = book_index
    slot.kind = message.kind
    slot.side = message.side
    slot.tif = message.tif
    slot.special = special
    engine.arrivals += 1
    engine.n_live += 1
    enter_order(engine, message.order_id, index)
    if message.owner_id != 0:
        join_owner(engine, index)
    return index


@inner
def enter(engine, book_index, message):
    """Check a new order of any kind and let it act, or say why not."""
    reason = malformed(engine, book_index, message)
    if reason == 0 and find_order(engine, message.order_id) != NONE:
        reason = DUPLICATE_ORDER
    if reason == 0:
        reason = not_now(engine, book_index, message)
    if reason != 0:
        record_rejection(engine, message, reason)
        return
    index = _new_slot(engine, book_index, message, _first_price(message), _special(engine, book_index, message))
    slot = slot_at(engine.slots, index)
    extra = extra_at(engine.extras, index)
    extra.display_lot = message.display_lot
    extra.reserve_lot = 0
    extra.stop_tick = message.stop_tick
    extra.limit_tick = message.price_tick
    extra.expire_ns = message.expire_ns
    if slot.tif == GTD:
        add_timer(engine, message.expire_ns, slot.arrival, index)
    if slot.special & WAITING_STOP:
        watch_as_stop(engine, index, ACCEPTED)
    elif slot.special & PEGGED:
        watch_as_peg(engine, index, ACCEPTED)
    elif slot.special & FOR_AUCTION:
        record_event(engine, slot, ACCEPTED, 0, slot.qty_lot)
        wait_for_auction(engine, index)
    else:
        record_event(engine, slot, ACCEPTED, 0, slot.qty_lot)
        act(engine, index, message.min_qty_lot, message.flags)


@inner
def _first_price(message):
    """Return the price an order starts with: its limit, none for a market order, better than all others for one in an auction."""
    if message.kind == MARKET:
        return 0
    if message.kind in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
        return message.side * NO_PRICE
    return message.price_tick


@inner
def _special(engine, book_index, message):
    """Return what keeps an order off the shortest path."""
    special = 0
    hidden = message.flags & HIDDEN != 0
    kind = message.kind
    if kind in (STOP, STOP_LIMIT, TRAILING_STOP):
        special |= WAITING_STOP
    elif MARKET_ON_OPEN <= kind <= IMBALANCE_ON_CLOSE:
        special |= FOR_AUCTION
    elif FIRST_PEG <= kind <= LAST_PEG:
        special |= PEGGED
        hidden = True
    if hidden:
        special |= IS_HIDDEN
        if special & WAITING_STOP == 0:
            special |= hidden_rank(engine, book_index)
    if 0 < message.display_lot < message.qty_lot and kind in (LIMIT, STOP_LIMIT):
        special |= ICEBERG
    if message.flags & POST_ONLY:
        special |= POSTS_ONLY
    if message.flags & SHORT:
        special |= SOLD_SHORT
    return special
