"""How fast a living market runs: ``python -m benchmarks.living``; CPU seconds of the compiled loop, agents compiled beforehand."""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks.machine import describe
from marketsim.agents.background.chiarella import ChiarellaParams, chiarella
from marketsim.agents.background.momentum import MomentumParams, momentum
from marketsim.agents.background.noise import NoiseParams, noise
from marketsim.agents.background.value import ValueParams, value
from marketsim.agents.market_makers.adaptive import AdaptiveMarketMakerParams, adaptive
from marketsim.markets.simulated.fundamentals import Grid, SparseMeanRevertingFundamental, fundamental_paths
from marketsim.markets.simulated.setting import Capture, Handed, Latency, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.venue_rules import VenueRules

OPEN_NS = int(np.datetime64("2021-02-05T14:30", "ns").astype(np.int64))  # 09:30 in New York
LINE_M, LIGHT_M_PER_S = 3_866_660.0, 299_792_458.0  # New York to Seattle
CASH_TICK_LOT = 10_000_000
MESSAGES_A_TURN = 1.38  # of the crowd: an order, and often a cancel


def rmsc04_world(
    seed: int, capture: Capture | None = None, hours: float = 6.5, rules: VenueRules | None = None, muted: Container[str] = ()
) -> World:
    """Return the reference market configuration RMSC04 of ABIDES, one session from 09:30, ticks of a cent; ``muted`` agents never act."""
    kinds = (
        ("noise", 1000, noise, NoiseParams()),
        ("value", 102, value, ValueParams()),
        ("adaptive", 2, adaptive, AdaptiveMarketMakerParams()),
        ("momentum", 12, momentum, MomentumParams()),
    )
    exchange_m = _place_m(seed, "exchange")
    members = []
    for kind, count, agent, params in kinds:
        for k in range(count):
            name = f"{kind}.{k}"
            delay_ns = int(abs(_place_m(seed, name) - exchange_m) / LIGHT_M_PER_S * 1e9)
            latency = Latency(delay_ns, delay_ns, 50)
            members.append(Member(name, agent, params, latency=latency, cash_tick_lot=CASH_TICK_LOT, muted=name in muted))
    sessions = ((OPEN_NS, OPEN_NS + int(hours * 3600e9)),)
    fundamental = fundamental_paths({"ABM": SparseMeanRevertingFundamental()}, Grid(sessions), seed)
    return World(Setting(sessions, fundamental, rules=(rules or VenueRules.plain(),)), members, seed, capture)


def _place_m(seed: int, name: str) -> float:
    """Return where on the line somebody stands, metres; it follows from the seed and the name alone."""
    word = int.from_bytes(hashlib.sha256(f"{seed}\nplace of {name}".encode()).digest()[:8], "little")
    return word / 2**64 * LINE_M


def crowded_world(seed: int, n_agents: int = 5000, messages: int = 10_000_000) -> World:
    """Return a session of traders who do as they please around a fundamental value: about ``messages`` of their messages."""
    sessions = ((OPEN_NS, OPEN_NS + int(6.5 * 3600e9)),)
    wait_s = 6.5 * 3600 * n_agents * MESSAGES_A_TURN / messages
    params = ChiarellaParams(kappa_per_s=0.002, noise_per_sqrt_s=1e-4, lot_per_unit=1e5, market_share=0.3, mean_wait_s=wait_s)
    members = [Member(f"crowd.{k}", chiarella, params, latency=Latency(1000 * k, 1000 * k, 50)) for k in range(n_agents)]
    return World(Setting(sessions, fundamental_paths({"ABM": SparseMeanRevertingFundamental()}, Grid(sessions), seed)), members, seed)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one simulation took."""

    cpu_s: float
    messages: int
    turns: int
    trades: int


def cost(world: World) -> Cost:
    """Run a world to its end."""
    trades = 0

    def count(handed: Handed) -> None:
        nonlocal trades
        trades += len(handed.tape.trades)

    start = time.thread_time()
    world.run(count)
    return Cost(time.thread_time() - start, int(world.header["n_messages"]), int(world.header["n_turns"]), trades)


def seeds_in_threads(n_seeds: int, n_threads: int) -> float:
    """Return the seconds that days of RMSC04 take on some threads, each set up and run by one of them."""
    start = time.perf_counter()
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(lambda seed: rmsc04_world(seed).run(), range(n_seeds)):
            pass
    return time.perf_counter() - start


def peak_mb() -> float:
    """Return the most memory this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    print(describe("numba", "numpy"))
    rmsc04_world(0, hours=0.1).run()
    day = min((cost(rmsc04_world(1)) for _ in range(5)), key=lambda one: one.cpu_s)
    print(f"rmsc04, one day: {day.cpu_s:.3f} CPU s, {day.messages:,} messages, {day.trades:,} trades, {day.turns:,} turns")
    print("ABIDES, the same day: 30.3 CPU s, 42,711 messages, 18,581 trades")
    start = time.perf_counter()
    rmsc04_world(1)
    print(f"setting it up: {time.perf_counter() - start:.3f} s")
    crowd = cost(crowded_world(1))
    print(
        f"5,000 agents, one day: {crowd.cpu_s:.2f} CPU s, {crowd.messages:,} messages, {crowd.trades:,} trades, {crowd.turns:,} turns; "
        f"{crowd.messages / crowd.cpu_s / 1e6:.2f} M messages/s; {peak_mb():.0f} MB at most"
    )
    one, two = seeds_in_threads(200, 1), seeds_in_threads(200, 2)
    print(f"200 days of rmsc04: {one:.1f} s on one thread, {two:.1f} s on two, {one / two:.2f} times as fast")
    runs = [cost(rmsc04_world(1, hours=1.0)).cpu_s for _ in range(1000)]
    early, late = float(np.median(runs[:50])), float(np.median(runs[-50:]))
    print(f"1,000 runs in one process: runs 1-50 {early * 1e3:.2f} ms, runs 951-1,000 {late * 1e3:.2f} ms; {peak_mb():.0f} MB at most")


if __name__ == "__main__":
    main()
