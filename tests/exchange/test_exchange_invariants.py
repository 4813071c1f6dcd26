"""What must hold on any sequence of messages: conservation, an uncrossed book, repeatability, symmetry."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from flows_of_messages import RULES, random_messages
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import DataError
from marketsim.exchange import Exchange, process
from marketsim.records import EVENT, MESSAGE, EventKind, Kind, Side, Tif
from marketsim.venue_rules import VenueRules

SEEDS = st.integers(0, 2**32 - 1)


def flow(seed: int, n: int = 400, **choices: float) -> np.ndarray:
    return random_messages(np.random.default_rng(seed), n, **choices)


@given(seed=SEEDS, rules=st.sampled_from([rules for rules in RULES if not rules.timetable and not rules.price_bands]))
def test_the_displayed_book_is_neither_crossed_nor_locked_after_any_message(seed, rules):
    top = process(flow(seed), rules, symbols=2, top=True).top
    both = (top["bid_lot"] > 0) & (top["ask_lot"] > 0)
    assert (top["bid_tick"][both] < top["ask_tick"][both]).all()


@given(seed=SEEDS, rules=st.sampled_from(RULES))
def test_entered_quantity_is_filled_or_rests_or_went(seed, rules):
    """Per order: what was entered equals fills, cancels, expiries, reductions and what is open at the end, for ids used once."""
    messages = flow(seed, ids=4000, faulty=0.0)
    messages["kind"] = np.where(messages["kind"] == Kind.REPLACE, Kind.REDUCE, messages["kind"])
    exchange = Exchange(rules, symbols=2)
    tape = exchange.send(messages)
    ids = np.unique(tape.events["order_id"][tape.events["kind"] == EventKind.ACCEPTED])
    left = np.zeros(len(ids), MESSAGE)
    left["kind"], left["order_id"], left["time_ns"] = Kind.CANCEL, ids, messages["time_ns"][-1]
    rest = exchange.send(left)  # a cancel may still trigger stops, which trade
    balance: dict[int, int] = defaultdict(int)
    for event in np.concatenate([tape.events, rest.events]):
        if event["kind"] == EventKind.ACCEPTED:
            balance[int(event["order_id"])] += int(event["qty_lot"])
        elif event["kind"] in (EventKind.CANCELLED, EventKind.EXPIRED, EventKind.REDUCED):
            balance[int(event["order_id"])] -= int(event["qty_lot"])
    for trade in np.concatenate([tape.trades, rest.trades]):
        balance[int(trade["maker_id"])] -= int(trade["qty_lot"])
        balance[int(trade["taker_id"])] -= int(trade["qty_lot"])
    assert not any(balance.values())
    assert exchange.n_live == 0
    assert len(ids) > 0


@given(seed=SEEDS)
def test_a_trade_prints_at_the_makers_price_within_the_takers_limit(seed):
    messages = flow(seed, ids=4000, faulty=0.0)
    messages = messages[(messages["kind"] == Kind.LIMIT) | (messages["kind"] == Kind.CANCEL)]
    messages["order_id"] = np.arange(len(messages))
    price = messages["price_tick"]
    for trade in process(messages, symbols=2).trades:
        assert trade["price_tick"] == price[trade["maker_id"]]
        assert trade["aggressor"] * (price[trade["taker_id"]] - trade["price_tick"]) >= 0
        assert trade["seq"] == trade["taker_id"]
        assert trade["maker_id"] < trade["taker_id"]


@given(seed=SEEDS, rules=st.sampled_from(RULES), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_splitting_the_messages_or_restoring_a_snapshot_gives_the_same_digest(seed, rules, cuts):
    messages = flow(seed, phases=True)
    whole = process(messages, rules, symbols=2)
    parts = Exchange(rules, symbols=2)
    elsewhere = Exchange(rules, symbols=2)
    for part in np.split(messages, sorted(cuts)):
        parts.send(part)
        elsewhere.restore(parts.snapshot())
    assert parts.digest() == elsewhere.digest() == whole.digest == process(messages, rules, symbols=2).digest


@given(seed=SEEDS)
def test_a_restored_exchange_goes_on_like_the_original(seed):
    messages = flow(seed)
    original, copy = Exchange(symbols=2), Exchange(symbols=2)
    original.send(messages[:200])
    copy.restore(original.snapshot())
    original.send(messages[200:])
    copy.send(messages[200:])
    assert copy.digest() == original.digest()
    assert copy.depth(20).tolist() == original.depth(20).tolist()


def test_a_snapshot_that_is_cut_short_or_foreign_is_refused_and_changes_nothing():
    exchange = Exchange()
    exchange.submit(Kind.LIMIT, 1, Side.BUY, 5, 100)
    snapshot = exchange.snapshot()
    with pytest.raises(DataError, match="cut short"):
        exchange.restore(snapshot[:-1])
    with pytest.raises(DataError, match="not a snapshot"):
        exchange.restore(b"something else")
    with pytest.raises(DataError, match="other venue rules"):
        Exchange(VenueRules.plain(lot=5)).restore(snapshot)
    with pytest.raises(DataError, match="1 symbols and this exchange 2"):
        Exchange(symbols=2).restore(snapshot)
    assert exchange.depth(1)["bid_lot"].tolist() == [5]


def mirrored(messages: np.ndarray) -> np.ndarray:
    """Buys become sells at prices mirrored about zero."""
    m = messages.copy()
    m["side"] = -m["side"]
    m["price_tick"] = -m["price_tick"]
    absolute = (m["kind"] == Kind.STOP) | (m["kind"] == Kind.STOP_LIMIT) | (m["kind"] == Kind.REPLACE)
    m["stop_tick"] = np.where(absolute, -m["stop_tick"], m["stop_tick"])
    return m


@given(seed=SEEDS, rules=st.sampled_from([RULES[0], RULES[1], RULES[4]]))
def test_mirroring_buys_and_sells_mirrors_the_tape(seed, rules):
    messages = flow(seed, faulty=0.0)
    messages["flags"] &= 3  # only a sale can be short
    # A replace of a trailing stop or peg carries a distance, which does not mirror.
    # A close or an index below zero is none.
    messages = messages[~np.isin(messages["kind"], [Kind.REPLACE, Kind.INDEX, Kind.PREVIOUS_CLOSE])]
    there, back = process(messages, rules, symbols=2), process(mirrored(messages), rules, symbols=2)
    assert there.trades["price_tick"].tolist() == (-back.trades["price_tick"]).tolist()
    for name in ("seq", "maker_id", "taker_id", "qty_lot"):
        assert there.trades[name].tolist() == back.trades[name].tolist()
    assert (
        there.events[["seq", "order_id", "qty_lot", "kind", "reason"]].tolist()
        == back.events[["seq", "order_id", "qty_lot", "kind", "reason"]].tolist()
    )


@given(seed=SEEDS, shift=st.integers(-(10**9), 10**9))
def test_shifting_all_prices_shifts_the_trades(seed, shift):
    messages = flow(seed, faulty=0.0)
    messages = messages[messages["kind"] != Kind.REPLACE]
    moved = messages.copy()
    moved["price_tick"] += shift
    absolute = (moved["kind"] == Kind.STOP) | (moved["kind"] == Kind.STOP_LIMIT)
    moved["stop_tick"] += np.where(absolute, shift, 0)
    here, there = process(messages, symbols=2), process(moved, symbols=2)
    assert (here.trades["price_tick"] + shift).tolist() == there.trades["price_tick"].tolist()
    assert (
        here.trades[["seq", "maker_id", "taker_id", "qty_lot"]].tolist()
        == there.trades[["seq", "maker_id", "taker_id", "qty_lot"]].tolist()
    )


def test_every_message_leaves_a_trace():
    """Nothing is dropped silently: each message but CLOCK has an event, whatever nonsense it holds."""
    rng = np.random.default_rng(7)
    messages = np.frombuffer(rng.bytes(2000 * MESSAGE.itemsize), MESSAGE).copy()
    messages["time_ns"] = np.arange(2000)
    messages["kind"] = rng.integers(-5, 40, 2000)
    tape = process(messages)
    assert set(range(2000)) - set(tape.events["seq"].tolist()) <= set(np.flatnonzero(messages["kind"] == Kind.CLOCK).tolist())


def test_messages_of_another_dtype_are_refused_with_one_sentence():
    with pytest.raises(DataError, match=r"np\.zeros\(n, MESSAGE\)"):
        process(np.zeros(3))


def test_the_tape_has_arrow_tables():
    exchange = Exchange()
    exchange.submit(Kind.LIMIT, 1, Side.BUY, 5, 100)
    exchange.submit(Kind.LIMIT, 2, Side.SELL, 5, 100, tif=Tif.IOC)
    tape = exchange.take()
    assert tape.trades_table().column("price_tick").to_pylist() == [100]
    assert tape.events_table().column_names == list(EVENT.names or ())
