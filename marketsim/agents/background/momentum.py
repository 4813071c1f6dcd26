"""Momentum trader: buys when the average of the latest mid prices is at least that of more of them, otherwise sells, at the far touch.

It looks at exponential times and remembers what it saw itself (Byrd, Hybinette and Balch 2020, ABIDES; momentum agent of RMSC04, 20
against 50 observations).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.background.order_size import OrderSizeParams, order_lot
from marketsim.agents.compiled import compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import limit, wake_in
from marketsim.kernel.simulation.sight import best_tick
from marketsim.kernel.simulation.streams import exponential
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9
LONGEST = 512


class MomentumParams(OrderSizeParams):
    """Follow the crossing of two moving averages."""

    kind: Literal["momentum"] = "momentum"
    mean_wait_s: float = Field(37.0, gt=0, description="Mean of the exponential time between two looks, s. RMSC04.")
    short: int = Field(20, ge=1, le=LONGEST, description="Looks in the faster average. RMSC04.")
    long: int = Field(50, ge=2, le=LONGEST, description="Looks in the slower average; it trades only after one more. RMSC04.")

    @model_validator(mode="after")
    def _check_order(self) -> MomentumParams:
        if self.short >= self.long:
            raise ValueError(f"short {self.short} is not less than long {self.long}; the faster average takes fewer looks")
        return self


MOMENTUM_STATE = np.dtype(
    [
        ("n", np.int64),  # looks so far at a two-sided book
        ("short_sum", np.int64),  # of the latest mids, in half ticks
        ("long_sum", np.int64),
        ("mids", np.int64, (LONGEST,)),  # ring
    ]
)


@compiled_agent(MomentumParams, MOMENTUM_STATE)
def momentum(market, me, p, state):
    """Look, and trade once enough has been seen; a one-sided book is not a look."""
    if me.turn != START:
        bid_tick, ask_tick = best_tick(market, me.symbol, me.venue, 1), best_tick(market, me.symbol, me.venue, -1)
        if bid_tick != NO_PRICE and ask_tick != NO_PRICE:
            _remember(p, state, bid_tick + ask_tick)
            if state.n > p.long:
                rises = state.short_sum * p.long >= state.long_sum * p.short
                qty_lot = order_lot(me, p)
                if qty_lot > 0:
                    limit(market, me, 1 if rises else -1, ask_tick if rises else bid_tick, qty_lot)
    wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))


@inner
def _remember(p, state, mid):
    """Take a mid price into both averages."""
    n = state.n
    state.short_sum += mid - (state.mids[(n - p.short) % LONGEST] if n >= p.short else 0)
    state.long_sum += mid - (state.mids[(n - p.long) % LONGEST] if n >= p.long else 0)
    state.mids[n % LONGEST] = mid
    state.n = n + 1
