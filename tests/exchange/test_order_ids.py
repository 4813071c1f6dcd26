"""Order ids of every kind find their orders, at a bounded cost, also where somebody chose them to meet in one place of the map."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from marketsim.exchange import Exchange
from marketsim.records import MESSAGE, EventKind, Kind, Reason, Side

MASK = 2**64 - 1
FACTORS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64's


def _undo_shift(word: int, shift: int) -> int:
    """The x of x ^ (x >> shift) = word."""
    x = word
    for _ in range(64 // shift + 1):
        x = word ^ (x >> shift)
    return x


def colliding_ids(n: int) -> NDArray[np.int64]:
    """The first ids that splitmix64's last steps send to words whose low 40 bits are 0: to one place of any map that fits into memory."""
    found: list[int] = []
    high = 0
    while len(found) < n:
        high += 1
        word = _undo_shift(high << 40 & MASK, 31)
        word = _undo_shift(word * pow(FACTORS[1], -1, 2**64) & MASK, 27)
        word = _undo_shift(word * pow(FACTORS[0], -1, 2**64) & MASK, 30)
        if 2**40 < word < 2**63:
            found.append(word)
    return np.array(found, np.int64)


def random_ids(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(3).integers(2**40, 2**63, n)


IDS = {
    "colliding": colliding_ids,
    "random": random_ids,
    "multiples of a large power of two": lambda n: np.arange(1, n + 1, dtype=np.int64) << 44,
    "largest": lambda n: 2**63 - 1 - np.arange(n, dtype=np.int64),
}


def orders(ids: NDArray[np.int64], kind: Kind) -> NDArray[np.void]:
    messages = np.zeros(len(ids), MESSAGE)
    messages["kind"], messages["order_id"], messages["qty_lot"] = kind, ids, 2
    messages["side"], messages["price_tick"] = Side.BUY, 100 + np.arange(len(ids)) % 7
    return messages


@pytest.mark.parametrize("name", IDS)
def test_every_id_is_known_while_its_order_lives_and_free_afterwards(name):
    ids = IDS[name](3000)
    rng = np.random.default_rng(1)
    exchange = Exchange()
    assert (exchange.send(orders(ids, Kind.LIMIT)).events["kind"] == EventKind.ACCEPTED).all()
    assert (exchange.send(orders(ids, Kind.LIMIT)).events["reason"] == Reason.DUPLICATE_ORDER).all()
    gone = rng.permutation(ids)[:2000]
    assert (exchange.send(orders(gone, Kind.CANCEL)).events["kind"] == EventKind.CANCELLED).all()
    assert (exchange.send(orders(gone, Kind.CANCEL)).events["reason"] == Reason.UNKNOWN_ORDER).all()
    copy = Exchange()
    copy.restore(exchange.snapshot())
    for one in (exchange, copy):
        assert (one.send(orders(gone[:1000], Kind.LIMIT)).events["kind"] == EventKind.ACCEPTED).all()
        left = np.concatenate([np.setdiff1d(ids, gone), gone[:1000]])
        events = one.send(orders(rng.permutation(left), Kind.CANCEL)).events
        assert (events["kind"] == EventKind.CANCELLED).all()
        assert one.n_live == 0


def test_ids_that_meet_in_one_place_cost_about_as_much_as_others():
    """Searched one by one, 20,000 such ids take two hundred million steps on the way in alone: some fifty times what others take."""

    def seconds(ids: NDArray[np.int64]) -> float:
        best = float("inf")
        for _ in range(3):
            exchange = Exchange(expected_messages=2 * len(ids))
            start = time.thread_time()
            exchange.process_only(orders(ids, Kind.LIMIT))
            exchange.process_only(orders(ids, Kind.CANCEL))
            best = min(best, time.thread_time() - start)
            assert exchange.n_live == 0
        return best

    assert seconds(colliding_ids(20_000)) < 20 * seconds(random_ids(20_000))
