"""What happens to a book by the clock, and to all books at once: scheduled phases, ends of halts, indications, market-wide breakers."""

from __future__ import annotations

from marketsim.kernel.auctions import clearing
from marketsim.kernel.book_state import NO_PRICE, NO_TIMER, NONE, book_at, venue_at
from marketsim.kernel.compile import inner
from marketsim.kernel.phases import enter_phase
from marketsim.kernel.session_clock import arm, later, plan_indication
from marketsim.kernel.session_state import breaker_level_at, scheduled_at, session_at
from marketsim.kernel.tape import record_rejection, write_event
from marketsim.records import MAX_REFERENCE_TICK, EventKind, Kind, Phase, Reason

CLOSED, CONTINUOUS, CLOSING = Phase.CLOSED.value, Phase.CONTINUOUS.value, Phase.CLOSING_AUCTION.value
VOLATILITY, HALT = Phase.VOLATILITY_AUCTION.value, Phase.HALT.value
INDICATION, IMBALANCE = EventKind.INDICATION.value, EventKind.IMBALANCE.value
MARKET_HALT, CLOSE_TOLD = EventKind.MARKET_HALT.value, EventKind.PREVIOUS_CLOSE.value
PREVIOUS_CLOSE = Kind.PREVIOUS_CLOSE.value
BAD_PRICE, NO_PREVIOUS_CLOSE = Reason.BAD_PRICE.value, Reason.NO_PREVIOUS_CLOSE.value
ALL_PPM = 1_000_000


@inner
def ring(engine, book_index):
    """Do the first of what is due for a book: the timetable, then the end of a halt, then of a limit state, then an indication."""
    session = session_at(engine.sessions, book_index)
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    now = engine.clock_ns
    if session.schedule_at < session.schedule_end and scheduled_at(engine.schedule, session.schedule_at).time_ns <= now:
        _follow_timetable(engine, book_index)
    elif session.phase_until_ns <= now:
        if book.phase == HALT and session.scheduled_phase == CONTINUOUS:
            enter_phase(engine, book_index, VOLATILITY, later(now, venue.reopening_ns))
        else:
            enter_phase(engine, book_index, session.scheduled_phase, NO_TIMER)
    elif session.limit_until_ns <= now:
        enter_phase(engine, book_index, VOLATILITY, later(now, venue.pause_ns))
    elif session.indication_ns <= now:
        price, paired, surplus = clearing(engine, book_index, CLOSING if book.phase == CONTINUOUS else book.phase)
        told = price if price != NO_PRICE else 0
        side = 1 if surplus > 0 else -1 if surplus < 0 else 0
        write_event(engine, INDICATION, 0, NONE, 0, 0, told, paired, book.symbol, book.venue)
        write_event(engine, IMBALANCE, 0, NONE, 0, side, told, abs(surplus), book.symbol, book.venue)
        plan_indication(engine, book_index)


@inner
def _follow_timetable(engine, book_index):
    """Enter the scheduled phase, unless the book is halted: only CLOSED ends a halt, and a pause does not end early."""
    session = session_at(engine.sessions, book_index)
    row = scheduled_at(engine.schedule, session.schedule_at)
    session.schedule_at += 1
    session.scheduled_phase, session.opening_ns, session.closing_ns = row.phase, row.opening_ns, row.closing_ns
    phase = book_at(engine.books, book_index).phase
    halted = (phase == HALT and row.phase != CLOSED) or (phase == VOLATILITY and row.phase == CONTINUOUS)
    if not halted:
        enter_phase(engine, book_index, row.phase, NO_TIMER)


@inner
def take_previous_close(engine, book_index, message):
    """Take a symbol's previous close from the venue."""
    if not 0 < message.price_tick <= MAX_REFERENCE_TICK:
        record_rejection(engine, message, BAD_PRICE)
        return
    session_at(engine.sessions, book_index).previous_close_tick = message.price_tick
    write_event(engine, CLOSE_TOLD, 0, NONE, 0, 0, message.price_tick, 0, message.symbol, message.venue)


@inner
def take_index(engine, message):
    """Take the index's previous close, with which its day begins, or its level, which may halt every book of every venue."""
    level_tick = message.price_tick
    n_books = engine.n_venues * engine.n_symbols
    if not 0 < level_tick <= MAX_REFERENCE_TICK:
        record_rejection(engine, message, BAD_PRICE)
    elif message.kind == PREVIOUS_CLOSE:
        engine.index_close_tick = level_tick
        write_event(engine, CLOSE_TOLD, 0, NONE, 0, 0, level_tick, 0, NONE, message.venue)
        for book_index in range(n_books):
            session_at(engine.sessions, book_index).breaker_level = 0
    elif engine.index_close_tick == 0:
        record_rejection(engine, message, NO_PREVIOUS_CLOSE)
    else:
        for book_index in range(n_books):
            _break_circuit(engine, book_index, level_tick)


@inner
def _break_circuit(engine, book_index, level_tick):
    """Halt a book if the index has reached a new level of its venue's breakers; a longer halt under way stays as long as it is."""
    session = session_at(engine.sessions, book_index)
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    if book.phase != CONTINUOUS and book.phase != VOLATILITY and book.phase != HALT:
        return
    close = engine.index_close_tick
    reached = session.breaker_level
    until_ns = NO_TIMER
    # ``reached`` is the highest level found so far, and ``until_ns`` the end of its halt.
    for k in range(session.breaker_level, venue.n_breakers):
        level = breaker_level_at(engine.breaker_levels, venue.first_breaker + k)
        if (close - level_tick) * ALL_PPM < level.fall_ppm * close or engine.clock_ns >= session.closing_ns - level.until_before_close_ns:
            continue
        reached = k + 1
        until_ns = NO_TIMER if level.halt_ns == NONE else later(engine.clock_ns, level.halt_ns)
    if reached == session.breaker_level:
        return
    session.breaker_level = reached
    write_event(engine, MARKET_HALT, 0, NONE, 0, 0, level_tick, reached, book.symbol, book.venue)
    enter_phase(engine, book_index, HALT, max(until_ns, session.phase_until_ns) if book.phase == HALT else until_ns)
    arm(engine, book_index)
