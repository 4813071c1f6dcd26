"""A noise trader: at the times of a Poisson process it withdraws its order and sends another, at the market or behind the mid.

The side is drawn with equal chances. It is the simplest agent that trades, for populations of thousands: it knows nothing and believes
nothing (the noise traders of Kyle 1985).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.background.crowd import TOUCH_FIELDS, draw_lot, see_touch, take
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.simulation.actions import cancel, limit, wake_in
from marketsim.kernel.simulation.sight import fundamental_tick, live_order, phase
from marketsim.kernel.simulation.streams import exponential, integer, random_side, uniform
from marketsim.records import Phase, Turn

START, CONTINUOUS = Turn.START.value, Phase.CONTINUOUS.value
STATE = np.dtype([*TOUCH_FIELDS, ("order_id", np.int64)])


class PoissonNoiseParams(AgentParams):
    """How often the trader comes and what it does then; the values are illustrative."""

    kind: Literal["poisson_noise"] = "poisson_noise"
    rate_per_s: float = Field(0.01, gt=0, description="Turns, 1/s.")
    market_share: float = Field(0.3, ge=0, le=1, description="Share of market orders among its orders.")
    width_tick: int = Field(10, ge=0, description="Limit orders lie at most so far behind the mid, evenly spread, ticks.")
    order_lot: int = Field(10, ge=1, description="Median size of an order, lots.")
    order_log_sd: float = Field(0.0, ge=0, le=3, description="Standard deviation of the logarithm of an order's size; 0 for one size.")


@compiled_agent(PoissonNoiseParams, STATE)
def poisson_noise(market, me, p, state):
    """Replace the order by another."""
    if me.turn == START:
        state.order_id = NONE
        state.bid_tick = math.floor(fundamental_tick(market, me.symbol))
        state.ask_tick = state.bid_tick + 1
    elif phase(market, me.symbol, me.venue) == CONTINUOUS:
        bid, ask = see_touch(market, me, state)
        if state.order_id != NONE and live_order(market, state.order_id) != NONE:
            cancel(market, me, state.order_id)
        state.order_id = NONE
        side, qty_lot = random_side(me), draw_lot(me, p.order_lot, p.order_log_sd)
        if uniform(me) < p.market_share:
            take(market, me, side, qty_lot)
        else:
            nearest_tick = (bid + ask + (side < 0)) // 2  # the mid, rounded away from the other side: towards one side prices would drift
            state.order_id = limit(market, me, side, nearest_tick - side * integer(me, 0, p.width_tick), qty_lot)
    wake_in(market, me, exponential(me, 1e9 / p.rate_per_s))
