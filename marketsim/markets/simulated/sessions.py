"""Strategies in simulated markets, one after the other: each has an exchange and a crowd of its own, the accounts go on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from marketsim.errors import ConfigError
from marketsim.markets.account_run import AccountRun
from marketsim.markets.panel import Panel
from marketsim.markets.simulated.live_bars import LiveBars
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.setting import Handed, Member
from marketsim.markets.simulated.trader import Trader, TraderDesk
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import World

TakeTurn: TypeAlias = Callable[[World, int], None]


class Market(Protocol):
    """A simulated market that is ready to run, with guests among its members."""

    @property
    def world(self) -> World:
        """Its members and its exchange."""

    def run(self, take_turn: TakeTurn, hear: Callable[[Handed], None], watchdog: Watchdog | None) -> None:
        """Let all time pass; ``hear`` gets every hand-over as well."""


@dataclass(frozen=True, slots=True)
class PlainMarket:
    """A world and nothing else.

    ``python`` has what takes the turns of members in Python, by their names; ``hand_over`` hears what happens as well.
    """

    world: World
    python: Mapping[str, TakeTurn] = field(default_factory=dict)
    hand_over: Callable[[Handed], None] = lambda _: None

    def run(self, take_turn: TakeTurn, hear: Callable[[Handed], None], watchdog: Watchdog | None) -> None:
        """Let all time pass."""
        takers = {number: self.python.get(member.name, take_turn) for number, member in enumerate(self.world.members, start=1)}

        def both(handed: Handed) -> None:
            hear(handed)
            self.hand_over(handed)

        self.world.run(both, lambda world, number: takers[number](world, number), watchdog)


@dataclass(frozen=True, slots=True)
class SimulatedBars:
    """The bars strategies wake by.

    Attributes
    ----------
    panel : times, splits and dividends of all bars, and the prices of those before ``first_bar``, which strategies see as history; from
        there on the market fills it.
    first_bar : the first row that is simulated.
    scale : what a tick and a lot are.
    markets : first and last row of every market; each has an exchange and a crowd of its own.
    """

    panel: Panel
    first_bar: int
    scale: Scale
    markets: tuple[tuple[int, int], ...]

    @classmethod
    def by_session(cls, panel: Panel, first_bar: int, scale: Scale) -> SimulatedBars:
        """Let every session be a market of its own."""
        lasts = np.flatnonzero(panel.session_end)
        lasts = lasts[lasts >= first_bar]
        firsts = [first_bar, *(lasts[:-1] + 1)]
        return cls(panel, first_bar, scale, tuple((int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)))

    @classmethod
    def in_one(cls, panel: Panel, scale: Scale) -> SimulatedBars:
        """Let one market go on over all sessions."""
        return cls(panel, 0, scale, ((0, panel.n_bars - 1),))


def session_seed(seed: int, start_ns: int) -> int:
    """Return the seed of one session: it follows from the run's and the time, so a session is the same whichever others are simulated."""
    return int.from_bytes(hashlib.sha256(f"{seed}\nsession\n{start_ns}".encode()).digest()[:7], "little")


def play_sessions(
    bars: SimulatedBars,
    market_of: Callable[[int, Sequence[Member]], Market],
    traders: Sequence[Trader],
    watchdog: Watchdog | None = None,
    after: Callable[[int, Market], None] = lambda *_: None,
) -> list[AccountRun]:
    """Let strategies trade in simulated sessions, all of them in the same market at the same time.

    Parameters
    ----------
    bars : when strategies wake, and what they know beforehand.
    market_of : returns the market that begins with a row of the bars, given the row and the strategies as guests. A market must go on for
        at least a nanosecond after its last bar's close, so that the close can be seen.
    traders : the strategies.
    watchdog : ends what hangs; None for none.
    after : hears the first row of a market, and the market, when it is over.

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
    live = LiveBars(bars.panel, bars.first_bar, bars.scale)
    desks = [TraderDesk(trader, live, bars.scale) for trader in traders]
    for first, last in bars.markets:
        live.begin_market(first)
        for desk in desks:
            desk.begin_market(last)
        market = market_of(first, [desk.member() for desk in desks])
        _play(market, desks, live, last, watchdog)
        after(first, market)
    return [desk.finish() for desk in desks]


def _play(market: Market, desks: Sequence[TraderDesk], live: LiveBars, last: int, watchdog: Watchdog | None) -> None:
    number_of = {member.name: number for number, member in enumerate(market.world.members, start=1)}
    desk_of = {number_of[desk.trader.name]: desk for desk in desks}

    def take_turn(world: World, number: int) -> None:
        live.catch_up(world)
        hear_reports()
        desk_of[number].turn(world, number)

    def hear_reports() -> None:
        for report in market.world.reports():
            desk_of[int(report["agent"])].hear(report)

    market.run(take_turn, live.hear, watchdog)
    hear_reports()
    live.end_market(last)
    for desk in desks:
        desk.record()
        if desk.next_bar <= last:
            raise ConfigError(f"agent {desk.trader.name}: its computation time and latency let it miss the session's close; shorten them.")
