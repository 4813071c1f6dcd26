"""What becomes of strategies' orders in simulated markets: of every kind, overnight, in auctions, and beyond what the account can carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketsim.records import (
    MESSAGE,
    Cancel,
    Flag,
    Kind,
    Order,
    Phase,
    Reason,
    Side,
    Status,
    Tif,
)
from tests.living.crowds import (
    OPEN,
    SECOND,
    Scripted,
    account_costs,
    empty_panel,
    flat_market,
    one_session,
    people,
    trade,
)

BUY, SELL = Side.BUY, Side.SELL


def test_orders_sent_after_the_close_wait_for_the_next_session_s_opening() -> None:
    panel = empty_panel(["A"], 2, 1, 900)
    run = trade(Scripted({0: [Order("A", BUY, 10), Order("A", BUY, 10, Kind.LIMIT, limit_price=100.50)]}), panel)
    assert run.orders["submitted_ns"].tolist() == [panel.close_ns[0] + 2000] * 2
    assert np.all(run.fills["time_ns"] > panel.open_ns[1])
    assert np.all(run.fills["time_ns"] < panel.open_ns[1] + 20 * SECOND)
    assert set(run.fills["order_id"].tolist()) == {0, 1}


def test_day_orders_end_with_the_session_and_others_go_on() -> None:
    away = {"kind": Kind.LIMIT, "limit_price": 90.0}
    panel = empty_panel(["A"], 3, 2, 900)
    strategy = Scripted({0: [Order("A", BUY, 10, tif=Tif.DAY, **away), Order("A", BUY, 11, **away)], 4: [Cancel(1)]})  # type: ignore[arg-type]
    run = trade(strategy, panel)
    assert [sorted(x["open_orders"]) for x in strategy.seen] == [[], [1], [1], [1], [1], []]
    assert run.orders["status"].tolist() == [Status.EXPIRED, Status.CANCELLED]
    assert run.orders["reason"].tolist() == [Reason.END_OF_SESSION, Reason.ON_REQUEST]


def test_a_cancel_while_the_exchange_is_closed_is_immediate() -> None:
    panel = empty_panel(["A"], 2, 1, 900)
    run = trade(Scripted({0: [Order("A", BUY, 10, Kind.LIMIT, limit_price=99.0), Cancel(0)]}), panel)
    assert run.orders["reason"].tolist() == [Reason.BY_STRATEGY]
    assert run.orders["ended_ns"].tolist() == [panel.close_ns[0] + 2000]


ORDERS = {
    "market": (Order("A", BUY, 5), Status.FILLED, 0),
    "limit": (Order("A", BUY, 5, Kind.LIMIT, limit_price=100.5), Status.FILLED, 0),
    "resting limit": (Order("A", BUY, 5, Kind.LIMIT, limit_price=50.0), Status.CANCELLED, Reason.END_OF_RUN),
    "stop": (Order("A", BUY, 5, Kind.STOP, stop_price=99.0), Status.FILLED, 0),
    "stop limit": (Order("A", BUY, 5, Kind.STOP_LIMIT, limit_price=100.9, stop_price=99.0), Status.FILLED, 0),
    "trailing stop": (Order("A", SELL, 5, Kind.TRAILING_STOP, stop_price=0.01), Status.FILLED, 0),
    "far trailing stop": (Order("A", SELL, 5, Kind.TRAILING_STOP, stop_price=10.0), Status.CANCELLED, Reason.END_OF_RUN),
    "peg to its own side": (Order("A", BUY, 5, Kind.PEG_PRIMARY), Status.FILLED, 0),
    "peg with a limit": (Order("A", BUY, 5, Kind.PEG_PRIMARY, limit_price=50.0), Status.CANCELLED, Reason.END_OF_RUN),
    "post-only": (Order("A", BUY, 5, Kind.LIMIT, limit_price=100.9, flags=Flag.POST_ONLY), Status.REJECTED, Reason.WOULD_TRADE),
    "iceberg": (Order("A", BUY, 500, Kind.LIMIT, limit_price=100.0, display_qty=10.0), Status.FILLED, 0),
    "good till a date": (
        Order("A", BUY, 5, Kind.LIMIT, limit_price=50.0, tif=Tif.GTD, expire_ns=OPEN + 1_704_153_600 * SECOND + 400 * SECOND),
        Status.EXPIRED, Reason.EXPIRY_TIME,
    ),
    "immediate or cancel": (Order("A", BUY, 5, Kind.LIMIT, limit_price=50.0, tif=Tif.IOC), Status.CANCELLED, Reason.IMMEDIATE_OR_CANCEL),
    "fill or kill": (Order("A", BUY, 900_000, Kind.LIMIT, limit_price=1.0, tif=Tif.FOK), Status.REJECTED, Reason.FILL_OR_KILL),
    "a least quantity": (
        Order("A", BUY, 9000, Kind.LIMIT, limit_price=90.0, tif=Tif.IOC, min_qty=5000), Status.CANCELLED, Reason.MINIMUM_QUANTITY,
    ),
    "at the open, where there is no auction": (Order("A", BUY, 5, Kind.MARKET_ON_OPEN), Status.FILLED, 0),
    "no price": (Order("A", BUY, 5, Kind.LIMIT), Status.REJECTED, Reason.BAD_PRICE),
    "no stop": (Order("A", BUY, 5, Kind.STOP), Status.REJECTED, Reason.BAD_STOP),
    "half a share": (Order("A", BUY, 0.5), Status.REJECTED, Reason.BAD_QUANTITY),
    "nothing": (Order("A", BUY, 0), Status.REJECTED, Reason.BAD_QUANTITY),
    "not a number": (Order("A", BUY, float("nan")), Status.REJECTED, Reason.BAD_QUANTITY),
    "an endless price": (Order("A", BUY, 5, Kind.LIMIT, limit_price=float("inf")), Status.REJECTED, Reason.BAD_PRICE),
    "more than any exchange takes": (Order("A", SELL, 1e15), Status.REJECTED, Reason.BAD_QUANTITY),
    "a message that is no order": (Order("A", BUY, 5, Kind.CANCEL_OWNER), Status.REJECTED, Reason.UNKNOWN_KIND),
}  # fmt: skip


@pytest.fixture(scope="module")
def every_kind() -> Any:
    """All of `ORDERS` in one session, each from an account of its own."""
    panel = empty_panel(["A"], 1, 3, 900)
    names = [f"a{k}" for k in range(len(ORDERS))]
    strategies = {name: Scripted({0: [order]}) for name, (order, _, _) in zip(names, ORDERS.values(), strict=True)}
    runs = trade(strategies, panel, market_of=flat_market(panel, members=people), costs=account_costs(max_leverage=100.0))
    return dict(zip(ORDERS, runs.values(), strict=True))


@pytest.mark.parametrize("name", ORDERS)
def test_every_kind_of_order_can_be_used(name: str, every_kind: Any) -> None:
    _, status, reason = ORDERS[name]
    order = every_kind[name].orders[0]
    assert (Status(int(order["status"])), Reason(int(order["reason"]))) == (status, Reason(int(reason)))
    if status == Status.FILLED:
        assert every_kind[name].fills["qty"].sum() == order["qty"]


def phases(panel: Any, *steps: tuple[int, Phase]) -> np.ndarray[Any, Any]:
    rows = np.zeros(len(steps), MESSAGE)
    for row, (after_s, phase) in zip(rows, steps, strict=True):
        row["time_ns"], row["kind"], row["qty_lot"] = int(panel.open_ns[0]) + after_s * SECOND, Kind.PHASE, phase
    return rows


def test_orders_for_auctions_trade_there() -> None:
    panel = empty_panel(["A"], 1, 3, 900)
    steps = phases(
        panel, (0, Phase.PRE_OPEN), (320, Phase.OPENING_AUCTION), (350, Phase.CONTINUOUS), (800, Phase.CLOSING_AUCTION), (900, Phase.CLOSED)
    )  # fmt: skip
    script = {0: [Order("A", BUY, 7, Kind.MARKET_ON_OPEN), Order("A", BUY, 9, Kind.MARKET_ON_CLOSE), Order("A", BUY, 3)]}
    script[1] = [Order("A", BUY, 4)]
    run = trade(Scripted(script), panel, market_of=flat_market(panel, messages=steps))
    start = int(panel.open_ns[0])
    first_of = {int(order): int(np.flatnonzero(run.fills["order_id"] == order)[0]) for order in np.unique(run.fills["order_id"])}
    when = {order: (int(run.fills["time_ns"][row]) - start) / SECOND for order, row in first_of.items()}
    assert (when[0], when[1], when[2]) == (350.0, 900.0, 350.0)  # a market order takes part in the auction
    assert 600.0 < when[3] < 601.0
    in_auctions = [first_of[0], first_of[1], first_of[2]]
    assert run.fills["reference_price"][in_auctions].tolist() == run.fills["price"][in_auctions].tolist()
    assert panel.close[-1, 0] == run.fills["price"][first_of[1]]


def test_what_an_auction_cannot_fill_goes_to_the_market_that_follows() -> None:
    panel = empty_panel(["A"], 1, 3, 900)
    steps = phases(panel, (0, Phase.PRE_OPEN), (320, Phase.OPENING_AUCTION), (350, Phase.CONTINUOUS), (900, Phase.CLOSED))
    run = trade(Scripted({0: [Order("A", BUY, 30_000)]}), panel, cash=1e8, market_of=flat_market(panel, messages=steps))
    times = (run.fills["time_ns"] - panel.open_ns[0]) / SECOND
    assert times[0] == 350.0
    assert 350.0 < times[-1] < 351.0
    assert run.orders["reason"].tolist() == [Reason.NO_LIQUIDITY]
    assert run.fills["qty"].sum() == run.orders["filled_qty"][0]


def test_what_the_account_cannot_carry_is_cut() -> None:
    run, strategy = one_session({0: [Order("A", BUY, 1000)]}, cash=30_000.0)
    order = run.orders[0]
    most = 30_000.0 / strategy.seen[0]["ask"][0]
    assert order["qty"] == 1000
    assert most - 1.5 < order["filled_qty"] <= most
    assert (order["status"], order["reason"]) == (Status.CANCELLED, Reason.BUYING_POWER)
    assert abs(run.cash[-1]) < 300.0  # what the book was worse than its touch is not known beforehand


def test_money_promised_to_one_order_is_not_there_for_the_next() -> None:
    away = {"kind": Kind.LIMIT, "limit_price": 90.0}
    run, _ = one_session(
        {0: [Order("A", BUY, 300, **away), Order("A", BUY, 300, **away)], 1: [Order("A", BUY, 300, **away)]}, cash=45_000.0
    )  # type: ignore[arg-type]
    assert run.orders["reason"].tolist() == [Reason.END_OF_RUN, Reason.END_OF_RUN, Reason.BUYING_POWER]
    assert run.orders["status"].tolist()[2] == Status.REJECTED


def test_a_sale_pays_for_a_purchase_sent_with_it() -> None:
    panel = empty_panel(["A", "B"], 1, 3, 900)
    script = {0: [Order("A", BUY, 90)], 1: [Order("B", BUY, 80), Order("A", SELL, 90)]}
    market_of = flat_market(panel, members=lambda: people(60, 2))
    run = trade(Scripted(script), panel, market_of=market_of, cash=10_000.0)
    assert run.orders["status"].tolist() == [Status.FILLED] * 3
    assert run.position[-1].tolist() == [0.0, 80.0]


def test_an_account_that_may_not_be_short_sells_what_it_has_once() -> None:
    script = {0: [Order("A", SELL, 10), Order("A", BUY, 20)], 1: [Order("A", SELL, 20, Kind.LIMIT, limit_price=150.0), Order("A", SELL, 5)]}
    run, _ = one_session(script, costs=account_costs(allow_short=0))
    assert run.orders["reason"].tolist() == [Reason.SHORT_NOT_ALLOWED, 0, Reason.END_OF_RUN, Reason.SHORT_NOT_ALLOWED]
