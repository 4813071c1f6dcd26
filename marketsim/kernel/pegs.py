"""Pegged orders: hidden, priced from the best displayed prices, priced anew whenever those change, and then last in their new queue."""

from __future__ import annotations

from marketsim.kernel.book_state import ALLOW, NO_PRICE, NONE, SOLD_SHORT, book_at, extra_at, slot_at, venue_at
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import away_key, national_bid, references
from marketsim.kernel.grid import on_grid
from marketsim.kernel.matching import match
from marketsim.kernel.queues import end_order, rest, unlink
from marketsim.kernel.session_state import session_at
from marketsim.kernel.tape import record_event
from marketsim.records import MAX_TICK, EventKind, Kind, Phase

REPRICED = EventKind.REPRICED.value
CONTINUOUS = Phase.CONTINUOUS.value
PRIMARY, MARKET = Kind.PEG_PRIMARY.value, Kind.PEG_MARKET.value


@inner
def peg_price(engine, slot_index, bid_tick, ask_tick):
    """Return the price of a peg, or NO_PRICE: reference + side * offset, short of the other side, within its limit and its band."""
    slot = slot_at(engine.slots, slot_index)
    extra = extra_at(engine.extras, slot_index)
    own, other = (bid_tick, ask_tick) if slot.side > 0 else (ask_tick, bid_tick)
    if slot.kind == PRIMARY:
        reference = own
    elif slot.kind == MARKET:
        reference = other
    elif own == NO_PRICE or other == NO_PRICE:
        reference = NO_PRICE
    else:
        # Half a tick is given to the other side: a buyer rounds down, a seller up.
        reference = slot.side * ((slot.side * (bid_tick + ask_tick)) // 2)
    if reference == NO_PRICE:
        return NO_PRICE
    # In keys of the other side a buyer's price is itself and a seller's its negative, so that "no more aggressive than" is min.
    key = slot.side * reference + extra.stop_tick
    if other != NO_PRICE:
        key = min(key, slot.side * other - 1)
    session = session_at(engine.sessions, slot.book)
    key = min(key, slot.side * extra.limit_tick, slot.side * (session.upper_tick if slot.side > 0 else session.lower_tick))
    book = book_at(engine.books, slot.book)
    venue = venue_at(engine.venues, book.venue)
    if venue.trade_through != ALLOW:
        key = min(key, away_key(engine, slot.book, slot.side))
    if slot.special & SOLD_SHORT and session.short_sessions > 0:
        bid_tick = national_bid(engine, book.symbol)
        if bid_tick != NO_PRICE:
            key = min(key, -bid_tick - 1)
    price = on_grid(engine, venue, slot.side, slot.side * key)
    return price if venue.lowest_tick <= price <= MAX_TICK else NO_PRICE


@inner
def stale_book(engine, symbol):
    """Return the first venue's book of a symbol whose pegs follow all venues and have not yet followed a change, or NONE."""
    for venue in range(engine.n_venues):
        book_index = venue * engine.n_symbols + symbol
        book = book_at(engine.books, book_index)
        if book.n_pegs > 0 and book.phase == CONTINUOUS and venue_at(engine.venues, venue).peg_consolidated:
            bid_tick, ask_tick = references(engine, book_index)
            if bid_tick != book.bid_reference_tick or ask_tick != book.ask_reference_tick:
                return book_index
    return NONE


@inner
def reprice_pegs(engine, book_index):
    """Price the book's pegs anew, in order of acceptance, if a reference has changed; return whether it had."""
    book = book_at(engine.books, book_index)
    bid_tick, ask_tick = references(engine, book_index)
    if bid_tick == book.bid_reference_tick and ask_tick == book.ask_reference_tick:
        return False
    book.bid_reference_tick = bid_tick
    book.ask_reference_tick = ask_tick
    index = book.peg_head
    while index != NONE:
        # A peg that trades may end others; whoever ends moves the cursor past itself.
        book.peg_cursor = extra_at(engine.extras, index).list_next
        _reprice(engine, index, peg_price(engine, index, bid_tick, ask_tick))
        index = book.peg_cursor
    return True


@inner
def _reprice(engine, slot_index, price):
    slot = slot_at(engine.slots, slot_index)
    if (price == NO_PRICE and slot.level == NONE) or (price == slot.price_tick and slot.level != NONE):
        return
    if slot.level != NONE:
        unlink(engine, slot_index)
    if price == NO_PRICE:
        record_event(engine, slot, REPRICED, 0, 0)
        return
    slot.price_tick = price
    record_event(engine, slot, REPRICED, 0, slot.qty_lot)
    enter_peg(engine, slot_index)


@inner
def enter_peg(engine, slot_index):
    """Let a peg trade with hidden orders at its price, and then wait."""
    slot = slot_at(engine.slots, slot_index)
    match(engine, slot_index, slot.side * slot.price_tick)
    if slot.qty_lot > 0:
        rest(engine, slot_index)
    else:
        end_order(engine, slot_index)
