"""Fundamental values against the exact moments of their processes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from marketsim.errors import ConfigError
from marketsim.markets.simulated.fundamentals import (
    ConstantFundamental,
    Draws,
    Fundamental,
    Grid,
    OrnsteinUhlenbeckFundamental,
    SparseMeanRevertingFundamental,
    fundamental_paths,
)

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
HOUR = Grid(((0, HOUR_NS),), step_ns=60 * SECOND_NS)
# Half-life about 12 minutes, standard deviation in the long run 100 ticks.
KAPPA, SIGMA = 1e-12, 100 * math.sqrt(2e-12)
OU = OrnsteinUhlenbeckFundamental(mean_tick=5000, start_tick=5200, reversion_per_ns=KAPPA, volatility_tick_per_sqrt_ns=SIGMA)
N = 4000


def many(spec: OrnsteinUhlenbeckFundamental, grid: Grid = HOUR) -> np.ndarray:
    """Return (N, n_sessions, n_points) independent paths."""
    return fundamental_paths({f"S{k}": spec for k in range(N)}, grid, seed=3)


def test_ornstein_uhlenbeck_has_its_exact_mean_variance_and_autocovariance() -> None:
    """E = mu + d exp(-kt), var = s^2 (1 - exp(-2kt)) / 2k, cov(s, t) = exp(-k(t - s)) var(s): at four times, within four errors."""
    paths = many(OU)[:, 0]
    points = np.array([1, 10, 30, 60])
    t = points * HOUR.step_ns
    x = paths[:, points]
    variance = SIGMA**2 * (1 - np.exp(-2 * KAPPA * t)) / (2 * KAPPA)
    assert np.all(np.abs(x.mean(0) - 5000 - 200 * np.exp(-KAPPA * t)) < 4 * np.sqrt(variance / N))
    assert np.all(np.abs(x.var(0) / variance - 1) < 4 * math.sqrt(2 / N))
    covariance = np.cov(x[:, 1], x[:, 2])[0, 1]
    exact = math.exp(-KAPPA * (t[2] - t[1])) * variance[1]
    assert abs(covariance - exact) < 4 * math.sqrt((variance[1] * variance[2] + exact**2) / N)


def test_a_finer_grid_has_the_same_law() -> None:
    """Exact transitions: twelve times the points, the same variance at the end."""
    fine = many(OU, Grid(((0, HOUR_NS),), step_ns=5 * SECOND_NS))[:, 0, -1]
    exact = SIGMA**2 * (1 - math.exp(-2 * KAPPA * HOUR_NS)) / (2 * KAPPA)
    assert abs(fine.var() / exact - 1) < 4 * math.sqrt(2 / N)


def test_without_reversion_it_is_a_random_walk() -> None:
    walk = many(OU.model_copy(update={"reversion_per_ns": 0.0}))[:, 0]
    assert abs(walk[:, -1].var() / (SIGMA**2 * HOUR_NS) - 1) < 4 * math.sqrt(2 / N)


def test_a_night_counts_for_what_it_is_said_to() -> None:
    """None: the next session starts where the last ended. An hour: the variance between is that of an hour."""
    grid = Grid(((0, HOUR_NS), (24 * HOUR_NS, 25 * HOUR_NS)), step_ns=60 * SECOND_NS)
    walk = OU.model_copy(update={"reversion_per_ns": 0.0})
    flat, moved = many(walk, grid), many(walk.model_copy(update={"night_s": 3600.0}), grid)
    assert np.array_equal(flat[:, 0, -1], flat[:, 1, 0])
    gap = moved[:, 1, 0] - moved[:, 0, -1]
    assert abs(gap.var() / (SIGMA**2 * HOUR_NS) - 1) < 4 * math.sqrt(2 / N)


def test_a_shorter_session_hands_on_its_own_end() -> None:
    grid = Grid(((0, HOUR_NS), (24 * HOUR_NS, 24 * HOUR_NS + HOUR_NS // 2), (48 * HOUR_NS, 49 * HOUR_NS)), step_ns=60 * SECOND_NS)
    path = fundamental_paths({"A": OU}, grid, 1)[0]
    assert path[2, 0] == path[1, 30]


SHOCKS = SparseMeanRevertingFundamental(
    mean_tick=100_000, reversion_per_ns=KAPPA, volatility_tick_per_sqrt_ns=0.0,
    shock_rate_per_ns=4 / HOUR_NS, shock_mean_tick=1000, shock_variance_tick2=50_000,
)  # fmt: skip


def test_shocks_are_poisson_with_a_bimodal_size() -> None:
    shocks = [SHOCKS.shocks(Draws(5, f"S{k}", np.zeros((1, 1))), 0, "shocks", float(HOUR_NS)) for k in range(N)]
    counts = np.array([len(at) for at, _ in shocks])
    assert abs(counts.mean() - 4) < 4 * math.sqrt(4 / N)
    assert abs(counts.var() - 4) < 4 * math.sqrt((4 + 2 * 16) / N)  # a Poisson count's fourth central moment is L + 3 L^2
    for n in range(9):
        share = math.exp(-4) * 4**n / math.factorial(n)
        assert abs((counts == n).mean() - share) < 4 * math.sqrt(share * (1 - share) / N)
    size = np.concatenate([sizes for _, sizes in shocks])
    assert abs((size > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(len(size))
    assert abs(np.abs(size).mean() - 1000) < 4 * math.sqrt(50_000 / len(size))
    assert abs(np.abs(size).var() / 50_000 - 1) < 4 * math.sqrt(2 / len(size))


def test_a_shock_fades_as_the_value_reverts() -> None:
    """Without diffusion the path is the sum of its shocks, each decayed since it came."""
    path = fundamental_paths({"A": SHOCKS}, HOUR, 8)[0, 0]
    at, size = SHOCKS.shocks(Draws(8, "A", np.zeros((1, 1))), 0, "shocks", float(HOUR_NS))
    assert len(at) > 1
    t = np.arange(HOUR.n_points)[:, None] * HOUR.step_ns
    expected = 100_000 + np.where(t > at, size * np.exp(-KAPPA * np.maximum(t - at, 0.0)), 0.0).sum(1)
    assert np.allclose(path, expected, rtol=0, atol=1e-6)


def test_a_value_is_never_negative() -> None:
    spec = SHOCKS.model_copy(update={"mean_tick": 500.0, "shock_rate_per_ns": 50 / HOUR_NS})
    path = fundamental_paths({"A": spec}, HOUR, 1)
    assert path.min() == 0.0


def test_a_path_follows_from_seed_name_and_time_alone() -> None:
    day_2 = (24 * HOUR_NS, 25 * HOUR_NS)
    both = fundamental_paths({"A": OU, "B": SHOCKS}, Grid(((0, HOUR_NS), day_2)), 1)
    alone = fundamental_paths({"B": SHOCKS}, Grid(((0, HOUR_NS), day_2)), 1)
    assert np.array_equal(both[1], alone[0])
    # The second day's moves are its own, whether or not the first was simulated.
    walk = OU.model_copy(update={"reversion_per_ns": 0.0})
    with_first = fundamental_paths({"A": walk}, Grid(((0, HOUR_NS), day_2)), 1)[0, 1]
    second_only = fundamental_paths({"A": walk}, Grid((day_2,)), 1)[0, 0]
    assert np.allclose(with_first - with_first[0], second_only - second_only[0], atol=1e-9)
    assert not np.array_equal(fundamental_paths({"A": OU}, HOUR, 1), fundamental_paths({"A": OU}, HOUR, 2))
    assert not np.array_equal(fundamental_paths({"A": OU}, HOUR, 1), fundamental_paths({"B": OU}, HOUR, 1))


def test_correlated_symbols_have_the_correlation_asked_for() -> None:
    correlation = [[1.0, 0.8, -0.3], [0.8, 1.0, 0.0], [-0.3, 0.0, 1.0]]
    walk = OU.model_copy(update={"reversion_per_ns": 0.0})
    grid = Grid(((0, 6 * HOUR_NS),))
    paths = fundamental_paths({"A": walk, "B": walk, "C": walk}, grid, 1, correlation)[:, 0]
    measured = np.corrcoef(np.diff(paths))
    assert np.abs(measured - correlation).max() < 5 / math.sqrt(grid.n_points)
    assert np.array_equal(paths[0], fundamental_paths({"A": walk}, grid, 1)[0, 0])


def test_perfectly_correlated_symbols_are_one() -> None:
    paths = fundamental_paths({"A": OU, "B": OU}, HOUR, 1, [[1.0, 1.0], [1.0, 1.0]])
    assert np.array_equal(paths[0], paths[1])


@pytest.mark.parametrize(
    ("correlation", "complaint"),
    [
        ([[1.0]], "need 3 rows"),
        ([[1.0, 0.5, 0.0], [0.4, 1.0, 0.0], [0.0, 0.0, 1.0]], "that of A with B differs"),
        ([[1.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 1.0]], "that of B with itself is 0.9"),
        ([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]], "negative eigenvalue -0.8"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(correlation: list[list[float]], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        fundamental_paths({"A": OU, "B": OU, "C": OU}, HOUR, 1, correlation)


def test_kinds_are_told_apart_by_their_name() -> None:
    adapter: TypeAdapter[Fundamental] = TypeAdapter(Fundamental)
    assert adapter.validate_python({"kind": "constant", "value_tick": 7.0}) == ConstantFundamental(value_tick=7.0)
    assert isinstance(adapter.validate_python({"kind": "sparse_mean_reverting"}), SparseMeanRevertingFundamental)
    assert np.all(fundamental_paths({"A": ConstantFundamental(value_tick=7.0)}, HOUR, 1) == 7.0)
