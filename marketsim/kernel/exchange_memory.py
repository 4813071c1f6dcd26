"""How an exchange's tables come into being, and how they are given back."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    BOOK,
    LADDER,
    LADDERS_A_BOOK,
    NO_PRICE,
    NO_TIMER,
    NONE,
    OWNER,
    TIMER,
    WINDOW_BYTES,
    WINDOW_LEVELS,
    WINDOWS_A_BOOK,
    book_at,
    engine_at,
    ladder_at,
)
from marketsim.kernel.compile import entry
from marketsim.kernel.memory import free, store_i32
from marketsim.kernel.prints import PRINT_BYTES
from marketsim.kernel.session_state import SESSION, session_at
from marketsim.kernel.tables import EXTRA_BYTES, LEVEL_BYTES, NODE_BYTES, SLOT_BYTES, most_levels, resized, zeroed
from marketsim.kernel.tape import EVENT_BYTES, TRADE_BYTES
from marketsim.records import Phase

OWNER_BYTES, TIMER_BYTES, LADDER_BYTES, BOOK_BYTES = OWNER.itemsize, TIMER.itemsize, LADDER.itemsize, BOOK.itemsize
SESSION_BYTES = SESSION.itemsize
CONTINUOUS = Phase.CONTINUOUS.value


@entry
def allocate(engine_address):
    """Allocate every table of a header whose capacities are set, and put the exchange into its first state."""
    engine = engine_at(engine_address, 0)
    n_books = engine.n_venues * engine.n_symbols
    n_ladders = n_books * LADDERS_A_BOOK + 1  # the last for ids apart
    engine.slots = resized(0, engine.slot_capacity * SLOT_BYTES)
    engine.extras = resized(0, engine.slot_capacity * EXTRA_BYTES)
    engine.levels = resized(0, most_levels(engine) * LEVEL_BYTES)
    engine.nodes = resized(0, engine.node_capacity * NODE_BYTES)
    n_windows = n_books * WINDOWS_A_BOOK
    engine.windows = zeroed(resized(0, n_windows * WINDOW_BYTES), n_windows * WINDOW_BYTES // 8)
    engine.ladders = zeroed(resized(0, n_ladders * LADDER_BYTES), n_ladders * LADDER_BYTES // 8)
    engine.books = zeroed(resized(0, n_books * BOOK_BYTES), n_books * BOOK_BYTES // 8)
    engine.sessions = zeroed(resized(0, n_books * SESSION_BYTES), n_books * SESSION_BYTES // 8)
    engine.prints = resized(0, engine.print_capacity * PRINT_BYTES)
    engine.dense_ids = zeroed(resized(0, engine.dense_capacity * 4), engine.dense_capacity // 2)
    engine.id_keys = zeroed(resized(0, engine.id_capacity * 8), engine.id_capacity)
    engine.id_slots = resized(0, engine.id_capacity * 4)
    engine.owners = zeroed(resized(0, engine.owner_capacity * OWNER_BYTES), engine.owner_capacity * OWNER_BYTES // 8)
    engine.timers = resized(0, engine.timer_capacity * TIMER_BYTES)
    engine.trades = zeroed(resized(0, engine.trade_capacity * TRADE_BYTES), engine.trade_capacity * TRADE_BYTES // 8)
    engine.events = zeroed(resized(0, engine.event_capacity * EVENT_BYTES), engine.event_capacity * EVENT_BYTES // 8)
    engine.free_slot = engine.free_level = engine.free_node = engine.free_print = NONE
    engine.next_timer_ns = NO_TIMER
    for k in range(n_ladders):
        ladder = ladder_at(engine.ladders, k)
        ladder.best = ladder.root = ladder.window = NONE
        ladder.base = 2 * NO_PRICE
        which = k % LADDERS_A_BOOK
        if which < WINDOWS_A_BOOK and k < n_books * LADDERS_A_BOOK:
            ladder.window = (k // LADDERS_A_BOOK * WINDOWS_A_BOOK + which) * WINDOW_BYTES
            for place in range(WINDOW_LEVELS):
                store_i32(engine.windows + ladder.window, place, NONE)
    for k in range(n_books):
        book = book_at(engine.books, k)
        book.venue = k // engine.n_symbols
        book.symbol = k % engine.n_symbols
        book.phase = CONTINUOUS
        book.peg_head = book.peg_tail = book.peg_cursor = book.trail_head = book.trail_tail = NONE
        book.pending_head = book.pending_tail = NONE
        book.bid_reference_tick = book.ask_reference_tick = NO_PRICE
        session = session_at(engine.sessions, k)
        session.timer_ns = session.opening_ns = session.closing_ns = NO_TIMER
        session.phase_until_ns = session.indication_ns = session.limit_until_ns = NO_TIMER
        session.scheduled_phase = CONTINUOUS
        session.previous_close_tick = session.low_tick = session.reference_tick = session.upper_tick = NO_PRICE
        session.lower_tick = -NO_PRICE


@entry
def release(engine_address):
    """Give every table back."""
    engine = engine_at(engine_address, 0)
    free(engine.slots)
    free(engine.extras)
    free(engine.levels)
    free(engine.nodes)
    free(engine.windows)
    free(engine.ladders)
    free(engine.books)
    free(engine.sessions)
    free(engine.prints)
    free(engine.dense_ids)
    free(engine.id_keys)
    free(engine.id_slots)
    free(engine.owners)
    free(engine.timers)
    free(engine.trades)
    free(engine.events)
