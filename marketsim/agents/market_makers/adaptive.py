"""Adaptive market maker: a ladder of orders around the mid price whose width and sizes follow the spread and the volume it has seen.

The ladder is Chakraborty and Kearns's (2011); its window is an average of past spreads, its levels hold a share of the volume of the
last minute, and it leans towards the side that takers were on (Byrd, Hybinette and Balch 2020, ABIDES; market maker of RMSC04). Unlike
there, a book that was never two-sided does not end its life: it quotes around the last trade, or waits and looks again.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel_each, limit, wake_in
from marketsim.kernel.simulation.sight import best_tick, last_tick, position_lot, round_trip_ns
from marketsim.kernel.simulation.streams import exponential
from marketsim.kernel.simulation.volumes import taken_lot
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9
ADAPTIVE = 0  # place of the word in ``window``


class AdaptiveMarketMakerParams(AgentParams):
    """Keep a ladder of orders on both sides, anew at every look."""

    kind: Literal["adaptive"] = "adaptive"
    window: Literal["adaptive", "fixed"] = Field(
        "adaptive", description="Distance between its best bid and ask: the average spread seen, or initial_spread_tick for good."
    )
    initial_spread_tick: float = Field(50.0, gt=0, description="Spread it starts from, ticks. RMSC04.")
    spread_alpha: float = Field(0.75, ge=0, le=1, description="Weight of the latest spread in the average, a fraction. RMSC04.")
    level_spacing: float = Field(5.0, gt=0, description="Distance between levels, windows (at least one tick). RMSC04.")
    levels: int = Field(10, ge=1, le=1000, description="Levels a side. RMSC04's num_ticks.")
    participation: float = Field(
        0.025, ge=0, le=1, description="Order size a level, as a share of the volume looked back on. RMSC04's pov."
    )
    lookback_s: float = Field(60.0, gt=0, le=3600, description="How far back it looks for volume, s. RMSC04.")
    min_order_lot: int = Field(1, ge=1, le=10**9, description="Smallest order, lots. RMSC04.")
    mean_wait_s: float = Field(60.0, gt=0, description="Mean of the exponential time between two looks, s. RMSC04.")
    cancel_delay_ns: int = Field(50, ge=0, le=10**12, description="Pause between cancelling and looking, ns. RMSC04.")
    price_skew_tick: float = Field(
        4.0, ge=0, description="How far the centre moves when all takers were on one side, ticks; 0 ignores them. RMSC04."
    )
    size_skew_per_lot: float = Field(
        0.0, ge=0, description="Steepness of shifting size against its position, 1/lots; 0 ignores the position. RMSC04's skew_beta."
    )
    backstop_lot: int = Field(0, ge=0, le=10**9, description="Size of the outermost order of each side, lots; 0 as the others. RMSC04.")


ADAPTIVE_STATE = np.dtype(
    [
        ("spread_tick", np.float64),  # average
        ("mid_tick", np.int64),  # latest seen
        ("has_mid", np.int64),
        ("looks_now", np.int64),  # its orders are cancelled, the next turn is for quoting
    ]
)


@compiled_agent(AdaptiveMarketMakerParams, ADAPTIVE_STATE)
def adaptive(market, me, p, state):
    """Cancel the ladder; when that has happened, look and set a new one."""
    if me.turn == START:
        state.spread_tick = p.initial_spread_tick
        wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))
    elif state.looks_now == 0:
        state.looks_now = 1
        cancel_each(market, me)
        wake_in(market, me, round_trip_ns(market, me) + p.cancel_delay_ns)
    else:
        state.looks_now = 0
        _look(market, me, p, state)
        if state.has_mid == 1:
            _quote(market, me, p, state)
        wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))


@inner
def _look(market, me, p, state):
    """Take the mid price and the spread in; with a side missing keep those seen last, or start from the last trade."""
    bid_tick, ask_tick = best_tick(market, me.symbol, me.venue, 1), best_tick(market, me.symbol, me.venue, -1)
    if bid_tick != NO_PRICE and ask_tick != NO_PRICE:
        state.mid_tick = (bid_tick + ask_tick) // 2
        state.has_mid = 1
        if p.window == ADAPTIVE:
            state.spread_tick = p.spread_alpha * (ask_tick - bid_tick) + (1.0 - p.spread_alpha) * state.spread_tick
    elif state.has_mid == 0:
        traded_tick = last_tick(market, me.symbol, me.venue)
        if traded_tick != NO_PRICE:
            state.mid_tick = traded_tick
            state.has_mid = 1


@inner
def _quote(market, me, p, state):
    """Send the ladder, from its lowest bid to its highest ask."""
    lookback_ns = int(p.lookback_s * SECOND_NS)
    bought_lot, sold_lot = taken_lot(market, me.symbol, 1, lookback_ns), taken_lot(market, me.symbol, -1, lookback_ns)
    centre_tick = state.mid_tick + lean(p, bought_lot, sold_lot)
    half = 0.5 * state.spread_tick
    step_tick = max(round(p.level_spacing * state.spread_tick), 1)
    size = round(p.participation * (bought_lot + sold_lot))
    for side in (1, -1):
        best = centre_tick - math.floor(half) if side > 0 else centre_tick + math.ceil(half)
        qty_lot = max(leaning_size(p, size, side, position_lot(market, me, me.symbol)), p.min_order_lot)
        for level in range(p.levels):
            k = p.levels - 1 - level if side > 0 else level
            outermost = k == p.levels - 1 and p.backstop_lot > 0
            limit(market, me, side, best - side * k * step_tick, p.backstop_lot if outermost else qty_lot)


@inner
def lean(p, bought_lot, sold_lot):
    """Return how far the centre moves towards the side that takers were on, rounded down to whole ticks."""
    total_lot = bought_lot + sold_lot
    return math.floor(p.price_skew_tick * (2.0 * bought_lot / total_lot - 1.0)) if total_lot > 0 else 0


@inner
def leaning_size(p, size_lot, side, position):
    """Return the size a level for one side, before the minimum: less on the side that would add to the position."""
    if p.size_skew_per_lot == 0.0:
        return size_lot
    # The two shares add up to one; a larger position makes for more selling.
    selling = 0.5 * (1.0 + math.tanh(0.5 * p.size_skew_per_lot * position))
    return math.floor((1.0 - selling) * size_lot) if side > 0 else math.ceil(selling * size_lot)
