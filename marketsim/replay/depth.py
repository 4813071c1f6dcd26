"""Recorded depth: what an order book file says the best levels are after each message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.recorded import NO_PRICE

IntArray = npt.NDArray[np.int64]
BID, ASK = 0, 1  # first axis of every depth array; side s stands for the sign 1 - 2 s


@dataclass(frozen=True, slots=True)
class DepthRows:
    """The best levels after every message; an absent level has price NO_PRICE and quantity 0."""

    price_tick: IntArray  # (n_messages, 2, n_levels) int64, bids then asks, best first
    qty_lot: IntArray  # (n_messages, 2, n_levels) int64
    message: IntArray  # (n_messages,) int64, the source's row each of them follows

    @property
    def n_levels(self) -> int:
        """Levels a side."""
        return int(self.price_tick.shape[2])

    def __len__(self) -> int:
        return len(self.message)


def disorder(rows: DepthRows) -> npt.NDArray[np.bool_]:
    """Return which rows cannot be a book: crossed or locked, levels not from best to worst, a gap before a level, (n,) bool."""
    price, qty = rows.price_tick, rows.qty_lot
    absent = price == NO_PRICE
    sign = np.array([1, -1])[None, :, None]
    step = sign * (price[:, :, :-1] - price[:, :, 1:])
    unsorted = ((step <= 0) & ~absent[:, :, 1:]).any(axis=(1, 2))
    both = ~absent[:, BID, 0] & ~absent[:, ASK, 0]
    crossed = both & (price[:, BID, 0] >= price[:, ASK, 0])
    return np.asarray(unsorted | crossed | ((qty <= 0) != absent).any(axis=(1, 2)))
