"""From an order id to its slot: small ids index a table, all others go through an open-addressing map. And from an owner to its orders.

Whoever sends orders chooses their ids, and may choose them so that all belong to one place of the map. A search therefore looks at a
bounded number of places, and an id that finds none of them free stands apart, in a trie: no message takes more than some dozens of steps.
"""

from __future__ import annotations

from marketsim.kernel.book_state import LADDERS_A_BOOK, NONE, OWNER, ladder_at, level_at, owner_at, slot_at
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.memory import free, load_i32, load_i64, store_i32, store_i64
from marketsim.kernel.price_trie import BIAS, trie_add, trie_find, trie_remove
from marketsim.kernel.tables import give_level, resized, take_level, zeroed

OWNER_BYTES = OWNER.itemsize
FIRST_FACTOR, SECOND_FACTOR = 0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64)
MOST_PROBES = 64  # of a map that is half full, about four ids in a million do not find a place so near


@inlined
def find_order(engine, order_id):
    """Return the slot of a live order, or NONE."""
    if 0 <= order_id < engine.dense_capacity:
        return load_i32(engine.dense_ids, order_id) - 1
    return _find_foreign(engine, order_id)


@inlined
def enter_order(engine, order_id, slot_index):
    """Remember where a new order is; its id must not be known."""
    if order_id < engine.dense_capacity:
        store_i32(engine.dense_ids, order_id, slot_index + 1)
    else:
        _enter_foreign(engine, order_id, slot_index)


@inlined
def forget_order(engine, order_id):
    """Free the id of an order that has ended."""
    if order_id < engine.dense_capacity:
        store_i32(engine.dense_ids, order_id, 0)
    else:
        _forget_foreign(engine, order_id)


@inner
def home(key, capacity):
    """Return the place of a map where the search for a key begins: splitmix64's last steps, in which every bit counts for all."""
    word = (key ^ (key >> 30)) * FIRST_FACTOR
    word = (word ^ ((word >> 27) & (1 << 37) - 1)) * SECOND_FACTOR  # a signed shift would bring copies of the sign
    return (word ^ (word >> 31)) & (capacity - 1)


@inner
def _find_foreign(engine, order_id):
    if order_id < 0:
        return NONE
    place = _place_of(engine, order_id + 1)
    if place != NONE:
        return load_i32(engine.id_slots, place)
    if engine.n_apart > 0:
        level = trie_find(engine, _apart(engine), order_id - BIAS)
        if level != NONE:
            return level_at(engine.levels, level).head
    return NONE


@inner
def _place_of(engine, key):
    """Return where a key stands in the map, or NONE."""
    mask = engine.id_capacity - 1
    place = home(key - 1, engine.id_capacity)
    for _ in range(MOST_PROBES):
        found = load_i64(engine.id_keys, place)
        if found == key:
            return place
        if found == 0:
            return NONE
        place = (place + 1) & mask
    return NONE


@inner
def _enter_foreign(engine, order_id, slot_index):
    if 2 * engine.ids_used >= engine.id_capacity:
        _grow_ids(engine)
    _place_id(engine, order_id + 1, slot_index)


@inner
def _place_id(engine, key, slot_index):
    mask = engine.id_capacity - 1
    place = home(key - 1, engine.id_capacity)
    for _ in range(MOST_PROBES):
        if load_i64(engine.id_keys, place) == 0:
            store_i64(engine.id_keys, place, key)
            store_i32(engine.id_slots, place, slot_index)
            engine.ids_used += 1
            return
        place = (place + 1) & mask
    index = take_level(engine)
    level = level_at(engine.levels, index)
    level.key = key - 1 - BIAS
    level.head = slot_index
    trie_add(engine, _apart(engine), index)
    engine.n_apart += 1


@inner
def _apart(engine):
    """Return the ladder, behind those of all books, whose trie holds the ids the map has no room for near their home."""
    return ladder_at(engine.ladders, engine.n_venues * engine.n_symbols * LADDERS_A_BOOK)


@inner
def _grow_ids(engine):
    old_keys, old_slots, old_capacity = engine.id_keys, engine.id_slots, engine.id_capacity
    engine.id_capacity = 2 * old_capacity
    engine.id_keys = zeroed(resized(0, engine.id_capacity * 8), engine.id_capacity)
    engine.id_slots = resized(0, engine.id_capacity * 4)
    engine.ids_used = 0
    for place in range(old_capacity):
        key = load_i64(old_keys, place)
        if key != 0:
            _place_id(engine, key, load_i32(old_slots, place))
    free(old_keys)
    free(old_slots)


@inner
def _forget_foreign(engine, order_id):
    hole = _place_of(engine, order_id + 1)
    if hole == NONE:
        index = trie_find(engine, _apart(engine), order_id - BIAS)
        trie_remove(engine, _apart(engine), index)
        give_level(engine, index)
        engine.n_apart -= 1
        return
    mask = engine.id_capacity - 1
    place = (hole + 1) & mask
    # Close the gap instead of leaving a tombstone: move back whatever could stand in the hole, which is never further away than a probe.
    while ((place - hole) & mask) < MOST_PROBES:
        key = load_i64(engine.id_keys, place)
        if key == 0:
            break
        if ((place - home(key - 1, engine.id_capacity)) & mask) >= ((place - hole) & mask):
            store_i64(engine.id_keys, hole, key)
            store_i32(engine.id_slots, hole, load_i32(engine.id_slots, place))
            hole = place
        place = (place + 1) & mask
    store_i64(engine.id_keys, hole, 0)
    engine.ids_used -= 1


@inner
def find_owner(engine, owner_id):
    """Return the place of an owner's row, or of the free row where it would stand; owner ids are positive."""
    mask = engine.owner_capacity - 1
    place = home(owner_id, engine.owner_capacity)
    while True:
        key = owner_at(engine.owners, place).owner_id
        if key == owner_id or key == 0:
            return place
        place = (place + 1) & mask


@inner
def join_owner(engine, slot_index):
    """Append an order to its owner's chain, which so stays in order of acceptance."""
    slot = slot_at(engine.slots, slot_index)
    place = find_owner(engine, slot.owner_id)
    owner = owner_at(engine.owners, place)
    if owner.owner_id == 0:
        if 2 * engine.owners_used >= engine.owner_capacity:
            _grow_owners(engine)
            place = find_owner(engine, slot.owner_id)
            owner = owner_at(engine.owners, place)
        engine.owners_used += 1
        owner.owner_id = slot.owner_id
        owner.head = owner.tail = NONE
    slot.owner_prev = owner.tail
    slot.owner_next = NONE
    if owner.tail == NONE:
        owner.head = slot_index
    else:
        slot_at(engine.slots, owner.tail).owner_next = slot_index
    owner.tail = slot_index


@inner
def leave_owner(engine, slot):
    """Take an order out of its owner's chain."""
    before, after = slot.owner_prev, slot.owner_next
    if before != NONE and after != NONE:
        slot_at(engine.slots, before).owner_next = after
        slot_at(engine.slots, after).owner_prev = before
        return
    owner = owner_at(engine.owners, find_owner(engine, slot.owner_id))
    if before == NONE:
        owner.head = after
    else:
        slot_at(engine.slots, before).owner_next = after
    if after == NONE:
        owner.tail = before
    else:
        slot_at(engine.slots, after).owner_prev = before


@inner
def _grow_owners(engine):
    old, old_capacity = engine.owners, engine.owner_capacity
    engine.owner_capacity = 2 * old_capacity
    engine.owners = zeroed(resized(0, engine.owner_capacity * OWNER_BYTES), engine.owner_capacity * OWNER_BYTES // 8)
    for place in range(old_capacity):
        row = owner_at(old, place)
        if row.owner_id != 0:
            copy = owner_at(engine.owners, find_owner(engine, row.owner_id))
            copy.owner_id, copy.head, copy.tail = row.owner_id, row.head, row.tail
    free(old)
