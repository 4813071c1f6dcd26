"""Retail momentum: chases what went up most, in clips of uneven size, and gives up after a fall."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams


class RetailMomentumParams(StrategyParams):
    """Buy after a rise of `entry_return` over `lookback` bars, sell after a fall of `stop_loss` from the best close since."""

    kind: Literal["retail_momentum"] = "retail_momentum"
    lookback: int = Field(10, ge=1, le=5000, description="Bars over which the rise is measured.")
    entry_return: float = Field(0.05, gt=0, le=10, description="Rise that attracts, a fraction.")
    stop_loss: float = Field(0.07, gt=0, lt=1, description="Fall from the best close since entry that ends patience, a fraction.")
    weight: float = Field(0.9, gt=0, le=100, description="Share of equity invested when every symbol is held.")


class RetailMomentum(Strategy):
    """Long only; looks at closes."""

    Params = RetailMomentumParams
    params: RetailMomentumParams

    def __init__(self, params: StrategyParams) -> None:
        super().__init__(params)
        self._bars_held: npt.NDArray[np.int64] | None = None

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Enter on strength, leave on a fall from the peak."""
        p = self.params
        n_symbols = len(market.symbols)
        if self._bars_held is None:
            self._bars_held = np.zeros(n_symbols, dtype=np.int64)
        held = market.position > 0
        self._bars_held = np.where(held, self._bars_held + 1, 0)
        if market.n_bars <= p.lookback:
            return None
        closes = market.window("close", p.lookback + 1)
        now = closes[-1]
        target = np.full(n_symbols, np.nan)
        for column in np.flatnonzero(held):
            since_entry = market.window("close", int(self._bars_held[column]))[:, column]
            if now[column] <= (1.0 - p.stop_loss) * np.nanmax(since_entry):
                target[column] = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = now / closes[0] - 1.0
        enter = ~held & (rise >= p.entry_return)
        if enter.any():
            size = market.weights_to_qty(np.full(n_symbols, p.weight / n_symbols))
            target[enter] = size[enter]
        return market.orders_to(target) if np.isfinite(target).any() else None
