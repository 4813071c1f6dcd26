"""Enums, dtypes and column names shared by the kernel, the markets and the warehouse's producers.

"Price" is in currency per share; sizes of the bars market are in shares (fractional after splits), times are int64
nanoseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np


class Side(IntEnum):
    """Direction of an order or fill; the value is the sign of the position change."""

    BUY = 1
    SELL = -1


class Kind(IntEnum):
    """What an order message asks for."""

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    MARKET_ON_OPEN = 5
    MARKET_ON_CLOSE = 6
    LIMIT_ON_OPEN = 7
    LIMIT_ON_CLOSE = 8
    IMBALANCE_ON_OPEN = 9  # trades only against what the opening auction would leave over
    IMBALANCE_ON_CLOSE = 10
    TRAILING_STOP = 11
    PEG_PRIMARY = 12  # follows the best displayed price of its own side
    PEG_MARKET = 13  # follows the best displayed price of the other side
    PEG_MIDPOINT = 14
    CANCEL = 20
    REPLACE = 21
    REDUCE = 22
    CANCEL_OWNER = 23  # every live order of owner_id in one symbol (or all, symbol -1) at one venue
    PHASE = 30  # from the venue: enter the session phase in qty_lot
    CLOCK = 31  # nothing but the time: what is due by then happens
    INDEX = 32  # from outside: the market-wide index stands at price_tick; symbol -1
    PREVIOUS_CLOSE = 33  # from the venue: a symbol closed its last session at price_tick; symbol -1 is the index, and begins its day


class Tif(IntEnum):
    """Time in force: until cancelled, or until the end of the session in which the order is first live."""

    GTC = 1
    DAY = 2
    IOC = 3  # fill what is possible, cancel the rest
    FOK = 4  # fill all or do nothing
    GTD = 5  # until expire_ns


class Flag(IntFlag):
    """Attributes of an order, combined by ``|``."""

    NONE = 0
    POST_ONLY = 1
    HIDDEN = 2
    SHORT = 4  # a short sale; sell orders only
    SWEEP = 8  # intermarket sweep: the sender also sends for every better quote elsewhere, so this venue need not protect them


class Phase(IntEnum):
    """Where a symbol's trading session stands; orders match at once only in CONTINUOUS."""

    CLOSED = 0
    PRE_OPEN = 1
    OPENING_AUCTION = 2
    CONTINUOUS = 3
    VOLATILITY_AUCTION = 4
    HALT = 5
    CLOSING_AUCTION = 6


class EventKind(IntEnum):
    """What happened to an order (or, for PHASE, to a symbol)."""

    ACCEPTED = 1
    REJECTED = 2
    CANCELLED = 3
    EXPIRED = 4
    TRIGGERED = 5  # a stop's condition was met; it now trades
    REPRICED = 6  # the venue moved it: peg, trailing stop, post-only slide, price band
    REFILLED = 7  # an iceberg showed its next slice, at the back of its level
    REPLACED = 8
    REDUCED = 9
    PHASE = 10  # qty_lot is the new Phase
    AUCTION = 11  # price_tick and qty_lot are what the auction traded, without imbalance orders
    INDICATION = 12  # price_tick (0 for none) and qty_lot are what an auction held now would trade, without imbalance orders
    IMBALANCE = 13  # follows INDICATION: qty_lot would be left over on side, 0 on none
    BAND = 14  # price_tick is from now on the highest price of side BUY, or the lowest of side SELL
    LIMIT_STATE = 15  # the best bid (side BUY) or ask (SELL) has come to stand at its band (qty_lot 1) or left it (0)
    SHORT_SALES = 16  # short sales at or below the best bid are barred from now on (qty_lot 1), or no longer (0)
    MARKET_HALT = 17  # the index stands at price_tick, which halts the book: qty_lot is the level of the breaker
    PREVIOUS_CLOSE = 18  # price_tick is the previous close


class Status(IntEnum):
    """Where an order stands; everything from FILLED on is final."""

    OPEN = 1
    TRIGGERED = 2
    FILLED = 3
    CANCELLED = 4
    EXPIRED = 5
    REJECTED = 6


class Reason(IntEnum):
    """Why an order ended other than by filling; NONE while it lives or when it filled."""

    NONE = 0
    BY_STRATEGY = 1
    END_OF_SESSION = 2
    END_OF_RUN = 3
    BUYING_POWER = 4
    SHORT_NOT_ALLOWED = 5
    BAD_QUANTITY = 6
    BAD_PRICE = 7
    UNKNOWN_SYMBOL = 8
    ACCOUNT_CLOSED = 9
    AUCTION_OVER = 10
    ON_REQUEST = 11  # a CANCEL, REDUCE or CANCEL_OWNER message asked for it
    UNKNOWN_ORDER = 12  # never seen, or no longer alive
    DUPLICATE_ORDER = 13  # the id belongs to a live order
    BAD_ORDER_ID = 14
    BAD_OWNER = 15
    TIME_BACKWARDS = 16
    UNKNOWN_VENUE = 17
    UNKNOWN_KIND = 18
    BAD_SIDE = 19
    BAD_TIF = 20  # unknown, or not possible for this kind
    BAD_FLAGS = 21  # unknown, or not possible together or for this kind
    OFF_TICK = 22
    OFF_LOT = 23
    BAD_STOP = 24
    BAD_DISPLAY = 25
    BAD_EXPIRY = 26
    BAD_MINIMUM = 27
    WOULD_TRADE = 28  # post-only
    FILL_OR_KILL = 29
    IMMEDIATE_OR_CANCEL = 30
    MINIMUM_QUANTITY = 31
    NO_LIQUIDITY = 32  # the rest of a market order
    SELF_TRADE = 33
    EXPIRY_TIME = 34
    WRONG_PHASE = 35
    CUT_OFF = 36
    OUTSIDE_BAND = 37
    SHORT_SALE = 38  # at or below the best bid while that is barred
    NO_PREVIOUS_CLOSE = 39  # of the index, which its level is compared with
    TRADE_THROUGH = 40  # what is left would trade through, lock or cross the protected quote of another venue


class QuoteState(IntEnum):
    """How the best bid and offer over all venues stand to each other; a missing side leaves them NORMAL."""

    NORMAL = 0
    LOCKED = 1  # bid = ask
    CROSSED = 2  # bid > ask


class Routing(IntEnum):
    """How a router splits an order between venues."""

    BEST_PRICE = 0  # level by level, best price first
    CHEAPEST = 1  # level by level, best price after the taker's fee first
    SPRAY = 2  # to all venues at once, in proportion to what they display within the limit
    STICKY = 3  # what the home venue displays within the limit, and only the rest elsewhere, best price first


class Turn(IntEnum):
    """Why it is an agent's turn in the simulated market."""

    START = 1  # once, when the simulation begins
    WAKE = 2  # the time it asked to be woken at
    FILL = 3  # its orders traded
    NEWS = 4  # a scheduled event reached it


class NewsCode(IntEnum):
    """What a scheduled event means to the agents who hear of it; codes from 100 on are the user's own."""

    NEWS = 1  # size: the relative change of value it stands for, -0.02 for two percent less
    LIQUIDITY = 2  # size: the share of their quantity that those who quote withdraw for a while, 0 to 1


class Liquidity(IntEnum):
    """Whether a fill made liquidity (a resting limit) or took it."""

    MAKER = 1
    TAKER = 2


ORDER = np.dtype(
    [
        ("order_id", np.int64),  # dense, 0-based, in order of submission within one agent
        ("symbol", np.int32),  # index into the run's symbols
        ("side", np.int8),
        ("kind", np.int8),
        ("tif", np.int8),
        ("status", np.int8),
        ("reason", np.int8),
        ("submitted_ns", np.int64),
        ("ended_ns", np.int64),  # 0 while the order lives
        ("qty", np.float64),  # shares asked for; restated at splits
        ("filled_qty", np.float64),  # shares filled so far; restated at splits
        ("limit_price", np.float64),  # NaN where the kind has none
        ("stop_price", np.float64),  # NaN where the kind has none
        ("variable_fee", np.float64),  # commission earned so far before the minimum, currency
        ("fee", np.float64),  # charged so far, currency: the larger of variable_fee and the minimum
    ]
)

FILL = np.dtype(
    [
        ("order_id", np.int64),
        ("symbol", np.int32),
        ("side", np.int8),
        ("liquidity", np.int8),
        ("time_ns", np.int64),
        ("bar", np.int64),  # index of the bar the fill happened in
        ("qty", np.float64),  # shares, > 0
        ("price", np.float64),  # paid or received per share, all price costs included
        ("reference_price", np.float64),  # before half spread, slippage and impact
        ("fee", np.float64),  # currency, >= 0
        ("spread_cost", np.float64),  # currency, part of price
        ("slippage_cost", np.float64),  # currency, part of price
        ("impact_cost", np.float64),  # currency, part of price
        ("position_after", np.float64),  # shares of the symbol held after this fill
    ]
)


COSTS = np.dtype(
    [
        ("fee_per_share", np.float64),  # currency
        ("fee_notional_frac", np.float64),
        ("fee_minimum", np.float64),  # currency an order
        ("half_spread_frac", np.float64),
        ("slippage_frac", np.float64),
        ("impact_coefficient", np.float64),
        ("participation_cap", np.float64),  # share of a bar's volume; inf = no cap
        ("max_leverage", np.float64),
        ("lot_size", np.float64),  # shares
        ("borrow_rate_frac", np.float64),  # a year
        ("allow_short", np.int8),
    ]
)

ACCOUNT = np.dtype(
    [
        ("cash", np.float64),
        ("equity", np.float64),  # at the marks of the phase under way
        ("gross", np.float64),  # sum of absolute position values at the same marks
        ("turnover", np.float64),  # notional traded in the bar
        ("fees", np.float64),  # in the bar
        ("borrow", np.float64),  # in the bar
        ("dividends", np.float64),  # in the bar
        ("n_orders", np.int64),
        ("n_live", np.int64),
        ("n_fills", np.int64),
        ("closed", np.int8),  # 1 once equity was not positive at a close
    ]
)


MAX_TICK = 2**53  # largest price in ticks either side of zero; also "no limit" for a peg
MAX_REFERENCE_TICK = 2**40  # largest price where fractions of prices are taken: price bands, previous closes, the index
MAX_QTY_LOT = 10**12  # largest quantity of one order; nine million of them still sum within int64

# What an exchange is sent. A field a kind does not use is ignored and may be 0.
MESSAGE = np.dtype(
    [
        ("time_ns", np.int64),  # since 1970-01-01 UTC; never decreases
        ("kind", np.int8),  # Kind
        ("order_id", np.int64),  # >= 0, the sender's choice; free again once the order has ended
        ("owner_id", np.int32),  # >= 0; 0 is anonymous: no self-trade prevention, no mass cancel
        ("side", np.int8),  # Side
        (
            "price_tick",
            np.int64,
        ),  # limit, ticks; REPLACE: the new one; pegs: the price never exceeded, ±MAX_TICK for none; INDEX: its level
        ("qty_lot", np.int64),  # lots; REPLACE: new open quantity; REDUCE: what is taken off; PHASE: the Phase
        ("stop_tick", np.int64),  # stops: trigger price; trailing stops: distance; pegs: offset, positive = more aggressive; ticks
        ("display_lot", np.int64),  # iceberg: size of the visible slice; 0 shows everything
        ("tif", np.int8),  # Tif; 0 means GTC
        ("flags", np.int16),  # Flag
        ("symbol", np.int32),  # 0 <= symbol < number of symbols; -1 for all of them, or for the index
        ("venue", np.int16),  # 0 <= venue < number of venues
        ("expire_ns", np.int64),  # GTD: the order is gone when the clock reaches it; PHASE: a halt ends then; 0 for no end
        ("min_qty_lot", np.int64),  # IOC: trade at least this much at once or nothing; 0 for none
    ],
    align=True,
)

TRADE = np.dtype(
    [
        ("seq", np.int64),  # index of the incoming message
        ("time_ns", np.int64),
        ("maker_id", np.int64),  # in an auction: the seller
        ("taker_id", np.int64),  # in an auction: the buyer
        ("price_tick", np.int64),
        ("qty_lot", np.int64),
        ("maker_fee", np.float64),  # currency; negative is a rebate
        ("taker_fee", np.float64),
        ("maker_owner", np.int32),
        ("taker_owner", np.int32),
        ("symbol", np.int32),
        ("venue", np.int16),
        ("aggressor", np.int8),  # Side of the taker, 0 in an auction
        ("phase", np.int8),  # Phase it printed in
    ]
)

EVENT = np.dtype(
    [
        ("seq", np.int64),  # index of the incoming message
        ("time_ns", np.int64),
        ("order_id", np.int64),
        ("price_tick", np.int64),  # the order's limit (or stop) after the event
        ("qty_lot", np.int64),  # ACCEPTED, REPLACED: open; CANCELLED, EXPIRED, REDUCED: what went; REFILLED: the slice; REJECTED: as sent
        ("owner_id", np.int32),
        ("symbol", np.int32),
        ("venue", np.int16),
        ("reason", np.int16),  # Reason
        ("kind", np.int16),  # EventKind
        ("side", np.int16),  # Side
    ]
)

# One displayed level of both sides; quantity 0 and price 0 where there is none.
DEPTH = np.dtype([("bid_tick", np.int64), ("bid_lot", np.int64), ("ask_tick", np.int64), ("ask_lot", np.int64)])

# The best bid and offer of a symbol over all venues; quantity, price and venues 0 where there is none.
CONSOLIDATED = np.dtype(
    [
        ("bid_tick", np.int64),
        ("bid_lot", np.int64),  # displayed at the best price, summed over the venues that stand there
        ("ask_tick", np.int64),
        ("ask_lot", np.int64),
        ("bid_venues", np.int64),  # bit v: venue v stands at the best bid
        ("ask_venues", np.int64),
        ("state", np.int64),  # QuoteState
    ]
)
MAX_VENUES = 63  # as many as have a bit in bid_venues


@dataclass(frozen=True, slots=True)
class Order:
    """What a strategy asks for; prices in currency per share, ``qty`` in shares and always positive.

    ``stop_price`` is the trigger of a stop, the distance of a trailing stop and the offset of a peg. ``flags`` and what follows need an
    exchange that keeps a book: the simulated market has one, the others refuse the order with the reason.
    """

    symbol: str
    side: Side
    qty: float
    kind: Kind = Kind.MARKET
    limit_price: float = float("nan")
    stop_price: float = float("nan")
    tif: Tif = Tif.GTC
    flags: Flag = Flag.NONE
    display_qty: float = 0.0  # iceberg: shares shown at a time; 0 shows all
    expire_ns: int = 0  # with Tif.GTD
    min_qty: float = 0.0  # with Tif.IOC: trade at least so many shares at once, or nothing


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask for one of the strategy's own open orders to be withdrawn."""

    order_id: int


@dataclass(frozen=True, slots=True)
class Fill:
    """What a strategy hears back when one of its orders traded."""

    order_id: int
    symbol: str
    side: Side
    qty: float
    price: float
    fee: float
    time_ns: int
