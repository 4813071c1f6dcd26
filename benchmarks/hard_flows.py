"""Flows that look for what is slow: rare rules in one, cancels all over a deep book, ids from elsewhere, ids chosen to collide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketsim.records import MESSAGE, Kind, Phase

AUCTION_EVERY, AUCTION_FOR, MASS_CANCEL_EVERY = 50_000, 2_000, 10_000  # messages
OWNERS = 200
SPLITMIX_FACTORS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)


def with_rare_rules(messages: NDArray[np.void], first: int, *, seed: int = 7) -> NDArray[np.void]:
    """Return a flow with owners, a tenth of its cancels as reductions by a lot, mass cancels, and now and then an auction.

    Orders a mass cancel took are cancelled a second time, and market orders in an auction refused: a few rejections, as in life.
    """
    rng = np.random.default_rng(seed)
    hard = messages.copy()
    hard["owner_id"] = rng.integers(1, OWNERS, len(hard))
    reduced = (hard["kind"] == Kind.CANCEL) & (rng.random(len(hard)) < 0.1)
    hard["kind"][reduced], hard["qty_lot"][reduced] = Kind.REDUCE, 1
    hard["kind"][first::MASS_CANCEL_EVERY] = Kind.CANCEL_OWNER
    for start, phase in ((first, Phase.VOLATILITY_AUCTION), (first + AUCTION_FOR, Phase.CONTINUOUS)):
        hard["kind"][start::AUCTION_EVERY], hard["qty_lot"][start::AUCTION_EVERY] = Kind.PHASE, phase
    return hard


def random_cancels(standing: NDArray[np.void], n: int, *, seed: int = 7) -> NDArray[np.void]:
    """Return cancels of ``n`` of the standing orders, in no order."""
    messages = np.zeros(n, MESSAGE)
    messages["kind"] = Kind.CANCEL
    messages["order_id"] = np.random.default_rng(seed).permutation(standing["order_id"])[:n]
    return messages


def renamed(messages: NDArray[np.void], ids: NDArray[np.int64]) -> NDArray[np.void]:
    """Return a flow whose order k is called ``ids[k]``."""
    foreign = messages.copy()
    foreign["order_id"] = ids[messages["order_id"]]
    return foreign


def random_ids(n: int, *, seed: int = 7) -> NDArray[np.int64]:
    """Return ids of 63 random bits."""
    return np.random.default_rng(seed).integers(2**40, 2**63, n)


def colliding_ids(n: int) -> NDArray[np.int64]:
    """Return ids for which a search of the exchange's map begins at one and the same place: its mixing, splitmix64's, undone."""
    words = np.arange(1, 3 * n, dtype=np.uint64) << np.uint64(40)
    for shift, factor in ((31, SPLITMIX_FACTORS[1]), (27, SPLITMIX_FACTORS[0]), (30, None)):
        mixed = words
        for _ in range(64 // shift + 1):
            words = mixed ^ (words >> np.uint64(shift))
        if factor is not None:
            words = words * np.uint64(pow(int(factor), -1, 2**64))
    ids: NDArray[np.int64] = words[(words > 2**40) & (words < 2**63)][:n].astype(np.int64)
    if len(ids) < n:
        raise ValueError(f"only {len(ids)} of {n} colliding ids found; search further")
    return ids
