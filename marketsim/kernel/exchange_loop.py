"""One message after the other: what each asks for, and what follows from it before the next is looked at."""

from __future__ import annotations

from marketsim.kernel.auctions import clearing
from marketsim.kernel.book_state import GUARDED, NO_TIMER, NONE, book_at, engine_at, message_at, slot_at, timer_at, venue_at
from marketsim.kernel.capture import capture, write_depth
from marketsim.kernel.compile import entry, inlined, inner
from marketsim.kernel.consolidated import write_consolidated
from marketsim.kernel.guards import supervise, watch_limit_state
from marketsim.kernel.memory import load_i32, prefetch
from marketsim.kernel.order_action import trigger_now
from marketsim.kernel.order_changes import cancel_of_owner, cancel_one, reduce_one, replace_one
from marketsim.kernel.order_entry import enter, enter_plain_limit, is_plain_limit
from marketsim.kernel.pegs import reprice_pegs, stale_book
from marketsim.kernel.phases import change_phase
from marketsim.kernel.queues import cancel
from marketsim.kernel.session_clock import arm
from marketsim.kernel.session_state import session_at
from marketsim.kernel.sessions import ring, take_index, take_previous_close
from marketsim.kernel.stops import watch_touch
from marketsim.kernel.tables import SLOT_BYTES, reserve_order
from marketsim.kernel.tape import record_rejection
from marketsim.kernel.timers import drop_timer
from marketsim.records import MESSAGE, EventKind, Kind, Phase, Reason

MARKET, PEG_MIDPOINT, PHASE = Kind.MARKET.value, Kind.PEG_MIDPOINT.value, Kind.PHASE.value
CANCEL, REPLACE, REDUCE, CANCEL_OWNER, CLOCK = (k.value for k in (Kind.CANCEL, Kind.REPLACE, Kind.REDUCE, Kind.CANCEL_OWNER, Kind.CLOCK))
INDEX, PREVIOUS_CLOSE = Kind.INDEX.value, Kind.PREVIOUS_CLOSE.value
TIME_BACKWARDS, UNKNOWN_KIND = Reason.TIME_BACKWARDS.value, Reason.UNKNOWN_KIND.value
UNKNOWN_VENUE, UNKNOWN_SYMBOL, EXPIRY_TIME = Reason.UNKNOWN_VENUE.value, Reason.UNKNOWN_SYMBOL.value, Reason.EXPIRY_TIME.value
EXPIRED = EventKind.EXPIRED.value
CONTINUOUS = Phase.CONTINUOUS.value

FAR = 40  # messages ahead at which the messages themselves are asked for: the processor's own prefetching stops at page ends
MESSAGE_BYTES = MESSAGE.itemsize
STRIDE = 6  # messages between one step of looking ahead and the next: about the time memory takes to answer


@inlined
def handle(engine, message):
    """Do all that one message asks for; return the book it touched, or NONE."""
    if message.time_ns < engine.clock_ns:
        record_rejection(engine, message, TIME_BACKWARDS)
        return NONE
    if message.time_ns >= engine.next_timer_ns:
        expire(engine, message.time_ns)
    engine.clock_ns = message.time_ns
    kind = message.kind
    if kind == CANCEL:
        book_index = cancel_one(engine, message)
    elif kind == REPLACE:
        book_index = replace_one(engine, message)
    elif kind == REDUCE:
        book_index = reduce_one(engine, message)
    elif kind == CLOCK:
        return NONE
    else:
        book_index = _addressed(engine, message)
        if book_index == NONE:
            return NONE
    if book_index != NONE and book_at(engine.books, book_index).awake > 0:
        settle(engine, book_index)
    return book_index


@inlined
def _addressed(engine, message):
    """Do what a message asks of the book it names."""
    if not 0 <= message.venue < engine.n_venues:
        record_rejection(engine, message, UNKNOWN_VENUE)
        return NONE
    kind = message.kind
    if not 0 <= message.symbol < engine.n_symbols:
        _rare(engine, message, NONE)
        return NONE
    book_index = message.venue * engine.n_symbols + message.symbol
    if is_plain_limit(book_at(engine.books, book_index), message):
        reserve_order(engine)
        enter_plain_limit(engine, book_index, message)
    elif MARKET <= kind <= PEG_MIDPOINT:
        reserve_order(engine)
        enter(engine, book_index, message)
    else:
        _rare(engine, message, book_index)
    return book_index


@inner
def _rare(engine, message, book_index):
    """Do what a message asks of a book that is no new order; or of all books, or none, where ``book_index`` is NONE."""
    kind = message.kind
    if book_index == NONE and message.symbol != -1:
        record_rejection(engine, message, UNKNOWN_SYMBOL)
    elif kind == CANCEL_OWNER:
        cancel_of_owner(engine, message, book_index)
        if book_index == NONE:
            for symbol in range(engine.n_symbols):
                settle(engine, message.venue * engine.n_symbols + symbol)
    elif book_index == NONE and kind in (INDEX, PREVIOUS_CLOSE):
        take_index(engine, message)
        for symbol in range(engine.n_symbols):
            if stale_book(engine, symbol) != NONE:
                settle(engine, stale_book(engine, symbol))
    elif book_index == NONE or kind == INDEX:
        record_rejection(engine, message, UNKNOWN_SYMBOL)
    elif kind == PHASE:
        change_phase(engine, book_index, message)
    elif kind == PREVIOUS_CLOSE:
        take_previous_close(engine, book_index, message)
    else:
        record_rejection(engine, message, UNKNOWN_KIND)


@inner
def expire(engine, until_ns):
    """End the orders and do for the books what is due by ``until_ns``, each at its own time."""
    while engine.n_timers > 0 and engine.next_timer_ns <= until_ns:
        timer = timer_at(engine.timers, 0)
        index, arrival = timer.slot, timer.arrival
        engine.clock_ns = max(engine.clock_ns, timer.when_ns)
        when_ns = timer.when_ns
        drop_timer(engine)
        if index < 0:
            # A timer that an earlier one has replaced is not the one its book waits for.
            session = session_at(engine.sessions, ~index)
            if session.timer_ns == when_ns:
                session.timer_ns = NO_TIMER
                ring(engine, ~index)
                settle(engine, ~index)
                arm(engine, ~index)
            continue
        slot = slot_at(engine.slots, index)
        if slot.order_id != NONE and slot.arrival == arrival:
            book_index = slot.book
            cancel(engine, index, EXPIRED, EXPIRY_TIME)
            settle(engine, book_index)


@inner
def settle(engine, book_index):
    """Let a book follow what happened, and after it those of other venues whose pegs follow this one, until nothing moves any more."""
    symbol = book_at(engine.books, book_index).symbol
    # Each pass follows a change of the consolidated quote; only stops could change it again, and they are used up.
    while book_index != NONE:
        settle_one(engine, book_index)
        book_index = stale_book(engine, symbol) if engine.n_venues > 1 else NONE


@inner
def settle_one(engine, book_index):
    """Let triggered stops enter one after the other and pegs and guards follow the market, until nothing moves any more."""
    book = book_at(engine.books, book_index)
    guarded = book.quirks & GUARDED
    # Each pass uses up a stop or follows a change of the touch, and pegs cannot change it: they are hidden.
    while book.awake > 0 and book.phase == CONTINUOUS:
        if guarded:
            supervise(engine, book_index)
        if book.pending_head != NONE:
            index = book.pending_head
            book.pending_head = slot_at(engine.slots, index).next
            if book.pending_head == NONE:
                book.pending_tail = NONE
            book.awake -= 1
            trigger_now(engine, index)
            continue
        if venue_at(engine.venues, book.venue).stops_watch_touch:
            watch_touch(engine, book_index)
            if book.pending_head != NONE:
                continue
        if book.n_pegs > 0 and reprice_pegs(engine, book_index):
            continue
        if guarded and watch_limit_state(engine, book_index):
            continue
        break
    if guarded:
        arm(engine, book_index)


@inlined
def look_ahead(engine, messages, k):
    """Bring what later messages will touch into cache: first the id table's row, then the order."""
    far = messages + MESSAGE_BYTES * (k + FAR)
    prefetch(far)
    prefetch(far + 64)
    order_id = message_at(messages, k + 2 * STRIDE).order_id
    if 0 <= order_id < engine.dense_capacity:
        prefetch(engine.dense_ids + 4 * order_id)
    message = message_at(messages, k + STRIDE)
    if message.kind >= CANCEL and 0 <= message.order_id < engine.dense_capacity:
        prefetch(engine.slots + SLOT_BYTES * (load_i32(engine.dense_ids, message.order_id) - 1))


@entry
def run(engine_address):
    """Process the messages an engine's header points to; return how many trades are on the tape."""
    engine = engine_at(engine_address, 0)
    messages, n = engine.messages, engine.n_messages
    captures = engine.top | engine.depth | engine.consolidated
    for k in range(n):
        if k + 2 * STRIDE < n:
            look_ahead(engine, messages, k)
        book_index = handle(engine, message_at(messages, k))
        engine.seq += 1
        if captures != 0:
            capture(engine, message_at(messages, k), book_index, k)
    return engine.n_trades


@entry
def read_depth(engine_address, book_index, rows, n_depth):
    """Write the best displayed levels of a book into DEPTH rows at an address."""
    write_depth(engine_at(engine_address, 0), book_index, rows, 0, n_depth)


@entry
def read_consolidated(engine_address, symbol, row):
    """Write the best bid and offer over all venues into a CONSOLIDATED row at an address."""
    write_consolidated(engine_at(engine_address, 0), symbol, row, 0)


@entry
def indicate(engine_address, book_index):
    """Return what an auction held now would do: price (NO_PRICE for nothing), quantity traded, demand less supply at that price."""
    engine = engine_at(engine_address, 0)
    return clearing(engine, book_index, book_at(engine.books, book_index).phase)
