"""Session phases: what leaving one and entering another does to a book."""

from __future__ import annotations

from marketsim.kernel.auctions import drop_all, uncross
from marketsim.kernel.book_state import (
    LADDERS_A_BOOK,
    NONE,
    OPEN_BUYS,
    book_at,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.queues import cancel
from marketsim.kernel.stops import after_trade
from marketsim.kernel.tape import record_rejection, write_event
from marketsim.records import EventKind, Phase, Reason, Tif

CLOSED, OPENING, CONTINUOUS = Phase.CLOSED.value, Phase.OPENING_AUCTION.value, Phase.CONTINUOUS.value
VOLATILITY, CLOSING = Phase.VOLATILITY_AUCTION.value, Phase.CLOSING_AUCTION.value
EXPIRED, PHASE = EventKind.EXPIRED.value, EventKind.PHASE.value
END_OF_SESSION, WRONG_PHASE = Reason.END_OF_SESSION.value, Reason.WRONG_PHASE.value
DAY = Tif.DAY.value
OUT_OF_HOURS = 1 << 8  # bit of BOOK.quirks: the book is not in continuous trading


@inner
def change_phase(engine, book_index, message):
    """Enter the phase a message from the venue names."""
    if not CLOSED <= message.qty_lot <= CLOSING:
        record_rejection(engine, message, WRONG_PHASE)
        return
    enter_phase(engine, book_index, message.qty_lot)


@inner
def enter_phase(engine, book_index, phase):
    """Hold the auction that ends with the present phase, end what the new one ends, and let stops see what happened."""
    book = book_at(engine.books, book_index)
    before = book.phase
    if phase == before:
        return
    if before != CONTINUOUS and (phase == CONTINUOUS or (phase == CLOSED and before in (OPENING, VOLATILITY, CLOSING))):
        uncross(engine, book_index, before)
    book.phase = phase
    book.quirks = book.quirks & (OUT_OF_HOURS - 1) | (0 if phase == CONTINUOUS else OUT_OF_HOURS)
    write_event(engine, PHASE, 0, NONE, 0, 0, 0, phase, book.symbol, book.venue)
    if phase == CLOSED:
        _end_session(engine, book_index)
    elif phase == CONTINUOUS and book.awake > 0 and book.traded and venue_at(engine.venues, book.venue).stops_watch_touch == 0:
        after_trade(engine, book_index)


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
