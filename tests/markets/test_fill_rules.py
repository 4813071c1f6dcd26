"""The fill rules of the bars market, one hand-made case each. Bars are (open, high, low, close)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marketsim.errors import StrategyError
from marketsim.records import Cancel, Fill, Kind, Order, Reason, Side, Status, Tif
from tests.markets.worlds import NO_BAR, Scripted, fills, panel, play

BUY, SELL = Side.BUY, Side.SELL
UP = [(100.0, 101.0, 99.0, 100.0), (102.0, 105.0, 101.0, 104.0), (104.0, 106.0, 103.0, 105.0), (105.0, 107.0, 98.0, 99.0)]


def order(side: Side = BUY, qty: float = 10.0, kind: Kind = Kind.MARKET, **more: float | Tif) -> Order:
    return Order("A", side, qty, kind, **more)  # type: ignore[arg-type]


def test_market_order_fills_at_the_next_open() -> None:
    run = play(panel({"A": UP}), {0: [order()]})
    assert fills(run) == [(1, 1, 10.0, 102.0)]


def test_market_order_fills_at_the_same_close_only_when_asked() -> None:
    run = play(panel({"A": UP}), {0: [order()]}, market={"kind": "bars", "fill": "same_close"})
    assert fills(run) == [(0, 1, 10.0, 100.0)]


def test_orders_of_the_last_bar_never_fill_and_say_why() -> None:
    run = play(panel({"A": UP}), {3: [order()]})
    assert fills(run) == []
    assert (run.orders["status"][0], run.orders["reason"][0]) == (Status.CANCELLED, Reason.END_OF_RUN)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (order(kind=Kind.LIMIT, limit_price=101.5), [(1, 1, 10.0, 101.5)]),  # touched inside bar 1
        (order(kind=Kind.LIMIT, limit_price=103.0), [(1, 1, 10.0, 102.0)]),  # marketable: the open, not the limit
        (order(kind=Kind.LIMIT, limit_price=98.0), [(3, 1, 10.0, 98.0)]),  # a touch of the low is a fill
        (order(kind=Kind.LIMIT, limit_price=97.99), []),
        (order(SELL, kind=Kind.LIMIT, limit_price=106.5), [(3, -1, 10.0, 106.5)]),
        (order(SELL, kind=Kind.LIMIT, limit_price=101.0), [(1, -1, 10.0, 102.0)]),
        (order(kind=Kind.STOP, stop_price=101.5), [(1, 1, 10.0, 102.0)]),  # gapped over: the open
        (order(kind=Kind.STOP, stop_price=104.5), [(1, 1, 10.0, 104.5)]),
        (order(SELL, kind=Kind.STOP, stop_price=98.5), [(3, -1, 10.0, 98.5)]),
        (order(SELL, kind=Kind.STOP, stop_price=102.0), [(1, -1, 10.0, 102.0)]),  # exactly at the open
        (order(kind=Kind.MARKET_ON_OPEN), [(1, 1, 10.0, 102.0)]),
        (order(kind=Kind.MARKET_ON_CLOSE), [(1, 1, 10.0, 104.0)]),
        # Stop-limit: marketable when the stop is hit trades at the stop …
        (order(kind=Kind.STOP_LIMIT, stop_price=104.5, limit_price=104.8), [(1, 1, 10.0, 104.5)]),
        # … gapped over its limit it waits for the limit, later in the same bar if the low reaches it …
        (order(kind=Kind.STOP_LIMIT, stop_price=101.0, limit_price=101.5), [(1, 1, 10.0, 101.5)]),
        # … and hit inside the bar with a limit behind its stop it trades only if the close proves it.
        (order(kind=Kind.STOP_LIMIT, stop_price=104.5, limit_price=103.5), [(2, 1, 10.0, 103.5)]),
        (order(SELL, kind=Kind.STOP_LIMIT, stop_price=98.5, limit_price=98.9), [(3, -1, 10.0, 98.9)]),
        (order(SELL, kind=Kind.STOP_LIMIT, stop_price=98.5, limit_price=99.5), []),
    ],
)
def test_price_rules(what: Order, expected: list[tuple[int, int, float, float]]) -> None:
    assert fills(play(panel({"A": UP}), {0: [what]})) == expected


def test_day_order_expires_with_its_first_session_and_gtc_does_not() -> None:
    far = {"kind": Kind.LIMIT, "limit_price": 98.0}
    run = play(panel({"A": UP}), {0: [order(tif=Tif.DAY, **far), order(tif=Tif.GTC, **far)]})
    assert fills(run) == [(3, 1, 10.0, 98.0)]
    assert (run.orders["status"][0], run.orders["reason"][0]) == (Status.EXPIRED, Reason.END_OF_SESSION)
    assert run.orders["ended_ns"][0] == panel({"A": UP}).close_ns[1]


def test_day_order_lives_through_all_bars_of_an_intraday_session() -> None:
    market = panel({"A": UP}, bars_a_session=2)
    run = play(
        market, {0: [order(tif=Tif.DAY, kind=Kind.LIMIT, limit_price=90.0)], 1: [order(tif=Tif.DAY, kind=Kind.LIMIT, limit_price=98.0)]}
    )
    assert list(run.orders["ended_ns"]) == [market.close_ns[1], market.close_ns[3]]
    assert fills(run) == [(3, 1, 10.0, 98.0)]


def test_stop_is_taken_before_limit_when_one_bar_reaches_both() -> None:
    """The path inside a bar is unknown, so a bracket closes at its stop: long from 102, stop 103.2 and target 105.9 in bar 2."""
    bracket = [order(SELL, kind=Kind.LIMIT, limit_price=105.9), order(SELL, kind=Kind.STOP, stop_price=103.2)]
    run = play(panel({"A": UP}), {0: [order()], 1: bracket}, account={"allow_short": False})
    assert fills(run) == [(1, 1, 10.0, 102.0), (2, -1, 10.0, 103.2)]
    assert (run.orders["status"][1], run.orders["reason"][1]) == (Status.REJECTED, Reason.SHORT_NOT_ALLOWED)


def test_costs_of_a_taker_by_hand() -> None:
    """Open 102, half spread 5 bp, slippage 10 bp: 102 + 0.051 + 0.102 = 102.153; fee 1 cent a share + 2 bp."""
    run = play(
        panel({"A": UP}),
        {0: [order(qty=100.0)]},
        dealer={"half_spread_bps": 5},
        slippage_bps=10,
        fees={"per_share": 0.01, "per_notional_bps": 2},
    )
    fill = run.fills[0]
    assert fill["price"] == pytest.approx(102.153)
    assert (fill["spread_cost"], fill["slippage_cost"]) == (pytest.approx(5.1), pytest.approx(10.2))
    assert fill["fee"] == pytest.approx(1.0 + 10215.3 * 0.0002)
    assert run.cash[-1] == pytest.approx(1e6 - 10215.3 - 3.04306)


def test_resting_limit_pays_no_spread_and_no_slippage() -> None:
    run = play(panel({"A": UP}), {0: [order(kind=Kind.LIMIT, limit_price=101.5)]}, slippage_bps=50, dealer={"half_spread_bps": 50})
    assert fills(run) == [(1, 1, 10.0, 101.5)]


def test_minimum_fee_counts_once_an_order_not_once_a_fill() -> None:
    """A cap of 5 % of 100 lets 5 shares trade a bar; 10 × 0.05 = 0.50 stays below the minimum of 1, paid once."""
    run = play(
        panel({"A": UP}, volume=100.0),
        {0: [order()]},
        market={"kind": "bars", "participation_cap": 0.05},
        fees={"per_share": 0.05, "minimum": 1.0},
    )
    assert fills(run) == [(1, 1, 5.0, 102.0), (2, 1, 5.0, 104.0)]
    assert list(run.fills["fee"]) == [1.0, 0.0]


def test_participation_cap_is_shared_by_all_orders_of_the_agent_in_a_symbol() -> None:
    run = play(panel({"A": UP}, volume=100.0), {0: [order(qty=8.0), order(qty=8.0)]}, market={"kind": "bars", "participation_cap": 0.1})
    assert fills(run) == [(1, 1, 8.0, 102.0), (1, 1, 2.0, 102.0), (2, 1, 6.0, 104.0)]


def test_square_root_impact_by_hand() -> None:
    """Closes 100, 104, 105: log returns .039221, .009569; sd (n-1) = .020967; 10,000 of 1,000,000 shares: sqrt(.01) = .1; open 105."""
    run = play(panel({"A": UP}), {2: [order(qty=10_000.0)]}, market={"kind": "bars", "impact": {"coefficient": 1.0}}, account={"cash": 1e9})
    moves = [math.log(1.04), math.log(105 / 104)]
    sigma = abs(moves[0] - moves[1]) / math.sqrt(2)
    assert fills(run)[0][3] == pytest.approx(105.0 * (1 + sigma * 0.1), rel=1e-12)
    assert run.fills["impact_cost"][0] == pytest.approx(10_000 * 105.0 * sigma * 0.1)


def test_buying_power_cuts_an_order_to_what_cash_carries() -> None:
    """10,000 cash, open 102, 10 bp fee: 10,000 / 102.102 = 97.9 → 97 shares; the rest is cancelled with the reason."""
    run = play(panel({"A": UP}), {0: [order(qty=200.0)]}, account={"cash": 10_000.0}, fees={"per_notional_bps": 10})
    assert fills(run) == [(1, 1, 97.0, 102.0)]
    assert (run.orders["status"][0], run.orders["reason"][0]) == (Status.CANCELLED, Reason.BUYING_POWER)


def test_leverage_multiplies_buying_power() -> None:
    run = play(panel({"A": UP}), {0: [order(qty=500.0)]}, account={"cash": 10_000.0, "max_leverage": 2.0})
    assert fills(run) == [(1, 1, 196.0, 102.0)]  # 20,000 / 102 = 196.08


def test_sales_that_free_cash_go_before_purchases_at_the_same_open() -> None:
    market = panel({"A": UP, "B": UP})
    script = {0: [order(qty=98.0)], 1: [Order("B", BUY, 96.0), order(SELL, qty=98.0)]}
    run = play(market, script, account={"cash": 10_000.0})
    assert fills(run) == [(1, 1, 98.0, 102.0), (2, -1, 98.0, 104.0), (2, 1, 96.0, 104.0)]


def test_short_sale_is_refused_when_not_allowed_and_only_beyond_the_position() -> None:
    run = play(panel({"A": UP}), {0: [order(qty=10.0)], 1: [order(SELL, qty=15.0)]}, account={"allow_short": False})
    assert fills(run) == [(1, 1, 10.0, 102.0), (2, -1, 10.0, 104.0)]
    assert run.orders["reason"][1] == Reason.SHORT_NOT_ALLOWED


def test_short_position_pays_borrow_by_the_day_and_its_dividend() -> None:
    """Short 100 at 102; marks 104 and 105: borrow 36 % a year /360 = 0.1 % a night: 10.40 then 10.50; dividend 1.00 on bar 2: 100."""
    run = play(panel({"A": UP}, dividends={("A", 2): 1.0}), {0: [order(SELL, qty=100.0)]}, account={"borrow_rate_bps": 3600})
    assert list(run.borrow) == [0.0, 0.0, pytest.approx(10.4), pytest.approx(10.5)]
    assert list(run.dividends) == [0.0, 0.0, -100.0, 0.0]
    assert run.cash[-1] == pytest.approx(1e6 + 10_200 - 20.9 - 100)


def test_split_restates_position_orders_and_the_view_but_not_the_value() -> None:
    """2:1 at bar 2: 10 shares become 20; a resting limit 98 for 10 becomes 49 for 20; the view shows bar 0 and 1 closes halved."""
    halves = [UP[0], UP[1], (52.0, 53.0, 51.0, 52.0), (52.0, 53.0, 49.0, 50.0)]
    strategy = Scripted({0: [order(), order(kind=Kind.LIMIT, limit_price=98.0)]})
    run = play(panel({"A": halves}, splits={("A", 2): 2.0}), strategy)
    assert list(run.position[:, 0]) == [0.0, 10.0, 20.0, 40.0]
    assert fills(run)[1] == (3, 1, 20.0, 49.0)
    assert list(strategy.seen[2][4][:, 0]) == [50.0, 52.0, 52.0]
    assert list(strategy.seen[1][4][:, 0]) == [100.0, 104.0]
    equity = run.cash + (run.position * run.mark)[:, 0]
    assert equity[2] - equity[1] == pytest.approx(0.0)  # 10 × 104 = 20 × 52


def test_dividend_is_paid_to_who_held_overnight_not_to_who_buys_that_open() -> None:
    script = {0: [order(qty=10.0)], 1: [order(qty=5.0)]}
    run = play(panel({"A": UP}, dividends={("A", 2): 0.5}), script)
    assert list(run.dividends) == [0.0, 0.0, 5.0, 0.0]


def test_symbol_without_a_bar_neither_fills_nor_loses_its_mark() -> None:
    gap = [UP[0], UP[1], NO_BAR, UP[3]]
    run = play(panel({"A": gap, "B": UP}), {0: [order()], 1: [order(SELL)]})
    assert fills(run) == [(1, 1, 10.0, 102.0), (3, -1, 10.0, 105.0)]
    assert run.mark[2, 0] == 104.0


def test_unfilled_part_of_an_auction_order_is_cancelled() -> None:
    run = play(panel({"A": UP}, volume=100.0), {0: [order(kind=Kind.MARKET_ON_OPEN)]}, market={"kind": "bars", "participation_cap": 0.05})
    assert fills(run) == [(1, 1, 5.0, 102.0)]
    assert (run.orders["status"][0], run.orders["reason"][0]) == (Status.CANCELLED, Reason.AUCTION_OVER)


def test_cancel_withdraws_an_order_and_cancelling_a_filled_one_changes_nothing() -> None:
    script = {0: [order(kind=Kind.LIMIT, limit_price=98.0), order()], 1: [Cancel(0), Cancel(1)]}
    run = play(panel({"A": UP}), script)
    assert fills(run) == [(1, 1, 10.0, 102.0)]
    assert list(run.orders["reason"]) == [Reason.BY_STRATEGY, Reason.NONE]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (order(qty=0.0), Reason.BAD_QUANTITY),
        (order(qty=-5.0), Reason.BAD_QUANTITY),
        (order(qty=float("nan")), Reason.BAD_QUANTITY),
        (order(qty=1.5), Reason.BAD_QUANTITY),
        (order(kind=Kind.LIMIT), Reason.BAD_PRICE),
        (order(kind=Kind.STOP, stop_price=-1.0), Reason.BAD_PRICE),
        (order(kind=Kind.STOP_LIMIT, stop_price=1.0), Reason.BAD_PRICE),
    ],
)
def test_impossible_orders_are_rejected_one_by_one(bad: Order, reason: Reason) -> None:
    run = play(panel({"A": UP}), {0: [bad, order()]})
    assert (run.orders["status"][0], run.orders["reason"][0]) == (Status.REJECTED, reason)
    assert fills(run) == [(1, 1, 10.0, 102.0)]


@pytest.mark.parametrize("nonsense", [[42], 7, [Order("Z", BUY, 1.0)], [Cancel(5)], np.zeros(3)])
def test_nonsense_from_a_strategy_names_the_agent_and_the_time(nonsense: object) -> None:
    class Nonsense(Scripted):
        def on_wake(self, market: object) -> object:  # type: ignore[override]
            return nonsense

    with pytest.raises(StrategyError, match=r"agent strategy at 2020-01-01T21:00:00Z"):
        play(panel({"A": UP}), Nonsense({}))


def test_strategy_that_raises_is_named_with_time_and_reason() -> None:
    class Broken(Scripted):
        def on_wake(self, market: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError("no volume")

    with pytest.raises(StrategyError, match=r"agent strategy raised ZeroDivisionError at 2020-01-01T21:00:00Z: no volume"):
        play(panel({"A": UP}), Broken({}))


def test_strategy_hears_its_fills_before_it_wakes() -> None:
    strategy = Scripted({0: [order()]})
    play(panel({"A": UP}), strategy, fees={"per_share": 0.1})
    assert strategy.heard == [Fill(0, "A", BUY, 10.0, 102.0, 1.0, int(panel({"A": UP}).open_ns[1]))]


def test_account_worth_nothing_is_closed_and_flattened() -> None:
    """Short 98 at 102 on 10,000 cash; at 306 equity is 10,000 - 98 × 204 < 0: bar 3 buys back at its open, the script is ignored."""
    crash = [UP[0], UP[1], (300.0, 310.0, 290.0, 306.0), (306.0, 306.0, 306.0, 306.0)]
    run = play(panel({"A": crash}), {0: [order(SELL, qty=98.0)], 2: [order(SELL, qty=10.0)]}, account={"cash": 10_000.0})
    assert fills(run) == [(1, -1, 98.0, 102.0), (3, 1, 98.0, 306.0)]
    assert run.position[-1, 0] == 0.0


def test_strategy_cannot_reach_a_bar_that_has_not_closed() -> None:
    """Neither the view's arrays nor the memory behind them hold anything of the future."""
    reached: list[float] = []

    class Peeker(Scripted):
        def on_wake(self, market: object) -> object:  # type: ignore[override]
            window = market.window("close", 2)  # type: ignore[attr-defined]
            whole = window if window.base is None else window.base
            reached.append(float(np.nanmax(whole)))
            with pytest.raises(ValueError, match="read-only"):
                window[0] = 1.0
            return ()

    rising = [(float(p), float(p), float(p), float(p)) for p in (1, 2, 3, 4)]
    play(panel({"A": rising}), Peeker({}))
    assert reached == [1.0, 2.0, 3.0, 4.0]


def test_an_order_that_reduces_only_since_another_one_traded_still_gets_the_open() -> None:
    # The purchase goes first; the sale of the same open must not fall between "reducing" and "the others", nor wait inside the bar.
    flat = [(80.0, 80.0, 80.0, 80.0)] * 2
    run = play(panel({"A": flat}), {0: [order(), order(SELL, 10.0, Kind.STOP, stop_price=81.0)]})
    assert fills(run) == [(1, 1, 10.0, 80.0), (1, -1, 10.0, 80.0)]
