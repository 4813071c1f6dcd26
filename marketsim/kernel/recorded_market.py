"""Own orders in a recorded market: what they take, where they queue, and which recorded flow reaches them.

The recorded market does not react: every recorded event happens as it did. An own order takes recorded liquidity, and what it took stays
gone for own orders until the recorded order leaves. A resting own order stands behind what was displayed at its price when it came; every
recorded lot that trades at a worse price, or at its price after the queue in front is gone, would have met it first.
Tuples: ``book`` as in `recorded_book`; ``grid`` = (ticks_per_unit, lots_per_unit: (n_symbols,) float64, last_tick (n_symbols,) int64);
``desk`` = (account (1,) ACCOUNT, costs (1,) COSTS, position, mark: (n_symbols,) float64, orders ORDER, fills FILL, own OWN).
"""

from __future__ import annotations

import math

from marketsim.kernel.account import allowed_qty, book_fill, end, revalue
from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_book import (
    DELETE,
    EXECUTE,
    HIDDEN,
    NONE,
    REDUCE,
    REPLACE,
    RESUME,
    SET_LEVEL,
    TRADE,
    charged,
    find_level,
    row_of,
    settle,
    side_of,
)  # fmt: skip
from marketsim.recorded import NO_PRICE, OwnState, Queue, RecordedKind
from marketsim.records import Kind, Liquidity, Reason, Status

CROSS = int(RecordedKind.CROSS)
MARKET, LIMIT, STOP, STOP_LIMIT = int(Kind.MARKET), int(Kind.LIMIT), int(Kind.STOP), int(Kind.STOP_LIMIT)
ON_OPEN, ON_CLOSE = int(Kind.MARKET_ON_OPEN), int(Kind.MARKET_ON_CLOSE)
TRIGGERED, FILLED, CANCELLED, REJECTED = int(Status.TRIGGERED), int(Status.FILLED), int(Status.CANCELLED), int(Status.REJECTED)
BY_STRATEGY, NO_LIQUIDITY = int(Reason.BY_STRATEGY), int(Reason.NO_LIQUIDITY)
MAKER, TAKER = int(Liquidity.MAKER), int(Liquidity.TAKER)
RESTING, WORKING, WATCHING, AUCTION = int(OwnState.RESTING), int(OwnState.WORKING), int(OwnState.WATCHING), int(OwnState.AUCTION)
PRO_RATA = int(Queue.PRO_RATA)
OPENING_CROSS, CLOSING_CROSS = ord("O"), ord("C")
NEVER = 2**62  # later than any time, behind any order
DONE, FULL = 0, 1


@entry
def advance(until_ns, events, clock, book, counts, halted, requests, grid, desk):
    """Play recorded events and own requests up to and including a time; at equal times the recorded ones come first.

    Returns DONE, or FULL when ``fills`` may not hold what the next step brings; call again with a larger one.
    """
    time = clock[0]
    _drop_ended(time, desk)
    while True:
        event_ns = events[time.next_event].time_ns if time.next_event < events.size else NEVER
        request_ns = requests[time.next_request].time_ns if time.next_request < time.n_requests else NEVER
        if min(event_ns, request_ns) > until_ns:
            return DONE
        account, fills = desk[0][0], desk[5]
        if (time.n_own > 0 or request_ns < event_ns) and fills.size - account.n_fills < 3 * time.n_own + book[4].sum() + 4:
            return FULL
        place = (time, book, counts[0], halted, grid, desk)
        if event_ns <= request_ns:
            time.now_ns = event_ns
            _play(events[time.next_event], place)
            time.next_event += 1
        else:
            time.now_ns = request_ns
            _arrive(requests[time.next_request], place)
            time.next_request += 1


@inner
def _play(event, place):
    """Let one recorded event happen, own orders first where they stand in front."""
    time, book, count, halted, _, _ = place
    kind = event.kind
    slot = NONE
    if kind in (REDUCE, EXECUTE, DELETE, REPLACE):
        slot = charged(event, book, count)
    if time.n_own == 0:
        settle(event, slot, book, count, halted)
        _note_trade(event, place)
        return
    if kind == SET_LEVEL:
        before = _level_lot(event.symbol, event.side, event.price_tick, book)
        _level_changes(event, before, place)
        settle(event, slot, book, count, halted)
        if event.qty_lot > before:
            level = find_level(event.symbol, event.side, event.price_tick, book)
            _met_by_liquidity(level, NONE, place)
    elif slot != NONE:
        side, price = side_of(slot, book), book[2][book[1][slot].level].price_tick
        order = book[1][slot]
        stamp = NONE if order.anonymous == 1 else order.stamp
        left = order.qty_lot - order.taken_lot
        if kind == EXECUTE:
            _met_by_flow(event.symbol, side, price, event.qty_lot, stamp, place)
        elif kind == REPLACE:
            _queue_shrinks(event.symbol, side, price, left, stamp, place)
        else:
            gone = order.qty_lot if kind == DELETE and order.anonymous == 0 else min(event.qty_lot, order.qty_lot)
            _queue_shrinks(event.symbol, side, price, min(gone, left), stamp, place)
        entered = settle(event, slot, book, count, halted)
        if entered != NONE:
            _met_by_liquidity(book[1][entered].level, entered, place)
    else:
        if kind == EXECUTE:
            _met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NONE, place)
        elif kind == HIDDEN and event.side != 0:
            _met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NEVER, place)
        elif kind == TRADE and event.side != 0:
            _met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NONE, place)
        elif kind == CROSS and event.qty_lot > 0:
            _met_by_cross(event, place)
        entered = settle(event, slot, book, count, halted)
        if entered != NONE:
            _met_by_liquidity(book[1][entered].level, entered, place)
    _note_trade(event, place)
    if kind == RESUME:
        _resume(event.symbol, place)
    _drop_ended(time, place[5])


@inner
def _note_trade(event, place):
    """Mark the account at a recorded print and trigger the stops it reaches, nearest first, then in order of arrival."""
    time, _, _, _, grid, desk = place
    if event.kind not in (EXECUTE, HIDDEN, TRADE, CROSS) or event.qty_lot == 0:
        return
    s = event.symbol
    grid[2][s] = event.price_tick
    desk[3][s] = event.price_tick / grid[0][s]
    own = desk[6]
    while True:
        best = NONE
        for k in range(time.n_own):
            row = own[k]
            reached = row.symbol == s and row.state == WATCHING and row.side * (event.price_tick - row.stop_tick) >= 0
            # Buy stops lie above the last price, the lowest is met first; sell stops the other way round.
            if reached and (best == NONE or row.side * (row.stop_tick - own[best].stop_tick) < 0):
                best = k
        if best == NONE:
            return
        _trigger(best, place)


@inner
def _trigger(k, place):
    """Turn a stop into the order it guards."""
    row = place[5][6][k]
    place[5][4][row.order].status = TRIGGERED
    row.state = WORKING if row.price_tick == NO_PRICE else RESTING
    _enter(k, place)


@inner
def _arrive(request, place):
    """Let an own order or cancel reach the market."""
    time, _, _, _, grid, desk = place
    own = desk[6]
    order = desk[4][request.order]
    if order.status > TRIGGERED:
        return
    if request.cancels == 1:
        end(order, CANCELLED, BY_STRATEGY, time.now_ns)
        _drop_ended(time, desk)
        return
    s = order.symbol
    row = own[time.n_own]
    row.order, row.symbol, row.side = request.order, s, order.side
    row.open_lot = round((order.qty - order.filled_qty) * grid[1][s])
    row.ahead_lot, row.visited, row.stamp = 0, 0, 0
    row.price_tick = round(order.limit_price * grid[0][s]) if order.kind in (LIMIT, STOP_LIMIT) else NO_PRICE
    row.stop_tick = round(order.stop_price * grid[0][s]) if order.kind in (STOP, STOP_LIMIT) else NO_PRICE
    k = time.n_own
    time.n_own += 1
    if order.kind in (STOP, STOP_LIMIT):
        row.state = WATCHING
        if grid[2][s] != NO_PRICE and row.side * (grid[2][s] - row.stop_tick) >= 0:
            _trigger(k, place)
    elif order.kind in (ON_OPEN, ON_CLOSE):
        row.state = AUCTION
    else:
        row.state = RESTING if order.kind == LIMIT else WORKING
        _enter(k, place)
    _drop_ended(time, desk)


@inner
def _enter(k, place):
    """Take what the order may take; what is left of a limit joins the queue of its price behind all that is displayed there."""
    _, book, _, _, _, desk = place
    row = desk[6][k]
    _take(k, place)
    _end_unserved(row, place)
    if row.state == RESTING and row.open_lot > 0:
        level = find_level(row.symbol, row.side, row.price_tick, book)
        row.ahead_lot = 0 if level == NONE else _available(level, book)
        row.stamp = book[0][0].n_events


@inner
def _resume(symbol, place):
    """Trading resumes: market orders that waited for it take what is there, and limits that crossed the book meanwhile as well."""
    time, _, _, _, _, desk = place
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == symbol and row.state in (WORKING, RESTING) and desk[4][row.order].status <= TRIGGERED:
            _take(k, place)
            _end_unserved(row, place)


@inner
def _end_unserved(row, place):
    """End a market order that has taken all there is; while its symbol is halted it waits."""
    time, _, _, halted, _, desk = place
    order = desk[4][row.order]
    if row.state == WORKING and halted[row.symbol] == 0 and order.status <= TRIGGERED:
        end(order, CANCELLED, NO_LIQUIDITY, time.now_ns)


@inner
def _take(k, place):
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
        wanted = min(row.open_lot, _available(index, book))
        if wanted > 0:
            got = _fill(row, wanted, price, TAKER, place)
            if got > 0:
                fill = desk[5][desk[0][0].n_fills - 1]
                fill.reference_price = reference
                fill.spread_cost = fill.qty * row.side * (touch / grid[0][row.symbol] - reference)
                fill.impact_cost = fill.qty * row.side * (price - touch) / grid[0][row.symbol]
                _mark_taken(index, got, book)
        place_in_row -= 1


@inner
def _met_by_flow(symbol, side, price_tick, flow_lot, stamp, place):
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
            row.ahead_lot = min(row.ahead_lot, _level_lot(symbol, side, price_tick, book))
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
def _met_by_liquidity(index, slot, place):
    """Let recorded liquidity that has just come meet resting own orders it would have traded with; they trade at their own price."""
    time, book, _, halted, _, desk = place
    own, level = desk[6], book[2][index]
    symbol, side = level.row >> 1, 2 * (level.row & 1) - 1  # the own side is the other one
    if halted[symbol] == 1:
        return
    time.visit += 1
    while True:
        left = _available(index, book) if slot == NONE else book[1][slot].qty_lot - book[1][slot].taken_lot
        k = _next_own(symbol, side, level.price_tick, place)
        if k == NONE or left == 0:
            return
        row = own[k]
        row.visited = time.visit
        got = _fill(row, min(left, row.open_lot), row.price_tick, MAKER, place)
        if slot == NONE:
            _mark_taken(index, got, book)
        else:
            book[1][slot].taken_lot += got


@inner
def _met_by_cross(event, place):
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
def _queue_shrinks(symbol, side, price_tick, gone_lot, stamp, place):
    """Move own orders up by what left the queue in front of them."""
    time, _, _, _, _, desk = place
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == symbol and row.side == side and row.state == RESTING and row.price_tick == price_tick and stamp <= row.stamp:
            row.ahead_lot -= min(row.ahead_lot, gone_lot)


@inner
def _level_changes(event, before, place):
    """Move own orders up in a level that is told by its total alone, by the assumption the run has made."""
    time, book, _, _, _, desk = place
    level = find_level(event.symbol, event.side, event.price_tick, book)
    printed = book[2][level].printed_lot if level != NONE else 0
    cancelled = max(0, before - event.qty_lot - printed)
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == event.symbol and row.side == event.side and row.state == RESTING and row.price_tick == event.price_tick:
            if time.queue == PRO_RATA and cancelled > 0 and before > printed:
                row.ahead_lot -= cancelled * row.ahead_lot // (before - printed)
            row.ahead_lot = min(row.ahead_lot, event.qty_lot)


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


@inner
def _drop_ended(time, desk):
    """Keep the own orders that live, in order of arrival."""
    own, orders = desk[6], desk[4]
    kept = 0
    for k in range(time.n_own):
        if orders[own[k].order].status <= TRIGGERED:
            if kept < k:
                own[kept] = own[k]
            kept += 1
    time.n_own = kept


@inner
def _available(index, book):
    """Return what own orders have not taken of a level, lots."""
    orders, level = book[1], book[2][index]
    total = level.qty_lot
    slot = level.first
    while slot != NONE:
        total -= orders[slot].taken_lot
        slot = orders[slot].after
    return total


@inner
def _mark_taken(index, qty_lot, book):
    """Remember lots as taken, oldest order first."""
    orders = book[1]
    slot = book[2][index].first
    while slot != NONE and qty_lot > 0:
        part = min(qty_lot, orders[slot].qty_lot - orders[slot].taken_lot)
        orders[slot].taken_lot += part
        qty_lot -= part
        slot = orders[slot].after


@inner
def _level_lot(symbol, side, price_tick, book):
    """Return the recorded quantity at a price, 0 where there is no level."""
    index = find_level(symbol, side, price_tick, book)
    return 0 if index == NONE else book[2][index].qty_lot
