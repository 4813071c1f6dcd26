"""What background agents do, against hand calculations and the laws they state."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from benchmarks.living import OPEN_NS
from marketsim.agents.background.chiarella import ChiarellaParams, chiarella
from marketsim.agents.background.mean_reversion import MeanReversionParams, mean_reversion, update, wanted
from marketsim.agents.background.momentum import MomentumParams, momentum
from marketsim.agents.background.noise import NoiseParams, noise
from marketsim.agents.background.order_size import ROUND_SHARES
from marketsim.agents.background.value import ValueParams, learn, reverted, value
from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.market_makers.adaptive import AdaptiveMarketMakerParams, adaptive
from marketsim.markets.simulated.setting import Capture, Latency, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import Kind
from tests.living.probes import BOOK, BUY, SECOND_NS, SELL, START_NS, orders_of, run, seen_by, sent, setting, world_of

# --- order sizes ----------------------------------------------------------------------------------------------------


def test_order_sizes_follow_the_published_mixture() -> None:
    """A fifth log-normal (2.9, 1.2), the rest round lots; a size of 0 is no order."""
    orders = sent(noise, NoiseParams(from_s=1.0, until_s=90.0), setting(messages=BOOK), n=20_000)
    n, size = 20_000, orders["qty_lot"]
    none = 0.2 * 0.5 * math.erfc(-(math.log(0.5) - 2.9) / 1.2 / math.sqrt(2))  # rounds to nothing
    assert abs(len(size) / n - (1 - none)) < 4 * math.sqrt(none / n)
    near = np.abs(size[:, None] - np.arange(1, 11) * 100) <= 1
    for share, hits in zip(ROUND_SHARES, near.sum(0), strict=True):
        # Odd sizes fall on round lots now and then; the bound allows for one in a thousand.
        assert abs(hits / n - share) < 4 * math.sqrt(share / n) + 0.001
    odd = np.log(size[~near.any(1)])
    assert abs(odd.mean() - 2.9) < 0.1
    assert abs(odd.std() - 1.2) < 0.1


def test_uniform_order_sizes_stay_in_bounds() -> None:
    params = NoiseParams(order_size="uniform", min_lot=3, max_lot=5, from_s=1.0, until_s=90.0)
    assert set(sent(noise, params, setting(messages=BOOK), n=200)["qty_lot"].tolist()) == {3, 4, 5}


# --- noise ----------------------------------------------------------------------------------------------------------


def test_noise_wakes_once_at_u_quadratic_times() -> None:
    """The law's distribution function is 4 ((x - 1/2)^3 + 1/8); Kolmogorov's bound at 0.1 %."""
    n, until_s = 5000, 10_000.0
    world = world_of(
        [Member(f"it.{k}", noise, NoiseParams(from_s=0.0, until_s=until_s)) for k in range(n)], setting(until_s + 1, messages=BOOK)
    )
    orders = orders_of(world)
    orders = orders[orders["owner_id"] > 0]
    assert len(set(orders["owner_id"].tolist())) == len(orders)
    assert set(world.agents["n_turns"][1:].tolist()) == {2}
    x = np.sort((world.agents["last_turn_ns"][1:] - START_NS) / (until_s * SECOND_NS))
    distance = np.abs(4 * ((x - 0.5) ** 3 + 0.125) - (np.arange(n) + 0.5) / n).max()
    assert distance < 1.95 / math.sqrt(n)
    assert set(zip(orders["side"].tolist(), orders["price_tick"].tolist(), strict=True)) == {(BUY, 110), (SELL, 90)}


def test_noise_that_is_up_early_acts_at_the_opening_of_every_session() -> None:
    sessions = tuple((START_NS + day * 10**14, START_NS + day * 10**14 + 100 * SECOND_NS) for day in range(3))
    params = NoiseParams(from_s=-2.0, until_s=-1.0, order_size="uniform", min_lot=1)
    opening = [(day * 10**5, side, price, 10**6) for day in range(3) for _, side, price, _ in BOOK]
    orders = sent(noise, params, setting(sessions=sessions, messages=opening), latency=Latency(data_ns=500, order_ns=500))
    assert (orders["time_ns"] - [start for start, _ in sessions]).tolist() == [1000, 1000, 1000]


# --- value ----------------------------------------------------------------------------------------------------------


def test_a_value_trader_learns_as_kalman_has_it() -> None:
    """By hand: kappa 0.1 a step, three steps; the estimate 90 reverts to 100 - 10 * 0.9^3, its variance 4 becomes 4 * 0.9^6 + 2 * (...)."""
    p = ValueParams(mean_tick=100, reversion_per_ns=0.1, noise_variance_tick2=5.0, shock_variance_tick2_per_ns=2.0)
    prior = 100 - 10 * 0.9**3
    variance = 4 * 0.9**6 + 2 * (1 + 0.9**2 + 0.9**4)
    estimate, posterior = learn.py_func(seen_by(p), 90.0, 4.0, 3, 110)
    assert estimate == pytest.approx((5 * prior + variance * 110) / (5 + variance), rel=1e-12)
    assert posterior == pytest.approx(1 / (1 / 5 + 1 / variance), rel=1e-12)
    assert reverted.py_func(seen_by(p), 90.0, 3) == pytest.approx(prior, rel=1e-12)


def test_the_published_value_trader_s_variance_stays_at_zero() -> None:
    p = ValueParams(mean_tick=100, reversion_per_ns=0.1, noise_variance_tick2=5.0, shock_variance_tick2_per_ns=2.0, published_learning=True)
    variance = 2 * (1 + 0.9**2 + 0.9**4)
    estimate, posterior = learn.py_func(seen_by(p), 100.0, 0.0, 3, 110)
    assert estimate == pytest.approx((5 * 100 + variance * 110) / (5 + variance), rel=1e-12)
    assert posterior == 0.0


def test_with_the_published_parameters_both_ways_of_learning_are_one() -> None:
    """Its shock variance a nanosecond dwarfs the noise: a look counts for all but one part in 10^13, whatever went before."""
    looks = [(175_000_000_000, 100_250), (60_000_000_000, 99_800), (400_000_000_000, 100_010)]
    ends = []
    for published in (False, True):
        p, estimate, variance = seen_by(ValueParams(published_learning=published)), 100_000.0, 0.0
        for elapsed, seen in looks:
            estimate, variance = learn.py_func(p, estimate, variance, elapsed, seen)
        ends.append(estimate)
    assert ends[0] == pytest.approx(ends[1], rel=1e-12) == pytest.approx(100_010, rel=1e-9)


@pytest.mark.parametrize(("fundamental", "side", "farthest"), [(150, BUY, 71), (50, SELL, 129)])
def test_a_value_trader_buys_what_is_cheap_between_the_far_touch_and_two_spreads(fundamental: int, side: int, farthest: int) -> None:
    """Touch 90 to 110: a buyer's limits lie from 110 down to 110 - 39, a seller's from 90 up to 90 + 39; a tenth and a bit at the touch."""
    params = ValueParams(
        mean_tick=float(fundamental), mean_wait_s=0.05, order_size="uniform", min_lot=1, max_lot=1, noise_variance_tick2=0.0
    )
    base = setting(400.0, messages=BOOK)
    orders = sent(value, params, Setting(base.sessions, base.fundamental * fundamental / 100, messages=base.messages))
    limits = orders[orders["kind"] == Kind.LIMIT]
    limits = limits[limits["time_ns"] > START_NS + SECOND_NS]
    assert set(limits["side"].tolist()) == {side}
    far_touch = 110 if side == BUY else 90
    # Its own resting order may narrow the touch; every limit stays in the range of the wide one.
    away = side * (far_touch - limits["price_tick"])
    assert away.min() == 0
    assert away.max() <= abs(far_touch - farthest)


def test_a_value_trader_cancels_what_is_left_before_it_looks() -> None:
    """Alone on an empty book it sends one order at its estimate every time, and never has two."""
    params = ValueParams(mean_tick=100.0, mean_wait_s=1.0, noise_variance_tick2=0.0)
    orders = sent(value, params, setting(50.0), latency=Latency(1000, 1000, 50))
    kinds = orders["kind"].tolist()
    assert kinds.count(Kind.LIMIT) > 20
    assert kinds == [Kind.LIMIT, Kind.CANCEL] * (len(kinds) // 2) + [Kind.LIMIT] * (len(kinds) % 2)
    assert set(orders["price_tick"][orders["kind"] == Kind.LIMIT].tolist()) == {100}
    assert set(orders["side"][orders["kind"] == Kind.LIMIT].tolist()) == {BUY, SELL}


# --- momentum -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "side", "price"), [(1, BUY, "ask"), (-1, SELL, "bid")])
def test_momentum_follows_the_trend_at_the_far_touch(step: int, side: int, price: str) -> None:
    """The touch moves a tick every ten seconds; the trader's first order comes after one look more than the slow average takes."""
    messages = []
    for k in range(60):
        messages += [(10.0 * k, BUY, 1000 + step * k - 2, 10**6), (10.0 * k, SELL, 1000 + step * k + 2, 10**6)]
    # Rising: each new bid below the standing asks' reach; the touch is what is left when both sides are swept by a large trader.
    sweeps = [(10.0 * k - 1e-3, -s, 1000 + step * (k - 1) - 2 * s, 10**6) for k in range(1, 60) for s in (BUY, SELL)]
    where = setting(600.0, messages=sorted(messages + sweeps, key=lambda m: m[0]))
    orders = sent(momentum, MomentumParams(mean_wait_s=1.0, short=5, long=20, order_size="uniform", min_lot=1, max_lot=1), where)
    assert len(orders) > 400
    assert (orders["side"] == side).mean() > 0.99
    k = (orders["time_ns"] - START_NS) // (10 * SECOND_NS)
    assert (orders["price_tick"] == 1000 + step * k + (2 if price == "ask" else -2)).mean() > 0.97


def test_momentum_waits_until_it_has_seen_enough() -> None:
    params = MomentumParams(mean_wait_s=1.0, short=5, long=20, order_size="uniform", min_lot=1, max_lot=1)
    world = world_of([Member("it", momentum, params)], setting(100.0, messages=BOOK))
    orders = orders_of(world)
    # Of its turns the first is the start and 20 are looks without an order.
    assert (orders["owner_id"] == 1).sum() == world.agents["n_turns"][1] - 1 - 20
    with pytest.raises(ValidationError, match="short 20 is not less than long 20"):
        MomentumParams(short=20, long=20)


# --- mean reversion -------------------------------------------------------------------------------------------------


def test_mean_reversion_s_average_and_bands_by_hand() -> None:
    """Half-life one look: weights 1/2. Prices 100, 104: mean 102, variance 1/2 (0 + 1/2 * 16) = 4, deviations in units of 2."""
    p = SimpleNamespace(half_life_looks=1.0, warm_up_looks=2, entry_sd=2.0, exit_sd=0.5, clip_lot=7)
    state = SimpleNamespace(n=0, mean_tick=0.0, variance_tick2=0.0)
    update.py_func(p, state, 100.0)
    assert wanted.py_func(p, state, 500.0, 3) == 3  # still warming up
    update.py_func(p, state, 104.0)
    assert (state.n, state.mean_tick, state.variance_tick2) == (2, 102.0, 4.0)
    expected = {106.0: -7, 105.0: 3, 103.0: 0, 101.0: 0, 100.5: 3, 98.0: 7}
    assert {mid: wanted.py_func(p, state, mid, 3) for mid in expected} == expected


def test_mean_reversion_sells_a_jump_and_buys_back_when_it_is_over() -> None:
    """The book stands at 100, jitters by a tick, jumps to 130 and comes back."""
    messages = []
    for k in range(400):
        mid = 130 if k >= 380 and k < 390 else 100 + k % 2
        messages += [(k + 0.5, BUY, mid - 5, 10**6), (k + 0.5, SELL, mid + 5, 10**6)]
        messages += [(k + 1.4, SELL, mid - 5, 10**6), (k + 1.4, BUY, mid + 5, 10**6)]
    where = setting(420.0, messages=sorted(messages, key=lambda m: m[0]))
    params = MeanReversionParams(mean_wait_s=0.3, half_life_looks=300, warm_up_looks=300, entry_sd=5.0)
    orders = sent(mean_reversion, params, where)
    jump = (orders["time_ns"] > START_NS + 380.5 * SECOND_NS) & (orders["kind"] == Kind.LIMIT)
    assert orders[jump][["side", "price_tick", "qty_lot"]].tolist()[0] == (SELL, 125, 100)
    world = world_of([Member("it", mean_reversion, params)], where)
    run(world)
    assert world.holdings[1, 0] == 0  # flat again
    assert world.agents["cash_tick_lot"][1] > 0


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "params"),
    [
        (value, ValueParams(mean_wait_s=1.0)),
        (momentum, MomentumParams(mean_wait_s=1.0)),
        (mean_reversion, MeanReversionParams(mean_wait_s=1.0)),
        (chiarella, ChiarellaParams(mean_wait_s=1.0)),
        (adaptive, AdaptiveMarketMakerParams(mean_wait_s=1.0)),
    ],
)
@pytest.mark.parametrize("book", [[], BOOK[:1], BOOK[1:], BOOK])
def test_an_agent_never_stops_waking(agent: CompiledAgent, params: AgentParams, book: list[tuple[float, int, int, int]]) -> None:
    world = World(setting(300.0, messages=book), [Member("it", agent, params)], 1, Capture())
    run(world)
    assert world.agents["n_turns"][1] > 200
    assert world.agents["last_turn_ns"][1] > START_NS + 280 * SECOND_NS


def test_the_benchmark_s_day_opens_at_half_past_nine_in_new_york() -> None:
    assert np.datetime64(OPEN_NS, "ns") == np.datetime64("2021-02-05T14:30")
