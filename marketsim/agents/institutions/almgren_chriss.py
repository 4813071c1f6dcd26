"""A parent order that follows the optimal schedule of Almgren and Chriss (Journal of Risk 3(2), 2000): faster, the less risk it bears.

After the j-th of N equal periods X sinh(kappa (T - t_j)) / sinh(kappa T) is left (eq. 17); the closed form, with expected cost and
variance, is in `optimal_schedule`. Each period's trade is due when the period begins.
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
from marketsim.agents.institutions.optimal_schedule import decay_rate, remaining_share
from marketsim.kernel.compile import inner

_decay_rate, _remaining_share = inner(decay_rate), inner(remaining_share)


class AlmgrenChrissParams(ParentParams):
    """Parameters of an `almgren_chriss` order."""

    kind: Literal["almgren_chriss"] = "almgren_chriss"
    n_slices: int = Field(78, gt=0, description="N: periods; the first trade is due at once.")
    risk_aversion_per_tick_lot: float = Field(1e-7, ge=0, description="lambda: cost worth paying for a unit of variance, 1/(tick lot).")
    volatility_tick: float = Field(1.0, ge=0, description="sigma: standard deviation of the price's change in a second, ticks.")
    temporary_impact_tick_s: float = Field(0.1, gt=0, description="eta: ticks paid more for each lot a second traded, tick s/lot.")
    permanent_impact_tick: float = Field(0.0, ge=0, description="gamma: ticks the price moves for good with each lot, tick/lot.")

    @model_validator(mode="after")
    def _trading_faster_costs_more(self) -> Self:
        permanent = 0.5 * self.permanent_impact_tick * self.horizon_s / self.n_slices
        if self.temporary_impact_tick_s <= permanent:
            raise ValueError(
                f"temporary_impact_tick_s is {self.temporary_impact_tick_s}, not above {permanent} (half the permanent impact times the "
                "length of a period); make it larger or the periods shorter"
            )
        return self


@inner
def due_lot(p, time_ns):
    """Return what is due by a time, rounded to whole lots, all of it in the last period."""
    period = period_at(p, time_ns)
    if period < 0:
        return 0
    length_s = p.horizon_s / p.n_slices
    kappa = _decay_rate(p.risk_aversion_per_tick_lot, p.volatility_tick, p.temporary_impact_tick_s, p.permanent_impact_tick, length_s)
    left = _remaining_share(kappa, length_s * (p.n_slices - 1 - period), p.horizon_s)
    return p.qty_lot - int(p.qty_lot * left + 0.5)


@compiled_agent(AlmgrenChrissParams, PARENT)
def almgren_chriss(market, me, p, parent):
    """Keep up with the optimal schedule."""
    if begin_or_wait(market, me, p, parent):
        time_ns = parent_time_ns(market, me, p)
        due = due_lot(p, time_ns)
        overdue = due if is_late(p, time_ns) else due_lot(p, time_ns - patience_ns(p, parent))
        wake_for_next(market, me, p, time_ns, work(market, me, p, parent, due, overdue))
