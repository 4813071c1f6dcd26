"""The replay market's gates: true fills pass, whatever the flow; fills the recording cannot have given do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.markets.account_run import AccountRun
from marketsim.markets.replay import ReplayRules
from marketsim.markets.replay_gates import ReplayGates
from marketsim.records import Cancel, Kind, Order, Side
from marketsim.replay.stream import Stream
from tests.replay.recordings import BUY, SECOND, SELL, K, event, fills, limit, market, play, recording
from tests.replay.test_recorded_market_equals_its_slow_twin import EVENTS, REQUESTS, busy, rows

# Bid 100.00 × 200, ask 100.02 × 100; at 2.5 sellers hit the bid.
DAY = [
    event(0.1, K.ADD, 10000, 200, side=BUY, id=1),
    event(0.3, K.ADD, 10002, 100, side=SELL, id=9),
    event(2.5, K.EXECUTE, 10000, 30, side=BUY, id=1),
    event(4.5, K.EXECUTE, 10000, 30, side=BUY, id=1),
    event(9.5, K.ADD, 9000, 1, side=BUY, id=999),
]
WORLD = recording(DAY)
SCRIPT: dict[int, list[Order | Cancel]] = {0: [market(BUY, 60), limit(BUY, 20, 100.01)], 4: [market(BUY, 10)]}


def observed(stream: Stream, run: AccountRun) -> dict[str, float]:
    return {gate.name: gate.observed for gate in ReplayGates(stream)(run)}


def spoiled(run: AccountRun, **changes: Any) -> AccountRun:
    """Return the run with other values in its first fill, or, where a list is given, in all of them."""
    fills = run.fills.copy()
    for name, value in changes.items():
        fills[name][slice(None) if isinstance(value, list) else 0] = value
    return replace(run, fills=fills)


@pytest.fixture(scope="module")
def run() -> AccountRun:
    """Takes 60 at 100.02, is met at 100.01 by the flow of 2.5, and takes 10 more."""
    run = play(WORLD, SCRIPT)
    assert [(float(f["qty"]), float(f["price"])) for f in run.fills] == [(60, 100.02), (20, 100.01), (10, 100.02)]
    return run


def test_true_fills_pass(run: AccountRun) -> None:
    assert observed(WORLD, run) == {"fills_at_recorded_prices": 0.0, "liquidity_taken_once": 0.0}


def test_a_taker_that_paid_less_than_the_ask_is_found(run: AccountRun) -> None:
    assert observed(WORLD, spoiled(run, price=100.01))["fills_at_recorded_prices"] == 1.0


def test_a_taker_before_the_quote_was_there_is_found(run: AccountRun) -> None:
    early = int(run.fills["time_ns"][0]) - SECOND + SECOND // 5  # at 0.2, before there is an ask
    assert observed(WORLD, spoiled(run, time_ns=early))["fills_at_recorded_prices"] == 1.0


def test_a_maker_whom_no_flow_met_is_found(run: AccountRun) -> None:
    times = run.fills["time_ns"].tolist()
    assert observed(WORLD, spoiled(run, time_ns=[times[0], times[1] + 1, times[2]]))["fills_at_recorded_prices"] == 1.0
    prices = [100.02, 99.99, 100.02]  # the flow traded at 100.00, above it
    assert observed(WORLD, spoiled(run, price=prices))["fills_at_recorded_prices"] == 1.0


def test_lots_taken_twice_are_counted(run: AccountRun) -> None:
    assert observed(WORLD, spoiled(run, qty=95.0))["liquidity_taken_once"] == 5.0  # 95 + 10 of the 100 that ever stood there
    assert observed(WORLD, spoiled(run, price=100.07))["liquidity_taken_once"] == 60.0  # nothing ever stood there
    assert observed(WORLD, spoiled(run, qty=[60.0, 37.0, 10.0]))["liquidity_taken_once"] == 7.0  # 30 were sold at 2.5


def test_an_execution_printed_at_a_better_price_still_meets_the_order_at_its_own() -> None:
    queue = [event(1.2, K.REDUCE, 10000, 170, side=BUY, id=1), event(1.3, K.EXECUTE, 10000, 30, side=BUY, id=1)]
    behind = [event(1.4, K.ADD, 10000, 50, side=BUY, id=2), event(2.5, K.EXECUTE, 10001, 30, side=BUY, id=2)]
    stream = recording([*DAY[:2], *queue, *behind, DAY[-1]])
    run = play(stream, {0: [limit(BUY, 20, 100.0)]})
    assert fills(run) == [(2.5, BUY, 20, 100.0)]
    assert observed(stream, run) == {"fills_at_recorded_prices": 0.0, "liquidity_taken_once": 0.0}


def check(events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]], *, latency: int, pro_rata: bool) -> None:
    stream = recording(rows(events), tick=1.0)
    script: dict[int, list[Order | Cancel]] = {}
    for bar, kind, side, price, stop, qty, _ in requests:
        has_limit, has_stop = kind in (Kind.LIMIT, Kind.STOP_LIMIT), kind in (Kind.STOP, Kind.STOP_LIMIT)
        order = Order("A", Side(side), qty * 3, kind, float(price) if has_limit else np.nan, float(stop) if has_stop else np.nan)
        script.setdefault(bar, []).append(order)
    rules = ReplayRules(order_latency_ns=latency * SECOND // 4, queue="pro_rata" if pro_rata else "at_back")
    run = play(stream, script, rules, cash=1e12)
    assert observed(stream, run) == {"fills_at_recorded_prices": 0.0, "liquidity_taken_once": 0.0}


@settings(max_examples=150)
@given(EVENTS, REQUESTS, st.booleans(), st.integers(0, 3))
def test_whatever_the_flow_the_market_passes_its_gates(
    events: list[tuple[Any, ...]], requests: list[tuple[Any, ...]], pro_rata: bool, latency: int
) -> None:
    check(events, requests, latency=latency, pro_rata=pro_rata)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.booleans())
def test_a_busy_market_passes_its_gates(seed: int, n: int, pro_rata: bool) -> None:
    check(*busy(seed, n), latency=seed % 4, pro_rata=pro_rata)
