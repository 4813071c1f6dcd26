"""Timers of the exchange fire at their own times, although nobody is awake and no message comes."""

from __future__ import annotations

import numpy as np
import pytest

from marketsim.markets.simulated.world import Capture, Member, World
from marketsim.records import EventKind, Tif
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
