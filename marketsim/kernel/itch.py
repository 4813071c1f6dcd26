"""Nasdaq TotalView-ITCH 5.0, compiled: cutting bytes into messages, and messages into recorded events.

All integers are big-endian. Every message opens with its type (1 byte), stock locate (2), tracking number (2) and ns since midnight (6);
offsets below count from the type byte. Lengths and fields: Nasdaq TotalView-ITCH 5.0 specification, sections 1.1 to 1.8.
"""

from __future__ import annotations

from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_book import ADD, DELETE, EXECUTE, HALT, HIDDEN, QUOTE, REDUCE, REPLACE, RESUME, apply, gone_lot
from marketsim.kernel.recorded_levels import side_of
from marketsim.kernel.recorded_order_ids import NONE, find
from marketsim.recorded import Fault, RecordedKind

CROSS, BREAK = int(RecordedKind.CROSS), int(RecordedKind.BREAK)
BAD_SIDE, BAD_QUANTITY, BAD_PRICE = int(Fault.BAD_SIDE), int(Fault.BAD_QUANTITY), int(Fault.BAD_PRICE)
UNKNOWN_KIND = int(Fault.UNKNOWN_KIND)
ADD_ORDER, ADD_WITH_MPID, EXECUTED, EXECUTED_AT, CANCEL = ord("A"), ord("F"), ord("E"), ord("C"), ord("X")
DELETE_ORDER, REPLACE_ORDER, NON_CROSS, CROSS_TRADE, BROKEN = ord("D"), ord("U"), ord("P"), ord("Q"), ord("B")
TRADING_ACTION, OPERATIONAL_HALT = ord("H"), ord("h")
BUYS, SELLS, NOT_PRINTED = ord("B"), ord("S"), ord("N")
HALTED, PAUSED, QUOTING, TRADING = ord("H"), ord("P"), ord("Q"), ord("T")
WHOLE, SHORT, UNKNOWN_TYPE, WRONG_LENGTH = 0, 1, 2, 3
HEADER = 11


@entry
def cut(data, prefixed, lengths, starts):
    """Find where messages begin.

    Parameters
    ----------
    data : (n,) uint8.
    prefixed : 1 where two bytes of length stand before each message.
    lengths : (256,) int64: bytes of each message type, 0 = no such type.
    starts : (k,) int64, out: offset of each message's type byte.

    Returns
    -------
    tuple of int64
        Messages found, the offset after the last of them, and why the search ended there: WHOLE (end of data, or ``starts`` is full),
        SHORT (the next message is cut off), UNKNOWN_TYPE, WRONG_LENGTH.
    """
    at, count = 0, 0
    while at < data.size and count < starts.size:
        start = at + 2 * prefixed
        if start >= data.size:
            return count, at, SHORT
        length = lengths[data[start]]
        if length == 0:
            return count, at, UNKNOWN_TYPE
        if prefixed and _number(data, at, 2) != length:
            return count, at, WRONG_LENGTH
        if start + length > data.size:
            return count, at, SHORT
        starts[count] = start
        count += 1
        at = start + length
    return count, at, WHOLE


@entry
def decode(data, starts, n_starts, first_message, symbol_of, events, faults, kinds):
    """Turn messages into events.

    Parameters
    ----------
    data, starts : as in `cut`; ``n_starts`` of them are read.
    first_message : number of the first of them.
    symbol_of : (65536,) int64: symbol of each stock locate, negative = not wanted.
    events : (n_starts,) RECORDED, out. Prices of executions without one, and sides of all that only name an order, are 0.
    faults : (n_starts,) REFUSED, out.
    kinds : (256,) int64: how many messages of each type; added to.

    Returns
    -------
    tuple of int64
        Events and faults written.
    """
    n_events, n_faults = 0, 0
    for k in range(n_starts):
        at = starts[k]
        kinds[data[at]] += 1
        symbol = symbol_of[_number(data, at + 1, 2)]
        if symbol < 0:
            continue
        event = events[n_events]
        event.time_ns, event.message, event.symbol = _number(data, at + 5, 6), first_message + k, symbol
        event.order_id, event.other_id, event.price_tick, event.qty_lot, event.kind, event.side = 0, 0, 0, 0, 0, 0
        fault = _event(data, at, event)
        if fault > 0:
            faults[n_faults].message, faults[n_faults].fault = first_message + k, fault
            n_faults += 1
        elif event.kind > 0:
            n_events += 1
    return n_events, n_faults


@entry
def resolve(events, book, counts, halted, known):
    """Give events that only name an order its side, and its price where they have none; deletes get the quantity that leaves.

    ``known``, (n,) int8, out: 0 where the order was never entered or has left; such an event changes nothing.
    """
    for i in range(events.size):
        event = events[i]
        known[i] = 1
        if event.kind in (REDUCE, DELETE, EXECUTE, REPLACE):
            slot = find(event.order_id, book)
            if slot == NONE:
                known[i] = 0
                continue
            event.side = side_of(slot, book)
            if event.price_tick == 0:
                event.price_tick = book[2][book[1][slot].level].price_tick
            if event.kind == DELETE:
                event.qty_lot = gone_lot(event, slot, book, counts[0])
        apply(event, book, counts[0], halted)


@inner
def _event(data, at, event):
    """Fill in one event; return the fault that forbids it, or 0. A kind of 0 means the message is no event."""
    kind = data[at]
    body = at + HEADER
    if kind in (ADD_ORDER, ADD_WITH_MPID):
        event.kind, event.order_id, event.qty_lot = ADD, _number(data, body, 8), _number(data, body + 9, 4)
        event.price_tick, event.side = _number(data, body + 21, 4), _side(data[body + 8])
        return BAD_SIDE if event.side == 0 else BAD_QUANTITY if event.qty_lot == 0 else BAD_PRICE if event.price_tick == 0 else 0
    if kind == EXECUTED:
        event.kind, event.order_id = EXECUTE, _number(data, body, 8)
        event.qty_lot, event.other_id = _number(data, body + 8, 4), _number(data, body + 12, 8)
    elif kind == EXECUTED_AT:
        # Shares that do not print here print with their cross; for the book they merely leave.
        event.kind = REDUCE if data[body + 20] == NOT_PRINTED else EXECUTE
        event.order_id, event.qty_lot, event.other_id = _number(data, body, 8), _number(data, body + 8, 4), _number(data, body + 12, 8)
        event.price_tick = 0 if event.kind == REDUCE else _number(data, body + 21, 4)
    elif kind == CANCEL:
        event.kind, event.order_id, event.qty_lot = REDUCE, _number(data, body, 8), _number(data, body + 8, 4)
    elif kind == DELETE_ORDER:
        event.kind, event.order_id = DELETE, _number(data, body, 8)
        return 0
    elif kind == REPLACE_ORDER:
        event.kind, event.order_id, event.other_id = REPLACE, _number(data, body, 8), _number(data, body + 8, 8)
        event.qty_lot, event.price_tick = _number(data, body + 16, 4), _number(data, body + 20, 4)
        if event.price_tick == 0:
            return BAD_PRICE
    elif kind == NON_CROSS:
        # Since July 2014 the field says B whatever the hidden order's side was, so only S tells anything.
        event.kind, event.side = HIDDEN, -1 if data[body + 8] == SELLS else 0
        event.qty_lot, event.price_tick, event.other_id = (
            _number(data, body + 9, 4),
            _number(data, body + 21, 4),
            _number(data, body + 25, 8),
        )
    elif kind == CROSS_TRADE:
        event.kind, event.order_id, event.qty_lot = CROSS, data[body + 28], _number(data, body, 8)
        event.price_tick, event.other_id = _number(data, body + 16, 4), _number(data, body + 20, 8)
        return 0
    elif kind == BROKEN:
        event.kind, event.other_id = BREAK, _number(data, body, 8)
        return 0
    elif kind in (TRADING_ACTION, OPERATIONAL_HALT):
        state = data[body + 8] if kind == TRADING_ACTION else data[body + 9]
        if state in (HALTED, PAUSED):
            event.kind = HALT
        elif state == QUOTING:
            event.kind = QUOTE
        elif state == TRADING:
            event.kind = RESUME
        return 0 if event.kind > 0 else UNKNOWN_KIND
    else:
        return 0
    return BAD_QUANTITY if event.qty_lot == 0 else 0


@inner
def _side(letter):
    """Return +1 for B, -1 for S, 0 for anything else."""
    return 1 if letter == BUYS else -1 if letter == SELLS else 0


@inner
def _number(data, at, n_bytes):
    """Return an unsigned big-endian integer of up to eight bytes."""
    value = 0
    for k in range(at, at + n_bytes):
        value = (value << 8) | data[k]
    return value
