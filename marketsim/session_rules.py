"""Rules that stop or bound trading when prices move fast: price bands, market-wide circuit breakers, the short-sale restriction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marketsim.errors import ConfigError

NS_A_SECOND = 1_000_000_000
NS_A_MINUTE = 60 * NS_A_SECOND
ALL_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class BandWidth:
    """How far from the reference price trades may print, from a price on.

    ``width_ppm`` is in parts per million of the reference, ``most_tick`` an upper bound of it in ticks (None for none); both are
    multiplied by ``open_factor`` in the window after the opening and by ``close_factor`` in the one before the close.
    """

    from_tick: int
    width_ppm: int
    most_tick: int | None = None
    open_factor: int = 2
    close_factor: int = 2


@dataclass(frozen=True, slots=True)
class PriceBands:
    """Limit up, limit down: trades print only within a band around a reference price that follows the market slowly.

    Attributes
    ----------
    first_tier, second_tier : the widths of symbols of either tier, ascending by price; which one holds is decided by the previous close,
        or by the reference price where that is unknown.
    second_tier_symbols : the symbols of the second tier; all others are of the first.
    outside : what happens to a limit order beyond its band: it is moved to the band, or refused.
    window_ns : the reference is the mean price of the trades of so long before now.
    least_move_ppm, hold_ns : a new reference is published only if it is so far from the last one, and so long after it.
    open_window_ns, close_window_ns : for how long after the opening and before the close the widths are multiplied; that needs a timetable.
    limit_state_ns : how long the best bid or ask may stand at its band before trading pauses.
    pause_ns : how long it pauses, in the phase VOLATILITY_AUCTION, which ends with an auction.
    """

    first_tier: tuple[BandWidth, ...]
    second_tier: tuple[BandWidth, ...] = ()
    second_tier_symbols: tuple[int, ...] = ()
    outside: Literal["reprice", "reject"] = "reprice"
    window_ns: int = 5 * NS_A_MINUTE
    least_move_ppm: int = 10_000
    hold_ns: int = 30 * NS_A_SECOND
    open_window_ns: int = 15 * NS_A_MINUTE
    close_window_ns: int = 25 * NS_A_MINUTE
    limit_state_ns: int = 15 * NS_A_SECOND
    pause_ns: int = 5 * NS_A_MINUTE

    def __post_init__(self) -> None:
        if self.outside not in ("reprice", "reject"):
            raise ConfigError(f"PriceBands.outside is {self.outside!r}; it must be one of reprice, reject")
        for name in ("window_ns", "limit_state_ns"):
            if getattr(self, name) < 1:
                raise ConfigError(f"PriceBands.{name} is {getattr(self, name)}; it must be at least 1 ns")
        for name in ("least_move_ppm", "hold_ns", "open_window_ns", "close_window_ns", "pause_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"PriceBands.{name} is {getattr(self, name)}; it must be at least 0")
        if not self.first_tier or (self.second_tier_symbols and not self.second_tier):
            raise ConfigError("PriceBands needs at least one BandWidth for each tier that has symbols")
        for tier in (self.first_tier, self.second_tier):
            if [width.from_tick for width in tier] != sorted({width.from_tick for width in tier}):
                raise ConfigError("PriceBands tiers must ascend by from_tick, each price once")
        for width in (*self.first_tier, *self.second_tier):
            if min(width.open_factor, width.close_factor) < 1 or (width.most_tick is not None and width.most_tick < 0):
                raise ConfigError(f"{width} needs factors of at least 1 and a most_tick of None or at least 0")
            if not 0 < width.width_ppm * max(width.open_factor, width.close_factor) <= 4 * ALL_PPM:
                raise ConfigError(f"{width} must be wider than 0 and at most {4 * ALL_PPM} parts per million, factors included")

    @classmethod
    def us_equities(cls, second_tier_symbols: tuple[int, ...] = (), *, ticks_a_dollar: int = 10_000) -> PriceBands:
        """Return the bands of the US plan: 5 % or 10 % above $3, 20 % from $0.75, below the lesser of $0.15 and 75 %."""
        low = (
            BandWidth(0, 750_000, 15 * ticks_a_dollar // 100),
            BandWidth(75 * ticks_a_dollar // 100, 200_000),
        )
        above_three = 3 * ticks_a_dollar + 1
        return cls(
            first_tier=(*low, BandWidth(above_three, 50_000)),
            second_tier=(*low, BandWidth(above_three, 100_000, close_factor=1)),
            second_tier_symbols=second_tier_symbols,
        )


@dataclass(frozen=True, slots=True)
class BreakerLevel:
    """A fall of the index, in parts per million of its previous close, that halts every book of the venue.

    ``halt_ns`` is how long, None until the session ends; the level counts until ``until_before_close_ns`` before the scheduled close.
    """

    fall_ppm: int
    halt_ns: int | None
    until_before_close_ns: int = 0


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """Market-wide halts, each level once a day. What the index does is told by INDEX messages, against PREVIOUS_CLOSE of symbol -1."""

    levels: tuple[BreakerLevel, ...]

    def __post_init__(self) -> None:
        falls = [level.fall_ppm for level in self.levels]
        if falls != sorted(set(falls)) or not all(0 < fall <= ALL_PPM for fall in falls):
            raise ConfigError(f"CircuitBreakers falls are {falls}; they must ascend, above 0 and at most {ALL_PPM} parts per million")
        if any((level.halt_ns or 0) < 0 or level.until_before_close_ns < 0 for level in self.levels):
            raise ConfigError("CircuitBreakers times must be at least 0")

    @classmethod
    def us_equities(cls) -> CircuitBreakers:
        """Return 7 % and 13 %, each 15 minutes, until 35 minutes before the close, and 20 % for the rest of the day."""
        until = 35 * NS_A_MINUTE
        quarter = 15 * NS_A_MINUTE
        return cls((BreakerLevel(70_000, quarter, until), BreakerLevel(130_000, quarter, until), BreakerLevel(200_000, None)))


@dataclass(frozen=True, slots=True)
class ShortSales:
    """Rule 201: a fall from the previous close at any venue bars short sales at or below the best bid of all venues.

    Attributes
    ----------
    fall_ppm : how far a trade must print below the previous close, parts per million.
    sessions : for how many sessions, the present one included.
    at_bid : what happens to a limit order then: it is moved one increment above that bid, or refused. A short sale at the
        market is always refused.
    """

    fall_ppm: int = 100_000
    sessions: int = 2
    at_bid: Literal["reprice", "reject"] = "reprice"

    def __post_init__(self) -> None:
        if self.at_bid not in ("reprice", "reject"):
            raise ConfigError(f"ShortSales.at_bid is {self.at_bid!r}; it must be one of reprice, reject")
        if not 0 < self.fall_ppm <= ALL_PPM or self.sessions < 1:
            raise ConfigError(f"{self} needs a fall above 0 and at most {ALL_PPM} parts per million, and at least one session")
