"""A parent order worked in equal parts at equal times.

Its benchmark is the time-weighted average price; without risk aversion it is the optimum (Bertsimas and Lo, Journal of Financial Markets
1(1), 1998).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.institutions.execution import (
    PARENT,
    ParentParams,
    begin_or_wait,
    is_late,
    parent_time_ns,
    patience_ns,
    period_at,
    wake_for_next,
    work,
)
from marketsim.kernel.compile import inner


class TwapParams(ParentParams):
    """Parameters of a `twap` order."""

    kind: Literal["twap"] = "twap"
    n_slices: int = Field(78, gt=0, description="Parts the parent is cut into; the first is due at once.")


@inner
def due_lot(p, time_ns):
    """Return what is due by a time: whole lots, rounded down, all of it in the last period."""
    return max(p.qty_lot * (period_at(p, time_ns) + 1) // p.n_slices, 0)


@compiled_agent(TwapParams, PARENT)
def twap(market, me, p, parent):
    """Keep up with equal parts at equal times."""
    if begin_or_wait(market, me, p, parent):
        time_ns = parent_time_ns(market, me, p)
        due = due_lot(p, time_ns)
        overdue = due if is_late(p, time_ns) else due_lot(p, time_ns - patience_ns(p, parent))
        wake_for_next(market, me, p, time_ns, work(market, me, p, parent, due, overdue))
