"""What an exchange holds in memory of sessions: where each book stands in its own, and the venues' timetables, band widths and breakers."""

from __future__ import annotations

import numpy as np

from marketsim.kernel.memory import accessor

# Where one symbol stands at one venue in its session, beside its book: touched only by what happens rarely, or on venues that need it.
SESSION = np.dtype(
    [
        ("timer_ns", np.int64),  # the earliest of the book's timers that is still to be heeded; NO_TIMER for none
        ("schedule_at", np.int64),  # next row of the schedule
        ("schedule_end", np.int64),
        ("scheduled_phase", np.int64),  # what the timetable says now; CONTINUOUS without one
        ("opening_ns", np.int64),  # when this session's auctions are held by the timetable; NO_TIMER for never
        ("closing_ns", np.int64),
        ("phase_until_ns", np.int64),  # a timed halt or volatility auction ends; NO_TIMER for no end
        ("indication_ns", np.int64),  # next word on the auction to come; NO_TIMER for none
        ("limit_until_ns", np.int64),  # a limit state becomes a pause; NO_TIMER outside one
        ("limit_side", np.int64),  # 1: the bid stands at the upper band, -1: the ask at the lower, 0: no limit state
        ("previous_close_tick", np.int64),  # NO_PRICE while unknown
        ("low_tick", np.int64),  # lowest trade of the session; NO_PRICE before the first
        ("reference_tick", np.int64),  # of the price bands; NO_PRICE while there is none
        ("reference_ns", np.int64),  # when it was published
        ("lower_tick", np.int64),  # the price bands; ∓NO_PRICE while there are none
        ("upper_tick", np.int64),
        ("sum_tick", np.int64),  # over the prints kept for the reference
        ("n_prints", np.int64),
        ("print_head", np.int64),
        ("print_tail", np.int64),
        ("first_width", np.int64),  # rows of the band-width table
        ("n_widths", np.int64),
        ("breaker_level", np.int64),  # highest level of the market-wide breaker reached today
        ("short_sessions", np.int64),  # for how many sessions, this one included, short sales are restricted
    ]
)

# A trade that still counts for the reference price of the bands.
PRINT = np.dtype([("time_ns", np.int64), ("price_tick", np.int64), ("next", np.int64)])

SCHEDULED = np.dtype([("time_ns", np.int64), ("phase", np.int64), ("opening_ns", np.int64), ("closing_ns", np.int64)])
BAND_WIDTH = np.dtype(
    [
        ("from_tick", np.int64),
        ("width_ppm", np.int64),
        ("most_tick", np.int64),  # NO_PRICE for no bound
        ("open_factor", np.int64),
        ("close_factor", np.int64),
    ]
)
BREAKER_LEVEL = np.dtype(
    [
        ("fall_ppm", np.int64),
        ("halt_ns", np.int64),  # NONE: until the session ends
        ("until_before_close_ns", np.int64),
    ]
)

session_at = accessor(SESSION)
print_at = accessor(PRINT)
scheduled_at = accessor(SCHEDULED)
band_width_at = accessor(BAND_WIDTH)
breaker_level_at = accessor(BREAKER_LEVEL)
