"""One order for several venues: which lots go where, level by level over what the venues display."""

from __future__ import annotations

import numpy as np

from marketsim.kernel.book_state import (
    ASKS,
    BIDS,
    LADDERS_A_BOOK,
    NO_PRICE,
    NONE,
    book_at,
    engine_at,
    ladder_at,
    level_at,
    message_at,
    venue_at,
)
from marketsim.kernel.compile import entry, inner
from marketsim.kernel.consolidated import CONTINUOUS, SWEEP, quote
from marketsim.kernel.ladder import displayed_from
from marketsim.kernel.memory import accessor
from marketsim.records import Kind, Routing, Tif

CHEAPEST, SPRAY, STICKY = Routing.CHEAPEST.value, Routing.SPRAY.value, Routing.STICKY.value
LIMIT, GTC, IOC = Kind.LIMIT.value, Tif.GTC.value, Tif.IOC.value

# What is to be split; marketsim.router.Parent explains each field.
PARENT = np.dtype(
    [
        ("time_ns", np.int64),
        ("order_id", np.int64),
        ("qty_lot", np.int64),
        ("limit_tick", np.int64),
        ("owner_id", np.int32),
        ("symbol", np.int32),
        ("home", np.int32),
        ("side", np.int8),
        ("strategy", np.int8),
        ("post", np.int8),
        ("pad", np.int8),
    ]
)

# One row a venue while an order is split. The caller sets latency_ns and nothing else.
ROUTE = np.dtype(
    [
        ("latency_ns", np.int64),
        ("qty_lot", np.int64),  # goes to the venue
        ("price_tick", np.int64),  # the worst of it
        ("room_lot", np.int64),  # may still go there
        ("used_lot", np.int64),  # of the level reached
        ("quote_key", np.int64),  # the venue's protected quote, NO_PRICE and 0 without
        ("quote_lot", np.int64),
        ("level", np.int32),  # reached so far; NONE beyond the last displayed one within the limit
        ("tif", np.int32),
    ]
)

parent_at = accessor(PARENT)
route_at = accessor(ROUTE)


@inner
def route(engine, parent, routes, children):
    """Split an order by what the venues display now.

    ``routes`` is the address of one ROUTE a venue, ``children`` that of as many MESSAGE rows. Writes one message, in the order of the
    venues, for each that gets anything, and returns their number; time_ns is when it arrives.
    """
    displayed_lot = look(engine, parent, routes)
    left = parent.qty_lot
    if parent.strategy == SPRAY and left < displayed_lot:
        share(engine, parent, routes, displayed_lot)
        left = take(engine, parent, routes, left)
        for venue in range(engine.n_venues):
            route_at(routes, venue).room_lot = left
    left = take(engine, parent, routes, left)
    if parent.post:
        home = route_at(routes, parent.home)
        left -= left % venue_at(engine.venues, parent.home).lot
        if left > 0:
            home.qty_lot += left
            home.price_tick = parent.limit_tick
            home.tif = GTC
    return write_children(engine, parent, routes, children)


@inner
def look(engine, parent, routes):
    """Begin at every venue's best displayed level; return what all of them display within the limit, in lots."""
    which = ASKS if parent.side > 0 else BIDS
    total = 0.0
    for venue in range(engine.n_venues):
        row = route_at(routes, venue)
        book_index = venue * engine.n_symbols + parent.symbol
        row.qty_lot = row.price_tick = row.used_lot = 0
        row.tif = IOC
        row.quote_key, row.quote_lot = quote(engine, book_index, which)
        if venue_at(engine.venues, venue).quote_protected == 0:
            row.quote_key = NO_PRICE
        trading = book_at(engine.books, book_index).phase == CONTINUOUS
        row.level = displayed_from(engine, ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + which).best) if trading else NONE
        row.room_lot = parent.qty_lot
        total += displayed_within(engine, parent, row.level)
    return total


@inner
def displayed_within(engine, parent, index):
    """Return how many lots a level and all worse ones display within the limit, as a float because venues' sums are divided."""
    total = 0.0
    while index != NONE and level_at(engine.levels, index).key <= parent.side * parent.limit_tick:
        total += level_at(engine.levels, index).qty_lot
        index = level_at(engine.levels, index).worse
    return total


@inner
def share(engine, parent, routes, displayed_lot):
    """Give each venue room for its part of the displayed lots, rounded down; what rounding leaves over goes by price afterwards."""
    for venue in range(engine.n_venues):
        row = route_at(routes, venue)
        row.room_lot = int(parent.qty_lot * (displayed_within(engine, parent, row.level) / displayed_lot))


@inner
def take(engine, parent, routes, left):
    """Send lots to the best level reached by any venue, then to the next best, until none are left or no level is; return the rest."""
    while left > 0:
        best, best_rank, best_latency = NONE, np.inf, 0
        # ``best`` is the venue with the lowest rank so far, of equal ones that with the quickest link, then the first.
        for venue in range(engine.n_venues):
            row = route_at(routes, venue)
            if row.level == NONE or row.room_lot == 0 or level_at(engine.levels, row.level).key > parent.side * parent.limit_tick:
                continue
            rank = rank_of(engine, parent, venue, level_at(engine.levels, row.level).key)
            if best == NONE or rank < best_rank or (rank == best_rank and row.latency_ns < best_latency):
                best, best_rank, best_latency = venue, rank, row.latency_ns
        if best == NONE:
            return left
        row = route_at(routes, best)
        level = level_at(engine.levels, row.level)
        sent = min(left, row.room_lot, level.qty_lot - row.used_lot)
        sent -= sent % venue_at(engine.venues, best).lot
        if sent == 0:
            row.room_lot = 0  # less than the venue trades in
            continue
        left -= sent
        row.room_lot -= sent
        row.qty_lot += sent
        row.price_tick = parent.side * level.key
        row.used_lot += sent
        if row.used_lot == level.qty_lot:
            row.level = displayed_from(engine, level.worse)
            row.used_lot = 0
    return left


@inner
def rank_of(engine, parent, venue_index, key):
    """Return what a strategy sorts levels by: the key, or with CHEAPEST what a lot costs after the fee; STICKY puts its home first."""
    if parent.strategy == STICKY and venue_index == parent.home:
        return -np.inf
    if parent.strategy != CHEAPEST:
        return 1.0 * key
    venue = venue_at(engine.venues, venue_index)
    return key * venue.tick_value + (venue.taker_per_lot + venue.taker_per_tick_lot * (parent.side * key))


@inner
def write_children(engine, parent, routes, children):
    """Write a message for each venue that gets anything; return how many."""
    n = 0
    for venue in range(engine.n_venues):
        row = route_at(routes, venue)
        if row.qty_lot == 0:
            continue
        child = message_at(children, n)
        child.time_ns = parent.time_ns + row.latency_ns
        child.kind = LIMIT
        child.order_id = parent.order_id + n
        child.owner_id = parent.owner_id
        child.side = parent.side
        child.price_tick = row.price_tick
        child.qty_lot = row.qty_lot
        child.stop_tick = child.display_lot = child.expire_ns = child.min_qty_lot = 0
        child.tif = row.tif
        child.flags = SWEEP if sweeps(engine, routes, venue, parent.side * row.price_tick) else 0
        child.symbol = parent.symbol
        child.venue = venue
        n += 1
    return n


@inner
def sweeps(engine, routes, venue, key):
    """Whether other venues have better protected quotes than a child's limit, and the whole of each is sent for (17 CFR 242.600(b))."""
    any_better = False
    for other in range(engine.n_venues):
        row = route_at(routes, other)
        if other != venue and row.quote_key < key:
            if row.qty_lot < row.quote_lot:
                return False
            any_better = True
    return any_better


@entry
def route_now(engine_address, parent, routes, children):
    """Do what `route` does, for Python; ``parent`` is the address of one PARENT."""
    return route(engine_at(engine_address, 0), parent_at(parent, 0), routes, children)
