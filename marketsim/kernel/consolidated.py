"""Several venues as one market: the best quote of a symbol over all of them, and what a venue owes to the quotes of the others.

Everything is read off the ladders when it is asked for; venues are few, and a book that nobody compares with another pays nothing.
"""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    CANCEL_REST,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    book_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.grid import on_grid
from marketsim.kernel.ladder import displayed
from marketsim.kernel.memory import accessor
from marketsim.kernel.tape import record_event
from marketsim.records import CONSOLIDATED, EventKind, Flag, Phase, QuoteState, Reason

CONTINUOUS = Phase.CONTINUOUS.value
SWEEP = Flag.SWEEP.value
REPRICED, TRADE_THROUGH = EventKind.REPRICED.value, Reason.TRADE_THROUGH.value
NORMAL, LOCKED, CROSSED = (state.value for state in QuoteState)
EVERY, PROTECTED = 0, 1

consolidated_at = accessor(CONSOLIDATED)


@inner
def quote(engine, book_index, which):
    """Return key and displayed quantity where a side of a book shows a round lot, better prices added up; NO_PRICE and 0 if nowhere."""
    book = book_at(engine.books, book_index)
    shown = 0
    if book.phase == CONTINUOUS:
        round_lot = venue_at(engine.venues, book.venue).round_lot
        index = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + which).best
        # ``shown`` is what all better levels display, and less than a round lot.
        while index != NONE:
            level = level_at(engine.levels, index)
            shown += level.qty_lot
            if shown >= round_lot:
                return level.key, shown
            index = level.worse
    return NO_PRICE, 0


@inner
def best_quote(engine, symbol, which, but_venue, protection):
    """Return key, quantity and venues (a bit each) of the best quote outside ``but_venue`` (NONE: of all), of PROTECTED or EVERY venue."""
    best_key, total, venues = NO_PRICE, 0, 0
    for venue in range(engine.n_venues):
        if venue == but_venue or venue_at(engine.venues, venue).quote_protected < protection:
            continue
        key, shown = quote(engine, venue * engine.n_symbols + symbol, which)
        if key < best_key:
            best_key, total, venues = key, shown, 1 << venue
        elif key == best_key and key != NO_PRICE:
            total += shown
            venues |= 1 << venue
    return best_key, total, venues


@inner
def national_bid(engine, symbol):
    """Return the best bid over all venues in ticks, NO_PRICE if there is none."""
    key, _, _ = best_quote(engine, symbol, BIDS, NONE, EVERY)
    return -key if key != NO_PRICE else NO_PRICE


@inner
def away_key(engine, book_index, side):
    """Return the key of the best protected quote of other venues, which an order of a side must respect here, NO_PRICE if there is none.

    While a protected bid stands above a protected offer nothing is protected (17 CFR 242.611(b)(4)).
    """
    book = book_at(engine.books, book_index)
    away, _, _ = best_quote(engine, book.symbol, ASKS if side > 0 else BIDS, book.venue, PROTECTED)
    if away == NO_PRICE:
        return NO_PRICE
    bid, _, _ = best_quote(engine, book.symbol, BIDS, NONE, PROTECTED)
    ask, _, _ = best_quote(engine, book.symbol, ASKS, NONE, PROTECTED)
    return NO_PRICE if bid != NO_PRICE and ask != NO_PRICE and ask < -bid else away


@inner
def write_consolidated(engine, symbol, table, row):
    """Write the best bid and offer over all venues into a row of CONSOLIDATED; of no symbol (NONE), zeros."""
    out = consolidated_at(table, row)
    out.bid_tick = out.bid_lot = out.ask_tick = out.ask_lot = out.bid_venues = out.ask_venues = 0
    out.state = NORMAL
    if symbol == NONE:
        return
    bid, out.bid_lot, out.bid_venues = best_quote(engine, symbol, BIDS, NONE, EVERY)
    ask, out.ask_lot, out.ask_venues = best_quote(engine, symbol, ASKS, NONE, EVERY)
    if bid != NO_PRICE:
        out.bid_tick = -bid
    if ask != NO_PRICE:
        out.ask_tick = ask
    if bid != NO_PRICE and ask != NO_PRICE and ask <= -bid:
        out.state = LOCKED if ask == -bid else CROSSED


@inner
def references(engine, book_index):
    """Return the bid and ask in ticks that the pegs of a book follow, NO_PRICE where there is none."""
    book = book_at(engine.books, book_index)
    if venue_at(engine.venues, book.venue).peg_consolidated:
        bid, _, _ = best_quote(engine, book.symbol, BIDS, NONE, EVERY)
        ask, _, _ = best_quote(engine, book.symbol, ASKS, NONE, EVERY)
        return (-bid if bid != NO_PRICE else NO_PRICE), ask
    return displayed(engine, book_index)


@inner
def watch_away(engine, book, step):
    """Let the other venues' books of a symbol know that a peg follows them as well (1), or that it no longer does (-1)."""
    if venue_at(engine.venues, book.venue).peg_consolidated:
        for venue in range(engine.n_venues):
            if venue != book.venue:
                book_at(engine.books, venue * engine.n_symbols + book.symbol).awake += step


@inner
def stand_clear(engine, slot_index, away):
    """Move an order about to wait so that it neither locks nor crosses the quote at ``away``; return whether it may wait.

    A hidden order displays nothing, so it may wait at that price, yet not beyond it (17 CFR 242.610(d) and the venues' rules under it).
    """
    slot = slot_at(engine.slots, slot_index)
    venue = venue_at(engine.venues, book_at(engine.books, slot.book).venue)
    clear_key = away if slot.special & IS_HIDDEN else away - 1
    if slot.side * slot.price_tick <= clear_key:
        return True
    price = on_grid(engine, venue, slot.side, slot.side * clear_key)
    if venue.trade_through == CANCEL_REST or price < venue.lowest_tick or price > venue.highest_tick:
        return False
    slot.price_tick = price
    record_event(engine, slot, REPRICED, TRADE_THROUGH, slot.qty_lot)
    return True
