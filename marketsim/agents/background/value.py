"""Value trader: sees the fundamental through noise, learns from what it sees, and trades towards what it expects at the close.

Between two looks the estimate reverts to the mean and grows uncertain; a look then counts by its precision, the rule of Kalman (1960) for
a mean-reverting value (Wah, Wright and Wellman 2017; Byrd, Hybinette and Balch 2020, ABIDES). Variances, not standard deviations,
throughout.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.background.order_size import OrderSizeParams, order_lot
from marketsim.agents.compiled import compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel_each, limit, wake_at, wake_in
from marketsim.kernel.simulation.sight import best_tick, fundamental_tick, round_trip_ns, session_end_ns, session_start_ns
from marketsim.kernel.simulation.streams import exponential, integer, normal, random_side, uniform
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9


class ValueParams(OrderSizeParams):
    """Buy what is cheap against the value expected at the close, sell what is dear."""

    kind: Literal["value"] = "value"
    mean_tick: float = Field(100_000.0, description="Long-run mean of the fundamental, ticks; RMSC04's r_bar.")
    reversion_per_ns: float = Field(1.67e-15, ge=0, lt=1, description="Its speed of mean reversion as believed, 1/ns; RMSC04's kappa.")
    noise_variance_tick2: float = Field(1000.0, ge=0, description="Variance of one observation of it, ticks squared; RMSC04's sigma_n.")
    shock_variance_tick2_per_ns: float = Field(
        100_000.0, ge=0, description="Variance the fundamental gains in a nanosecond as believed, ticks squared; RMSC04's sigma_s."
    )
    mean_wait_s: float = Field(
        1e-9 / 5.7e-12, gt=0, description="Mean of the exponential time between two looks, s; RMSC04's 1 / lambda_a."
    )
    aggressive_share: float = Field(0.1, ge=0, le=1, description="Share of orders at the far touch, a fraction. RMSC04.")
    depth_spreads: int = Field(2, ge=1, le=1000, description="How far from the far touch the other orders reach, spreads. RMSC04.")
    published_learning: bool = Field(
        False, description="Whether the estimate's variance stays at its initial 0, as in ABIDES' published code, instead of being learned."
    )


VALUE_STATE = np.dtype(
    [
        ("estimate_tick", np.float64),  # of the fundamental, at the latest look
        ("variance_tick2", np.float64),
        ("looked_ns", np.int64),
        ("next_ns", np.int64),  # when it looks again
        ("looks_now", np.int64),  # its orders are cancelled, the next turn is for trading
    ]
)


@compiled_agent(ValueParams, VALUE_STATE)
def value(market, me, p, state):
    """Cancel what is left of the last order; one round trip later look and trade."""
    if me.turn == START:
        state.estimate_tick = p.mean_tick
        state.looked_ns = session_start_ns(market, 0)
        wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))
    elif state.looks_now == 0:
        state.looks_now = 1
        state.next_ns = me.now_ns + int(exponential(me, p.mean_wait_s * SECOND_NS))
        cancel_each(market, me)
        wake_in(market, me, round_trip_ns(market, me))
    else:
        state.looks_now = 0
        _trade(market, me, p, _expected_at_close(market, me, p, state))
        wake_at(market, me, state.next_ns)


@inner
def _trade(market, me, p, expected_tick):
    """Send one order towards the expected value; on a one-sided book either way, at that value."""
    bid_tick, ask_tick = best_tick(market, me.symbol, me.venue, 1), best_tick(market, me.symbol, me.venue, -1)
    if bid_tick == NO_PRICE or ask_tick == NO_PRICE:
        side = random_side(me)
        price_tick = expected_tick
    else:
        away_tick = 0
        if uniform(me) >= p.aggressive_share:
            away_tick = integer(me, 0, max(p.depth_spreads * (ask_tick - bid_tick) - 1, 0))
        side = 1 if expected_tick >= (bid_tick + ask_tick) // 2 else -1
        price_tick = ask_tick - away_tick if side > 0 else bid_tick + away_tick
    qty_lot = order_lot(me, p)
    if qty_lot > 0:
        limit(market, me, side, price_tick, qty_lot)


@inner
def _expected_at_close(market, me, p, state):
    """Look at the fundamental, learn, and return what it is expected to be when the session ends, whole ticks."""
    seen_tick = round(fundamental_tick(market, me.symbol) + math.sqrt(p.noise_variance_tick2) * normal(me))
    elapsed_ns = max(me.now_ns - state.looked_ns, 0)
    state.looked_ns = me.now_ns
    estimate, variance = learn(p, state.estimate_tick, state.variance_tick2, elapsed_ns, seen_tick)
    state.estimate_tick, state.variance_tick2 = estimate, variance
    left_ns = max(session_end_ns(market, market.session) - me.now_ns, 0)
    return round(reverted(p, estimate, left_ns))


@inner
def reverted(p, estimate_tick, ns):
    """Return where an estimate is expected to have moved after a time: towards the mean."""
    return p.mean_tick + math.exp(ns * math.log1p(-p.reversion_per_ns)) * (estimate_tick - p.mean_tick)


@inner
def learn(p, estimate_tick, variance_tick2, elapsed_ns, seen_tick):
    """Return the estimate and its variance after a look, given those of the look before."""
    per_ns = math.log1p(-p.reversion_per_ns)
    steps = math.expm1(2.0 * elapsed_ns * per_ns) / math.expm1(2.0 * per_ns) if per_ns < 0.0 else float(elapsed_ns)
    ahead = math.exp(2.0 * elapsed_ns * per_ns) * variance_tick2 + steps * p.shock_variance_tick2_per_ns
    total = p.noise_variance_tick2 + ahead
    trust = ahead / total if total > 0.0 else 1.0
    prior_tick = p.mean_tick + math.exp(elapsed_ns * per_ns) * (estimate_tick - p.mean_tick)
    estimate = (1.0 - trust) * prior_tick + trust * seen_tick
    if p.published_learning == 1:
        total = p.noise_variance_tick2 + variance_tick2
        return estimate, p.noise_variance_tick2 * variance_tick2 / total if total > 0.0 else 0.0
    return estimate, p.noise_variance_tick2 * trust
