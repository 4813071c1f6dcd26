"""From an order id to its slot: small ids index a table, all others go through an open-addressing map. And from an owner to its orders."""

from __future__ import annotations

from marketsim.kernel.book_state import NONE, OWNER, owner_at, slot_at
from marketsim.kernel.compile import inlined, inner
from marketsim.kernel.memory import free, load_i32, load_i64, store_i32, store_i64
from marketsim.kernel.tables import resized, zeroed

OWNER_BYTES = OWNER.itemsize
SPREAD = -7046029254386353131  # 2**64 divided by the golden ratio: multiplying by it scatters neighbouring ids


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
    """Return the place of the map where the search for a key begins."""
    word = key * SPREAD
    return (word ^ (word >> 32)) & (capacity - 1)


@inner
def _find_foreign(engine, order_id):
    if order_id < 0:
        return NONE
    mask = engine.id_capacity - 1
    place = home(order_id, engine.id_capacity)
    # Every place from home up to here holds another id.
    while True:
        key = load_i64(engine.id_keys, place)
        if key == order_id + 1:
            return load_i32(engine.id_slots, place)
        if key == 0:
            return NONE
        place = (place + 1) & mask


@inner
def _enter_foreign(engine, order_id, slot_index):
    if 2 * engine.ids_used >= engine.id_capacity:
        _grow_ids(engine)
    _place_id(engine, order_id + 1, slot_index)
    engine.ids_used += 1


@inner
def _place_id(engine, key, slot_index):
    mask = engine.id_capacity - 1
    place = home(key - 1, engine.id_capacity)
    while load_i64(engine.id_keys, place) != 0:
        place = (place + 1) & mask
    store_i64(engine.id_keys, place, key)
    store_i32(engine.id_slots, place, slot_index)


@inner
def _grow_ids(engine):
    old_keys, old_slots, old_capacity = engine.id_keys, engine.id_slots, engine.id_capacity
    engine.id_capacity = 2 * old_capacity
    engine.id_keys = zeroed(resized(0, engine.id_capacity * 8), engine.id_capacity)
    engine.id_slots = resized(0, engine.id_capacity * 4)
    for place in range(old_capacity):
        key = load_i64(old_keys, place)
        if key != 0:
            _place_id(engine, key, load_i32(old_slots, place))
    free(old_keys)
    free(old_slots)


@inner
def _forget_foreign(engine, order_id):
    mask = engine.id_capacity - 1
    hole = home(order_id, engine.id_capacity)
    while load_i64(engine.id_keys, hole) != order_id + 1:
        hole = (hole + 1) & mask
    # Close the gap instead of leaving a tombstone: move back whatever could have stood in the hole.
    place = (hole + 1) & mask
    while True:
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
