"""What the tape means for the agents: cash, positions and fees to the last tick, and turns for those who want to hear of their fills."""

from __future__ import annotations

from marketsim.kernel.book_state import engine_at, event_at, trade_at
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import load_i64, store_i64
from marketsim.kernel.simulation.actions import accuse
from marketsim.kernel.simulation.event_queue import push_turn
from marketsim.kernel.simulation.reports import report_event, report_trade
from marketsim.kernel.simulation.streams import delay_ns
from marketsim.kernel.simulation.volumes import note_trade
from marketsim.kernel.simulation.world import (
    BEYOND_COUNTING,
    MOST_COUNTED,
    MOST_TRADED_TICK_LOT,
    NANO,
    OVER_CASH_LIMIT,
    OVER_POSITION_LIMIT,
    TURN,
    agent_at,
    desk_at,
)
from marketsim.records import EventKind, Turn

REJECTED, FILL = EventKind.REJECTED.value, Turn.FILL.value


@inner
def book_tape(market):
    """Book all trades and rejections that have not been booked yet."""
    engine = engine_at(market.engine, 0)
    # Every trade before ``trades_seen`` is in the accounts.
    while market.trades_seen < engine.n_trades:
        trade = trade_at(engine.trades, market.trades_seen)
        # In an auction the seller stands as the maker; the aggressor is 0 there.
        taker_side = trade.aggressor if trade.aggressor != 0 else 1
        _book(market, trade, trade.taker_owner, taker_side, trade.taker_fee)
        _book(market, trade, trade.maker_owner, -taker_side, trade.maker_fee)
        store_i64(market.volumes, trade.symbol, load_i64(market.volumes, trade.symbol) + trade.qty_lot)
        store_i64(market.marks, trade.symbol, trade.price_tick)
        note_trade(market, trade.symbol, trade.aggressor, trade.qty_lot)
        market.trades_seen += 1
    while market.events_seen < engine.n_events:
        event = event_at(engine.events, market.events_seen)
        if 0 <= event.owner_id < market.n_agents:
            me = agent_at(market.agents, event.owner_id)
            if event.kind == REJECTED:
                me.n_rejected += 1
            if me.wants_reports != 0:
                report_event(market, event)
        market.events_seen += 1


@inner
def _book(market, trade, owner, side, fee):
    me, desk = agent_at(market.agents, owner), desk_at(market.desks, trade.venue)
    if abs(1.0 * trade.price_tick * trade.qty_lot) > MOST_TRADED_TICK_LOT or abs(fee) * NANO > MOST_COUNTED:
        accuse(market, me, BEYOND_COUNTING)
        return
    notional = trade.price_tick * trade.qty_lot
    me.cash_tick_lot -= side * notional
    fee_nano = round(fee * NANO)
    me.fees_nano += fee_nano
    desk.fees_nano += fee_nano
    if max(me.cash_tick_lot, abs(me.fees_nano), abs(desk.fees_nano)) > MOST_COUNTED:
        accuse(market, me, BEYOND_COUNTING)
    me.n_fills += 1
    me.volume_lot += trade.qty_lot
    if side > 0:
        me.bought_lot += trade.qty_lot
        me.bought_tick_lot += notional
    else:
        me.sold_lot += trade.qty_lot
        me.sold_tick_lot += notional
    place = owner * market.n_symbols + trade.symbol
    position = load_i64(market.holdings, place) + side * trade.qty_lot
    store_i64(market.holdings, place, position)
    if abs(position) > me.largest_position_lot:
        accuse(market, me, OVER_POSITION_LIMIT)
    if me.cash_tick_lot < me.lowest_cash_tick_lot:
        accuse(market, me, OVER_CASH_LIMIT)
    if me.wants_reports != 0:
        report_trade(market, trade, owner, side)
    if me.hears_fills != 0 and me.fill_due == 0:
        me.fill_due = 1
        push_turn(market, market.now_ns, TURN, owner, FILL, market.now_ns + delay_ns(me, me.data_latency_ns), 0)
