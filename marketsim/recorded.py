"""What a recorded market is made of: one dtype of events, whatever the feed, and the rows of the book rebuilt from them.

Prices are integer ticks and quantities integer lots of the stream's own grid (LOBSTER and ITCH: 0.0001 USD and one share);
times are int64 nanoseconds since 1970-01-01 UTC. The compiled book and every reader share this file, which needs NumPy alone.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class RecordedKind(IntEnum):
    """What one recorded event says."""

    ADD = 1  # a displayed order enters
    REDUCE = 2  # a displayed order loses qty_lot by its owner's wish and keeps its place
    DELETE = 3  # a displayed order is withdrawn
    EXECUTE = 4  # qty_lot of a displayed order trades
    EXECUTE_HIDDEN = 5  # a trade with an order that was never displayed; the book stays as it is
    CROSS = 6  # an auction prints; order_id holds the letter of its type, 0 where the feed has none
    HALT = 7
    QUOTE = 8  # orders are shown again, trading is not open yet
    RESUME = 9
    REPLACE = 10  # order_id leaves, other_id enters at the end of the queue with the new price and quantity
    SET_LEVEL = 11  # the level's total is now qty_lot, 0 removes it; other_id is the feed's update id
    CLEAR = 12  # all levels of the symbol are void: a snapshot follows
    TRADE = 13  # a trade told apart from the book (L2 feeds); the book stays as it is
    BREAK = 14  # an earlier trade is void; other_id is its match number
    GAP = 15  # events are missing before this one; qty_lot is how many where the feed tells


class Fault(IntEnum):
    """Why a row of a file was refused, one by one, while the rest went on."""

    NOT_A_NUMBER = 1
    UNKNOWN_KIND = 2
    BAD_SIDE = 3
    BAD_QUANTITY = 4
    BAD_PRICE = 5
    OFF_GRID = 6  # not a whole number of ticks or lots
    UNKNOWN_ORDER = 7  # names an order the file never entered; only where price and side are missing without it
    BAD_TEXT = 8  # a line that is not what its protocol allows
    OUTDATED = 9  # a difference older than the snapshot it belongs to; meant to be dropped


class Difference(IntEnum):
    """How a rebuilt touch differs from the recorded one."""

    NONE = 0
    STALE_LEVEL = 1  # the rebuilt price is better: liquidity whose end was never recorded
    MISSING_LEVEL = 2  # the recorded price is better: liquidity whose entry was never recorded
    WRONG_QUANTITY = 3  # same price, another quantity
    OUTSIDE_WINDOW = 4  # the new touch comes from beyond the recorded levels, so nothing can be said


class Queue(IntEnum):
    """Where cancels of unknown orders are taken to strike, in front of an own order or behind it."""

    AT_BACK = 1  # behind as long as possible: the own order advances by trades alone until the level is shorter than its queue
    PRO_RATA = 2  # in proportion to the quantity in front and behind, rounded in favour of those in front


RECORDED = np.dtype(
    [
        ("time_ns", np.int64),
        ("order_id", np.int64),  # 0 where there is none
        ("other_id", np.int64),  # REPLACE: the new order; EXECUTE, TRADE, BREAK: match number; SET_LEVEL: update id; else 0
        ("price_tick", np.int64),  # of the order, or of the print where they differ
        ("qty_lot", np.int64),
        ("message", np.int64),  # row or message of the source, 0-based; events of one message belong together
        ("symbol", np.int32),  # index into the stream's symbols
        ("kind", np.int8),  # RecordedKind
        ("side", np.int8),  # Side of the resting order, 0 where unknown or none
    ],
    align=True,
)

RESTING = np.dtype(
    [
        ("order_id", np.int64),
        ("qty_lot", np.int64),
        ("taken_lot", np.int64),  # of it, what own orders took and the recorded market does not know of
        ("stamp", np.int64),  # number of the event that brought it; 0 = was there before, or nobody knows
        ("level", np.int32),
        ("before", np.int32),  # slots of its neighbours in the queue, -1 at the ends
        ("after", np.int32),
        ("anonymous", np.int32),  # 1 for the quantity of a level whose orders are unknown; always first in its queue
    ],
    align=True,
)

LEVEL = np.dtype(
    [
        ("price_tick", np.int64),
        ("qty_lot", np.int64),  # sum over its orders
        ("printed_lot", np.int64),  # L2: traded since the level was last set, so that the next decrease is not a cancel too
        ("row", np.int32),  # 2 × symbol, + 1 on the sell side
        ("first", np.int32),
        ("last", np.int32),
        ("n_orders", np.int32),
    ],
    align=True,
)

HEAD = np.dtype([("free_order", np.int64), ("free_level", np.int64), ("n_events", np.int64)])

REFUSED = np.dtype([("message", np.int64), ("fault", np.int8)])  # a row that did not become an event, and why

COUNTS = np.dtype(
    [
        ("applied", np.int64),  # events that changed the book
        ("hidden", np.int64),  # hidden executions
        ("anonymous", np.int64),  # unknown order ids charged to a level's anonymous quantity
        ("unknown", np.int64),  # unknown order ids at a level that has no anonymous quantity: nothing changed
        ("overdrawn", np.int64),  # events that asked for more than the order had
        ("duplicate", np.int64),  # adds whose id is alive: nothing changed
        ("dropped", np.int64),  # known orders removed because a level was set below their sum
        ("crossed", np.int64),  # messages that left the book crossed or locked outside halts
    ]
)

EFFECT = np.dtype(
    [
        ("price_tick", np.int64),  # of the level it was about; a replacement's new one
        ("entered_lot", np.int64),  # lots it brought to that level
        ("side", np.int64),  # of that level
    ]
)

TOP = np.dtype([("bid_tick", np.int64), ("bid_lot", np.int64), ("ask_tick", np.int64), ("ask_lot", np.int64)])


class OwnState(IntEnum):
    """What an own order does at the recorded market."""

    RESTING = 1  # a limit in the queue of its level
    WORKING = 2  # a market order; alive only until it has taken what is there, or through a halt
    WATCHING = 3  # a stop whose price has not traded
    AUCTION = 4  # waits for the next cross


OWN = np.dtype(
    [
        ("order", np.int64),  # row of the account's ORDER array
        ("price_tick", np.int64),  # limit; NO_PRICE for market orders
        ("stop_tick", np.int64),  # NO_PRICE where the kind has none
        ("open_lot", np.int64),
        ("ahead_lot", np.int64),  # recorded quantity in front of it in its level's queue
        ("stamp", np.int64),  # events of the book when it joined the queue
        ("visited", np.int64),  # the last CLOCK.visit that met it
        ("symbol", np.int32),
        ("side", np.int8),
        ("state", np.int8),  # OwnState
    ],
    align=True,
)

REQUEST = np.dtype([("time_ns", np.int64), ("order", np.int64), ("cancels", np.int8)], align=True)  # on its way to the market

CLOCK = np.dtype(
    [
        ("next_event", np.int64),
        ("next_request", np.int64),
        ("n_requests", np.int64),
        ("n_own", np.int64),
        ("now_ns", np.int64),
        ("bar", np.int64),  # the bar under way
        ("queue", np.int64),  # Queue
        ("visit", np.int64),  # rounds in which something recorded met own orders
    ]
)

NO_PRICE = -(2**62)  # price of an absent level; its quantity is 0
