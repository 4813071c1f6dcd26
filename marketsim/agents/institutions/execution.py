"""How institutions work a parent order: child orders that bring what is done up to a schedule, and never beyond it.

A schedule says what is due now, and what was due a while ago and must be done by now. What is overdue is taken at once by an
immediate-or-cancel order up to ``reach_tick`` through the touch; what is merely due waits at the touch. Children are only sent when all
before them have settled: what is done, what waits and what is still to be sent then add up, and the parent is never exceeded.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.regime import SECOND, WATCH, RegimeParams, aggressiveness_factor, watch_regime
from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel, cancel_each, send, sweep, wake_in
from marketsim.kernel.simulation.sight import (
    best_tick,
    first_order,
    grid_tick,
    has_settled,
    last_tick,
    next_order,
    order,
    others_tick,
    phase,
    position_lot,
    session_time_ns,
)
from marketsim.records import Flag, Kind, Phase, Tif, Turn

START = Turn.START.value
CONTINUOUS = Phase.CONTINUOUS.value
LIMIT, DAY, POST_ONLY = Kind.LIMIT.value, Tif.DAY.value, Flag.POST_ONLY.value
SELL_WORD, AGGRESSIVE_WORD = 1, 1  # places of the words in `ParentParams`

# A parent order under way.
PARENT = np.dtype([("watch", WATCH), ("from_lot", np.int64)])


class ParentParams(RegimeParams):
    """Parameters of every parent order; each kind adds its schedule."""

    side: Literal["buy", "sell"] = Field("buy", description="Direction of the parent order.")
    qty_lot: int = Field(10_000, gt=0, description="Its quantity, lots.")
    start_s: float = Field(0.0, ge=0, description="Session time from the start of the simulation to its beginning, s.")
    horizon_s: float = Field(23_400.0, gt=0, description="Session time it lasts, s; nothing of it is left in the market afterwards.")
    style: Literal["passive", "aggressive"] = Field("passive", description="Whether children first wait at the touch, or take at once.")
    patience_s: float = Field(60.0, ge=0, description="How long what is due may wait before it is taken, s.")
    finish_s: float = Field(30.0, ge=0, description="Time before the end from which all that is due is taken, s.")
    check_s: float = Field(1.0, gt=0, description="Time between two looks at the market while something is due, s.")
    reach_tick: int = Field(10, ge=0, description="How far through the touch a child may trade, ticks.")
    largest_child_lot: int = Field(10**9, gt=0, description="Largest child order, lots.")


@inner
def sign(p):
    """Return 1 for a parent that buys, -1 for one that sells."""
    return -1 if p.side == SELL_WORD else 1


@inner
def parent_time_ns(market, me, p):
    """Return session time since the parent began, negative before."""
    return session_time_ns(market, me) - int(p.start_s * SECOND)


@inner
def begin_or_wait(market, me, p, parent):
    """Whether the parent is under way; before, the agent is woken at its start, and afterwards all that is left is cancelled."""
    if me.turn == START:
        parent.from_lot = position_lot(market, me, me.symbol)
    time_ns = parent_time_ns(market, me, p)
    if time_ns < 0:
        wake_in(market, me, -time_ns)
        return False
    if time_ns >= int(p.horizon_s * SECOND):
        if not has_settled(me) or first_order(market, me) != NONE:
            wake_in(market, me, p.check_s * SECOND)
        if has_settled(me):
            cancel_each(market, me)
        return False
    watch_regime(market, me, p, parent.watch)
    return True


@inner
def executed_lot(market, me, p, parent):
    """Return what has been done of the parent."""
    return sign(p) * (position_lot(market, me, me.symbol) - parent.from_lot)


@inner
def patience_ns(p, parent):
    """Return how long what is due may wait; none for an aggressive parent, less where a regime makes it urgent."""
    if p.style == AGGRESSIVE_WORD:
        return 0
    return int(p.patience_s / max(aggressiveness_factor(p, parent.watch), 1e-9) * SECOND)


@inner
def is_late(p, time_ns):
    """Whether the parent is in its last moments, in which nothing waits any more."""
    return time_ns >= int((p.horizon_s - p.finish_s) * SECOND)


@inner
def period_at(p, time_ns):
    """Return which of ``n_slices`` equal periods a time of the parent's lies in, negative before the first."""
    return min(time_ns // (int(p.horizon_s * SECOND) // p.n_slices), p.n_slices - 1)


@inner
def wake_for_next(market, me, p, time_ns, missing_lot):
    """Ask for the turn at which the next period begins, or sooner while something is missing; for none when all is done."""
    next_period = period_at(p, time_ns) + 1
    wait_ns = next_period * (int(p.horizon_s * SECOND) // p.n_slices) - time_ns
    if missing_lot > 0:
        check_ns = int(p.check_s * SECOND)
        wake_in(market, me, check_ns if next_period == p.n_slices else min(wait_ns, check_ns))
    elif next_period < p.n_slices:
        wake_in(market, me, wait_ns)


@inner
def work(market, me, p, parent, due_lot, overdue_lot):
    """Send what brings the parent up to its schedule; return what is still missing of ``due_lot``, lots."""
    done = executed_lot(market, me, p, parent)
    missing = min(due_lot, p.qty_lot) - done
    if not has_settled(me) or phase(market, me.symbol, me.venue) != CONTINUOUS:
        return missing
    overdue = min(min(overdue_lot, p.qty_lot) - done, p.largest_child_lot)
    if overdue > 0:
        if first_order(market, me) == NONE:
            take(market, me, p, overdue)
        else:
            cancel_each(market, me)
    elif missing > 0:
        wait_at_touch(market, me, p, missing)
    return missing


@inner
def take(market, me, p, lot):
    """Take what the other side offers, up to ``reach_tick`` through its best price; an empty side is waited for."""
    side = sign(p)
    touch = best_tick(market, me.symbol, me.venue, -side)
    if touch != NO_PRICE:
        sweep(market, me, me.symbol, side, touch, p.reach_tick, lot)


@inner
def wait_at_touch(market, me, p, missing_lot):
    """Let as much as is missing wait at the touch: children behind it are cancelled first, and sent anew once that has settled."""
    side = sign(p)
    touch = others_tick(market, me, me.symbol, me.venue, side)
    waiting_lot, n_behind = 0, 0
    index = first_order(market, me)
    # Own orders before ``index`` are counted in one of the two.
    while index != NONE:
        child = order(market, index)
        if touch != NO_PRICE and side * (child.price_tick - touch) < 0:
            cancel(market, me, child.order_id)
            n_behind += 1
        else:
            waiting_lot += child.qty_lot
        index = next_order(market, index)
    lot = min(missing_lot - waiting_lot, p.largest_child_lot)
    if n_behind > 0 or lot <= 0:
        return
    if touch == NO_PRICE:
        across = best_tick(market, me.symbol, me.venue, -side)
        touch = across - side if across != NO_PRICE else last_tick(market, me.symbol, me.venue)
    if touch != NO_PRICE:
        send(market, me, LIMIT, side, grid_tick(market, me.venue, side, touch), lot, DAY, POST_ONLY, me.symbol, me.venue)
