"""A simulated market from a run description: built, run with everything written down on the way, and read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket, Venue
from marketsim.markets.simulated.bar_clock import BarClock
from marketsim.markets.simulated.bookkeeping import Bookkeeper
from marketsim.markets.simulated.capture import Recorder, Sink
from marketsim.markets.simulated.fundamentals import Grid, fundamental_paths
from marketsim.markets.simulated.history import History
from marketsim.markets.simulated.holdings import with_targets
from marketsim.markets.simulated.population import Roster, enlist
from marketsim.markets.simulated.results import Results
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.timetable import SECOND_NS, Timetable, messages_from_outside, news_items, shocked, timetable
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import World
from marketsim.session_rules import BandWidth, PriceBands
from marketsim.venue_rules import Fees, TickBand, VenueRules

BAR_NS = {"1d": 86_400, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
RULES = {"plain": VenueRules.plain, "nasdaq": VenueRules.nasdaq, "cme": VenueRules.cme, "crypto": VenueRules.crypto}
# Rows of one hand-over: large enough for Arrow to be quick, small enough to stay in the processor's cache.
ROWS = 1 << 15
PROGRESS_PARTS = 20


class SimulatedRun:
    """One simulated market, run once.

    Parameters
    ----------
    spec : the run
    market : its market section
    sink : gets the name of each captured table and rows of it while the market runs
    guests : agents besides the population, each a group of its own; those in Python get their turns from ``take_turn`` of `play`
    progress : hears a short sentence now and then
    history : the fundamental values, of exactly the sessions simulated; None where they are synthetic

    Raises
    ------
    ConfigError
        The population, the calendar or an event does not fit.
    """

    def __init__(
        self,
        spec: RunSpec,
        market: SimulatedMarket,
        sink: Sink,
        guests: Sequence[Member] = (),
        progress: Callable[[str], None] = lambda _: None,
        history: History | None = None,
    ) -> None:
        self.times = timetable(spec, market)
        market = with_targets(market, spec.symbols, [session.date for session in self.times.sessions])
        self.spec, self.market, self._progress = spec, market, progress
        self.roster = _with_guests(enlist(market, list(spec.symbols), spec.seed), guests)
        self.scale = Scale(market.tick_size, market.lot_size)
        setting = market_setting(spec, market, self.times, self.roster, history)
        self.world = World(setting, self.roster.members, spec.seed, _capture(market), progress)
        self.clock = BarClock.of(self.times.sessions, BAR_NS[spec.bar_interval] * SECOND_NS)
        self._fundamental = _at_bar_ends(setting.fundamental, self.clock, setting.fundamental_step_ns)
        venues = [venue.name for venue in market.venues]
        self._book = Bookkeeper(self.clock, self.roster, len(spec.symbols), len(venues), self.times.sessions)
        self._record = Recorder(market.capture, spec.symbols, venues, self.scale, self._fundamental[0], sink)
        self._told = 0

    def play(
        self,
        take_turn: Callable[[World, int], None] | None = None,
        watchdog: Watchdog | None = None,
        also: Callable[[Handed], None] = lambda _: None,
    ) -> Results:
        """Let all time pass and return what came of it; ``also`` hears every hand-over.

        Raises
        ------
        StrategyError
            An agent raised or broke a limit; the message names it, the time and the reason.
        """

        def hear(handed: Handed) -> None:
            self._hear(handed)
            also(handed)

        self.world.run(hear, take_turn, watchdog)
        self._book.finish(self.times.sessions[-1].close_ns)
        return Results(
            self._book,
            self.world,
            self.roster,
            self.times,
            self.scale,
            tuple(self.spec.symbols),
            tuple(venue.name for venue in self.market.venues),
            self._fundamental,
        )

    def _hear(self, handed: Handed) -> None:
        self._book(handed)
        self._record(handed)
        now = int(self.world.header["now_ns"])
        done = self.clock.bar_of(np.array([now]))[0] * PROGRESS_PARTS // self.clock.n_bars
        if done != self._told:
            self._told = done
            time = np.datetime64(now, "ns").astype("datetime64[s]")
            self._progress(f"{time} UTC, {self._book.n_messages:,} messages, {int(self._book.n_trades.sum()):,} trades")


def market_setting(spec: RunSpec, market: SimulatedMarket, times: Timetable, roster: Roster, history: History | None = None) -> Setting:
    """Return what agents find in a market: its sessions, venues, fundamental values, news and shocks.

    Parameters
    ----------
    spec, market : the run and its market section, holdings resolved
    times : its sessions
    roster : its population
    history : the fundamental values, of exactly these sessions; None where they are synthetic
    """
    sessions = tuple((s.start_ns, s.close_ns + 1) for s in times.sessions)  # what happens at the close is still seen
    scale, grid = Scale(market.tick_size, market.lot_size), Grid(sessions)
    kinds = {symbol: market.fundamentals.get(symbol, market.fundamental) for symbol in spec.symbols}
    values = fundamental_paths(kinds, grid, spec.seed, market.correlation) if history is None else _on_grid(history, grid, scale)
    return Setting(
        sessions=sessions,
        fundamental=shocked(values, spec, market, times, grid.step_ns),
        activity=None if history is None else history.activity,
        fundamental_step_ns=grid.step_ns,
        rules=tuple(venue_rules(venue, scale) for venue in market.venues),
        venue_latency_ns=tuple(venue.latency_ns for venue in market.venues),
        venue_processing_ns=tuple(venue.processing_ns for venue in market.venues),
        messages=messages_from_outside(spec, market, times, roster),
        news=news_items(spec, market, times),
    )


def _on_grid(history: History, grid: Grid, scale: Scale) -> npt.NDArray[np.float64]:
    """Return a history's values in ticks on a grid that may begin before it, with its first values, and end after it, with its last."""
    values = history.ticks(scale.tick_size)
    paths = np.empty((*values.shape[:2], grid.n_points))
    for session, ((start, _), (begins, _)) in enumerate(zip(grid.sessions, history.sessions, strict=True)):
        places = np.arange(grid.n_points) - -(-(begins - start) // grid.step_ns)
        paths[:, session] = values[:, session, np.clip(places, 0, values.shape[2] - 1)]
    return paths


def venue_rules(venue: Venue, scale: Scale) -> VenueRules:
    """Return the rules of a venue in the market's own ticks and lots."""
    rules = RULES[venue.rules]()
    # Ready-made rules have their price grid and fees in ticks and lots of a market of their own.
    ratio = rules.fees.tick_size / scale.tick_size
    bands = tuple(
        TickBand(band.from_ns, round(band.from_tick * ratio), max(1, round(band.increment_tick * ratio))) for band in rules.tick_bands
    )
    lots = scale.lot_size / rules.fees.lot_size
    fees = Fees(
        rules.fees.maker_per_lot * lots,
        rules.fees.taker_per_lot * lots,
        rules.fees.maker_notional_frac,
        rules.fees.taker_notional_frac,
        scale.tick_size,
        scale.lot_size,
    )
    if venue.fees is not None:
        own = venue.fees
        fees = Fees(
            own.maker_per_share * scale.lot_size,
            own.taker_per_share * scale.lot_size,
            own.maker_notional_frac,
            own.taker_notional_frac,
            scale.tick_size,
            scale.lot_size,
        )
    changes = {name: value for name in ("self_trade", "post_only", "protection_ticks") if (value := getattr(venue, name)) is not None}
    return dataclasses.replace(rules, fees=fees, tick_bands=bands, price_bands=_in_ticks(rules.price_bands, ratio), **changes)


def _in_ticks(bands: PriceBands | None, ratio: float) -> PriceBands | None:
    """Return price bands in other ticks, ``ratio`` of them in one of the bands' own."""

    def scaled(tier: tuple[BandWidth, ...]) -> tuple[BandWidth, ...]:
        return tuple(
            dataclasses.replace(
                width,
                from_tick=round(width.from_tick * ratio),
                most_tick=None if width.most_tick is None else round(width.most_tick * ratio),
            )
            for width in tier
        )

    return None if bands is None else dataclasses.replace(bands, first_tier=scaled(bands.first_tier), second_tier=scaled(bands.second_tier))


def _capture(market: SimulatedMarket) -> Capture:
    wanted = market.capture
    return Capture(
        orders=True,  # the bookkeeper counts them, and the gates look at every quote
        quotes=True,
        depth_levels=0 if wanted.depth is None else wanted.depth.levels,
        depth_every_ns=0 if wanted.depth is None else round(wanted.depth.every_s * SECOND_NS),
        accounts_every_ns=0 if wanted.accounts is None else round(wanted.accounts.every_s * SECOND_NS),
        rows=ROWS,
    )


def _with_guests(roster: Roster, guests: Sequence[Member]) -> Roster:
    groups, members, group_of = list(roster.groups), list(roster.members), list(roster.group_of)
    for guest in guests:
        group_of.append(len(groups))
        groups.append(guest.name)
        members.append(guest)
    return Roster(tuple(groups), tuple(members), tuple(group_of))


def _at_bar_ends(paths: npt.NDArray[np.float64], clock: BarClock, step_ns: int) -> npt.NDArray[np.float64]:
    """Return the fundamental values at the bars' ends, (n_bars, n_symbols); straight lines between two points of the grid."""
    since = (clock.close_ns - clock.session_start_ns[clock.session]) / step_ns
    low = np.minimum(since.astype(np.int64), paths.shape[2] - 1)
    high = np.minimum(low + 1, paths.shape[2] - 1)
    left, right = paths[:, clock.session, low], paths[:, clock.session, high]
    return np.asarray((left + (since - low) * (right - left)).T)
