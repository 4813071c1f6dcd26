"""What is due next: a heap with four children a place, ordered by (time, serial): equal times keep the order they were entered in."""

from __future__ import annotations

from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.world import ITEM, item_at
from marketsim.kernel.tables import resized

ITEM_BYTES = ITEM.itemsize
CHILDREN = 4


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
    serial = world.serial
    world.serial = serial + 1
    place = world.n_items
    world.n_items = place + 1
    # All on the way from the root down to ``place`` are due before the new item or are moved below it.
    while place > 0:
        parent = item_at(world.items, (place - 1) // CHILDREN)
        if parent.time_ns <= time_ns:  # a serial entered earlier is smaller
            break
        _copy(item_at(world.items, place), parent)
        place = (place - 1) // CHILDREN
    item = item_at(world.items, place)
    item.time_ns, item.serial, item.what, item.row, item.why, item.agent_ns = time_ns, serial, what, row, why, agent_ns
    item.news = news
    return serial


@inner
def drop_first(world):
    """Take the first item off the queue, which must not be empty."""
    n = world.n_items - 1
    world.n_items = n
    if n == 0:
        return
    last = item_at(world.items, n)
    place = 0
    # Everything above ``place`` is due before ``last``.
    while True:
        first_child = CHILDREN * place + 1
        if first_child >= n:
            break
        child = first_child
        for k in range(first_child + 1, min(first_child + CHILDREN, n)):
            if _before(item_at(world.items, k), item_at(world.items, child)):
                child = k
        if not _before(item_at(world.items, child), last):
            break
        _copy(item_at(world.items, place), item_at(world.items, child))
        place = child
    _copy(item_at(world.items, place), last)


@inner
def _before(one, other):
    return one.time_ns < other.time_ns or (one.time_ns == other.time_ns and one.serial < other.serial)


@inner
def _copy(to, source):
    to.time_ns, to.serial, to.what, to.row = source.time_ns, source.serial, source.what, source.row
    to.why, to.agent_ns, to.news = source.why, source.agent_ns, source.news
