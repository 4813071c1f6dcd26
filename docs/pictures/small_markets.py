"""Small markets for the pictures of agents: a price that wanders, a deep maker around it, and whoever the picture is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.agents.market_makers.ladder import LadderParams, ladder
from marketsim.kernel.simulation.actions import send, wake_in
from marketsim.kernel.simulation.sight import fundamental_tick
from marketsim.kernel.simulation.streams import exponential, random_side
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import Flag, Kind, Tif

NS = 1e-9
START_TICK = 10_000
BLUE, ORANGE, GREY = "#2f5d9b", "#c8703a", "#9aa5b1"
LIMIT, IOC, NO_FLAG = Kind.LIMIT.value, Tif.IOC.value, Flag.NONE.value
Numbers = npt.NDArray[np.float64]


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return nothing: this file only helps the others."""
    return {}


class TakersParams(AgentParams):
    """How often they come and how far they reach."""

    kind: Literal["takers"] = "takers"
    rate_per_s: float = Field(0.2, description="A: orders a second, both sides together.")
    decay_per_tick: float = Field(0.3, description="k: how fast those who reach further become rarer, 1/tick.")
    order_lot: int = Field(100, description="Quantity of an order, lots.")


@compiled_agent(TakersParams, np.dtype([("nothing", np.int64)]))
def takers(market: Any, me: Any, p: Any, state: Any) -> None:
    """Take what is quoted within an exponentially distributed distance of the value, as the models of market makers have it."""
    side = random_side(me)
    limit_tick = int(fundamental_tick(market, me.symbol) + side * exponential(me, 1.0 / p.decay_per_tick))
    send(market, me, LIMIT, side, limit_tick, p.order_lot, IOC, NO_FLAG, me.symbol, me.venue)
    wake_in(market, me, exponential(me, 1e9 / p.rate_per_s))


@dataclass(frozen=True)
class Seen:
    """What was written down: messages, account samples, trades."""

    world: World
    orders: npt.NDArray[np.void]
    accounts: npt.NDArray[np.void]
    trades: npt.NDArray[np.void]

    def position(self, number: int, symbol: int = 0) -> tuple[Numbers, Numbers]:
        """Return minutes and lots on the sampling grid."""
        rows = self.accounts[(self.accounts["agent"] == number) & (self.accounts["symbol"] == symbol)]
        return rows["time_ns"] * NS / 60, rows["position_lot"].astype(float)


def wandering(seconds: int, seed: int, step_tick: float = 0.5) -> Numbers:
    """Return (seconds + 1,) a random walk."""
    return START_TICK + np.concatenate([[0.0], np.cumsum(np.random.default_rng(seed).normal(0.0, step_tick, seconds))])


def deep_maker(symbol: int = 0, half_spread_tick: float = 1.0) -> Member:
    """Return a maker that stands around the fundamental with more than anybody wants."""
    params = LadderParams(
        qty_lot=10**6, n_levels=1, half_spread_tick=half_spread_tick, skew_tick=0.0, reference="fundamental", requote_s=1.0
    )
    return Member(f"maker {symbol}", ladder, params, symbol=symbol)


def watch(
    members: Sequence[Member], fundamental: Numbers, sessions_s: Sequence[tuple[int, int]] = (), sample_s: float = 10.0, seed: int = 1
) -> Seen:
    """Let members trade along (n_symbols, n_sessions, n) fundamentals, one value a second, and return what was written down."""
    sessions = sessions_s or ((0, fundamental.shape[2] - 1),)
    setting = Setting(tuple((int(start / NS), int(stop / NS)) for start, stop in sessions), fundamental)
    parts: list[Handed] = []
    world = World(setting, members, seed, Capture(orders=True, accounts_every_ns=int(sample_s / NS)))
    world.run(parts.append)
    orders, accounts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("orders", "accounts"))
    return Seen(world, orders, accounts, np.concatenate([part.tape.trades for part in parts]))


def rows_of(what: str, x: Numbers, y: Numbers) -> list[dict[str, Any]]:
    """Return the rows of one line of a chart."""
    return [{"what": what, "x": round(float(a), 3), "y": round(float(b), 3)} for a, b in zip(x, y, strict=True)]


def lines(
    rows: list[dict[str, Any]], colours: dict[str, str], title: str, axes: tuple[str, str], *, size: tuple[int, int] = (560, 150)
) -> dict[str, Any]:
    """Return a chart of step lines, one a name; ``axes`` are the titles of both axes."""
    return {
        "width": size[0], "height": size[1], "title": title, "data": {"values": rows},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.3},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": axes[0], "scale": {"nice": False}},
            "y": {"field": "y", "type": "quantitative", "title": axes[1], "scale": {"zero": False}},
            "color": {
                "field": "what", "type": "nominal", "title": None, "sort": list(colours),
                "legend": {} if len(colours) > 1 else None,
                "scale": {"domain": list(colours), "range": list(colours.values())},
            },
        },
    }  # fmt: skip


def with_trades(chart: dict[str, Any], seen: Seen, number: int) -> dict[str, Any]:
    """Return a chart with the aggressive trades of an agent on top, buys and sells."""
    mine = seen.trades[seen.trades["taker_owner"] == number]
    rows = [
        {"x": int(trade["time_ns"]) * NS / 60, "y": int(trade["price_tick"]), "side": "buys" if trade["aggressor"] > 0 else "sells"}
        for trade in mine
    ]
    points = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "y": {"field": "y", "type": "quantitative"},
            "shape": {"field": "side", "type": "nominal", "title": None,
                      "scale": {"domain": ["buys", "sells"], "range": ["triangle-up", "triangle-down"]}},
            "fill": {"field": "side", "type": "nominal", "title": None,
                     "scale": {"domain": ["buys", "sells"], "range": ["#2b8a57", "#b03a3a"]}},
        },
    }  # fmt: skip
    base = {key: chart[key] for key in ("width", "height", "title")}
    return {**base, "layer": [{key: chart[key] for key in ("data", "mark", "encoding")}, points]}
