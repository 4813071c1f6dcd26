"""Whether an order that makes sense may enter now: the phase, the cut-offs, the guards, and what it would meet."""

from __future__ import annotations

from marketsim.kernel.book_state import (
    ALLOW,
    ASKS,
    BIDS,
    GUARDED,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    book_at,
    ladder_at,
    level_at,
    venue_at,
)
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import SWEEP, away_key
from marketsim.kernel.grid import increment_at
from marketsim.kernel.guards import admitted
from marketsim.kernel.matching import tradable
from marketsim.kernel.session_state import session_at
from marketsim.records import Flag, Kind, Phase, Reason, Tif

MARKET, LIMIT, MARKET_ON_OPEN = Kind.MARKET.value, Kind.LIMIT.value, Kind.MARKET_ON_OPEN.value
MARKET_ON_CLOSE, LIMIT_ON_OPEN, LIMIT_ON_CLOSE = Kind.MARKET_ON_CLOSE.value, Kind.LIMIT_ON_OPEN.value, Kind.LIMIT_ON_CLOSE.value
IMBALANCE_ON_OPEN, IMBALANCE_ON_CLOSE = Kind.IMBALANCE_ON_OPEN.value, Kind.IMBALANCE_ON_CLOSE.value
IOC, FOK = Tif.IOC.value, Tif.FOK.value
POST_ONLY, SHORT = Flag.POST_ONLY.value, Flag.SHORT.value
WRONG_PHASE, WOULD_TRADE, FILL_OR_KILL = Reason.WRONG_PHASE.value, Reason.WOULD_TRADE.value, Reason.FILL_OR_KILL.value
CUT_OFF = Reason.CUT_OFF.value
CONTINUOUS, CLOSED, PRE_OPEN = Phase.CONTINUOUS.value, Phase.CLOSED.value, Phase.PRE_OPEN.value
OPENING = Phase.OPENING_AUCTION.value


@inner
def not_now(engine, book_index, message):
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


@inner
def slid(engine, venue, side, price_tick):
    """Return the price one increment less aggressive, where a post-only order goes that would lock the other side."""
    increment = increment_at(engine, venue, price_tick - side) if venue.n_tick_bands > 0 else 1
    return price_tick - side * increment
