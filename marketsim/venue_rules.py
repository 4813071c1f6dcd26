"""What differs between venues: one frozen record, with presets named after the markets they resemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import ConfigError
from marketsim.kernel import book_state
from marketsim.records import MAX_QTY_LOT, MAX_REFERENCE_TICK, MAX_TICK
from marketsim.session_rules import NS_A_MINUTE, NS_A_SECOND, CircuitBreakers, PriceBands, ShortSales
from marketsim.timetable import AuctionCutoffs, Timetable

SelfTrade = Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
SELF_TRADE_CODES = {
    "none": book_state.NO_PREVENTION,
    "cancel_newest": book_state.CANCEL_NEWEST,
    "cancel_oldest": book_state.CANCEL_OLDEST,
    "cancel_both": book_state.CANCEL_BOTH,
    "decrement": book_state.DECREMENT,
}
TRADE_THROUGH_CODES = {"allow": book_state.ALLOW, "cancel": book_state.CANCEL_REST, "reprice": book_state.REPRICE_REST}


@dataclass(frozen=True, slots=True)
class Fees:
    """What a venue charges for a trade; a negative number is a rebate.

    ``per_lot`` is currency a lot, ``notional_frac`` a fraction of the notional price_tick * ``tick_size`` * qty_lot * ``lot_size``.
    """

    maker_per_lot: float = 0.0
    taker_per_lot: float = 0.0
    maker_notional_frac: float = 0.0
    taker_notional_frac: float = 0.0
    tick_size: float = 0.01
    lot_size: float = 1.0


@dataclass(frozen=True, slots=True, order=True)
class TickBand:
    """From a time on and from a price on (by absolute value), prices are multiples of ``increment_tick``."""

    from_ns: int
    from_tick: int
    increment_tick: int


@dataclass(frozen=True, slots=True)
class VenueRules:
    """The rules of one venue.

    Attributes
    ----------
    replace_priority : whether a replace that only lowers the quantity keeps its place; a new price or more quantity never does.
    stop_trigger : what stops look at: the last trade, or the best displayed price of the other side.
    post_only : a post-only order that would lock or cross is rejected; or moved one increment away if it locks, executed if it crosses.
    self_trade : what happens when an order meets one of the same owner: the newer, the older or both are cancelled, or both lose the
        smaller of the two quantities. Owner 0 is anonymous and never prevented.
    hidden_ranking : hidden orders stand behind the displayed ones of their price, or among them by time.
    protection_ticks : None discards what a market order cannot fill; a number lets it trade to that many ticks beyond the best price it
        found and leaves the rest waiting there.
    lot : quantities are multiples of it, lots.
    lowest_tick : lowest price allowed; None allows negative prices, as spreads have.
    tick_bands : the price grid by date and price; empty allows every tick.
    trade_through : what is done with an order whose next trade would be worse than another venue's protected quote, or that would wait
        where it locks or crosses one: nothing; the rest is cancelled; or the rest of a limit order waits at the nearest price that does
        neither (a hidden one at the quote itself) and only what cannot wait is cancelled. It always trades up to the protected price first.
        Sweeps are exempt, and so is everything while protected quotes are crossed.
    quote_protected : whether the other venues must respect this venue's quote.
    round_lot : lots; a venue's quote stands at the price down to which it displays as many. Smaller quantities do not make a quote.
    peg_reference : pegs follow the best displayed prices of their own venue, or of all venues.
    fees : the fee schedule. Venues that are compared with each other must agree on ``tick_size`` and ``lot_size``.
    timetable : when sessions begin, change phase and end; None leaves that to PHASE messages, in a book that begins in continuous trading.
    cutoffs : until when orders for the auctions may come.
    indication_period_ns : how often price, quantity and imbalance of an auction are told while its orders are collected; 0 for never.
    closing_indications_ns : for how long before the closing auction of the timetable they are told in continuous trading.
    reopening_ns : how long the volatility auction lasts that a timed halt ends with.
    price_bands, circuit_breakers, short_sales : the rules against fast moves; None for none. Bands and short sales follow the venue's own
        trades and best bid.
    """

    replace_priority: Literal["kept_on_decrease", "lost"] = "kept_on_decrease"
    stop_trigger: Literal["last_trade", "opposite_touch"] = "last_trade"
    post_only: Literal["reject", "slide"] = "reject"
    self_trade: SelfTrade = "none"
    hidden_ranking: Literal["after_displayed", "by_time"] = "after_displayed"
    protection_ticks: int | None = None
    lot: int = 1
    lowest_tick: int | None = None
    tick_bands: tuple[TickBand, ...] = ()
    trade_through: Literal["allow", "cancel", "reprice"] = "allow"
    quote_protected: bool = True
    round_lot: int = 1
    peg_reference: Literal["own", "consolidated"] = "own"
    fees: Fees = field(default_factory=Fees)
    timetable: Timetable | None = None
    cutoffs: AuctionCutoffs = field(default_factory=AuctionCutoffs)
    indication_period_ns: int = 0
    closing_indications_ns: int = 0
    reopening_ns: int = 0
    price_bands: PriceBands | None = None
    circuit_breakers: CircuitBreakers | None = None
    short_sales: ShortSales | None = None

    def __post_init__(self) -> None:
        choices = {
            "replace_priority": ("kept_on_decrease", "lost"),
            "stop_trigger": ("last_trade", "opposite_touch"),
            "post_only": ("reject", "slide"),
            "self_trade": tuple(SELF_TRADE_CODES),
            "hidden_ranking": ("after_displayed", "by_time"),
            "trade_through": tuple(TRADE_THROUGH_CODES),
            "peg_reference": ("own", "consolidated"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"VenueRules.{name} is {getattr(self, name)!r}; it must be one of {', '.join(allowed)}")
        if not 1 <= self.lot <= MAX_QTY_LOT:
            raise ConfigError(f"VenueRules.lot is {self.lot}; it must be a whole number of lots from 1 to {MAX_QTY_LOT}")
        if not 1 <= self.round_lot <= MAX_QTY_LOT:
            raise ConfigError(f"VenueRules.round_lot is {self.round_lot}; it must be a whole number of lots from 1 to {MAX_QTY_LOT}")
        if self.protection_ticks is not None and not 0 <= self.protection_ticks <= MAX_TICK:
            raise ConfigError(f"VenueRules.protection_ticks is {self.protection_ticks}; it must be None or at least 0")
        if tuple(sorted(self.tick_bands)) != self.tick_bands or any(band.increment_tick < 1 for band in self.tick_bands):
            raise ConfigError("VenueRules.tick_bands must be sorted by from_ns, then from_tick, with increments of at least one tick")
        for name in ("indication_period_ns", "closing_indications_ns", "reopening_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"VenueRules.{name} is {getattr(self, name)}; it must be at least 0")
        if self.has_guards and not 1 <= (self.lowest_tick or 0) <= MAX_REFERENCE_TICK:
            raise ConfigError(
                "VenueRules with price bands or a short-sale rule need a lowest_tick of at least 1: both take fractions of prices"
            )

    @property
    def has_guards(self) -> bool:
        """Whether the venue watches how far its prices move."""
        return self.price_bands is not None or self.short_sales is not None

    @property
    def is_particular(self) -> bool:
        """Whether a plain limit order must pass more than the plain checks on this venue."""
        return self.lot != 1 or self.lowest_tick is not None or bool(self.tick_bands)

    @property
    def guards_quotes(self) -> bool:
        """Whether orders must respect the quotes of other venues."""
        return self.trade_through != "allow"

    @classmethod
    def plain(cls, **changes: object) -> VenueRules:
        """One venue without fees, every tick and lot allowed, no self-trade prevention; any field by keyword."""
        return cls(**changes)  # type: ignore[arg-type]

    @classmethod
    def nasdaq(cls, **changes: object) -> VenueRules:
        """US equities in ticks of $0.0001: cents from one dollar on, post-only slides, taker fee at the access-fee cap, maker rebate.

        Quotes of other venues are protected and pegs follow the best of all.
        With price bands (every symbol of the first tier), market-wide breakers and the short-sale rule; times relative to the auctions
        hold once a ``timetable`` is given.
        """
        return cls(
            **{
                "post_only": "slide",
                "self_trade": "cancel_newest",
                "lowest_tick": 1,
                "trade_through": "reprice",
                "peg_reference": "consolidated",
                "cutoffs": AuctionCutoffs.us_equities(),
                "indication_period_ns": NS_A_SECOND,
                "closing_indications_ns": 10 * NS_A_MINUTE,
                "price_bands": PriceBands.us_equities(),
                "circuit_breakers": CircuitBreakers.us_equities(),
                "short_sales": ShortSales(),
                "tick_bands": (TickBand(0, 0, 1), TickBand(0, 10_000, 100)),
                "fees": Fees(maker_per_lot=-0.0020, taker_per_lot=0.0030, tick_size=0.0001),
                **changes,
            }  # type: ignore[arg-type]
        )

    @classmethod
    def cme(cls, **changes: object) -> VenueRules:
        """Futures: market orders with protection, negative prices allowed, a fee a contract on both sides."""
        return cls(
            **{
                "protection_ticks": 10,
                "self_trade": "cancel_oldest",
                "fees": Fees(maker_per_lot=1.0, taker_per_lot=1.0, tick_size=0.25, lot_size=50.0),
                **changes,
            }  # type: ignore[arg-type]
        )

    @classmethod
    def crypto(cls, **changes: object) -> VenueRules:
        """A crypto venue: post-only rejects, every replace loses priority, fees in basis points of the notional."""
        return cls(
            **{
                "replace_priority": "lost",
                "self_trade": "decrement",
                "lowest_tick": 1,
                "fees": Fees(maker_notional_frac=0.0010, taker_notional_frac=0.0010, tick_size=0.01, lot_size=1e-5),
                **changes,
            }  # type: ignore[arg-type]
        )


def venue_table(venues: tuple[VenueRules, ...]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the rules as the kernel reads them: (n_venues,) VENUE and all their TICK_BAND rows."""
    table = np.zeros(len(venues), book_state.VENUE)
    bands = np.zeros(max(1, sum(len(rules.tick_bands) for rules in venues)), book_state.TICK_BAND)
    n_bands = n_breakers = 0
    for row, rules in zip(table, venues, strict=True):
        fees = rules.fees
        row["lot"] = rules.lot
        row["lowest_tick"] = -MAX_TICK if rules.lowest_tick is None else rules.lowest_tick
        row["protection_ticks"] = book_state.NONE if rules.protection_ticks is None else rules.protection_ticks
        row["maker_per_lot"], row["taker_per_lot"] = fees.maker_per_lot, fees.taker_per_lot
        row["maker_per_tick_lot"] = fees.maker_notional_frac * fees.tick_size * fees.lot_size
        row["taker_per_tick_lot"] = fees.taker_notional_frac * fees.tick_size * fees.lot_size
        for name in ("market_on_open", "limit_on_open", "market_on_close", "limit_on_close"):
            row[f"{name}_before_ns"] = getattr(rules.cutoffs, f"{name}_ns")
        row["has_fees"] = any((fees.maker_per_lot, fees.taker_per_lot, fees.maker_notional_frac, fees.taker_notional_frac))
        row["self_trade"] = SELF_TRADE_CODES[rules.self_trade]
        row["replace_loses_priority"] = rules.replace_priority == "lost"
        row["stops_watch_touch"] = rules.stop_trigger == "opposite_touch"
        row["post_only_slides"] = rules.post_only == "slide"
        row["hidden_ranks_last"] = rules.hidden_ranking == "after_displayed"
        row["round_lot"], row["tick_value"] = rules.round_lot, fees.tick_size * fees.lot_size
        row["trade_through"] = TRADE_THROUGH_CODES[rules.trade_through] if len(venues) > 1 else book_state.ALLOW
        row["quote_protected"], row["peg_consolidated"] = rules.quote_protected, rules.peg_reference == "consolidated"
        row["first_tick_band"], row["n_tick_bands"] = n_bands, len(rules.tick_bands)
        for band in rules.tick_bands:
            bands[n_bands] = (band.from_ns, band.from_tick, band.increment_tick)
            n_bands += 1
        row["first_breaker"] = n_breakers
        _fill_guards(row, rules)
        n_breakers += int(row["n_breakers"])
    return table, bands


def _fill_guards(row: np.void, rules: VenueRules) -> None:
    """Fill the fields of a VENUE row that sessions, bands, breakers and the short-sale rule need."""
    row["highest_tick"] = MAX_REFERENCE_TICK if rules.has_guards else MAX_TICK
    row["indication_ns"] = rules.indication_period_ns
    row["closing_indications_ns"] = rules.closing_indications_ns
    row["reopening_ns"] = rules.reopening_ns
    if bands := rules.price_bands:
        for name in ("window_ns", "least_move_ppm", "hold_ns", "open_window_ns", "close_window_ns"):
            row[f"band_{name}"] = getattr(bands, name)
        row["limit_state_ns"], row["pause_ns"] = bands.limit_state_ns, bands.pause_ns
        row["bands_refuse"] = bands.outside == "reject"
    if shorts := rules.short_sales:
        row["short_fall_ppm"], row["short_sessions"] = shorts.fall_ppm, shorts.sessions
        row["shorts_refuse"] = shorts.at_bid == "reject"
    row["n_breakers"] = len(rules.circuit_breakers.levels) if rules.circuit_breakers else 0


def check_comparable(venues: Sequence[VenueRules]) -> None:
    """Refuse venues whose rules compare prices in ticks, or quantities in lots, that do not mean the same."""
    compared = any(rules.guards_quotes or rules.peg_reference == "consolidated" for rules in venues)
    units = {(rules.fees.tick_size, rules.fees.lot_size) for rules in venues}
    if compared and len(units) > 1:
        raise ConfigError(
            f"the venues count in different units (tick_size, lot_size): {sorted(units)}, but trade_through or peg_reference compares "
            "them; give their Fees the same tick_size and lot_size"
        )
