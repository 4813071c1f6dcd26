"""One step at a time: the recorded depth before a message, that message, and the touch recorded after it."""

from __future__ import annotations

from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_book import ADD, EXECUTE
from marketsim.recorded import NO_PRICE, Difference

EXACT, STALE, MISSING = int(Difference.NONE), int(Difference.STALE_LEVEL), int(Difference.MISSING_LEVEL)
WRONG_QTY, OUTSIDE = int(Difference.WRONG_QUANTITY), int(Difference.OUTSIDE_WINDOW)


@entry
def one_step(events, price, qty, work, difference):
    """Compare each recorded touch with the one that follows from the recorded depth a message earlier.

    Parameters
    ----------
    events : (n,) RECORDED, one a message.
    price, qty : (n, 2, n_levels) int64: recorded depth after each message, bids then asks, best first.
    work : (2, n_levels) int64 scratch: prices and quantities of one side.
    difference : (n, 2) int8, out: Difference of the bid and of the ask; row 0 is NONE, as nothing precedes it.
    """
    n_levels = price.shape[2]
    for i in range(1, events.size):
        event = events[i]
        for side in range(2):
            for k in range(n_levels):
                work[0, k], work[1, k] = price[i - 1, side, k], qty[i - 1, side, k]
            known = n_levels
            if event.side == 1 - 2 * side and (ADD <= event.kind <= EXECUTE):
                known = _apply(event, work, n_levels)
            difference[i, side] = compared(1 - 2 * side, work[0, 0], work[1, 0], price[i, side, 0], qty[i, side, 0], known > 0)


@inner
def compared(side, price_tick, qty_lot, recorded_tick, recorded_lot, is_known):
    """Return how one side's touch differs from the recorded one."""
    if not is_known:
        return OUTSIDE
    if price_tick == recorded_tick:
        return EXACT if qty_lot == recorded_lot else WRONG_QTY
    if recorded_tick == NO_PRICE:
        return STALE
    if price_tick == NO_PRICE:
        return MISSING
    return STALE if side * (price_tick - recorded_tick) > 0 else MISSING


@inner
def _apply(event, work, n_levels):
    """Apply a message to one side's levels and return how many of them are known afterwards."""
    side = event.side
    k = 0
    while k < n_levels and work[0, k] != NO_PRICE and side * (work[0, k] - event.price_tick) > 0:
        k += 1
    if k == n_levels:
        return n_levels  # beyond the recorded window
    here = work[0, k] == event.price_tick
    if event.kind == ADD:
        if not here:
            for j in range(n_levels - 1, k, -1):
                work[0, j], work[1, j] = work[0, j - 1], work[1, j - 1]
            work[0, k], work[1, k] = event.price_tick, 0
        work[1, k] += event.qty_lot
    elif here:
        work[1, k] -= event.qty_lot
        if work[1, k] <= 0:
            full = work[0, n_levels - 1] != NO_PRICE
            for j in range(k, n_levels - 1):
                work[0, j], work[1, j] = work[0, j + 1], work[1, j + 1]
            work[0, n_levels - 1], work[1, n_levels - 1] = NO_PRICE, 0
            if full:
                return n_levels - 1  # the level that moves in from outside is not recorded
    return n_levels
