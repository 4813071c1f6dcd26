"""The zero-intelligence market has the spread of independent simulations and scales as dimensions say."""

from __future__ import annotations

import numpy as np
import pytest

from marketsim.agents.background.zero_intelligence import ZeroIntelligenceParams, zero_intelligence
from marketsim.markets.simulated.setting import Capture, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import MESSAGE, Kind
from tests.published.runs import NS
from tests.published.zero_intelligence import SPREAD, market, slow_spread

N_MARKET_ORDERS = 30_000


@pytest.mark.parametrize("eps", [0.1, 0.5, 1.0])
def test_spread_agrees_with_the_table(eps: float) -> None:
    ours = market(1.0, 2.0, eps, N_MARKET_ORDERS, seed=1)
    assert abs(ours.spread - SPREAD[eps]) < 0.01 * SPREAD[eps] + 3 * ours.spread_error


def test_spread_agrees_with_a_simulation_without_an_exchange() -> None:
    ours = market(1.0, 2.0, 0.5, N_MARKET_ORDERS, seed=2)
    slow = np.array([slow_spread(0.5, 50, 250_000, np.random.default_rng(seed)) for seed in range(6)])
    error = np.hypot(ours.spread_error, slow.std(ddof=1) / np.sqrt(len(slow)))
    assert abs(ours.spread - slow.mean()) < 4 * error


def test_markets_of_equal_eps_differ_by_their_units_only() -> None:
    one = market(1.0, 2.0, 0.2, N_MARKET_ORDERS, seed=3)
    for alpha, mu, delta in ((2.0, 2.0, 0.2), (0.5, 2.0, 0.2), (1.0, 4.0, 0.4)):
        p_c = mu / (2 * alpha)
        other = market(alpha, mu, delta, N_MARKET_ORDERS, seed=4)
        # The price unit's tick is the same, so that it is coarser or finer in units of p_c: two per cent at most.
        assert abs(other.spread / p_c - one.spread) < 0.02 * one.spread + 3 * np.hypot(other.spread_error / p_c, one.spread_error)
        scale = p_c**2 * mu / 2
        error = np.hypot(other.diffusion_error / scale, one.diffusion_error)
        assert abs(other.diffusion / scale - one.diffusion) < 0.05 * one.diffusion + 3 * error


def test_live_orders_without_trades_are_poisson_whoever_else_has_orders() -> None:
    """Births at a constant rate, deaths at delta each: the stationary law of M/M/infinity, mean alpha W / delta a side."""
    n_foreign, seconds = 500, 100_000
    rest = np.zeros(2 * n_foreign, MESSAGE)
    rest["kind"], rest["qty_lot"], rest["order_id"] = Kind.LIMIT, 1, 2**40 + np.arange(2 * n_foreign)
    rest["side"], rest["price_tick"] = np.repeat([1, -1], n_foreign), np.repeat([1, 20_000], n_foreign)
    params = ZeroIntelligenceParams(limit_rate_per_tick_s=0.2, market_rate_per_s=0.0, cancel_rate_per_s=0.05, window_tick=10)
    setting = Setting(((0, int(seconds / NS)),), np.full((1, 1, 1), 10_000.0), messages=rest)
    world = World(setting, [Member("crowd", zero_intelligence, params)], 5, Capture(depth_levels=80, depth_every_ns=int(100 / NS)))
    depths = []
    world.run(lambda handed: depths.append(handed.depths))
    table = np.concatenate(depths)
    for side in ("bid_lot", "ask_lot"):
        lots = table["depth"][side].reshape(-1, 80).sum(axis=1)[2:] - n_foreign
        assert abs(lots.mean() - 40) < 4 * np.sqrt(40 / len(lots))
        assert abs(lots.var() / lots.mean() - 1) < 4 * np.sqrt(2 / len(lots))
