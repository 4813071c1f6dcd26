"""Hand-made tables for the tests of risk measures and reports: fills and bars from short tuples."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from warehouse.schemas import TABLES

DAY_NS = 86_400_000_000_000
OPEN_NS, CLOSE_NS = 14 * 3_600_000_000_000, 21 * 3_600_000_000_000

Fill = tuple[str, float, float, str]  # side, shares, price, when: "3o" = third bar's open, "3c" = its close


def when(text: str) -> int:
    """Return the time of "3o" or "3c" in nanoseconds."""
    return int(text[:-1]) * DAY_NS + (OPEN_NS if text.endswith("o") else CLOSE_NS)


def fills_of(fills: Sequence[Fill], *, agent: str = "strategy", symbol: str = "AAA", fee: float = 0.0) -> pa.Table:
    """Return table `fills` of one agent and symbol."""
    rows = [
        {
            "agent": agent,
            "fill_id": number,
            "order_id": number,
            "symbol": symbol,
            "side": side,
            "liquidity": "taker",
            "fill_utc": when(time),
            "session_date": when(time) // DAY_NS,
            "qty_shares": float(qty),
            "price": float(price),
            "reference_price": float(price),
            "fee_cash": fee,
            "spread_cost_cash": 0.0,
            "slippage_cost_cash": 0.0,
            "impact_cost_cash": 0.0,
            "position_after_shares": 0.0,
        }
        for number, (side, qty, price, time) in enumerate(fills)
    ]
    return table("fills", rows)


def bars_of(
    ranges: Sequence[tuple[float, float]], *, symbol: str = "AAA", splits: dict[int, float] | None = None, volume: float = 1000.0
) -> pa.Table:
    """Return table `bars`, one bar a day from day 0, from (low, high); opens at the low, closes at the high."""
    rows = [
        {
            "symbol": symbol,
            "session_date": day,
            "open_utc": day * DAY_NS + OPEN_NS,
            "close_utc": day * DAY_NS + CLOSE_NS,
            "open_price": low,
            "high_price": high,
            "low_price": low,
            "close_price": high,
            "volume_shares": volume,
            "split_ratio": (splits or {}).get(day, 1.0),
            "dividend_cash": 0.0,
            "source": "test",
            "retrieved_utc": None,
        }
        for day, (low, high) in enumerate(ranges)
    ]
    return table("bars", rows)


def table(name: str, rows: Sequence[dict[str, object]]) -> pa.Table:
    """Return rows as the warehouse's table ``name``; times are nanoseconds, dates days since 1970."""
    columns = []
    for field in TABLES[name].arrow:
        values = [row[field.name] for row in rows]
        if pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.int64()).cast(field.type))
        elif pa.types.is_date32(field.type):
            columns.append(pa.array(values, pa.int32()).cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=TABLES[name].arrow)
