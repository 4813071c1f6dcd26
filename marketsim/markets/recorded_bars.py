"""Bars of a recorded market: what a strategy that wakes once a bar may know of the flow."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataError
from marketsim.markets.panel import FloatArray, IntArray, Panel
from marketsim.recorded import RecordedKind
from marketsim.replay.rebuild import rebuilt
from marketsim.replay.stream import Stream, per_unit

NS_A_DAY = 86_400_000_000_000
PRINTS = (RecordedKind.EXECUTE, RecordedKind.EXECUTE_HIDDEN, RecordedKind.TRADE, RecordedKind.CROSS)


def recorded_bars(stream: Stream, interval_ns: int, prices: Literal["trades", "mids"] = "trades") -> Panel:
    """Cut a stream into bars of ``interval_ns``, on whole multiples of it since midnight UTC, from each day's first event to its last.

    Parameters
    ----------
    stream : the recording.
    interval_ns : length of a bar, ns; it must divide a day.
    prices : what open, high, low and close are taken from: prints (hidden ones and crosses included), or the mid after each event
        while both sides are quoted. The volume is that of the prints either way.

    Returns
    -------
    Panel
        NaN where a symbol had no price in a bar, volume 0 where nothing printed; no splits, no dividends. An event at a bar's close
        belongs to the next bar.

    Raises
    ------
    DataError
        The stream has no event, or the interval does not divide a day.
    """
    events = stream.events
    if len(events) == 0:
        raise DataError(f"{stream.source} has no event to make bars of.")
    if interval_ns < 1 or NS_A_DAY % interval_ns:
        raise DataError(f"a bar of {interval_ns} ns does not divide a day; use whole seconds, minutes or hours that do.")
    number = _intervals(np.unique(events["time_ns"] // interval_ns), NS_A_DAY // interval_ns)
    bar = np.searchsorted(number, events["time_ns"] // interval_ns)
    shape = (len(number), len(stream.symbols))
    open_, high, low, close = (np.full(shape, np.nan) for _ in range(4))
    volume = np.zeros(shape)
    printed = np.isin(events["kind"], PRINTS) & (events["qty_lot"] > 0)
    shares = events["qty_lot"] / per_unit(stream.lot_size)[events["symbol"]]
    np.add.at(volume, (bar[printed], events["symbol"][printed]), shares[printed])
    price = events["price_tick"] / per_unit(stream.tick_size)[events["symbol"]]
    priced = printed
    if prices == "mids":
        price, priced = _mids(stream)
    for column in range(shape[1]):
        rows = np.flatnonzero(priced & (events["symbol"] == column))
        if len(rows) == 0:
            continue
        values, at = price[rows], bar[rows]
        first = np.flatnonzero(np.append(True, at[1:] != at[:-1]))
        filled = at[first]
        open_[filled, column], close[filled, column] = values[first], values[np.append(first[1:], len(rows)) - 1]
        high[filled, column], low[filled, column] = np.maximum.reduceat(values, first), np.minimum.reduceat(values, first)
    open_ns = number * interval_ns
    session = (open_ns // NS_A_DAY).astype("datetime64[D]")
    return Panel(
        stream.symbols, open_ns, open_ns + interval_ns, session, open_, high, low, close, volume, np.ones(shape), np.zeros(shape)
    )  # fmt: skip


def _intervals(seen: IntArray, a_day: int) -> IntArray:
    """Return the interval numbers from the first to the last seen on each day."""
    first = np.flatnonzero(np.append(True, seen[1:] // a_day != seen[:-1] // a_day))
    last = np.append(first[1:], len(seen)) - 1
    return np.concatenate([np.arange(seen[a], seen[b] + 1) for a, b in zip(first, last, strict=True)])


def _mids(stream: Stream) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the mid after every event, currency, and where there is one."""
    top = rebuilt(stream).top
    both = (top["bid_lot"] > 0) & (top["ask_lot"] > 0)
    mid = np.where(both, 0.5 * (top["bid_tick"] + top["ask_tick"]), np.nan)
    return mid / per_unit(stream.tick_size)[stream.events["symbol"]], both
