"""Buy once, hold to the end."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams


class BuyAndHoldParams(StrategyParams):
    """An equal share of `weight` in every symbol that trades, bought when it first has a price."""

    kind: Literal["buy_and_hold"] = "buy_and_hold"
    weight: float = Field(0.95, gt=0, le=100, description="Share of starting equity invested in all; below 1 leaves room for costs.")


class BuyAndHold(Strategy):
    """Invests the same cash in every symbol, each on the first bar it has a price."""

    Params = BuyAndHoldParams
    params: BuyAndHoldParams

    def __init__(self, params: StrategyParams) -> None:
        super().__init__(params)
        self._budget: float | None = None
        self._bought: npt.NDArray[np.bool_] | None = None

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Buy what has its first price now."""
        if self._bought is None or self._budget is None:
            self._bought = np.zeros(len(market.symbols), dtype=bool)
            self._budget = market.equity * self.params.weight / len(market.symbols)
        fresh = np.isfinite(market.price) & ~self._bought
        if not fresh.any():
            return None
        self._bought |= fresh
        weight = np.where(fresh, self._budget / market.equity, np.nan)
        return market.orders_to(market.weights_to_qty(weight))
