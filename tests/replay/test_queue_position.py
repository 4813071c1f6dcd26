"""Own orders in a recorded queue, every number worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marketsim.markets.replay import ReplayRules
from marketsim.records import Cancel, Kind, Order, Reason, Side, Status, Tif
from tests.replay.recordings import BUY, DAY, SECOND, SELL, K, Scripted, event, fills, limit, market, play, recording

# Bid 100.00 × 300 (orders 1: 200, 2: 100), ask 100.02 × 100 (order 9), all before the first bar closes at second 1.
OPENING = [
    event(0.1, K.ADD, 10000, 200, side=BUY, id=1),
    event(0.2, K.ADD, 10000, 100, side=BUY, id=2),
    event(0.3, K.ADD, 10002, 100, side=SELL, id=9),
]
END = [event(9.5, K.ADD, 9000, 1, side=BUY, id=999)]


def test_an_order_behind_300_shares_fills_after_a_cancel_of_100_and_executions_of_200() -> None:
    world = recording(
        [
            *OPENING,
            event(2.1, K.ADD, 10000, 50, side=BUY, id=3),  # behind the own order, which joined at second 1
            event(2.2, K.DELETE, 10000, 100, side=BUY, id=2),  # 200 left in front
            event(2.3, K.EXECUTE, 10000, 150, side=BUY, id=1),  # 50 left
            event(2.4, K.EXECUTE, 10000, 50, side=BUY, id=1),  # none left, nothing filled yet
            event(2.5, K.EXECUTE, 10000, 30, side=BUY, id=3),  # this seller would have met the own order first
            event(2.6, K.EXECUTE, 10000, 20, side=BUY, id=3),
            *END,
        ]
    )
    assert fills(play(world, {0: [limit(BUY, 40, 100.00)]})) == [(2.5, BUY, 30, 100.0), (2.6, BUY, 10, 100.0)]


def test_orders_that_come_later_neither_delay_nor_help() -> None:
    world = recording(
        [
            *OPENING,
            event(2.1, K.ADD, 10000, 500, side=BUY, id=3),
            event(2.2, K.DELETE, 10000, 500, side=BUY, id=3),
            event(2.3, K.EXECUTE, 10000, 200, side=BUY, id=1),
            event(2.4, K.EXECUTE, 10000, 100, side=BUY, id=2),
            *END,
        ]
    )
    assert fills(play(world, {0: [limit(BUY, 40, 100.00)]})) == []


def test_flow_that_trades_at_a_worse_price_meets_the_order_first() -> None:
    world = recording(
        [
            *OPENING,
            event(2.1, K.EXECUTE, 10000, 25, side=BUY, id=1),
            *END,
        ]
    )
    assert fills(play(world, {0: [limit(BUY, 40, 100.01)]})) == [(2.1, BUY, 25, 100.01)]


def test_the_same_flow_fills_only_as_much_as_it_had() -> None:
    world = recording([*OPENING, event(2.1, K.EXECUTE, 10000, 50, side=BUY, id=1), *END])
    orders = [limit(BUY, 40, 100.01), limit(BUY, 40, 100.01)]
    assert fills(play(world, {0: orders})) == [(2.1, BUY, 40, 100.01), (2.1, BUY, 10, 100.01)]


def test_a_better_price_goes_before_an_earlier_order() -> None:
    world = recording([*OPENING, event(3.1, K.EXECUTE, 10000, 50, side=BUY, id=1), *END])
    script = {0: [limit(BUY, 40, 100.00)], 1: [limit(BUY, 40, 100.01)]}
    assert fills(play(world, script)) == [(3.1, BUY, 40, 100.01)]


def test_a_recorded_order_that_comes_at_the_own_price_is_met() -> None:
    world = recording([*OPENING, event(2.1, K.ADD, 10001, 25, side=SELL, id=10), event(2.2, K.ADD, 10001, 25, side=SELL, id=11), *END])
    # The own bid is alone at 100.01; the recorded seller who rested there would have sold to it.
    assert fills(play(world, {0: [limit(BUY, 40, 100.01)]})) == [(2.1, BUY, 25, 100.01), (2.2, BUY, 15, 100.01)]


def test_a_hidden_execution_meets_a_displayed_order_at_its_price_first_unless_others_stand_in_front() -> None:
    hidden = event(2.1, K.EXECUTE_HIDDEN, 10001, 25, side=BUY)
    assert fills(play(recording([*OPENING, hidden, *END]), {0: [limit(BUY, 40, 100.01)]})) == [(2.1, BUY, 25, 100.01)]
    hidden = event(2.1, K.EXECUTE_HIDDEN, 10000, 25, side=BUY)
    assert fills(play(recording([*OPENING, hidden, *END]), {0: [limit(BUY, 40, 100.00)]})) == []


def test_what_was_taken_is_gone_until_the_recorded_order_leaves() -> None:
    world = recording([*OPENING, event(3.5, K.EXECUTE, 10002, 50, side=SELL, id=9), event(4.5, K.ADD, 10002, 30, side=SELL, id=10), *END])
    script = {0: [market(BUY, 60)], 1: [limit(BUY, 60, 100.02)], 4: [], 5: [limit(BUY, 5, 100.02)]}
    # 60 of 100 taken, then the other 40; the rest of the limit meets the seller of 4.5, whose 30 leave 10 for nobody but it.
    assert fills(play(world, script)) == [
        (1.0, BUY, 60, 100.02),
        (2.0, BUY, 40, 100.02),
        (4.5, BUY, 20, 100.02),
        (6.0, BUY, 5, 100.02),
    ]


def test_a_market_order_walks_the_book_and_its_rest_ends_where_the_book_does() -> None:
    world = recording([*OPENING, event(0.4, K.ADD, 10005, 20, side=SELL, id=8), event(3.2, K.ADD, 10009, 500, side=SELL, id=7), *END])
    run = play(world, {0: [market(BUY, 150)]})
    assert fills(run) == [(1.0, BUY, 100, 100.02), (1.0, BUY, 20, 100.05)]
    assert (run.orders["status"][0], run.orders["reason"][0], run.orders["filled_qty"][0]) == (Status.CANCELLED, Reason.NO_LIQUIDITY, 120)
    assert run.orders["ended_ns"][0] == DAY + SECOND
    # The mid at arrival was 100.01: half the spread of 0.02, then 0.03 a share for the second level.
    assert run.fills["reference_price"][:2] == pytest.approx([100.01, 100.01])
    assert run.fills["spread_cost"][:2] == pytest.approx([100 * 0.01, 20 * 0.01])
    assert run.fills["impact_cost"][:2] == pytest.approx([0.0, 20 * 0.03])


def test_a_market_order_in_an_empty_book_ends_at_once_and_so_does_a_stop_that_finds_nothing() -> None:
    alone = [event(0.1, K.ADD, 10000, 200, side=BUY, id=1), event(2.5, K.EXECUTE, 10000, 10, side=BUY, id=1)]
    late = event(3.5, K.ADD, 10002, 100, side=SELL, id=2)
    stop = Order("A", Side.BUY, 7, Kind.STOP, stop_price=100.0)
    run = play(recording([*alone, late, *END]), {0: [market(BUY, 5), stop]})
    assert fills(run) == []
    assert [Status(status) for status in run.orders["status"]] == [Status.CANCELLED] * 2
    assert [Reason(reason) for reason in run.orders["reason"]] == [Reason.NO_LIQUIDITY] * 2
    assert ((run.orders["ended_ns"] - DAY) / SECOND).tolist() == [1.0, 2.5]


def test_what_a_ruined_account_could_not_sell_is_offered_again_after_every_bar() -> None:
    buyers = [event(0.1, K.ADD, 10000, 4, side=BUY, id=1), event(0.2, K.ADD, 10002, 10, side=SELL, id=2)]
    crash = [event(1.5, K.DELETE, side=BUY, price=10000, qty=4, id=1), event(1.6, K.EXECUTE_HIDDEN, 100, 1)]
    back = [event(3.5, K.ADD, 100, 6, side=BUY, id=3), event(5.5, K.ADD, 90, 50, side=BUY, id=4)]
    run = play(recording([*buyers, *crash, *back, event(9.0, K.QUOTE)]), {0: [market(BUY, 10)]}, cash=500.0, max_leverage=10.0)
    assert fills(run) == [(1.0, BUY, 10, 100.02), (4.0, SELL, 6, 1.0), (6.0, SELL, 4, 0.9)]
    assert run.position[-1, 0] == 0.0


def test_latency_delays_orders_and_cancels_alike() -> None:
    flow = [event(1.2, K.EXECUTE, 10000, 10, side=BUY, id=1), event(1.4, K.EXECUTE, 10000, 10, side=BUY, id=1)]
    late = [event(2.2, K.EXECUTE, 10000, 10, side=BUY, id=1), event(2.4, K.EXECUTE, 10000, 10, side=BUY, id=1)]
    world = recording([*OPENING, *flow, *late, *END])
    rules = ReplayRules(data_latency_ns=SECOND // 10, order_latency_ns=SECOND // 5)
    script = {0: [limit(BUY, 40, 100.01)], 1: [Cancel(0)]}
    # Sent at second 1, there at 1.3; withdrawn at second 2, gone at 2.3.
    run = play(world, script, rules)
    assert fills(run) == [(1.4, BUY, 10, 100.01), (2.2, BUY, 10, 100.01)]
    assert run.orders["status"][0] == Status.CANCELLED
    assert run.orders["reason"][0] == Reason.BY_STRATEGY
    assert run.orders["ended_ns"][0] == DAY + round(2.3 * SECOND)


def test_a_recorded_event_at_the_moment_of_arrival_comes_first() -> None:
    world = recording([*OPENING, event(1.0, K.EXECUTE, 10002, 100, side=SELL, id=9), *END])
    assert fills(play(world, {0: [market(BUY, 10)]})) == []


def test_a_replaced_order_goes_to_the_end_of_the_queue() -> None:
    world = recording(
        [
            *OPENING,
            event(2.1, K.REPLACE, 10000, 200, id=1, other=5),  # 200 leave the front, and stand behind the own order now
            event(2.2, K.EXECUTE, 10000, 100, side=BUY, id=2),
            event(2.3, K.EXECUTE, 10000, 15, side=BUY, id=5),
            *END,
        ]
    )
    assert fills(play(world, {0: [limit(BUY, 40, 100.00)]})) == [(2.3, BUY, 15, 100.0)]


def test_a_stop_waits_for_a_print_and_then_takes() -> None:
    world = recording([*OPENING, event(2.5, K.EXECUTE, 10000, 10, side=BUY, id=1), *END])
    stop = Order("A", Side.SELL, 20, Kind.STOP, stop_price=100.00)
    assert fills(play(world, {0: [stop]})) == [(2.5, SELL, 20, 100.0)]


def test_nothing_trades_in_a_halt_and_crossing_limits_take_when_it_ends() -> None:
    world = recording([*OPENING, event(0.9, K.HALT), event(3.5, K.RESUME), *END])
    assert fills(play(world, {0: [limit(BUY, 10, 100.02), market(BUY, 5)]})) == [(3.5, BUY, 10, 100.02), (3.5, BUY, 5, 100.02)]


def test_an_auction_order_fills_at_the_cross() -> None:
    world = recording([*OPENING, event(2.5, K.CROSS, 10001, 15, id=ord("C")), event(3.5, K.CROSS, 10002, 1000, id=ord("C")), *END])
    order = Order("A", Side.BUY, 20, Kind.MARKET_ON_CLOSE)
    assert fills(play(world, {0: [order]})) == [(2.5, BUY, 15, 100.01), (3.5, BUY, 5, 100.02)]


def test_a_day_order_ends_with_the_session_and_prices_off_the_grid_are_refused() -> None:
    world = recording([*OPENING, *END])
    run = play(world, {0: [limit(BUY, 1, 99.0, tif=Tif.DAY), limit(BUY, 1, 99.001)]})
    assert [Reason(reason) for reason in run.orders["reason"]] == [Reason.END_OF_SESSION, Reason.BAD_PRICE]
    # On a grid as fine as 10⁻⁸ of a price of 30,000, too.
    fine = recording([event(0.1, K.ADD, 3_000_000_000_000, 1, side=SELL, id=1), event(2.0, K.QUOTE)], tick=1e-8)
    run = play(fine, {0: [limit(BUY, 1, 29_999.99999999), limit(BUY, 1, 29_999.999999995)]})
    assert [Reason(reason) for reason in run.orders["reason"]] == [Reason.END_OF_RUN, Reason.BAD_PRICE]


def test_buying_power_limits_what_is_taken() -> None:
    run = play(recording([*OPENING, *END]), {0: [market(BUY, 100)]}, cash=5_000.0, max_leverage=1.0)
    assert fills(run) == [(1.0, BUY, 49, 100.02)]
    assert run.orders["reason"][0] == Reason.BUYING_POWER
    assert run.cash[-1] == pytest.approx(5_000.0 - 49 * 100.02)


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ("at_back", [(3.3, BUY, 20, 100.0)]),
        ("pro_rata", [(3.2, BUY, 20, 100.0), (3.3, BUY, 20, 100.0)]),
    ],
)
def test_levels_without_ids_move_up_by_the_assumption_of_the_run(queue: str, expected: list[tuple[float, int, float, float]]) -> None:
    world = recording(
        [
            event(0.1, K.SET_LEVEL, 10000, 100, side=BUY),
            event(0.2, K.SET_LEVEL, 10002, 100, side=SELL),
            event(2.1, K.SET_LEVEL, 10000, 200, side=BUY),  # 100 join behind the own order
            event(2.2, K.SET_LEVEL, 10000, 160, side=BUY),  # 40 cancel: pro rata 20 of them in front, which leaves 80
            event(3.1, K.TRADE, 10000, 80, side=BUY),  # at the back: 20 still in front; pro rata: none
            event(3.15, K.SET_LEVEL, 10000, 80, side=BUY),  # the trade's own decrease, no cancel
            event(3.2, K.TRADE, 10000, 20, side=BUY),
            event(3.3, K.TRADE, 10000, 20, side=BUY),
            *END,
        ]
    )
    assert fills(play(world, {0: [limit(BUY, 40, 100.00)]}, ReplayRules(queue=queue))) == expected  # type: ignore[arg-type]


def test_the_strategy_hears_fills_before_it_wakes_and_sees_its_position() -> None:
    strategy = Scripted({0: [market(BUY, 60)]})
    play(recording([*OPENING, event(1.5, K.ADD, 9990, 1, side=BUY, id=50), *END]), strategy)
    assert [(bar, fill.qty, fill.price) for bar, fill in strategy.heard] == [(1, 60.0, 100.02)]
    assert strategy.seen[0][3].tolist() == [0.0]
    assert strategy.seen[1][3].tolist() == [60.0]


def test_bars_hold_the_prints_of_their_second() -> None:
    world = recording([*OPENING, event(1.1, K.EXECUTE, 10000, 10, side=BUY, id=1), event(1.9, K.EXECUTE_HIDDEN, 10001, 5, side=BUY), *END])
    strategy = Scripted({})
    play(world, strategy)
    prices = [seen[4][0] for seen in strategy.seen]
    assert np.isnan(prices[0])
    assert prices[1:] == [100.01] * 9
    assert [seen[1] for seen in strategy.seen] == [DAY + second * SECOND for second in range(1, 11)]
