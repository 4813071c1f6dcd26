"""What the background crowds do, each alone on an exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.agents.background.cont_stoikov_talreja import ContStoikovTalrejaParams, cont_stoikov_talreja
from marketsim.agents.background.hawkes_flow import HawkesFlowParams, hawkes_flow
from marketsim.agents.background.poisson_noise import PoissonNoiseParams, poisson_noise
from marketsim.agents.background.queue_reactive import QueueReactiveParams, queue_reactive
from marketsim.agents.background.zero_intelligence import ZeroIntelligenceParams, zero_intelligence
from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.world import World

NS = 1e-9
START_TICK = 10_000
LEVELS = 40
BLUE, GREY = "#2f5d9b", "#9aa5b1"
Numbers = npt.NDArray[np.float64]


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by name."""
    return {
        "zero_intelligence": lambda: _path_and_book(zero_intelligence, ZeroIntelligenceParams(), 3_600, 1, 30),
        "cont_stoikov_talreja": lambda: _path_and_book(cont_stoikov_talreja, ContStoikovTalrejaParams(), 14_400, 1, 10),
        "hawkes_flow": _clusters,
        "queue_reactive": lambda: _path_and_book(queue_reactive, QueueReactiveParams(), 3_600, 1, 6),
        "poisson_noise": lambda: _path_and_book(poisson_noise, PoissonNoiseParams(), 3_600, 500, 30),
    }


def _handed(agent: CompiledAgent, params: AgentParams, seconds: int, count: int, capture: Capture) -> list[Handed]:
    setting = Setting(((0, int(seconds / NS)),), np.full((1, 1, 1), float(START_TICK)))
    parts: list[Handed] = []
    World(setting, [Member(f"crowd {k}", agent, params) for k in range(count)], 1, capture).run(parts.append)
    return parts


def _path_and_book(agent: CompiledAgent, params: AgentParams, seconds: int, count: int, reach_tick: int) -> dict[str, Any]:
    """Return the touch over time beside the mean book."""
    every_s = seconds / 360
    capture = Capture(depth_levels=LEVELS, depth_every_ns=int(every_s / NS))
    rows = np.concatenate([part.depths for part in _handed(agent, params, seconds, count, capture)])
    book = rows["depth"].reshape(-1, LEVELS)[30:]
    minutes = rows["time_ns"].reshape(-1, LEVELS)[30:, 0] * NS / 60
    there = (book["bid_lot"][:, 0] > 0) & (book["ask_lot"][:, 0] > 0)
    touch = [
        {"minute": round(float(minute), 3), "bid": int(bid), "ask": int(ask)}
        for minute, bid, ask in zip(minutes[there], book["bid_tick"][there, 0], book["ask_tick"][there, 0], strict=True)
    ]
    path = {
        "width": 330,
        "height": 170,
        "title": "Bid and ask",
        "data": {"values": touch},
        "mark": {"type": "area", "color": BLUE, "line": False},
        "encoding": {
            "x": {"field": "minute", "type": "quantitative", "title": "minutes"},
            "y": {"field": "bid", "type": "quantitative", "scale": {"zero": False}, "title": "ticks"},
            "y2": {"field": "ask"},
        },
    }
    bars = {
        "width": 200, "height": 170, "title": "Mean book by distance", "data": {"values": _profile(book[there], reach_tick)},
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {
            "x": {"field": "distance", "type": "ordinal", "title": "ticks from the opposite best price", "axis": {"labelOverlap": True}},
            "y": {"field": "lots", "type": "quantitative", "title": "lots a side"},
        },
    }  # fmt: skip
    return {"hconcat": [path, bars]}


def _profile(book: npt.NDArray[np.void], reach_tick: int) -> list[dict[str, float]]:
    """Return the mean quantity at each distance from the opposite best price, both sides together."""
    lots = np.zeros(reach_tick + 1)
    for side, other, sign in (("bid", "ask", 1), ("ask", "bid", -1)):
        distance = sign * (book[f"{other}_tick"][:, :1] - book[f"{side}_tick"])
        near = (book[f"{side}_lot"] > 0) & (distance <= reach_tick)
        lots += np.bincount(distance[near], book[f"{side}_lot"][near], reach_tick + 1)
    return [{"distance": k, "lots": round(float(lots[k]) / (2 * len(book)), 3)} for k in range(1, reach_tick + 1)]


def _clusters() -> dict[str, Any]:
    """Return messages a second of both kernels and of a Poisson process of the same mean."""
    seconds, shown_s = 3_600, 300
    capture = Capture(orders=True)
    charts = []
    for title, params in (
        ("Exponential kernel", HawkesFlowParams()),
        ("Power-law kernel", HawkesFlowParams(kernel="power_law")),
        ("Poisson: no excitation", None),
    ):
        flow = params or HawkesFlowParams(branching=(0.0,) * 36, base_rate_per_s=(2.69, 2.69, 1.81, 1.81, 0.26, 0.26))
        orders = np.concatenate([part.orders for part in _handed(hawkes_flow, flow, seconds, 1, capture)])
        times_s = orders["time_ns"][orders["owner_id"] > 0] * NS
        counts = np.histogram(times_s, np.arange(600, 601 + shown_s))[0]
        charts.append({
            "width": 180, "height": 140, "title": title,
            "data": {"values": [{"second": k, "messages": int(count)} for k, count in enumerate(counts)]},
            "mark": {"type": "bar", "color": BLUE if params else GREY, "width": 1},
            "encoding": {
                "x": {"field": "second", "type": "quantitative", "title": "seconds", "scale": {"domain": [0, shown_s], "nice": False}},
                "y": {"field": "messages", "type": "quantitative", "title": "messages a second"},
            },
        })  # fmt: skip
    return {"hconcat": charts, "resolve": {"scale": {"y": "shared"}}}
