"""What one agent did in a market, whatever the market: orders, fills, and its account at every close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.markets.panel import FloatArray, Panel
from marketsim.records import FILL, ORDER

TRACED = ("cash", "turnover", "fees", "borrow", "dividends")  # words of ACCOUNT, written down at every close


@dataclass(frozen=True, slots=True)
class AccountRun:
    """What one agent did: its orders and fills, and its account at every close. Arrays are (n_bars,) float64 unless noted."""

    orders: npt.NDArray[np.void]  # (n_orders,) ORDER
    fills: npt.NDArray[np.void]  # (n_fills,) FILL
    position: FloatArray  # (n_bars, n_symbols) shares at the close
    mark: FloatArray  # (n_bars, n_symbols) currency, last traded price
    cash: FloatArray
    turnover: FloatArray
    fees: FloatArray
    borrow: FloatArray
    dividends: FloatArray


def nobody(panel: Panel) -> AccountRun:
    """Return the account of somebody without money who never trades."""
    none = np.zeros(panel.n_bars)
    wide = np.zeros(panel.close.shape)
    return AccountRun(np.zeros(0, ORDER), np.zeros(0, FILL), wide, wide, none, none, none, none, none)


class AccountTrace:
    """An account, written down close by close."""

    def __init__(self, n_bars: int, n_symbols: int) -> None:
        self._position, self._mark = np.empty((n_bars, n_symbols)), np.empty((n_bars, n_symbols))
        self._account = {name: np.zeros(n_bars) for name in TRACED}

    def note(self, bar: int, position: FloatArray, mark: FloatArray, account: npt.NDArray[np.void]) -> None:
        """Write down a bar: shares and prices (n_symbols,), and the (1,) ACCOUNT record."""
        self._position[bar], self._mark[bar] = position, mark
        for name, trace in self._account.items():
            trace[bar] = account[name][0]

    def run(self, orders: npt.NDArray[np.void], fills: npt.NDArray[np.void], first_bar: int = 0) -> AccountRun:
        """Return the bars from one on, with orders (n_orders,) ORDER and fills (n_fills,) FILL, which count bars from there."""
        later = {name: trace[first_bar:] for name, trace in self._account.items()}
        return AccountRun(orders, fills, self._position[first_bar:], self._mark[first_bar:], **later)
