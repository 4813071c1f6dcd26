"""A value that reverts to its mean and is pushed at every step."""

from __future__ import annotations

from marketsim.kernel.compile import entry


@entry
def mean_reverting(values, keep, pushes, lowest):
    """Write a path in place: each value is ``keep`` times the one before plus its push, and at least ``lowest``.

    Parameters
    ----------
    values : (n + 1,) float64, deviations from the mean; the first is given, the others are written
    keep : share of a deviation that is left after a step
    pushes : (n,) float64, added after each step
    lowest : floor of the deviation; -inf for none
    """
    for k in range(len(pushes)):
        values[k + 1] = max(keep * values[k] + pushes[k], lowest)
