"""A mean-reversion fund: buys what fell far below its exponential average, sells what rose far above."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams


class EmaMeanReversionParams(StrategyParams):
    """Enter when the close is `entry_z` deviations from its average, leave when it is back within `exit_z`."""

    kind: Literal["ema_mean_reversion"] = "ema_mean_reversion"
    span: int = Field(20, ge=2, le=5000, description="Span of the exponential average and deviation, bars; weight 2 / (span + 1).")
    entry_z: float = Field(2.0, gt=0, le=20, description="Distance that opens a position, standard deviations.")
    exit_z: float = Field(0.5, ge=0, le=20, description="Distance that closes it, standard deviations; below `entry_z`.")
    weight: float = Field(0.9, gt=0, le=100, description="Share of equity invested when every symbol is held.")
    short: bool = Field(False, description="Whether it also sells what is far above its average.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.exit_z >= self.entry_z:
            raise ValueError(f"exit_z: {self.exit_z:g} must be smaller than entry_z: {self.entry_z:g}")
        return self


class EmaMeanReversion(Strategy):
    """Keeps an exponential mean and variance a symbol, updated once a bar."""

    Params = EmaMeanReversionParams
    params: EmaMeanReversionParams

    def __init__(self, params: StrategyParams) -> None:
        super().__init__(params)
        self._log_mean: npt.NDArray[np.float64] | None = None
        self._variance = np.zeros(0)
        self._seen = np.zeros(0, dtype=np.int64)
        self._last = np.zeros(0)

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Update the averages with the bar just closed and trade towards them."""
        p = self.params
        n_symbols = len(market.symbols)
        close = market.window("close", 1)[-1]
        has_bar = np.isfinite(close) & (close > 0)
        if self._log_mean is None:
            self._log_mean = np.full(n_symbols, np.nan)
            self._variance = np.zeros(n_symbols)
            self._seen = np.zeros(n_symbols, dtype=np.int64)
            self._last = np.full(n_symbols, np.nan)
        self._restate_for_splits(market)
        value = np.log(np.where(has_bar, close, 1.0))
        first = has_bar & (self._seen == 0)
        self._log_mean[first] = value[first]
        alpha = 2.0 / (p.span + 1.0)
        gap = np.where(has_bar, value - self._log_mean, 0.0)
        deviation = np.sqrt(self._variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(has_bar & (self._seen >= p.span) & (deviation > 0), gap / deviation, np.nan)
        self._log_mean += alpha * gap
        self._variance = np.where(has_bar, (1 - alpha) * (self._variance + alpha * gap * gap), self._variance)
        self._seen += has_bar
        self._last = np.where(has_bar, close, self._last)

        held = market.position
        enter_long = (z <= -p.entry_z) & (held <= 0)
        enter_short = (z >= p.entry_z) & (held >= 0)
        leave = ((held > 0) & (z >= -p.exit_z)) | ((held < 0) & (z <= p.exit_z))
        size = market.weights_to_qty(np.full(n_symbols, p.weight / n_symbols))
        target = np.full(n_symbols, np.nan)
        target[leave] = 0.0
        target[enter_long] = size[enter_long]
        target[enter_short] = -size[enter_short] if p.short else np.where(held[enter_short] > 0, 0.0, np.nan)
        return market.orders_to(target) if np.isfinite(target).any() else None

    def _restate_for_splits(self, market: MarketView) -> None:
        """Shift the means by the ratio by which a split restated the previous close."""
        if self._log_mean is None or market.n_bars < 2:
            return
        before = market.window("close", 2)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = np.log(before / self._last)
        moved = np.isfinite(shift) & (np.abs(shift) > 1e-12)
        self._log_mean[moved] += shift[moved]
