"""Retail traders who do what others do: they buy with a chance that grows with the recent imbalance of aggressive buying and selling.

The chance is logistic, 1 / (1 + exp(-2 a x)), the contagion of opinions of Lux (Economic Journal 105, 1995; also Brock and Durlauf 2001),
with x the signed volume since the last look over all volume, remembered exponentially. Above a = 1 a crowd feeds on itself.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.regime import SECOND, WATCH, watch_regime
from marketsim.agents.retail.retail_trading import BUY, SELL, RetailParams, clip_lot, follow_news, trade, wait
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import signed_lot, traded_lot
from marketsim.kernel.simulation.streams import uniform

# Remembered signed and whole volume, and the market's counts and the time when they were last seen.
HERD = np.dtype(
    [
        ("watch", WATCH),
        ("signed", np.float64),
        ("volume", np.float64),
        ("seen_signed_lot", np.int64),
        ("seen_volume_lot", np.int64),
        ("seen_ns", np.int64),
    ]
)


class HerdParams(RetailParams):
    """Parameters of `herd` traders."""

    kind: Literal["herd"] = "herd"
    contagion: float = Field(1.5, ge=0, description="a: how strongly the imbalance sways the chance to buy; 0 is a coin.")
    memory_s: float = Field(1200.0, gt=0, description="Time in which flow is forgotten to 1/e, s.")


@inner
def imbalance(market, me, p, state):
    """Take in the flow since the last look and return the remembered imbalance, from -1 to 1; 0 without volume."""
    signed, volume = signed_lot(market, me.symbol), traded_lot(market, me.symbol)
    keep = math.exp(-(me.now_ns - state.seen_ns) / (p.memory_s * SECOND)) if state.seen_ns != 0 else 0.0
    state.signed = keep * state.signed + (signed - state.seen_signed_lot)
    state.volume = keep * state.volume + (volume - state.seen_volume_lot)
    state.seen_signed_lot, state.seen_volume_lot, state.seen_ns = signed, volume, me.now_ns
    return state.signed / state.volume if state.volume > 0.0 else 0.0


@compiled_agent(HerdParams, HERD, hears_news=True)
def herd(market, me, p, state):
    """Buy or sell a clip, as the crowd sways it."""
    if follow_news(market, me, p, state.watch):
        return
    wait(market, me, p, state.watch)
    watch_regime(market, me, p, state.watch)
    chance_to_buy = 1.0 / (1.0 + math.exp(-2.0 * p.contagion * imbalance(market, me, p, state)))
    side = BUY if uniform(me) < chance_to_buy else SELL
    trade(market, me, p, side, clip_lot(me, p, state.watch))
