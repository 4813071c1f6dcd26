"""A cash account whose orders trade on an exchange: what it may send, and what a fill the exchange reports does to it.

The exchange knows nothing of accounts, so buying power is checked when an order is sent. Every order under way is taken as filled at the
price it was checked with, if it opens a position; one that closes counts as filled only if it is a market order, which will not wait.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.kernel.account import QTY_EPSILON, allowed_qty, book_fill, end
from marketsim.kernel.compile import entry, inner
from marketsim.records import Kind, Status

TRIGGERED, REJECTED = Status.TRIGGERED.value, Status.REJECTED.value
FILLED, CANCELLED = Status.FILLED.value, Status.CANCELLED.value
MARKET, ON_OPEN = Kind.MARKET.value, Kind.MARKET_ON_OPEN.value


# How much of an order the account may trade, shares, and why not all of it: records.Reason, 0 where it is all.
ALLOWANCE = np.dtype([("qty", np.float64), ("reason", np.int64)])


@entry
def admit(first, n_orders, now, prices, plan, book, orders, live, allowances):
    """Decide how much of each new order the account can carry; what it cannot carry at all is refused.

    Orders that reduce a position are looked at first, so that the money they free is there for the others.

    Parameters
    ----------
    first, n_orders : int; the new orders are the rows from ``first`` to before ``n_orders``.
    now : int, ns.
    prices : (n_orders,) float64, what each live or new order is expected to trade at, currency.
    plan : tuple (account (1,) ACCOUNT, position (n_symbols,)) to work in; what they held is lost.
    book : tuple (account, costs, position, mark, taken_buy, taken_sell) of the account.
    orders, live, allowances : ORDER, int64 and ALLOWANCE buffers.
    """
    account, costs, position, mark, _, _ = book
    planned, held = plan
    me, real, cost = planned[0], account[0], costs[0]
    me.cash, me.equity, me.gross = real.cash, real.equity, real.gross
    held[:] = position
    # Every live order that was sent before is in the plan.
    for k in range(real.n_live):
        order = orders[live[k]]
        if live[k] < first and order.status <= TRIGGERED:
            _plan(order, allowances[live[k]].qty - order.filled_qty, prices[live[k]], me, cost, held, mark)
    for only_reducing in (True, False):
        for index in range(first, n_orders):
            order = orders[index]
            s = order.symbol
            if order.status > TRIGGERED or (order.side * position[s] < 0.0) != only_reducing:
                continue
            allowed, reason = allowed_qty(order.qty, prices[index], order, me, cost, held[s], _reference(prices[index], mark[s]))
            allowances[index].qty, allowances[index].reason = allowed, reason
            if allowed <= QTY_EPSILON:
                end(order, REJECTED, reason, now)
            else:
                _plan(order, allowed, prices[index], me, cost, held, mark)


@inner
def _reference(price, mark):
    """Return what a share is valued at; a symbol that has not traded yet is worth what the order expects to pay."""
    return price if math.isnan(mark) else mark


@inner
def _plan(order, qty, price, me, cost, held, mark):
    """Take an order as filled in the plan."""
    s, side = order.symbol, order.side
    reference = _reference(price, mark[s])
    closing = min(qty, abs(held[s])) if held[s] * side < 0.0 else 0.0
    opening = qty - closing
    if order.kind == MARKET or order.kind == ON_OPEN:
        held[s] += side * qty
        me.gross += (opening - closing) * reference
    elif cost.allow_short == 0:
        # Shares promised to one order are not there for another, but they free no money before they are sold.
        held[s] += side * qty
        me.gross += opening * reference
        qty = opening
    else:
        held[s] += side * opening if closing == 0.0 else 0.0
        me.gross += opening * reference
        qty = opening
    me.equity -= qty * (side * (price - reference) + cost.fee_per_share + cost.fee_notional_frac * price)


@entry
def book_report(index, qty, price, reference, spread_cost, liquidity, now, bar, book, orders, allowances, fills):
    """Book a fill that the exchange has reported.

    ``price`` and ``reference`` are currency a share, ``spread_cost`` currency; by what the price is worse than both is impact.
    """
    account, costs, position, mark, _, _ = book
    me, cost, order = account[0], costs[0], orders[index]
    if math.isnan(mark[order.symbol]):
        mark[order.symbol] = price
    fill = book_fill(order, qty, price, me, cost, position, mark, fills)
    fill.order_id, fill.liquidity, fill.time_ns, fill.bar, fill.reference_price = index, liquidity, now, bar, reference
    fill.spread_cost = spread_cost
    fill.impact_cost = order.side * (price - reference) * qty - spread_cost
    if order.status <= TRIGGERED and allowances[index].qty - order.filled_qty <= QTY_EPSILON:
        reason = allowances[index].reason
        end(order, FILLED if reason == 0 else CANCELLED, reason, now)
