"""A path of prices through one bar: it opens, turns and closes where the bar did.

A bar fixes four prices. The path between them is Brownian motion given those four: it starts at the open, ends at the close, touches the
high and the low, and never leaves them. Its variance is the one the range tells (Parkinson 1980: E[range²] = 4 ln 2 · variance). When the
extremes are touched follows from the first-passage densities of Brownian motion between two barriers; the pieces between are bridges inside
the band (McLeish 2002, Highs and lows, Canadian Journal of Statistics 30; the densities in Borodin and Salminen 2002, part II, 1.3).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from marketsim.kernel.simulation.bridges import EDGE, IMAGES, fill_bridge
from marketsim.markets.panel import FloatArray, IntArray

PARKINSON_VARIANCE = 1.0 / (4.0 * np.log(2.0))  # of a bar whose range is 1
MOST_CELLS = 64  # in how many parts of a bar an extreme may lie; inside a part every moment is as likely
STREAM = np.dtype([("stream", np.int64)])


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
