"""The rules that follow the clock and the market's moves, as the kernel reads them, and the first state of an exchange that has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketsim.kernel.book_state import BOOK_TIMERS, GUARDED, NO_PRICE, NO_TIMER, NONE, OUT_OF_HOURS, PARTICULAR, TIMER
from marketsim.kernel.session_state import BAND_WIDTH, BREAKER_LEVEL, SCHEDULED
from marketsim.records import Phase
from marketsim.session_rules import BandWidth
from marketsim.venue_rules import VenueRules


@dataclass(frozen=True, slots=True)
class SessionTables:
    """What venues have of timetables (SCHEDULED), bands (BAND_WIDTH, both tiers) and breakers (BREAKER_LEVEL), venue after venue."""

    schedule: NDArray[np.void]
    band_widths: NDArray[np.void]
    breaker_levels: NDArray[np.void]


def session_tables(venues: tuple[VenueRules, ...]) -> SessionTables:
    """Return the tables that sessions and venues point into."""
    schedule = [
        (time_ns, int(phase), *crosses)
        for rules in venues
        if rules.timetable
        for (time_ns, phase), crosses in zip(rules.timetable.phases, rules.timetable.crosses(), strict=True)
    ]
    widths = [
        (width.from_tick, width.width_ppm, NO_PRICE if width.most_tick is None else width.most_tick, width.open_factor, width.close_factor)
        for rules in venues
        for width in _widths(rules)
    ]
    levels = [
        (level.fall_ppm, NONE if level.halt_ns is None else level.halt_ns, level.until_before_close_ns)
        for rules in venues
        if rules.circuit_breakers
        for level in rules.circuit_breakers.levels
    ]
    return SessionTables(np.array(schedule, SCHEDULED), np.array(widths, BAND_WIDTH), np.array(levels, BREAKER_LEVEL))


def _widths(rules: VenueRules) -> tuple[BandWidth, ...]:
    return (*rules.price_bands.first_tier, *rules.price_bands.second_tier) if rules.price_bands else ()


def begin(venues: tuple[VenueRules, ...], books: NDArray[np.void], sessions: NDArray[np.void]) -> NDArray[np.void]:
    """Put books and sessions into the state their venues begin with; return the timers to start with, (n,) TIMER, earliest first.

    Parameters
    ----------
    books : (n_venues * n_symbols,) BOOK
    sessions : (n_venues * n_symbols,) SESSION
    """
    n_symbols = len(books) // len(venues)
    timers = []
    scheduled = widths = 0
    for k, rules in enumerate(venues):
        mine = slice(k * n_symbols, (k + 1) * n_symbols)
        books["quirks"][mine] = PARTICULAR * (rules.is_particular or (rules.guards_quotes and len(venues) > 1)) + GUARDED * rules.has_guards
        books["awake"][mine] = rules.has_guards
        if rules.timetable:
            end = scheduled + len(rules.timetable.phases)
            books["phase"][mine] = sessions["scheduled_phase"][mine] = Phase.CLOSED
            books["quirks"][mine] |= OUT_OF_HOURS
            sessions["schedule_at"][mine], sessions["schedule_end"][mine] = scheduled, end
            sessions["timer_ns"][mine] = first_ns = rules.timetable.phases[0][0]
            timers += [(first_ns, BOOK_TIMERS + book, ~book) for book in range(mine.start, mine.stop)]
            scheduled = end
        if bands := rules.price_bands:
            sessions["first_width"][mine], sessions["n_widths"][mine] = widths, len(bands.first_tier)
            for symbol in bands.second_tier_symbols:
                if symbol < n_symbols:
                    book = mine.start + symbol
                    sessions["first_width"][book], sessions["n_widths"][book] = widths + len(bands.first_tier), len(bands.second_tier)
            widths += len(_widths(rules))
    return np.array(sorted(timers), TIMER)


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """Where a symbol stands at a venue; prices are ticks, None where there is none.

    Attributes
    ----------
    phase : the session phase, which ends by itself at ``until_ns`` if that is not None
    lower_tick, upper_tick : the price bands, from ``reference_tick``
    in_limit_state : whether the best quote stands at its band
    previous_close_tick : the previous session's close
    shorts_restricted : whether short sales at or below the best bid are barred
    """

    phase: Phase
    until_ns: int | None
    lower_tick: int | None
    upper_tick: int | None
    reference_tick: int | None
    in_limit_state: bool
    previous_close_tick: int | None
    shorts_restricted: bool

    @classmethod
    def of(cls, book: np.void, session: np.void) -> SessionStatus:
        """Read a BOOK and a SESSION row."""

        def known(name: str, missing: int) -> int | None:
            value = int(session[name])
            return None if abs(value) == missing else value

        return cls(
            phase=Phase(int(book["phase"])),
            until_ns=known("phase_until_ns", NO_TIMER),
            lower_tick=known("lower_tick", NO_PRICE),
            upper_tick=known("upper_tick", NO_PRICE),
            reference_tick=known("reference_tick", NO_PRICE),
            in_limit_state=bool(session["limit_side"]),
            previous_close_tick=known("previous_close_tick", NO_PRICE),
            shorts_restricted=bool(session["short_sessions"]),
        )
