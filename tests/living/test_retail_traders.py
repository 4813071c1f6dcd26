"""Retail traders: rules by hand calculation, laws of their draws, and what news make them do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.retail.dip_buyer import DipBuyerParams, dip_buyer
from marketsim.agents.retail.herd import HerdParams, herd
from marketsim.agents.retail.retail_momentum import RetailMomentumParams, retail_momentum
from marketsim.agents.retail.stop_clusters import StopClustersParams, stop_clusters
from marketsim.markets.simulated.setting import Latency, Member, News
from marketsim.records import Kind, NewsCode, Phase
from tests.living.small_worlds import SECOND, T0, Played, enters, message, play, rests

RETAIL: dict[str, tuple[CompiledAgent, type[AgentParams]]] = {
    "retail_momentum": (retail_momentum, RetailMomentumParams),
    "dip_buyer": (dip_buyer, DipBuyerParams),
    "stop_clusters": (stop_clusters, StopClustersParams),
    "herd": (herd, HerdParams),
}


def trader(kind: str, name: str = "", position: int = 0, latency: Latency = Latency(), **parameters: Any) -> Member:  # noqa: B008
    agent, params = RETAIL[kind]
    return Member(name or kind, agent, params(**parameters), position_lot=(position,), latency=latency)


def path(mid: Callable[[float], float], until_s: int, lots: int = 100_000) -> list[npt.NDArray[np.void]]:
    """A deep book, a tick on each side of a mid that moves once a second."""
    steps = []
    for k in range(until_s):
        price = round(mid(k))
        if k > 0:
            steps += [message(k, Kind.CANCEL, number=2 * k - 2), message(k, Kind.CANCEL, number=2 * k - 1)]
        steps += rests([(1, price - 1, lots), (-1, price + 1, lots)], at_s=k, first=2 * k)
    return steps


def signed(done: Played, number: int = 1) -> list[tuple[float, int]]:
    """(seconds, signed lots) of an agent's orders."""
    return [((int(m["time_ns"]) - T0) / SECOND, int(m["side"] * m["qty_lot"])) for m in done.sent(number, Kind.LIMIT)]


def test_momentum_buys_the_rise_and_leaves_when_the_averages_cross() -> None:
    # Up by 1 % a minute for two minutes, then down.
    market = path(lambda t: 10_000 * math.exp((t if t < 120 else 240 - t) / 6000), 240)
    member = trader("retail_momentum", mean_wait_s=2.0, fast_s=10.0, slow_s=40.0, band_bps=10.0, clip_median_lot=100, clip_log_sd=0.0,
                    position_limit_lot=350)  # fmt: skip
    done = play([member], market, seconds=240)
    trades = signed(done)
    assert [lots for _, lots in trades] == [100, 100, 100, 50, -350]
    assert trades[3][0] < 60
    # On a steady slope g the averages are g (slow - fast) apart, 50 bps; both have turned half a minute or so after the price.
    assert 120 < trades[4][0] < 180


def test_momentum_sells_short_only_when_it_may() -> None:
    market = path(lambda t: 10_000 * math.exp(-t / 6000), 120)
    rule = {"mean_wait_s": 2.0, "fast_s": 10.0, "slow_s": 40.0, "clip_median_lot": 100, "clip_log_sd": 0.0, "position_limit_lot": 250}
    assert play([trader("retail_momentum", **rule)], market, seconds=120).position(1) == 0
    assert play([trader("retail_momentum", short_selling=True, **rule)], market, seconds=120).position(1) == -250


def test_a_dip_is_bought_step_by_step_and_sold_with_the_profit() -> None:
    def mid(t: float) -> float:  # down 3 %, then up again
        return 10_000 - 5 * t if t < 60 else 9_700 + 5 * (t - 60)

    member = trader("dip_buyer", mean_wait_s=0.05, dip_bps=100.0, profit_bps=50.0, memory_s=1e9, clip_median_lot=100, clip_log_sd=0.0)
    done = play([member], path(mid, 120), seconds=120)
    trades = signed(done)
    # The high has sunk a little when the mid is 9,900, so the first step is taken at 9,895; the second at 9,795, 1 % below that; the low of
    # 9,700 is not 1 % below that again. The cost is 9,846 a lot, and 0.5 % above it, 9,895.2, is passed when the mid is back at 9,900.
    assert [lots for _, lots in trades] == [100, 100, -200]
    assert [int(trade["price_tick"]) for trade in done.fills(1)] == [9896, 9796, 9899]


def test_a_dip_that_goes_on_is_given_up_in_time() -> None:
    member = trader("dip_buyer", mean_wait_s=0.05, dip_bps=100.0, patience_s=30.0, memory_s=1e9, clip_median_lot=100, clip_log_sd=0.0)
    done = play([member], path(lambda t: 10_000 if t < 5 else 9_890, 60), seconds=60)
    (bought_s, bought), (sold_s, sold) = signed(done)[:2]
    assert (bought, sold) == (100, -100)
    assert 5 <= bought_s < 6
    assert 30 <= sold_s - bought_s < 31


@pytest.mark.parametrize(("position", "mid", "lowest", "highest"), [
    (100, 1050, 995, 999),  # the next round price below 1030
    (100, 1015, 895, 899),  # 1000 is nearer than 20 ticks
    (-100, 1050, 1101, 1105),
    (-100, 1085, 1201, 1205),
    (100, 1020, 995, 999),
    (-100, 1080, 1101, 1105),
])  # fmt: skip
def test_stops_stand_just_beyond_round_prices(position: int, mid: int, lowest: int, highest: int) -> None:
    members = [trader("stop_clusters", f"holder {k}", position, mean_wait_s=5.0, short_selling=True) for k in range(40)]
    done = play(members, rests([(1, mid - 1, 10), (-1, mid + 1, 10)]), seconds=60, fundamental=mid)
    stops = done.orders[done.orders["kind"] == Kind.STOP]
    assert len(stops) >= 35
    assert set(stops["side"]) == {-int(np.sign(position))}
    assert set(stops["stop_tick"].tolist()) == set(range(lowest, highest + 1))
    assert set(stops["qty_lot"]) == {100}


def test_a_fall_through_a_round_price_sets_off_the_cluster() -> None:
    members = [trader("stop_clusters", f"holder {k}", 100, mean_wait_s=5.0, trailing=False) for k in range(20)]
    book = [*rests([(1, 1049, 10), (-1, 1051, 10), *((1, 1000 - 5 * k, 300) for k in range(20))])]
    done = play(members, [*book, message(55, Kind.MARKET, -1, 0, 500, number=90)], seconds=56)
    # The sale prints 1049, 1000 and 995: stops from 995 on go off, print lower, and take the others with them.
    holders = done.trades["taker_owner"] > 0
    assert done.trades["qty_lot"][holders & (done.trades["aggressor"] == -1)].sum() == 2000
    assert done.trades["price_tick"].min() < 970


def test_a_trailing_stop_follows_to_better_round_prices_only() -> None:
    def stops(trailing: bool) -> list[int]:
        member = trader("stop_clusters", position=100, mean_wait_s=0.5, offset_tick=1, trailing=trailing)
        done = play([member], path(lambda t: 1050 + 4 * t if t < 60 else 1290 - 2 * (t - 60), 100), seconds=80)
        return [int(m["stop_tick"]) for m in done.sent(1, Kind.STOP)]

    assert stops(True) == [999, 1099, 1199]
    assert stops(False) == [999]


def test_the_herd_buys_with_the_logistic_chance() -> None:
    # Three quarters of a huge flow buy: x = 1/2, so with a = 1.5 the chance is 1 / (1 + e^-1.5) = 0.8176.
    flow = [message(5 + 0.01 * k, Kind.MARKET, -1 if k % 4 == 0 else 1, 0, 10_000, number=10 + k) for k in range(400)]
    book = rests([(1, 999, 10**8), (-1, 1001, 10**8)])
    members = [trader("herd", f"sheep {k}", 5, mean_wait_s=10.0, clip_median_lot=1.0, clip_log_sd=0.0, memory_s=1e6) for k in range(400)]
    done = play(members, [*book, *flow], seconds=60)
    sides = done.orders[(done.orders["owner_id"] > 0) & (done.orders["time_ns"] > T0 + 10 * SECOND)]["side"]
    # Its first look counts from the start of the day; all looks after 9 s have seen the whole flow, or none before.
    error = math.sqrt(0.8176 * (1 - 0.8176) / len(sides))
    assert len(sides) > 1500
    assert abs((sides == 1).mean() - 0.8176) < 4 * error


def test_clips_are_log_normal_and_looks_a_poisson_process() -> None:
    member = trader("herd", position=10**7, mean_wait_s=2.0, clip_median_lot=50.0, clip_log_sd=0.8, position_limit_lot=10**8, contagion=0.0)
    done = play([member], rests([(1, 999, 10**10), (-1, 1001, 10**10)]), seconds=20_000)
    lots = np.abs([lots for _, lots in signed(done)])
    n = len(lots)
    assert n == pytest.approx(10_000, abs=4 * 100)
    # Rounded down to whole lots: compare with the quantiles of 50 e^(0.8 z), standard error sqrt(q (1 - q) / n).
    for z, q in ((-1.0, 0.158655), (0.0, 0.5), (1.0, 0.841345)):
        assert abs((lots < math.floor(50 * math.exp(0.8 * z))).mean() - q) < 4 * math.sqrt(q * (1 - q) / n) + 0.01
    waits = np.diff([at_s for at_s, _ in signed(done)])
    assert waits.std() == pytest.approx(waits.mean(), rel=0.05)
    assert abs((np.array([lots for _, lots in signed(done)]) > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(n)


@pytest.mark.parametrize("kind", ["retail_momentum", "herd"])
@pytest.mark.parametrize(("code", "size", "symbol", "side"), [
    (NewsCode.NEWS, 0.02, 0, 1), (NewsCode.NEWS, -0.02, -1, -1), (NewsCode.NEWS, 0.02, 1, 0), (NewsCode.LIQUIDITY, 1.0, 0, 0),
])  # fmt: skip
def test_news_are_followed_by_the_share_of_traders_that_the_chance_says(kind: str, code: int, size: float, symbol: int, side: int) -> None:
    slow = Latency(data_ns=100_000_000, jitter=("log_normal", math.log(2e8), 0.7))
    members = [trader(kind, f"{kind} {k}", 1000, slow, mean_wait_s=1e9, news_chance=0.3) for k in range(500)]
    book = rests([(1, 999, 10**8), (-1, 1001, 10**8)])
    done = play(members, book, news=(News(T0 + 10 * SECOND, code, size, symbol),), seconds=30)
    sent = done.orders[done.orders["owner_id"] > 0]
    assert set(sent["side"]) == ({side} if side else set())
    if side:
        assert abs(len(sent) / 500 - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 500)
        # Not before the news have reached them, and not all at once.
        delays = (sent["time_ns"] - T0) / SECOND - 10
        assert delays.min() > 0.1
        assert 0.3 < np.median(delays) < 1.0


@pytest.mark.parametrize("kind", RETAIL)
@pytest.mark.parametrize("book", ["empty", "no asks", "no bids", "halted"])
def test_a_trader_survives_any_book_and_keeps_waking(kind: str, book: str) -> None:
    books = {
        "empty": [], "no asks": rests([(1, 990, 500)]), "no bids": rests([(-1, 1010, 500)]),
        "halted": [*rests([(1, 990, 500), (-1, 1010, 500)]), enters(0, Phase.HALT)],
    }  # fmt: skip
    done = play([trader(kind, mean_wait_s=1.0)], books[book], seconds=300)
    assert done.world.agents["last_turn_ns"][1] > T0 + 280 * SECOND
    if book in ("empty", "halted"):
        assert len(done.trades) == 0
