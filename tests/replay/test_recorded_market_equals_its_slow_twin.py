"""Random recordings and random own orders: the compiled market does exactly what the slow one does, and the books stay sound."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.markets.replay import ReplayRules
from marketsim.recorded import NO_PRICE, RecordedKind
from marketsim.records import Cancel, Kind, Liquidity, Order, Reason, Side, Status
from marketsim.replay.rebuild import Walk, rebuilt
from tests.replay.recordings import DAY, SECOND, K, event, fills, play, recording
from tests.replay.slow_recorded_market import Own, SlowMarket

TICKS = st.integers(98, 103)
LOTS = st.integers(1, 9)
SIDES = st.sampled_from([1, -1])
IDS = st.integers(1, 12)
BOOK_KINDS = [K.ADD] * 6 + [K.REDUCE, K.DELETE, K.EXECUTE, K.EXECUTE, K.EXECUTE_HIDDEN, K.REPLACE, K.SET_LEVEL, K.SET_LEVEL, K.TRADE]
RARE = [K.CLEAR, K.HALT, K.RESUME, K.RESUME]
EVENTS = st.lists(
    st.tuples(st.sampled_from(BOOK_KINDS * 3 + RARE), SIDES, TICKS, st.integers(0, 9), IDS, st.integers(13, 20)), min_size=1, max_size=60
)
OWN_KINDS = [Kind.LIMIT, Kind.LIMIT, Kind.LIMIT, Kind.MARKET, Kind.STOP, Kind.STOP_LIMIT]
REQUESTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from(OWN_KINDS), SIDES, TICKS, TICKS, LOTS, st.booleans()), max_size=8)
STEP = 0.125  # eight events a bar


def rows(events: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    made = [event(0.05 + STEP * n, k, p, max(q, k != K.SET_LEVEL), side=s, id=i, other=o) for n, (k, s, p, q, i, o) in enumerate(events)]
    return [*made, event(30.0, K.HALT)]


def busy(seed: int, n: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return a flow whose events mostly name living orders at few prices, and many own orders in it."""
    rng = np.random.default_rng(seed)
    events: list[tuple[Any, ...]] = []
    alive: dict[int, tuple[int, int]] = {}
    for number in range(n):
        side, price, qty = int(rng.choice([1, -1])), int(rng.integers(99, 102)), int(rng.integers(1, 10))
        kind = K(int(rng.choice([K.ADD, K.EXECUTE, K.REDUCE, K.DELETE, K.REPLACE, K.EXECUTE_HIDDEN, K.SET_LEVEL, K.TRADE, K.CLEAR],
                                p=[0.42, 0.22, 0.06, 0.06, 0.04, 0.05, 0.06, 0.08, 0.01])))  # fmt: skip
        named = int(rng.choice(list(alive))) if alive and rng.random() < 0.9 else int(rng.integers(1, 2000))
        if kind == K.ADD:
            named = 100 + number
            alive[named] = side, price
        elif kind == K.REPLACE:
            alive.pop(named, None)
            alive[5000 + number] = side, price
        elif kind in (K.EXECUTE, K.REDUCE, K.DELETE):
            side, price = alive.get(named, (side, price))
            if kind == K.DELETE or rng.random() < 0.5:
                alive.pop(named, None)
        events.append((kind, side, price, qty, named, 5000 + number))
    requests = [
        (int(rng.integers(0, max(1, n // 8))), OWN_KINDS[rng.integers(len(OWN_KINDS))], int(rng.choice([1, -1])),
         int(rng.integers(99, 102)), int(rng.integers(99, 102)), int(rng.integers(1, 12)), bool(rng.random() < 0.2))
        for _ in range(n // 5)
    ]  # fmt: skip
    return events, requests


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.booleans(), st.integers(0, 3))
def test_busy_markets_fill_alike(seed: int, n: int, pro_rata: bool, latency: int) -> None:
    check_alike(*busy(seed, n), pro_rata, latency)


@settings(max_examples=150)
@given(EVENTS, REQUESTS, st.booleans(), st.integers(0, 3))
def test_the_compiled_market_fills_what_the_slow_one_fills(
    events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]], pro_rata: bool, latency: int
) -> None:
    check_alike(events, requests, pro_rata, latency)


def check_alike(events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]], pro_rata: bool, latency: int) -> int:
    """Play both markets, compare every fill, and return how many there were."""
    stream = recording(rows(events), tick=1.0)
    script: dict[int, list[Order | Cancel]] = {}
    slow, pending = SlowMarket(pro_rata=pro_rata), []
    for number, (bar, kind, side, price, stop, qty, cancels) in enumerate(sorted(requests, key=lambda r: r[0])):
        has_limit, has_stop = kind in (Kind.LIMIT, Kind.STOP_LIMIT), kind in (Kind.STOP, Kind.STOP_LIMIT)
        order = Order("A", Side(side), qty, kind, float(price) if has_limit else np.nan, float(stop) if has_stop else np.nan)
        own = Own(number, side, kind, qty, price if has_limit else None, stop if has_stop else None)
        script.setdefault(bar, []).append(order)
        due = DAY + (bar + 1) * SECOND + latency * SECOND // 4
        pending.append((due, 0, number, own))
        if cancels:
            script.setdefault(bar + 2, []).append(Cancel(number))
            pending.append((due + 2 * SECOND, 1, number, own))
    for due, cancels, number, own in sorted(pending, key=lambda p: p[0]):
        own_due = due
        while slow.n < len(stream.events) and stream.events["time_ns"][slow.n] <= own_due:
            slow.event(as_dict(stream.events[slow.n]))
        if cancels:
            slow.cancel(number)
        else:
            slow.order(own_due, own)
    while slow.n < len(stream.events):
        slow.event(as_dict(stream.events[slow.n]))
    run = play(stream, script, ReplayRules(queue="pro_rata" if pro_rata else "at_back", order_latency_ns=latency * SECOND // 4), cash=1e12)
    how = {Liquidity.MAKER: "maker", Liquidity.TAKER: "taker"}
    got = [(int(f["time_ns"]), int(f["order_id"]), int(f["qty"]), int(f["price"]), how[Liquidity(int(f["liquidity"]))]) for f in run.fills]
    assert got == slow.fills
    unserved = run.orders[run.orders["reason"] == Reason.NO_LIQUIDITY]
    assert sorted(unserved["order_id"].tolist()) == sorted(slow.unserved)
    return len(got)


def test_busy_markets_are_busy() -> None:
    # A comparison of nothing with nothing would prove nothing.
    assert sum(check_alike(*busy(seed, 150), False, 0) for seed in range(20)) > 400


@settings(max_examples=200)
@given(EVENTS)
def test_the_compiled_book_shows_the_touch_the_slow_one_shows(events: list[tuple[Any, ...]]) -> None:
    stream = recording(rows(events), tick=1.0)
    slow = SlowMarket()
    for got, row in zip(rebuilt(stream).top, stream.events, strict=True):
        slow.event(as_dict(row))
        bid, ask = slow.top()
        assert (int(got["bid_tick"]), int(got["bid_lot"])) == (bid or (NO_PRICE, 0))
        assert (int(got["ask_tick"]), int(got["ask_lot"])) == (ask or (NO_PRICE, 0))


@settings(max_examples=100)
@given(EVENTS)
def test_every_level_holds_the_orders_the_slow_book_holds_in_their_order(events: list[tuple[Any, ...]]) -> None:
    stream = recording(rows(events), tick=1.0)
    slow, walk = SlowMarket(), Walk(stream)
    for row in stream.events:
        slow.event(as_dict(row))
    depth = walk.depth(len(stream.events), 8)
    for side in (1, -1):
        prices = slow.prices(side)
        assert [int(p) for p in depth[int(side < 0), : len(prices), 0]] == prices
        for price in prices:
            assert walk.queue(side, price) == [(q.id or 0, q.qty) for q in slow.level(side, price)]


@settings(max_examples=150)
@given(EVENTS, REQUESTS)
def test_own_orders_never_get_more_than_the_recording_had(events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]]) -> None:
    stream = recording(rows(events), tick=1.0)
    script: dict[int, list[Order | Cancel]] = {}
    for bar, kind, side, price, stop, qty, _ in requests:
        has_limit, has_stop = kind in (Kind.LIMIT, Kind.STOP_LIMIT), kind in (Kind.STOP, Kind.STOP_LIMIT)
        order = Order("A", Side(side), qty * 5, kind, float(price) if has_limit else np.nan, float(stop) if has_stop else np.nan)
        script.setdefault(bar, []).append(order)
    run = play(stream, script, cash=1e12)
    e = stream.events
    flow = np.isin(e["kind"], [K.EXECUTE, K.EXECUTE_HIDDEN, K.TRADE])
    shown = np.isin(e["kind"], [K.ADD, K.REPLACE, K.SET_LEVEL])
    traded = sum(float(f["qty"]) for f in run.fills)
    # Each recorded lot serves one own lot at most: as a resting order that is taken, or as flow that is met.
    assert traded <= e["qty_lot"][flow].sum() + e["qty_lot"][shown].sum()
    for order in run.orders:
        of_order = run.fills[run.fills["order_id"] == order["order_id"]]
        assert of_order["qty"].sum() == order["filled_qty"] <= order["qty"]
        limit = order["limit_price"]
        assert np.isnan(limit) or np.all(order["side"] * (limit - of_order["price"]) >= 0)
        assert (order["status"] == Status.FILLED) == (order["filled_qty"] == order["qty"])


@settings(max_examples=50)
@given(EVENTS, REQUESTS)
def test_buying_and_selling_are_mirror_images(events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]]) -> None:
    def played(sign: int) -> list[tuple[float, int, float, float]]:
        turned = [(k, s * sign, 200 - p if sign < 0 else p, q, i, o) for k, s, p, q, i, o in events]
        script: dict[int, list[Order | Cancel]] = {}
        for bar, _, side, price, _, qty, _ in requests:
            limit = float(200 - price if sign < 0 else price)
            script.setdefault(bar, []).append(Order("A", Side(side * sign), qty, Kind.LIMIT, limit))
        return fills(play(recording(rows(turned), tick=1.0), script, cash=1e12))

    assert [(t, -s, q, 200 - p) for t, s, q, p in played(-1)] == played(1)


def test_two_plays_of_one_recording_are_equal_to_the_byte() -> None:
    rng = np.random.default_rng(5)
    kinds = rng.choice(np.array([int(k) for k in BOOK_KINDS]), 400)
    made = [(RecordedKind(int(k)), *(int(v) for v in rng.integers((0, 98, 1, 1, 13), (2, 104, 10, 13, 21)))) for k in kinds]
    stream = recording(rows([(k, 2 * s - 1, p, q, i, o) for k, s, p, q, i, o in made]), tick=1.0)
    script = {bar: [Order("A", Side(1 - 2 * (bar % 2)), 5, Kind.LIMIT, 100.0)] for bar in range(28)}
    first, second = play(stream, script), play(stream, script)
    assert len(first.fills) > 10
    assert first.fills.tobytes() == second.fills.tobytes()
    assert first.orders.tobytes() == second.orders.tobytes()


def as_dict(row: np.void) -> dict[str, Any]:
    return {
        "time": int(row["time_ns"]), "kind": RecordedKind(int(row["kind"])), "side": int(row["side"]), "price": int(row["price_tick"]),
        "qty": int(row["qty_lot"]), "id": int(row["order_id"]), "other": int(row["other_id"]),
    }  # fmt: skip
