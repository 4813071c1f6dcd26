"""The trades a venue's guards look back at: those of the last minutes for the reference price, and the session's lowest."""

from __future__ import annotations

from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.session_state import PRINT, print_at, session_at
from marketsim.kernel.tables import resized

PRINT_BYTES = PRINT.itemsize


@inner
def note_trade(engine, book_index, price_tick):
    """Remember one trade of a guarded book."""
    session = session_at(engine.sessions, book_index)
    session.low_tick = min(session.low_tick, price_tick)
    if session.n_widths == 0:
        return
    index = engine.free_print
    if index != NONE:
        engine.free_print = print_at(engine.prints, index).next
    else:
        index = engine.prints_used
        engine.prints_used += 1
        if index == engine.print_capacity:
            engine.print_capacity *= 2
            engine.prints = resized(engine.prints, engine.print_capacity * PRINT_BYTES)
    new = print_at(engine.prints, index)
    new.time_ns, new.price_tick, new.next = engine.clock_ns, price_tick, NONE
    if session.n_prints == 0:
        session.print_head = index
    else:
        print_at(engine.prints, session.print_tail).next = index
    session.print_tail = index
    session.n_prints += 1
    session.sum_tick += price_tick


@inner
def forget_prints(engine, session, until_ns):
    """Forget a book's trades up to a time."""
    while session.n_prints > 0:
        index = session.print_head
        oldest = print_at(engine.prints, index)
        if oldest.time_ns > until_ns:
            return
        session.print_head = oldest.next
        session.sum_tick -= oldest.price_tick
        session.n_prints -= 1
        oldest.next = engine.free_print
        engine.free_print = index


@inner
def begin_from_auction(engine, book_index, price_tick):
    """Let an auction's price be the reference, and its trade the only one looked back at."""
    session = session_at(engine.sessions, book_index)
    forget_prints(engine, session, engine.clock_ns)
    note_trade(engine, book_index, price_tick)
    session.reference_tick = price_tick
    session.reference_ns = engine.clock_ns


@inner
def end_of_day(engine, book_index, last_tick):
    """Let the last trade of a session, if it had one, be the previous close of the next; return whether it had."""
    session = session_at(engine.sessions, book_index)
    forget_prints(engine, session, engine.clock_ns)
    session.reference_tick = NO_PRICE
    traded = session.low_tick != NO_PRICE
    session.low_tick = NO_PRICE
    if traded:
        session.previous_close_tick = last_tick
    return traded
