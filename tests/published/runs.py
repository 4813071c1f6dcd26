"""One agent alone in a world, and what was written down of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.world import World

NS = 1e-9


@dataclass(frozen=True)
class Written:
    """Every table of a simulation, joined."""

    world: World
    trades: npt.NDArray[np.void]
    orders: npt.NDArray[np.void]
    quotes: npt.NDArray[np.void]
    depths: npt.NDArray[np.void]


def alone(agent: CompiledAgent, params: AgentParams, seconds: float, seed: int, start_tick: float = 10_000.0, **wanted: Any) -> Written:
    """Let one agent trade with itself for a while; ``wanted`` are the fields of Capture."""
    setting = Setting(((0, int(seconds / NS)),), np.full((1, 1, 1), start_tick))
    world = World(setting, [Member("crowd", agent, params)], seed, Capture(**wanted))
    parts: list[Handed] = []
    world.run(parts.append)
    tables = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("orders", "quotes", "depths")}
    return Written(world, np.concatenate([part.tape.trades for part in parts]), **tables)


def two_sided(
    quotes: npt.NDArray[np.void], end_s: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (n,) spread in ticks, twice the mid in ticks, and how long each lasted in seconds, where both sides were there."""
    lasted_s = np.diff(quotes["time_ns"] * NS, append=end_s)
    there = (quotes["bid_lot"] > 0) & (quotes["ask_lot"] > 0)
    bid, ask = quotes["bid_tick"][there].astype(float), quotes["ask_tick"][there].astype(float)
    return ask - bid, bid + ask, lasted_s[there]
