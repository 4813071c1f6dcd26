"""The kernel's queue against Python's heapq."""

from __future__ import annotations

import heapq

import numba
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marketsim.kernel.memory import free
from marketsim.kernel.simulation.event_queue import drop_first, first_item, open_queue, push
from marketsim.kernel.simulation.world import WORLD, key_at, world_at

TAKE = -1


@numba.njit
def play(address, steps, taken):
    """Enter an item due at each step's time; a step of -1 takes the first; return how many were taken."""
    world = world_at(address, 0)
    open_queue(world)
    n = 0
    for k in range(len(steps)):
        if steps[k] >= 0:
            push(world, steps[k], 1, k)
        elif world.n_items > 0:
            taken[n, 0], taken[n, 1] = key_at(world.keys, 0).time_ns, first_item(world).row
            n += 1
            drop_first(world)
    free(world.keys)
    free(world.items)
    return n


@given(st.lists(st.one_of(st.just(TAKE), st.integers(0, 20), st.integers(0, 2**62)), max_size=400))
def test_items_come_off_as_heapq_would_give_them(steps: list[int]) -> None:
    expected, heap = [], []
    for k, step in enumerate(steps):
        if step >= 0:
            heapq.heappush(heap, (step, k))
        elif heap:
            expected.append(heapq.heappop(heap))
    header, taken = np.zeros(1, WORLD), np.zeros((len(steps), 2), np.int64)
    header["item_capacity"] = 1  # grows many times
    n = play(header.ctypes.data, np.array(steps, np.int64), taken)
    assert [tuple(row) for row in taken[:n]] == expected
    assert header["n_items"][0] == len(heap)
