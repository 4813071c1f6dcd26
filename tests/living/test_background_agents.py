"""What background agents and the adaptive market maker do, against hand calculations and the laws they state."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from benchmarks.living import OPEN_NS
from marketsim.agents.background.chiarella import ChiarellaParams, chiarella, demand_per_s, next_trend
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
from tests.living.probes import BUY, SECOND_NS, SELL, START_NS, orders_of, run, setting, world_of

BOOK = [(0.1, BUY, 90, 10**9), (0.1, SELL, 110, 10**9)]  # never exhausted


def sent(agent: CompiledAgent, params: AgentParams, where: Setting, n: int = 1, **member: Any) -> NDArray[np.void]:
    """Return the messages that ``n`` agents of a kind send, (n,) MESSAGE."""
    orders = orders_of(world_of([Member(f"it.{k}", agent, params, **member) for k in range(n)], where))
    return orders[orders["owner_id"] > 0]


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
    estimate, posterior = learn.py_func(_seen(p), 90.0, 4.0, 3, 110)
    assert estimate == pytest.approx((5 * prior + variance * 110) / (5 + variance), rel=1e-12)
    assert posterior == pytest.approx(1 / (1 / 5 + 1 / variance), rel=1e-12)
    assert reverted.py_func(_seen(p), 90.0, 3) == pytest.approx(prior, rel=1e-12)


def test_the_published_value_trader_s_variance_stays_at_zero() -> None:
    p = ValueParams(mean_tick=100, reversion_per_ns=0.1, noise_variance_tick2=5.0, shock_variance_tick2_per_ns=2.0, published_learning=True)
    variance = 2 * (1 + 0.9**2 + 0.9**4)
    estimate, posterior = learn.py_func(_seen(p), 100.0, 0.0, 3, 110)
    assert estimate == pytest.approx((5 * 100 + variance * 110) / (5 + variance), rel=1e-12)
    assert posterior == 0.0


def test_with_the_published_parameters_both_ways_of_learning_are_one() -> None:
    """Its shock variance a nanosecond dwarfs the noise: a look counts for all but one part in 10^13, whatever went before."""
    looks = [(175_000_000_000, 100_250), (60_000_000_000, 99_800), (400_000_000_000, 100_010)]
    ends = []
    for published in (False, True):
        p, estimate, variance = _seen(ValueParams(published_learning=published)), 100_000.0, 0.0
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


# --- Chiarella ------------------------------------------------------------------------------------------------------

ALPHA, KAPPA = 0.2, 0.05


def swings(beta_gamma: float, saturated: bool = False) -> tuple[NDArray[np.float64], float]:
    """Integrate the model without noise from a small mispricing; return the mispricing over time and the step, s.

    The agent's own demand and trend functions are the right-hand side; V is at rest, one log unit of demand moves the price by one.
    """
    gamma = 50.0
    p = _seen(ChiarellaParams(kappa_per_s=KAPPA, alpha_per_s=ALPHA, gamma_s=gamma, beta_per_s=beta_gamma / gamma))
    step, n = 0.01, 40_000
    gap, trend = np.empty(n), 0.0
    gap[0] = 1e-3 if saturated else 1e-6
    for k in range(1, n):
        move = step * demand_per_s.py_func(p, -gap[k - 1], trend)
        trend = next_trend.py_func(p, trend, move, step)
        gap[k] = gap[k - 1] + move
    return gap, step


@pytest.mark.parametrize(("beyond", "grows"), [(0.97, False), (1.03, True)])
def test_chiarella_swings_for_good_beyond_the_hopf_condition(beyond: float, grows: bool) -> None:
    """The equilibrium loses stability at beta gamma = 1 + kappa / alpha; there the period is 2 pi / sqrt(alpha kappa)."""
    gap, step = swings(beyond * (1 + KAPPA / ALPHA))
    first, last = np.abs(gap[: len(gap) // 4]).max(), np.abs(gap[-len(gap) // 4 :]).max()
    assert (last > first) == grows
    crossings = np.flatnonzero(np.diff(np.sign(gap)) != 0)
    period = 2 * np.diff(crossings).mean() * step
    assert period == pytest.approx(2 * math.pi / math.sqrt(ALPHA * KAPPA), rel=0.02)


def test_chiarella_s_growth_rate_is_half_the_trace() -> None:
    """Linear stability: the eigenvalues' real part is (alpha beta gamma - alpha - kappa) / 2."""
    beta_gamma = 1.2 * (1 + KAPPA / ALPHA)
    gap, step = swings(beta_gamma)
    peaks = np.flatnonzero((gap[1:-1] > gap[:-2]) & (gap[1:-1] > gap[2:])) + 1
    peaks = peaks[gap[peaks] < 1e-4][:4]  # before the chartists saturate
    rate = np.log(gap[peaks[-1]] / gap[peaks[0]]) / ((peaks[-1] - peaks[0]) * step)
    assert rate == pytest.approx((ALPHA * beta_gamma - ALPHA - KAPPA) / 2, rel=0.02)


def test_chiarella_s_demand_by_hand() -> None:
    """0.05 * 0.2 + 3 * 0.008 + 0.4 tanh(0.5), by calculator 0.2188469; a trend halves in ln 2 / alpha."""
    p = _seen(ChiarellaParams(kappa_per_s=0.05, kappa3_per_s=3.0, beta_per_s=0.4, gamma_s=50.0, alpha_per_s=math.log(2) / 10))
    assert demand_per_s.py_func(p, 0.2, 0.01) == pytest.approx(0.05 * 0.2 + 3 * 0.008 + 0.4 * 0.46211715726, rel=1e-10)
    assert next_trend.py_func(p, 0.02, 0.0, 10.0) == pytest.approx(0.01, rel=1e-12)
    assert next_trend.py_func(p, 0.02, 0.3, 10.0) == pytest.approx(0.01 + 0.5 * 0.03, rel=1e-12)


def test_a_fundamentalist_s_orders_add_up_to_its_demand() -> None:
    """The mid price is 100 and the value 110 for 1,000 s: it buys kappa ln(1.1) 1,000 units in all, in market orders."""
    params = ChiarellaParams(kappa_per_s=0.02, lot_per_unit=1000.0, mean_wait_s=1.0, market_share=1.0)
    base = setting(1000.0, messages=BOOK)
    orders = sent(chiarella, params, Setting(base.sessions, base.fundamental * 1.1, messages=base.messages), n=5)
    assert set(orders["kind"].tolist()) == {Kind.MARKET}
    assert set(orders["side"].tolist()) == {BUY}
    assert orders["qty_lot"].sum() == pytest.approx(5 * 0.02 * math.log(1.1) * 1000 * 1000, rel=0.01)


def test_chiarella_quotes_the_fundamental_on_an_empty_book() -> None:
    params = ChiarellaParams(kappa_per_s=0.0, noise_per_sqrt_s=0.01, lot_per_unit=1000.0, mean_wait_s=1.0, market_share=0.0, depth_tick=0.0)
    orders = sent(chiarella, params, setting())
    assert orders["price_tick"][0] == 100
    assert len(orders) > 50


# --- adaptive market maker ------------------------------------------------------------------------------------------


def ladder(params: AdaptiveMarketMakerParams, **changes: Any) -> list[tuple[int, int, int]]:
    """Return the (side, price, quantity) of the first ladder set after 65 s; 400 lots were bought and none sold in the minute before."""
    messages = [(0.1, BUY, 99_990, 10**6), (0.1, SELL, 100_010, 10**6), (62.0, BUY, 100_010, 400), *changes.pop("messages", [])]
    world = world_of([Member("maker", adaptive, params, **changes)], setting(200.0, messages=messages), seed=_waits_until_65_s())
    orders = orders_of(world)
    first = orders[(orders["owner_id"] == 1) & (orders["time_ns"] > START_NS + 65 * SECOND_NS)]
    return [tuple(row) for row in first[["side", "price_tick", "qty_lot"]][: 2 * params.levels].tolist()]


def _waits_until_65_s() -> int:
    """Return a seed whose maker first looks between 65 and 120 s."""
    for seed in range(200):
        world = world_of([Member("maker", adaptive, AdaptiveMarketMakerParams())], setting(120.0, messages=BOOK), seed)
        orders = orders_of(world)
        first = orders["time_ns"][orders["owner_id"] == 1]
        if len(first) and first[0] > START_NS + 65 * SECOND_NS:
            return seed
    raise AssertionError("no seed waits that long")


def test_the_adaptive_ladder_by_hand() -> None:
    """Spread average 0.75 * 20 + 0.25 * 50 = 27.5; centre 100,000 + 4 as all takers bought; best bid 13 below, best ask 14 above;
    levels 5 * 27.5 = 137.5, rounded to even, apart; size 0.025 * 400."""
    rungs = ladder(AdaptiveMarketMakerParams(levels=3))
    assert rungs == [(BUY, 99_991 - 138 * k, 10) for k in (2, 1, 0)] + [(SELL, 100_018 + 138 * k, 10) for k in (0, 1, 2)]


def test_the_adaptive_ladder_with_backstop_and_fixed_window() -> None:
    rungs = ladder(AdaptiveMarketMakerParams(levels=2, window="fixed", initial_spread_tick=10, backstop_lot=77, price_skew_tick=0.0))
    assert rungs == [(BUY, 99_945, 77), (BUY, 99_995, 10), (SELL, 100_005, 10), (SELL, 100_055, 77)]


def test_the_adaptive_maker_leans_against_its_position() -> None:
    """Long 20 lots with steepness 0.05: the selling share is 1 / (1 + exp(-1)) = 0.731 of 10 lots, rounded up; buying 0.269, down."""
    rungs = ladder(AdaptiveMarketMakerParams(levels=1, size_skew_per_lot=0.05, price_skew_tick=0.0), position_lot=(20,))
    assert [(side, qty) for side, _, qty in rungs] == [(BUY, 2), (SELL, 8)]


def test_the_adaptive_maker_cancels_before_it_looks_and_quotes_again() -> None:
    """Its own ladder is gone from the book it looks at: the spread it averages is that of the others, so it never drifts inwards."""
    latency = Latency(2000, 3000, 50)
    params = AdaptiveMarketMakerParams(levels=4, mean_wait_s=5.0, spread_alpha=1.0, price_skew_tick=0.0)
    orders = sent(adaptive, params, setting(300.0, messages=BOOK), latency=latency)
    new = orders[orders["kind"] == Kind.LIMIT]
    assert len(new) > 8 * 30
    assert set(new["price_tick"].tolist()) == {side * away + 100 for side in (-1, 1) for away in (10, 110, 210, 310)}
    gone = orders[orders["kind"] == Kind.CANCEL]
    assert len(gone) == len(new) - 8
    # From cancels to new ladder: one round trip and the pause.
    pause = new["time_ns"].reshape(-1, 8)[1:, 0] - gone["time_ns"].reshape(-1, 8)[:, 0]
    assert set(pause.tolist()) == {2000 + 3000 + 50 + 50}


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_adaptive_maker_outlives_a_one_sided_book(side: int) -> None:
    """One side only from the beginning, a trade after 100 s, then nobody else: it keeps waking, and quotes once it has a price."""
    messages = [(0.1, side, 100, 50), (100.0, -side, 100, 50)]
    world = world_of([Member("maker", adaptive, AdaptiveMarketMakerParams(mean_wait_s=2.0))], setting(400.0, messages=messages))
    orders = orders_of(world)
    times = (orders["time_ns"][orders["owner_id"] == 1] - START_NS) / SECOND_NS
    assert world.agents["n_turns"][1] > 150
    assert times.min() > 100
    assert times.max() > 380


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


def _seen(params: AgentParams) -> SimpleNamespace:
    """Return parameters as a compiled step sees them."""
    return SimpleNamespace(**params.model_dump())


def test_the_benchmark_s_day_opens_at_half_past_nine_in_new_york() -> None:
    assert np.datetime64(OPEN_NS, "ns") == np.datetime64("2021-02-05T14:30")
