"""The order flow of Cont, Stoikov and Talreja (2010): rates that depend on the distance from the opposite best price.

Limit orders of one size come at lambda(i) per side at a distance of i ticks from the opposite best price, market orders at mu per side,
and each order waiting at distance i is cancelled at theta(i) (section 2.1). Rates are per minute, as in their table 2.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.background.crowd import PLAN_FIELDS, TOUCH_FIELDS, open_crowd, plan_next, see_touch, take
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel, limit
from marketsim.kernel.simulation.sight import live_order, order, phase
from marketsim.kernel.simulation.streams import random_side, uniform
from marketsim.records import Phase, Turn

START, CONTINUOUS = Turn.START.value, Phase.CONTINUOUS.value
S_A_MINUTE = 60.0
STATE = np.dtype([("limit_rate_per_min", np.float64), ("most_cancels_per_min", np.float64), *TOUCH_FIELDS, *PLAN_FIELDS])


class ContStoikovTalrejaParams(AgentParams):
    """Rates by distance; by default those of Sky Perfect Communications, Tokyo."""

    kind: Literal["cont_stoikov_talreja"] = "cont_stoikov_talreja"
    limit_rate_per_min: tuple[float, ...] = Field(
        (1.85, 1.51, 1.09, 0.88, 0.77),
        min_length=1,
        max_length=64,
        description="lambda(i): limit orders a side 1, 2, … ticks from the opposite best price, 1/min; none beyond. CST 2010, table 2.",
    )
    cancel_rate_per_min: tuple[float, ...] = Field(
        (0.71, 0.81, 0.68, 0.56, 0.47),
        min_length=1,
        max_length=64,
        description="theta(i): cancels of each live order at that distance, 1/min; the last one also holds beyond. CST 2010, table 2.",
    )
    market_rate_per_min: float = Field(0.94, ge=0, description="mu: market orders of each side, 1/min. CST 2010, table 2.")
    order_lot: int = Field(1, ge=1, description="Size of every order, lots.")

    @model_validator(mode="after")
    def _rates_make_sense(self) -> Self:
        if min(*self.limit_rate_per_min, *self.cancel_rate_per_min, 0.0) < 0:
            raise ValueError("limit_rate_per_min and cancel_rate_per_min hold a negative rate; rates are at least 0")
        if sum(self.limit_rate_per_min) == 0:
            raise ValueError("limit_rate_per_min is 0 at every distance; without limit orders there is no book")
        return self


@compiled_agent(ContStoikovTalrejaParams, STATE)
def cont_stoikov_talreja(market, me, p, state):
    """Let the event happen that was drawn at the last turn, and draw the next."""
    state.sent_id = NONE
    if me.turn == START:
        open_crowd(market, me, state)
        for k in range(p.n_limit_rate_per_min):
            state.limit_rate_per_min += p.limit_rate_per_min[k]
        for k in range(p.n_cancel_rate_per_min):
            state.most_cancels_per_min = max(state.most_cancels_per_min, p.cancel_rate_per_min[k])
    else:
        bid, ask = see_touch(market, me, state)
        if phase(market, me.symbol, me.venue) == CONTINUOUS:
            if state.planned_id != NONE:
                _cancel_by_distance(market, me, p, state, bid, ask)
            else:
                drawn = uniform(me) * (state.limit_rate_per_min + p.market_rate_per_min)
                side = random_side(me)
                if drawn < state.limit_rate_per_min:
                    state.sent_id = limit(market, me, side, (ask if side > 0 else bid) - side * _distance_tick(p, drawn), p.order_lot)
                else:
                    take(market, me, side, p.order_lot)
    flow_per_min = 2.0 * (state.limit_rate_per_min + p.market_rate_per_min)
    plan_next(market, me, state, flow_per_min / S_A_MINUTE, state.most_cancels_per_min / S_A_MINUTE)


@inner
def _distance_tick(p, drawn):
    """Return the distance at which the summed rates of limit orders pass a number."""
    last = p.n_limit_rate_per_min - 1
    for k in range(last):
        drawn -= p.limit_rate_per_min[k]
        if drawn < 0.0:
            return k + 1
    return last + 1


@inner
def _cancel_by_distance(market, me, p, state, bid, ask):
    """Cancel the order that was drawn at the highest of all cancel rates with the share that the rate at its distance has in it."""
    place = live_order(market, state.planned_id)
    if place == NONE:
        return
    waiting = order(market, place)
    distance_tick = ask - waiting.price_tick if waiting.side > 0 else waiting.price_tick - bid
    k = min(max(distance_tick, 1), p.n_cancel_rate_per_min) - 1
    if uniform(me) * state.most_cancels_per_min < p.cancel_rate_per_min[k]:
        cancel(market, me, state.planned_id)
