"""Retail traders who buy falls: a clip for every step that the mid is below its recent high, sold again with a profit or given up in time.

The contrarian half of individual investors (Kaniel, Saar and Titman, Journal of Finance 63(1), 2008); gains are realised and losses kept,
the disposition effect (Odean, Journal of Finance 53(5), 1998).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.regime import SECOND, WATCH, watch_regime
from marketsim.agents.retail.retail_trading import BUY, SELL, RetailParams, clip_lot, trade, wait
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import mid_tick, position_lot

# Twice the recent high and twice the price of the latest purchase; what the position has cost; when it was opened.
DIP = np.dtype(
    [
        ("watch", WATCH),
        ("high", np.float64),
        ("seen_ns", np.int64),
        ("bought_at", np.float64),
        ("cost_tick_lot", np.float64),
        ("held_lot", np.int64),
        ("since_ns", np.int64),
    ]
)


class DipBuyerParams(RetailParams):
    """Parameters of `dip_buyer` traders, who never sell short."""

    kind: Literal["dip_buyer"] = "dip_buyer"
    dip_bps: float = Field(50.0, gt=0, description="Fall from the high, and from the latest purchase, that is bought, 1/10,000.")
    memory_s: float = Field(7200.0, gt=0, description="Time in which the high is forgotten to 1/e, s.")
    profit_bps: float = Field(30.0, gt=0, description="Gain on the average cost at which all is sold, 1/10,000.")
    patience_s: float = Field(86_400.0, gt=0, description="Time after which all is sold anyhow, s.")


@inner
def see_high(me, p, state, mid):
    """Let the high sink towards the mid, and rise with it."""
    if state.seen_ns == 0:
        state.high = float(mid)
    elapsed_s = (me.now_ns - state.seen_ns) / SECOND if state.seen_ns != 0 else 0.0
    state.high = max(mid + (state.high - mid) * math.exp(-elapsed_s / p.memory_s), float(mid))
    state.seen_ns = me.now_ns


@inner
def count_cost(market, me, state):
    """Let the average cost take in what was bought since the last turn; a sale takes its part of the cost away."""
    position = position_lot(market, me, me.symbol)
    sold_share = min(me.sold_lot / (state.held_lot + me.bought_lot), 1.0) if me.sold_lot > 0 and state.held_lot + me.bought_lot > 0 else 0.0
    state.cost_tick_lot = (state.cost_tick_lot + me.bought_tick_lot) * (1.0 - sold_share)
    if state.held_lot <= 0 < position:
        state.since_ns = me.now_ns
    state.held_lot = position
    if position <= 0:
        state.cost_tick_lot, state.bought_at = 0.0, 0.0


@compiled_agent(DipBuyerParams, DIP)
def dip_buyer(market, me, p, state):
    """Sell with a profit or out of patience; else buy when the mid is a step below the high and the latest purchase."""
    wait(market, me, p, state.watch)
    watch_regime(market, me, p, state.watch)
    count_cost(market, me, state)
    mid = mid_tick(market, me.symbol, me.venue)
    if mid == NO_PRICE or mid <= 0:
        return
    see_high(me, p, state, mid)
    if state.held_lot > 0 and state.cost_tick_lot > 0.0:
        gain = 0.5 * mid * state.held_lot / state.cost_tick_lot - 1.0
        if gain >= p.profit_bps / 1e4 or me.now_ns - state.since_ns >= p.patience_s * SECOND:
            trade(market, me, p, SELL, state.held_lot)
            return
    step = 1.0 - p.dip_bps / 1e4
    is_lower = state.bought_at == 0.0 or mid <= state.bought_at * step
    if mid <= state.high * step and is_lower and trade(market, me, p, BUY, clip_lot(me, p, state.watch)) > 0:
        state.bought_at = float(mid)
