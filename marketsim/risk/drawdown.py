"""Drawdowns: how far and for how long an account lay below its own high-water mark.

Functions take wealth, (n + 1,) float64 in any currency, whose first entry is the starting capital, so that a loss in the very
first bar counts. Missing values carry the last known one forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.risk.observations import NAN, FloatArray


@dataclass(frozen=True, slots=True)
class Episode:
    """One stay below the high-water mark; positions count within wealth.

    ``peak`` is the last bar at the high-water mark, ``trough`` the first bar at the lowest point, ``end`` the first bar back at
    the mark, or the last bar there is when ``recovered`` is false. ``depth`` is a fraction, negative.
    """

    peak: int
    trough: int
    end: int
    depth: float
    recovered: bool

    @property
    def bars(self) -> int:
        """Bars from the peak to the end."""
        return self.end - self.peak


def _carried(wealth: FloatArray) -> FloatArray:
    w = np.asarray(wealth, dtype=np.float64)
    known = np.isfinite(w)
    if known.all() or not known.any():
        return w
    last = np.maximum.accumulate(np.where(known, np.arange(w.size), -1))
    return w[np.where(last >= 0, last, np.argmax(known))]


def drawdowns(wealth: FloatArray) -> FloatArray:
    """Return D_t = W_t / max_{s <= t} W_s - 1, (n + 1,) fractions, not positive; NaN where no positive value was seen yet.

    Source: Magdon-Ismail & Atiya, Maximum Drawdown, Risk 17(10), 2004, p. 99.
    """
    w = _carried(wealth)
    if w.size == 0:
        return w
    peak = np.maximum.accumulate(w)
    share: FloatArray = np.divide(w, peak, out=np.full(w.shape, np.nan), where=peak > 0)
    return share - 1.0


def episodes(wealth: FloatArray) -> tuple[Episode, ...]:
    """Return every stay below the high-water mark, oldest first; none for missing or ever-rising wealth."""
    depth = drawdowns(wealth)
    under = depth < 0.0
    if not under.any():
        return ()
    edges = np.diff(np.concatenate(([False], under, [False])).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        trough = start + int(np.argmin(depth[start:stop]))
        recovered = stop < depth.size
        found.append(Episode(max(start - 1, 0), trough, stop if recovered else depth.size - 1, float(depth[trough]), recovered))
    return tuple(found)


def max_drawdown(wealth: FloatArray) -> float:
    """Return the deepest drawdown min_t D_t, a fraction, not positive; NaN without observations."""
    depth = drawdowns(wealth)
    depth = depth[np.isfinite(depth)]
    return float(depth.min()) if depth.size else NAN


def average_drawdown(wealth: FloatArray) -> float:
    """Return the mean depth of all episodes, a fraction, not positive; 0 without any, NaN without observations.

    Source: Bacon (2008), section 4.7 (average drawdown over the d drawdowns of the period).
    """
    if not np.isfinite(max_drawdown(wealth)):
        return NAN
    found = episodes(wealth)
    return float(np.mean([e.depth for e in found])) if found else 0.0


def max_drawdown_bars(wealth: FloatArray) -> float:
    """Return the length of the longest episode, bars from peak to recovery or the end; 0 without any, NaN without observations.

    The longest episode need not be the deepest one.
    """
    if not np.isfinite(max_drawdown(wealth)):
        return NAN
    return float(max((e.bars for e in episodes(wealth)), default=0))


def average_drawdown_bars(wealth: FloatArray) -> float:
    """Return the mean length of all episodes, bars; 0 without any, NaN without observations."""
    if not np.isfinite(max_drawdown(wealth)):
        return NAN
    found = episodes(wealth)
    return float(np.mean([e.bars for e in found])) if found else 0.0


def _days(wealth: FloatArray, time_ns: np.ndarray) -> list[float]:
    return [float(time_ns[e.end] - time_ns[e.peak]) / 86_400e9 for e in episodes(wealth)]


def max_drawdown_days(wealth: FloatArray, time_ns: np.ndarray) -> float:
    """Return the length of the longest episode, calendar days; ``time_ns`` (n + 1,) int64 belongs to ``wealth``. NaN as above."""
    return max(_days(wealth, time_ns), default=0.0) if np.isfinite(max_drawdown(wealth)) else NAN


def average_drawdown_days(wealth: FloatArray, time_ns: np.ndarray) -> float:
    """Return the mean length of all episodes, calendar days; 0 without any, NaN without observations."""
    if not np.isfinite(max_drawdown(wealth)):
        return NAN
    lengths = _days(wealth, time_ns)
    return float(np.mean(lengths)) if lengths else 0.0


def ulcer_index(wealth: FloatArray) -> float:
    """Return sqrt(mean(D_t^2)) over all points after the start, a fraction, not negative; NaN without observations.

    Source: Martin & McCann, The Investor's Guide to Fidelity Funds (1989), ch. 5, there in percent.
    """
    depth = drawdowns(wealth)[1:]
    depth = depth[np.isfinite(depth)]
    return float(np.sqrt(np.mean(depth**2))) if depth.size else NAN
