"""The value that real bars tell: each session follows its own day."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.errors import ConfigError
from marketsim.markets.simulated.fundamentals.spec import Draws, FundamentalSpec, Grid


class HistoryFundamental(FundamentalSpec):
    """A path through each session that respects the real bars' open, high, low and close; `marketsim.markets.simulated.history` makes it.

    Every session is then a market of its own, with a fresh crowd at the prices of that day.
    """

    kind: Literal["history"] = "history"
    warm_up_sessions: int = Field(
        0, ge=0, le=10_000, description="Sessions from `start` on that strategies know as history; those after them are simulated."
    )
    scale_with_volume: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Group → its parameters that are multiplied by the session's activity: real volume over the mean of the 20 sessions "
        "before, averaged over the symbols. The crowd's volume then rises and falls with the real one; its shares are not the real ones.",
    )

    def path(self, grid: Grid, draws: Draws) -> NDArray[np.float64]:
        """Refuse: this value comes from bars, not from draws alone."""
        del grid
        raise ConfigError(f"fundamental of {draws.symbol}: kind history is made from the run's bars, for all symbols or for none.")
