"""Real bars as fundamental values: for every session a path that opens, turns and closes where the real price did.

A bar fixes four prices. The path between them is Brownian motion given those four: it starts at the open, ends at the close, touches the
high and the low, and never leaves them. Its variance is the one the range tells (Parkinson 1980: E[range²] = 4 ln 2 · variance). When the
extremes are touched follows from the first-passage densities of Brownian motion between two barriers; the pieces between are bridges inside
the band (McLeish 2002, Highs and lows, Canadian Journal of Statistics 30; the densities in Borodin and Salminen 2002, part II, 1.3).

Each bar draws from a stream of its own, named after the seed, the symbol and the time it opens, so it looks the same whichever others are
asked for. What the path does not know: jumps, volatility that changes inside a bar, and the market's real order of events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError, DataError
from marketsim.kernel.simulation.bridges import EDGE, IMAGES, fill_bridge
from marketsim.markets.panel import FloatArray, IntArray, Panel

PARKINSON_VARIANCE = 1.0 / (4.0 * np.log(2.0))  # of a bar whose range is 1
FEWEST_STEPS = 4  # open, high, low and close
MOST_CELLS = 64  # in how many parts of a bar an extreme may lie; inside a part every moment is as likely
USUAL_SESSIONS = 20  # sessions the usual volume is taken over

STREAM = np.dtype([("stream", np.int64)])


@dataclass(frozen=True, slots=True)
class History:
    """Fundamental values of some sessions.

    Attributes
    ----------
    sessions : start and end of each, ns.
    step_ns : time between two values.
    price : (n_symbols, n_sessions, n) float64, currency a share, raw as traded that day; a shorter session repeats its last value.
    volume : (n_symbols, n_sessions) float64, shares traded; NaN where unknown.
    activity : (n_symbols, n_sessions) float64, volume relative to the mean of up to 20 sessions before; 1 where unknown.
    """

    sessions: tuple[tuple[int, int], ...]
    step_ns: int
    price: FloatArray
    volume: FloatArray
    activity: FloatArray

    def ticks(self, tick_size: float) -> FloatArray:
        """Return the values in ticks, as `Setting.fundamental` wants them."""
        return np.asarray(self.price / tick_size)


def history(bars: Panel, sessions: Sequence[np.datetime64], seed: int, step_ns: int = 1_000_000_000) -> History:
    """Turn real bars into fundamental values.

    Parameters
    ----------
    bars : daily bars, or bars within the day; all symbols need a bar before or in every session asked for.
    sessions : which sessions, ascending; those before them count for the usual volume.
    seed : the run's; the streams follow from it, the symbol and each bar's opening time.
    step_ns : grid, ns; every bar must hold at least four steps.

    Returns
    -------
    History
        Where a symbol has no bar the value stays at its last close.

    Raises
    ------
    ConfigError
        The grid is too coarse for the bars, or does not divide them.
    DataError
        A session has no bar, a symbol has no price yet, or a bar contradicts itself.
    """
    rows = [np.flatnonzero(bars.session == day) for day in sessions]
    missing = [str(day) for day, found in zip(sessions, rows, strict=True) if len(found) == 0]
    if missing:
        raise DataError(f"no bar of session {missing[0]} is there to make a fundamental of; check the run's start and end.")
    spans = tuple((int(bars.open_ns[found[0]]), int(bars.close_ns[found[-1]])) for found in rows)
    n_points = max((stop - start) // step_ns + 1 for start, stop in spans)
    price = np.empty((len(bars.symbols), len(spans), n_points))
    for column in range(len(bars.symbols)):
        for place, found in enumerate(rows):
            _fill_session(price[column, place], bars, found, column, step_ns, seed)
    return History(spans, step_ns, price, *_volumes(bars, rows))


def _fill_session(path: FloatArray, bars: Panel, rows: npt.NDArray[np.intp], column: int, step_ns: int, seed: int) -> None:
    """Write one symbol's session; the last bar ends on the grid's last point, the others one step before the next bar opens."""
    start = int(bars.open_ns[rows[0]])
    last = _last_close(bars, column, int(rows[0]))
    for row in map(int, rows):
        open_ns, length_ns = int(bars.open_ns[row]), int(bars.close_ns[row] - bars.open_ns[row])
        if length_ns % step_ns or length_ns // step_ns < FEWEST_STEPS:
            raise ConfigError(
                f"fundamental step {step_ns / 1e9:g} s: the bar of {bars.symbols[column]} at {np.datetime64(open_ns, 'ns')}Z lasts "
                f"{length_ns / 1e9:g} s; use a step that divides it into at least {FEWEST_STEPS}."
            )
        first, n = (open_ns - start) // step_ns, length_ns // step_ns + (row == rows[-1])
        path[first : first + n] = last
        if not np.isnan(bars.open[row, column]):
            path[first : first + n] = _bar(bars, row, column, n, f"{seed}\nhistory\n{bars.symbols[column]}\n{open_ns}")
        last = float(path[first + n - 1])
        path[first + n :] = last


def bar_path(prices: tuple[float, float, float, float], n: int, stream: int) -> FloatArray:
    """Return a path of ``n`` points that respects a bar's open, high, low and close exactly.

    Parameters
    ----------
    prices : open, high, low and close, currency; positive, low and high around the others.
    n : number of points, at least 4; the first is the open, the last the close.
    stream : where the random stream begins, a word.

    Returns
    -------
    (n,) float64, currency; its largest value is the high, its smallest the low.
    """
    start, high, low, end = prices
    if high == low:
        return np.full(n, start)
    width = np.log(high / low)
    heights = {price: float(np.clip(np.log(price / low) / width, EDGE, 1.0 - EDGE)) for price in (start, end)} | {high: 1.0, low: 0.0}
    path = np.empty(n)
    path[0], path[-1] = heights[start], heights[end]
    fixed = {0: start, n - 1: end}
    draw = np.random.Generator(np.random.Philox(key=stream % 2**64))
    for place, height in _turns(path[0], path[-1], n, draw):
        path[place] = height
        fixed[place] = high if height == 1.0 else low
    random, stack = np.zeros(1, STREAM), np.empty((128, 2), np.int64)
    random["stream"] = stream
    places = sorted(fixed)
    for first, last in pairwise(places):
        fill_bridge(path, first, last, PARKINSON_VARIANCE / (n - 1), stack, random)
    result = np.clip(low * np.exp(path * width), low, high)
    for place, price in fixed.items():
        result[place] = price
    return np.asarray(result)


def _turns(x: float, y: float, n: int, draw: np.random.Generator) -> list[tuple[int, float]]:
    """Return when the path touches the edges it neither starts nor ends on: (point, edge) in order of time."""
    edges = [edge for edge in (1.0, 0.0) if edge not in (x, y)]
    bounds = np.linspace(1, n - 1, min(n - 2, MOST_CELLS) + 1).astype(np.int64)
    time = PARKINSON_VARIANCE * (bounds[:-1] + bounds[1:] - 1) / 2 / (n - 1)
    rest = PARKINSON_VARIANCE - time
    if not edges:
        return []
    if len(edges) == 1:
        weight = _passage(time, abs(x - edges[0])) * _passage(rest, abs(y - edges[0]))
        return [(_within(bounds, _drawn(weight, draw), draw), edges[0])]
    later = np.triu(np.ones((len(time), len(time)), bool), 1)
    crossing = np.where(later, _passage(np.where(later, time[None, :] - time[:, None], 1.0), 1.0), 0.0)
    weights = [_passage(time, abs(x - first))[:, None] * crossing * _passage(rest, abs(y - (1.0 - first)))[None, :] for first in (1.0, 0.0)]
    which, one, two = np.unravel_index(_drawn(np.stack(weights).ravel(), draw), (2, len(time), len(time)))
    first = 1.0 - float(which)
    return [(_within(bounds, int(one), draw), first), (_within(bounds, int(two), draw), 1.0 - first)]


def _passage(time: FloatArray, distance: float) -> FloatArray:
    """Return, up to a factor, the density of reaching an edge first at a time, the other edge untouched; ``distance`` from the edge.

    From the other edge itself (distance 1) the chance vanishes; what counts then is its derivative with respect to the distance.
    """
    a, t = distance + 2.0 * np.arange(-IMAGES, IMAGES + 1), time[..., None]
    factor = a if distance < 1.0 else a**2 / t - 1.0
    return np.asarray(np.maximum((factor * np.exp(-(a**2) / (2.0 * t))).sum(axis=-1), 0.0) / time**1.5)


def _drawn(weight: FloatArray, draw: np.random.Generator) -> int:
    total = np.cumsum(weight)
    return int(np.searchsorted(total, draw.random() * total[-1], side="right"))


def _within(bounds: IntArray, cell: int, draw: np.random.Generator) -> int:
    low, high = int(bounds[cell]), int(bounds[cell + 1])
    return low + int(draw.random() * (high - low))


def _bar(bars: Panel, row: int, column: int, n: int, key: str) -> FloatArray:
    start, high, low, end = (float(prices[row, column]) for prices in (bars.open, bars.high, bars.low, bars.close))
    if not 0.0 < low <= min(start, end) <= max(start, end) <= high < np.inf:
        raise DataError(
            f"{bars.symbols[column]} at {np.datetime64(int(bars.open_ns[row]), 'ns')}Z: open {start}, high {high}, low {low}, close {end} "
            "contradict each other; expected 0 < low <= open, close <= high. Validation quarantines such bars: check its settings."
        )
    return bar_path((start, high, low, end), n, int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little", signed=True))


def _last_close(bars: Panel, column: int, before: int) -> float:
    """Return the price a symbol opens a session with while it does not trade: its last close, or the first open to come."""
    known = np.flatnonzero(np.isfinite(bars.close[:before, column]))
    if len(known):
        return float(bars.close[known[-1], column] / np.prod(bars.split[known[-1] + 1 : before + 1, column]))
    coming = np.flatnonzero(np.isfinite(bars.open[:, column]))
    if len(coming) == 0:
        raise DataError(f"{bars.symbols[column]} has no bar; a fundamental needs at least one.")
    return float(bars.open[coming[0], column] * np.prod(bars.split[before + 1 : coming[0] + 1, column]))


def _volumes(bars: Panel, rows: Sequence[npt.NDArray[np.intp]]) -> tuple[FloatArray, FloatArray]:
    """Return the sessions' volumes and how they compare with the sessions before, both (n_symbols, n_sessions)."""
    first_of = np.flatnonzero(np.append(True, bars.session[1:] != bars.session[:-1]))
    daily = np.add.reduceat(np.nan_to_num(bars.volume), first_of, axis=0)
    daily[~np.logical_or.reduceat(np.isfinite(bars.volume), first_of, axis=0)] = np.nan
    later = np.vstack([np.cumprod(bars.split[::-1], axis=0)[::-1][1:], np.ones((1, len(bars.symbols)))])[first_of]
    restated = daily * later  # in today's shares, so that a split is no change of activity
    volume = np.empty((len(bars.symbols), len(rows)))
    activity = np.ones_like(volume)
    for place, found in enumerate(rows):
        day = int(np.searchsorted(first_of, found[0], side="right")) - 1
        volume[:, place] = daily[day]
        past = restated[max(0, day - USUAL_SESSIONS) : day]
        for column in range(len(bars.symbols)):
            usual = past[np.isfinite(past[:, column]), column]
            if len(usual) and usual.mean() > 0.0 and np.isfinite(restated[day, column]):
                activity[column, place] = restated[day, column] / usual.mean()
    return volume, activity
