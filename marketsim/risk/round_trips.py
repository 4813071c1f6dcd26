"""Round trips: every entry lot that was closed, first in first out, with what it earned and how far it moved on the way.

Conventions
-----------
- A fill against the position closes the oldest lots first; what is left over opens a lot the other way. A commission belongs to
  the shares of its fill in equal parts.
- A split between entry and exit restates the lot: quantity times the ratio, price divided by it. It takes effect at its bar's
  open, so a fill at that open is already in new shares.
- A lot's way is made of the bars with entry < close <= exit. An entry at a bar's open counts that whole bar; an entry inside a bar or
  at its close (both stamped with the close) starts with the next one; an exit inside a bar counts that whole bar, whose extremes may
  lie after the exit. The exit price itself always counts.
- Lots still open at the end are not round trips.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from marketsim.errors import DataError
from marketsim.risk.columns import codes, numbers, times
from marketsim.risk.observations import FloatArray, IntArray
from marketsim.risk.range_extremes import RangeExtremes

UTC_NS = pa.timestamp("ns", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("agent", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("entry_utc", UTC_NS, nullable=False),
        pa.field("exit_utc", UTC_NS, nullable=False),
        pa.field("qty_shares", pa.float64(), nullable=False),
        pa.field("entry_price", pa.float64(), nullable=False),
        pa.field("exit_price", pa.float64(), nullable=False),
        pa.field("pnl_cash", pa.float64(), nullable=False),
        pa.field("return_frac", pa.float64(), nullable=False),
        pa.field("fee_cash", pa.float64(), nullable=False),
        pa.field("bars_held", pa.int64(), nullable=False),
        pa.field("mae_frac", pa.float64(), nullable=False),
        pa.field("mfe_frac", pa.float64(), nullable=False),
    ]
)

# Shares below this part of the quantities that met are the rounding of a 3-for-2 split, not a position.
DUST = 1e-9


@dataclass(frozen=True, slots=True)
class _Path:
    """One symbol's bars, oldest first; ``shares`` is what one share before all of them has become at each bar's open."""

    open_ns: IntArray
    close_ns: IntArray
    shares: FloatArray
    high: FloatArray
    low: FloatArray

    @classmethod
    def of(cls, bars: pa.Table) -> _Path:
        shares: FloatArray = np.cumprod(numbers(bars, "split_ratio"), dtype=np.float64)
        high, low = numbers(bars, "high_price"), numbers(bars, "low_price")
        return cls(times(bars, "open_utc"), times(bars, "close_utc"), shares, high * shares, low * shares)

    def shares_at(self, time_ns: IntArray) -> FloatArray:
        """Return what one share before all bars has become by each time, (n,)."""
        at = np.searchsorted(self.open_ns, time_ns, side="right") - 1
        return np.where(at >= 0, self.shares[np.maximum(at, 0)], 1.0)


def round_trips(fills: pa.Table, bars: pa.Table) -> pa.Table:
    """Match each agent's fills into round trips.

    Parameters
    ----------
    fills : table `fills`.
    bars : table `bars`, in the prices and shares that were traded; every symbol of ``fills`` must be in it.

    Returns
    -------
    Table `round_trips`, sorted by agent, exit, symbol and entry.

    Raises
    ------
    DataError
        When a symbol was traded that has no bars.
    """
    agents, agent = codes(fills, "agent")
    symbols, symbol = codes(fills, "symbol")
    bar_symbols, bar_symbol = codes(bars, "symbol")
    missing = sorted(set(symbols) - set(bar_symbols))
    if missing:
        raise DataError(
            f"fills of {missing[0]} have no bars; pass the bars the run traded on (they hold {', '.join(sorted(bar_symbols)) or 'none'})"
        )

    time_ns = times(fills, "fill_utc")
    order = np.lexsort((numbers(fills, "fill_id"), time_ns, agent, symbol))
    group_ends = np.flatnonzero(np.diff(symbol[order])) + 1
    tables = []
    for rows in np.split(order, group_ends) if order.size else []:
        name = symbols[int(symbol[rows[0]])]
        path = _Path.of(bars.filter(pa.array(bar_symbol == bar_symbols.index(name))))
        tables.append(_trips_of_symbol(name, path, [agents[i] for i in agent[rows]], fills.take(pa.array(rows)), time_ns[rows]))
    if not tables:
        return SCHEMA.empty_table()
    trips = pa.concat_tables(tables)
    # Arrow's sort is not stable; the row number keeps equal keys in the order the lots were closed.
    numbered = trips.append_column("row", pa.array(np.arange(trips.num_rows)))
    keys = [(name, "ascending") for name in ("agent", "exit_utc", "symbol", "entry_utc", "row")]
    return numbered.sort_by(keys).drop_columns(["row"]).combine_chunks()


def _trips_of_symbol(symbol: str, path: _Path, agent: list[str], fills: pa.Table, time_ns: IntArray) -> pa.Table:
    """Match one symbol's fills, sorted by agent and time."""
    signed = numbers(fills, "qty_shares") * np.where(np.asarray(fills["side"].to_pylist()) == "buy", 1.0, -1.0)
    shares = path.shares_at(time_ns)
    entry, exit_, qty = _match(agent, signed.tolist(), shares.tolist())
    price, fee_share = numbers(fills, "price"), numbers(fills, "fee_cash") / np.abs(signed)

    side = np.sign(signed[entry])
    restated = shares[exit_] / shares[entry]
    entry_price, exit_price = price[entry] / restated, price[exit_]
    fees = fee_share[entry] / restated * qty + fee_share[exit_] * qty
    pnl = side * (exit_price - entry_price) * qty - fees

    first = np.searchsorted(path.close_ns, time_ns[entry], side="right")
    stop = np.searchsorted(path.close_ns, time_ns[exit_], side="right")
    lowest, highest = RangeExtremes.of(path.low, path.high).between(first, stop)
    lowest = np.fmin(lowest / shares[exit_], exit_price) / entry_price - 1.0
    highest = np.fmax(highest / shares[exit_], exit_price) / entry_price - 1.0
    against, favour = np.where(side > 0, lowest, -highest), np.where(side > 0, highest, -lowest)
    columns = [
        pa.array([agent[i] for i in entry], pa.string()),
        pa.array([symbol] * entry.size, pa.string()),
        pa.array(np.where(side > 0, "buy", "sell").tolist(), pa.string()),
        pa.array(time_ns[entry], pa.int64()).cast(UTC_NS),
        pa.array(time_ns[exit_], pa.int64()).cast(UTC_NS),
        pa.array(qty),
        pa.array(entry_price),
        pa.array(exit_price),
        pa.array(pnl),
        pa.array(pnl / (entry_price * qty)),
        pa.array(fees),
        pa.array(stop - first, pa.int64()),
        pa.array(np.minimum(against, 0.0)),
        pa.array(np.maximum(favour, 0.0)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _match(agent: list[str], signed: list[float], shares: list[float]) -> tuple[IntArray, IntArray, FloatArray]:
    """Pair fills first in first out.

    Returns
    -------
    Row of the entry fill, row of the exit fill, and the quantity in shares at the exit, one entry a round trip.
    """
    entry: list[int] = []
    exit_: list[int] = []
    qty: list[float] = []
    lots: deque[tuple[int, float]] = deque()  # row of the entry fill, shares left of it in that fill's own shares; all of one sign
    for row, fill in enumerate(signed):
        if row and agent[row] != agent[row - 1]:
            lots.clear()
        left = abs(fill)
        while lots and left > 0 and (signed[lots[0][0]] > 0) != (fill > 0):
            opened, held = lots[0]
            ratio = shares[row] / shares[opened]
            now_held = held * ratio
            matched = min(now_held, left)
            entry.append(opened)
            exit_.append(row)
            qty.append(matched)
            dust = DUST * max(now_held, left)
            if now_held - matched <= dust:
                lots.popleft()
            else:
                lots[0] = (opened, (now_held - matched) / ratio)
            left = left - matched if left - matched > dust else 0.0
        if left > 0:
            lots.append((row, left))
    return np.asarray(entry, dtype=np.int64), np.asarray(exit_, dtype=np.int64), np.asarray(qty, dtype=np.float64)
