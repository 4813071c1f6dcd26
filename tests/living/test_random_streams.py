"""The kernel's random numbers: against splitmix64's reference output, and their moments."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from marketsim.kernel.simulation.streams import exponential, integer, normal, poisson, random_side, uniform
from marketsim.kernel.simulation.world import AGENT, agent_at
from marketsim.markets.simulated.world_memory import stream_starts

N = 200_000
# First outputs of Vigna's splitmix64.c with state 0.
REFERENCE = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
UNIFORM, EXPONENTIAL, NORMAL, INTEGER, SIDE, POISSON = range(6)


@numba.njit
def fill(address, what, out):
    me = agent_at(address, 0)
    for k in range(len(out)):
        if what == 0:
            out[k] = uniform(me)
        elif what == 1:
            out[k] = exponential(me, 3.0)
        elif what == 2:
            out[k] = normal(me)
        elif what == 3:
            out[k] = integer(me, -2, 4)
        elif what == 4:
            out[k] = random_side(me)
        else:
            out[k] = poisson(me, 2.5)


def draws(what: int, state: int, n: int = N) -> NDArray[np.float64]:
    agent, out = np.zeros(1, AGENT), np.empty(n)
    agent["stream"] = state
    fill(agent.ctypes.data, what, out)
    return out


def test_splitmix64_reference_output() -> None:
    assert draws(UNIFORM, 0, 3).tolist() == [(word >> 11) * 2.0**-53 for word in REFERENCE]


@pytest.mark.parametrize(
    ("what", "mean", "variance", "fourth"),
    [
        (UNIFORM, 0.5, 1 / 12, 1 / 80),
        (EXPONENTIAL, 3.0, 9.0, 9 * 81.0),
        (NORMAL, 0.0, 1.0, 3.0),
        (INTEGER, 1.0, 4.0, 28.0),
        (SIDE, 0.0, 1.0, 1.0),
        (POISSON, 2.5, 2.5, 2.5 + 3 * 2.5**2),
    ],
)
def test_mean_and_variance_are_those_of_the_law(what: int, mean: float, variance: float, fourth: float) -> None:
    """Within four standard errors; ``fourth`` is the fourth central moment, which gives the variance's standard error."""
    x = draws(what, int(stream_starts(7, ["moments"])[0, 0]))
    assert abs(x.mean() - mean) < 4 * math.sqrt(variance / N)
    assert abs(((x - mean) ** 2).mean() - variance) <= 4 * math.sqrt((fourth - variance**2) / N)


def test_bounds_are_kept_and_both_ends_of_integer_are_reached() -> None:
    assert draws(UNIFORM, 1).min() >= 0.0
    assert draws(UNIFORM, 1).max() < 1.0
    assert set(draws(INTEGER, 2).tolist()) == {-2, -1, 0, 1, 2, 3, 4}
    assert draws(EXPONENTIAL, 3).min() >= 0.0


def test_streams_of_different_names_or_seeds_are_uncorrelated() -> None:
    starts = [int(word) for seed in (1, 2) for word in stream_starts(seed, ["noise.1", "noise.11"]).ravel()]
    correlation = np.corrcoef([draws(NORMAL, start) for start in starts])
    assert np.abs(correlation - np.eye(len(starts))).max() < 5 / math.sqrt(N)
