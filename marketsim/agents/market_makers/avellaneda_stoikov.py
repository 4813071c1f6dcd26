"""The market maker of Avellaneda and Stoikov (Quantitative Finance 8(3), 2008): exponential utility, Brownian mid, exponential fills.

It quotes around its indifference price r = s - q gamma sigma^2 (T - t) (eq. 3.17) with the total spread
gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k) (eq. 3.18). ``symmetric`` is the paper's benchmark: the average of that spread,
around the mid whatever the inventory. Inventory q is counted in clips of ``qty_lot``; when the horizon is over the next one begins.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.market_makers.quoting import MAKER, MakerParams, quote, ready_to_quote, reference_tick
from marketsim.agents.regime import SECOND
from marketsim.kernel.simulation.sight import position_lot, since_open_ns

SYMMETRIC = 1  # place of the word in the parameters


class AvellanedaStoikovParams(MakerParams):
    """Parameters of an `avellaneda_stoikov` maker."""

    kind: Literal["avellaneda_stoikov"] = "avellaneda_stoikov"
    strategy: Literal["inventory", "symmetric"] = Field("inventory", description="The optimal quotes, or the paper's benchmark.")
    risk_aversion_per_tick: float = Field(0.0001, gt=0, description="gamma: absolute risk aversion a clip, 1/tick. Eq. 2.2.")
    volatility_tick: float = Field(1.0, ge=0, description="sigma: standard deviation of the mid's change in a second, ticks. Eq. 2.1.")
    decay_per_tick: float = Field(0.15, gt=0, description="k: how fast fills become rarer away from the mid, 1/tick. Eq. 2.11.")
    horizon_s: float = Field(23_400.0, gt=0, description="T: time from the session's start at which the inventory is valued, s.")


@compiled_agent(AvellanedaStoikovParams, MAKER, hears_news=True)
def avellaneda_stoikov(market, me, p, state):
    """Quote the optimal spread around the indifference price."""
    if not ready_to_quote(market, me, p, state):
        return
    gamma, variance = p.risk_aversion_per_tick, p.volatility_tick * p.volatility_tick
    left_s = p.horizon_s - (since_open_ns(market, me) / SECOND) % p.horizon_s
    centre = reference_tick(market, me, p)
    inventory = position_lot(market, me, me.symbol)
    base = 2.0 / gamma * math.log1p(gamma / p.decay_per_tick)
    if p.strategy == SYMMETRIC:
        quote(market, me, p, state, centre, 0.5 * (0.5 * gamma * variance * p.horizon_s + base), inventory)
    else:
        risk = gamma * variance * left_s
        quote(market, me, p, state, centre - inventory / p.qty_lot * risk, 0.5 * (risk + base), inventory)
