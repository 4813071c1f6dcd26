"""The Santa Fe zero-intelligence crowd: limit orders, market orders and cancels at constant rates, whatever the prices.

Buy limit orders come at the same rate at every price below the best ask, sell limit orders above the best bid, market orders at a rate of
their own, and every order is cancelled at a rate of its own (Smith, Farmer, Gillemot and Krishnamurthy 2003; Farmer, Patelli and Zovko
2005). Prices scale with mu / (2 alpha), times with 1 / delta, and the shape of the book with 2 delta sigma / mu.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.background.crowd import PLAN_FIELDS, TOUCH_FIELDS, open_crowd, plan_next, see_touch, take
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.simulation.actions import cancel, limit
from marketsim.kernel.simulation.sight import live_order, phase
from marketsim.kernel.simulation.streams import integer, random_side, uniform
from marketsim.records import Phase, Turn

START, CONTINUOUS = Turn.START.value, Phase.CONTINUOUS.value
STATE = np.dtype([*TOUCH_FIELDS, *PLAN_FIELDS])


class ZeroIntelligenceParams(AgentParams):
    """Rates of the three flows; by default a spread of about 8 ticks and 320 live orders."""

    kind: Literal["zero_intelligence"] = "zero_intelligence"
    limit_rate_per_tick_s: float = Field(
        0.02, gt=0, description="alpha: limit orders per price and second on each side, 1/(tick s). Smith et al. 2003."
    )
    market_rate_per_s: float = Field(0.5, ge=0, description="mu: market orders on both sides together, 1/s. Smith et al. 2003.")
    cancel_rate_per_s: float = Field(0.025, ge=0, description="delta: cancels of each live order, 1/s. Smith et al. 2003.")
    order_lot: int = Field(1, ge=1, description="sigma: size of every order, lots.")
    window_tick: int = Field(
        200,
        ge=1,
        description="How far from the opposite best price limit orders are placed; many spreads, so that it does not matter, ticks.",
    )


@compiled_agent(ZeroIntelligenceParams, STATE)
def zero_intelligence(market, me, p, state):
    """Let the event happen that was drawn at the last turn, and draw the next."""
    limit_rate_per_s = 2.0 * p.limit_rate_per_tick_s * p.window_tick
    state.sent_id = NONE
    if me.turn == START:
        open_crowd(market, me, state)
    else:
        bid, ask = see_touch(market, me, state)
        if phase(market, me.symbol, me.venue) == CONTINUOUS:
            if state.planned_id != NONE:
                if live_order(market, state.planned_id) != NONE:
                    cancel(market, me, state.planned_id)
            elif uniform(me) * (limit_rate_per_s + p.market_rate_per_s) < limit_rate_per_s:
                side, distance_tick = random_side(me), integer(me, 1, p.window_tick)
                state.sent_id = limit(market, me, side, (ask if side > 0 else bid) - side * distance_tick, p.order_lot)
            else:
                take(market, me, random_side(me), p.order_lot)
    plan_next(market, me, state, limit_rate_per_s + p.market_rate_per_s, p.cancel_rate_per_s)
