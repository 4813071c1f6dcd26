"""Which slot of a recorded book an order id has: an open-addressing map, ``keys`` (h,) int64 and ``slots`` (h,) int32 of the book."""

from __future__ import annotations

import numpy as np

from marketsim.kernel.compile import inner

NONE = -1  # no slot
HASH = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: Knuth, The Art of Computer Programming 3, 6.4


@inner
def _home(order_id, keys):
    """Return where an id's search begins: the top bits of its product with HASH."""
    mixed = (np.uint64(order_id) * np.uint64(HASH)) >> np.uint64(20)
    return np.int64(mixed & np.uint64(keys.size - 1))


@inner
def find(order_id, book):
    """Return the slot of a living order, or NONE."""
    keys, slots = book[5], book[6]
    k = _home(order_id, keys)
    while slots[k] != NONE:
        if keys[k] == order_id:
            return np.int64(slots[k])
        k = (k + 1) & (keys.size - 1)
    return np.int64(NONE)


@inner
def remember(order_id, slot, book):
    """Enter an id that is not in the map; the map is never more than half full."""
    keys, slots = book[5], book[6]
    k = _home(order_id, keys)
    while slots[k] != NONE:
        k = (k + 1) & (keys.size - 1)
    keys[k], slots[k] = order_id, slot


@inner
def forget(order_id, book):
    """Remove an id and move the ones it had pushed aside back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R)."""
    keys, slots = book[5], book[6]
    mask = keys.size - 1
    hole = _home(order_id, keys)
    while keys[hole] != order_id or slots[hole] == NONE:
        hole = (hole + 1) & mask
    slots[hole] = NONE
    k = (hole + 1) & mask
    while slots[k] != NONE:
        # An entry may fill the hole unless its search begins after the hole.
        if ((k - _home(keys[k], keys)) & mask) >= ((k - hole) & mask):
            keys[hole], slots[hole] = keys[k], slots[k]
            slots[k] = NONE
            hole = k
        k = (k + 1) & mask
