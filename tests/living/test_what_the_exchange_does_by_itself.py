"""Timers of the exchange fire at their own times, although nobody is awake and no message comes."""

from __future__ import annotations

import numpy as np
import pytest

from marketsim.markets.simulated.world import Capture, Member, World
from marketsim.records import EventKind, Tif
from tests.living.planted import played, run_spec
from tests.living.probes import SECOND_NS, START_NS, ProbeParams, probe, run, setting


@pytest.mark.parametrize("wakes_at_s", [(), (90,)])
def test_an_order_expires_at_its_time_and_not_when_somebody_wakes(wakes_at_s: tuple[int, ...]) -> None:
    where = setting(100, [(1, 1, 99, 5)])
    where.messages["tif"], where.messages["expire_ns"] = Tif.GTD, START_NS + 30 * SECOND_NS
    late = Member("late", probe, ProbeParams(at_ns=tuple(s * SECOND_NS for s in wakes_at_s), price_tick=50))
    world = World(where, [late], 1, Capture(quotes=True))
    parts = run(world)
    events = np.concatenate([part.tape.events for part in parts])
    expired = events[events["kind"] == EventKind.EXPIRED]
    assert [(row["time_ns"] - START_NS) / SECOND_NS for row in expired] == [30]
    quotes = np.concatenate([part.quotes for part in parts])
    seen = [((row["time_ns"] - START_NS) / SECOND_NS, row["bid_lot"]) for row in quotes]
    assert seen[:2] == [(1, 5), (30, 0)]


def test_trading_pauses_and_resumes_to_the_nanosecond_and_makers_live_on() -> None:
    """Limit up, limit down: 15 s in the limit state, then a pause of 5 minutes (LULD Plan, sections VI and VII)."""
    population = {
        "noise": {"kind": "poisson_noise", "count": 50, "parameters": {"rate_per_s": 0.1, "width_tick": 30}},
        "maker": {"kind": "ladder", "count": 2, "parameters": {"qty_lot": 5, "n_levels": 3, "requote_s": 1.0}},
    }
    sale = {"kind": "order", "time": "10:05", "side": "sell", "qty_shares": 100_000, "limit_price": 50}
    spec = run_spec(
        population,
        venues=[{"name": "XNAS", "rules": "nasdaq", "self_trade": "none"}],
        phases={"pre_open_s": 60, "opening_auction_s": 60},
        shocks=[sale],
        capture={"events": True},
    )
    results, captured = played(spec)
    phases = [row for row in captured["market_events"].to_pylist() if row["kind"] == "phase"]
    at = [(f"{row['time_utc']:%H:%M:%S.%f}", row["phase"]) for row in phases if row["time_utc"].nanosecond == 0]
    # 10:00 in New York is 15:00 UTC.
    assert at[3:5] == [("15:05:15.000000", "volatility_auction"), ("15:10:15.000000", "continuous")]
    resumed_ns = phases[4]["time_utc"].value
    makers = [number for number, name in enumerate(results.roster.names()) if name.startswith("maker")]
    quoting = {
        row["agent_number"]
        for row in captured["market_orders"].to_pylist()
        if row["time_utc"].value > resumed_ns and row["kind"] == "limit"
    }
    assert quoting.issuperset(makers)
