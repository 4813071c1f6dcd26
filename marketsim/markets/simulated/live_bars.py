"""Bars of a simulated market as they come about: made from its trades, in a panel whose later rows are still empty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from marketsim.markets.panel import FloatArray, Panel
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.setting import Handed
from marketsim.markets.simulated.world import World


class LiveBars:
    """Fills the rows of a panel from ``first_bar`` on; one serves every trader of a market.

    A trade at a bar's close belongs to the next bar, except at a session's end, where the closing auction prints. NaN where a symbol did
    not trade, volume 0 then.

    Parameters
    ----------
    panel : times, splits and dividends of all bars; prices and volumes of those before ``first_bar``.
    first_bar : the first row to fill.
    scale : what a tick and a lot are.
    """

    def __init__(self, panel: Panel, first_bar: int, scale: Scale) -> None:
        self.panel, self.bar, self._scale = panel, first_bar, scale
        for prices in (panel.open, panel.high, panel.low, panel.close):
            prices[first_bar:] = np.nan
        panel.volume[first_bar:] = 0.0
        self.last = np.full(len(panel.symbols), np.nan)  # last trade a symbol, currency
        self._session_end = panel.session_end
        self._seen = 0  # rows of the exchange's present tape that are in the bars
        self._waiting: list[npt.NDArray[np.void]] = []  # trades at or after the end of the bar under way

    def begin_market(self, bar: int) -> None:
        """Forget the last market's exchange, and restate last prices for the night's splits."""
        self.last /= self.panel.split[bar]
        self._seen = 0
        self._waiting = []

    def end_market(self, bar: int) -> None:
        """Close the bars up to one that nobody has closed."""
        while self.bar <= bar:
            self.close_bar()

    def catch_up(self, world: World) -> None:
        """Look at the trades that are on the exchange's tape by now."""
        trades = world.exchange.trades_from(self._seen)
        self._seen += len(trades)
        self._add(trades)

    def hear(self, handed: Handed) -> None:
        """Look at a tape that was taken from the exchange."""
        self._add(handed.tape.trades[self._seen :])
        self._seen = 0

    def close_bar(self) -> int:
        """End the bar under way and return its row."""
        bar = self.bar
        self.bar = bar + 1
        waiting, self._waiting = self._waiting, []
        for trades in waiting:
            self._add(trades)
        return bar

    def _add(self, trades: npt.NDArray[np.void]) -> None:
        if len(trades) == 0 or self.bar == self.panel.n_bars:
            return
        if not self._session_end[self.bar]:
            later = trades["time_ns"] >= self.panel.close_ns[self.bar]
            if later.any():
                self._waiting.append(trades[later])
                trades = trades[~later]
        panel, bar = self.panel, self.bar
        for symbol in np.unique(trades["symbol"]):
            own = trades[trades["symbol"] == symbol]
            price: FloatArray = self._scale.price(own["price_tick"])
            if np.isnan(panel.open[bar, symbol]):
                panel.open[bar, symbol], panel.high[bar, symbol], panel.low[bar, symbol] = price[0], price[0], price[0]
            panel.high[bar, symbol] = max(panel.high[bar, symbol], price.max())
            panel.low[bar, symbol] = min(panel.low[bar, symbol], price.min())
            panel.close[bar, symbol] = self.last[symbol] = price[-1]
            panel.volume[bar, symbol] += float(self._scale.shares(own["qty_lot"].sum(keepdims=True))[0])
