"""Retail traders whose stop orders stand in clusters just beyond round prices: the fuel of cascades.

A holder of shares keeps a sell stop a few ticks below the next round price under the market, a short seller a buy stop above the next one
over it (Osler, Journal of Finance 58(5), 2003; Journal of International Money and Finance 24, 2005: stop-loss orders cluster just beyond
round numbers, and their execution propagates trends). Stopped out, the trader comes back after a while.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.regime import WATCH, watch_regime
from marketsim.agents.retail.retail_trading import BUY, SELL, RetailParams, can_trade, clip_lot, trade, wait
from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel, new_order
from marketsim.kernel.simulation.sight import first_order, grid_tick, mid_tick, order, position_lot
from marketsim.kernel.simulation.streams import integer, random_side
from marketsim.records import Kind, Tif

STOP, GTC = Kind.STOP.value, Tif.GTC.value

STOPS = np.dtype([("watch", WATCH), ("round_tick", np.int64)])  # the round price its stop is beyond


class StopClustersParams(RetailParams):
    """Parameters of `stop_clusters` traders."""

    kind: Literal["stop_clusters"] = "stop_clusters"
    round_tick: int = Field(100, gt=0, description="Distance of round prices, ticks.")
    nearest_tick: int = Field(20, ge=0, description="Smallest distance of the round price from the mid when the stop is set, ticks.")
    offset_tick: int = Field(5, ge=1, description="A stop is 1 to this many ticks beyond the round price, drawn evenly.")
    trailing: bool = Field(True, description="Whether the stop follows the market to round prices that protect more.")


@inner
def round_price(p, side, mid):
    """Return the nearest round price on the losing side of the market, at least ``nearest_tick`` away; ``side`` is the position's."""
    if side > 0:
        return (mid // 2 - p.nearest_tick) // p.round_tick * p.round_tick
    return -((-mid // 2 - p.nearest_tick) // p.round_tick) * p.round_tick


@inner
def protect(market, me, p, state, position, mid):
    """Keep one stop for the whole position; one for another quantity, or that could protect more, is cancelled and set anew next time."""
    side = 1 if position > 0 else -1
    wanted = round_price(p, side, mid)
    index = first_order(market, me)
    if index != NONE:
        stop = order(market, index)
        is_closer = p.trailing != 0 and side * (wanted - state.round_tick) > 0
        if stop.qty_lot != abs(position) or stop.side != -side or is_closer:
            cancel(market, me, stop.order_id)
        return
    stop_tick = grid_tick(market, me.venue, side, wanted - side * integer(me, 1, p.offset_tick))
    if stop_tick > 0:
        message = new_order(market, me, me.symbol, me.venue)
        message.kind, message.side, message.qty_lot, message.stop_tick, message.tif = STOP, -side, abs(position), stop_tick, GTC
        state.round_tick = wanted


@compiled_agent(StopClustersParams, STOPS, hears_fills=True)
def stop_clusters(market, me, p, state):
    """Hold a position with a stop behind it; without one, take a new one."""
    wait(market, me, p, state.watch)
    watch_regime(market, me, p, state.watch)
    mid = mid_tick(market, me.symbol, me.venue)
    if mid == NO_PRICE or not can_trade(market, me):
        return
    position = position_lot(market, me, me.symbol)
    if position != 0:
        protect(market, me, p, state, position, mid)
    elif first_order(market, me) != NONE:
        cancel(market, me, order(market, first_order(market, me)).order_id)
    elif me.bought_lot == 0 and me.sold_lot == 0:
        side = random_side(me) if p.short_selling != 0 else BUY
        trade(market, me, p, BUY if side > 0 else SELL, clip_lot(me, p, state.watch))
