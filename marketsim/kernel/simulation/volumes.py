"""How much was traded lately, and who wanted it: running totals by the taker's side, and what they were at the start of each second."""

from __future__ import annotations

from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.world import N_CELLS, cell_at, flow_at

SECOND_NS = 1_000_000_000


@inner
def note_trade(world, symbol, aggressor, qty_lot):
    """Add a trade to the totals of its taker's side; one in an auction has none and is left out."""
    flow = flow_at(world.flows, symbol)
    second = world.now_ns // SECOND_NS
    # Every cell up to ``flow.second`` holds the totals at the start of its second.
    for k in range(max(flow.second, second - N_CELLS) + 1, second + 1):
        cell = cell_at(world.cells, symbol * N_CELLS + k % N_CELLS)
        cell.bought_lot, cell.sold_lot = flow.bought_lot, flow.sold_lot
    flow.second = second
    if aggressor > 0:
        flow.bought_lot += qty_lot
    elif aggressor < 0:
        flow.sold_lot += qty_lot


@inner
def taken_lot(market, symbol, side, lookback_ns):
    """Return the lots that takers of a side have traded lately at all venues.

    The lookback reaches to the start of the second it falls into, and no further than the latest ``N_CELLS`` seconds before the last trade.
    """
    flow = flow_at(market.flows, symbol)
    since = (market.now_ns - lookback_ns) // SECOND_NS
    if since > flow.second:
        return 0
    since = max(since, flow.second - N_CELLS + 1)
    cell = cell_at(market.cells, symbol * N_CELLS + since % N_CELLS)
    return flow.bought_lot - cell.bought_lot if side > 0 else flow.sold_lot - cell.sold_lot
