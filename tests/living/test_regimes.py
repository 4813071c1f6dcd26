"""Regimes: thresholds crossed when the closed forms say so, hysteresis, few false alarms, and what they change about an agent."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from marketsim.agents.compiled import compiled_agent, parameter_records
from marketsim.agents.market_makers.ladder import LadderParams, ladder
from marketsim.agents.regime import WATCH, Regime, RegimeParams, add_return, regime_after, trend, volatility_ratio
from marketsim.markets.simulated.setting import Member
from marketsim.records import Kind
from tests.living.small_worlds import SECOND, T0, message, play, rests

STEP_S = 10.0


@numba.njit
def _watch(p: Any, watch: Any, returns: Any, elapsed_s: float, seen: Any) -> None:
    for k in range(len(returns)):
        add_return(p, watch, returns[k], elapsed_s)
        watch.regime = regime_after(p, watch)
        seen[k, 0], seen[k, 1], seen[k, 2] = watch.regime, volatility_ratio(p, watch), trend(p, watch)


@compiled_agent(RegimeParams, WATCH)
def watcher(market: Any, me: Any, p: Any, watch: Any) -> None:
    """Do nothing: only its parameters' record is of use."""


def watched(returns: npt.NDArray[np.float64], **parameters: Any) -> npt.NDArray[np.float64]:
    """Return (n, 3) regime, volatility ratio and trend after each return."""
    record = parameter_records(watcher, [RegimeParams(regimes=True, **parameters)])
    seen = np.zeros((len(returns), 3))
    _watch(record[0], np.zeros(1, WATCH)[0], returns, STEP_S, seen)
    return seen


def alternating(size: float, n: int) -> npt.NDArray[np.float64]:
    return size * (-1.0) ** np.arange(n)


def test_a_steady_rise_is_a_bull_market_as_soon_as_a_window_has_passed() -> None:
    seen = watched(np.full(100, 1e-4))
    # 600 s are 60 returns, all of one size: the ratio is 1, the slope a / dt and the variance a^2 / dt, so that of both dt^-1/2 is left.
    assert seen[:59, 0].tolist() == [Regime.CHOP] * 59
    assert seen[59:, 0].tolist() == [Regime.BULL] * 41
    assert seen[:, 1] == pytest.approx(1.0)
    for k in (59, 99):
        left = math.exp(-(k + 1) * STEP_S / 600)
        assert seen[k, 2] == pytest.approx(math.sqrt(2 * 600 / STEP_S * (1 - left) / (1 + left)))
    assert watched(np.full(100, -1e-4))[99, 0] == Regime.BEAR


def test_a_crisis_begins_and_ends_when_the_volatilities_say_so() -> None:
    calm, wild = 1440, 100  # two slow windows of +-a, then +-5a, then calm again
    returns = np.concatenate([alternating(1e-4, calm), alternating(5e-4, wild), alternating(1e-4, 600)])
    seen = watched(returns)
    # In closed form: the fast variance is 1 + 24 (1 - e^(-t/600)), the slow one 1 + 24 (1 - e^(-t/7200)) over what it has seen.
    t = STEP_S * np.arange(1, wild + 1)
    whole = 1 - np.exp(-(calm * STEP_S + t) / 7200)
    ratio = np.sqrt((1 + 24 * (1 - np.exp(-t / 600))) / (1 + 24 * (1 - np.exp(-t / 7200)) / whole))
    assert seen[calm : calm + wild, 1] == pytest.approx(ratio, rel=1e-6)
    begins = calm + int(np.argmax(ratio > 2.0))
    in_crisis = np.flatnonzero(seen[:, 0] == Regime.CRISIS)
    assert in_crisis[0] == begins
    # It lasts while the ratio is above the lower threshold, without a gap.
    ends = begins + int(np.argmax(seen[begins:, 1] <= 1.3))
    assert in_crisis.tolist() == list(range(begins, ends))
    assert ends > calm + wild


def test_leaving_a_trend_takes_more_than_not_entering_it() -> None:
    # A trend that fades: between 1 and 2.5 standard errors it is a bull market if it was one, and else not.
    fading = np.concatenate([np.full(80, 1e-4), alternating(1e-4, 400)])
    seen = watched(fading)
    faded = 80 + int(np.argmax(seen[80:, 2] <= 1.0))
    between = (seen[:, 2] < 2.5) & (np.arange(480) > 80) & (np.arange(480) < faded)
    assert between.sum() > 10
    assert set(seen[between, 0]) == {Regime.BULL}
    assert seen[-1, 0] == Regime.CHOP
    rising = watched(np.concatenate([alternating(1e-4, 400), np.full(40, 1e-4)]))
    between = (rising[:, 2] > 1.0) & (rising[:, 2] < 2.5)
    assert between.sum() > 3
    assert set(rising[between, 0]) == {Regime.CHOP}


def test_a_random_walk_is_chop_nearly_always() -> None:
    seen = watched(np.random.default_rng(5).normal(0.0, 1e-4, 50_000))
    assert (seen[:, 0] == Regime.CHOP).mean() > 0.9
    assert (seen[:, 0] == Regime.CRISIS).sum() == 0
    # The trend is a standard normal number.
    assert seen[1000:, 2].std() == pytest.approx(1.0, abs=0.1)
    assert abs(seen[1000:, 2].mean()) < 0.2


def test_thresholds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"regime_trend_leave is 3\.0, above regime_trend_enter 2\.5"):
        RegimeParams(regime_trend_leave=3.0)
    with pytest.raises(ValidationError, match="longer than regime_fast_s"):
        RegimeParams(regime_slow_s=60.0)


def test_a_maker_widens_in_a_crisis_and_comes_back() -> None:
    # The mid alternates by 1 tick every second; between 300 s and 360 s by 30.
    steps = []
    for k in range(600):
        mid = 10_000 + (k % 2) * (30 if 300 <= k < 360 else 1)
        steps += [message(k - 0.25, Kind.CANCEL, number=2 * k - 2 + j) for j in (0, 1) if k > 0]
        steps += rests([(1, mid - 3, 50), (-1, mid + 3, 50)], at_s=k + 0.25 if k else 0.0, first=2 * k)
    params = LadderParams(
        n_levels=1, reference="fundamental", requote_s=0.5, half_spread_tick=40.0,
        regimes=True, regime_sample_s=1.0, regime_fast_s=20.0, regime_slow_s=200.0,
        regime_spread=(1.0, 1.0, 1.0, 4.0), regime_size=(1.0, 1.0, 1.0, 0.5),
    )  # fmt: skip
    done = play([Member("maker", ladder, params)], steps, seconds=600, fundamental=10_000)
    quotes = [
        ((int(m["time_ns"]) - T0) / SECOND, int(m["side"] * (10_000 - m["price_tick"])), int(m["qty_lot"]))
        for m in done.sent(1, Kind.LIMIT)
    ]
    assert {quote[1:] for quote in quotes} == {(40, 100), (160, 50)}
    wide = [at_s for at_s, half, _ in quotes if half == 160]
    assert all(300 < at_s < 330 for at_s in wide)
    assert quotes[-1][1] == 40
    without = play([Member("maker", ladder, params.model_copy(update={"regimes": False}))], steps, seconds=600, fundamental=10_000)
    assert len(without.sent(1, Kind.LIMIT)) == 2
