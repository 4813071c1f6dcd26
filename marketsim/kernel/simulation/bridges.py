"""Brownian bridges inside a band: the law of Brownian motion between two known points, given that it never leaves the band.

Lévy's construction halves every gap. A midpoint is proposed from the free bridge and accepted with the chance that the bridges on both
sides of it stay inside, which is the series of images for two barriers (Feller 1971, An Introduction to Probability Theory II, X.5). The
unit of the path is the band: 0 its floor, 1 its ceiling; time is measured in variance.
"""

from __future__ import annotations

import math

from marketsim.kernel.compile import entry, inner
from marketsim.kernel.simulation.streams import normal, uniform

EDGE = 1e-6  # a point on the edge of the band is taken this far inside; only ratios of vanishing chances are used
SURE = 36.0  # beyond this many e-folds a barrier is out of reach: exp(-36) is less than a rounding error
IMAGES = 3  # enough for times up to half the squared width of the band


@entry
def fill_bridge(path, first, last, variance, stack, random):
    """Fill ``path`` between two of its points.

    Parameters
    ----------
    path : (n,) float64 within [0, 1]; the points ``first`` and ``last`` are given, those between are written.
    first, last : int
    variance : float, of one step of the free motion; ``(last - first) * variance`` at most one half.
    stack : (at least 128, 2) int64, room to work in.
    random : (1,) record with a field ``stream``, the state of the random stream.
    """
    me = random[0]
    n = 0
    if last - first > 1:
        stack[0, 0], stack[0, 1] = first, last
        n = 1
    # Between the points of any gap on the stack nothing is written yet; all other gaps are done.
    while n > 0:
        n -= 1
        a, b = stack[n, 0], stack[n, 1]
        middle = (a + b) // 2
        path[middle] = _midpoint(path[a], path[b], (middle - a) * variance, (b - middle) * variance, me)
        if b - middle > 1:
            stack[n, 0], stack[n, 1] = middle, b
            n += 1
        if middle - a > 1:
            stack[n, 0], stack[n, 1] = a, middle
            n += 1


@inner
def _midpoint(start, end, before, after, me):
    x, y = _inside(start), _inside(end)
    mean = x + (y - x) * before / (before + after)
    sd = math.sqrt(before * after / (before + after))
    # No midpoint can be accepted with a greater chance than one as far from the nearer edge as the band is wide.
    most = _most(x, before) * _most(y, after)
    while True:
        m = mean + sd * normal(me)
        if 0.0 < m < 1.0 and uniform(me) * most < stays(x, m, before) * stays(m, y, after):
            return m


@inner
def _inside(x):
    return min(max(x, EDGE), 1.0 - EDGE)


@inner
def _most(x, time):
    return -math.expm1(-2.0 * min(x, 1.0 - x) / time)


@inner
def stays(x, y, time):
    """Return the chance that a Brownian bridge from x to y never leaves (0, 1)."""
    if x > 0.5:
        x, y = 1.0 - x, 1.0 - y
    floor, ceiling = 2.0 * x * y / time, 2.0 * (1.0 - x) * (1.0 - y) / time
    if ceiling > SURE:
        return 1.0 if floor > SURE else -math.expm1(-floor)
    chance = -math.expm1(-floor)
    for k in range(1, IMAGES + 1):
        chance += math.exp(-2.0 * k * (k + y - x) / time) - math.exp(-2.0 * (k + x) * (k + y) / time)
        chance += math.exp(-2.0 * k * (k - y + x) / time) - math.exp(-2.0 * (k - x) * (k - y) / time)
    return chance
