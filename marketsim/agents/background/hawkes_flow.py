"""A crowd whose limit orders, cancels and market orders excite one another: a Hawkes process in six dimensions.

The intensity of event i is mu_i + sum_j n_ij sum_{s < t} g(t - s) over the past events s of kind j, with a kernel g of area 1 that is
exponential, or a power law with a cut-off at short times (Bacry, Mastromatteo and Muzy 2015). Events are drawn exactly, by thinning
(Ogata 1981) on sums of exponentials that are carried along. The power law eta c^eta (t + c)^(-1-eta) is a mixture of exponential densities
with Gamma(eta, 1/c) distributed rates; the flow takes `N_TERMS` of them, their rates a geometric series down to one over the end.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.background.crowd import TOUCH_FIELDS, draw_lot, open_crowd, random_own_order, see_touch, take
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import GTC, LIMIT, cancel, new_order, wake_in
from marketsim.kernel.simulation.sight import order, phase
from marketsim.kernel.simulation.streams import exponential, uniform
from marketsim.records import Phase, Tif, Turn

START, CONTINUOUS, GTD = Turn.START.value, Phase.CONTINUOUS.value, Tif.GTD.value
EVENTS = ("limit_buy", "limit_sell", "cancel_buy", "cancel_sell", "market_buy", "market_sell")
N_EVENTS, N_TERMS = len(EVENTS), 16
EXPONENTIAL = 0  # places of the words in HawkesFlowParams.kernel
NS = 1e-9
STATE = np.dtype(
    [
        *TOUCH_FIELDS,
        ("seen_ns", np.int64),  # when the excitations were last brought up to date
        ("n_terms", np.int64),
        ("most_per_s", np.float64),  # total intensity just after the last turn; it only falls from there
        ("decay_per_s", np.float64, (N_TERMS,)),
        ("weight", np.float64, (N_TERMS,)),
        ("excitation", np.float64, (N_EVENTS, N_TERMS)),  # sum over past events of kind j of beta_k exp(-beta_k age)
        ("intensity", np.float64, (N_EVENTS,)),
    ]
)

# Rows: the event excited; columns: the event that excites. Buying and selling mirror each other.
BRANCHING = (
    0.40, 0.05, 0.20, 0.02, 0.05, 0.25,
    0.05, 0.40, 0.02, 0.20, 0.25, 0.05,
    0.35, 0.02, 0.20, 0.05, 0.05, 0.20,
    0.02, 0.35, 0.05, 0.20, 0.20, 0.05,
    0.02, 0.00, 0.00, 0.02, 0.45, 0.02,
    0.00, 0.02, 0.02, 0.00, 0.02, 0.45,
)  # fmt: skip


class HawkesFlowParams(AgentParams):
    """Base rates, who excites whom, and for how long.

    Defaults are chosen, not fitted: clustered flow (spectral radius 0.70) in which orders come in about as fast as they go.
    """

    kind: Literal["hawkes_flow"] = "hawkes_flow"
    base_rate_per_s: tuple[float, ...] = Field(
        (1.0, 1.0, 0.3, 0.3, 0.05, 0.05),
        min_length=N_EVENTS,
        max_length=N_EVENTS,
        description="mu_i of limit buys, limit sells, cancelled buys, cancelled sells, market buys and market sells, 1/s.",
    )
    branching: tuple[float, ...] = Field(
        BRANCHING,
        min_length=N_EVENTS**2,
        max_length=N_EVENTS**2,
        description="n_ij: events of kind i that one of kind j sets off directly, row after row, in the order of base_rate_per_s.",
    )
    kernel: Literal["exponential", "power_law"] = Field("exponential", description="How the excitation fades.")
    decay_per_s: float = Field(10.0, gt=0, description="beta of the exponential kernel beta exp(-beta t), 1/s.")
    power_law_start_s: float = Field(0.001, gt=0, description="c of the power law: below it the kernel is flat, s.")
    power_law_end_s: float = Field(1000.0, gt=0, description="Until when the kernel follows the power law, s.")
    power_law_tail: float = Field(
        0.3, gt=0, le=2, description="eta: the kernel falls as t^(-1 - eta). Hardiman, Bercot and Bouchaud 2013 find 0.15 to 0.45."
    )
    order_lot: int = Field(100, ge=1, description="Median size of an order, lots.")
    order_log_sd: float = Field(0.0, ge=0, le=3, description="Standard deviation of the logarithm of an order's size; 0 for one size.")
    improve_share: float = Field(
        0.3, ge=0, le=1, description="Share of limit orders that better the best price where the spread allows it."
    )
    depth_tick: float = Field(4.0, gt=0, description="Mean distance of the other limit orders behind the best price, geometric, ticks.")
    order_life_s: float = Field(
        30.0, ge=0, description="Mean life of an order nobody cancels, from half to one and a half of it, s; 0: no end."
    )
    opening_orders: int = Field(20, ge=0, le=2000, description="Limit orders on each side when the simulation begins.")

    @model_validator(mode="after")
    def _is_stationary(self) -> Self:
        if min(*self.base_rate_per_s, *self.branching) < 0:
            raise ValueError("base_rate_per_s or branching holds a negative number; events can only excite, not inhibit")
        if sum(self.base_rate_per_s) == 0:
            raise ValueError("base_rate_per_s is 0 for every event; nothing would ever happen")
        radius = float(np.abs(np.linalg.eigvals(np.reshape(self.branching, (N_EVENTS, N_EVENTS)))).max())
        if radius >= 1:
            raise ValueError(f"branching has the spectral radius {radius:.3f}; below 1 the flow is stationary, from 1 on it explodes")
        if self.power_law_end_s <= self.power_law_start_s:
            raise ValueError("power_law_end_s must be later than power_law_start_s")
        return self


@compiled_agent(HawkesFlowParams, STATE)
def hawkes_flow(market, me, p, state):
    """Decide whether the candidate event happens, let it excite what follows, and draw the next candidate."""
    if me.turn == START:
        open_crowd(market, me, state)
        _set_kernel(p, state)
        for _ in range(p.opening_orders if phase(market, me.symbol, me.venue) == CONTINUOUS else 0):
            _place(market, me, p, 1, state.bid_tick, state.ask_tick)
            _place(market, me, p, -1, state.bid_tick, state.ask_tick)
    else:
        drawn = uniform(me) * state.most_per_s - _fade(me, p, state)
        if drawn < 0.0:
            event = _which(state, -drawn)
            for k in range(state.n_terms):
                state.excitation[event, k] += state.decay_per_s[k]
            _happen(market, me, p, state, event)
    state.seen_ns = me.now_ns
    state.most_per_s = _intensities(p, state)
    wake_in(market, me, exponential(me, 1.0 / state.most_per_s) / NS)


@inner
def _set_kernel(p, state):
    """Set the rates of the exponentials and their shares in the kernel."""
    if p.kernel == EXPONENTIAL:
        state.n_terms = 1
        state.decay_per_s[0], state.weight[0] = p.decay_per_s, 1.0
        return
    state.n_terms = N_TERMS
    # On a logarithmic grid the Gamma(eta, 1/c) density of the rate beta has the weight beta^eta exp(-c beta).
    fastest = 4.0 / p.power_law_start_s
    step = (fastest * p.power_law_end_s) ** (1.0 / (N_TERMS - 1))
    total = 0.0
    for k in range(N_TERMS):
        state.decay_per_s[k] = fastest / step**k
        state.weight[k] = state.decay_per_s[k] ** p.power_law_tail * math.exp(-p.power_law_start_s * state.decay_per_s[k])
        total += state.weight[k]
    for k in range(N_TERMS):
        state.weight[k] /= total


@inner
def _fade(me, p, state):
    """Let the excitations decay until now; return the total intensity."""
    age_s = (me.now_ns - state.seen_ns) * NS
    for k in range(state.n_terms):
        left = math.exp(-state.decay_per_s[k] * age_s)
        for j in range(N_EVENTS):
            state.excitation[j, k] *= left
    return _intensities(p, state)


@inner
def _intensities(p, state):
    """Write down the intensity of each event from the excitations, 1/s; return their sum."""
    for i in range(N_EVENTS):
        state.intensity[i] = p.base_rate_per_s[i]
    for j in range(N_EVENTS):
        kernel_per_s = 0.0
        for k in range(state.n_terms):
            kernel_per_s += state.weight[k] * state.excitation[j, k]
        for i in range(N_EVENTS):
            state.intensity[i] += p.branching[i * N_EVENTS + j] * kernel_per_s
    total = 0.0
    for i in range(N_EVENTS):
        total += state.intensity[i]
    return total


@inner
def _which(state, drawn):
    """Return the event at which the summed intensities pass a number; events of intensity 0 never are."""
    last = 0
    for i in range(N_EVENTS):
        if state.intensity[i] > 0.0:
            last = i
            drawn -= state.intensity[i]
            if drawn < 0.0:
                break
    return last


@inner
def _happen(market, me, p, state, event):
    """Turn an event of the flow into a message; a cancel without an order, or a market order without a price, does nothing."""
    bid, ask = see_touch(market, me, state)
    if phase(market, me.symbol, me.venue) != CONTINUOUS:
        return
    side = 1 - 2 * (event % 2)
    if event < 2:
        _place(market, me, p, side, bid, ask)
    elif event < 4:
        place = random_own_order(market, me, side)
        if place != NONE:
            cancel(market, me, order(market, place).order_id)
    else:
        take(market, me, side, draw_lot(me, p.order_lot, p.order_log_sd))


@inner
def _place(market, me, p, side, bid, ask):
    """Send a limit order at, behind or one tick before the best price of its side."""
    price_tick = bid if side > 0 else ask
    if ask - bid > 1 and uniform(me) < p.improve_share:
        price_tick += side
    else:
        price_tick -= side * int(exponential(me, 1.0) / math.log1p(1.0 / p.depth_tick))
    qty_lot = draw_lot(me, p.order_lot, p.order_log_sd)
    message = new_order(market, me, me.symbol, me.venue)
    message.kind, message.side, message.price_tick, message.qty_lot, message.tif = LIMIT, side, price_tick, qty_lot, GTC
    if p.order_life_s > 0.0:
        message.tif = GTD
        message.expire_ns = me.now_ns + int((0.5 + uniform(me)) * p.order_life_s / NS)
