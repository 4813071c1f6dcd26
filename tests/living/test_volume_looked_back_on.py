"""What an agent is told of recent volume, against a list of the trades."""

from __future__ import annotations

from typing import Literal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.simulation.actions import limit, wake_at
from marketsim.kernel.simulation.sight import session_start_ns
from marketsim.kernel.simulation.volumes import taken_lot
from marketsim.kernel.simulation.world import N_SECONDS
from marketsim.markets.simulated.setting import Member
from marketsim.records import Kind
from tests.living.probes import BUY, SECOND_NS, SELL, START_NS, Times, orders_of, setting, world_of


class LookerParams(AgentParams):
    """Look at some times; send an order of the volume bought, and another of that sold, each plus one."""

    kind: Literal["looker"] = "looker"
    at_ns: Times = Field((), description="After the session's start, ns.")
    lookback_ns: int = Field(SECOND_NS, description="ns.")


@compiled_agent(LookerParams, np.dtype([("k", np.int64)]))
def looker(market, me, p, state):
    if me.turn == 2:
        for side in (1, -1):
            limit(market, me, 1, 1, 1 + taken_lot(market, me.symbol, side, p.lookback_ns))
    if state.k < p.n_at_ns:
        wake_at(market, me, session_start_ns(market, 0) + p.at_ns[state.k])
        state.k += 1


Moments = st.integers(1, 9_000_000)  # ms: more than two turns of the ring


@settings(max_examples=60)
@given(
    trades=st.lists(st.tuples(Moments, st.sampled_from([BUY, SELL]), st.integers(1, 50)), max_size=30),
    looks=st.lists(Moments, min_size=1, max_size=16, unique=True),
    lookback_ms=st.sampled_from([1, 999, 1000, 60_000, 1_000_000, 20_000_000]),
)
def test_volume_is_that_of_the_whole_seconds_looked_back_on(trades: list[tuple[int, int, int]], looks: list[int], lookback_ms: int) -> None:
    """The ring reaches back ``N_SECONDS`` before the last trade and no further."""
    trades, looks = sorted(trades), sorted(looks)
    book = [(0.0005, BUY, 50, 10**6), (0.0005, SELL, 60, 10**6)]
    takers = [(ms / 1000, side, 60 if side == BUY else 50, lots) for ms, side, lots in trades]
    member = Member("looker", looker, LookerParams(at_ns=tuple(ms * 10**6 + 1 for ms in looks), lookback_ns=lookback_ms * 10**6))
    orders = orders_of(world_of([member], setting(9001.0, messages=[*book, *takers])))
    told = (orders["qty_lot"][(orders["owner_id"] == 1) & (orders["kind"] == Kind.LIMIT)] - 1).reshape(-1, 2).tolist()
    expected = []
    for look in looks:
        # Orders reach the exchange to within a nanosecond of their millisecond; seconds are counted from 1970.
        so_far = [
            (START_NS + int(at_s * SECOND_NS), side, lots) for at_s, side, _, lots in takers if int(at_s * SECOND_NS) <= look * 10**6 + 1
        ]
        since = (START_NS + look * 10**6 + 1 - lookback_ms * 10**6) // SECOND_NS
        if so_far:
            since = max(since, so_far[-1][0] // SECOND_NS - N_SECONDS + 1)
        expected.append([sum(lots for at, side, lots in so_far if side == which and at // SECOND_NS >= since) for which in (BUY, SELL)])
    assert told == expected
