"""What a strategy sees in the simulated market: the bars so far, and the book as it is when the strategy looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from marketsim.errors import StrategyError
from marketsim.markets.bars_view import BarHistory, BarsView
from marketsim.markets.panel import FloatArray, Panel
from marketsim.markets.simulated.scale import Scale

if TYPE_CHECKING:
    from marketsim.markets.simulated.world import World


class LiveView(BarsView):
    """A `MarketView` on one account in a simulated market."""

    def __init__(self, history: BarHistory, panel: Panel, lot_size: float, account: npt.NDArray[np.void], scale: Scale) -> None:
        super().__init__(history, panel, lot_size, account)
        self._scale = scale
        self._world: World | None = None
        self._venue = 0
        self._now_ns = 0
        self.wanted_ns = 0  # when `wake_at` asked for a turn; 0 for never

    def look(self, world: World, venue: int, now_ns: int) -> None:
        """Point the view at a market and a moment of the trader's own clock."""
        self._world, self._venue, self._now_ns = world, venue, now_ns

    @property
    def time_ns(self) -> int:
        """The trader's own clock."""
        return self._now_ns

    @property
    def bid(self) -> FloatArray:
        """Best displayed price of buyers, (n_symbols,) currency; NaN where there is none."""
        return np.array([self.depth(symbol, 1)[0, 0] for symbol in self.symbols])

    @property
    def ask(self) -> FloatArray:
        """Best displayed price of sellers, (n_symbols,) currency; NaN where there is none."""
        return np.array([self.depth(symbol, 1)[0, 2] for symbol in self.symbols])

    def depth(self, symbol: str, levels: int) -> FloatArray:
        """Return the displayed book of a symbol, (levels, 4): bid, shares, ask, shares; best first, NaN and 0 where a level is missing."""
        if symbol not in self._column or levels < 1:
            raise StrategyError(f"depth({symbol!r}, {levels}): expected one of {', '.join(self.symbols)} and at least 1 level.")
        result = np.full((levels, 4), np.nan)
        result[:, 1] = result[:, 3] = 0.0
        if self._world is not None:
            book = self._world.exchange.depth(levels, symbol=self._column[symbol], venue=self._venue)
            for place, side in ((0, "bid"), (2, "ask")):
                there = book[f"{side}_lot"] > 0
                result[there, place] = self._scale.price(book[f"{side}_tick"][there])
                result[there, place + 1] = self._scale.shares(book[f"{side}_lot"][there])
        return result

    def wake_at(self, time_ns: int) -> None:
        """Ask for `Strategy.on_data` at a time; the latest request counts, one that has passed comes at once."""
        self.wanted_ns = max(int(time_ns), self._now_ns + 1)
