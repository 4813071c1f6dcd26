"""What keeps prices in bounds: the price bands with their limit state, and the short-sale restriction.

Both are brought up to date between orders, never while one trades: what an order may do is fixed when it enters.
"""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    LADDERS_A_BOOK,
    NO_PRICE,
    NO_TIMER,
    NONE,
    PEGGED,
    book_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import national_bid
from marketsim.kernel.grid import increment_at, next_price
from marketsim.kernel.ladder import displayed
from marketsim.kernel.prints import forget_prints
from marketsim.kernel.queues import cancel, join_level, unlink
from marketsim.kernel.session_clock import later
from marketsim.kernel.session_state import band_width_at, session_at
from marketsim.kernel.tape import open_qty, record_event, write_event
from marketsim.records import EventKind, Reason

CANCELLED, REPRICED, BAND = EventKind.CANCELLED.value, EventKind.REPRICED.value, EventKind.BAND.value
LIMIT_STATE, SHORT_SALES = EventKind.LIMIT_STATE.value, EventKind.SHORT_SALES.value
OUTSIDE_BAND, SHORT_SALE = Reason.OUTSIDE_BAND.value, Reason.SHORT_SALE.value
ALL_PPM = 1_000_000


@inner
def admitted(engine, book_index, side, is_short, at_market, price_tick):
    """Return the price at which an order may enter now, the rule that moves it there (0 for none), and whether the venue refuses instead.

    A market order has the price ∓NO_PRICE, or the limit its protection gives it; a band bounds it but does not refuse it. The bands are the
    venue's own; a short sale looks at the best bid over all venues (17 CFR 242.201(b)(1)).
    """
    session = session_at(engine.sessions, book_index)
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    why = 0
    band_tick = session.upper_tick if side > 0 else session.lower_tick
    if side * (price_tick - band_tick) > 0:
        if venue.bands_refuse and not at_market:
            return price_tick, OUTSIDE_BAND, 1
        why = OUTSIDE_BAND
        price_tick = band_tick
    if is_short and session.short_sessions > 0:
        bid_tick = national_bid(engine, book.symbol)
        if bid_tick != NO_PRICE and price_tick <= bid_tick:
            if venue.shorts_refuse or at_market:
                return price_tick, SHORT_SALE, 1
            why = SHORT_SALE
            price_tick = next_price(engine, venue, bid_tick, 1)
    return price_tick, why, 0


@inner
def supervise(engine, book_index):
    """Bring the guards of a book in continuous trading up to date with the time and with what has traded."""
    session = session_at(engine.sessions, book_index)
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    close, low = session.previous_close_tick, session.low_tick
    watched = session.short_sessions < venue.short_sessions and close != NO_PRICE and low != NO_PRICE
    if watched and (close - low) * ALL_PPM >= venue.short_fall_ppm * close:
        _restrict_shorts(engine, book.symbol, low)
    if session.n_widths > 0 and session.limit_side == 0:
        _follow_reference(engine, session, venue)
        if session.reference_tick != NO_PRICE:
            _set_bands(engine, book_index, session, book, venue)


@inner
def _restrict_shorts(engine, symbol, low_tick):
    """Begin the short-sale restriction of a symbol at every venue that has one: a fall is found once for the whole market."""
    for k in range(engine.n_venues):
        venue = venue_at(engine.venues, k)
        session = session_at(engine.sessions, k * engine.n_symbols + symbol)
        if session.short_sessions < venue.short_sessions:
            session.short_sessions = venue.short_sessions
            write_event(engine, SHORT_SALES, 0, NONE, 0, 0, low_tick, 1, symbol, k)


@inner
def _follow_reference(engine, session, venue):
    """Publish a new reference price if there is none, or if the mean of the trades looked back at is far enough from it, long enough."""
    forget_prints(engine, session, engine.clock_ns - venue.band_window_ns)
    old = session.reference_tick
    n = session.n_prints
    mean = (2 * session.sum_tick + n) // (2 * n) if n > 0 else old
    if old == NO_PRICE:
        new = mean if n > 0 else session.previous_close_tick
    elif (
        engine.clock_ns >= later(session.reference_ns, venue.band_hold_ns) and abs(mean - old) * ALL_PPM >= venue.band_least_move_ppm * old
    ):
        new = mean
    else:
        new = old
    if new != old:
        session.reference_tick = new
        session.reference_ns = engine.clock_ns


@inner
def _set_bands(engine, book_index, session, book, venue):
    """Work out the bands; if they are new, tell them and move what lies outside."""
    reference = session.reference_tick
    judged = session.previous_close_tick if session.previous_close_tick != NO_PRICE else reference
    width = band_width_at(engine.band_widths, session.first_width)
    # ``width`` is the last row that starts at or below the price that decides.
    for k in range(1, session.n_widths):
        row = band_width_at(engine.band_widths, session.first_width + k)
        if row.from_tick <= judged:
            width = row
    factor = 1
    if session.opening_ns <= engine.clock_ns < later(session.opening_ns, venue.band_open_window_ns):
        factor = width.open_factor
    if session.closing_ns - venue.band_close_window_ns <= engine.clock_ns:
        factor = max(factor, width.close_factor)
    away = min((reference * width.width_ppm * factor + ALL_PPM // 2) // ALL_PPM, width.most_tick * factor)
    lower = _rounded(engine, venue, max(reference - away, venue.lowest_tick))
    upper = _rounded(engine, venue, reference + away)
    if lower == session.lower_tick and upper == session.upper_tick:
        return
    session.lower_tick, session.upper_tick = lower, upper
    write_event(engine, BAND, 0, NONE, 0, 1, upper, 0, book.symbol, book.venue)
    write_event(engine, BAND, 0, NONE, 0, -1, lower, 0, book.symbol, book.venue)
    _bring_inside(engine, book_index, 1, upper)
    _bring_inside(engine, book_index, -1, lower)
    book.bid_reference_tick = NO_PRICE + 1  # pegs are held by the old bands: price them anew


@inner
def _rounded(engine, venue, price_tick):
    """Return the nearest price of the grid, upwards from the middle, not below the venue's lowest."""
    if venue.n_tick_bands > 0:
        increment = increment_at(engine, venue, price_tick)
        price_tick = (price_tick + increment // 2) // increment * increment
        if price_tick < venue.lowest_tick:
            price_tick += increment
    return price_tick


@inner
def _bring_inside(engine, book_index, side, band_tick):
    """Move one side's orders beyond their new band to it, best price first, or cancel them where the venue refuses such orders."""
    venue = venue_at(engine.venues, book_at(engine.books, book_index).venue)
    ladder_index = book_index * LADDERS_A_BOOK + (BIDS if side > 0 else ASKS)
    ladder = ladder_at(engine.ladders, ladder_index)
    # Every pass takes one order off the levels beyond the band.
    while ladder.best != NONE and level_at(engine.levels, ladder.best).key < -side * band_tick:
        level = level_at(engine.levels, ladder.best)
        index = level.head if level.head != NONE else level.hidden_head
        slot = slot_at(engine.slots, index)
        if venue.bands_refuse and slot.special & PEGGED == 0:
            cancel(engine, index, CANCELLED, OUTSIDE_BAND)
            continue
        unlink(engine, index)
        slot.price_tick = band_tick
        record_event(engine, slot, REPRICED, OUTSIDE_BAND, open_qty(engine, index, slot))
        join_level(engine, index, ladder_index, -side * band_tick)


@inner
def watch_limit_state(engine, book_index):
    """Enter or leave the limit state; return whether that happened."""
    session = session_at(engine.sessions, book_index)
    bid_tick, ask_tick = displayed(engine, book_index)
    side = 0
    if session.upper_tick != NO_PRICE:
        side = 1 if bid_tick == session.upper_tick else -1 if ask_tick == session.lower_tick else 0
    if side == session.limit_side:
        return False
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    for begins in range(2):
        changed = side if begins else session.limit_side
        if changed != 0:
            band_tick = session.upper_tick if changed > 0 else session.lower_tick
            write_event(engine, LIMIT_STATE, 0, NONE, 0, changed, band_tick, begins, book.symbol, book.venue)
    session.limit_side = side
    session.limit_until_ns = later(engine.clock_ns, venue.limit_state_ns) if side != 0 else NO_TIMER
    return True
