"""Bring a rebuilt book back to the recorded levels after every message, and write down what that took."""

from __future__ import annotations

from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_book import SET_LEVEL, apply
from marketsim.recorded import NO_PRICE


@entry
def resynchronise(events, position, row, price, qty, book, counts, halted, out):
    """Apply events and append to ``out`` each of them, followed by the level settings its message's recorded row asks for.

    Parameters
    ----------
    events : (n,) RECORDED of one symbol.
    position : (3,) int64: next event, next recorded row, rows of ``out`` in use; changed. Returns early where ``out`` may be too small.
    row : (n_rows,) int64: message of each recorded row, ascending; every message from the first of them on has one.
    price, qty : (n_rows, 2, n_levels) int64, as in `one_step`.
    book, counts, halted : as in `rebuild`.
    out : (k,) RECORDED.
    """
    n_levels = price.shape[2]
    while position[0] < events.size:
        # Worst case of one row: every recorded level is set, and every level the book holds is removed.
        if out.size - position[2] < 2 * n_levels + book[4][0] + book[4][1] + 2:
            return
        i = position[0]
        event = events[i]
        apply(event, book, counts[0], halted)
        out[position[2]] = event
        position[2] += 1
        position[0] += 1
        if (i + 1 < events.size and events[i + 1].message == event.message) or position[1] == row.size:
            continue
        if row[position[1]] == event.message:
            for side in range(2):
                _mend(event, side, price[position[1], side], qty[position[1], side], position, book, counts, halted, out)
            position[1] += 1


@inner
def _mend(event, side, price, qty, position, book, counts, halted, out):
    """Set the levels of one side that differ from the recorded ones; what lies beyond the last recorded level is left as it is."""
    _, _, levels, ranks, n_ranks, _, _ = book
    sign = 1 - 2 * side
    k, place = 0, n_ranks[side] - 1
    while True:
        recorded = k < price.size and price[k] != NO_PRICE
        if not recorded and k == price.size:
            return  # the window is full, so nothing is known beyond it
        if place >= 0 and (not recorded or sign * (levels[ranks[side, place]].price_tick - price[k]) > 0):
            _set(event, side, levels[ranks[side, place]].price_tick, 0, position, book, counts, halted, out)
            place -= 1
        elif not recorded:
            return
        else:
            here = place >= 0 and levels[ranks[side, place]].price_tick == price[k]
            if not here or levels[ranks[side, place]].qty_lot != qty[k]:
                _set(event, side, price[k], qty[k], position, book, counts, halted, out)
            place = place - 1 if here else place
            k += 1


@inner
def _set(event, side, price_tick, qty_lot, position, book, counts, halted, out):
    """Append one level setting and apply it."""
    new = out[position[2]]
    new.time_ns, new.message, new.symbol, new.kind, new.side = event.time_ns, event.message, event.symbol, SET_LEVEL, 1 - 2 * side
    new.order_id, new.other_id, new.price_tick, new.qty_lot = 0, 0, price_tick, qty_lot
    position[2] += 1
    apply(new, book, counts[0], halted)
