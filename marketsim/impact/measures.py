"""From exact pairs to numbers: how far the price moved because of the agent, how much of it stayed, and what trading cost.

In each pair everything is signed by the agent's own direction: positive is against it, up for a net buyer and down for a net seller.
An agent that ends with what it began with has no direction; its pair counts unsigned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.impact.pairs import FloatArray, IntArray, Pair

BPS = 1e4
N_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with its 95 % bootstrap interval; NaN where no pair says anything."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ImpactPath:
    """The mean signed price difference at each time of the grid, bps of the price without the agent, with its 95 % band."""

    time_ns: IntArray  # (n_times,)
    mean_bps: FloatArray  # (n_times,)
    low_bps: FloatArray
    high_bps: FloatArray


@dataclass(frozen=True, slots=True)
class Impact:
    """What the agent did to the market.

    Attributes
    ----------
    path : price difference through time
    peak_bps : difference when the agent's last fill was done
    permanent_bps : difference at the end of the simulation
    temporary_bps : what came back between the two, pair by pair
    cost_bps : its average price against the mid at its first fill in the market without it (implementation shortfall)
    cost_without_impact_bps : its average price against the mid without it at the times of its fills; what its own trading made of the
        price, the spread included
    volume_change, spread_change, volatility_change : market with it over market without it, less 1, fractions
    n_pairs, n_trading : pairs run, and those in which the agent traded
    """

    path: ImpactPath
    peak_bps: Estimate
    permanent_bps: Estimate
    temporary_bps: Estimate
    cost_bps: Estimate
    cost_without_impact_bps: Estimate
    volume_change: Estimate
    spread_change: Estimate
    volatility_change: Estimate
    n_pairs: int
    n_trading: int


def measure_impact(pairs: Sequence[Pair], seed: int = 0) -> Impact:
    """Return what an agent did to the market.

    Parameters
    ----------
    pairs : at least one, all on the same grid
    seed : of the bootstrap: pairs are drawn with replacement 2,000 times (Efron 1979, percentile interval)
    """
    differences = np.array([_signed_bps(pair) for pair in pairs])
    picks = np.random.default_rng(seed).integers(0, len(pairs), (N_RESAMPLES, len(pairs)))

    def estimated(value: Callable[[Pair], float]) -> Estimate:
        return estimate(np.array([value(pair) for pair in pairs]), seed)

    peak = np.array([peak_bps(pair) for pair in pairs])
    last = np.array([row[-1] if len(pair.fill_ns) else np.nan for pair, row in zip(pairs, differences, strict=True)])
    low, high = _band(differences, picks)
    return Impact(
        path=ImpactPath(pairs[0].time_ns, _mean(differences), low, high),
        peak_bps=estimate(peak, seed),
        permanent_bps=estimate(last, seed),
        temporary_bps=estimate(peak - last, seed),
        cost_bps=estimated(lambda pair: _cost_bps(pair, np.full(len(pair.fill_ns), _first_mid(pair)))),
        cost_without_impact_bps=estimated(lambda pair: _cost_bps(pair, _mid_without(pair, pair.fill_ns))),
        volume_change=estimated(lambda pair: _ratio(pair.present.volume_lot, pair.absent.volume_lot)),
        spread_change=estimated(lambda pair: _ratio(_average(pair.present.spread_tick), _average(pair.absent.spread_tick))),
        volatility_change=estimated(lambda pair: _ratio(_volatility(pair.present.mid_tick), _volatility(pair.absent.mid_tick))),
        n_pairs=len(pairs),
        n_trading=sum(len(pair.fill_ns) > 0 for pair in pairs),
    )


def estimate(values: FloatArray, seed: int = 0) -> Estimate:
    """Return the mean of the finite values of (n_pairs,) with its bootstrap interval."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    picks = np.random.default_rng(seed).integers(0, len(known), (N_RESAMPLES, len(known)))
    low, high = np.quantile(known[picks].mean(axis=1), (0.025, 0.975))
    return Estimate(float(known.mean()), float(low), float(high), len(known))


def peak_bps(pair: Pair) -> float:
    """Return the signed price difference of a pair when the agent's last fill was done, at the next grid time; NaN if it never traded."""
    if len(pair.fill_ns) == 0:
        return np.nan
    return float(_signed_bps(pair)[min(np.searchsorted(pair.time_ns, pair.fill_ns[-1]), len(pair.time_ns) - 1)])


def direction(pair: Pair) -> int:
    """Return 1 for a pair in which the agent was a net buyer, -1 for a net seller, 1 for neither."""
    return -1 if pair.net_lot < 0 else 1


def _signed_bps(pair: Pair) -> FloatArray:
    return direction(pair) * BPS * np.log(pair.present.mid_tick / pair.absent.mid_tick)


def _mid_without(pair: Pair, times: IntArray) -> FloatArray:
    """Return the mid without the agent at the last grid time not after each moment."""
    at = np.maximum(np.searchsorted(pair.time_ns, times, side="right") - 1, 0)
    return pair.absent.mid_tick[at]


def _first_mid(pair: Pair) -> float:
    return float(_mid_without(pair, pair.fill_ns[:1])[0]) if len(pair.fill_ns) else np.nan


def _cost_bps(pair: Pair, reference_tick: FloatArray) -> float:
    """Return what the agent paid beyond the reference prices of its fills, bps of the notional at them."""
    if len(pair.fill_ns) == 0:
        return np.nan
    paid = pair.fill_lot * (pair.fill_tick - reference_tick)
    return float(BPS * paid.sum() / np.abs(pair.fill_lot * reference_tick).sum())


def _ratio(present: float, absent: float) -> float:
    return present / absent - 1.0 if absent > 0 else np.nan


def _average(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _volatility(mid: FloatArray) -> float:
    returns = np.diff(np.log(mid[np.isfinite(mid)]))
    return float(returns.std()) if len(returns) > 1 else np.nan


def _mean(differences: FloatArray) -> FloatArray:
    known = np.isfinite(differences)
    n = known.sum(axis=0)
    return np.where(n > 0, np.where(known, differences, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)


def _band(differences: FloatArray, picks: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the 95 % band of the mean at every time; the same pairs are drawn for all times."""
    # counts[b, k]: how often pair k is in resample b; a matrix product then makes all means at once.
    counts = np.stack([np.bincount(row, minlength=differences.shape[0]) for row in picks]).astype(np.float64)
    known = np.isfinite(differences)
    n = counts @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (counts @ np.where(known, differences, 0.0)) / n
    low, high = np.full(differences.shape[1], np.nan), np.full(differences.shape[1], np.nan)
    some = known.any(axis=0)
    low[some], high[some] = np.nanquantile(means[:, some], (0.025, 0.975), axis=0)
    return low, high
