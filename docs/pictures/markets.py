"""What a simulated market does with and without one of its agents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from docs.pictures.small_markets import BLUE, GREY, lines
from marketsim.config.file import load_spec
from marketsim.simulate import simulate

CONFIG = Path(__file__).parents[2] / "configs" / "markets" / "flash_crash.yaml"
FIRST, LAST = 270, 390  # minutes of the session, which opens at 13:30 UTC: 18:00 to 20:00


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by name."""
    return {"flash_crash": _with_and_without_the_seller}


def _with_and_without_the_seller() -> dict[str, Any]:
    """Draw the mid price of the same afternoon twice."""
    worlds: dict[str, dict[str, Any]] = {"without the seller": {"market.population.seller.muted": True}, "with the seller": {}}
    rows = []
    for what, changes in worlds.items():
        bars = simulate(load_spec(CONFIG, changes), pa.table({})).market["market_bars"]
        closes = np.array(bars["mid_price"], np.float64)
        rows += [{"x": k - FIRST, "y": closes[k], "what": what} for k in range(FIRST, LAST)]
    return lines(rows, {"with the seller": BLUE, "without the seller": GREY}, "", ("minutes after 18:00 UTC", "price"), size=(700, 230))
