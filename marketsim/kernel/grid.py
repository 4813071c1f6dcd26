"""The price grid: how many ticks apart prices may lie, by price and by date."""

from __future__ import annotations

from marketsim.kernel.book_state import tick_band_at
from marketsim.kernel.compile import inner


@inner
def increment_at(engine, venue, price_tick):
    """Return the increment in ticks at a price now; a venue's bands are sorted by date, then by price, and start at the lowest of both."""
    increment = 1
    since = tick_band_at(engine.tick_bands, venue.first_tick_band).from_ns
    # The last regime that has begun, and in it the last band that starts at or below the price.
    for k in range(venue.first_tick_band, venue.first_tick_band + venue.n_tick_bands):
        band = tick_band_at(engine.tick_bands, k)
        if band.from_ns > engine.clock_ns:
            break
        if band.from_ns != since:
            since = band.from_ns
            increment = 1
        if band.from_tick <= abs(price_tick):
            increment = band.increment_tick
    return increment


@inner
def on_grid(engine, venue, side, price_tick):
    """Return the nearest price of the grid that is no more aggressive than ``price_tick`` (never below the venue's lowest)."""
    if venue.n_tick_bands > 0:
        increment = increment_at(engine, venue, price_tick)
        price_tick = side * ((side * price_tick) // increment) * increment
    return price_tick if side > 0 else max(price_tick, venue.lowest_tick)


@inner
def next_price(engine, venue, price_tick, step):
    """Return the nearest price of the grid beyond ``price_tick``, upwards for ``step`` 1 and downwards for -1."""
    price_tick += step
    if venue.n_tick_bands > 0:
        # Rounding may lead into the next band, whose increment then decides.
        for _ in range(2):
            increment = increment_at(engine, venue, price_tick)
            price_tick += step * ((-step * price_tick) % increment)
    return price_tick
