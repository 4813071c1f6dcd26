"""A simulated market of one seed that can be played again and again: with the agents in question, and without them.

Variant 0 is the market without them, the others are those with them: one for each size of a metaorder, a single one elsewhere. Whoever is
absent is muted and not removed, so that everybody keeps number, name and random streams; nothing else differs between variants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from marketsim.agents.library import build
from marketsim.config.run import Agent, RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.simulated.model import synthetic_bars
from marketsim.markets.simulated.real_sessions import trader_of
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.sessions import PlainMarket, SimulatedBars, play_sessions
from marketsim.markets.simulated.watchdog import TURN_LIMIT_S, Watchdog
from marketsim.markets.simulated.world import Capture, Handed, Member, Setting, World

Hear = Callable[[Handed], None]


class Scene(Protocol):
    """A market of one seed."""

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        """Start and end of each session, ns."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the members, the same in all variants; the first has the number 1."""

    @property
    def variants(self) -> int:
        """Number of variants with the agents in question."""

    def play(self, variant: int, hear: Hear) -> None:
        """Let all time pass in a variant of the market; ``hear`` gets what happens, quotes among it, in parts."""


@dataclass(frozen=True, slots=True)
class Population:
    """A market of compiled agents.

    ``casts`` has the members of every variant, the first without the agents in question: the same names in the same places.
    """

    setting: Setting
    casts: tuple[tuple[Member, ...], ...]
    seed: int

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        """Start and end of each session, ns."""
        return self.setting.sessions

    @property
    def names(self) -> Sequence[str]:
        """Names of the members."""
        return [member.name for member in self.casts[0]]

    @property
    def variants(self) -> int:
        """Number of variants with the agents in question."""
        return len(self.casts) - 1

    def world(self, variant: int, guests: Sequence[Member] = ()) -> World:
        """Return the market of a variant before anything has happened; guests come after its members."""
        return World(self.setting, (*self.casts[variant], *guests), self.seed, Capture(quotes=True))

    def play(self, variant: int, hear: Hear) -> None:
        """Let all time pass in a variant of the market."""
        self.world(variant).run(hear)


@dataclass(frozen=True, slots=True)
class Traded:
    """A population among whom a run's strategies trade.

    Attributes
    ----------
    population : the compiled agents
    spec, market : the run and its market section, for times and accounts
    traders : the run's strategies; each play begins with fresh ones
    absent : names of those who are not there in variant 0
    base_dir : where files that strategies name are looked up
    """

    population: Population
    spec: RunSpec
    market: SimulatedMarket
    traders: tuple[Agent, ...]
    absent: frozenset[str]
    base_dir: Path

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        """Start and end of each session, ns."""
        return self.population.sessions

    @property
    def names(self) -> Sequence[str]:
        """Names of the members, the strategies' after the population's."""
        return [*self.population.names, *(trader.name for trader in self.traders)]

    @property
    def variants(self) -> int:
        """Number of variants with the agents in question."""
        return self.population.variants

    def play(self, variant: int, hear: Hear) -> None:
        """Let all time pass in a variant of the market."""
        present = [trader for trader in self.traders if variant > 0 or trader.name not in self.absent]
        desks = [trader_of(trader, build(trader.strategy, self.base_dir), self.spec) for trader in present]
        bars = SimulatedBars.in_one(synthetic_bars(self.spec, self.market), Scale(self.market.tick_size, self.market.lot_size))

        def market_of(_row: int, guests: Sequence[Member]) -> PlainMarket:
            by_name = {guest.name: guest for guest in guests}
            seats = [by_name.get(trader.name, Member(trader.name, None, None, muted=True)) for trader in self.traders]
            return PlainMarket(self.population.world(variant, seats), hand_over=hear)

        play_sessions(bars, market_of, desks, Watchdog(TURN_LIMIT_S))
