"""How fast a living market runs: ``python -m benchmarks.living``; CPU seconds of the compiled loop, agents compiled beforehand."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.machine import describe
from marketsim.agents.background.momentum import MomentumParams, momentum
from marketsim.agents.background.noise import NoiseParams, noise
from marketsim.agents.background.value import ValueParams, value
from marketsim.agents.market_makers.adaptive import AdaptiveMarketMakerParams, adaptive
from marketsim.markets.simulated.fundamentals import Grid, SparseMeanRevertingFundamental, fundamental_paths
from marketsim.markets.simulated.world import Capture, Latency, Member, Setting, World

OPEN_NS = int(np.datetime64("2021-02-05T14:30", "ns").astype(np.int64))  # 09:30 in New York
LINE_M, LIGHT_M_PER_S = 3_866_660.0, 299_792_458.0  # New York to Seattle
CASH_TICK_LOT = 10_000_000


def rmsc04_world(seed: int, capture: Capture | None = None, hours: float = 6.5, published_learning: bool = False) -> World:
    """Return the reference market configuration RMSC04 of ABIDES, one session from 09:30, ticks of a cent."""
    kinds = (
        ("noise", 1000, noise, NoiseParams()),
        ("value", 102, value, ValueParams(published_learning=published_learning)),
        ("adaptive", 2, adaptive, AdaptiveMarketMakerParams()),
        ("momentum", 12, momentum, MomentumParams()),
    )
    exchange_m = _place_m(seed, "exchange")
    members = []
    for kind, count, agent, params in kinds:
        for k in range(count):
            name = f"{kind}.{k}"
            delay_ns = int(abs(_place_m(seed, name) - exchange_m) / LIGHT_M_PER_S * 1e9)
            members.append(Member(name, agent, params, latency=Latency(delay_ns, delay_ns, 50), cash_tick_lot=CASH_TICK_LOT))
    sessions = ((OPEN_NS, OPEN_NS + int(hours * 3600e9)),)
    fundamental = fundamental_paths({"ABM": SparseMeanRevertingFundamental()}, Grid(sessions), seed)
    return World(Setting(sessions=sessions, fundamental=fundamental), members, seed, capture)


def _place_m(seed: int, name: str) -> float:
    """Return where on the line somebody stands, metres; it follows from the seed and the name alone."""
    word = int.from_bytes(hashlib.sha256(f"{seed}\nplace of {name}".encode()).digest()[:8], "little")
    return word / 2**64 * LINE_M
