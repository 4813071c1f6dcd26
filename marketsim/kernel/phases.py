"""Session phases: what leaving one and entering another does to a book."""

from __future__ import annotations

from marketsim.kernel.auctions import drop_all, uncross
from marketsim.kernel.book_state import (
    GUARDED,
    LADDERS_A_BOOK,
    NO_PRICE,
    NO_TIMER,
    NONE,
    OPEN_BUYS,
    OUT_OF_HOURS,
    book_at,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.prints import end_of_day
from marketsim.kernel.queues import cancel
from marketsim.kernel.session_clock import arm, plan_indication
from marketsim.kernel.session_state import session_at
from marketsim.kernel.stops import watch_last
from marketsim.kernel.tape import record_rejection, write_event
from marketsim.records import EventKind, Phase, Reason, Tif

CLOSED, OPENING, CONTINUOUS = Phase.CLOSED.value, Phase.OPENING_AUCTION.value, Phase.CONTINUOUS.value
VOLATILITY, HALT, CLOSING = Phase.VOLATILITY_AUCTION.value, Phase.HALT.value, Phase.CLOSING_AUCTION.value
EXPIRED, PHASE = EventKind.EXPIRED.value, EventKind.PHASE.value
SHORT_SALES, PREVIOUS_CLOSE = EventKind.SHORT_SALES.value, EventKind.PREVIOUS_CLOSE.value
END_OF_SESSION, WRONG_PHASE, BAD_EXPIRY = Reason.END_OF_SESSION.value, Reason.WRONG_PHASE.value, Reason.BAD_EXPIRY.value
DAY = Tif.DAY.value


@inner
def change_phase(engine, book_index, message):
    """Enter the phase a message from the venue names; a halt or volatility auction may be given an end."""
    phase = message.qty_lot
    if not CLOSED <= phase <= CLOSING:
        record_rejection(engine, message, WRONG_PHASE)
        return
    is_timed = message.expire_ns != 0 and phase in (HALT, VOLATILITY)
    if is_timed and message.expire_ns <= engine.clock_ns:
        record_rejection(engine, message, BAD_EXPIRY)
        return
    enter_phase(engine, book_index, phase, message.expire_ns if is_timed else NO_TIMER)
    arm(engine, book_index)


@inner
def enter_phase(engine, book_index, phase, until_ns):
    """Hold the auction that ends with the present phase, end what the new one ends, and let stops see what happened.

    At ``until_ns`` (NO_TIMER for never) the phase ends by itself, if the caller arms the book's timer.
    """
    book = book_at(engine.books, book_index)
    session = session_at(engine.sessions, book_index)
    session.phase_until_ns = until_ns
    before = book.phase
    if phase == before:
        return
    if before != CONTINUOUS and (phase == CONTINUOUS or (phase == CLOSED and before in (OPENING, VOLATILITY, CLOSING))):
        uncross(engine, book_index, before)
    book.phase = phase
    book.quirks = book.quirks & ~OUT_OF_HOURS | (0 if phase == CONTINUOUS else OUT_OF_HOURS)
    session.limit_side, session.limit_until_ns = 0, NO_TIMER
    session.lower_tick, session.upper_tick = -NO_PRICE, NO_PRICE
    plan_indication(engine, book_index)
    write_event(engine, PHASE, 0, NONE, 0, 0, 0, phase, book.symbol, book.venue)
    if phase == CLOSED:
        _end_session(engine, book_index)
        if book.quirks & GUARDED:
            _end_day(engine, book_index)
    elif phase == CONTINUOUS and book.awake > 0 and book.traded:
        watch_last(engine, book_index)


@inner
def _end_session(engine, book_index):
    """End day orders, ladder by ladder, best price first; then stops and pegs that stand nowhere; then what waits for an auction."""
    book = book_at(engine.books, book_index)
    base = book_index * LADDERS_A_BOOK
    for which in range(OPEN_BUYS):
        level_index = ladder_at(engine.ladders, base + which).best
        # Every better level has no day order left.
        while level_index != NONE:
            level = level_at(engine.levels, level_index)
            worse = level.worse
            hidden = level.hidden_head
            _expire_queue(engine, level.head)
            _expire_queue(engine, hidden)
            level_index = worse
    _expire_list(engine, book.trail_head)
    _expire_list(engine, book.peg_head)
    for which in range(OPEN_BUYS, LADDERS_A_BOOK):
        drop_all(engine, base + which)


@inner
def _end_day(engine, book_index):
    """Take the previous close from the session that ends, and count down the short-sale restriction."""
    book = book_at(engine.books, book_index)
    session = session_at(engine.sessions, book_index)
    if end_of_day(engine, book_index, book.last_tick):
        write_event(engine, PREVIOUS_CLOSE, 0, NONE, 0, 0, book.last_tick, 0, book.symbol, book.venue)
    if session.short_sessions > 0:
        session.short_sessions -= 1
        if session.short_sessions == 0:
            write_event(engine, SHORT_SALES, 0, NONE, 0, 0, 0, 0, book.symbol, book.venue)


@inner
def _expire_queue(engine, index):
    while index != NONE:
        slot = slot_at(engine.slots, index)
        after = slot.next
        if slot.tif == DAY:
            cancel(engine, index, EXPIRED, END_OF_SESSION)
        index = after


@inner
def _expire_list(engine, index):
    while index != NONE:
        after = extra_at(engine.extras, index).list_next
        if slot_at(engine.slots, index).tif == DAY:
            cancel(engine, index, EXPIRED, END_OF_SESSION)
        index = after
