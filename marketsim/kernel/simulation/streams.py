"""Random numbers, one stream an agent: splitmix64 (Steele, Lea and Flood 2014), its state a word of the agent's record.

What one agent draws depends on nothing but its own stream, so adding, removing or muting another leaves its draws as they were.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.memory import load_i64
from marketsim.kernel.simulation.world import EMPIRICAL, STEADY

GOLDEN = -7046029254386353131  # 2**64 divided by the golden ratio, as a signed word
MIX_1, MIX_2 = -4658895280553007687, -7723592293110705685
UNIT = 1.0 / 9007199254740992.0  # 2**-53
LONGEST_JITTER_NS = 1e18  # beyond any simulation, and still a whole number of 64 bits


@inlined
def mixed(word):
    """Return the scrambled form of a word."""
    z = np.uint64(word)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))


@inner
def uniform(me):
    """Draw from [0, 1)."""
    me.stream += GOLDEN
    return (mixed(me.stream) >> np.uint64(11)) * UNIT


@inner
def exponential(me, mean):
    """Draw a waiting time of the given mean."""
    return -mean * math.log1p(-uniform(me))


@inner
def normal(me):
    """Draw from the standard normal distribution (Box and Muller 1958; two uniforms a draw, nothing kept back)."""
    radius = math.sqrt(-2.0 * math.log1p(-uniform(me)))
    return radius * math.cos(2.0 * math.pi * uniform(me))


@inner
def integer(me, low, high):
    """Draw a whole number from low to high, both included."""
    return low + int(uniform(me) * (high - low + 1))


@inner
def random_side(me):
    """Draw 1 or -1 with equal chances."""
    return 1 if uniform(me) < 0.5 else -1


@inner
def poisson(me, mean):
    """Draw a count of the given mean, which should be small (Knuth's product of uniforms)."""
    limit = math.exp(-mean)
    product = uniform(me)
    n = 0
    # ``product`` is that of n + 1 uniforms.
    while product > limit:
        product *= uniform(me)
        n += 1
    return n


@inner
def delay_ns(me, steady_ns):
    """Return how long a message of an agent's takes: its constant part and a draw of its jitter."""
    if me.jitter == STEADY:
        return steady_ns
    decisions = me.stream
    me.stream = me.delay_stream
    if me.jitter == EMPIRICAL:
        extra = load_i64(me.jitter_table, integer(me, 0, me.n_jitter - 1))
    else:
        extra = int(min(math.exp(me.jitter_log_mean + me.jitter_log_sd * normal(me)), LONGEST_JITTER_NS))
    me.delay_stream = me.stream
    me.stream = decisions
    return steady_ns + extra
