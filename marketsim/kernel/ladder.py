"""The levels of one side in order of price: a dense window near the touch, a trie for the rest, links from level to level."""

from __future__ import annotations

from marketsim.kernel.book_state import ASKS, BIDS, LADDERS_A_BOOK, NO_PRICE, NONE, WINDOW_LEVELS, ladder_at, level_at
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import highest_bit, load_i32, load_i64, lowest_bit, store_i32, store_i64
from marketsim.kernel.price_trie import trie_add, trie_better, trie_find, trie_remove
from marketsim.kernel.tables import give_level, take_level

BEFORE_BEST = WINDOW_LEVELS // 4  # room the window keeps for prices better than the best one
NEAR = WINDOW_LEVELS // 2  # a new level this near to the best, yet outside the window, shows that the touch has moved
MESSAGES_BETWEEN_MOVES = 16384  # a move touches at most 4,096 levels, so it costs less than a level a message
WORDS = WINDOW_LEVELS * 4  # where the occupancy words begin


@inner
def find_level(engine, ladder_index, key):
    """Return the level of ``key`` in a ladder, or NONE."""
    ladder = ladder_at(engine.ladders, ladder_index)
    place = key - ladder.base
    if 0 <= place < WINDOW_LEVELS:
        return load_i32(engine.windows + ladder.window, place)
    return trie_find(engine, ladder, key)


@inner
def best_displayed(engine, ladder_index):
    """Return the best level that shows anything, or NONE."""
    return displayed_from(engine, ladder_at(engine.ladders, ladder_index).best)


@inner
def displayed_from(engine, index):
    """Return the first level from ``index`` on, towards worse ones, that shows anything, or NONE."""
    while index != NONE and level_at(engine.levels, index).qty_lot == 0:
        index = level_at(engine.levels, index).worse
    return index


@inner
def displayed(engine, book_index):
    """Return the best displayed bid and ask of a book in ticks, NO_PRICE where there is none."""
    bid = best_displayed(engine, book_index * LADDERS_A_BOOK + BIDS)
    ask = best_displayed(engine, book_index * LADDERS_A_BOOK + ASKS)
    bid_tick = -level_at(engine.levels, bid).key if bid != NONE else NO_PRICE
    ask_tick = level_at(engine.levels, ask).key if ask != NONE else NO_PRICE
    return bid_tick, ask_tick


@inner
def add_level(engine, ladder_index, key):
    """Return a new, empty level for a key that has none."""
    ladder = ladder_at(engine.ladders, ladder_index)
    index = take_level(engine)
    level = level_at(engine.levels, index)
    level.key = key
    level.qty_lot = 0
    level.head = level.tail = level.hidden_head = level.hidden_tail = NONE
    level.ladder = ladder_index
    best = ladder.best
    if best == NONE:
        # An empty window may stand anywhere.
        if ladder.window != NONE:
            ladder.base = key - BEFORE_BEST
        level.better = level.worse = NONE
        ladder.best = index
    else:
        first = level_at(engine.levels, best)
        if key < first.key:
            level.better = NONE
            level.worse = best
            first.better = index
            ladder.best = index
        else:
            better = _nearest_better(engine, ladder, key)
            neighbour = level_at(engine.levels, better)
            level.better = better
            level.worse = neighbour.worse
            if neighbour.worse != NONE:
                level_at(engine.levels, neighbour.worse).better = index
            neighbour.worse = index
    ladder.n_levels += 1
    if 0 <= key - ladder.base < WINDOW_LEVELS:
        _window_add(engine, ladder, index)
        return index
    trie_add(engine, ladder, index)
    near = ladder.window != NONE and key - level_at(engine.levels, ladder.best).key < NEAR
    if near and engine.seq - ladder.moved_at > MESSAGES_BETWEEN_MOVES:
        _move_window(engine, ladder)
    return index


@inner
def remove_level(engine, index):
    """Take an empty level out of its ladder."""
    level = level_at(engine.levels, index)
    ladder = ladder_at(engine.ladders, level.ladder)
    if level.better == NONE:
        ladder.best = level.worse
    else:
        level_at(engine.levels, level.better).worse = level.worse
    if level.worse != NONE:
        level_at(engine.levels, level.worse).better = level.better
    ladder.n_levels -= 1
    if level.node == NONE:
        _window_remove(engine, ladder, level.key)
    else:
        trie_remove(engine, ladder, index)
    give_level(engine, index)


@inner
def _nearest_better(engine, ladder, key):
    """Return the level with the largest key below ``key``; there is one."""
    window = engine.windows + ladder.window
    inside = NONE
    place = min(key - ladder.base, WINDOW_LEVELS)
    if place > 0 and ladder.summary != 0:
        word = place >> 6
        bits = load_i64(window + WORDS, word) & ((1 << (place & 63)) - 1) if word < 64 else 0
        if bits == 0:
            summary = ladder.summary & ((1 << word) - 1) if word < 64 else ladder.summary
            if summary != 0:
                word = highest_bit(summary)
                bits = load_i64(window + WORDS, word)
        if bits != 0:
            inside = load_i32(window, word * 64 + highest_bit(bits))
            if place < WINDOW_LEVELS:
                return inside
    far = trie_better(engine, ladder, key)
    if far == NONE:
        return inside
    if inside == NONE or level_at(engine.levels, far).key > level_at(engine.levels, inside).key:
        return far
    return inside


@inner
def _window_add(engine, ladder, index):
    level = level_at(engine.levels, index)
    level.node = NONE
    window = engine.windows + ladder.window
    place = level.key - ladder.base
    store_i32(window, place, index)
    word = place >> 6
    store_i64(window + WORDS, word, load_i64(window + WORDS, word) | (1 << (place & 63)))
    ladder.summary |= 1 << word


@inner
def _window_remove(engine, ladder, key):
    window = engine.windows + ladder.window
    place = key - ladder.base
    store_i32(window, place, NONE)
    word = place >> 6
    bits = load_i64(window + WORDS, word) & ~(1 << (place & 63))
    store_i64(window + WORDS, word, bits)
    if bits == 0:
        ladder.summary &= ~(1 << word)


@inner
def _move_window(engine, ladder):
    """Put the window around the best price: what it held goes to the trie, what it covers now comes out of it."""
    window = engine.windows + ladder.window
    # Each pass empties one level of the old window.
    while ladder.summary != 0:
        word = lowest_bit(ladder.summary)
        index = load_i32(window, word * 64 + lowest_bit(load_i64(window + WORDS, word)))
        _window_remove(engine, ladder, level_at(engine.levels, index).key)
        trie_add(engine, ladder, index)
    ladder.base = level_at(engine.levels, ladder.best).key - BEFORE_BEST
    ladder.moved_at = engine.seq
    index = ladder.best
    # Every level before ``index`` is in the new window.
    while index != NONE:
        level = level_at(engine.levels, index)
        if level.key - ladder.base >= WINDOW_LEVELS:
            break
        trie_remove(engine, ladder, index)
        _window_add(engine, ladder, index)
        index = level.worse
