"""The far prices of a ladder: a trie over the bits of the key, six bits a node, a level directly below the first node it has to itself.

Seventeen thousand prices at random over a billion ticks lie three to four nodes deep; a step is one load and one bit scan.
"""

from __future__ import annotations

from marketsim.kernel.book_state import NONE, level_at, node_at
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import highest_bit
from marketsim.kernel.tables import give_node, reserve_nodes, take_node

BIAS = 1 << 62  # makes every key positive, so that its bits sort like the key
DIGIT = 63


@inner
def trie_find(engine, ladder, key):
    """Return the level of ``key``, or NONE."""
    index = ladder.root
    word = key + BIAS
    while index != NONE:
        node = node_at(engine.nodes, index)
        digit = (word >> node.shift) & DIGIT
        if (node.bits >> digit) & 1 == 0:
            return NONE
        child = node.child[digit]
        if child < 0:
            # A leaf stands for its whole subtree, so that only its own key tells; this also catches a key outside the root.
            return ~child if level_at(engine.levels, ~child).key == key else NONE
        index = child
    return NONE


@inner
def trie_add(engine, ladder, level_index):
    """Enter a level whose key is not in the trie."""
    reserve_nodes(engine)
    level = level_at(engine.levels, level_index)
    word = level.key + BIAS
    if ladder.root == NONE:
        ladder.root = take_node(engine, 0, NONE)
    else:
        # Raise the root until key and root share all higher bits.
        while True:
            root = node_at(engine.nodes, ladder.root)
            above = root.shift + 6
            if above > DIGIT or (word >> above) == (_some_word(engine, ladder.root) >> above):
                break
            old = ladder.root
            digit = (_some_word(engine, old) >> above) & DIGIT
            new = take_node(engine, above, NONE)
            parent = node_at(engine.nodes, new)
            parent.bits = 1 << digit
            parent.child[digit] = old
            node_at(engine.nodes, old).parent = new
            ladder.root = new
    index = ladder.root
    while True:
        node = node_at(engine.nodes, index)
        digit = (word >> node.shift) & DIGIT
        if (node.bits >> digit) & 1 == 0:
            node.bits |= 1 << digit
            node.child[digit] = ~level_index
            level.node = index
            return
        child = node.child[digit]
        if child < 0:
            # Two keys share this digit: both go one node down.
            other = level_at(engine.levels, ~child)
            below = take_node(engine, node.shift - 6, index)
            lower = node_at(engine.nodes, below)
            place = ((other.key + BIAS) >> lower.shift) & DIGIT
            lower.bits = 1 << place
            lower.child[place] = child
            other.node = below
            node.child[digit] = below
            child = below
        index = child


@inner
def trie_remove(engine, ladder, level_index):
    """Take a level out, and every node that is empty without it."""
    level = level_at(engine.levels, level_index)
    word = level.key + BIAS
    index = level.node
    while index != NONE:
        node = node_at(engine.nodes, index)
        node.bits &= ~(1 << ((word >> node.shift) & DIGIT))
        if node.bits != 0:
            return
        parent = node.parent
        give_node(engine, index)
        index = parent
    ladder.root = NONE


@inner
def trie_better(engine, ladder, key):
    """Return the level with the largest key below ``key`` (the nearest better price), or NONE."""
    if ladder.root == NONE:
        return NONE
    word = key + BIAS
    index = ladder.root
    above = node_at(engine.nodes, index).shift + 6
    if above <= DIGIT:
        mine, its = word >> above, _some_word(engine, index) >> above
        if mine < its:
            return NONE
        if mine > its:
            return _largest(engine, index)
    fallback = NONE
    fallback_bits = 0
    while True:
        node = node_at(engine.nodes, index)
        digit = (word >> node.shift) & DIGIT
        below = node.bits & ((1 << digit) - 1)
        if below != 0:
            fallback, fallback_bits = index, below
        if (node.bits >> digit) & 1 == 0:
            break
        child = node.child[digit]
        if child < 0:
            if level_at(engine.levels, ~child).key < key:
                return ~child
            break
        index = child
    if fallback == NONE:
        return NONE
    child = node_at(engine.nodes, fallback).child[highest_bit(fallback_bits)]
    return ~child if child < 0 else _largest(engine, child)


@inner
def _largest(engine, index):
    """Return the level with the largest key below a node."""
    while True:
        node = node_at(engine.nodes, index)
        child = node.child[highest_bit(node.bits)]
        if child < 0:
            return ~child
        index = child


@inner
def _some_word(engine, index):
    """Return the biased key of any level below a node: all share the bits above the node."""
    return level_at(engine.levels, _largest(engine, index)).key + BIAS
