"""An institution that brings its portfolio back to fixed weights before every close, as index and pension funds do.

The weights apply to its equity, cash and positions at the mids at which trading begins; the difference is traded in equal steps. The
buying of what has fallen and selling of what has risen is that of a constant-mix portfolio (Perold and Sharpe 1988).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.institutions.basket import BASKET, MOST_SYMBOLS, BasketParams, steps_due, trade_step, wake_for_step
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import mid_tick, position_lot, session_now


class RebalancerParams(BasketParams):
    """Parameters of a `rebalancer`; all symbols must have the same tick and lot size."""

    kind: Literal["rebalancer"] = "rebalancer"
    weights: tuple[float, ...] = Field(
        min_length=1, max_length=MOST_SYMBOLS, description="Target share of equity in each symbol, in the market's order; the rest is cash."
    )


@inner
def set_targets(market, me, p, state):
    """Set the targets of this session; a symbol without any price keeps its position."""
    equity_half_tick_lot = 2.0 * me.cash_tick_lot
    # ``equity`` holds the cash and the symbols before the k-th; the mid is known as twice its value.
    for k in range(p.n_weights):
        state.from_lot[k] = position_lot(market, me, k)
        mid = mid_tick(market, k, me.venue)
        if mid != NO_PRICE:
            equity_half_tick_lot += float(state.from_lot[k]) * mid
    for k in range(p.n_weights):
        mid = mid_tick(market, k, me.venue)
        state.target_lot[k] = int(p.weights[k] * equity_half_tick_lot / mid) if mid != NO_PRICE and mid > 0 else state.from_lot[k]


@compiled_agent(RebalancerParams, BASKET)
def rebalancer(market, me, p, state):
    """Set targets once a session, and trade towards them until it ends."""
    if p.n_weights > market.n_symbols:
        raise ValueError("there are more weights than symbols in the market")
    steps = steps_due(market, me, p)
    is_behind = False
    session = session_now(market, me)
    if steps > 0 and session < market.n_sessions:
        if state.session != session + 1:
            set_targets(market, me, p, state)
            state.session = session + 1
        is_behind = trade_step(market, me, p, state.target_lot, state.from_lot, p.n_weights, steps)
    wake_for_step(market, me, p, steps, is_behind)
