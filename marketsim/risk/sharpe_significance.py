"""How sure a Sharpe ratio is: probabilistic and deflated Sharpe ratios.

Sharpe ratios here are per bar, not annualised; kurtosis is the moment kurtosis, 3 for a normal distribution.
The normal distribution comes from the standard library, which loads thirty times faster than SciPy's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from marketsim.risk.observations import NAN, FloatArray, observed
from marketsim.risk.ratios import sharpe
from marketsim.risk.tails import moment_kurtosis, moment_skewness

EULER_GAMMA = 0.5772156649015329
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Trials:
    """How many trials were made to find the strategy, and the variance of their Sharpe ratios per bar.

    One trial means that nothing was chosen, so the deflated ratio equals the probabilistic one.
    """

    n: int = 1
    sharpe_variance: float = 0.0


def probabilistic_sharpe(sharpe_per_bar: float, n_bars: int, skewness: float, kurtosis: float, threshold: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio exceeds ``threshold``, a fraction.

    PSR = Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - g_3 SR + (g_4 - 1) / 4 SR^2)). NaN below two bars, for missing inputs, and where the
    variance under the root is not positive. Source: Bailey & López de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk
    15(2), 2012, eq. 11.
    """
    variance = 1.0 - skewness * sharpe_per_bar + (kurtosis - 1.0) / 4.0 * sharpe_per_bar**2
    if n_bars < 2 or not (variance > 0 and math.isfinite(variance) and math.isfinite(threshold)):
        return NAN
    return NORMAL.cdf((sharpe_per_bar - threshold) * math.sqrt(n_bars - 1) / math.sqrt(variance))


def expected_max_normal(n: int) -> float:
    """Return the expected maximum of ``n`` independent standard normals, a ratio; 0 for one of them, NaN below one.

    E = (1 - gamma) Phi^-1(1 - 1 / n) + gamma Phi^-1(1 - 1 / (n e)), gamma Euler's constant.
    Source: Bailey & López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 2014, eq. 1.
    """
    if n < 1:
        return NAN
    if n == 1:
        return 0.0
    return (1.0 - EULER_GAMMA) * NORMAL.inv_cdf(1.0 - 1.0 / n) + EULER_GAMMA * NORMAL.inv_cdf(1.0 - 1.0 / (n * math.e))


def expected_max_sharpe(trials: Trials) -> float:
    """Return the Sharpe ratio per bar that the best of ``trials`` without skill is expected to show, sqrt(V) * E[max]; NaN for V < 0."""
    return math.sqrt(trials.sharpe_variance) * expected_max_normal(trials.n) if trials.sharpe_variance >= 0 else NAN


def deflated_sharpe(sharpe_per_bar: float, n_bars: int, skewness: float, kurtosis: float, trials: Trials) -> float:
    """Return the probability that the true Sharpe ratio is above zero, given that it is the best of ``trials``, a fraction.

    The probabilistic Sharpe ratio with threshold `expected_max_sharpe`. Source: Bailey & López de Prado (2014), eq. 2.
    """
    return probabilistic_sharpe(sharpe_per_bar, n_bars, skewness, kurtosis, expected_max_sharpe(trials))


def probabilistic_sharpe_of(returns: FloatArray, risk_free: float = 0.0) -> float:
    """Return `probabilistic_sharpe` against zero of simple returns per bar, (n,); NaN below two observations and when flat."""
    return deflated_sharpe_of(returns, Trials(), risk_free)


def deflated_sharpe_of(returns: FloatArray, trials: Trials, risk_free: float = 0.0) -> float:
    """Return `deflated_sharpe` of simple returns per bar, (n,); NaN below two observations and when flat."""
    r = observed(returns)
    return deflated_sharpe(sharpe(r, 1.0, risk_free), r.size, moment_skewness(r), moment_kurtosis(r), trials)
