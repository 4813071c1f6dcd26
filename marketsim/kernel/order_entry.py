"""A new order: is it well formed, may it enter now, and what does it do first."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ALLOW,
    ASKS,
    BIDS,
    CLOSE_BUYS,
    FOR_AUCTION,
    GUARDED,
    ICEBERG,
    IMBALANCE,
    IS_HIDDEN,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    OPEN_BUYS,
    PEGGED,
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
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.consolidated import SWEEP, away_key, references, stand_clear, watch_away
from marketsim.kernel.grid import increment_at, on_grid
from marketsim.kernel.guards import admitted
from marketsim.kernel.ladder import displayed
from marketsim.kernel.matching import match, tradable
from marketsim.kernel.order_ids import enter_order, find_order, join_owner
from marketsim.kernel.pegs import enter_peg, peg_price
from marketsim.kernel.queues import end_order, join_level, join_list, rest
from marketsim.kernel.session_state import session_at
from marketsim.kernel.stops import place_stop
from marketsim.kernel.tables import take_slot
from marketsim.kernel.tape import open_qty, record_event, record_event_here, record_rejection
from marketsim.kernel.timers import add_timer
from marketsim.records import MAX_QTY_LOT, MAX_TICK, EventKind, Flag, Kind, Phase, Reason, Tif

MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP = (
    k.value for k in (Kind.MARKET, Kind.LIMIT, Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP)
)
FIRST_PEG, LAST_PEG = Kind.PEG_PRIMARY.value, Kind.PEG_MIDPOINT.value
MARKET_ON_OPEN, MARKET_ON_CLOSE = Kind.MARKET_ON_OPEN.value, Kind.MARKET_ON_CLOSE.value
LIMIT_ON_OPEN, LIMIT_ON_CLOSE = Kind.LIMIT_ON_OPEN.value, Kind.LIMIT_ON_CLOSE.value
IMBALANCE_ON_OPEN, IMBALANCE_ON_CLOSE = Kind.IMBALANCE_ON_OPEN.value, Kind.IMBALANCE_ON_CLOSE.value
GTC, DAY, IOC, FOK, GTD = (t.value for t in Tif)
POST_ONLY, HIDDEN, SHORT = Flag.POST_ONLY.value, Flag.HIDDEN.value, Flag.SHORT.value
ACCEPTED, CANCELLED = EventKind.ACCEPTED.value, EventKind.CANCELLED.value
TRIGGERED, REPRICED = EventKind.TRIGGERED.value, EventKind.REPRICED.value
BAD_ORDER_ID, BAD_OWNER, BAD_SIDE = Reason.BAD_ORDER_ID.value, Reason.BAD_OWNER.value, Reason.BAD_SIDE.value
BAD_QUANTITY, OFF_LOT, BAD_TIF, BAD_FLAGS = Reason.BAD_QUANTITY.value, Reason.OFF_LOT.value, Reason.BAD_TIF.value, Reason.BAD_FLAGS.value
BAD_PRICE, OFF_TICK, BAD_STOP, BAD_DISPLAY = Reason.BAD_PRICE.value, Reason.OFF_TICK.value, Reason.BAD_STOP.value, Reason.BAD_DISPLAY.value
BAD_MINIMUM, BAD_EXPIRY, DUPLICATE_ORDER = Reason.BAD_MINIMUM.value, Reason.BAD_EXPIRY.value, Reason.DUPLICATE_ORDER.value
WRONG_PHASE, WOULD_TRADE, FILL_OR_KILL = Reason.WRONG_PHASE.value, Reason.WOULD_TRADE.value, Reason.FILL_OR_KILL.value
MINIMUM_QUANTITY, NO_LIQUIDITY = Reason.MINIMUM_QUANTITY.value, Reason.NO_LIQUIDITY.value
IMMEDIATE_OR_CANCEL, TRADE_THROUGH = Reason.IMMEDIATE_OR_CANCEL.value, Reason.TRADE_THROUGH.value
CONTINUOUS, CLOSED, PRE_OPEN, OPENING = (p.value for p in (Phase.CONTINUOUS, Phase.CLOSED, Phase.PRE_OPEN, Phase.OPENING_AUCTION))
CUT_OFF = Reason.CUT_OFF.value


@inlined
def is_plain_limit(book, message):
    """Whether a message is a limit order without anything special in a book without anything special."""
    return (
        message.kind == LIMIT
        and message.tif <= GTC
        and message.tif >= 0
        and message.flags == 0
        and message.display_lot == 0
        and message.min_qty_lot == 0
        and book.quirks == 0
        and (message.side == 1 or message.side == -1)
        and 0 < message.qty_lot <= MAX_QTY_LOT
        and -MAX_TICK <= message.price_tick <= MAX_TICK
        and message.order_id >= 0
        and message.owner_id >= 0
    )


@inlined
def enter_plain_limit(engine, book_index, message):
    """Enter an order that `is_plain_limit` let through."""
    if find_order(engine, message.order_id) != NONE:
        record_rejection(engine, message, DUPLICATE_ORDER)
        return
    index = _new_slot(engine, book_index, message, message.price_tick, 0)
    slot = slot_at(engine.slots, index)
    record_event_here(engine, slot, ACCEPTED, 0, slot.qty_lot)
    trade_or_rest(engine, index)


@inlined
def trade_or_rest(engine, slot_index):
    """Trade a limit order as far as its price allows and let the remainder wait."""
    slot = slot_at(engine.slots, slot_index)
    best = ladder_at(engine.ladders, slot.book * LADDERS_A_BOOK + (ASKS if slot.side > 0 else BIDS)).best
    key = slot.side * slot.price_tick
    if best != NONE and level_at(engine.levels, best).key <= key:
        match(engine, slot_index, key)
        if slot.qty_lot == 0:
            end_order(engine, slot_index)
            return
    rest(engine, slot_index)


@inlined
def _new_slot(engine, book_index, message, price_tick, special):
    """Return a slot filled from a message, known by its id and to its owner, in no queue."""
    index = take_slot(engine)
    slot = slot_at(engine.slots, index)
    slot.price_tick = price_tick
    slot.qty_lot = message.qty_lot
    slot.order_id = message.order_id
    slot.arrival = engine.arrivals
    slot.level = NONE
    slot.owner_id = message.owner_id
    slot.book = book_index
    slot.kind = message.kind
    slot.side = message.side
    slot.tif = message.tif
    slot.special = special
    engine.arrivals += 1
    engine.n_live += 1
    enter_order(engine, message.order_id, index)
    if message.owner_id != 0:
        join_owner(engine, index)
    return index


@inner
def enter(engine, book_index, message):
    """Check a new order of any kind and let it act, or say why not."""
    reason = malformed(engine, book_index, message)
    if reason == 0 and find_order(engine, message.order_id) != NONE:
        reason = DUPLICATE_ORDER
    if reason == 0:
        reason = _not_now(engine, book_index, message)
    if reason != 0:
        record_rejection(engine, message, reason)
        return
    index = _new_slot(engine, book_index, message, _first_price(message), _special(engine, book_index, message))
    slot = slot_at(engine.slots, index)
    extra = extra_at(engine.extras, index)
    extra.display_lot = message.display_lot
    extra.reserve_lot = 0
    extra.stop_tick = message.stop_tick
    extra.limit_tick = message.price_tick
    extra.expire_ns = message.expire_ns
    if slot.tif == GTD:
        add_timer(engine, message.expire_ns, slot.arrival, index)
    if slot.special & WAITING_STOP:
        watch_as_stop(engine, index, ACCEPTED)
    elif slot.special & PEGGED:
        watch_as_peg(engine, index, ACCEPTED)
    elif slot.special & FOR_AUCTION:
        record_event(engine, slot, ACCEPTED, 0, slot.qty_lot)
        wait_for_auction(engine, index)
    else:
        record_event(engine, slot, ACCEPTED, 0, slot.qty_lot)
        act(engine, index, message.min_qty_lot, message.flags)


@inner
def _first_price(message):
    """Return the price an order starts with: its limit, none for a market order, better than all others for one in an auction."""
    if message.kind == MARKET:
        return 0
    if message.kind in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
        return message.side * NO_PRICE
    return message.price_tick


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
def slid(engine, venue, side, price_tick):
    """Return the price one increment less aggressive, where a post-only order goes that would lock the other side."""
    increment = increment_at(engine, venue, price_tick - side) if venue.n_tick_bands > 0 else 1
    return price_tick - side * increment


@inner
def _drop(engine, slot_index, reason):
    """Cancel what is left of an order that is in no queue."""
    slot = slot_at(engine.slots, slot_index)
    record_event(engine, slot, CANCELLED, reason, slot.qty_lot)
    end_order(engine, slot_index)


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


@inner
def _special(engine, book_index, message):
    """Return what keeps an order off the shortest path."""
    special = 0
    hidden = message.flags & HIDDEN != 0
    kind = message.kind
    if kind in (STOP, STOP_LIMIT, TRAILING_STOP):
        special |= WAITING_STOP
    elif MARKET_ON_OPEN <= kind <= IMBALANCE_ON_CLOSE:
        special |= FOR_AUCTION
    elif FIRST_PEG <= kind <= LAST_PEG:
        special |= PEGGED
        hidden = True
    if hidden:
        special |= IS_HIDDEN
        if special & WAITING_STOP == 0:
            special |= hidden_rank(engine, book_index)
    if 0 < message.display_lot < message.qty_lot and kind in (LIMIT, STOP_LIMIT):
        special |= ICEBERG
    if message.flags & POST_ONLY:
        special |= POSTS_ONLY
    if message.flags & SHORT:
        special |= SOLD_SHORT
    return special


@inner
def hidden_rank(engine, book_index):
    """Return RANKS_LAST on venues where hidden orders stand behind the displayed ones."""
    return RANKS_LAST if venue_at(engine.venues, book_at(engine.books, book_index).venue).hidden_ranks_last else 0


@inner
def malformed(engine, book_index, message):
    """Return the reason a new order makes no sense on this venue, whatever the state of the market, or 0."""
    kind, tif, flags = message.kind, message.tif, message.flags
    if message.order_id < 0:
        return BAD_ORDER_ID
    if message.owner_id < 0:
        return BAD_OWNER
    if message.side != 1 and message.side != -1:
        return BAD_SIDE
    venue = venue_at(engine.venues, book_at(engine.books, book_index).venue)
    reason = bad_qty(venue, message.qty_lot)
    if reason != 0:
        return reason
    immediate = tif in (IOC, FOK)
    if tif < 0 or tif > GTD or (immediate and kind != LIMIT and kind != MARKET) or (tif == GTD and _is_at_once(kind)):
        return BAD_TIF
    allowed = SHORT if message.side < 0 else 0
    if kind == LIMIT:
        allowed |= HIDDEN | SWEEP if immediate else HIDDEN | SWEEP | POST_ONLY
    elif kind == STOP_LIMIT or FIRST_PEG <= kind <= LAST_PEG:
        allowed |= HIDDEN
    if flags & ~allowed != 0:
        return BAD_FLAGS
    reason = bad_prices(engine, venue, kind, message)
    if reason != 0:
        return reason
    shown = message.display_lot if kind in (LIMIT, STOP_LIMIT) else 0
    if shown < 0 or shown % venue.lot != 0 or (shown > 0 and flags & HIDDEN != 0):
        return BAD_DISPLAY
    if message.min_qty_lot != 0 and (tif != IOC or not 0 < message.min_qty_lot <= message.qty_lot):
        return BAD_MINIMUM
    if tif == GTD and message.expire_ns <= message.time_ns:
        return BAD_EXPIRY
    return 0


@inner
def _is_at_once(kind):
    """Whether an order of a kind ends by itself, so that a time to end makes no sense."""
    return kind == MARKET or MARKET_ON_OPEN <= kind <= IMBALANCE_ON_CLOSE


@inner
def bad_prices(engine, venue, kind, message):
    """Return why the prices of an order of a kind are impossible on a venue, or 0."""
    if kind in (LIMIT, STOP_LIMIT) or LIMIT_ON_OPEN <= kind <= IMBALANCE_ON_CLOSE:
        reason = bad_price(engine, venue, message.price_tick)
        if reason != 0:
            return reason
    if kind in (STOP, STOP_LIMIT):
        if bad_price(engine, venue, message.stop_tick) != 0:
            return BAD_STOP
    elif kind == TRAILING_STOP:
        if not 0 < message.stop_tick <= MAX_TICK:
            return BAD_STOP
    elif FIRST_PEG <= kind <= LAST_PEG:
        if not -MAX_TICK <= message.price_tick <= MAX_TICK:
            return BAD_PRICE
        if not -MAX_TICK <= message.stop_tick <= MAX_TICK:
            return BAD_STOP
    return 0


@inner
def bad_qty(venue, qty_lot):
    """Return why a quantity is impossible on a venue, or 0."""
    if qty_lot <= 0 or qty_lot > MAX_QTY_LOT:
        return BAD_QUANTITY
    return OFF_LOT if qty_lot % venue.lot != 0 else 0


@inner
def bad_price(engine, venue, price_tick):
    """Return why a price is impossible on a venue, or 0."""
    if price_tick < venue.lowest_tick or price_tick > venue.highest_tick:
        return BAD_PRICE
    if venue.n_tick_bands > 0 and price_tick % increment_at(engine, venue, price_tick) != 0:
        return OFF_TICK
    return 0


@inner
def _not_now(engine, book_index, message):
    """Return the reason a well-formed order cannot enter in the present state of the market, or 0."""
    book = book_at(engine.books, book_index)
    if MARKET_ON_OPEN <= message.kind <= IMBALANCE_ON_CLOSE:
        return too_late(engine, book_index, message.kind)
    if book.phase != CONTINUOUS:
        immediate = message.kind == MARKET or message.tif == IOC or message.tif == FOK
        return WRONG_PHASE if book.phase == CLOSED or immediate else 0
    limit_key = NO_PRICE if message.kind == MARKET else message.side * message.price_tick
    if book.quirks & GUARDED and (message.kind == MARKET or message.kind == LIMIT):
        short, at_market = message.flags & SHORT, message.kind == MARKET
        price, moved_by, refused = admitted(engine, book_index, message.side, short, at_market, message.side * limit_key)
        if refused:
            return moved_by
        limit_key = message.side * price
    if message.tif == FOK:
        if venue_at(engine.venues, book.venue).trade_through != ALLOW and message.flags & SWEEP == 0:
            limit_key = min(limit_key, away_key(engine, book_index, message.side))
        if tradable(engine, book_index, message.side, message.owner_id, limit_key, message.qty_lot) < message.qty_lot:
            return FILL_OR_KILL
    elif message.flags & POST_ONLY and would_trade(engine, book_index, message.side, message.side * limit_key):
        return WOULD_TRADE
    return 0


@inner
def too_late(engine, book_index, kind):
    """Return why an order for an auction comes too late for it, or 0; it may come at any time before, but not into a closed market."""
    book = book_at(engine.books, book_index)
    at_open = kind in (MARKET_ON_OPEN, LIMIT_ON_OPEN, IMBALANCE_ON_OPEN)
    if book.phase == CLOSED or (at_open and book.phase != PRE_OPEN and book.phase != OPENING):
        return WRONG_PHASE
    venue = venue_at(engine.venues, book.venue)
    if kind in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
        before_ns = venue.market_on_open_before_ns if at_open else venue.market_on_close_before_ns
    elif kind in (LIMIT_ON_OPEN, LIMIT_ON_CLOSE):
        before_ns = venue.limit_on_open_before_ns if at_open else venue.limit_on_close_before_ns
    else:
        return 0
    session = session_at(engine.sessions, book_index)
    return CUT_OFF if engine.clock_ns >= (session.opening_ns if at_open else session.closing_ns) - before_ns else 0


@inner
def would_trade(engine, book_index, side, price_tick):
    """Whether a post-only order at this price is to be refused: it locks or crosses, and the venue does not slide it, or cannot."""
    best = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + (ASKS if side > 0 else BIDS)).best
    if best == NONE or level_at(engine.levels, best).key > side * price_tick:
        return False
    venue = venue_at(engine.venues, book_at(engine.books, book_index).venue)
    if venue.post_only_slides == 0:
        return True
    locks = level_at(engine.levels, best).key == side * price_tick
    return locks and slid(engine, venue, side, price_tick) < venue.lowest_tick
