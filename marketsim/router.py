"""A router: one order split between the venues of a symbol, from their rules, fees and latencies and from what they were seen to display.

`split` is plain Python over depth as somebody saw it, however long ago; `Exchange.route` is the same, compiled, over the books as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import DataError
from marketsim.kernel.routing import PARENT
from marketsim.records import MAX_QTY_LOT, MAX_TICK, MESSAGE, Flag, Kind, Routing, Side, Tif
from marketsim.venue_rules import VenueRules


@dataclass(frozen=True, slots=True)
class Link:
    """The way to a venue: an order sent at a time arrives ``latency_ns`` later."""

    latency_ns: int = 0

    def __post_init__(self) -> None:
        if self.latency_ns < 0:
            raise DataError(f"Link.latency_ns is {self.latency_ns}; an order cannot arrive before it is sent, so it must be at least 0")


@dataclass(frozen=True, slots=True)
class Parent:
    """The order to be split.

    Attributes
    ----------
    side, qty_lot : what is to be traded, lots
    limit_tick : the worst price accepted, ticks; None takes whatever is displayed
    strategy : how levels are chosen
    home : the venue that STICKY stays at and ``post`` waits at
    post : send what no venue displays to the home venue as well, where it waits at the limit; otherwise it is not sent at all
    symbol, owner_id : as in MESSAGE
    order_id : id of the first child; the others follow it
    time_ns : when the children leave the sender
    """

    side: Side
    qty_lot: int
    limit_tick: int | None = None
    strategy: Routing = Routing.BEST_PRICE
    home: int = 0
    post: bool = False
    symbol: int = 0
    owner_id: int = 0
    order_id: int = 0
    time_ns: int = 0

    def __post_init__(self) -> None:
        if self.side not in (Side.BUY, Side.SELL) or not 0 < self.qty_lot <= MAX_QTY_LOT:
            raise DataError(f"a parent order of side {self.side} over {self.qty_lot} lots; side must be 1 or -1, lots 1 to {MAX_QTY_LOT}")
        if self.limit_tick is None and self.post:
            raise DataError("a parent order without limit cannot wait anywhere; give it a limit_tick, or post=False")
        if self.limit_tick is not None and abs(self.limit_tick) > MAX_TICK:
            raise DataError(f"limit_tick {self.limit_tick} lies beyond the largest price of {MAX_TICK} ticks")

    @property
    def furthest_tick(self) -> int:
        """The limit, or the largest price (for a sale the smallest) where there is none."""
        return self.side * MAX_TICK if self.limit_tick is None else self.limit_tick

    def row(self) -> NDArray[np.void]:
        """Return the order as the kernel reads it, (1,) PARENT."""
        row = np.zeros(1, PARENT)
        for name in ("time_ns", "order_id", "qty_lot", "owner_id", "symbol", "home", "side", "strategy", "post"):
            row[name] = getattr(self, name)
        row["limit_tick"] = self.furthest_tick
        return row


@dataclass(slots=True)
class _Venue:
    """One venue while an order is split."""

    number: int
    rules: VenueRules
    latency_ns: int
    levels: list[tuple[int, int]]  # (key, lots) within the limit, best first; key = side * price, so that less is better
    quote: tuple[int, int] | None  # (key, lots) the other venues' children must respect
    room_lot: int
    qty_lot: int = 0
    price_tick: int = 0
    tif: Tif = Tif.IOC
    displayed_lot: float = field(init=False)

    def __post_init__(self) -> None:
        self.displayed_lot = float(sum(lots for _, lots in self.levels))


def split(
    parent: Parent, seen: Sequence[NDArray[np.void]], rules: Sequence[VenueRules], links: Sequence[Link] | None = None
) -> NDArray[np.void]:
    """Split an order by what each venue was seen to display.

    Level by level lots go to the venue whose next level ranks best: by price; with CHEAPEST by price plus the taker's fee; with STICKY the
    home venue first. Ties go to the quicker link, then to the lower venue number. SPRAY gives each venue the part of the order that its
    displayed lots are of all displayed ones, rounded down to its lot, and what rounding leaves over by price.

    A child is an immediate-or-cancel limit order at the worst level it was sized on; the one that waits at the home venue is good till
    cancelled. It is flagged as a sweep if other venues have better protected quotes and the whole of each is sent for.

    Parameters
    ----------
    parent : what is to be traded and how
    seen : one (n_levels,) DEPTH a venue, best level first, as `Exchange.depth` returns; zeros where a venue does not trade
    rules : one record a venue
    links : one a venue; no latency if None

    Returns
    -------
    numpy.ndarray
        (n_children,) MESSAGE, at most one a venue, in the order of the venues; ``time_ns`` is when each arrives there.

    Raises
    ------
    DataError
        If there are not as many depths and links as rules, or no home venue.
    """
    ways = [Link()] * len(rules) if links is None else links
    check_links(ways, len(rules))
    if len(seen) != len(rules) or not 0 <= parent.home < len(rules):
        raise DataError(
            f"{len(seen)} depths and home venue {parent.home} for {len(rules)} venues; give one depth a venue and an existing home"
        )
    venues = [_looked_at(parent, k, *row) for k, row in enumerate(zip(seen, rules, ways, strict=True))]
    left = parent.qty_lot
    displayed_lot = sum(venue.displayed_lot for venue in venues)
    if parent.strategy == Routing.SPRAY and left < displayed_lot:
        for venue in venues:
            venue.room_lot = int(parent.qty_lot * (venue.displayed_lot / displayed_lot))
        left = _take(parent, venues, left)
        for venue in venues:
            venue.room_lot = left
    left = _take(parent, venues, left)
    if parent.post:
        home = venues[parent.home]
        left -= left % home.rules.lot
        if left:
            home.qty_lot, home.price_tick, home.tif = home.qty_lot + left, parent.furthest_tick, Tif.GTC
    return _children(parent, venues)


def arrivals(*messages: NDArray[np.void]) -> NDArray[np.void]:
    """Return the messages of several senders in the order in which they arrive; of equal times in the order given."""
    together = np.concatenate([np.zeros(0, MESSAGE), *messages])
    return together[np.argsort(together["time_ns"], kind="stable")]


def check_links(links: Sequence[Link], n_venues: int) -> None:
    """Refuse links that are not one a venue."""
    if len(links) != n_venues:
        raise DataError(f"{len(links)} links for {n_venues} venues; give one Link a venue, in the order of the venues")


def _looked_at(parent: Parent, number: int, depth: NDArray[np.void], rules: VenueRules, link: Link) -> _Venue:
    tick, lot = ("ask_tick", "ask_lot") if parent.side > 0 else ("bid_tick", "bid_lot")
    levels = [(parent.side * int(row[tick]), int(row[lot])) for row in depth if row[lot] > 0]
    quote, shown = None, 0
    for key, lots in levels if rules.quote_protected else ():
        shown += lots
        if shown >= rules.round_lot:
            quote = (key, shown)
            break
    within = [level for level in levels if level[0] <= parent.side * parent.furthest_tick]
    return _Venue(number, rules, link.latency_ns, within, quote, parent.qty_lot)


def _rank(parent: Parent, venue: _Venue) -> tuple[float, int, int]:
    key = venue.levels[0][0]
    fees = venue.rules.fees
    cost = float(key)
    if parent.strategy == Routing.STICKY and venue.number == parent.home:
        cost = -np.inf
    elif parent.strategy == Routing.CHEAPEST:
        fee = fees.taker_per_lot + fees.taker_notional_frac * fees.tick_size * fees.lot_size * (parent.side * key)
        cost = key * (fees.tick_size * fees.lot_size) + fee
    return cost, venue.latency_ns, venue.number


def _take(parent: Parent, venues: list[_Venue], left: int) -> int:
    """Send lots to the best level of any venue, then to the next best, until none are left or no level is; return the rest."""
    while left > 0:
        open_venues = [venue for venue in venues if venue.levels and venue.room_lot > 0]
        if not open_venues:
            return left
        venue = min(open_venues, key=lambda venue: _rank(parent, venue))
        key, lots = venue.levels[0]
        sent = min(left, venue.room_lot, lots)
        sent -= sent % venue.rules.lot
        if sent == 0:
            venue.room_lot = 0  # less than the venue trades in
            continue
        left -= sent
        venue.room_lot -= sent
        venue.qty_lot += sent
        venue.price_tick = parent.side * key
        venue.levels[0] = (key, lots - sent)
        if sent == lots:
            venue.levels.pop(0)
    return left


def _children(parent: Parent, venues: list[_Venue]) -> NDArray[np.void]:
    used = [venue for venue in venues if venue.qty_lot > 0]
    children = np.zeros(len(used), MESSAGE)
    for n, (child, venue) in enumerate(zip(children, used, strict=True)):
        key = parent.side * venue.price_tick
        better = [other for other in venues if other is not venue and other.quote is not None and other.quote[0] < key]
        swept = all(other.quote is not None and other.qty_lot >= other.quote[1] for other in better)
        child["time_ns"], child["order_id"] = parent.time_ns + venue.latency_ns, parent.order_id + n
        child["kind"], child["tif"], child["side"] = Kind.LIMIT, venue.tif, parent.side
        child["owner_id"], child["symbol"], child["venue"] = parent.owner_id, parent.symbol, venue.number
        child["price_tick"], child["qty_lot"] = venue.price_tick, venue.qty_lot
        child["flags"] = Flag.SWEEP if better and swept else Flag.NONE
    return children
