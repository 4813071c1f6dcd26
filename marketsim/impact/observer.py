"""What is kept of a simulated market that is compared with another: its path on a grid, and some agents' fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataError
from marketsim.markets.simulated.setting import Handed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the price is read: one symbol at one venue, on a regular grid of ``every_ns`` over all sessions."""

    symbol: int = 0
    venue: int = 0
    every_ns: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Path:
    """One market as the grid saw it.

    Attributes
    ----------
    mid_tick : (n_times,) float64, the mid at or last before each grid time while both sides are there; NaN before the first
    spread_tick : (n_times,) float64, the spread of the same quote
    volume_lot : traded in the symbol at all venues
    n_trades : number of trades in the symbol
    """

    mid_tick: FloatArray
    spread_tick: FloatArray
    volume_lot: int
    n_trades: int


class Observer:
    """Reads a market while it runs and keeps no more of it than a path and some agents' fills, so that memory stays flat.

    Parameters
    ----------
    place : where the price is read
    times : (n_times,) int64, the grid, ns
    numbers : of the agents whose fills are kept
    """

    def __init__(self, place: Place, times: IntArray, numbers: Sequence[int]) -> None:
        self._place, self._times, self._numbers = place, times, np.array(numbers)
        self._mid, self._spread = np.full(len(times), np.nan), np.full(len(times), np.nan)
        self._n_read = self._volume_lot = self._n_trades = 0
        self._latest = (np.nan, np.nan)  # mid and spread of the latest quote with both sides
        self.fills: list[IntArray] = []  # (n, 3): time, signed lots, tick

    def hear(self, handed: Handed) -> None:
        """Read what has happened."""
        quotes, trades, place = handed.quotes, handed.tape.trades, self._place
        here = (quotes["symbol"] == place.symbol) & (quotes["venue"] == place.venue)
        both = quotes[here & (quotes["bid_lot"] > 0) & (quotes["ask_lot"] > 0)]
        if len(both):
            # Further quotes of its last nanosecond may still come, so the grid is read up to before it.
            self._read(both, int(np.searchsorted(self._times, both["time_ns"][-1])))
        own = trades[trades["symbol"] == place.symbol]
        self._volume_lot += int(own["qty_lot"].sum())
        self._n_trades += len(own)
        self._keep_fills(own)

    def path(self, which: str) -> Path:
        """Return the path of a market that is over."""
        if np.isnan(self._latest[0]):
            raise DataError(
                f"{which}, symbol {self._place.symbol} at venue {self._place.venue} never had both a bid and an ask, so no price change "
                "can be measured; let the rest of the population quote both sides."
            )
        self._mid[self._n_read :], self._spread[self._n_read :] = self._latest
        return Path(self._mid, self._spread, self._volume_lot, self._n_trades)

    def _read(self, both: npt.NDArray[np.void], until: int) -> None:
        """Fill the grid up to a place from quotes that reach beyond it."""
        mid = (both["bid_tick"] + both["ask_tick"]) / 2.0
        spread = (both["ask_tick"] - both["bid_tick"]).astype(np.float64)
        at = np.searchsorted(both["time_ns"], self._times[self._n_read : until], side="right") - 1
        for grid, values, before in ((self._mid, mid, self._latest[0]), (self._spread, spread, self._latest[1])):
            grid[self._n_read : until] = np.where(at >= 0, values[at], before)
        self._n_read = until
        self._latest = float(mid[-1]), float(spread[-1])

    def _keep_fills(self, trades: npt.NDArray[np.void]) -> None:
        took, made = np.isin(trades["taker_owner"], self._numbers), np.isin(trades["maker_owner"], self._numbers)
        # The taker buys where the aggressor is a buyer; in an auction the buyer stands as the taker.
        taker_sign = np.where(trades["aggressor"] < 0, -1, 1)
        signed = trades["qty_lot"] * taker_sign * (took.astype(np.int64) - made.astype(np.int64))
        own = signed != 0
        if own.any():
            self.fills.append(np.stack([trades["time_ns"][own], signed[own], trades["price_tick"][own]], axis=1))
