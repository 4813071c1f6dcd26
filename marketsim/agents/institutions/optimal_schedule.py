"""Almgren and Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3(2), 2000: linear impact in closed form.

Units are the caller's, as long as they agree: a price unit, a quantity unit, a time unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def decay_rate(risk_aversion: float, volatility: float, temporary_impact: float, permanent_impact: float, period: float) -> float:
    """Return kappa, the rate at which the optimal holdings decay (eq. 16 and the discrete relation below it).

    Parameters
    ----------
    risk_aversion : lambda, 1 / (price quantity)
    volatility : sigma, price a square-root time
    temporary_impact : eta, price time a quantity
    permanent_impact : gamma, price a quantity
    period : tau, time between trades; eta must be larger than gamma tau / 2

    Returns
    -------
    float
        1 / time; 0 without risk aversion.
    """
    effective = temporary_impact - 0.5 * permanent_impact * period
    square = risk_aversion * volatility * volatility / effective
    return math.acosh(1.0 + 0.5 * square * period * period) / period


def remaining_share(kappa: float, time_left: float, horizon: float) -> float:
    """Return the share still held when a time is left: sinh(kappa t) / sinh(kappa T), t / T without risk aversion (eq. 17)."""
    if kappa * horizon < 1e-9:
        return time_left / horizon
    # Written with decaying exponentials only, so that a large kappa T does not overflow.
    return math.exp(kappa * (time_left - horizon)) * math.expm1(-2.0 * kappa * time_left) / math.expm1(-2.0 * kappa * horizon)


@dataclass(frozen=True, slots=True)
class Execution:
    """What a liquidation faces.

    Attributes
    ----------
    quantity : X
    horizon : T
    n_periods : N; trades happen once a period of T / N
    volatility : sigma, price a square-root time
    temporary_impact : eta, price time a quantity
    permanent_impact : gamma, price a quantity
    half_spread : epsilon, price
    """

    quantity: float
    horizon: float
    n_periods: int
    volatility: float
    temporary_impact: float
    permanent_impact: float = 0.0
    half_spread: float = 0.0

    @property
    def period(self) -> float:
        """Time between trades, tau."""
        return self.horizon / self.n_periods

    def kappa(self, risk_aversion: float) -> float:
        """Return the decay rate of the optimal holdings."""
        return decay_rate(risk_aversion, self.volatility, self.temporary_impact, self.permanent_impact, self.period)

    def holdings(self, risk_aversion: float) -> npt.NDArray[np.float64]:
        """Return (n_periods + 1,) optimal holdings, from the whole quantity to nothing."""
        kappa, n = self.kappa(risk_aversion), self.n_periods
        return np.array([self.quantity * remaining_share(kappa, self.horizon * (n - j) / n, self.horizon) for j in range(n + 1)])

    def expected_cost(self, holdings: npt.NDArray[np.float64]) -> float:
        """Return the expected shortfall of a schedule, price times quantity (eq. 8)."""
        trades = -np.diff(holdings)
        effective = self.temporary_impact - 0.5 * self.permanent_impact * self.period
        fixed = 0.5 * self.permanent_impact * self.quantity**2 + self.half_spread * np.abs(trades).sum()
        return float(fixed + effective / self.period * (trades**2).sum())

    def variance(self, holdings: npt.NDArray[np.float64]) -> float:
        """Return the variance of the shortfall of a schedule (eq. 5)."""
        return float(self.volatility**2 * self.period * (holdings[1:] ** 2).sum())
