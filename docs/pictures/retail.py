"""What each kind of retail trader does with a price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from docs.pictures.small_markets import BLUE, GREY, ORANGE, START_TICK, deep_maker, lines, rows_of, wandering, watch, with_trades
from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.retail.dip_buyer import DipBuyerParams, dip_buyer
from marketsim.agents.retail.herd import HerdParams, herd
from marketsim.agents.retail.retail_momentum import RetailMomentumParams, retail_momentum
from marketsim.agents.retail.stop_clusters import StopClustersParams, stop_clusters
from marketsim.markets.simulated.setting import Latency, Member
from marketsim.records import Kind

SECONDS = 14_400
SLOW = Latency(jitter=("log_normal", 19.1, 0.7))


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by name."""
    return {
        "retail_momentum": lambda: _price_and_trades(retail_momentum, RetailMomentumParams(mean_wait_s=120.0, short_selling=True)),
        "dip_buyer": lambda: _price_and_trades(dip_buyer, DipBuyerParams(mean_wait_s=60.0, dip_bps=40.0)),
        "stop_clusters": _where_stops_stand,
        "herd": _contagion,
    }


def _price_and_trades(agent: CompiledAgent, params: AgentParams) -> dict[str, Any]:
    path = wandering(SECONDS, seed=11, step_tick=1.0)
    seen = watch([Member("trader", agent, params, latency=SLOW), deep_maker()], path[None, None, :])
    price = lines(
        rows_of("price", np.arange(0, SECONDS + 1, 30) / 60, path[::30]), {"price": GREY}, "Price and trades", ("minutes", "ticks"),
        size=(560, 200),
    )  # fmt: skip
    position = lines(rows_of("position", *seen.position(1)), {"position": BLUE}, "Position", ("minutes", "lots"), size=(560, 80))
    return {"vconcat": [with_trades(price, seen, 1), position], "resolve": {"scale": {"color": "independent"}}}


def _where_stops_stand() -> dict[str, Any]:
    """Return the quantity of stops by price, of 500 traders with a round price every 100 ticks."""
    params = StopClustersParams(mean_wait_s=60.0, short_selling=True)
    holders = [Member(f"holder {k}", stop_clusters, params, position_lot=(100 if k % 2 else -100,), latency=SLOW) for k in range(500)]
    seen = watch([*holders, deep_maker()], wandering(1_800, seed=4, step_tick=3.0)[None, None, :])
    stops = seen.orders[seen.orders["kind"] == Kind.STOP]
    rows = []
    for side, name in ((-1, "sell stops"), (1, "buy stops")):
        prices, place = np.unique(stops["stop_tick"][stops["side"] == side], return_inverse=True)
        lots = np.bincount(place, stops["qty_lot"][stops["side"] == side])
        rows += [{"price": int(price), "lots": float(lot), "what": name} for price, lot in zip(prices, lots, strict=True)]
    return {
        "width": 560, "height": 170, "title": "Stops set in half an hour, by price", "data": {"values": rows},
        "mark": {"type": "bar", "width": 2},
        "encoding": {
            "x": {"field": "price", "type": "quantitative", "title": "ticks", "scale": {"zero": False}},
            "y": {"field": "lots", "type": "quantitative"},
            "color": {
                "field": "what", "type": "nominal", "title": None,
                "scale": {"domain": ["sell stops", "buy stops"], "range": [ORANGE, BLUE]},
            },
        },
    }  # fmt: skip


def _contagion() -> dict[str, Any]:
    """Return what 200 traders hold together, at three strengths of contagion."""
    rows = []
    for contagion in (0.0, 0.8, 1.5):
        params = HerdParams(contagion=contagion, mean_wait_s=300.0, short_selling=True, position_limit_lot=10**6, clip_log_sd=0.5)
        sheep = [Member(f"sheep {k}", herd, params, latency=SLOW) for k in range(200)]
        seen = watch([*sheep, deep_maker()], np.full((1, 1, SECONDS + 1), float(START_TICK)), sample_s=60.0)
        own = seen.accounts[(seen.accounts["agent"] > 0) & (seen.accounts["agent"] <= 200)]
        total = own["position_lot"].reshape(-1, 200).sum(axis=1)
        rows += rows_of(f"a = {contagion:g}", own["time_ns"].reshape(-1, 200)[:, 0] * 1e-9 / 60, total.astype(float))
    colours = {"a = 0": GREY, "a = 0.8": BLUE, "a = 1.5": ORANGE}
    return lines(rows, colours, "Together the herd holds", ("minutes", "lots"), size=(480, 180))
