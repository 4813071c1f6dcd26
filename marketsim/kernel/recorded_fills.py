"""Fills of own orders in a recorded market: what they take, and which recorded flow meets them. `recorded_market` tells the tuples."""

from __future__ import annotations

import math

from marketsim.kernel.account import allowed_qty, book_fill, end, revalue
from marketsim.kernel.compile import inner
from marketsim.kernel.recorded_levels import row_of
from marketsim.kernel.recorded_order_ids import NONE
from marketsim.kernel.recorded_queues import available, level_lot, mark_taken
from marketsim.recorded import NO_PRICE, OwnState
from marketsim.records import Kind, Liquidity, Status

ON_OPEN = int(Kind.MARKET_ON_OPEN)
TRIGGERED, FILLED, CANCELLED, REJECTED = int(Status.TRIGGERED), int(Status.FILLED), int(Status.CANCELLED), int(Status.REJECTED)
MAKER, TAKER = int(Liquidity.MAKER), int(Liquidity.TAKER)
RESTING, AUCTION = int(OwnState.RESTING), int(OwnState.AUCTION)
OPENING_CROSS, CLOSING_CROSS = ord("O"), ord("C")


@inner
def take(k, place):
    """Take recorded liquidity within the limit, best price first, oldest order first; one fill a level."""
    _, book, _, halted, grid, desk = place
    row = desk[6][k]
    if halted[row.symbol] == 1:
        return
    _, _, levels, ranks, n_ranks, _, _ = book
    opposite = row_of(row.symbol, -row.side)
    if n_ranks[opposite] == 0:
        return
    touch = levels[ranks[opposite, n_ranks[opposite] - 1]].price_tick
    beside = row_of(row.symbol, row.side)
    own_touch = levels[ranks[beside, n_ranks[beside] - 1]].price_tick if n_ranks[beside] > 0 else touch
    reference = 0.5 * (touch + own_touch) / grid[0][row.symbol]
    place_in_row = n_ranks[opposite] - 1
    while place_in_row >= 0 and row.open_lot > 0 and desk[4][row.order].status <= TRIGGERED:
        index = ranks[opposite, place_in_row]
        price = levels[index].price_tick
        if row.price_tick != NO_PRICE and row.side * (row.price_tick - price) < 0:
            return
        wanted = min(row.open_lot, available(index, book))
        if wanted > 0:
            got = _fill(row, wanted, price, TAKER, place)
            if got > 0:
                fill = desk[5][desk[0][0].n_fills - 1]
                fill.reference_price = reference
                fill.spread_cost = fill.qty * row.side * (touch / grid[0][row.symbol] - reference)
                fill.impact_cost = fill.qty * row.side * (price - touch) / grid[0][row.symbol]
                mark_taken(index, got, book)
        place_in_row -= 1


@inner
def met_by_flow(symbol, side, price_tick, flow_lot, stamp, place):
    """Let an aggressive recorded quantity that traded with ``side`` at a price meet the own orders in front of what it traded with.

    ``stamp`` tells when the recorded order came: NONE where nobody knows, NEVER where it stands behind everything displayed.
    """
    time, book, _, _, _, desk = place
    own = desk[6]
    left = flow_lot
    time.visit += 1
    while True:
        k = _next_own(symbol, side, price_tick, place)
        if k == NONE:
            return
        row = own[k]
        row.visited = time.visit
        reach = left
        if row.price_tick == price_tick:
            # Nothing in front can be more than what the level shows.
            row.ahead_lot = min(row.ahead_lot, level_lot(symbol, side, price_tick, book))
            if stamp == NONE:
                in_front = min(row.ahead_lot, left)
                row.ahead_lot -= in_front
                reach = left - in_front
            elif stamp <= row.stamp:
                row.ahead_lot -= min(row.ahead_lot, flow_lot)
                reach = 0
            elif row.ahead_lot > 0:
                reach = 0
        if min(reach, row.open_lot) > 0:
            left -= _fill(row, min(reach, row.open_lot), row.price_tick, MAKER, place)


@inner
def met_by_liquidity(index, slot, place):
    """Let recorded liquidity that has just come meet resting own orders it would have traded with; they trade at their own price."""
    time, book, _, halted, _, desk = place
    own, level = desk[6], book[2][index]
    symbol, side = level.row >> 1, 2 * (level.row & 1) - 1  # the own side is the other one
    if halted[symbol] == 1:
        return
    time.visit += 1
    while True:
        left = available(index, book) if slot == NONE else book[1][slot].qty_lot - book[1][slot].taken_lot
        k = _next_own(symbol, side, level.price_tick, place)
        if k == NONE or left == 0:
            return
        row = own[k]
        row.visited = time.visit
        got = _fill(row, min(left, row.open_lot), row.price_tick, MAKER, place)
        if slot == NONE:
            mark_taken(index, got, book)
        else:
            book[1][slot].taken_lot += got


@inner
def met_by_cross(event, place):
    """Fill auction orders and limits better than the cross at its price, up to its size a side."""
    time, _, _, _, _, desk = place
    for side in (1, -1):
        left = event.qty_lot
        for k in range(time.n_own):
            row = desk[6][k]
            order = desk[4][row.order]
            if row.symbol != event.symbol or row.side != side or order.status > TRIGGERED or left == 0:
                continue
            joins = row.state == RESTING and side * (row.price_tick - event.price_tick) > 0
            if row.state == AUCTION:
                letter = OPENING_CROSS if order.kind == ON_OPEN else CLOSING_CROSS
                joins = event.order_id in (0, letter)
            if joins:
                left -= _fill(row, min(left, row.open_lot), event.price_tick, MAKER, place)


@inner
def _next_own(symbol, side, price_tick, place):
    """Return the best resting own order of a side at a price or better that this visit has not met, oldest first, or NONE."""
    time, _, _, _, _, desk = place
    own = desk[6]
    best = NONE
    for k in range(time.n_own):
        row = own[k]
        if row.symbol != symbol or row.side != side or row.state != RESTING or row.visited == time.visit:
            continue
        if side * (row.price_tick - price_tick) < 0 or desk[4][row.order].status > TRIGGERED:
            continue
        if best == NONE or side * (row.price_tick - own[best].price_tick) > 0:
            best = k
    return best


@inner
def _fill(row, wanted_lot, price_tick, liquidity, place):
    """Fill what the account can carry of an own order and return the lots; an order it cannot carry any further ends."""
    time, _, _, _, grid, desk = place
    account, costs, position, mark, orders, fills, _ = desk
    s, me, cost, order = row.symbol, account[0], costs[0], orders[row.order]
    price = price_tick / grid[0][s]
    if math.isnan(mark[s]):
        mark[s] = price
    revalue(me, position, mark)
    qty = wanted_lot / grid[1][s]
    allowed, reason = allowed_qty(qty, price, order, me, cost, position[s], mark[s])
    lots = min(wanted_lot, math.floor(allowed * grid[1][s] + 1e-6))
    if lots < wanted_lot:
        end(order, CANCELLED if order.filled_qty > 0.0 or lots > 0 else REJECTED, reason, time.now_ns)
    if lots <= 0:
        return 0
    fill = book_fill(order, lots / grid[1][s], price, me, cost, position, mark, fills)
    fill.order_id, fill.liquidity, fill.time_ns, fill.bar, fill.reference_price = row.order, liquidity, time.now_ns, time.bar, price
    row.open_lot -= lots
    if row.open_lot == 0:
        order.filled_qty = order.qty  # sums of lots may differ in the last bit
        end(order, FILLED, 0, time.now_ns)
    return lots
