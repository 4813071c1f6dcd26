"""Strategies in a simulated market, session after session: each has an exchange and a crowd of its own, the accounts go on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from marketsim.errors import ConfigError
from marketsim.markets.bars import AccountRun
from marketsim.markets.panel import Panel
from marketsim.markets.simulated.live_bars import LiveBars
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.trader import Trader, TraderDesk
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import Capture, Handed, Member, Setting, World

TakeTurn: TypeAlias = Callable[[World, int], None]


@dataclass(frozen=True, slots=True)
class SessionMarket:
    """What one session is simulated from: its setting, with exactly one session, and its crowd.

    The setting's session must go on for at least a nanosecond after the last bar's close, so that the close can be seen.
    ``python`` has what takes the turns of members in Python, by their names.
    """

    setting: Setting
    members: Sequence[Member]
    capture: Capture = field(default_factory=Capture)
    python: Mapping[str, TakeTurn] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulatedBars:
    """The bars strategies wake by.

    ``panel`` has the times, splits and dividends of all bars and the prices of those before ``first_bar``, which strategies see as
    history; from there on the market fills it. Every session from there on is simulated.
    """

    panel: Panel
    first_bar: int
    scale: Scale


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of the sessions while they run.

    ``hand_over`` hears the first bar of a session and what happened in it, in parts; ``after_session`` that bar and the market when it is
    over; ``on_bar`` the number of bars played, a session at a time.
    """

    hand_over: Callable[[int, Handed], None] = lambda *_: None
    after_session: Callable[[int, World], None] = lambda *_: None
    on_bar: Callable[[int], None] = lambda _: None


def session_seed(seed: int, start_ns: int) -> int:
    """Return the seed of one session: it follows from the run's and the time, so a session is the same whichever others are simulated."""
    return int.from_bytes(hashlib.sha256(f"{seed}\nsession\n{start_ns}".encode()).digest()[:7], "little")


def play_sessions(
    bars: SimulatedBars,
    market_of: Callable[[int], SessionMarket],
    traders: Sequence[Trader],
    seed: int,
    watchdog: Watchdog | None = None,
    listeners: Listeners | None = None,
) -> list[AccountRun]:
    """Let strategies trade in simulated sessions, all of them in the same market at the same time.

    Parameters
    ----------
    bars : when strategies wake, and what they know beforehand.
    market_of : returns the market of the session that the k-th simulated bar begins, given the bar's row.
    traders : the strategies.
    seed : of all random streams.
    watchdog : ends what hangs; None for none.
    listeners : who hears of the sessions while they run.

    Returns
    -------
    list of AccountRun
        In the order of ``traders``, over the simulated bars, in the arrays of the other markets. A taker's reference price is the mid just
        before its fill; spread cost leads from there to the touch, impact cost from the touch to the price paid. Reference and price of a
        maker are the same, and so are those of a fill in an auction.

    Raises
    ------
    StrategyError
        A strategy or agent raised, hung, returned nonsense or broke a limit; the message names it, the time and the reason.
    """
    told = listeners or Listeners()
    live = LiveBars(bars.panel, bars.first_bar, bars.scale)
    desks = [TraderDesk(trader, live, bars.scale) for trader in traders]
    ends = np.flatnonzero(bars.panel.session_end)
    first = bars.first_bar
    for last in map(int, ends[ends >= first]):
        market = market_of(first)
        live.begin_session(first)
        for desk in desks:
            desk.begin_session()
        _play(market, desks, live, session_seed(seed, int(bars.panel.open_ns[first])), (first, last), watchdog, told)
        told.on_bar(last + 1 - bars.first_bar)
        first = last + 1
    return [desk.finish() for desk in desks]


def _play(  # noqa: PLR0913, PLR0917 - one session of `play_sessions`
    market: SessionMarket,
    desks: Sequence[TraderDesk],
    live: LiveBars,
    seed: int,
    rows: tuple[int, int],
    watchdog: Watchdog | None,
    told: Listeners,
) -> None:
    members = [*market.members, *(desk.member() for desk in desks)]
    world = World(market.setting, members, seed, market.capture)
    number_of = {member.name: number for number, member in enumerate(members, start=1)}
    desk_of = {number_of[desk.trader.name]: desk for desk in desks}
    taker_of = {number_of[name]: take for name, take in market.python.items()}

    def catch_up() -> None:
        for report in world.reports():
            desk_of[int(report["agent"])].hear(report)

    def take_turn(_: World, number: int) -> None:
        desk = desk_of.get(number)
        if desk is None:
            taker_of[number](world, number)
            return
        live.catch_up(world)
        catch_up()
        desk.turn(world, number)

    def hear(handed: Handed) -> None:
        live.hear(handed)
        told.hand_over(rows[0], handed)

    world.run(hear, take_turn, watchdog)
    catch_up()
    live.end_session(rows[1])
    for desk in desks:
        desk.record()
        if desk.next_bar <= rows[1]:
            raise ConfigError(f"agent {desk.trader.name}: its computation time and latency let it miss the session's close; shorten them.")
    told.after_session(rows[0], world)
