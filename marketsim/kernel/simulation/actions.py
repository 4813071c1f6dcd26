"""What an agent may do in its turn: send messages, and say when it wants to be woken.

A message leaves when the agent's computation is done and arrives one latency later; messages of one agent to one venue never overtake
each other. Orders are numbered by the simulation; the number is what a cancel names.
"""

from __future__ import annotations

from marketsim.kernel.book_state import NONE, message_at
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import load_i64, store_i64
from marketsim.kernel.simulation.event_queue import push, push_turn
from marketsim.kernel.simulation.sight import book_index, first_order, next_order, order
from marketsim.kernel.simulation.streams import delay_ns
from marketsim.kernel.simulation.world import (
    ARRIVAL,
    NO_FAULT,
    NO_SUCH_MARKET,
    TOO_MANY_MESSAGES,
    TURN,
    desk_at,
)
from marketsim.kernel.tables import resized
from marketsim.records import MESSAGE, Flag, Kind, Tif, Turn

MESSAGE_BYTES = MESSAGE.itemsize
MOST_MESSAGES_A_TURN = 10_000  # an agent that sends more is caught in a loop
LIMIT, MARKET, CANCEL, REPLACE, CANCEL_OWNER = (k.value for k in (Kind.LIMIT, Kind.MARKET, Kind.CANCEL, Kind.REPLACE, Kind.CANCEL_OWNER))
GTC, WAKE = Tif.GTC.value, Turn.WAKE.value
NO_FLAG = Flag.NONE.value


@inner
def wake_at(market, me, agent_ns):
    """Ask for a turn at a time of the agent's own clock; replaces an earlier request. Never before it has finished this turn."""
    agent_ns = max(agent_ns, me.now_ns + me.computation_ns)
    seen_ns = max(agent_ns - delay_ns(me, me.data_latency_ns), market.now_ns)
    me.wake_ticket = push_turn(market, seen_ns, TURN, me.number, WAKE, agent_ns, 0)


@inner
def wake_in(market, me, wait_ns):
    """Ask for a turn after a while."""
    wake_at(market, me, me.now_ns + int(wait_ns))


@inner
def limit(market, me, side, price_tick, qty_lot):
    """Send a limit order, good till cancelled, for the agent's own symbol and venue; return its order_id."""
    return send(market, me, LIMIT, side, price_tick, qty_lot, GTC, NO_FLAG, me.symbol, me.venue)


@inner
def market_order(market, me, side, qty_lot):
    """Send a market order for the agent's own symbol and venue; return its order_id."""
    return send(market, me, MARKET, side, 0, qty_lot, GTC, NO_FLAG, me.symbol, me.venue)


@inner
def send(market, me, kind, side, price_tick, qty_lot, tif, flags, symbol, venue):
    """Send a new order of a kind that needs nothing more than this; return its order_id."""
    message = new_order(market, me, symbol, venue)
    message.kind = kind
    message.side = side
    message.price_tick = price_tick
    message.qty_lot = qty_lot
    message.tif = tif
    message.flags = flags
    return message.order_id


@inner
def new_order(market, me, symbol, venue):
    """Return a MESSAGE on its way with a new order_id and the agent's name on it; what is left to be filled in is zero."""
    message = letter_from(market, me, symbol, venue)
    message.order_id = market.next_order_id
    market.next_order_id += 1
    me.n_orders += 1
    return message


@inner
def cancel(market, me, order_id):
    """Ask for an order to be cancelled; it comes too late for what has traded by then."""
    message = letter_from(market, me, me.symbol, me.venue)
    message.kind = CANCEL
    message.order_id = order_id
    me.n_cancels += 1


@inner
def cancel_all(market, me):
    """Ask for every order of the agent's in its own symbol and venue to be cancelled."""
    message = letter_from(market, me, me.symbol, me.venue)
    message.kind = CANCEL_OWNER
    me.n_cancels += 1


@inner
def cancel_each(market, me):
    """Ask for every order the agent sees alive in its own symbol and venue to be cancelled, a message an order; return how many."""
    book = book_index(market, me.symbol, me.venue)
    n = 0
    index = first_order(market, me)
    # The orders before ``index`` have been asked for.
    while index != NONE:
        live = order(market, index)
        if live.book == book:
            cancel(market, me, live.order_id)
            n += 1
        index = next_order(market, index)
    return n


@inner
def replace(market, me, order_id, price_tick, qty_lot):
    """Ask for an order to have another price and open quantity."""
    message = letter_from(market, me, me.symbol, me.venue)
    message.kind = REPLACE
    message.order_id = order_id
    message.price_tick = price_tick
    message.qty_lot = qty_lot
    me.n_cancels += 1


@inner
def letter_from(market, me, symbol, venue):
    """Return a cleared message of the agent's that arrives at a venue when it is due."""
    if not (0 <= symbol < market.n_symbols and 0 <= venue < market.n_venues):
        accuse(market, me, NO_SUCH_MARKET)
        symbol, venue = 0, 0
    market.sent_this_turn += 1
    me.under_way += 1
    if market.sent_this_turn > MOST_MESSAGES_A_TURN:
        accuse(market, me, TOO_MANY_MESSAGES)
        raise RuntimeError  # ends the step, which may never end by itself
    leaves_ns = me.now_ns + me.computation_ns
    arrives_ns = leaves_ns + delay_ns(me, me.order_latency_ns + desk_at(market.desks, venue).latency_ns)
    channel = me.number * market.n_venues + venue
    arrives_ns = max(arrives_ns, load_i64(market.channels, channel), market.now_ns)
    store_i64(market.channels, channel, arrives_ns)
    row = take_letter(market)
    message = message_at(market.letters, row)
    message.time_ns = arrives_ns
    message.owner_id = me.number
    message.symbol = symbol
    message.venue = venue
    push(market, arrives_ns, ARRIVAL, row)
    return message


@inner
def accuse(market, me, fault):
    """Remember the first thing an agent did that ends the simulation."""
    if market.fault == NO_FAULT:
        market.fault = fault
        market.fault_agent = me.number


@inner
def take_letter(market):
    """Return a cleared row for a message under way."""
    row = market.free_letter
    if row != NONE:
        market.free_letter = message_at(market.letters, row).order_id
    else:
        row = market.letters_used
        if row == market.letter_capacity:
            market.letter_capacity *= 2
            market.letters = resized(market.letters, market.letter_capacity * MESSAGE_BYTES)
        market.letters_used = row + 1
    for word in range(MESSAGE_BYTES // 8):
        store_i64(market.letters + row * MESSAGE_BYTES, word, 0)
    return row


@inner
def give_letter(market, row):
    """Free the row of a message that has arrived."""
    message_at(market.letters, row).order_id = market.free_letter
    market.free_letter = row
