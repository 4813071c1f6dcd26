"""Fills against one bar: corporate actions, the open, the path inside the bar, the close.

Nothing is known of a bar but four prices and a volume, so every rule takes the outcome that is certain, or else the worse one:
a stop is hit before a limit in the same bar, and a stop-limit fills behind its stop only if the close proves it.
All quantities are shares (float64), prices currency, times int64 ns; rows of 2-d arrays are bars, columns symbols.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.kernel.account import QTY_EPSILON, allowed_qty, book_fill, end, revalue, whole_lots
from marketsim.kernel.compile import entry, inner
from marketsim.records import Kind, Liquidity, Reason, Side, Status, Tif

MARKET, LIMIT, STOP, STOP_LIMIT = int(Kind.MARKET), int(Kind.LIMIT), int(Kind.STOP), int(Kind.STOP_LIMIT)
ON_OPEN, ON_CLOSE = int(Kind.MARKET_ON_OPEN), int(Kind.MARKET_ON_CLOSE)
OPEN, TRIGGERED, FILLED, CANCELLED = int(Status.OPEN), int(Status.TRIGGERED), int(Status.FILLED), int(Status.CANCELLED)
EXPIRED, REJECTED = int(Status.EXPIRED), int(Status.REJECTED)
AUCTION_OVER, END_OF_SESSION = int(Reason.AUCTION_OVER), int(Reason.END_OF_SESSION)
MAKER, TAKER, BUY, DAY = int(Liquidity.MAKER), int(Liquidity.TAKER), int(Side.BUY), int(Tif.DAY)
DAYS_A_YEAR = 360.0  # actual/360, the money market's convention


@entry
def open_bar(bar, open_ns, opens, highs, lows, closes, volumes, splits, dividends, days, sigma, adv, book, orders, live, fills):
    """Play one bar for one account, from the overnight events to its close auction.

    Parameters
    ----------
    bar : row of the bar.
    open_ns : (2,) int64, ns: when it opens and closes.
    opens, highs, lows, closes, volumes, splits, dividends : (n_bars, n_symbols) float64; NaN prices where a symbol did not trade.
    days : calendar days since the previous bar, for borrow cost.
    sigma, adv : (n_symbols,) float64: daily volatility (fraction) and volume (shares) before this bar, NaN where unknown.
    book : tuple (account (1,) ACCOUNT, costs (1,) COSTS, position, mark, taken_buy, taken_sell: (n_symbols,) float64).
    orders, live, fills : ORDER, int64 and FILL buffers with room for every live order to fill.
    """
    account, costs, position, mark, taken_buy, taken_sell = book
    me = account[0]
    me.turnover = me.fees = me.borrow = me.dividends = 0.0
    taken_buy[:] = 0.0
    taken_sell[:] = 0.0
    _corporate_actions(bar, splits, dividends, me, position, mark, orders, live)
    _borrow(days, me, costs[0], position, mark)
    for s in range(position.size):
        if not math.isnan(opens[bar, s]):
            mark[s] = opens[bar, s]
    revalue(me, position, mark)
    place = (bar, open_ns, volumes, sigma, adv, book, orders, fills)
    # Orders that reduce a position go first, so that the cash they free is there for the others. The second round takes every order
    # that still lives: one that reduces only since an order before it traded must not fall between the two.
    for only_reducing in (True, False):
        for k in range(me.n_live):
            order = orders[live[k]]
            if order.status <= TRIGGERED and (not only_reducing or order.side * position[order.symbol] < 0.0):
                _at_open(live[k], order, opens[bar, order.symbol], place)
    _inside(opens, highs, lows, closes, live, place)
    for k in range(me.n_live):
        order = orders[live[k]]
        price = closes[bar, order.symbol]
        if order.kind == ON_CLOSE and order.status == OPEN and not math.isnan(price):
            _trade(live[k], order, price, TAKER, open_ns[1], place)
            _end_auction(order, open_ns[1])


@entry
def fill_at_close(bar, open_ns, closes, volumes, sigma, adv, book, orders, live, fills):
    """Fill live market orders at the bar's close; only for runs that ask for it. Arguments as in `open_bar`."""
    account, _, position, mark, _, _ = book
    me = account[0]
    for s in range(position.size):
        if not math.isnan(closes[bar, s]):
            mark[s] = closes[bar, s]
    revalue(me, position, mark)
    place = (bar, open_ns, volumes, sigma, adv, book, orders, fills)
    for only_reducing in (True, False):
        for k in range(me.n_live):
            order = orders[live[k]]
            price = closes[bar, order.symbol]
            turn = not only_reducing or order.side * position[order.symbol] < 0.0
            if order.kind == MARKET and order.status == OPEN and not math.isnan(price) and turn:
                _trade(live[k], order, price, TAKER, open_ns[1], place)


@entry
def close_bar(bar, close_ns, closes, session_ends, book, orders, live):
    """Expire day orders, drop what has ended from the live list, and mark the account at the close.

    ``session_ends`` is 1 on the last bar of a session. The account is closed for good once its equity is not positive.
    """
    account, _, position, mark, _, _ = book
    me = account[0]
    kept = 0
    for k in range(me.n_live):
        order = orders[live[k]]
        if order.status <= TRIGGERED and order.tif == DAY and session_ends:
            end(order, EXPIRED, END_OF_SESSION, close_ns)
        if order.status <= TRIGGERED:
            live[kept] = live[k]
            kept += 1
    me.n_live = kept
    for s in range(position.size):
        if not math.isnan(closes[bar, s]):
            mark[s] = closes[bar, s]
    revalue(me, position, mark)
    if me.equity <= 0.0 and me.gross > 0.0:
        me.closed = 1


@entry
def pending_qty(n_live, orders, live, pending):
    """Write the signed open quantity of live market orders a symbol into ``pending``, (n_symbols,) float64, shares."""
    pending[:] = 0.0
    for k in range(n_live):
        order = orders[live[k]]
        if order.status == OPEN and (order.kind == MARKET or order.kind == ON_OPEN):
            pending[order.symbol] += order.side * (order.qty - order.filled_qty)


@inner
def _corporate_actions(bar, splits, dividends, me, position, mark, orders, live):
    """Restate positions, marks and live orders for splits, then pay dividends on the new shares."""
    for s in range(position.size):
        ratio = splits[bar, s]
        if ratio != 1.0:
            position[s] *= ratio
            mark[s] /= ratio
            for k in range(me.n_live):
                order = orders[live[k]]
                if order.symbol == s:
                    order.qty *= ratio
                    order.filled_qty *= ratio
                    order.limit_price /= ratio
                    order.stop_price /= ratio
        if dividends[bar, s] != 0.0 and position[s] != 0.0:
            paid = position[s] * dividends[bar, s]
            me.cash += paid
            me.dividends += paid


@inner
def _borrow(days, me, cost, position, mark):
    """Charge the nights since the last bar on short positions at their last marks."""
    if cost.borrow_rate_frac > 0.0 and days > 0.0:
        short_value = 0.0
        for s in range(position.size):
            if position[s] < 0.0:
                short_value -= position[s] * mark[s]
        me.borrow = short_value * cost.borrow_rate_frac * days / DAYS_A_YEAR
        me.cash -= me.borrow


@inner
def _at_open(index, order, price, place):
    """Trade what the opening price satisfies; a gap through a stop or a limit trades at the open."""
    if math.isnan(price):
        return
    now = place[1][0]
    side = order.side
    if order.kind == MARKET or order.kind == ON_OPEN:
        _trade(index, order, price, TAKER, now, place)
        if order.kind == ON_OPEN:
            _end_auction(order, now)
    elif order.kind == STOP:
        if order.status == TRIGGERED or side * (price - order.stop_price) >= 0.0:
            order.status = TRIGGERED
            _trade(index, order, price, TAKER, now, place)
    elif order.kind == STOP_LIMIT:
        if order.status == OPEN and side * (price - order.stop_price) >= 0.0:
            order.status = TRIGGERED
        if order.status == TRIGGERED and side * (order.limit_price - price) >= 0.0:
            _trade(index, order, price, MAKER, now, place)
    elif order.kind == LIMIT and side * (order.limit_price - price) >= 0.0:
        _trade(index, order, price, MAKER, now, place)


@inner
def _inside(opens, highs, lows, closes, live, place):
    """Trade what the path between open and close reached: stops, nearest to the open first, then limits in order of arrival."""
    bar, open_ns, _, _, _, book, orders, _ = place
    n_live = book[0][0].n_live
    now = open_ns[1]
    hit = np.empty(n_live, np.int64)
    distance = np.empty(n_live, np.float64)
    n_hit = 0
    for k in range(n_live):
        order = orders[live[k]]
        s = order.symbol
        if order.status != OPEN or not (order.kind == STOP or order.kind == STOP_LIMIT) or math.isnan(opens[bar, s]):
            continue
        if (order.side == BUY and highs[bar, s] >= order.stop_price) or (order.side != BUY and lows[bar, s] <= order.stop_price):
            # Insertion keeps hit[:n_hit] sorted by distance, equal distances in order of arrival.
            gap = abs(order.stop_price / opens[bar, s] - 1.0)
            j = n_hit
            while j > 0 and distance[j - 1] > gap:
                distance[j], hit[j] = distance[j - 1], hit[j - 1]
                j -= 1
            distance[j], hit[j] = gap, live[k]
            n_hit += 1
    for j in range(n_hit):
        order = orders[hit[j]]
        order.status = TRIGGERED
        if order.kind == STOP:
            _trade(hit[j], order, order.stop_price, TAKER, now, place)
        elif order.side * (order.limit_price - order.stop_price) >= 0.0:
            _trade(hit[j], order, order.stop_price, MAKER, now, place)
        elif order.side * (order.limit_price - closes[bar, order.symbol]) >= 0.0:
            _trade(hit[j], order, order.limit_price, MAKER, now, place)
    for k in range(n_live):
        order = orders[live[k]]
        s = order.symbol
        resting = order.kind == LIMIT and order.status == OPEN
        if order.kind == STOP_LIMIT and order.status == TRIGGERED:
            # Triggered before or at this open; one triggered inside the bar was settled above.
            resting = True
            for j in range(n_hit):
                resting = resting and hit[j] != live[k]
        if not resting or math.isnan(opens[bar, s]):
            continue
        # What was marketable at the open has traded there; a remainder waits for volume, not for a price.
        best = lows[bar, s] if order.side == BUY else highs[bar, s]
        if order.side * (order.limit_price - opens[bar, s]) < 0.0 <= order.side * (order.limit_price - best):
            _trade(live[k], order, order.limit_price, MAKER, now, place)


@inner
def _trade(index, order, reference, liquidity, now, place):
    """Fill as much of an order as volume, short rule and buying power allow, and book it.

    A taker pays half the spread, slippage and square-root impact on top of the reference; a maker's price is the reference.
    """
    bar, _, volumes, sigma, adv, book, _, fills = place
    account, costs, position, mark, taken_buy, taken_sell = book
    me, cost = account[0], costs[0]
    s, side = order.symbol, order.side
    taken = taken_buy if side == BUY else taken_sell
    qty = order.qty - order.filled_qty
    if not math.isinf(cost.participation_cap):
        volume = volumes[bar, s]
        room = 0.0 if math.isnan(volume) else cost.participation_cap * volume - taken_buy[s] - taken_sell[s]
        qty = min(qty, whole_lots(room, cost.lot_size))
    if qty <= QTY_EPSILON:
        return
    half_spread = slippage = impact = 0.0
    if liquidity == TAKER:
        half_spread = reference * cost.half_spread_frac
        slippage = reference * cost.slippage_frac
        if cost.impact_coefficient > 0.0 and adv[s] > 0.0 and not math.isnan(sigma[s]):
            impact = reference * cost.impact_coefficient * sigma[s] * math.sqrt((taken[s] + qty) / adv[s])
    price = reference + side * (half_spread + slippage + impact)
    if price < 0.0:
        # A sale cannot cost more than the shares are worth, whatever the impact formula says.
        impact += price
        price = 0.0
    allowed, reason = allowed_qty(qty, price, order, me, cost, position[s], mark[s])
    if allowed < qty - QTY_EPSILON:
        # What the account cannot carry now is refused for good: waiting would turn it into a different decision.
        filled_some = order.filled_qty > QTY_EPSILON or allowed > QTY_EPSILON
        end(order, CANCELLED if filled_some else REJECTED, reason, now)
    if allowed <= QTY_EPSILON:
        return
    qty = allowed
    taken[s] += qty
    fill = book_fill(order, qty, price, me, cost, position, mark, fills)
    fill.order_id, fill.liquidity, fill.time_ns, fill.bar, fill.reference_price = index, liquidity, now, bar, reference
    fill.spread_cost, fill.slippage_cost, fill.impact_cost = qty * half_spread, qty * slippage, qty * impact
    if order.status <= TRIGGERED and order.qty - order.filled_qty <= QTY_EPSILON:
        end(order, FILLED, 0, now)


@inner
def _end_auction(order, now):
    """Cancel what an auction order could not trade."""
    if order.status <= TRIGGERED:
        end(order, CANCELLED, AUCTION_OVER, now)
