"""Impact in a market so small that every number can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pytest
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.errors import ConfigError, DataError
from marketsim.impact.measures import estimate, measure_impact
from marketsim.impact.metaorders import impact_curve
from marketsim.impact.pairs import Pair, Path, Place, run_pairs
from marketsim.impact.scenes import Population
from marketsim.kernel.simulation.actions import limit, market_order, wake_in
from marketsim.markets.simulated.setting import Member, Setting
from marketsim.records import MESSAGE, Kind, Turn

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STARTED = Turn.START.value
STATE = np.dtype([("n_sent", np.int64)])


class OneOrderParams(AgentParams):
    """One market order ten seconds into the session."""

    kind: Literal["one_order"] = "one_order"
    side: int = Field(1, description="1 buys, -1 sells.")
    qty_lot: int = Field(25, description="Lots.")


@compiled_agent(OneOrderParams, STATE)
def one_order(market, me, p, state):
    if me.turn == STARTED:
        wake_in(market, me, 10 * SECOND)
    elif state.n_sent == 0:
        market_order(market, me, p.side, p.qty_lot)
        state.n_sent += 1


class RefillParams(AgentParams):
    """Ten lots offered at 101 twenty seconds into the session."""

    kind: Literal["refill"] = "refill"


@compiled_agent(RefillParams, STATE)
def refill(market, me, p, state):
    if me.turn == STARTED:
        wake_in(market, me, 20 * SECOND)
    elif state.n_sent == 0:
        limit(market, me, -1, 101, 10)
        state.n_sent += 1


def ladder() -> np.ndarray:
    """Ten lots at every tick from 90 to 99 bid and from 101 to 110 offered, one nanosecond into the session."""
    rows = np.zeros(20, MESSAGE)
    rows["time_ns"], rows["kind"], rows["qty_lot"] = START + 1, Kind.LIMIT, 10
    rows["order_id"] = 10**12 + np.arange(20)
    rows["side"] = np.repeat([1, -1], 10)
    rows["price_tick"] = np.concatenate([np.arange(90, 100), np.arange(101, 111)])
    return rows


def scenes(side: int = 1, qty_lot: int = 25, *, refilled: bool = False) -> Callable[[int], Population]:
    """The market of a seed with a trader of one order in it, and with a larger trader as the second variant."""

    def scene_of(seed: int) -> Population:
        setting = Setting(((START, START + 60 * SECOND),), np.full((1, 1, 61), 100.0), messages=ladder())
        seller = (Member("seller", refill, RefillParams()),) if refilled else ()
        casts = [
            (Member("trader", one_order, OneOrderParams(side=side, qty_lot=lots), muted=lots == 0), *seller)
            for lots in (0, qty_lot, 2 * qty_lot)
        ]
        return Population(setting, tuple(casts), seed)

    return scene_of


def pairs_of(scene_of: Callable[[int], Population], seeds: Sequence[int], place: Place = Place(), **options: int) -> list[Pair]:  # noqa: B008
    return run_pairs(scene_of, ["trader"], seeds, place, **options)[0]


def test_a_buyer_that_eats_two_levels_and_a_half_moves_the_mid_by_one_tick():
    impact = measure_impact(pairs_of(scenes(), [1, 2]))
    # Mid 100 before; 101 and 102 are gone and 99 stays, so (99 + 103) / 2 = 101 after.
    expected = 1e4 * np.log(101 / 100)
    assert impact.peak_bps.mean == pytest.approx(expected)
    assert impact.permanent_bps.mean == pytest.approx(expected)
    assert impact.temporary_bps.mean == pytest.approx(0.0)
    # (10 * 101 + 10 * 102 + 5 * 103) / 25 = 101.8 paid where 100 was the price.
    assert impact.cost_bps.mean == pytest.approx(180.0)
    assert impact.cost_without_impact_bps.mean == pytest.approx(180.0)
    assert (impact.n_pairs, impact.n_trading) == (2, 2)
    before, after = impact.path.mean_bps[9], impact.path.mean_bps[11]
    assert (before, after) == (pytest.approx(0.0), pytest.approx(expected))
    assert impact.path.low_bps[11] == pytest.approx(expected)


def test_a_seller_s_impact_is_signed_against_the_seller():
    impact = measure_impact(pairs_of(scenes(side=-1), [1]))
    # 99 and 98 are gone: (97 + 101) / 2 = 99.
    assert impact.peak_bps.mean == pytest.approx(-1e4 * np.log(99 / 100))
    assert impact.cost_bps.mean == pytest.approx(1e4 * (100 - (10 * 99 + 10 * 98 + 5 * 97) / 25) / 100)


def test_what_comes_back_is_temporary():
    # The refill brings 101 back in both markets: with the buyer the offer is 101 again, without it it always was.
    impact = measure_impact(pairs_of(scenes(refilled=True), [1]))
    peak = 1e4 * np.log(101 / 100)
    assert impact.peak_bps.mean == pytest.approx(peak)
    assert impact.permanent_bps.mean == pytest.approx(0.0)
    assert impact.temporary_bps.mean == pytest.approx(peak)


def test_threads_change_nothing():
    one = pairs_of(scenes(refilled=True), range(6))
    two = pairs_of(scenes(refilled=True), range(6), threads=2)
    for a, b in zip(one, two, strict=True):
        assert a.seed == b.seed
        np.testing.assert_array_equal(a.present.mid_tick, b.present.mid_tick)


def test_an_unknown_agent_is_named():
    with pytest.raises(ConfigError, match="agent nobody is not in the population; it has trader"):
        run_pairs(scenes(), ["nobody"], [1], Place())


def test_a_market_without_quotes_has_no_price():
    def empty(seed: int) -> Population:
        setting = Setting(((START, START + SECOND),), np.full((1, 1, 2), 100.0))
        return Population(setting, tuple((Member("trader", one_order, OneOrderParams(), muted=muted),) for muted in (True, False)), seed)

    with pytest.raises(DataError, match="without trader, symbol 0 at venue 0 never had both a bid and an ask"):
        pairs_of(empty, [1])


def pair_with_peak(quantity: int, peak_bps: float, seed: int) -> Pair:
    """A pair whose price is 100 without the agent and ``peak_bps`` higher from its only fill on."""
    times = START + SECOND * np.arange(3)
    present = Path(100.0 * np.exp(np.array([0.0, peak_bps, peak_bps]) / 1e4), np.ones(3), 10, 1)
    absent = Path(np.full(3, 100.0), np.ones(3), 10, 1)
    return Pair(seed, times, present, absent, times[1:2], np.array([quantity]), np.array([100]))


def test_the_exponent_of_a_square_root_law_is_one_half():
    sizes, factors = (100, 400, 1600), np.array([0.8, 1.0, 1.2])
    pairs = [
        [pair_with_peak(q, 0.3 * q**0.5 * factor, k) for k, factor in enumerate(np.roll(factors, turn))] for turn, q in enumerate(sizes)
    ]
    curve = impact_curve(pairs)
    assert curve.exponent.mean == pytest.approx(0.5)
    assert curve.coefficient == pytest.approx(0.3)
    assert curve.exponent.low < 0.5 < curve.exponent.high
    assert [e.mean for e in curve.peak_bps] == pytest.approx([3.0, 6.0, 12.0])


def test_noise_that_all_sizes_of_a_seed_share_leaves_the_exponent_certain():
    pairs = [[pair_with_peak(q, 0.3 * q**0.5 * factor, k) for k, factor in enumerate((0.8, 1.0, 1.2))] for q in (100, 400)]
    exponent = impact_curve(pairs).exponent
    assert (exponent.low, exponent.high) == (pytest.approx(0.5), pytest.approx(0.5))


def test_a_size_whose_impact_is_all_noise_hardly_moves_the_exponent():
    # Means 3.9, 6 and 12 with standard errors 20, 0.01 and 0.01: through the last two the slope is one half.
    spread = np.array([-1.0, 1.0])
    pairs = [
        [pair_with_peak(q, mean + error * 2**0.5 * s, k) for k, s in enumerate(spread)]
        for q, mean, error in ((100, 3.9, 20.0), (400, 6.0, 0.01), (1600, 12.0, 0.01))
    ]
    assert impact_curve(pairs).exponent.mean == pytest.approx(0.5, abs=1e-4)


def test_a_metaorder_that_moves_nothing_has_no_exponent():
    pairs = [[pair_with_peak(q, 0.0, 1)] for q in (100, 400)]
    with pytest.raises(DataError, match="fewer than two sizes moved the price"):
        impact_curve(pairs)


def test_the_interval_of_a_mean_has_the_textbook_width():
    # Normal approximation: 1.96 * sd / sqrt(n); the percentile bootstrap comes within a few percent of it for n = 400.
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    found = estimate(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert found.mean == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def hand_made(times: np.ndarray, present: list[float], absent: list[float], fills: list[tuple[int, int, int]]) -> Pair:
    """A pair whose mids and fills (time, signed lots, tick) are given."""
    rows = np.array(fills, np.int64).reshape(-1, 3)
    paths = [Path(np.array(mid), np.ones(len(mid)), 10, 1) for mid in (present, absent)]
    return Pair(1, times, paths[0], paths[1], *rows.T)


def test_a_fill_before_the_first_quote_is_compared_with_the_first():
    times = START + SECOND * np.arange(4)
    pair = hand_made(times, [np.nan, 100.0, 102.0, 102.0], [np.nan, 100.0, 100.0, 100.0], [(START, 10, 101)])
    impact = measure_impact([pair])
    assert impact.cost_bps.mean == pytest.approx(100.0)  # 101 paid where 100 was the first price there was
    assert np.isnan(impact.path.mean_bps[0])
    assert impact.path.mean_bps[2] == pytest.approx(1e4 * np.log(1.02))


def test_a_night_is_no_part_of_volatility():
    day = START + SECOND * np.arange(3)
    times = np.concatenate([day, day + 86_400 * SECOND])
    calm = [100.0, 101.0, 100.0, 200.0, 202.0, 200.0]  # doubles overnight
    wild = [100.0, 102.01, 100.0, 200.0, 204.02, 200.0]  # twice the returns: 1.0201 = 1.01²
    impact = measure_impact([hand_made(times, wild, calm, [(START, 1, 100)])])
    assert impact.volatility_change.mean == pytest.approx(1.0)


def test_pairs_without_a_trade_say_nothing_about_impact_unless_there_are_no_others():
    times = START + SECOND * np.arange(3)
    silent = hand_made(times, [100.0, 110.0, 110.0], [100.0] * 3, [])
    trading = hand_made(times, [100.0, 101.0, 101.0], [100.0] * 3, [(START, 1, 100)])
    both, alone = measure_impact([silent, trading]), measure_impact([silent])
    assert (both.n_pairs, both.n_trading) == (2, 1)
    assert both.path.mean_bps[-1] == both.permanent_bps.mean == pytest.approx(1e4 * np.log(1.01))
    assert (alone.n_trading, alone.peak_bps.n) == (0, 0)
    assert alone.path.mean_bps[-1] == pytest.approx(1e4 * np.log(1.1))
