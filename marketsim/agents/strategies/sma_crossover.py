"""Simple-moving-average crossover: long while the fast average is above the slow one."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams


class SmaCrossoverParams(StrategyParams):
    """Long when SMA(fast) crosses above SMA(slow); flat, or short if asked, when it crosses below."""

    kind: Literal["sma_crossover"] = "sma_crossover"
    fast: int = Field(20, ge=1, le=5000, description="Window of the fast average, bars.")
    slow: int = Field(50, ge=2, le=5000, description="Window of the slow average, bars; longer than `fast`.")
    shares: float | None = Field(None, gt=0, description="Position a symbol, shares; left out = an equal share of equity.")
    short: bool = Field(False, description="Whether a cross below opens a short of the same size.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast: {self.fast} must be smaller than slow: {self.slow}")
        return self


class SmaCrossover(Strategy):
    """Acts on the bar where the averages cross, on all symbols at once."""

    Params = SmaCrossoverParams
    params: SmaCrossoverParams

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Trade the symbols whose averages changed order between the last two bars."""
        p = self.params
        if market.n_bars < p.slow + 1:
            return None
        close = market.window("close", p.slow + 1)
        above_now = close[-p.fast :].mean(axis=0) - close[1:].mean(axis=0)
        above_before = close[-p.fast - 1 : -1].mean(axis=0) - close[:-1].mean(axis=0)
        up = (above_now > 0) & (above_before <= 0)
        down = (above_now < 0) & (above_before >= 0)
        if not (up.any() or down.any()):
            return None
        if p.shares is None:
            size = market.weights_to_qty(np.full(len(market.symbols), 1.0 / len(market.symbols)))
        else:
            size = np.full(len(market.symbols), p.shares)
        target = np.full(len(market.symbols), np.nan)
        target[up] = size[up]
        target[down] = -size[down] if p.short else 0.0
        return market.orders_to(target)
