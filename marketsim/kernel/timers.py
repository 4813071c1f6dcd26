"""What is due at a time: a binary heap of expiries. Orders that end early stay in it and are recognised when their time comes."""

from __future__ import annotations

from marketsim.kernel.book_state import NO_TIMER, TIMER, timer_at
from marketsim.kernel.compile import inner
from marketsim.kernel.tables import resized

TIMER_BYTES = TIMER.itemsize


@inner
def add_timer(engine, when_ns, arrival, slot_index):
    """Remember that an order ends at a time."""
    n = engine.n_timers
    if n == engine.timer_capacity:
        engine.timer_capacity *= 2
        engine.timers = resized(engine.timers, engine.timer_capacity * TIMER_BYTES)
    timer = timer_at(engine.timers, n)
    timer.when_ns, timer.arrival, timer.slot = when_ns, arrival, slot_index
    engine.n_timers = n + 1
    place = n
    # Every parent below ``place`` is due no later than its children.
    while place > 0 and _earlier(engine, place, (place - 1) // 2):
        _swap(engine, place, (place - 1) // 2)
        place = (place - 1) // 2
    engine.next_timer_ns = timer_at(engine.timers, 0).when_ns


@inner
def drop_timer(engine):
    """Take the earliest timer off the heap."""
    engine.n_timers -= 1
    n = engine.n_timers
    _swap(engine, 0, n)
    place = 0
    while True:
        child = 2 * place + 1
        if child >= n:
            break
        if child + 1 < n and _earlier(engine, child + 1, child):
            child += 1
        if not _earlier(engine, child, place):
            break
        _swap(engine, child, place)
        place = child
    engine.next_timer_ns = timer_at(engine.timers, 0).when_ns if n > 0 else NO_TIMER


@inner
def _earlier(engine, one, other):
    a, b = timer_at(engine.timers, one), timer_at(engine.timers, other)
    return a.when_ns < b.when_ns or (a.when_ns == b.when_ns and a.arrival < b.arrival)


@inner
def _swap(engine, one, other):
    a, b = timer_at(engine.timers, one), timer_at(engine.timers, other)
    a.when_ns, b.when_ns = b.when_ns, a.when_ns
    a.arrival, b.arrival = b.arrival, a.arrival
    a.slot, b.slot = b.slot, a.slot
