"""From exact pairs to numbers: how far the price moved because of the agent, how much of it stayed, and what trading cost.

In each pair everything is signed by the agent's own direction: positive is against it, up for a net buyer and down for a net seller.
An agent that ends with what it began with has no direction; its pair counts unsigned. Pairs in which it never traded say nothing about
its impact and are left out, but of an agent that trades in none the price path is shown all the same: orders alone can move a price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.impact.pairs import FloatArray, IntArray, Pair

BPS = 1e4
N_RESAMPLES = 2_000
TIMES_AT_ONCE = 4_096  # of the band, so that a fine grid over many days fits the memory

# Name → what it is, and its unit; of every pair, and averaged over the pairs.
MEASURES = {
    "peak_bps": ("price moved when its last fill was done", "bps"),
    "permanent_bps": ("price moved at the end", "bps"),
    "temporary_bps": ("came back between the two", "bps"),
    "cost_bps": ("cost against the mid at its first fill", "bps"),
    "cost_without_impact_bps": ("cost against the mid without it", "bps"),
    "volume_change": ("change of volume", "fraction"),
    "spread_change": ("change of the spread", "fraction"),
    "volatility_change": ("change of volatility", "fraction"),
}


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
    by_pair : each measure, (n_pairs,) float64 in the order of the pairs; NaN where a pair says nothing
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
    by_pair: Mapping[str, FloatArray]


def measure_impact(pairs: Sequence[Pair], seed: int = 0) -> Impact:
    """Return what an agent did to the market.

    Parameters
    ----------
    pairs : at least one, all on the same grid
    seed : of the bootstrap: pairs are drawn with replacement 2,000 times (Efron 1979, percentile interval)
    """
    rows = [_measured(pair) for pair in pairs]
    by_pair = {name: np.array([row[name] for row in rows]) for name in MEASURES}
    trading = [pair for pair in pairs if len(pair.fill_ns)]
    return Impact(
        path=_path(trading or pairs, seed),
        **{name: estimate(values, seed) for name, values in by_pair.items()},
        n_pairs=len(pairs),
        n_trading=len(trading),
        by_pair=by_pair,
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


def _measured(pair: Pair) -> dict[str, float]:
    """Return the measures of one pair."""
    with_it, without = pair.present, pair.absent
    peak = peak_bps(pair)
    last = float(_signed_bps(pair)[-1]) if len(pair.fill_ns) else np.nan
    reference = _mid_without(pair)
    return {
        "peak_bps": peak,
        "permanent_bps": last,
        "temporary_bps": peak - last,
        "cost_bps": _cost_bps(pair, np.repeat(reference[:1], len(reference))),
        "cost_without_impact_bps": _cost_bps(pair, reference),
        "volume_change": _ratio(with_it.volume_lot, without.volume_lot),
        "spread_change": _ratio(_average(with_it.spread_tick), _average(without.spread_tick)),
        "volatility_change": _ratio(_volatility(pair.time_ns, with_it.mid_tick), _volatility(pair.time_ns, without.mid_tick)),
    }


def _signed_bps(pair: Pair) -> FloatArray:
    return direction(pair) * BPS * np.log(pair.present.mid_tick / pair.absent.mid_tick)


def _mid_without(pair: Pair) -> FloatArray:
    """Return the mid without the agent at the last grid time not after each of its fills; the first there is for fills before any."""
    mid = pair.absent.mid_tick
    first = int(np.argmax(np.isfinite(mid)))
    at = np.searchsorted(pair.time_ns, pair.fill_ns, side="right") - 1
    return mid[np.maximum(at, first)]


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


def _volatility(time_ns: IntArray, mid: FloatArray) -> float:
    """Return the standard deviation of the log returns from one grid time to the next; nights are none."""
    steps = np.diff(time_ns)
    returns = np.diff(np.log(mid))[steps == steps.min()] if len(steps) else np.zeros(0)
    known = returns[np.isfinite(returns)]
    return float(known.std()) if len(known) > 1 else np.nan


def _path(pairs: Sequence[Pair], seed: int) -> ImpactPath:
    """Return the mean path with its 95 % band; the same pairs are drawn for all times."""
    differences = np.array([_signed_bps(pair) for pair in pairs])
    picks = np.random.default_rng(seed).integers(0, len(pairs), (N_RESAMPLES, len(pairs)))
    # counts[b, k]: how often pair k is in resample b; a matrix product then makes all means at once.
    counts = np.stack([np.bincount(row, minlength=len(pairs)) for row in picks]).astype(np.float64)
    n_times = differences.shape[1]
    mean, low, high = np.full((3, n_times), np.nan)
    for start in range(0, n_times, TIMES_AT_ONCE):
        stretch = differences[:, start : start + TIMES_AT_ONCE]
        known = np.isfinite(stretch)
        some = np.flatnonzero(known.any(axis=0))
        values, n = np.where(known, stretch, 0.0)[:, some], known[:, some].astype(np.float64)
        with np.errstate(invalid="ignore"):
            resampled = (counts @ values) / (counts @ n)
        mean[start + some] = values.sum(axis=0) / n.sum(axis=0)
        low[start + some], high[start + some] = np.nanquantile(resampled, (0.025, 0.975), axis=0)
    return ImpactPath(pairs[0].time_ns, mean, low, high)
