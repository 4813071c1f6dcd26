"""A plain market maker: the same quantity at several prices on both sides of the mid, shifted against its inventory.

The centre is the mid less ``skew_tick`` for every clip it is long, the linear rule that the optimal strategies reduce to for a small
inventory (Avellaneda and Stoikov 2008, eq. 3.17; Stoll 1978 gives its economics).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.market_makers.quoting import MAKER, MakerParams, quote, ready_to_quote, reference_tick
from marketsim.kernel.simulation.sight import position_lot


class LadderParams(MakerParams):
    """Parameters of a `ladder` maker."""

    kind: Literal["ladder"] = "ladder"
    n_levels: int = Field(5, gt=0, le=60, description="Prices quoted on each side.")
    half_spread_tick: float = Field(2.0, ge=0.5, description="Distance of the best quotes from the centre, ticks.")
    skew_tick: float = Field(0.5, ge=0, description="How far one clip of inventory moves the centre, ticks.")


@compiled_agent(LadderParams, MAKER, hears_news=True)
def ladder(market, me, p, state):
    """Quote around the mid, less a skew for the inventory."""
    if ready_to_quote(market, me, p, state):
        inventory = position_lot(market, me, me.symbol)
        centre = reference_tick(market, me, p) - p.skew_tick * inventory / p.qty_lot
        quote(market, me, p, state, centre, p.half_spread_tick, inventory)
