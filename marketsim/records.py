"""Enums, dtypes and column names shared by the kernel, the markets and the warehouse's producers.

"Price" is in currency per share; sizes of the bars market are in shares (fractional after splits), times are int64
nanoseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

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


class Tif(IntEnum):
    """Time in force: until cancelled, or until the end of the session in which the order is first live."""

    GTC = 1
    DAY = 2


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


@dataclass(frozen=True, slots=True)
class Order:
    """What a strategy asks for; prices in currency per share, ``qty`` in shares and always positive."""

    symbol: str
    side: Side
    qty: float
    kind: Kind = Kind.MARKET
    limit_price: float = float("nan")
    stop_price: float = float("nan")
    tif: Tif = Tif.GTC


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
