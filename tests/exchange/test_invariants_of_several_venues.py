"""What must hold on any sequence of messages to several venues with different rules."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from flows_of_messages import MARKETS, first_difference, random_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.exchange import Exchange, process
from marketsim.records import MESSAGE, EventKind, Flag, Kind
from marketsim.venue_rules import VenueRules

SEEDS = st.integers(0, 2**32 - 1)


def flow(seed: int, market: tuple[VenueRules, ...], n: int = 300, **choices: float) -> np.ndarray:
    return random_messages(np.random.default_rng(seed), n, venues=len(market), **choices)


@pytest.mark.parametrize("market", MARKETS)
@settings(max_examples=25)
@given(seed=SEEDS, width=st.sampled_from([1, 4, 30]), ids=st.sampled_from([8, 40, 200]), wide=st.booleans(), phases=st.booleans())
def test_exchange_and_twin_write_the_same_tape_of_several_venues(market, seed, width, ids, wide, phases):
    assert first_difference(flow(seed, market, width=width, ids=ids, wide=wide, phases=phases), market) is None


@given(seed=SEEDS, market=st.sampled_from([market for market in MARKETS if not any(rules.timetable for rules in market)]))
def test_no_venue_locks_or_crosses_itself(seed, market):
    top = process(flow(seed, market), market, symbols=2, top=True).top
    both = (top["bid_lot"] > 0) & (top["ask_lot"] > 0)
    assert (top["bid_tick"][both] < top["ask_tick"][both]).all()


@given(seed=SEEDS, market=st.sampled_from(MARKETS))
def test_quantity_is_conserved_at_every_venue_and_no_trade_joins_two(seed, market):
    """Per order, for ids used once: entered = filled + cancelled + expired + reduced once everything left is cancelled."""
    messages = flow(seed, market, ids=3000, faulty=0.0)
    messages["kind"] = np.where(messages["kind"] == Kind.REPLACE, Kind.REDUCE, messages["kind"])
    exchange = Exchange(market, symbols=2)
    tape = exchange.send(messages)
    ids = np.unique(tape.events["order_id"][tape.events["kind"] == EventKind.ACCEPTED])
    left = np.zeros(len(ids), MESSAGE)
    left["kind"], left["order_id"], left["time_ns"] = Kind.CANCEL, ids, messages["time_ns"][-1]
    rest = exchange.send(left)  # a cancel may still trigger stops, which trade
    balance: dict[tuple[int, int], int] = defaultdict(int)
    for event in np.concatenate([tape.events, rest.events]):
        key = int(event["venue"]), int(event["order_id"])
        if event["kind"] == EventKind.ACCEPTED:
            balance[key] += int(event["qty_lot"])
        elif event["kind"] in (EventKind.CANCELLED, EventKind.EXPIRED, EventKind.REDUCED):
            balance[key] -= int(event["qty_lot"])
    for trade in np.concatenate([tape.trades, rest.trades]):
        for party in ("maker_id", "taker_id"):
            balance[int(trade["venue"]), int(trade[party])] -= int(trade["qty_lot"])
    assert not any(balance.values())
    assert exchange.n_live == 0


@given(seed=SEEDS, market=st.sampled_from(MARKETS), cuts=st.lists(st.integers(0, 300), max_size=3))
def test_splitting_the_messages_or_restoring_a_snapshot_of_several_venues_gives_the_same_digest(seed, market, cuts):
    messages = flow(seed, market, phases=True)
    parts, elsewhere = Exchange(market, symbols=2), Exchange(market, symbols=2)
    for part in np.split(messages, sorted(cuts)):
        parts.send(part)
        elsewhere.restore(parts.snapshot())
    assert parts.digest() == elsewhere.digest() == process(messages, market, symbols=2).digest


@given(seed=SEEDS, market=st.sampled_from(MARKETS[:3]))
def test_mirroring_buys_and_sells_mirrors_what_venues_owe_each_other(seed, market):
    messages = flow(seed, market, faulty=0.0)
    messages["flags"] &= Flag.POST_ONLY | Flag.HIDDEN | Flag.SWEEP
    # A replace of a trailing stop or peg carries a distance, and news of the index a level: neither mirrors.
    messages = messages[~np.isin(messages["kind"], [Kind.REPLACE, Kind.INDEX, Kind.PREVIOUS_CLOSE])]
    mirrored = messages.copy()
    mirrored["side"], mirrored["price_tick"] = -messages["side"], -messages["price_tick"]
    absolute = np.isin(messages["kind"], [Kind.STOP, Kind.STOP_LIMIT])
    mirrored["stop_tick"] = np.where(absolute, -messages["stop_tick"], messages["stop_tick"])
    there, back = (process(m, market, symbols=2, consolidated=True) for m in (messages, mirrored))
    names = ["seq", "order_id", "qty_lot", "kind", "reason", "venue"]
    assert there.events[names].tolist() == back.events[names].tolist()
    assert there.trades["price_tick"].tolist() == (-back.trades["price_tick"]).tolist()
    assert there.consolidated["bid_venues"].tolist() == back.consolidated["ask_venues"].tolist()
    assert there.consolidated["bid_lot"].tolist() == back.consolidated["ask_lot"].tolist()


@given(seed=SEEDS)
def test_venues_that_do_not_look_at_each_other_are_so_many_single_exchanges(seed):
    """Two plain venues together write what each writes alone from its own messages."""
    rules = (VenueRules.plain(), VenueRules.plain(replace_priority="lost", self_trade="cancel_both"))
    messages = flow(seed, rules, faulty=0.0)
    messages["order_id"] = np.arange(len(messages))  # an id lives at one venue at a time
    messages = messages[~np.isin(messages["kind"], [Kind.CANCEL, Kind.REPLACE, Kind.REDUCE])]
    messages["tif"] = np.minimum(messages["tif"], 4)
    tape = process(messages, rules, symbols=2)
    for venue, alone in enumerate(rules):
        mine = messages[messages["venue"] == venue]
        mine["venue"] = 0
        trades = process(mine, alone, symbols=2).trades
        names = ["time_ns", "maker_id", "taker_id", "price_tick", "qty_lot"]
        assert trades[names].tolist() == tape.trades[tape.trades["venue"] == venue][names].tolist()
