"""Values printed in papers and textbooks."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from marketsim.risk.sharpe_significance import (
    Trials,
    deflated_sharpe,
    expected_max_normal,
    expected_max_sharpe,
    probabilistic_sharpe,
)
from marketsim.risk.tails import expected_shortfall, value_at_risk

# Value at risk and expected shortfall of unit-variance distributions: McNeil, Frey & Embrechts (2015), examples 2.11, 2.14, 2.15.
TABLE = {
    (0.95, None): (1.6449, 2.0627),
    (0.95, 3): (1.3587, 2.2368),
    (0.95, 4): (1.5074, 2.2648),
    (0.95, 5): (1.5608, 2.2387),
    (0.95, 10): (1.6211, 2.1541),
    (0.975, None): (1.9600, 2.3378),
    (0.975, 3): (1.8374, 2.9096),
    (0.975, 4): (1.9632, 2.8239),
    (0.975, 5): (1.9912, 2.7278),
    (0.975, 10): (1.9929, 2.5214),
    (0.99, None): (2.3263, 2.6652),
    (0.99, 3): (2.6216, 4.0432),
    (0.99, 4): (2.6495, 3.6915),
    (0.99, 5): (2.6065, 3.4488),
    (0.99, 10): (2.4720, 3.0082),
}


def _quantile_grid(freedom: int | None) -> np.ndarray:
    """Return 200,000 equally likely points of a unit-variance normal or Student t distribution."""
    at = (np.arange(200_000) + 0.5) / 200_000
    if freedom is None:
        return scipy.stats.norm.ppf(at)
    return scipy.stats.t.ppf(at, freedom) / np.sqrt(freedom / (freedom - 2))


@pytest.mark.parametrize("freedom", [None, 3, 4, 5, 10])
def test_var_and_es_of_normal_and_t_distributions(freedom: int | None) -> None:
    sample = _quantile_grid(freedom)
    for confidence in (0.95, 0.975, 0.99):
        var, es = TABLE[confidence, freedom]
        # Half a step of the grid is up to 2e-4 where the tail is thin.
        assert value_at_risk(sample, confidence) == pytest.approx(var, abs=3e-4)
        # The grid has no point beyond its last half step, which costs the t3 tail about 3e-3 of its mean.
        assert expected_shortfall(sample, confidence) == pytest.approx(es, abs=1.5e-4 if freedom is None else 5e-3)


@pytest.mark.parametrize(("n", "expected"), [(10, 1.5746), (100, 2.5306), (1000, 3.2551)])
def test_expected_maximum_of_standard_normals(n: int, expected: float) -> None:
    assert expected_max_normal(n) == pytest.approx(expected, abs=5e-5)


PER_DAY = 2.5 / np.sqrt(250)


@pytest.mark.parametrize(
    ("n_trials", "skew", "kurtosis", "threshold", "expected"),
    [(100, -3.0, 10.0, 0.1132, 0.9004), (46, -3.0, 10.0, 0.1004, 0.9505), (88, 0.0, 3.0, None, 0.9505)],
)
def test_bailey_lopez_de_prado_2014_example(n_trials: int, skew: float, kurtosis: float, threshold: float | None, expected: float) -> None:
    """Annual Sharpe 2.5 from five years of days, the best of N trials whose annual Sharpe ratios have variance 1/2."""
    trials = Trials(n_trials, 0.5 / 250)
    if threshold is not None:
        assert expected_max_sharpe(trials) == pytest.approx(threshold, abs=5e-5)
    assert deflated_sharpe(PER_DAY, 1250, skew, kurtosis, trials) == pytest.approx(expected, abs=5e-5)


def test_one_trial_deflates_nothing() -> None:
    assert deflated_sharpe(PER_DAY, 1250, -3.0, 10.0, Trials()) == probabilistic_sharpe(PER_DAY, 1250, -3.0, 10.0)


def test_probabilistic_sharpe_of_a_normal_track_record_by_hand() -> None:
    # SR 0.1, T 101, normal: 0.1 · 10 / sqrt(1 + 0.5 · 0.01) = 0.997509; Φ = 0.84074 (table)
    assert probabilistic_sharpe(0.1, 101, 0.0, 3.0) == pytest.approx(0.84074, abs=1e-5)
