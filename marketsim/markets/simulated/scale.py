"""What a tick and a lot are: from the exchange's whole numbers to currency and shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Scale:
    """The units of a market."""

    tick_size: float  # currency
    lot_size: float  # shares

    def price(self, tick: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return prices, currency; the double nearest to the decimal price."""
        return _times(tick, self.tick_size)

    def shares(self, lot: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return quantities, shares."""
        return _times(lot, self.lot_size)

    def cash(self, tick_lot: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return money, currency."""
        return _times(tick_lot, self.tick_size * self.lot_size)


def _times(numbers: npt.NDArray[Any], unit: float) -> npt.NDArray[np.float64]:
    # Dividing by the number of units in one gives decimal prices exactly, as multiplying does not.
    per_one = round(1.0 / unit)
    if per_one >= 1 and abs(per_one * unit - 1.0) < 1e-9:
        return np.asarray(numbers / per_one, np.float64)
    return np.asarray(numbers * unit, np.float64)
