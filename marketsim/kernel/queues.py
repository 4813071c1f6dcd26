"""An order's way into and out of the queue of its price, and out of the exchange."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    ICEBERG,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NONE,
    PEGGED,
    RANKS_LAST,
    WAITING_STOP,
    book_at,
    extra_at,
    level_at,
    slot_at,
)
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.consolidated import watch_away
from marketsim.kernel.ladder import add_level, find_level, remove_level
from marketsim.kernel.order_ids import forget_order, leave_owner
from marketsim.kernel.tables import give_slot
from marketsim.kernel.tape import open_qty, record_event, record_event_here
from marketsim.records import EventKind, Kind

CANCELLED, REFILLED = EventKind.CANCELLED.value, EventKind.REFILLED.value
TRAILING_STOP = Kind.TRAILING_STOP.value
LEAVES_TRACES = PEGGED | WAITING_STOP


@inner
def rest(engine, slot_index):
    """Put an order at the back of the queue of its price; of an iceberg only the first slice shows."""
    slot = slot_at(engine.slots, slot_index)
    if slot.special & ICEBERG:
        extra = extra_at(engine.extras, slot_index)
        shown = min(slot.qty_lot, extra.display_lot)
        extra.reserve_lot = slot.qty_lot - shown
        slot.qty_lot = shown
    which = BIDS if slot.side > 0 else ASKS
    join_level(engine, slot_index, slot.book * LADDERS_A_BOOK + which, -slot.side * slot.price_tick)


@inner
def join_level(engine, slot_index, ladder_index, key):
    """Put an order at the back of the queue at a key of a ladder."""
    level_index = find_level(engine, ladder_index, key)
    if level_index == NONE:
        level_index = add_level(engine, ladder_index, key)
    append(engine, slot_index, level_index)


@inner
def append(engine, slot_index, level_index):
    """Put an order at the back of a level, behind the displayed orders if it ranks last."""
    slot = slot_at(engine.slots, slot_index)
    level = level_at(engine.levels, level_index)
    slot.level = level_index
    slot.next = NONE
    if slot.special & RANKS_LAST:
        last = level.hidden_tail
        level.hidden_tail = slot_index
        if last == NONE:
            level.hidden_head = slot_index
    else:
        last = level.tail
        level.tail = slot_index
        if last == NONE:
            level.head = slot_index
    slot.prev = last
    if last != NONE:
        slot_at(engine.slots, last).next = slot_index
    if slot.special & IS_HIDDEN == 0:
        level.qty_lot += slot.qty_lot


@inner
def unlink(engine, slot_index):
    """Take an order out of its queue; its level ends with its last order."""
    unlink_here(engine, slot_index)


@inlined
def unlink_here(engine, slot_index):
    """Do what `unlink` does, for the places that most messages come through."""
    slot = slot_at(engine.slots, slot_index)
    level_index = slot.level
    level = level_at(engine.levels, level_index)
    before, after = slot.prev, slot.next
    if before != NONE:
        slot_at(engine.slots, before).next = after
    elif slot.special & RANKS_LAST:
        level.hidden_head = after
    else:
        level.head = after
    if after != NONE:
        slot_at(engine.slots, after).prev = before
    elif slot.special & RANKS_LAST:
        level.hidden_tail = before
    else:
        level.tail = before
    if slot.special & IS_HIDDEN == 0:
        level.qty_lot -= slot.qty_lot
    slot.level = NONE
    if level.head == NONE and level.hidden_head == NONE:
        remove_level(engine, level_index)


@inner
def refill(engine, slot_index):
    """Show the next slice of an exhausted iceberg at the back of its level; return whether there was one."""
    extra = extra_at(engine.extras, slot_index)
    if extra.reserve_lot == 0:
        return False
    slot = slot_at(engine.slots, slot_index)
    level_index = slot.level
    shown = min(extra.reserve_lot, extra.display_lot)
    extra.reserve_lot -= shown
    if slot.next != NONE:
        unlink(engine, slot_index)
        slot.qty_lot = shown
        append(engine, slot_index, level_index)
    else:
        slot.qty_lot = shown
        level_at(engine.levels, level_index).qty_lot += shown
    record_event(engine, slot, REFILLED, 0, shown)
    return True


@inner
def reduce_resting(engine, slot_index, qty_lot):
    """Take less than everything off a waiting order where it stands; of an iceberg the hidden part first."""
    slot = slot_at(engine.slots, slot_index)
    if slot.special & ICEBERG:
        extra = extra_at(engine.extras, slot_index)
        hidden = min(extra.reserve_lot, qty_lot)
        extra.reserve_lot -= hidden
        qty_lot -= hidden
    slot.qty_lot -= qty_lot
    if slot.level != NONE and slot.special & IS_HIDDEN == 0:
        level_at(engine.levels, slot.level).qty_lot -= qty_lot


@inner
def end_order(engine, slot_index):
    """Free the id and the slot of an order that is in no queue any more."""
    end_here(engine, slot_index)


@inlined
def end_here(engine, slot_index):
    """Do what `end_order` does, for the places that most messages come through."""
    slot = slot_at(engine.slots, slot_index)
    if slot.special & LEAVES_TRACES:
        forget_watch(engine, slot_index)
    if slot.owner_id != 0:
        leave_owner(engine, slot)
    forget_order(engine, slot.order_id)
    give_slot(engine, slot_index)
    engine.n_live -= 1


@inner
def cancel(engine, slot_index, kind, reason):
    """End a waiting order and say why: ``kind`` is CANCELLED or EXPIRED."""
    slot = slot_at(engine.slots, slot_index)
    record_event_here(engine, slot, kind, reason, open_qty(engine, slot_index, slot))
    if slot.level != NONE:
        unlink_here(engine, slot_index)
    end_here(engine, slot_index)


@inner
def forget_watch(engine, slot_index):
    """A stop or peg stops watching its book."""
    slot = slot_at(engine.slots, slot_index)
    book = book_at(engine.books, slot.book)
    book.awake -= 1
    if slot.kind == TRAILING_STOP:
        book.n_trailing -= 1
        book.trail_head, book.trail_tail = leave_list(engine, slot_index, book.trail_head, book.trail_tail)
    elif slot.special & PEGGED:
        book.n_pegs -= 1
        watch_away(engine, book, -1)
        if book.peg_cursor == slot_index:
            book.peg_cursor = extra_at(engine.extras, slot_index).list_next
        book.peg_head, book.peg_tail = leave_list(engine, slot_index, book.peg_head, book.peg_tail)
    slot.special &= 255 - LEAVES_TRACES


@inner
def join_list(engine, slot_index, head, tail):
    """Append an order to its book's list of pegs or trailing stops; return the list's new ends."""
    extra = extra_at(engine.extras, slot_index)
    extra.list_prev = tail
    extra.list_next = NONE
    if tail == NONE:
        return slot_index, slot_index
    extra_at(engine.extras, tail).list_next = slot_index
    return head, slot_index


@inner
def leave_list(engine, slot_index, head, tail):
    """Take an order out of its book's list; return the list's new ends."""
    extra = extra_at(engine.extras, slot_index)
    before, after = extra.list_prev, extra.list_next
    if before == NONE:
        head = after
    else:
        extra_at(engine.extras, before).list_next = after
    if after == NONE:
        tail = before
    else:
        extra_at(engine.extras, after).list_prev = before
    return head, tail
