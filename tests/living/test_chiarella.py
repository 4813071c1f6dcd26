"""The Chiarella population's swings, growth and demand, against hand calculations and the laws the model states."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from marketsim.agents.background.chiarella import ChiarellaParams, chiarella, demand_per_s, next_trend
from marketsim.markets.simulated.setting import Setting
from marketsim.records import Kind
from tests.living.probes import BOOK, BUY, seen_by, sent, setting

ALPHA, KAPPA = 0.2, 0.05


def swings(beta_gamma: float, saturated: bool = False) -> tuple[NDArray[np.float64], float]:
    """Integrate the model without noise from a small mispricing; return the mispricing over time and the step, s.

    The agent's own demand and trend functions are the right-hand side; V is at rest, one log unit of demand moves the price by one.
    """
    gamma = 50.0
    p = seen_by(ChiarellaParams(kappa_per_s=KAPPA, alpha_per_s=ALPHA, gamma_s=gamma, beta_per_s=beta_gamma / gamma))
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
    p = seen_by(ChiarellaParams(kappa_per_s=0.05, kappa3_per_s=3.0, beta_per_s=0.4, gamma_s=50.0, alpha_per_s=math.log(2) / 10))
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
