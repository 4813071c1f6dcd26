"""Retail traders who follow the trend: in when a fast average of the mid leaves a slow one by a band, out when it is back.

The rule is the moving-average rule with a band of Brock, Lakonishok and LeBaron (Journal of Finance 47(5), 1992), with averages that
forget exponentially in time, so that irregular looks at the market do no harm.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.regime import SECOND, WATCH, watch_regime
from marketsim.agents.retail.retail_trading import BUY, SELL, RetailParams, clip_lot, follow_news, trade, wait
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import mid_tick, position_lot

# Averages of twice the mid, and when they were brought up to date.
MOMENTUM = np.dtype([("watch", WATCH), ("fast", np.float64), ("slow", np.float64), ("seen_ns", np.int64)])


class RetailMomentumParams(RetailParams):
    """Parameters of `retail_momentum` traders."""

    kind: Literal["retail_momentum"] = "retail_momentum"
    fast_s: float = Field(300.0, gt=0, description="Memory of the fast average, s.")
    slow_s: float = Field(1800.0, gt=0, description="Memory of the slow average, s.")
    band_bps: float = Field(10.0, ge=0, description="Distance of the averages at which it trades, 1/10,000 of the price.")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast_s >= self.slow_s:
            raise ValueError(f"fast_s is {self.fast_s}, not below slow_s {self.slow_s}; make it shorter")
        return self


@inner
def trend_bps(me, p, state, mid):
    """Let the averages take in the mid, and return by how much the fast one is above the slow one."""
    if state.seen_ns == 0:
        state.fast = state.slow = float(mid)
    else:
        elapsed_s = (me.now_ns - state.seen_ns) / SECOND
        state.fast += (1.0 - math.exp(-elapsed_s / p.fast_s)) * (mid - state.fast)
        state.slow += (1.0 - math.exp(-elapsed_s / p.slow_s)) * (mid - state.slow)
    state.seen_ns = me.now_ns
    return 1e4 * (state.fast / state.slow - 1.0)


@compiled_agent(RetailMomentumParams, MOMENTUM, hears_news=True)
def retail_momentum(market, me, p, state):
    """Buy a clip in a rise and sell one in a fall; close the position when the trend is gone."""
    if follow_news(market, me, p, state.watch):
        return
    wait(market, me, p, state.watch)
    watch_regime(market, me, p, state.watch)
    mid = mid_tick(market, me.symbol, me.venue)
    if mid == NO_PRICE or mid <= 0:
        return
    trend = trend_bps(me, p, state, mid)
    position = position_lot(market, me, me.symbol)
    if position > 0 and trend < 0.0:
        trade(market, me, p, SELL, position)
    elif position < 0 and trend > 0.0:
        trade(market, me, p, BUY, -position)
    elif trend > p.band_bps:
        trade(market, me, p, BUY, clip_lot(me, p, state.watch))
    elif trend < -p.band_bps:
        trade(market, me, p, SELL, clip_lot(me, p, state.watch))
