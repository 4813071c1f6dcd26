"""Bars in the prices and shares a run traded in, which depend on what it does with corporate actions."""

from __future__ import annotations

import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.data.actions import back_adjust


def traded_bars(spec: RunSpec, bars: pa.Table) -> pa.Table:
    """Return canonical bars as the run's market saw them: actions kept, taken out, or folded into the prices."""
    if spec.actions == "adjust":
        return back_adjust(bars)
    if spec.actions == "ignore":
        return _with_constant(_with_constant(bars, "split_ratio", 1.0), "dividend_cash", 0.0)
    return bars


def _with_constant(table: pa.Table, name: str, value: float) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), pa.repeat(pa.scalar(value), table.num_rows))
