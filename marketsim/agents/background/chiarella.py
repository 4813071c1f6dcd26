"""Extended Chiarella trader: part fundamentalist, part chartist, part noise, on a limit order book.

Excess demand a second is kappa (V - p) + kappa3 (V - p)^3 + beta tanh(gamma M), with p and V the logarithms of price and fundamental
value, plus noise; the trend M follows dM = -alpha M dt + alpha dp (Chiarella 1992; Majewski, Ciliberti and Bouchaud 2020, equations 1 to
4). The price is not moved by formula here: the demand becomes orders, in parts market orders and limit orders near the mid price.
Without noise and with V at rest, the price swings for good when beta gamma > 1 + kappa / alpha.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel_each, limit, market_order, wake_in
from marketsim.kernel.simulation.sight import fundamental_tick, mid_tick
from marketsim.kernel.simulation.streams import exponential, normal, uniform
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9


class ChiarellaParams(AgentParams):
    """Trade on mispricing, on trend and on nothing; any of the three may be zero."""

    kind: Literal["chiarella"] = "chiarella"
    kappa_per_s: float = Field(0.01, ge=0, description="Fundamentalist demand for a mispricing of one log unit, 1/s.")
    kappa3_per_s: float = Field(0.0, ge=0, description="The same for its third power, 1/s.")
    beta_per_s: float = Field(0.0, ge=0, description="Largest chartist demand, log units a second.")
    gamma_s: float = Field(50.0, ge=0, description="Saturation of the chartists: demand is beta tanh(gamma M), s.")
    alpha_per_s: float = Field(0.01, gt=0, description="Rate at which the trend forgets, 1/s.")
    noise_per_sqrt_s: float = Field(0.0, ge=0, description="Standard deviation of the noise demand gathered in a second, log units.")
    lot_per_unit: float = Field(1e5, gt=0, description="Lots traded for one log unit of demand: the depth that the demand is to move.")
    mean_wait_s: float = Field(10.0, gt=0, description="Mean of the exponential time between two turns, s.")
    market_share: float = Field(0.5, ge=0, le=1, description="Chance that an order is a market order, a fraction.")
    depth_tick: float = Field(5.0, ge=0, description="Mean of a limit order's exponential distance from the mid price, ticks.")


CHIARELLA_STATE = np.dtype(
    [
        ("trend_per_s", np.float64),  # M
        ("log_price", np.float64),  # at the latest turn
        ("seen_ns", np.int64),
        ("has_price", np.int64),
    ]
)


@compiled_agent(ChiarellaParams, CHIARELLA_STATE)
def chiarella(market, me, p, state):
    """Gather the demand since the latest turn and send it as one order; without any price quote the fundamental value."""
    if me.turn != START:
        cancel_each(market, me)
        twice_mid = mid_tick(market, me.symbol, me.venue)
        value_tick = fundamental_tick(market, me.symbol)
        mid = 0.5 * twice_mid if twice_mid != NO_PRICE else value_tick
        if mid > 0.0 and value_tick > 0.0:
            elapsed_s = (me.now_ns - state.seen_ns) / SECOND_NS
            log_price = math.log(mid)
            if p.beta_per_s > 0.0 and state.has_price == 1 and elapsed_s > 0.0:  # only chartists need the trend
                state.trend_per_s = next_trend(p, state.trend_per_s, log_price - state.log_price, elapsed_s)
            state.log_price, state.has_price = log_price, 1
            demand = elapsed_s * demand_per_s(p, math.log(value_tick) - log_price, state.trend_per_s)
            demand += p.noise_per_sqrt_s * math.sqrt(max(elapsed_s, 0.0)) * normal(me)
            _send(market, me, p, demand, mid)
    state.seen_ns = me.now_ns
    wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))


@inner
def demand_per_s(p, mispricing, trend_per_s):
    """Return the demand of fundamentalist and chartist, log units a second; ``mispricing`` is V - p."""
    fundamentalist = p.kappa_per_s * mispricing + p.kappa3_per_s * mispricing * mispricing * mispricing
    return fundamentalist + p.beta_per_s * math.tanh(p.gamma_s * trend_per_s)


@inner
def next_trend(p, trend_per_s, log_return, elapsed_s):
    """Return the trend after a while in which the price moved evenly."""
    keep = math.exp(-p.alpha_per_s * elapsed_s)
    return keep * trend_per_s + (1.0 - keep) * log_return / elapsed_s


@inner
def _send(market, me, p, demand, mid):
    """Send a demand as one order of whole lots; the fraction of a lot is drawn for, so that it is right on average."""
    wanted = abs(demand) * p.lot_per_unit
    qty_lot = int(wanted) + (1 if uniform(me) < wanted - int(wanted) else 0)
    if qty_lot == 0:
        return
    side = 1 if demand > 0.0 else -1
    if uniform(me) < p.market_share:
        market_order(market, me, side, qty_lot)
    else:
        away_tick = exponential(me, p.depth_tick)
        limit(market, me, side, math.floor(mid - away_tick) if side > 0 else math.ceil(mid + away_tick), qty_lot)
