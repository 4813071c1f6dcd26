"""Room in the exchange's tables: rows are taken from a free list, and a full table doubles in place."""

from __future__ import annotations

import sys

from marketsim.kernel.book_state import EXTRA, LEVEL, NODE, NONE, SLOT, level_at, node_at, slot_at
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.memory import madvise, realloc, store_i64

SLOT_BYTES, EXTRA_BYTES, LEVEL_BYTES, NODE_BYTES = SLOT.itemsize, EXTRA.itemsize, LEVEL.itemsize, NODE.itemsize
ON_LINUX = sys.platform == "linux"
PAGE, HUGE, WANT_HUGE_PAGES = 4096, 1 << 22, 14  # MADV_HUGEPAGE; NumPy does the same from the same size on
MOST_NODES_A_KEY = 12  # 63 bits, six a node, and one above


@inner
def resized(address, n_bytes):
    """Return the table's address after it was given ``n_bytes``; whoever holds records of it must fetch them again."""
    moved = realloc(address, n_bytes)
    if moved == 0:
        raise MemoryError("the exchange's tables do not fit into memory; use fewer live orders or send the messages in parts")
    if ON_LINUX and n_bytes >= HUGE:
        # Random access to small pages costs more in address translation than in the access itself.
        aligned = (moved + PAGE - 1) // PAGE * PAGE
        madvise(aligned, moved + n_bytes - aligned, WANT_HUGE_PAGES)
    return moved


@inner
def zeroed(address, n_words):
    """Clear ``n_words`` words of eight bytes."""
    for k in range(n_words):
        store_i64(address, k, 0)
    return address


@inlined
def reserve_order(engine):
    """Make room for one more order, its extra row and its level, so that no table moves while the order is worked on."""
    if engine.free_slot == NONE and engine.slots_used == engine.slot_capacity:
        engine.slot_capacity *= 2
        engine.slots = resized(engine.slots, engine.slot_capacity * SLOT_BYTES)
        engine.extras = resized(engine.extras, engine.slot_capacity * EXTRA_BYTES)
        engine.levels = resized(engine.levels, most_levels(engine) * LEVEL_BYTES)


@inner
def most_levels(engine):
    """Return how many levels all orders may need: each one of its own and one for its id apart, and one being left for the next."""
    return 2 * engine.slot_capacity + 1


@inlined
def take_slot(engine):
    """Return a free slot; `reserve_order` has made sure there is one."""
    index = engine.free_slot
    if index != NONE:
        engine.free_slot = slot_at(engine.slots, index).next
    else:
        index = engine.slots_used
        engine.slots_used += 1
    return index


@inlined
def give_slot(engine, index):
    """Return a slot to the free list; the last one freed is the next one taken, while it is still in cache."""
    slot = slot_at(engine.slots, index)
    slot.order_id = NONE
    slot.next = engine.free_slot
    engine.free_slot = index


@inner
def take_level(engine):
    """Return a free level."""
    index = engine.free_level
    if index != NONE:
        engine.free_level = level_at(engine.levels, index).worse
    else:
        index = engine.levels_used
        engine.levels_used += 1
    return index


@inner
def give_level(engine, index):
    """Return a level to the free list."""
    level_at(engine.levels, index).worse = engine.free_level
    engine.free_level = index


@inner
def reserve_nodes(engine):
    """Make room for all trie nodes one key can need."""
    if engine.nodes_used + MOST_NODES_A_KEY > engine.node_capacity:
        engine.node_capacity *= 2
        engine.nodes = resized(engine.nodes, engine.node_capacity * NODE_BYTES)


@inner
def take_node(engine, shift, parent):
    """Return an empty trie node."""
    index = engine.free_node
    if index != NONE:
        engine.free_node = node_at(engine.nodes, index).parent
    else:
        index = engine.nodes_used
        engine.nodes_used += 1
    node = node_at(engine.nodes, index)
    node.bits = 0
    node.shift = shift
    node.parent = parent
    return index


@inner
def give_node(engine, index):
    """Return a trie node to the free list."""
    node_at(engine.nodes, index).parent = engine.free_node
    engine.free_node = index
