"""A parent order worked as a percentage of volume: it keeps its own share of all that trades at a constant rate (Kissell and Glantz 2003).

With a rate r and the others' volume V, its own volume is r / (1 - r) V: then own / (own + V) = r.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.institutions.execution import (
    PARENT,
    ParentParams,
    begin_or_wait,
    executed_lot,
    is_late,
    parent_time_ns,
    patience_ns,
    work,
)
from marketsim.agents.regime import SECOND, aggressiveness_factor
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import wake_in
from marketsim.kernel.simulation.sight import traded_lot

# What was due at the two latest marks, one patience apart: the older is overdue.
POV = np.dtype(
    [
        ("parent", PARENT),
        ("begun", np.int64),
        ("from_volume_lot", np.int64),
        ("marked_ns", np.int64),
        ("marked_lot", np.int64),
        ("overdue_lot", np.int64),
    ]
)


class PovParams(ParentParams):
    """Parameters of a `pov` order; in regimes with an aggressiveness the rate is multiplied by it."""

    kind: Literal["pov"] = "pov"
    participation: float = Field(0.1, gt=0, lt=0.95, description="Its share of all volume, its own included.")
    complete: bool = Field(False, description="Whether what volume has left undone is taken in the last moments.")


@inner
def due_lot(market, me, p, state):
    """Return what the rate asks for by now, never less than before and never more than the parent."""
    done = executed_lot(market, me, p, state.parent)
    others_lot = traded_lot(market, me.symbol) - state.from_volume_lot - done
    rate = min(p.participation * aggressiveness_factor(p, state.parent.watch), 0.95)
    return min(max(int(others_lot * rate / (1.0 - rate) + 1e-9), done), p.qty_lot)


@inner
def mark(me, p, state, due):
    """Move what is due on towards what is overdue; with no patience it is both at once."""
    patience = patience_ns(p, state.parent)
    if me.now_ns - state.marked_ns >= patience:
        state.overdue_lot = state.marked_lot if patience > 0 else due
        state.marked_ns, state.marked_lot = me.now_ns, due


@compiled_agent(PovParams, POV)
def pov(market, me, p, state):
    """Keep up with the market's volume."""
    if not begin_or_wait(market, me, p, state.parent):
        return
    if state.begun == 0:
        state.begun, state.from_volume_lot, state.marked_ns = 1, traded_lot(market, me.symbol), me.now_ns
    late = is_late(p, parent_time_ns(market, me, p))
    due = p.qty_lot if late and p.complete != 0 else due_lot(market, me, p, state)
    mark(me, p, state, due)
    work(market, me, p, state.parent, due, due if late else state.overdue_lot)
    if executed_lot(market, me, p, state.parent) < p.qty_lot:
        wake_in(market, me, p.check_s * SECOND)
