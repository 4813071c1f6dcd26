"""Stops: where they wait, what triggers them, and the order in which the triggered ones enter.

A buy stop waits for a price at or above its trigger, a sell stop for one at or below. Both wait in ladders of their own whose best level is
the nearest trigger, so that a trade looks at two numbers, and a stop far away never hides a near one.
"""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    BUY_STOPS,
    GUARDED,
    LADDERS_A_BOOK,
    NONE,
    SELL_STOPS,
    book_at,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.ladder import best_displayed
from marketsim.kernel.prints import note_trade
from marketsim.kernel.queues import forget_watch, join_level, unlink
from marketsim.kernel.tape import open_qty, record_event
from marketsim.records import EventKind

REPRICED = EventKind.REPRICED.value


@inner
def after_trade(engine, book_index):
    """Let the venue's guards and the stops that watch trades see the last one."""
    book = book_at(engine.books, book_index)
    if book.quirks & GUARDED:
        note_trade(engine, book_index, book.last_tick)
    watch_last(engine, book_index)


@inner
def watch_last(engine, book_index):
    """Let the stops that watch trades see the last one."""
    book = book_at(engine.books, book_index)
    if venue_at(engine.venues, book.venue).stops_watch_touch == 0:
        if book.n_trailing > 0:
            trail(engine, book_index, book.last_tick, True, book.last_tick, True)
        trigger(engine, book_index, book.last_tick, True, book.last_tick, True)


@inner
def watch_touch(engine, book_index):
    """Let the stops that watch the other side's best displayed price see it; buy stops look at the ask, sell stops at the bid."""
    ask = best_displayed(engine, book_index * LADDERS_A_BOOK + ASKS)
    bid = best_displayed(engine, book_index * LADDERS_A_BOOK + BIDS)
    ask_tick = level_at(engine.levels, ask).key if ask != NONE else 0
    bid_tick = -level_at(engine.levels, bid).key if bid != NONE else 0
    if book_at(engine.books, book_index).n_trailing > 0:
        trail(engine, book_index, ask_tick, ask != NONE, bid_tick, bid != NONE)
    trigger(engine, book_index, ask_tick, ask != NONE, bid_tick, bid != NONE)


@inner
def trigger(engine, book_index, up_tick, up_known, down_tick, down_known):
    """Queue the stops that are hit: nearest trigger first, first come first served inside one; across the sides by acceptance."""
    buys = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + BUY_STOPS)
    sells = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + SELL_STOPS)
    # Each pass queues one stop, and all queued before it stood before it.
    while True:
        buy = sell = NONE
        if up_known and buys.best != NONE and level_at(engine.levels, buys.best).key <= up_tick:
            buy = level_at(engine.levels, buys.best).head
        if down_known and sells.best != NONE and level_at(engine.levels, sells.best).key <= -down_tick:
            sell = level_at(engine.levels, sells.best).head
        if buy == NONE and sell == NONE:
            return
        if buy == NONE or (sell != NONE and slot_at(engine.slots, sell).arrival < slot_at(engine.slots, buy).arrival):
            buy = sell
        unlink(engine, buy)
        _queue(engine, book_index, buy)


@inner
def _queue(engine, book_index, slot_index):
    """Let a triggered stop wait until the order under way is finished."""
    book = book_at(engine.books, book_index)
    forget_watch(engine, slot_index)
    book.awake += 1  # until it has entered
    slot_at(engine.slots, slot_index).next = NONE
    if book.pending_tail == NONE:
        book.pending_head = slot_index
    else:
        slot_at(engine.slots, book.pending_tail).next = slot_index
    book.pending_tail = slot_index


@inner
def trail(engine, book_index, up_tick, up_known, down_tick, down_known):
    """Pull trailing stops along: a buy stop falls with the price, a sell stop rises, neither ever goes back."""
    index = book_at(engine.books, book_index).trail_head
    while index != NONE:
        slot = slot_at(engine.slots, index)
        extra = extra_at(engine.extras, index)
        after = extra.list_next
        if slot.side > 0 and up_known:
            set_trail(engine, book_index, index, up_tick + extra.stop_tick)
        elif slot.side < 0 and down_known:
            set_trail(engine, book_index, index, down_tick - extra.stop_tick)
        index = after


@inner
def set_trail(engine, book_index, slot_index, tick):
    """Move one trailing stop to a new trigger price if that is nearer to the market than its own, or if it has none yet."""
    slot = slot_at(engine.slots, slot_index)
    if slot.level != NONE:
        if slot.side * (slot.price_tick - tick) <= 0:
            return
        unlink(engine, slot_index)
    slot.price_tick = tick
    place_stop(engine, slot_index, tick)
    record_event(engine, slot, REPRICED, 0, open_qty(engine, slot_index, slot))


@inner
def place_stop(engine, slot_index, trigger_tick):
    """Let an order wait for its trigger price."""
    slot = slot_at(engine.slots, slot_index)
    which = BUY_STOPS if slot.side > 0 else SELL_STOPS
    join_level(engine, slot_index, slot.book * LADDERS_A_BOOK + which, slot.side * trigger_tick)
