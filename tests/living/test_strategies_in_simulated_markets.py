"""Strategies among agents: what they see, when they are woken, and that the books add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketsim.agents.strategies.buy_and_hold import BuyAndHold, BuyAndHoldParams
from marketsim.agents.strategies.sma_crossover import SmaCrossover, SmaCrossoverParams
from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.errors import ConfigError, StrategyError
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.sessions import PlainMarket, SimulatedBars, play_sessions, session_seed
from marketsim.markets.simulated.setting import Latency, Setting
from marketsim.markets.simulated.trader import Trader
from marketsim.markets.simulated.world import World
from marketsim.records import (
    FILL,
    Cancel,
    Flag,
    Kind,
    Liquidity,
    Order,
    Reason,
    Side,
    Status,
)
from tests.living.crowds import (
    SECOND,
    Scripted,
    account_costs,
    empty_panel,
    flat_market,
    one_session,
    people,
    trade,
)
from tests.markets.worlds import panel as bars_panel
from tests.markets.worlds import play

BUY, SELL = Side.BUY, Side.SELL


def test_the_same_class_runs_in_bars_and_simulated_markets() -> None:
    for make in (lambda: BuyAndHold(BuyAndHoldParams()), lambda: SmaCrossover(SmaCrossoverParams(fast=2, slow=4, short=True))):
        simulated = trade(make(), empty_panel(["A"], 1, 30, 900))
        rising = play(bars_panel({"A": [(100.0 + k % 7, 108.0, 99.0, 101.0 + k % 7) for k in range(30)]}), make())
        assert simulated.orders.dtype == rising.orders.dtype
        assert len(simulated.fills) > 0
        assert len(rising.fills) > 0


def test_bars_are_those_of_the_trades() -> None:
    trades: list[np.ndarray[Any, Any]] = []
    panel = empty_panel(["A", "B"], 2, 3, 900)
    strategy = Scripted()
    market_of = flat_market(panel, members=lambda: people(60, 2), hand_over=lambda handed: trades.append(handed.tape.trades))
    trade(strategy, panel, market_of=market_of)
    tape = np.concatenate(trades)
    assert len(tape) > 1000
    for bar in range(6):
        for symbol in range(2):
            last_of_session = bar % 3 == 2
            within = (tape["time_ns"] >= panel.open_ns[bar]) & (tape["time_ns"] < panel.close_ns[bar] + 2 * last_of_session)
            own = tape[within & (tape["symbol"] == symbol)]
            price = own["price_tick"] / 100
            found = (panel.open[bar, symbol], panel.high[bar, symbol], panel.low[bar, symbol], panel.close[bar, symbol])
            assert found == (price[0], price.max(), price.min(), price[-1])
            assert panel.volume[bar, symbol] == own["qty_lot"].sum()
    assert [x["n_bars"] for x in strategy.seen] == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(strategy.seen[-1]["close"], panel.close)


def test_a_strategy_sees_the_past_before_the_first_session_but_not_the_bar_under_way() -> None:
    panel = empty_panel(["A"], 4, 1, 600)
    for prices in (panel.open, panel.high, panel.low, panel.close):
        prices[:2] = [[50.0], [51.0]]
    strategy = Scripted()
    run = trade(strategy, panel, first_bar=2)
    assert [x["n_bars"] for x in strategy.seen] == [3, 4]
    assert strategy.seen[0]["close"][:2].tolist() == [[50.0], [51.0]]
    assert len(strategy.seen[0]["close"]) == 3
    assert len(run.cash) == 2


def test_the_account_agrees_with_the_exchange_to_the_last_tick() -> None:
    worlds: list[Any] = []
    script = {k: [Order("A", BUY if k % 3 else SELL, 40 + k), Order("A", SELL, 10, Kind.LIMIT, limit_price=100.01)] for k in range(29)}
    panel = empty_panel(["A"], 1, 30, 900)
    run = trade(Scripted(script), panel, after=lambda _, market: worlds.append(market.world))
    number = len(worlds[0].members)
    assert len(run.fills) > 30
    assert run.position[-1, 0] == worlds[0].holdings[number, 0]
    assert (run.fills["side"] * run.fills["qty"]).sum() == run.position[-1, 0]
    assert run.cash[-1] - 1e6 == pytest.approx(worlds[0].agents[number]["cash_tick_lot"] / 100, abs=1e-6)
    assert worlds[0].agents["cash_tick_lot"].sum() == 0
    assert worlds[0].holdings.sum() == 0


def test_what_a_fill_costs_is_split_at_the_touch() -> None:
    run, strategy = one_session({0: [Order("A", BUY, 300)]})
    fills = run.fills
    bid, ask = strategy.seen[0]["bid"][0], strategy.seen[0]["ask"][0]
    # With 3 microseconds of latency nobody else came between.
    assert fills["liquidity"].tolist() == [Liquidity.TAKER] * len(fills)
    assert fills["reference_price"] == pytest.approx((bid + ask) / 2)
    assert fills["spread_cost"] == pytest.approx(fills["qty"] * (ask - bid) / 2)
    assert fills["impact_cost"] == pytest.approx(fills["qty"] * (fills["price"] - ask), abs=1e-9)
    assert fills["impact_cost"].sum() > 0.0
    assert fills["qty"].sum() == 300


def test_commission_is_the_account_s_and_charged_once_an_order() -> None:
    run, _ = one_session({0: [Order("A", BUY, 300)]}, costs=account_costs(fee_per_share=0.005, fee_minimum=1.0))
    assert len(run.fills) > 1
    assert run.fills["fee"].sum() == pytest.approx(1.5)
    assert run.orders["fee"][0] == pytest.approx(1.5)


def test_splits_and_dividends_reach_positions_and_orders_overnight() -> None:
    panel = empty_panel(["A"], 2, 1, 900)
    panel.split[1, 0], panel.dividend[1, 0] = 2.0, 0.5

    def market_of(row: int, guests: Any) -> Any:
        return flat_market(panel, value_tick=10_000.0 if row == 0 else 5_000.0)(row, guests)

    class Early(Scripted):
        data_every_ns = 300 * SECOND

        def on_data(self, market: Any) -> Any:
            super().on_data(market)
            return [Order("A", BUY, 30), Order("A", BUY, 40, Kind.LIMIT, limit_price=60.0)] if len(self.live) == 1 else ()

    strategy = Early()
    run = trade(strategy, panel, market_of=market_of)
    before, after = strategy.live[2], strategy.live[3]
    assert (before["position"].tolist(), after["position"].tolist()) == ([30.0], [60.0])
    assert [(o.qty, o.limit_price) for o in before["open_orders"].values()] == [(40.0, 60.0)]
    assert [(o.qty, o.limit_price) for o in after["open_orders"].values()] == [(80.0, 30.0)]
    assert run.dividends.tolist() == [0.0, 30.0]
    assert after["equity"] == pytest.approx(before["equity"] + 30.0, rel=1e-4)


def test_live_data_come_at_the_times_asked_for_and_orders_arrive_one_latency_later() -> None:
    class Quick(Scripted):
        data_every_ns = 70 * SECOND

        def on_data(self, market: Any) -> Any:
            super().on_data(market)
            if len(self.live) == 1:
                market.wake_at(market.time_ns + 5_000_000)
                return [Order("A", BUY, 1)]
            return None

    panel = empty_panel(["A"], 1, 3, 900)
    strategy = Quick()
    run = trade(strategy, panel, latency=Latency(40_000_000, 60_000_000))
    start = int(panel.open_ns[0])
    told = [(x["time_ns"] - start) / SECOND for x in strategy.live]
    assert told == [70.0, 70.005, *[70.0 * k for k in range(2, 13)]]
    assert (int(run.fills["time_ns"][0]) - start) / SECOND == 70.06
    assert run.orders["submitted_ns"][0] == start + 70 * SECOND
    assert np.isfinite(strategy.live[0]["bid"]).all()
    # A bar is seen once its data have arrived.
    assert [(x["time_ns"] - start) / SECOND for x in strategy.seen] == [300.04, 600.04, 900.04]


def test_where_there_is_no_live_book_asking_for_one_says_so() -> None:
    for ask in ("bid", "ask", "depth", "wake_at"):

        class Curious(Strategy):
            def on_wake(self, market: Any, ask: str = ask) -> None:
                getattr(market, ask) if ask in ("bid", "ask") else getattr(market, ask)(*("A", 1)[: 2 if ask == "depth" else 1])

        with pytest.raises(StrategyError, match=rf"market\.{ask} needs a live book, which only the simulated market has"):
            play(bars_panel({"A": [(100.0, 101.0, 99.0, 100.0)] * 3}), Curious(StrategyParams()))


def test_what_only_a_book_can_honour_is_refused_by_the_bars_market() -> None:
    orders = [Order("A", BUY, 5, flags=Flag.HIDDEN), Order("A", BUY, 5, display_qty=1.0), Order("A", BUY, 5, min_qty=1.0)]
    run = play(bars_panel({"A": [(100.0, 101.0, 99.0, 100.0)] * 3}), {0: orders})
    assert run.orders["reason"].tolist() == [Reason.BAD_FLAGS, Reason.BAD_DISPLAY, Reason.BAD_MINIMUM]


def test_strategies_meet_each_other_in_one_market() -> None:
    panel = empty_panel(["A"], 1, 3, 900)
    offers = Scripted({0: [Order("A", SELL, 50, Kind.LIMIT, limit_price=300.0)]})
    takes = Scripted({1: [Order("A", BUY, 50, Kind.LIMIT, limit_price=300.0)]})
    market_of = flat_market(panel, members=list)  # nobody else is there
    runs = trade({"one": offers, "two": takes}, panel, market_of=market_of, costs=account_costs(max_leverage=10.0))
    assert runs["one"].fills["price"].tolist() == runs["two"].fills["price"].tolist() == [300.0]
    assert runs["one"].fills["liquidity"].tolist() == [Liquidity.MAKER]
    assert runs["two"].fills["liquidity"].tolist() == [Liquidity.TAKER]
    assert panel.volume[:, 0].tolist() == [0.0, 0.0, 50.0]


def digest_of(strategies: dict[str, Strategy], seed: int = 1) -> tuple[str, np.ndarray[Any, Any]]:
    digests: list[str] = []
    streams: list[np.ndarray[Any, Any]] = []
    panel = empty_panel(["A"], 1, 3, 900)
    market_of = flat_market(panel, seed=seed, hand_over=lambda handed: digests.append(handed.tape.digest))
    trade(strategies, panel, market_of=market_of, after=lambda _, market: streams.append(market.world.agents["stream"]))
    return digests[-1], streams[-1]


def test_the_same_seed_gives_the_same_tape_and_a_silent_strategy_changes_nothing() -> None:
    nobody, draws = digest_of({})
    silent, same_draws = digest_of({"strategy": Scripted()})
    assert nobody == silent
    assert np.array_equal(draws, same_draws[: len(draws)])
    busy, busy_draws = digest_of({"strategy": Scripted({0: [Order("A", BUY, 50)]})})
    assert busy != nobody
    assert np.array_equal(draws, busy_draws[: len(draws)])  # every other agent drew what it would have drawn
    assert digest_of({"strategy": Scripted({0: [Order("A", BUY, 50)]})})[0] == busy
    assert digest_of({}, seed=2)[0] != nobody


def test_lots_that_do_not_fit_and_jitter_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"account\.lot_size: 0\.5 is not a whole number of the market's lots of 1 shares"):
        one_session(costs=account_costs(lot_size=0.5))
    with pytest.raises(ConfigError, match=r"agent strategy: a strategy's latency is constant"):
        one_session(latency=Latency(1, 1, 0, ("log_normal", 1.0, 1.0)))


def test_a_strategy_without_orders_leaves_empty_tables() -> None:
    run, _ = one_session()
    assert run.fills.dtype == FILL
    assert len(run.fills) == len(run.orders) == 0
    assert run.cash.tolist() == [1e6] * 3


def test_one_market_can_go_on_over_several_sessions() -> None:
    panel = empty_panel(["A"], 3, 2, 900)
    ends = panel.session_end
    sessions = tuple((int(a), int(b) + 1) for a, b in zip(panel.open_ns[::2], panel.close_ns[ends], strict=True))

    def market_of(row: int, guests: Any) -> PlainMarket:
        setting = Setting(sessions, np.full((1, 3, 902), 10_000.0))
        return PlainMarket(World(setting, [*people(), *guests], session_seed(1, sessions[row][0])))

    strategy = Scripted({1: [Order("A", BUY, 10), Order("A", SELL, 10, Kind.LIMIT, limit_price=150.0)], 2: [Cancel(1)]})
    trader = Trader("strategy", strategy, 1e6, account_costs(), Latency(2000, 3000))
    run = play_sessions(SimulatedBars.in_one(panel, Scale(0.01, 1.0)), market_of, [trader])[0]
    assert [x["n_bars"] for x in strategy.seen] == [1, 2, 3, 4, 5, 6]
    assert panel.open_ns[2] < run.fills["time_ns"][0] < panel.open_ns[2] + SECOND
    assert run.orders["status"].tolist() == [Status.FILLED, Status.CANCELLED]
    assert run.position[:, 0].tolist() == [0, 0, 10, 10, 10, 10]
