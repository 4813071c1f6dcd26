"""One cash account: what it may trade, what a fill does to it, what it is worth. Shared by every market that fills its orders."""

from __future__ import annotations

import math

from marketsim.kernel.compile import inner
from marketsim.records import Reason, Side

BUYING_POWER, SHORT_NOT_ALLOWED = int(Reason.BUYING_POWER), int(Reason.SHORT_NOT_ALLOWED)
BUY = int(Side.BUY)
QTY_EPSILON = 1e-9  # shares; below it a remainder is rounding left over from a split


@inner
def book_fill(order, qty, price, me, cost, position, mark, fills):
    """Book ``qty`` shares of an order at a price: fee, position, cash, equity and gross at the marks. Return the new row of ``fills``.

    The caller says who, when and against which reference the fill was; its costs are 0 until it does.
    """
    s, side = order.symbol, order.side
    order.variable_fee += cost.fee_per_share * qty + cost.fee_notional_frac * qty * price
    fee = max(cost.fee_minimum, order.variable_fee) - order.fee
    order.fee += fee
    order.filled_qty += qty
    before = position[s]
    position[s] = before + side * qty
    if abs(position[s]) < QTY_EPSILON:
        position[s] = 0.0
    me.cash -= side * qty * price + fee
    me.equity -= side * qty * (price - mark[s]) + fee
    me.gross += (abs(position[s]) - abs(before)) * mark[s]
    me.turnover += qty * price
    me.fees += fee
    fill = fills[me.n_fills]
    fill.symbol, fill.side, fill.qty, fill.price, fill.fee, fill.position_after = s, side, qty, price, fee, position[s]
    fill.spread_cost = fill.slippage_cost = fill.impact_cost = 0.0
    me.n_fills += 1
    return fill


@inner
def revalue(me, position, mark):
    """Recompute equity and gross exposure at the marks; a symbol without a mark has no position."""
    value = 0.0
    gross = 0.0
    for s in range(position.size):
        if position[s] != 0.0:
            value += position[s] * mark[s]
            gross += abs(position[s] * mark[s])
    me.equity = me.cash + value
    me.gross = gross


@inner
def allowed_qty(qty, price, order, me, cost, held, mark):
    """Return how many shares the account may trade and why not more.

    Closing a position is always allowed. Opening needs gross + q·mark <= leverage·(equity - costs of q), solved for q.
    """
    closing = min(qty, abs(held)) if held * order.side < 0.0 else 0.0
    opening = qty - closing
    if opening <= QTY_EPSILON:
        return qty, 0
    if order.side != BUY and cost.allow_short == 0:
        return closing, SHORT_NOT_ALLOWED
    leverage = cost.max_leverage
    price_cost = order.side * (price - mark)
    fee_left = max(0.0, cost.fee_minimum - order.fee)
    equity = me.equity - closing * (price_cost + cost.fee_per_share + cost.fee_notional_frac * price)
    spare = leverage * equity - (me.gross - closing * mark)
    per_share = mark + leverage * (price_cost + cost.fee_per_share + cost.fee_notional_frac * price)
    most = opening if per_share <= 0.0 else spare / per_share
    if mark + leverage * price_cost > 0.0:
        most = min(most, (spare - leverage * fee_left) / (mark + leverage * price_cost))
    if most >= opening * (1.0 - 1e-12):
        return qty, 0
    return closing + whole_lots(most, cost.lot_size), BUYING_POWER


@inner
def whole_lots(qty, lot_size):
    """Round down to whole lots; a hair below a whole number of lots counts as that number."""
    return max(0.0, math.floor(qty / lot_size + 1e-9) * lot_size)


@inner
def end(order, status, reason, now):
    """Give an order its final state."""
    order.status = status
    order.reason = reason
    order.ended_ns = now
