"""Own orders in a recorded market: what they take, where they queue, and which recorded flow reaches them.

The recorded market does not react: every recorded event happens as it did. An own order takes recorded liquidity, and what it took stays
gone for own orders until the recorded order leaves. A resting own order stands behind what was displayed at its price when it came; every
recorded lot that trades at a worse price, or at its price after the queue in front is gone, would have met it first.
Tuples: ``book`` as in `recorded_book`; ``grid`` = (ticks_per_unit, lots_per_unit: (n_symbols,) float64, last_tick (n_symbols,) int64);
``desk`` = (account (1,) ACCOUNT, costs (1,) COSTS, position, mark: (n_symbols,) float64, orders ORDER, fills FILL, own OWN).
"""

from __future__ import annotations

from marketsim.kernel.account import end
from marketsim.kernel.compile import entry, inner
from marketsim.kernel.recorded_book import DELETE, EXECUTE, HIDDEN, REDUCE, REPLACE, RESUME, SET_LEVEL, TRADE, charged, settle
from marketsim.kernel.recorded_fills import met_by_cross, met_by_flow, met_by_liquidity, take
from marketsim.kernel.recorded_levels import find_level, side_of
from marketsim.kernel.recorded_order_ids import NONE
from marketsim.kernel.recorded_queues import available, level_changes, level_lot, queue_shrinks
from marketsim.recorded import NO_PRICE, OwnState, RecordedKind
from marketsim.records import Kind, Reason, Status

CROSS = int(RecordedKind.CROSS)
LIMIT, STOP, STOP_LIMIT = int(Kind.LIMIT), int(Kind.STOP), int(Kind.STOP_LIMIT)
ON_OPEN, ON_CLOSE = int(Kind.MARKET_ON_OPEN), int(Kind.MARKET_ON_CLOSE)
TRIGGERED, CANCELLED = int(Status.TRIGGERED), int(Status.CANCELLED)
BY_STRATEGY, NO_LIQUIDITY = int(Reason.BY_STRATEGY), int(Reason.NO_LIQUIDITY)
RESTING, WORKING, WATCHING, AUCTION = int(OwnState.RESTING), int(OwnState.WORKING), int(OwnState.WATCHING), int(OwnState.AUCTION)
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
        before = level_lot(event.symbol, event.side, event.price_tick, book)
        level_changes(event, before, place)
        settle(event, slot, book, count, halted)
        if event.qty_lot > before:
            level = find_level(event.symbol, event.side, event.price_tick, book)
            met_by_liquidity(level, NONE, place)
    elif slot != NONE:
        side, price = side_of(slot, book), book[2][book[1][slot].level].price_tick
        order = book[1][slot]
        stamp = NONE if order.anonymous == 1 else order.stamp
        left = order.qty_lot - order.taken_lot
        if kind == EXECUTE:
            met_by_flow(event.symbol, side, price, event.qty_lot, stamp, place)
        elif kind == REPLACE:
            queue_shrinks(event.symbol, side, price, left, stamp, place)
        else:
            gone = order.qty_lot if kind == DELETE and order.anonymous == 0 else min(event.qty_lot, order.qty_lot)
            queue_shrinks(event.symbol, side, price, min(gone, left), stamp, place)
        entered = settle(event, slot, book, count, halted)
        if entered != NONE:
            met_by_liquidity(book[1][entered].level, entered, place)
    else:
        if kind == EXECUTE:
            met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NONE, place)
        elif kind == HIDDEN and event.side != 0:
            met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NEVER, place)
        elif kind == TRADE and event.side != 0:
            met_by_flow(event.symbol, event.side, event.price_tick, event.qty_lot, NONE, place)
        elif kind == CROSS and event.qty_lot > 0:
            met_by_cross(event, place)
        entered = settle(event, slot, book, count, halted)
        if entered != NONE:
            met_by_liquidity(book[1][entered].level, entered, place)
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
    take(k, place)
    _end_unserved(row, place)
    if row.state == RESTING and row.open_lot > 0:
        level = find_level(row.symbol, row.side, row.price_tick, book)
        row.ahead_lot = 0 if level == NONE else available(level, book)
        row.stamp = book[0][0].n_events


@inner
def _resume(symbol, place):
    """Trading resumes: market orders that waited for it take what is there, and limits that crossed the book meanwhile as well."""
    time, _, _, _, _, desk = place
    for k in range(time.n_own):
        row = desk[6][k]
        if row.symbol == symbol and row.state in (WORKING, RESTING) and desk[4][row.order].status <= TRIGGERED:
            take(k, place)
            _end_unserved(row, place)


@inner
def _end_unserved(row, place):
    """End a market order that has taken all there is; while its symbol is halted it waits."""
    time, _, _, halted, _, desk = place
    order = desk[4][row.order]
    if row.state == WORKING and halted[row.symbol] == 0 and order.status <= TRIGGERED:
        end(order, CANCELLED, NO_LIQUIDITY, time.now_ns)


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
