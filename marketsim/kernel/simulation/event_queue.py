"""What is due next: a heap with four children a place, ordered by (time, serial): equal times keep the order they were entered in.

The heap holds keys of two words, four of which share a cache line; what is due lies in a pool beside it and is never moved.
"""

from __future__ import annotations

from marketsim.kernel.book_state import NONE
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.memory import prefetch
from marketsim.kernel.simulation.world import ITEM, KEY, item_at, key_at
from marketsim.kernel.tables import resized

ITEM_BYTES, KEY_BYTES = ITEM.itemsize, KEY.itemsize
CHILDREN = 4
# A rank is a serial and, in its low bits, the pool's row: more rows than fit in memory, more serials than a simulation lives to see.
ROW_BITS = 28
ROW_MASK = (1 << ROW_BITS) - 1


@inner
def open_queue(world):
    """Make room for ``item_capacity`` items."""
    world.items = resized(0, world.item_capacity * ITEM_BYTES)
    world.keys = resized(0, world.item_capacity * KEY_BYTES)
    world.free_item = NONE


@inner
def push(world, time_ns, what, row):
    """Let something be due at a time; return its serial."""
    return push_turn(world, time_ns, what, row, 0, 0, 0)


@inner
def push_turn(world, time_ns, what, row, why, agent_ns, news):
    """Let an agent's turn be due at a time of the exchange; return its serial."""
    if world.n_items == world.item_capacity:
        world.item_capacity *= 2
        world.items = resized(world.items, world.item_capacity * ITEM_BYTES)
        world.keys = resized(world.keys, world.item_capacity * KEY_BYTES)
    serial = world.serial
    world.serial = serial + 1
    place = world.n_items
    world.n_items = place + 1
    pool_row = place  # without a free row below, all rows before it are taken
    if world.free_item != NONE:
        pool_row = world.free_item
        world.free_item = item_at(world.items, pool_row).row
    item = item_at(world.items, pool_row)
    item.serial, item.what, item.row, item.why, item.agent_ns, item.news = serial, what, row, why, agent_ns, news
    # All on the way from the root down to ``place`` are due before the new item or are moved below it.
    while place > 0:
        parent = key_at(world.keys, (place - 1) // CHILDREN)
        if parent.time_ns <= time_ns:  # a serial entered earlier is smaller
            break
        _copy(key_at(world.keys, place), parent)
        place = (place - 1) // CHILDREN
    key = key_at(world.keys, place)
    key.time_ns, key.rank = time_ns, (serial << ROW_BITS) | pool_row
    return serial


@inner
def first_item(world):
    """Return the first item, which may be read until the next one is entered; the queue must not be empty."""
    return item_at(world.items, key_at(world.keys, 0).rank & ROW_MASK)


@inner
def drop_first(world):
    """Take the first item off the queue, which must not be empty."""
    pool_row = key_at(world.keys, 0).rank & ROW_MASK
    item_at(world.items, pool_row).row = world.free_item
    world.free_item = pool_row
    n = world.n_items - 1
    world.n_items = n
    last = key_at(world.keys, n)
    place = 0
    # Everything above ``place`` is due before ``last``.
    while True:
        child = CHILDREN * place + 1
        if child + 3 < n:
            child = _earlier(world, _earlier(world, child, child + 1), _earlier(world, child + 2, child + 3))
        elif child < n:
            for k in range(child + 1, n):
                child = _earlier(world, child, k)
        else:
            break
        if not _before(key_at(world.keys, child), last):
            break
        _copy(key_at(world.keys, place), key_at(world.keys, child))
        place = child
    _copy(key_at(world.keys, place), last)
    prefetch(world.items + (key_at(world.keys, 0).rank & ROW_MASK) * ITEM_BYTES)


@inlined
def _earlier(world, one, other):
    return other if _before(key_at(world.keys, other), key_at(world.keys, one)) else one


@inlined
def _before(one, other):
    # Both comparisons are always made: which item is due first is past guessing, a branch on it would often be taken in vain.
    return (one.time_ns < other.time_ns) | ((one.time_ns == other.time_ns) & (one.rank < other.rank))


@inner
def _copy(to, source):
    to.time_ns, to.rank = source.time_ns, source.rank
