"""Mean-reverting fundamental values: Ornstein and Uhlenbeck's process (1930), and the same with rare large shocks.

Both are exact at the points of the grid, whatever its step: from one point to the next, d apart, the deviation from the mean keeps the
share exp(-kappa d) and gains a normal variate of variance sigma^2 (1 - exp(-2 kappa d)) / (2 kappa) (Gillespie 1996, equation 1.9). A
shock of size J at time s adds J exp(-kappa (t - s)) to the value at t.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.markets.simulated.fundamentals.spec import LARGEST_TICK, Draws, FundamentalSpec, Grid


class OrnsteinUhlenbeckFundamental(FundamentalSpec):
    """A value that is drawn back to its mean and diffuses."""

    kind: Literal["ornstein_uhlenbeck"] = "ornstein_uhlenbeck"
    mean_tick: float = Field(100_000.0, ge=0, le=LARGEST_TICK, description="Mean it reverts to, ticks.")
    start_tick: float | None = Field(
        None, ge=0, le=LARGEST_TICK, description="Value at the start of the first session, ticks; left out = the mean."
    )
    reversion_per_ns: float = Field(1.67e-16, ge=0, description="Speed of mean reversion, 1/ns; 0 for a random walk. RMSC04.")
    volatility_tick_per_sqrt_ns: float = Field(
        5e-5, ge=0, description="Standard deviation gained in t ns is this times sqrt(t), ticks, before reversion. RMSC04's fund_vol."
    )
    night_s: float = Field(0.0, ge=0, description="What the time between two sessions counts for, s of a session; 0 leaves no gap.")

    def path(self, grid: Grid, draws: Draws) -> NDArray[np.float64]:
        """Return the values, (n_sessions, n_points) float64, ticks."""
        return deviations(self, grid, draws, np.zeros((len(grid.sessions), grid.n_points)), -math.inf) + self.mean_tick


class SparseMeanRevertingFundamental(OrnsteinUhlenbeckFundamental):
    """The same with shocks at Poisson times that push hard either way; the value is never negative (Byrd 2019; ABIDES' sparse oracle)."""

    kind: Literal["sparse_mean_reverting"] = "sparse_mean_reverting"  # type: ignore[assignment]
    shock_rate_per_ns: float = Field(2.77778e-18, ge=0, le=1e-6, description="Mean number of shocks in 1 ns. RMSC04: one in 100,000 hours.")
    shock_mean_tick: float = Field(1000.0, ge=0, description="Mean size of a shock, ticks; its sign is a coin's. RMSC04.")
    shock_variance_tick2: float = Field(50_000.0, ge=0, description="Variance of its size, ticks squared. RMSC04.")

    def path(self, grid: Grid, draws: Draws) -> NDArray[np.float64]:
        """Return the values, (n_sessions, n_points) float64, ticks; between two points a shock shows as a straight line."""
        pushes = np.zeros((len(grid.sessions), grid.n_points))
        for session, (start_ns, _) in enumerate(grid.sessions):
            for points, length_ns, purpose in self._stretches(grid, session):
                at_ns, size_tick = self.shocks(draws, start_ns, purpose, length_ns)
                step_ns = length_ns / points.size
                ends = np.minimum((at_ns // step_ns).astype(np.int64), points.size - 1)
                left = np.exp(-self.reversion_per_ns * ((ends + 1) * step_ns - at_ns)) * size_tick
                np.add.at(pushes[session], points[ends], left)
        return deviations(self, grid, draws, pushes, -self.mean_tick) + self.mean_tick

    def _stretches(self, grid: Grid, session: int) -> list[tuple[NDArray[np.int64], float, str]]:
        """Return the points that shocks of the night before a session and of the session itself are felt at, their lengths and names."""
        day = (np.arange(1, grid.n_points), float((grid.n_points - 1) * grid.step_ns), "shocks")
        night = (np.zeros(1, np.int64), self.night_s * 1e9, "shocks of the night")
        return [day] if session == 0 or self.night_s == 0 else [night, day]

    def shocks(self, draws: Draws, start_ns: int, purpose: str, length_ns: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return when shocks come, ns after the start of a stretch, and how large they are, ticks; each (n_shocks,)."""
        generator = draws.generator(start_ns, purpose)
        n = int(generator.poisson(self.shock_rate_per_ns * length_ns))
        at_ns = np.sort(generator.uniform(0.0, length_ns, n))
        size_tick = generator.normal(self.shock_mean_tick, math.sqrt(self.shock_variance_tick2), n)
        return at_ns, np.where(generator.random(n) < 0.5, size_tick, -size_tick)


def deviations(
    spec: OrnsteinUhlenbeckFundamental, grid: Grid, draws: Draws, pushes: NDArray[np.float64], lowest_tick: float
) -> NDArray[np.float64]:
    """Return the deviations from the mean, (n_sessions, n_points), ticks, with further pushes of the same shape added at each point."""
    # Reading a run description needs the kinds but no compiler.
    from marketsim.kernel.mean_reversion import mean_reverting

    keep, gain = transition(spec, grid.step_ns)
    keep_night, gain_night = transition(spec, spec.night_s * 1e9)
    result = np.empty((len(grid.sessions), grid.n_points))
    last = 0.0 if spec.start_tick is None else spec.start_tick - spec.mean_tick
    # ``last`` is the deviation at the end of the session before.
    for session in range(len(grid.sessions)):
        normals = draws.normals[session]
        first = last if session == 0 else keep_night * last + gain_night * normals[0] + pushes[session, 0]
        result[session, 0] = max(first, lowest_tick)
        mean_reverting(result[session], keep, gain * normals[1:] + pushes[session, 1:], lowest_tick)
        last = float(result[session, grid.last_point(session)])
    return result


def transition(spec: OrnsteinUhlenbeckFundamental, ns: float) -> tuple[float, float]:
    """Return the share of a deviation that is left after a time, and the standard deviation gained, ticks."""
    kappa = spec.reversion_per_ns
    variance_ns = ns if kappa == 0 else -math.expm1(-2 * kappa * ns) / (2 * kappa)
    return math.exp(-kappa * ns), spec.volatility_tick_per_sqrt_ns * math.sqrt(variance_ns)
