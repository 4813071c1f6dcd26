"""What an order does first: trade, wait in its queue, for its trigger, for an auction, or for the quote it follows."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ALLOW,
    ASKS,
    BIDS,
    CLOSE_BUYS,
    GUARDED,
    IMBALANCE,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    OPEN_BUYS,
    POSTS_ONLY,
    RANKS_LAST,
    SOLD_SHORT,
    WAITING_STOP,
    book_at,
    extra_at,
    ladder_at,
    level_at,
    slot_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import SWEEP, away_key, references, stand_clear, watch_away
from marketsim.kernel.grid import on_grid
from marketsim.kernel.guards import admitted
from marketsim.kernel.ladder import displayed
from marketsim.kernel.matching import match, tradable
from marketsim.kernel.order_admission import slid
from marketsim.kernel.pegs import enter_peg, peg_price
from marketsim.kernel.queues import end_order, join_level, join_list, rest
from marketsim.kernel.stops import place_stop
from marketsim.kernel.tape import open_qty, record_event
from marketsim.records import EventKind, Kind, Phase, Reason, Tif

MARKET, LIMIT, STOP = Kind.MARKET.value, Kind.LIMIT.value, Kind.STOP.value
STOP_LIMIT, TRAILING_STOP, MARKET_ON_OPEN = Kind.STOP_LIMIT.value, Kind.TRAILING_STOP.value, Kind.MARKET_ON_OPEN.value
LIMIT_ON_OPEN, IMBALANCE_ON_OPEN, IMBALANCE_ON_CLOSE = Kind.LIMIT_ON_OPEN.value, Kind.IMBALANCE_ON_OPEN.value, Kind.IMBALANCE_ON_CLOSE.value
IOC, FOK = Tif.IOC.value, Tif.FOK.value
CANCELLED, TRIGGERED, REPRICED = EventKind.CANCELLED.value, EventKind.TRIGGERED.value, EventKind.REPRICED.value
MINIMUM_QUANTITY, NO_LIQUIDITY, IMMEDIATE_OR_CANCEL = (
    Reason.MINIMUM_QUANTITY.value,
    Reason.NO_LIQUIDITY.value,
    Reason.IMMEDIATE_OR_CANCEL.value,
)
TRADE_THROUGH = Reason.TRADE_THROUGH.value
CONTINUOUS = Phase.CONTINUOUS.value


@inner
def act(engine, slot_index, min_qty_lot, flags):
    """Let a market or limit order that is in no queue trade, and do with the remainder what its kind and time in force say."""
    slot = slot_at(engine.slots, slot_index)
    book = book_at(engine.books, slot.book)
    venue = venue_at(engine.venues, book.venue)
    if book.phase != CONTINUOUS:
        rest(engine, slot_index)
        return
    at_market = slot.kind == MARKET or slot.kind == STOP or slot.kind == TRAILING_STOP
    best = ladder_at(engine.ladders, slot.book * LADDERS_A_BOOK + (ASKS if slot.side > 0 else BIDS)).best
    protected = at_market and venue.protection_ticks != NONE and slot.tif != IOC and slot.tif != FOK and best != NONE
    if protected:
        # The limit a protected order falls back to is fixed before it trades; the slot keeps it as its price.
        limit = slot.side * (level_at(engine.levels, best).key + venue.protection_ticks)
        slot.price_tick = on_grid(engine, venue, slot.side, limit)
    limit_key = NO_PRICE if at_market and not protected else slot.side * slot.price_tick
    nothing_left = NO_LIQUIDITY
    if book.quirks & GUARDED:
        short = slot.special & SOLD_SHORT
        price, moved_by, refused = admitted(engine, slot.book, slot.side, short, at_market, slot.side * limit_key)
        if refused:
            _drop(engine, slot_index, moved_by)
            return
        if moved_by != 0:
            limit_key = slot.side * price
            if not at_market:
                slot.price_tick = price
                record_event(engine, slot, REPRICED, moved_by, slot.qty_lot)
            elif protected:
                slot.price_tick = price
            else:
                nothing_left = moved_by
    away = NO_PRICE if venue.trade_through == ALLOW or flags & SWEEP else away_key(engine, slot.book, slot.side)
    if min_qty_lot > 0 and tradable(engine, slot.book, slot.side, slot.owner_id, min(limit_key, away), min_qty_lot) < min_qty_lot:
        _drop(engine, slot_index, MINIMUM_QUANTITY)
        return
    if slot.special & POSTS_ONLY and best != NONE and level_at(engine.levels, best).key == limit_key:
        # Only a venue that slides lets a post-only order come this far when it locks.
        slot.price_tick = slid(engine, venue, slot.side, slot.price_tick)
        record_event(engine, slot, REPRICED, 0, slot.qty_lot)
        limit_key = slot.side * slot.price_tick
    match(engine, slot_index, min(limit_key, away))
    if slot.qty_lot == 0:
        end_order(engine, slot_index)
    elif slot.tif == IOC or (at_market and not protected):
        best = ladder_at(engine.ladders, slot.book * LADDERS_A_BOOK + (ASKS if slot.side > 0 else BIDS)).best
        if best != NONE and level_at(engine.levels, best).key <= limit_key:
            _drop(engine, slot_index, TRADE_THROUGH)
        elif slot.tif == IOC:
            _drop(engine, slot_index, IMMEDIATE_OR_CANCEL)
        else:
            _drop(engine, slot_index, NO_LIQUIDITY if best == NONE else nothing_left)
    else:
        if at_market:
            slot.kind = LIMIT
            record_event(engine, slot, REPRICED, NO_LIQUIDITY, slot.qty_lot)
        if away == NO_PRICE or stand_clear(engine, slot_index, away):
            rest(engine, slot_index)
        else:
            _drop(engine, slot_index, TRADE_THROUGH)


@inner
def _drop(engine, slot_index, reason):
    """Cancel what is left of an order that is in no queue."""
    slot = slot_at(engine.slots, slot_index)
    record_event(engine, slot, CANCELLED, reason, slot.qty_lot)
    end_order(engine, slot_index)


@inner
def wait_for_auction(engine, slot_index):
    """Let an order wait apart for the auction it is meant for."""
    slot = slot_at(engine.slots, slot_index)
    at_open = slot.kind in (MARKET_ON_OPEN, LIMIT_ON_OPEN, IMBALANCE_ON_OPEN)
    which = (OPEN_BUYS if at_open else CLOSE_BUYS) + (slot.side < 0)
    if slot.kind in (IMBALANCE_ON_OPEN, IMBALANCE_ON_CLOSE):
        which += IMBALANCE
    join_level(engine, slot_index, slot.book * LADDERS_A_BOOK + which, -slot.side * slot.price_tick)


@inner
def watch_as_stop(engine, slot_index, event_kind):
    """Let a new stop wait, or act at once if its condition is met already."""
    slot = slot_at(engine.slots, slot_index)
    extra = extra_at(engine.extras, slot_index)
    book = book_at(engine.books, slot.book)
    seen = watched_tick(engine, slot.book, slot.side)
    trigger_tick = extra.stop_tick
    if slot.kind == TRAILING_STOP:
        trigger_tick = NO_PRICE if seen == NO_PRICE else seen + slot.side * extra.stop_tick
    if slot.kind != STOP_LIMIT:
        slot.price_tick = trigger_tick if trigger_tick != NO_PRICE else 0
    record_event(engine, slot, event_kind, 0, slot.qty_lot)
    if slot.kind != TRAILING_STOP and seen != NO_PRICE and slot.side * (seen - trigger_tick) >= 0 and book.phase == CONTINUOUS:
        slot.special &= 255 - WAITING_STOP
        trigger_now(engine, slot_index)
        return
    book.awake += 1
    if slot.kind == TRAILING_STOP:
        book.n_trailing += 1
        book.trail_head, book.trail_tail = join_list(engine, slot_index, book.trail_head, book.trail_tail)
    if trigger_tick != NO_PRICE:
        place_stop(engine, slot_index, trigger_tick)


@inner
def trigger_now(engine, slot_index):
    """Let a stop whose condition is met trade as the market or limit order it stands for."""
    slot = slot_at(engine.slots, slot_index)
    record_event(engine, slot, TRIGGERED, 0, open_qty(engine, slot_index, slot))
    if slot.special & IS_HIDDEN:
        # While it waited for its trigger its queue was that of the stops, which knows no hidden rank.
        slot.special |= hidden_rank(engine, slot.book)
    act(engine, slot_index, 0, 0)


@inner
def hidden_rank(engine, book_index):
    """Return RANKS_LAST on venues where hidden orders stand behind the displayed ones."""
    return RANKS_LAST if venue_at(engine.venues, book_at(engine.books, book_index).venue).hidden_ranks_last else 0


@inner
def watched_tick(engine, book_index, side):
    """Return the price the stops of a side look at, or NO_PRICE: the last trade, or the other side's best displayed price."""
    book = book_at(engine.books, book_index)
    if venue_at(engine.venues, book.venue).stops_watch_touch:
        bid, ask = displayed(engine, book_index)
        return ask if side > 0 else bid
    return book.last_tick if book.traded else NO_PRICE


@inner
def watch_as_peg(engine, slot_index, event_kind):
    """Price a new peg and let it act; without a reference it waits outside the book."""
    slot = slot_at(engine.slots, slot_index)
    book = book_at(engine.books, slot.book)
    bid, ask = references(engine, slot.book)
    price = peg_price(engine, slot_index, bid, ask) if book.phase == CONTINUOUS else NO_PRICE
    if price != NO_PRICE:
        slot.price_tick = price
    record_event(engine, slot, event_kind, 0, slot.qty_lot)
    book.awake += 1
    watch_away(engine, book, 1)
    book.n_pegs += 1
    if book.n_pegs == 1:
        book.bid_reference_tick, book.ask_reference_tick = (bid, ask) if book.phase == CONTINUOUS else (NO_PRICE, NO_PRICE)
    book.peg_head, book.peg_tail = join_list(engine, slot_index, book.peg_head, book.peg_tail)
    if price != NO_PRICE:
        enter_peg(engine, slot_index)
