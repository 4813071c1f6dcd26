"""Random markets and random orders: the compiled account and the slow twin book the same fills, cash and positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.records import Kind, Order, Side, Status, Tif
from tests.markets.slow_bars_market import SlowAccount, SlowTerms
from tests.markets.worlds import NO_BAR, Bar, panel, play

SYMBOLS = ("A", "B")
STATE = {Status.FILLED: "filled", Status.CANCELLED: "cancelled", Status.EXPIRED: "expired", Status.REJECTED: "rejected"}


@st.composite
def bars(draw: st.DrawFn, n_bars: int) -> list[Bar]:
    rows: list[Bar] = []
    for i in range(n_bars):
        if i and draw(st.integers(0, 9)) == 0:
            rows.append(NO_BAR)
            continue
        o, c = draw(st.integers(80, 120)), draw(st.integers(80, 120))
        rows.append((float(o), float(max(o, c) + draw(st.integers(0, 5))), float(min(o, c) - draw(st.integers(0, 5))), float(c)))
    return rows


orders = st.builds(
    Order,
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(Side),
    qty=st.integers(1, 150).map(float),
    kind=st.sampled_from([kind for kind in Kind if kind <= Kind.MARKET_ON_CLOSE]),
    limit_price=st.integers(75, 125).map(float),
    stop_price=st.integers(75, 125).map(float),
    tif=st.sampled_from([Tif.GTC, Tif.DAY]),
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    n_bars = draw(st.integers(2, 7))
    terms = SlowTerms(
        half_spread=draw(st.sampled_from([0.0, 0.0005])),
        slippage=draw(st.sampled_from([0.0, 0.001])),
        per_share=draw(st.sampled_from([0.0, 0.01])),
        per_notional=draw(st.sampled_from([0.0, 0.001])),
        minimum=draw(st.sampled_from([0.0, 2.0])),
        cap=draw(st.sampled_from([None, 0.1])),
        leverage=draw(st.sampled_from([1.0, 2.0])),
        allow_short=draw(st.booleans()),
    )
    return {
        "bars": {s: draw(bars(n_bars)) for s in SYMBOLS},
        "volume": {s: draw(st.lists(st.integers(0, 1000).map(float), min_size=n_bars, max_size=n_bars)) for s in SYMBOLS},
        "splits": draw(
            st.dictionaries(st.tuples(st.sampled_from(SYMBOLS), st.integers(1, n_bars - 1)), st.sampled_from([2.0, 3.0]), max_size=1)
        ),
        "dividends": draw(st.dictionaries(st.tuples(st.sampled_from(SYMBOLS), st.integers(1, n_bars - 1)), st.just(0.5), max_size=2)),
        "script": {bar: draw(st.lists(orders, max_size=4)) for bar in range(n_bars)},
        "cash": draw(st.sampled_from([10_000.0, 1_000_000.0])),
        "terms": terms,
    }


def play_slowly(world: dict[str, Any]) -> SlowAccount:
    account = SlowAccount(world["cash"], world["terms"], SYMBOLS)
    for i in range(len(world["bars"]["A"])):
        bar = {s: None if math.isnan(world["bars"][s][i][0]) else (*world["bars"][s][i], world["volume"][s][i]) for s in SYMBOLS}
        splits = {s: ratio for (s, at), ratio in world["splits"].items() if at == i}
        dividends = {s: cash for (s, at), cash in world["dividends"].items() if at == i}
        account.play(bar, splits, dividends)
        if account.equity() <= 0:
            return account
        for order in world["script"][i]:
            account.send(order)
    return account


def play_compiled(world: dict[str, Any]) -> Any:
    terms: SlowTerms = world["terms"]
    return play(
        panel(world["bars"], volume=world["volume"], splits=world["splits"], dividends=world["dividends"]),
        world["script"],
        account={"cash": world["cash"], "max_leverage": terms.leverage, "allow_short": terms.allow_short},
        market={"kind": "bars", "participation_cap": terms.cap},
        fees={"per_share": terms.per_share, "per_notional_bps": terms.per_notional * 1e4, "minimum": terms.minimum},
        dealer={"half_spread_bps": terms.half_spread * 1e4},
        slippage_bps=terms.slippage * 1e4,
    )


@given(worlds())
def test_fills_cash_positions_and_final_states_are_equal(world: dict[str, Any]) -> None:
    slow, fast = play_slowly(world), play_compiled(world)
    if slow.equity() <= 0:
        return  # the twin stops where the account closes; test_fill_rules covers what follows
    got = [(int(f["order_id"]), int(f["side"]), float(f["qty"]), float(f["price"]), float(f["fee"])) for f in fast.fills]
    assert [g[:2] for g in got] == [f[:2] for f in slow.fills]
    assert np.array(got).reshape(-1, 5) == pytest.approx(np.array(slow.fills).reshape(-1, 5), abs=1e-6)
    assert fast.cash[-1] == pytest.approx(slow.cash, abs=1e-5)
    assert list(fast.position[-1]) == pytest.approx([slow.held.get(s, 0.0) for s in SYMBOLS], abs=1e-6)
    for row, order in zip(fast.orders, slow.orders, strict=True):
        expected = "cancelled" if order.state == "live" else order.state  # the run's end cancels what still lives
        assert STATE[Status(row["status"])] == expected


@given(worlds())
def test_books_balance_and_every_fill_lies_inside_its_bar_and_its_limit(world: dict[str, Any]) -> None:
    run = play_compiled(world)
    f = run.fills
    bought = (f["side"] * f["qty"] * f["price"]).sum()
    assert run.cash[-1] == pytest.approx(world["cash"] - bought - f["fee"].sum() + run.dividends.sum() - run.borrow.sum(), abs=1e-5)
    assert np.all(np.bincount(f["order_id"], f["qty"], len(run.orders))[run.orders["status"] == Status.REJECTED] == 0)
    lows, highs = (np.array([world["bars"][s] for s in SYMBOLS])[:, :, i] for i in (2, 1))
    reference = f["reference_price"]
    assert np.all(reference >= lows[f["symbol"], f["bar"]] - 1e-9)
    assert np.all(reference <= highs[f["symbol"], f["bar"]] + 1e-9)
    for fill in f:
        order = run.orders[fill["order_id"]]
        if order["kind"] in (Kind.LIMIT, Kind.STOP_LIMIT) and not world["splits"]:
            assert fill["side"] * (order["limit_price"] - fill["price"]) >= -1e-9
        assert fill["time_ns"] > order["submitted_ns"]


@given(worlds())
def test_a_run_twice_gives_the_same_bytes(world: dict[str, Any]) -> None:
    one, two = play_compiled(world), play_compiled(world)
    assert one.fills.tobytes() == two.fills.tobytes()
    assert one.orders.tobytes() == two.orders.tobytes()
    assert one.cash.tobytes() == two.cash.tobytes()
