"""A parent order worked in proportion to the volume expected in each part of the horizon.

Its average price so follows the market's volume-weighted one (Berkowitz, Logue and Noser, Journal of Finance 43(1), 1988).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

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

# Share of a US session's volume in each half hour: the U shape of Jain and Joh (1988), normalised when it is used.
U_SHAPE = (15.0, 9.0, 7.5, 6.5, 6.0, 5.5, 5.0, 5.0, 5.5, 6.0, 7.0, 8.5, 13.5)


class VwapParams(ParentParams):
    """Parameters of a `vwap` order."""

    kind: Literal["vwap"] = "vwap"
    n_slices: int = Field(78, gt=0, description="Parts the parent is cut into; the first is due at once.")
    volume_profile: tuple[float, ...] = Field(
        U_SHAPE, min_length=1, max_length=512, description="Expected volume in equal parts of the horizon, in any unit."
    )

    @model_validator(mode="after")
    def _volume_is_expected(self) -> Self:
        if min(self.volume_profile) < 0 or sum(self.volume_profile) <= 0:
            raise ValueError("volume_profile holds a negative number or nothing but zeros; give the volume expected in each part")
        return self


@inner
def expected_share(p, share_of_time):
    """Return the share of the horizon's volume expected by a share of its time; volume is even within each part of the profile."""
    passed = share_of_time * p.n_volume_profile
    total = before = 0.0
    # ``total`` is the volume of the parts before the k-th, ``before`` what of it has passed.
    for k in range(p.n_volume_profile):
        total += p.volume_profile[k]
        before += p.volume_profile[k] * min(max(passed - k, 0.0), 1.0)
    return before / total


@inner
def due_lot(p, time_ns):
    """Return what is due by a time, rounded to whole lots, all of it in the last period."""
    period = period_at(p, time_ns)
    if period < 0:
        return 0
    if period == p.n_slices - 1:
        return p.qty_lot
    return int(p.qty_lot * expected_share(p, (period + 1) / p.n_slices) + 0.5)


@compiled_agent(VwapParams, PARENT)
def vwap(market, me, p, parent):
    """Keep up with the expected volume."""
    if begin_or_wait(market, me, p, parent):
        time_ns = parent_time_ns(market, me, p)
        due = due_lot(p, time_ns)
        overdue = due if is_late(p, time_ns) else due_lot(p, time_ns - patience_ns(p, parent))
        wake_for_next(market, me, p, time_ns, work(market, me, p, parent, due, overdue))
