"""When something is next due for a book: one timer a book, in the heap that orders expire from."""

from __future__ import annotations

from marketsim.kernel.book_state import BOOK_TIMERS, NO_PRICE, NO_TIMER, book_at, venue_at
from marketsim.kernel.compile import inner
from marketsim.kernel.session_state import print_at, scheduled_at, session_at
from marketsim.kernel.timers import add_timer
from marketsim.records import Phase

CONTINUOUS, CLOSING, OPENING = Phase.CONTINUOUS.value, Phase.CLOSING_AUCTION.value, Phase.OPENING_AUCTION.value
VOLATILITY = Phase.VOLATILITY_AUCTION.value


@inner
def later(time_ns, span_ns):
    """Return a time so long after another, at most NO_TIMER."""
    return min(time_ns, NO_TIMER - span_ns) + span_ns


@inner
def arm(engine, book_index):
    """See to it that a timer rings when something is next due for a book."""
    session = session_at(engine.sessions, book_index)
    due = min(session.phase_until_ns, session.limit_until_ns, session.indication_ns)
    if session.schedule_at < session.schedule_end:
        due = min(due, scheduled_at(engine.schedule, session.schedule_at).time_ns)
    if session.n_widths > 0 and session.limit_side == 0 and session.reference_tick != NO_PRICE:
        book = book_at(engine.books, book_index)
        if book.phase == CONTINUOUS:
            due = min(due, _bands_due(engine, session, venue_at(engine.venues, book.venue)))
    if due < session.timer_ns:
        session.timer_ns = due
        add_timer(engine, due, BOOK_TIMERS + book_index, ~book_index)


@inner
def _bands_due(engine, session, venue):
    """Return when time alone may next change the bands: a window begins or ends, the reference may move again, a trade no longer counts."""
    now = engine.clock_ns
    due = NO_TIMER
    widened_until = later(session.opening_ns, venue.band_open_window_ns)
    for edge in (session.opening_ns, widened_until, session.closing_ns - venue.band_close_window_ns):
        if edge > now:
            due = min(due, edge)
    if session.n_prints > 0:
        free = later(session.reference_ns, venue.band_hold_ns)
        oldest = later(print_at(engine.prints, session.print_head).time_ns, venue.band_window_ns)
        due = min(due, free if now < free else oldest)
    return due


@inner
def plan_indication(engine, book_index):
    """Set the time of the next word on the auction to come: every so often in an auction, and for some time before the closing one."""
    session = session_at(engine.sessions, book_index)
    book = book_at(engine.books, book_index)
    venue = venue_at(engine.venues, book.venue)
    due = later(engine.clock_ns, venue.indication_ns)
    if book.phase == CONTINUOUS:
        due = max(due, session.closing_ns - venue.closing_indications_ns)
        told = session.closing_ns != NO_TIMER and due < session.closing_ns
    else:
        told = book.phase == OPENING or book.phase == VOLATILITY or book.phase == CLOSING
    session.indication_ns = due if venue.indication_ns > 0 and told else NO_TIMER
