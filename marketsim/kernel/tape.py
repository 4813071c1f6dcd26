"""What the exchange writes down: trades and events, appended to tables that double when they are full."""

from __future__ import annotations

from marketsim.kernel.book_state import ICEBERG, book_at, event_at, extra_at, trade_at, venue_at
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.tables import resized
from marketsim.records import EVENT, TRADE

EVENT_BYTES, TRADE_BYTES = EVENT.itemsize, TRADE.itemsize


@inner
def record_event(engine, slot, kind, reason, qty_lot):
    """Write down what happened to a live order."""
    book = book_at(engine.books, slot.book)
    write_event(engine, kind, reason, slot.order_id, slot.owner_id, slot.side, slot.price_tick, qty_lot, book.symbol, book.venue)


@inner
def record_rejection(engine, message, reason):
    """Write down why a message changed nothing."""
    write_event(
        engine,
        2,
        reason,
        message.order_id,
        message.owner_id,
        message.side,
        message.price_tick,
        message.qty_lot,
        message.symbol,
        message.venue,
    )


@inner
def write_event(engine, kind, reason, order_id, owner_id, side, price_tick, qty_lot, symbol, venue):
    """Append one event."""
    append_event(engine, kind, reason, order_id, owner_id, side, price_tick, qty_lot, symbol, venue)


@inlined
def record_event_here(engine, slot, kind, reason, qty_lot):
    """Do what `record_event` does, for the two places that most messages come through."""
    book = book_at(engine.books, slot.book)
    append_event(engine, kind, reason, slot.order_id, slot.owner_id, slot.side, slot.price_tick, qty_lot, book.symbol, book.venue)


@inlined
def append_event(engine, kind, reason, order_id, owner_id, side, price_tick, qty_lot, symbol, venue):
    """Do what `write_event` does."""
    n = engine.n_events
    if n == engine.event_capacity:
        engine.event_capacity *= 2
        engine.events = resized(engine.events, engine.event_capacity * EVENT_BYTES)
    event = event_at(engine.events, n)
    event.seq = engine.seq
    event.time_ns = engine.clock_ns
    event.order_id = order_id
    event.price_tick = price_tick
    event.qty_lot = qty_lot
    event.owner_id = owner_id
    event.symbol = symbol
    event.venue = venue
    event.reason = reason
    event.kind = kind
    event.side = side
    engine.n_events = n + 1


@inner
def record_trade(engine, book, maker, taker, price_tick, qty_lot, aggressor):
    """Append one trade with both sides' fees."""
    n = engine.n_trades
    if n == engine.trade_capacity:
        engine.trade_capacity *= 2
        engine.trades = resized(engine.trades, engine.trade_capacity * TRADE_BYTES)
    trade = trade_at(engine.trades, n)
    trade.seq = engine.seq
    trade.time_ns = engine.clock_ns
    trade.maker_id = maker.order_id
    trade.taker_id = taker.order_id
    trade.price_tick = price_tick
    trade.qty_lot = qty_lot
    trade.maker_owner = maker.owner_id
    trade.taker_owner = taker.owner_id
    trade.symbol = book.symbol
    trade.venue = book.venue
    trade.aggressor = aggressor
    trade.phase = book.phase
    venue = venue_at(engine.venues, book.venue)
    if venue.has_fees:
        trade.maker_fee = qty_lot * (venue.maker_per_lot + venue.maker_per_tick_lot * price_tick)
        trade.taker_fee = qty_lot * (venue.taker_per_lot + venue.taker_per_tick_lot * price_tick)
    else:
        trade.maker_fee = 0.0
        trade.taker_fee = 0.0
    engine.n_trades = n + 1


@inner
def open_qty(engine, slot_index, slot):
    """Return an order's whole open quantity, the hidden part of an iceberg included."""
    if slot.special & ICEBERG:
        return slot.qty_lot + extra_at(engine.extras, slot_index).reserve_lot
    return slot.qty_lot
