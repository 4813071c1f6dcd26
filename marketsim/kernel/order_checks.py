"""Whether a new order makes sense on its venue, whatever the state of the market."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    book_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import SWEEP
from marketsim.kernel.grid import increment_at
from marketsim.records import MAX_QTY_LOT, MAX_TICK, Flag, Kind, Reason, Tif

MARKET, LIMIT, STOP = Kind.MARKET.value, Kind.LIMIT.value, Kind.STOP.value
STOP_LIMIT, TRAILING_STOP, MARKET_ON_OPEN = Kind.STOP_LIMIT.value, Kind.TRAILING_STOP.value, Kind.MARKET_ON_OPEN.value
LIMIT_ON_OPEN, IMBALANCE_ON_CLOSE, FIRST_PEG = Kind.LIMIT_ON_OPEN.value, Kind.IMBALANCE_ON_CLOSE.value, Kind.PEG_PRIMARY.value
LAST_PEG = Kind.PEG_MIDPOINT.value
IOC, FOK, GTD = Tif.IOC.value, Tif.FOK.value, Tif.GTD.value
POST_ONLY, HIDDEN, SHORT = Flag.POST_ONLY.value, Flag.HIDDEN.value, Flag.SHORT.value
BAD_ORDER_ID, BAD_OWNER, BAD_SIDE = Reason.BAD_ORDER_ID.value, Reason.BAD_OWNER.value, Reason.BAD_SIDE.value
BAD_QUANTITY, OFF_LOT, BAD_TIF = Reason.BAD_QUANTITY.value, Reason.OFF_LOT.value, Reason.BAD_TIF.value
BAD_FLAGS, BAD_PRICE, OFF_TICK = Reason.BAD_FLAGS.value, Reason.BAD_PRICE.value, Reason.OFF_TICK.value
BAD_STOP, BAD_DISPLAY, BAD_MINIMUM = Reason.BAD_STOP.value, Reason.BAD_DISPLAY.value, Reason.BAD_MINIMUM.value
BAD_EXPIRY = Reason.BAD_EXPIRY.value


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
