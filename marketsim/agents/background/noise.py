"""Noise trader: one order a session, at a random time, in a random direction, at the price that trades at once.

The time follows the U-quadratic law, whose density is highest at both ends of its interval (Byrd, Hybinette and Balch 2020, ABIDES; noise
agent of RMSC04). A trader who is up before the session starts acts as soon as it does.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.background.order_size import OrderSizeParams, order_lot
from marketsim.agents.compiled import compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import limit, wake_at
from marketsim.kernel.simulation.sight import best_tick, session_start_ns
from marketsim.kernel.simulation.streams import random_side, uniform
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9


class NoiseParams(OrderSizeParams):
    """Trade once a session, at no particular time and for no reason."""

    kind: Literal["noise"] = "noise"
    from_s: float = Field(-1800.0, description="Start of the interval the time is drawn from, s after the session starts. RMSC04: 09:00.")
    until_s: float = Field(23_400.0, description="End of the interval the time is drawn from, s after the session starts. RMSC04: 16:00.")


NOISE_STATE = np.dtype([("session", np.int64)])  # the next one it has not yet drawn a time for


@compiled_agent(NoiseParams, NOISE_STATE)
def noise(market, me, p, state):
    """Trade, unless the simulation has only begun, and plan the next session's time."""
    if me.turn != START:
        side = random_side(me)
        qty_lot = order_lot(me, p)
        far_tick = best_tick(market, me.symbol, me.venue, -side)
        if qty_lot > 0 and far_tick != NO_PRICE:
            limit(market, me, side, far_tick, qty_lot)
    if state.session < market.n_sessions:
        start_ns = session_start_ns(market, state.session)
        offset_s = p.from_s + u_quadratic(uniform(me)) * (p.until_s - p.from_s)
        wake_at(market, me, start_ns + max(0, int(offset_s * SECOND_NS)))
        state.session += 1


@inner
def u_quadratic(u):
    """Return the quantile of the U-quadratic law on [0, 1], density 12 (x - 1/2)^2."""
    third = 0.25 * u - 0.125
    return 0.5 + (third ** (1.0 / 3.0) if third >= 0.0 else -((-third) ** (1.0 / 3.0)))
