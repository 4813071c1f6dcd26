"""Inverse-volatility weights: calm symbols get more money, rebalanced on a fixed rhythm."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams


class InverseVolatilityParams(StrategyParams):
    """Weights proportional to 1 / standard deviation of log returns over `window` bars."""

    kind: Literal["inverse_volatility"] = "inverse_volatility"
    window: int = Field(63, ge=3, le=5000, description="Returns the volatility is estimated on, bars.")
    rebalance_bars: int = Field(21, ge=1, le=5000, description="Bars between rebalances.")
    weight: float = Field(0.95, gt=0, le=100, description="Share of equity invested in all; below 1 leaves room for costs.")


class InverseVolatility(Strategy):
    """Symbols without a full window of bars get nothing."""

    Params = InverseVolatilityParams
    params: InverseVolatilityParams

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Rebalance when the rhythm says so."""
        p = self.params
        if market.n_bars <= p.window or (market.n_bars - p.window - 1) % p.rebalance_bars:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = np.diff(np.log(market.window("close", p.window + 1)), axis=0)
            inverse = 1.0 / returns.std(axis=0, ddof=1)
        inverse = np.where(np.isfinite(inverse), inverse, 0.0)
        if not inverse.any():
            return None
        return market.orders_to(market.weights_to_qty(p.weight * inverse / inverse.sum()))
