"""What the slow exchange keeps: live orders, and books that are lists of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from marketsim.records import Flag, Kind, Phase, Side, Tif
from marketsim.venue_rules import VenueRules

STOPS = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP)
PEGS = (Kind.PEG_PRIMARY, Kind.PEG_MARKET, Kind.PEG_MIDPOINT)
ON_OPEN = (Kind.MARKET_ON_OPEN, Kind.LIMIT_ON_OPEN, Kind.IMBALANCE_ON_OPEN)
ON_CLOSE = (Kind.MARKET_ON_CLOSE, Kind.LIMIT_ON_CLOSE, Kind.IMBALANCE_ON_CLOSE)
AT_AUCTION_MARKET = (Kind.MARKET_ON_OPEN, Kind.MARKET_ON_CLOSE)
FOR_IMBALANCE = (Kind.IMBALANCE_ON_OPEN, Kind.IMBALANCE_ON_CLOSE)
FOR_AUCTION = ON_OPEN + ON_CLOSE
TRADING_KINDS = (Kind.MARKET, Kind.LIMIT, *STOPS, *PEGS, *FOR_AUCTION)
BEYOND_ALL = 1 << 60  # the price of a market order in an auction
NEVER = 2**63 - 1


@dataclass(eq=False)
class Resting:
    """A live order."""

    order_id: int
    owner_id: int
    side: int
    kind: Kind
    price: int
    open: int  # the visible slice and the reserve
    tif: Tif
    flags: Flag
    display: int
    stop: int
    limit: int
    expire_ns: int
    arrival: int
    reserve: int = 0
    waiting: bool = False  # a stop that has not triggered
    unplaced: bool = False

    @property
    def shown(self) -> int:
        return self.open - self.reserve

    @property
    def hidden(self) -> bool:
        return bool(self.flags & Flag.HIDDEN) or self.kind in PEGS

    @property
    def is_peg(self) -> bool:
        return self.kind in PEGS


@dataclass
class Book:
    """One symbol at one venue. ``queue`` holds placed orders, the earlier a place the better the time priority."""

    symbol: int
    venue: int
    rules: VenueRules
    queue: list[Resting] = field(default_factory=list)
    stops: list[Resting] = field(default_factory=list)  # in the order in which they came to their trigger price
    pegs: list[Resting] = field(default_factory=list)
    trailing: list[Resting] = field(default_factory=list)
    pending: list[Resting] = field(default_factory=list)
    for_auction: list[Resting] = field(default_factory=list)
    last: int | None = None
    phase: Phase = Phase.CONTINUOUS
    peg_reference: tuple[int | None, int | None] | None = (None, None)  # None: pegs are to be priced anew
    schedule: list[tuple[int, Phase]] = field(default_factory=list)  # what is still to come
    crosses: list[tuple[int, int]] = field(default_factory=list)
    scheduled: Phase = Phase.CONTINUOUS
    opening: int = NEVER
    closing: int = NEVER
    phase_until: int = NEVER
    indication: int = NEVER
    limit_until: int = NEVER
    limit_side: int = 0
    bands: dict[int, int] | None = None  # the highest price of buys, the lowest of sells
    reference: int | None = None
    reference_since: int = 0
    bands_seen: int = 0  # when the bands were last worked out
    prints: list[tuple[int, int]] = field(default_factory=list)  # (time, price) of the session's trades
    low: int | None = None
    previous_close: int | None = None
    restricted_sessions: int = 0
    breaker_level: int = 0

    @property
    def guarded(self) -> bool:
        return self.rules.price_bands is not None or self.rules.short_sales is not None

    def ranked(self, side: int) -> list[Resting]:
        """Orders of a side in priority: price, then displayed before hidden if the venue says so, then time."""
        last = self.rules.hidden_ranking == "after_displayed"
        mine = [o for o in self.queue if o.side == side]
        return sorted(mine, key=lambda o: (-side * o.price, last and o.hidden))

    def best(self, side: int) -> int | None:
        ranked = self.ranked(side)
        return ranked[0].price if ranked else None

    def best_displayed(self, side: int) -> int | None:
        prices = [o.price for o in self.queue if o.side == side and not o.hidden]
        return None if not prices else max(prices) if side == Side.BUY else min(prices)
