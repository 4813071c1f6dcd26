"""The market maker of Guéant, Lehalle and Tapia (Mathematics and Financial Economics 7, 2013) far from the end of its horizon.

Their closed-form approximation of the optimal distances from the mid, for an inventory of q clips:
bid (1/gamma) ln(1 + gamma/k) + (2q + 1)/2 S and ask (1/gamma) ln(1 + gamma/k) - (2q - 1)/2 S, with
S = sqrt(sigma^2 gamma / (2 k A) (1 + gamma/k)^(1 + k/gamma)). No horizon, no drift of the quotes towards the close.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.market_makers.quoting import MAKER, MakerParams, quote, ready_to_quote, reference_tick
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import position_lot


class GueantLehalleTapiaParams(MakerParams):
    """Parameters of a `gueant_lehalle_tapia` maker."""

    kind: Literal["gueant_lehalle_tapia"] = "gueant_lehalle_tapia"
    risk_aversion_per_tick: float = Field(0.01, gt=0, description="gamma: absolute risk aversion a clip, 1/tick.")
    volatility_tick: float = Field(0.3, ge=0, description="sigma: standard deviation of the mid's change in a second, ticks.")
    decay_per_tick: float = Field(0.3, gt=0, description="k: how fast fills become rarer away from the mid, 1/tick.")
    fills_per_s: float = Field(0.9, gt=0, description="A: fills a second of a quote at the mid.")


def half_spread_and_skew(gamma: float, sigma: float, k: float, intensity: float) -> tuple[float, float]:
    """Return half the spread quoted without inventory, and how far one clip of inventory moves both quotes.

    Parameters
    ----------
    gamma : risk aversion a clip, 1/tick
    sigma : volatility, ticks a square-root second
    k : decay of the fill intensity, 1/tick
    intensity : fills a second at the mid, A

    Returns
    -------
    tuple of float
        Both in ticks.
    """
    skew = math.sqrt(sigma * sigma * gamma / (2.0 * k * intensity) * (1.0 + gamma / k) ** (1.0 + k / gamma))
    return math.log1p(gamma / k) / gamma + 0.5 * skew, skew


_half_spread_and_skew = inner(half_spread_and_skew)


@compiled_agent(GueantLehalleTapiaParams, MAKER, hears_news=True)
def gueant_lehalle_tapia(market, me, p, state):
    """Quote the stationary optimum for the inventory held."""
    if ready_to_quote(market, me, p, state):
        half, skew = _half_spread_and_skew(p.risk_aversion_per_tick, p.volatility_tick, p.decay_per_tick, p.fills_per_s)
        inventory = position_lot(market, me, me.symbol)
        quote(market, me, p, state, reference_tick(market, me, p) - skew * inventory / p.qty_lot, half, inventory)
