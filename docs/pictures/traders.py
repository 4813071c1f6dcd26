"""What the traders of RMSC04, the mean-reversion and the Chiarella trader do, and what fundamental values look like."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.living import OPEN_NS, rmsc04_world
from marketsim.agents.background.chiarella import ChiarellaParams, chiarella
from marketsim.agents.background.mean_reversion import MeanReversionParams, mean_reversion
from marketsim.markets.simulated.fundamentals import (
    FundamentalSpec,
    Grid,
    OrnsteinUhlenbeckFundamental,
    SparseMeanRevertingFundamental,
    fundamental_paths,
)
from marketsim.markets.simulated.setting import Capture, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import Kind

HOUR_NS = 3_600_000_000_000
BLUE, GREY, RED = "#2f5d9b", "#9aa5b1", "#b3402a"
Rows = list[dict[str, Any]]
Spec = dict[str, Any]


def pictures() -> dict[str, Callable[[], Spec]]:
    """Return what makes each chart, by name."""
    return {
        "noise": _noise, "value": _value, "momentum": _momentum, "adaptive": _adaptive,
        "mean_reversion": _mean_reversion, "chiarella": _chiarella, "fundamentals": _fundamentals,
    }  # fmt: skip


class _Day:
    """One session, kept: messages, quotes with both sides, trades, and who is who."""

    def __init__(self, world: World, fundamental: npt.NDArray[np.float64]) -> None:
        parts: list[Any] = []
        world.run(parts.append)
        self.orders = np.concatenate([part.orders for part in parts])
        quotes = np.concatenate([part.quotes for part in parts])
        self.quotes = quotes[(quotes["bid_lot"] > 0) & (quotes["ask_lot"] > 0)]
        self.trades = np.concatenate([part.tape.trades for part in parts])
        self.groups = np.array(["outside", *(member.name.split(".")[0] for member in world.members)])
        self.fundamental = fundamental

    def sent(self, group: str, kind: Kind = Kind.LIMIT) -> npt.NDArray[np.void]:
        """Return a group's messages of one kind."""
        return self.orders[(self.groups[self.orders["owner_id"]] == group) & (self.orders["kind"] == kind)]

    def mids(self, every_s: int) -> Rows:
        """Return the mid price on a grid, in hours."""
        times = np.arange(int(self.quotes["time_ns"][0]), int(self.quotes["time_ns"][-1]), every_s * 10**9)
        rows = self.quotes[np.searchsorted(self.quotes["time_ns"], times, side="right") - 1]
        return _rows(times, (rows["bid_tick"] + rows["ask_tick"]) / 2)

    def values(self, every_s: int) -> Rows:
        """Return the fundamental value on a grid, in hours."""
        return _rows(OPEN_NS + np.arange(0, len(self.fundamental), every_s) * 10**9, self.fundamental[::every_s])

    def position(self, group: str, every: int) -> Rows:
        """Return what a group holds in all, after every so-many-th of its trades."""
        buyer = np.where(self.trades["aggressor"] > 0, self.trades["taker_owner"], self.trades["maker_owner"])
        seller = np.where(self.trades["aggressor"] > 0, self.trades["maker_owner"], self.trades["taker_owner"])
        signed = self.trades["qty_lot"] * ((self.groups[buyer] == group).astype(int) - (self.groups[seller] == group))
        moved = signed != 0
        return _rows(self.trades["time_ns"][moved][::every], np.cumsum(signed[moved])[::every])


@functools.cache
def _rmsc04() -> _Day:
    world = rmsc04_world(1, Capture(orders=True, quotes=True))
    return _Day(world, world.setting.fundamental[0, 0])


def _small(members: Sequence[Member], spec: FundamentalSpec, hours: float = 6.5) -> _Day:
    sessions = ((OPEN_NS, OPEN_NS + int(hours * HOUR_NS)),)
    fundamental = fundamental_paths({"ABM": spec}, Grid(sessions), 1)
    return _Day(World(Setting(sessions, fundamental), members, 1, Capture(orders=True, quotes=True)), fundamental[0, 0])


def _rows(time_ns: npt.NDArray[np.int64], y: npt.NDArray[Any], **more: str) -> Rows:
    return [{"hour": round((int(t) - OPEN_NS) / HOUR_NS, 5), "y": round(float(v), 2), **more} for t, v in zip(time_ns, y, strict=True)]


def _layer(values: Rows, mark: str | Spec, colour: str, title: str = "ticks") -> Spec:
    encoding = {
        "x": {"field": "hour", "type": "quantitative", "title": "hours after the opening"},
        "y": {"field": "y", "type": "quantitative", "title": title, "scale": {"zero": False}},
        "color": {"value": colour},
    }
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _noise() -> Spec:
    day = _rmsc04()
    values = [{"hour": (int(t) - OPEN_NS) / HOUR_NS} for t in day.sent("noise")["time_ns"]]
    encoding = {
        "x": {"field": "hour", "bin": {"step": 0.25}, "title": "hours after the opening"},
        "y": {"aggregate": "count", "title": "orders a quarter of an hour"},
    }
    return {"width": 500, "height": 170, "data": {"values": values}, "mark": {"type": "bar", "color": BLUE}, "encoding": encoding}


def _value() -> Spec:
    day = _rmsc04()
    sent = day.sent("value")
    shown = sent[(sent["time_ns"] > OPEN_NS + HOUR_NS) & (sent["time_ns"] < OPEN_NS + 2 * HOUR_NS)]
    # The few that were sent on a one-sided book stand far from the rest.
    near = shown[np.abs(shown["price_tick"] - np.median(shown["price_tick"])) < 250]
    in_hour = [row for row in day.values(10) if 1 < row["hour"] < 2]
    points = {"type": "point", "filled": True, "size": 5, "opacity": 0.7}
    bought, sold = near[near["side"] > 0], near[near["side"] < 0]
    layers = [
        _layer(_rows(bought["time_ns"], bought["price_tick"]), points, BLUE),
        _layer(_rows(sold["time_ns"], sold["price_tick"]), points, RED),
        _layer(in_hour, {"type": "line", "strokeWidth": 1.5}, "#222222"),
    ]
    for layer in layers:
        layer["encoding"]["x"]["scale"] = {"domain": [1, 2]}
    return {"width": 500, "height": 200, "layer": layers}


def _momentum() -> Spec:
    day = _rmsc04()
    top = {"width": 500, "height": 120, **_layer(day.mids(30), {"type": "line", "strokeWidth": 1}, BLUE, "mid price, ticks")}
    bottom = {"width": 500, "height": 90, **_layer(day.position("momentum", 20), {"type": "line"}, GREY, "all twelve hold, lots")}
    return {"vconcat": [top, bottom]}


def _adaptive() -> Spec:
    day = _rmsc04()
    sent = day.sent("adaptive")
    early = sent[sent["time_ns"] < OPEN_NS + HOUR_NS // 2]
    near = early[np.abs(early["price_tick"] - np.median(early["price_tick"])) < 400]
    ladder = _layer(_rows(near["time_ns"], near["price_tick"]), {"type": "point", "filled": True, "size": 6}, GREY)
    mids = _layer([row for row in day.mids(5) if row["hour"] < 0.5], {"type": "line", "strokeWidth": 1.5}, BLUE)
    return {"width": 500, "height": 220, "layer": [ladder, mids]}


def _mean_reversion() -> Spec:
    noise = ChiarellaParams(kappa_per_s=0.002, noise_per_sqrt_s=1e-4, market_share=0.3)
    crowd = [Member(f"crowd.{k}", chiarella, noise) for k in range(60)]
    trader = Member("trader.0", mean_reversion, MeanReversionParams(mean_wait_s=10.0))
    day = _small([*crowd, trader], OrnsteinUhlenbeckFundamental(), hours=3)
    sent = day.sent("trader")
    marks: list[Spec] = [_layer(day.mids(10), {"type": "line", "strokeWidth": 1}, GREY)]
    for side, colour, shape in ((1, BLUE, "triangle-up"), (-1, RED, "triangle-down")):
        some = sent[sent["side"] == side]
        mark = {"type": "point", "filled": True, "size": 60, "shape": shape}
        marks.append(_layer(_rows(some["time_ns"], some["price_tick"]), mark, colour))
    return {"width": 500, "height": 190, "layer": marks}


def _chiarella() -> Spec:
    charts = []
    for title, beta in (("beta gamma below 1 + kappa / alpha", 1e-6), ("and above", 4e-5)):
        fundamentalist = ChiarellaParams(kappa_per_s=0.003, market_share=0.8)
        chartist = ChiarellaParams(kappa_per_s=0.0, beta_per_s=beta, gamma_s=50_000.0, alpha_per_s=0.01, market_share=0.8)
        noise = ChiarellaParams(kappa_per_s=0.0, noise_per_sqrt_s=5e-5, market_share=0.3)
        members = [
            *(Member(f"fundamentalist.{k}", chiarella, fundamentalist) for k in range(20)),
            *(Member(f"chartist.{k}", chiarella, chartist) for k in range(20)),
            *(Member(f"noise.{k}", chiarella, noise) for k in range(60)),
        ]
        day = _small(members, OrnsteinUhlenbeckFundamental(), hours=3)
        layers = [_layer(day.mids(10), {"type": "line", "strokeWidth": 1}, BLUE), _layer(day.values(10), {"type": "line"}, "#222222")]
        charts.append({"width": 245, "height": 180, "title": title, "layer": layers})
    return {"hconcat": charts, "resolve": {"scale": {"y": "shared"}}}


def _fundamentals() -> Spec:
    sessions = tuple((OPEN_NS + day * 24 * HOUR_NS, OPEN_NS + day * 24 * HOUR_NS + 13 * HOUR_NS // 2) for day in range(3))
    kinds: dict[str, FundamentalSpec] = {
        "ornstein_uhlenbeck": OrnsteinUhlenbeckFundamental(reversion_per_ns=1e-13, volatility_tick_per_sqrt_ns=1e-4, night_s=7200.0),
        "sparse_mean_reverting": SparseMeanRevertingFundamental(reversion_per_ns=1e-13, shock_rate_per_ns=1 / (4 * HOUR_NS)),
    }
    paths = fundamental_paths(kinds, Grid(sessions), 4)
    charts = []
    for (kind, _), path in zip(kinds.items(), paths, strict=True):
        values = []
        for day, session in enumerate(path):
            times = OPEN_NS + np.arange(0, len(session), 60) * 10**9 + day * 13 * HOUR_NS // 2
            values += _rows(times, session[::60], day=f"day {day + 1}")
        line = _layer(values, {"type": "line", "strokeWidth": 1}, BLUE)
        line["encoding"]["detail"] = {"field": "day"}
        line["encoding"]["x"]["title"] = "hours of trading, three days"
        charts.append({"width": 245, "height": 160, "title": kind, **line})
    return {"hconcat": charts}
