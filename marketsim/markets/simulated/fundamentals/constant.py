"""A fundamental value that never changes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.markets.simulated.fundamentals.spec import LARGEST_TICK, Draws, FundamentalSpec, Grid


class ConstantFundamental(FundamentalSpec):
    """The same value at all times."""

    kind: Literal["constant"] = "constant"
    value_tick: float = Field(100_000.0, ge=0, le=LARGEST_TICK, description="The value, ticks.")

    def path(self, grid: Grid, draws: Draws) -> NDArray[np.float64]:
        """Return the value everywhere, (n_sessions, n_points) float64, ticks."""
        del draws
        return np.full((len(grid.sessions), grid.n_points), self.value_tick)
