"""What an exchange holds in memory: one header, and the tables it points to.

A *slot* is one live order, a *level* the queue of one price, a *ladder* the levels of one side sorted by price. A book has twelve ladders:
bids, asks, the stops waiting on either side, and the orders for an auction; one more ladder, behind those of all books, holds order ids.
Links between rows are int32 indices; NONE ends a chain.

Inside a ladder a price is a *key*, the price in ticks times the ladder's direction, so that the smaller key is always the better price.
"""

from __future__ import annotations

import numpy as np

from marketsim.kernel.memory import accessor
from marketsim.records import EVENT, MESSAGE, TRADE

NONE = -1
NO_PRICE = 1 << 60  # where a price may be missing; beyond every price in ticks
BIDS, ASKS, BUY_STOPS, SELL_STOPS = 0, 1, 2, 3
# Orders for one auction only wait apart: those that help to find the price, and those that trade only against its imbalance.
OPEN_BUYS, OPEN_SELLS, CLOSE_BUYS, CLOSE_SELLS = 4, 5, 6, 7
IMBALANCE = 4  # added to the four above
LADDERS_A_BOOK = 12
WINDOWS_A_BOOK = 2  # bids and asks; the other ladders have only the trie
WINDOW_LEVELS = 4096  # 64 words of 64 bits, summed up by one more word
WINDOW_BYTES = WINDOW_LEVELS * 4 + 64 * 8

# Bits of SLOT.special: what keeps an order off the shortest path. A slot with any of them has a meaningful EXTRA row.
ICEBERG = 1
PEGGED = 2
WAITING_STOP = 4
SOLD_SHORT = 8
POSTS_ONLY = 16
FOR_AUCTION = 32
IS_HIDDEN = 64
RANKS_LAST = 128  # waits behind the displayed orders of its price

ENGINE = np.dtype(
    [
        ("messages", np.int64),  # what the next run is to process, and where it writes touch, depth and best of all venues; 0 for nowhere
        ("n_messages", np.int64),
        ("top", np.int64),
        ("depth", np.int64),
        ("consolidated", np.int64),
        ("n_depth", np.int64),
        ("slots", np.int64),
        ("extras", np.int64),
        ("levels", np.int64),
        ("nodes", np.int64),
        ("windows", np.int64),
        ("ladders", np.int64),
        ("books", np.int64),
        ("venues", np.int64),
        ("tick_bands", np.int64),
        ("dense_ids", np.int64),  # order_id -> slot + 1
        ("id_keys", np.int64),  # open addressing: id + 1, 0 free
        ("id_slots", np.int64),
        ("owners", np.int64),
        ("timers", np.int64),
        ("trades", np.int64),
        ("events", np.int64),
        ("sessions", np.int64),
        ("prints", np.int64),
        ("schedule", np.int64),
        ("band_widths", np.int64),
        ("breaker_levels", np.int64),
        ("slot_capacity", np.int64),
        ("node_capacity", np.int64),
        ("dense_capacity", np.int64),
        ("id_capacity", np.int64),  # a power of two
        ("owner_capacity", np.int64),  # a power of two
        ("timer_capacity", np.int64),
        ("trade_capacity", np.int64),
        ("event_capacity", np.int64),
        ("print_capacity", np.int64),
        ("slots_used", np.int64),
        ("levels_used", np.int64),
        ("nodes_used", np.int64),
        ("ids_used", np.int64),
        ("n_apart", np.int64),  # ids that the map has no room for near their home
        ("owners_used", np.int64),
        ("n_timers", np.int64),
        ("prints_used", np.int64),
        ("n_trades", np.int64),
        ("n_events", np.int64),
        ("trades_digested", np.int64),
        ("events_digested", np.int64),
        ("n_live", np.int64),
        ("seq", np.int64),  # messages so far
        ("clock_ns", np.int64),
        ("arrivals", np.int64),
        ("next_timer_ns", np.int64),
        ("n_symbols", np.int64),
        ("n_venues", np.int64),
        ("index_close_tick", np.int64),  # previous close of the market-wide index; 0 while unknown
        ("free_slot", np.int32),
        ("free_level", np.int32),
        ("free_node", np.int32),
        ("free_print", np.int32),
    ]
)

# One cache line, so that an order is one memory access.
SLOT = np.dtype(
    [
        ("price_tick", np.int64),
        ("qty_lot", np.int64),  # open; of an iceberg the visible slice
        ("order_id", np.int64),
        ("arrival", np.int64),  # serial number of acceptance
        ("next", np.int32),  # in its level, towards later orders; also the free list
        ("prev", np.int32),
        ("level", np.int32),
        ("owner_id", np.int32),
        ("owner_next", np.int32),
        ("owner_prev", np.int32),
        ("book", np.int32),
        ("kind", np.int8),
        ("side", np.int8),
        ("tif", np.int8),
        ("special", np.uint8),
    ]
)

EXTRA = np.dtype(
    [
        ("display_lot", np.int64),
        ("reserve_lot", np.int64),  # not yet shown
        ("stop_tick", np.int64),  # trigger, distance of a trailing stop, offset of a peg
        ("limit_tick", np.int64),  # of a peg: never beyond
        ("expire_ns", np.int64),
        ("list_next", np.int32),  # the book's pegs, or its trailing stops, in order of acceptance
        ("list_prev", np.int32),
        ("flags", np.int16),
        ("pad", np.int16),
        ("pad2", np.int32),
    ]
)

LEVEL = np.dtype(
    [
        ("key", np.int64),
        ("qty_lot", np.int64),  # displayed
        ("head", np.int32),  # displayed queue
        ("tail", np.int32),
        ("hidden_head", np.int32),  # after every displayed order of the price
        ("hidden_tail", np.int32),
        ("better", np.int32),  # neighbouring levels of the ladder
        ("worse", np.int32),  # also the free list
        ("node", np.int32),  # trie node that holds the level; NONE while it is in the window
        ("ladder", np.int32),
    ]
)

LADDER = np.dtype(
    [
        ("base", np.int64),  # key of the window's first level; beyond every price while there is no window
        ("window", np.int64),  # offset of its window in the windows table, or NONE
        ("summary", np.int64),  # bit w: word w of the window is not empty
        ("moved_at", np.int64),  # seq when the window last moved
        ("best", np.int32),
        ("root", np.int32),  # trie of the levels outside the window
        ("n_levels", np.int32),
        ("direction", np.int32),  # key = direction * price
    ]
)

NODE = np.dtype(
    [
        ("bits", np.int64),
        ("shift", np.int32),
        ("parent", np.int32),  # also the free list
        ("child", np.int32, (64,)),  # a node, or ~level
    ]
)

# One symbol at one venue.
BOOK = np.dtype(
    [
        ("last_tick", np.int64),  # price of the last trade, once ``traded``
        ("bid_reference_tick", np.int64),  # what pegs were last priced from
        ("ask_reference_tick", np.int64),
        ("traded", np.int32),
        ("symbol", np.int32),
        ("venue", np.int32),
        ("phase", np.int32),
        ("quirks", np.int32),  # > 0: a new order must pass more than the plain checks; bits below
        ("awake", np.int32),  # > 0: stops, pegs or the venue's price bands and short-sale rule watch the book
        ("n_trailing", np.int32),
        ("n_pegs", np.int32),
        ("peg_head", np.int32),
        ("peg_tail", np.int32),
        ("peg_cursor", np.int32),  # the next peg to reprice, while repricing is under way
        ("trail_head", np.int32),
        ("trail_tail", np.int32),
        ("pending_head", np.int32),  # triggered stops, waiting for the order under way to finish
        ("pending_tail", np.int32),
        ("pad", np.int32),
    ]
)

# Bits of BOOK.quirks.
PARTICULAR = 1  # the venue has a grid, lots or a lowest price
GUARDED = 2  # the venue has price bands or a short-sale rule
OUT_OF_HOURS = 4  # the book is not in continuous trading

# The rules of one venue as the kernel reads them; marketsim.venue_rules explains each.
VENUE = np.dtype(
    [
        ("lot", np.int64),
        ("lowest_tick", np.int64),
        ("highest_tick", np.int64),
        ("protection_ticks", np.int64),  # NONE: what a market order cannot fill is cancelled
        ("maker_per_lot", np.float64),
        ("taker_per_lot", np.float64),
        ("maker_per_tick_lot", np.float64),  # fee on notional, for one lot at a price of one tick
        ("taker_per_tick_lot", np.float64),
        ("round_lot", np.int64),
        ("tick_value", np.float64),  # currency, what one tick is worth for one lot
        ("market_on_open_before_ns", np.int64),  # before the scheduled auction
        ("limit_on_open_before_ns", np.int64),
        ("market_on_close_before_ns", np.int64),
        ("limit_on_close_before_ns", np.int64),
        ("indication_ns", np.int64),  # between two; 0 for none
        ("closing_indications_ns", np.int64),
        ("reopening_ns", np.int64),
        ("band_window_ns", np.int64),
        ("band_least_move_ppm", np.int64),
        ("band_hold_ns", np.int64),
        ("band_open_window_ns", np.int64),
        ("band_close_window_ns", np.int64),
        ("limit_state_ns", np.int64),
        ("pause_ns", np.int64),
        ("short_fall_ppm", np.int64),
        ("short_sessions", np.int64),  # 0: no such rule
        ("has_fees", np.int32),
        ("self_trade", np.int32),
        ("replace_loses_priority", np.int32),
        ("stops_watch_touch", np.int32),
        ("post_only_slides", np.int32),
        ("hidden_ranks_last", np.int32),
        ("first_tick_band", np.int32),  # rows of the tick-band table
        ("n_tick_bands", np.int32),
        ("trade_through", np.int32),  # ALLOW also while there is no other venue
        ("quote_protected", np.int32),
        ("peg_consolidated", np.int32),
        ("pad", np.int32),
        ("bands_refuse", np.int32),
        ("shorts_refuse", np.int32),
        ("first_breaker", np.int32),  # rows of the breaker-level table
        ("n_breakers", np.int32),
    ]
)
NO_PREVENTION, CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT = 0, 1, 2, 3, 4
ALLOW, CANCEL_REST, REPRICE_REST = 0, 1, 2  # VENUE.trade_through

TICK_BAND = np.dtype([("from_ns", np.int64), ("from_tick", np.int64), ("increment_tick", np.int64)])

# ``slot`` is the order that expires, or ~book for a timer of a book's session; at one instant books come after orders.
TIMER = np.dtype([("when_ns", np.int64), ("arrival", np.int64), ("slot", np.int64)])
NO_TIMER = 2**63 - 1
BOOK_TIMERS = 1 << 62  # added to a book's index, stands for the arrival that orders of one instant are sorted by

OWNER = np.dtype([("owner_id", np.int32), ("head", np.int32), ("tail", np.int32), ("pad", np.int32)])

engine_at = accessor(ENGINE)
slot_at = accessor(SLOT)
extra_at = accessor(EXTRA)
level_at = accessor(LEVEL)
ladder_at = accessor(LADDER)
node_at = accessor(NODE)
book_at = accessor(BOOK)
venue_at = accessor(VENUE)
timer_at = accessor(TIMER)
tick_band_at = accessor(TICK_BAND)
owner_at = accessor(OWNER)
message_at = accessor(MESSAGE)
trade_at = accessor(TRADE)
event_at = accessor(EVENT)
