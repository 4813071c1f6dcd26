"""The queue-reactive crowd: how often orders come, go and trade depends on how many already wait at the price.

Three queues on each side of a reference price, half a tick, one and a half and two and a half ticks away, each with intensities of limit
orders, cancels and market orders that are functions of its own size (Huang, Lehalle and Rosenbaum 2015, model I); market orders hit the
best queue only. When the first queue is used up the reference price follows with probability theta, and the book around it is then drawn
anew from its stationary law with probability theta_reinit (model III). Sizes count orders of one size, the average event size.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.background.crowd import TOUCH_FIELDS, open_crowd, take
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel, cancel_all, limit, wake_in
from marketsim.kernel.simulation.sight import best_tick, first_in_queue, level_lot, level_of, next_in_queue, order, phase
from marketsim.kernel.simulation.streams import exponential, uniform
from marketsim.records import Phase, Turn

START, CONTINUOUS = Turn.START.value, Phase.CONTINUOUS.value
QUEUES, SIZES = 3, 48  # queues a side; queue sizes with an intensity of their own, from 0
COMES, GOES, TRADES = 0, 1, 2
BUYERS, SELLERS = 0, 1  # rows of the state's tables
SIDE_OF = (1, -1)
STATE = np.dtype(
    [
        *TOUCH_FIELDS,
        ("reference_tick", np.int64),  # the reference price lies half a tick above: price of the buyers' first queue
        ("seen", np.int64, (2, QUEUES)),  # sizes when the book was last looked at, orders
        ("looks_only", np.int64),  # the coming turn is there to see whether a queue was used up, nothing else
        ("most_per_s", np.float64),
        ("rate_per_s", np.float64, (3, QUEUES, SIZES)),  # COMES, GOES, TRADES
        ("at_most", np.float64, (QUEUES, SIZES)),  # stationary law: chance of a queue of that size or less
    ]
)


def _shape(first: float, change: float, power: float, n: int = 25) -> tuple[float, ...]:
    """Return first + change * size**power for sizes from 0, rounded to four digits, never below a twentieth of ``first``."""
    return tuple(round(max(first + change * size**power, first / 20), 4) for size in range(n))


def _rates(default: tuple[float, ...], what: str, queue: str) -> tuple[float, ...]:
    rates: tuple[float, ...] = Field(
        default,
        min_length=1,
        max_length=SIZES,
        description=f"{what} in the {queue} queue of a side, by its size from 0 orders; the last one holds beyond, 1/s.",
    )
    return rates


class QueueReactiveParams(AgentParams):
    """Intensities of each queue and the rules of the reference price.

    The default curves have the shapes of figures 2 to 4 of the paper (limit orders level off, cancels grow less than in proportion, market
    orders become rarer) with values chosen by hand; fit your own from order-by-order data.
    """

    kind: Literal["queue_reactive"] = "queue_reactive"
    first_limit_per_s: tuple[float, ...] = _rates(_shape(1.5, -0.05, 0.5), "Limit orders", "first")
    first_cancel_per_s: tuple[float, ...] = _rates(_shape(0.0, 0.25, 0.7), "Cancels", "first")
    first_market_per_s: tuple[float, ...] = _rates(_shape(0.8, -0.12, 0.5), "Market orders", "first")
    second_limit_per_s: tuple[float, ...] = _rates(_shape(1.2, -0.04, 0.5), "Limit orders", "second")
    second_cancel_per_s: tuple[float, ...] = _rates(_shape(0.0, 0.2, 0.8), "Cancels", "second")
    second_market_per_s: tuple[float, ...] = _rates(_shape(0.3, -0.05, 0.5), "Market orders, while it is the best,", "second")
    third_limit_per_s: tuple[float, ...] = _rates(_shape(0.8, -0.02, 0.5), "Limit orders", "third")
    third_cancel_per_s: tuple[float, ...] = _rates(_shape(0.0, 0.12, 0.85), "Cancels", "third")
    third_market_per_s: tuple[float, ...] = _rates(_shape(0.1, 0.0, 1.0), "Market orders, while it is the best,", "third")
    theta: float = Field(
        0.7, ge=0, le=1, description="Chance that the reference price follows when a first queue is used up. Huang et al. 2015: 0.7."
    )
    theta_reinit: float = Field(
        0.85, ge=0, le=1, description="Chance that the book is drawn anew when the reference price has moved. Huang et al. 2015: 0.85."
    )
    order_lot: int = Field(100, ge=1, description="Size of every order, lots: the average event size.")

    @model_validator(mode="after")
    def _queues_are_stationary(self) -> Self:
        for queue in ("first", "second", "third"):
            comes, goes, trades = (getattr(self, f"{queue}_{what}_per_s") for what in ("limit", "cancel", "market"))
            if min(*comes, *goes, *trades, 0.0) < 0:
                raise ValueError(f"the intensities of the {queue} queue hold a negative rate; rates are at least 0")
            if comes[0] == 0:
                raise ValueError(f"{queue}_limit_per_s begins with 0: an empty queue would stay empty")
            leaving = goes[-1] + (trades[-1] if queue == "first" else 0.0)
            if comes[-1] >= leaving:
                raise ValueError(
                    f"long {queue} queues grow: limit orders come at {comes[-1]:g}/s and orders leave at {leaving:g}/s; the last cancel"
                    " rate (with the last market rate for the first queue) must be above the last limit rate"
                )
        return self


@compiled_agent(QueueReactiveParams, STATE)
def queue_reactive(market, me, p, state):
    """Look whether the reference price moves; else let at most one event happen; draw the next candidate."""
    if me.turn == START:
        open_crowd(market, me, state)
        state.reference_tick = state.bid_tick
        _set_tables(p, state)
        if phase(market, me.symbol, me.venue) == CONTINUOUS:
            _draw_book(market, me, p, state)
    elif phase(market, me.symbol, me.venue) == CONTINUOUS:
        moved = _follow(market, me, p, state)
        if not moved and state.looks_only == 0:
            _let_one_happen(market, me, p, state)
            if state.looks_only != 0:
                wake_in(market, me, 0)
                return
    state.looks_only = 0
    wake_in(market, me, exponential(me, 1e9 / state.most_per_s))


@inner
def _set_tables(p, state):
    """Set every intensity, the highest total there can be, and the stationary law of each queue."""
    for n in range(SIZES):
        state.rate_per_s[COMES, 0, n] = p.first_limit_per_s[min(n, p.n_first_limit_per_s - 1)]
        state.rate_per_s[COMES, 1, n] = p.second_limit_per_s[min(n, p.n_second_limit_per_s - 1)]
        state.rate_per_s[COMES, 2, n] = p.third_limit_per_s[min(n, p.n_third_limit_per_s - 1)]
        if n > 0:
            state.rate_per_s[GOES, 0, n] = p.first_cancel_per_s[min(n, p.n_first_cancel_per_s - 1)]
            state.rate_per_s[GOES, 1, n] = p.second_cancel_per_s[min(n, p.n_second_cancel_per_s - 1)]
            state.rate_per_s[GOES, 2, n] = p.third_cancel_per_s[min(n, p.n_third_cancel_per_s - 1)]
            state.rate_per_s[TRADES, 0, n] = p.first_market_per_s[min(n, p.n_first_market_per_s - 1)]
            state.rate_per_s[TRADES, 1, n] = p.second_market_per_s[min(n, p.n_second_market_per_s - 1)]
            state.rate_per_s[TRADES, 2, n] = p.third_market_per_s[min(n, p.n_third_market_per_s - 1)]
    for queue in range(QUEUES):
        highest, chance, total = 0.0, 1.0, 0.0
        for n in range(SIZES):
            rates = state.rate_per_s[:, queue, n]
            highest = max(highest, rates[COMES] + rates[GOES] + rates[TRADES])
            if n > 0:
                # Only the first queue is the best one most of the time: the others are left by cancels.
                leaving = rates[GOES] + (rates[TRADES] if queue == 0 else 0.0)
                chance = chance * state.rate_per_s[COMES, queue, n - 1] / leaving if leaving > 0.0 else 0.0
            total += chance
            state.at_most[queue, n] = total
        for n in range(SIZES):
            state.at_most[queue, n] /= total
        state.most_per_s += 2.0 * highest


@inner
def _price_tick(state, row, queue):
    return state.reference_tick - queue if row == BUYERS else state.reference_tick + 1 + queue


@inner
def _size(market, me, p, state, row, queue):
    """Return how many orders' worth is displayed at a queue's price, by whomever."""
    level = level_of(market, me.symbol, me.venue, SIDE_OF[row], _price_tick(state, row, queue))
    return 0 if level == NONE else (level_lot(market, level) + p.order_lot - 1) // p.order_lot


@inner
def _look(market, me, p, state):
    for row in range(2):
        for queue in range(QUEUES):
            state.seen[row, queue] = _size(market, me, p, state, row, queue)


@inner
def _follow(market, me, p, state):
    """Let the reference price follow as far as first queues have been used up since the last look; return whether it moved."""
    moved = False
    # A large order may have used up several queues: each in turn becomes the first.
    for _ in range(QUEUES):
        row = NONE
        for side in range(2):
            if state.seen[side, 0] > 0 and _size(market, me, p, state, side, 0) == 0 and row == NONE:
                row = side
        if row == NONE or uniform(me) >= p.theta:
            break
        moved = True
        state.reference_tick -= SIDE_OF[row]
        if uniform(me) < p.theta_reinit:
            _draw_book(market, me, p, state)
            return True
        _shift(market, me, p, state, row)
    _look(market, me, p, state)
    return moved


@inner
def _shift(market, me, p, state, row):
    """The used-up side's queues move up one place and its last one is drawn; the other side's last one is left behind."""
    other = 1 - row
    for queue in range(QUEUES - 1):
        state.seen[row, queue] = state.seen[row, queue + 1]
    for queue in range(QUEUES - 1, 0, -1):
        state.seen[other, queue] = state.seen[other, queue - 1]
    state.seen[other, 0] = 0
    state.seen[row, QUEUES - 1] = _draw_queue(market, me, p, state, row, QUEUES - 1)
    level = level_of(market, me.symbol, me.venue, SIDE_OF[other], _price_tick(state, other, QUEUES))
    index = NONE if level == NONE else first_in_queue(market, level)
    while index != NONE:
        waiting = order(market, index)
        if waiting.owner_id == me.number:
            cancel(market, me, waiting.order_id)
        index = next_in_queue(market, index)


@inner
def _draw_book(market, me, p, state):
    """Replace the crowd's orders by queues drawn from their stationary laws."""
    if me.turn != START:
        cancel_all(market, me)
    for row in range(2):
        for queue in range(QUEUES):
            state.seen[row, queue] = _draw_queue(market, me, p, state, row, queue)


@inner
def _draw_queue(market, me, p, state, row, queue):
    """Send a queue of a size drawn from its stationary law; return the size."""
    drawn = uniform(me)
    n = 0
    while n < SIZES - 1 and state.at_most[queue, n] <= drawn:
        n += 1
    for _ in range(n):
        limit(market, me, SIDE_OF[row], _price_tick(state, row, queue), p.order_lot)
    return n


@inner
def _let_one_happen(market, me, p, state):
    """Let the candidate event happen if one of the intensities covers it."""
    drawn = uniform(me) * state.most_per_s
    for row in range(2):
        is_best = True
        for queue in range(QUEUES):
            n = min(state.seen[row, queue], SIZES - 1)
            for what in range(3):
                if what != TRADES or is_best:
                    drawn -= state.rate_per_s[what, queue, n]
                    if drawn < 0.0:
                        _happen(market, me, p, state, row, queue, what)
                        return
            is_best = is_best and n == 0


@inner
def _happen(market, me, p, state, row, queue, what):
    side, price_tick = SIDE_OF[row], _price_tick(state, row, queue)
    if what == COMES:
        limit(market, me, side, price_tick, p.order_lot)
        return
    if what == TRADES:
        if best_tick(market, me.symbol, me.venue, side) == price_tick:
            take(market, me, -side, p.order_lot)
    else:
        _cancel_one(market, me, side, price_tick)
    if queue == 0 and state.seen[row, 0] == 1:
        state.looks_only = 1


@inner
def _cancel_one(market, me, side, price_tick):
    """Cancel one of the crowd's orders at a price, each with equal chances, if it has any there."""
    level = level_of(market, me.symbol, me.venue, side, price_tick)
    index = NONE if level == NONE else first_in_queue(market, level)
    chosen, n_seen = NONE, 0
    # ``chosen`` is each of the ``n_seen`` own orders so far with equal chances.
    while index != NONE:
        if order(market, index).owner_id == me.number:
            n_seen += 1
            if uniform(me) * n_seen < 1.0:
                chosen = index
        index = next_in_queue(market, index)
    if chosen != NONE:
        cancel(market, me, order(market, chosen).order_id)
