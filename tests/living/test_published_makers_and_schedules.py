"""Market makers and schedules against published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marketsim.agents.institutions.optimal_schedule import Execution
from marketsim.agents.market_makers.gueant_lehalle_tapia import half_spread_and_skew
from tests.published import almgren_chriss, avellaneda_stoikov, gueant_lehalle_tapia


@pytest.mark.parametrize("line", avellaneda_stoikov.TABLE, ids=lambda line: f"{line.strategy} {line.gamma}")
def test_avellaneda_stoikov_tables_1_and_2(line: avellaneda_stoikov.Published) -> None:
    ours = avellaneda_stoikov.simulate(line.gamma, line.strategy, n_paths=300, seed=7)
    assert max(abs(value) for value in avellaneda_stoikov.deviations(line, ours).values()) < 3.5
    # And within the printed digits' reach of the published numbers themselves.
    error = line.profit_sd[0] * math.sqrt(1 / 300 + 1 / avellaneda_stoikov.PUBLISHED_PATHS)
    assert abs(ours.profit.mean() - line.profit[0]) < 3.5 * error


@pytest.mark.parametrize("point", almgren_chriss.FRONTIER, ids=lambda point: f"{point.risk_aversion}")
def test_almgren_chriss_frontier(point: almgren_chriss.Published) -> None:
    example = almgren_chriss.EXAMPLE
    holdings = example.holdings(point.risk_aversion)
    assert example.kappa(point.risk_aversion) == pytest.approx(point.kappa, abs=5e-4 if point.kappa > 1 else 5e-5)
    assert example.expected_cost(holdings) == pytest.approx(point.expected, abs=0.5)
    assert math.sqrt(example.variance(holdings)) == pytest.approx(point.deviation, abs=0.5)
    if point.holdings:
        assert np.round(holdings).astype(int).tolist() == list(point.holdings)


@pytest.mark.parametrize("point", [point for point in almgren_chriss.FRONTIER if point.holdings], ids=lambda p: f"{p.risk_aversion}")
def test_the_agent_follows_the_schedule_of_almgren_and_chriss_to_the_share(point: almgren_chriss.Published) -> None:
    assert almgren_chriss.followed(point.risk_aversion).tolist() == list(point.holdings)


def test_the_least_value_at_risk_of_almgren_and_chriss() -> None:
    aversion, least = almgren_chriss.LEAST_VALUE_AT_RISK
    assert almgren_chriss.value_at_risk(aversion) == pytest.approx(least, abs=1.0)
    assert almgren_chriss.value_at_risk(1.6e-6) > least
    assert almgren_chriss.value_at_risk(1.8e-6) > least


def test_a_schedule_without_patience_does_not_overflow() -> None:
    holdings = Execution(1e6, 1000.0, 10, 1.0, 1e-9).holdings(1e3)
    assert holdings[0] == 1e6
    assert np.isfinite(holdings).all()
    assert holdings[-1] == 0.0


def test_gueant_lehalle_tapia_quotes_are_the_printed_closed_form() -> None:
    inventories = [-7, -1, 0, 3, 12]
    printed = np.array([gueant_lehalle_tapia.closed_form_distances(q) for q in inventories])
    # Half a fine tick of rounding.
    assert np.abs(gueant_lehalle_tapia.quoted_distances(inventories) - printed).max() <= 0.5 / gueant_lehalle_tapia.FINE + 1e-9


def test_gueant_lehalle_tapia_closed_form_approximates_the_eigenvector() -> None:
    g = gueant_lehalle_tapia
    half, skew = half_spread_and_skew(g.GAMMA, g.SIGMA, g.K, g.A)
    exact = g.eigenvector_distances()
    for q in range(-10, 11):
        bid, ask = half + skew * q, half - skew * q
        assert exact[q + g.MOST] == pytest.approx([bid, ask], rel=1e-3)
