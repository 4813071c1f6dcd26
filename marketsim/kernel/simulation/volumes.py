"""How much was traded lately, and who wanted it: running totals by the taker's side, and what they were at the start of each second."""

from __future__ import annotations

from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.world import N_SECONDS, taken_at, taken_before_at

SECOND_NS = 1_000_000_000


@inner
def note_trade(world, symbol, aggressor, qty_lot):
    """Add a trade to the totals of its taker's side; one in an auction has none and is left out."""
    total = taken_at(world.taken, symbol)
    second = world.now_ns // SECOND_NS
    # Every row up to ``total.second`` holds the totals at the start of its second.
    for k in range(max(total.second, second - N_SECONDS) + 1, second + 1):
        before = taken_before_at(world.taken_before, symbol * N_SECONDS + k % N_SECONDS)
        before.bought_lot, before.sold_lot = total.bought_lot, total.sold_lot
    total.second = second
    if aggressor > 0:
        total.bought_lot += qty_lot
    elif aggressor < 0:
        total.sold_lot += qty_lot


@inner
def taken_lot(market, symbol, side, lookback_ns):
    """Return the lots that takers of a side have traded lately at all venues.

    The lookback reaches to the start of the second it falls into, and no further than the ``N_SECONDS`` before the last trade.
    """
    total = taken_at(market.taken, symbol)
    since = (market.now_ns - lookback_ns) // SECOND_NS
    if since > total.second:
        return 0
    since = max(since, total.second - N_SECONDS + 1)
    before = taken_before_at(market.taken_before, symbol * N_SECONDS + since % N_SECONDS)
    return total.bought_lot - before.bought_lot if side > 0 else total.sold_lot - before.sold_lot
