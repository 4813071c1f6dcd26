"""How institutions that hold several symbols move from what they have to what they want, a step at a time, each step taken at once.

All positions are looked at when nothing is under way; what a symbol lacks by now is taken by an immediate-or-cancel order, so nothing ever
waits in the market and no target is exceeded. Symbols that are sold come before those that are bought, so that cash is there.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.compiled import AgentParams
from marketsim.agents.regime import SECOND
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import sweep, wake_in
from marketsim.kernel.simulation.sight import best_tick, has_settled, phase, position_lot, session_now, to_close_ns
from marketsim.records import Phase

CONTINUOUS = Phase.CONTINUOUS.value
MOST_SYMBOLS = 64

# Targets of a session, the positions they were set out from, and for which session they are, counted from 1.
BASKET = np.dtype([("target_lot", np.int64, (MOST_SYMBOLS,)), ("from_lot", np.int64, (MOST_SYMBOLS,)), ("session", np.int64)])


class BasketParams(AgentParams):
    """Parameters of every agent that trades a basket towards targets before the close; each kind adds what it wants to hold."""

    before_close_s: float = Field(1800.0, gt=0, description="How long before the session's end trading begins, s.")
    done_before_close_s: float = Field(300.0, ge=0, description="How long before it the last step is over: a closing auction's length, s.")
    n_slices: int = Field(30, gt=0, description="Equal steps from the positions held then to the targets.")
    check_s: float = Field(5.0, gt=0, description="Time between two looks at the market while something is due, s.")
    reach_tick: int = Field(20, ge=0, description="How far through the touch an order may trade, ticks.")

    @model_validator(mode="after")
    def _trading_takes_time(self) -> Self:
        if self.before_close_s <= self.done_before_close_s:
            raise ValueError(
                f"before_close_s is {self.before_close_s}, not above done_before_close_s {self.done_before_close_s}; begin earlier"
            )
        return self


@inner
def step_ns(p):
    """Return how long a step lasts."""
    return int((p.before_close_s - p.done_before_close_s) * SECOND) // p.n_slices


@inner
def steps_due(market, me, p):
    """Return how many steps are due now: 0 before trading begins, all of them from the last step on."""
    passed_ns = int(p.before_close_s * SECOND) - to_close_ns(market, me)
    if passed_ns < 0:
        return 0
    return min(passed_ns // step_ns(p) + 1, p.n_slices)


@inner
def wake_for_step(market, me, p, steps, is_behind):
    """Ask for the turn at which the next step is due, or sooner while one is behind; after the last, for one in the next session."""
    if session_now(market, me) == market.n_sessions:
        return
    left_ns = to_close_ns(market, me)
    if steps == 0:
        wake_in(market, me, left_ns - int(p.before_close_s * SECOND))
        return
    # A turn after the session's end is put off to the next session's start, and asks again there.
    next_ns = left_ns - (int(p.before_close_s * SECOND) - steps * step_ns(p)) if steps < p.n_slices else left_ns
    wake_in(market, me, min(next_ns, int(p.check_s * SECOND)) if is_behind else next_ns)


@inner
def trade_step(market, me, p, targets, froms, n_symbols, steps):
    """Take what each of the first ``n_symbols`` lacks of ``steps`` steps from ``froms`` to ``targets``, lots; whether any lacked some."""
    is_behind = False
    settled = has_settled(me)
    for side in (-1, 1):
        # Symbols before the k-th have what they can get on this side.
        for k in range(n_symbols):
            whole = abs(targets[k] - froms[k])
            direction = 1 if targets[k] > froms[k] else -1
            lack = whole * steps // p.n_slices - direction * (position_lot(market, me, k) - froms[k])
            if direction == side and lack > 0:
                is_behind = True
                touch = best_tick(market, k, me.venue, -side)
                if settled and touch != NO_PRICE and phase(market, k, me.venue) == CONTINUOUS:
                    sweep(market, me, k, side, touch, p.reach_tick, lack)
    return is_behind
