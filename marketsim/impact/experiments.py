"""From a run description to an experiment: whose impact is measured where, and the markets it takes."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.institutions.execution import ParentParams
from marketsim.agents.kinds import agent_of, kinds
from marketsim.config.population import Group
from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.errors import ConfigError
from marketsim.impact.pairs import Pair, Place, run_pairs
from marketsim.impact.scenes import Population, Scene, Traded
from marketsim.markets.simulated.holdings import beside, with_targets
from marketsim.markets.simulated.population import enlist, params
from marketsim.markets.simulated.real_sessions import LATENCY
from marketsim.markets.simulated.run import market_setting
from marketsim.markets.simulated.setting import Member
from marketsim.markets.simulated.timetable import SECOND_NS, Timetable, timetable

METAORDER = "metaorder"  # name of the agent that works one


@dataclass(frozen=True, slots=True)
class Metaorder:
    """A parent order that is added to a market, in several sizes.

    Attributes
    ----------
    sizes_lot : quantities, lots, each in a market of its own
    kind : who works it, any kind of parent order
    side : buy or sell
    start_minutes : from the open of the first session to its beginning
    horizon_minutes : how long it may take
    parameters : of the kind, besides these
    """

    sizes_lot: tuple[int, ...]
    kind: str = "twap"
    side: str = "buy"
    start_minutes: float = 60.0
    horizon_minutes: float = 60.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Experiment:
    """Whose impact is measured, and where.

    Attributes
    ----------
    agents : names of the agents looked at
    symbol, venue : numbers of the symbol and the venue whose price is read
    zone : the market's time zone
    scene_of : returns the market of a seed
    """

    agents: tuple[str, ...]
    symbol: int
    venue: int
    zone: str
    scene_of: Callable[[int], Scene]

    def run(
        self, seeds: Sequence[int], every_ns: int = 10 * SECOND_NS, *, threads: int = 1, progress: Callable[[str], None] = lambda _: None
    ) -> list[list[Pair]]:
        """Return the pairs of every variant; the arguments are those of `run_pairs`."""
        place = Place(self.symbol, self.venue, every_ns)
        return run_pairs(self.scene_of, self.agents, seeds, place, threads=threads, progress=progress)


def without_agent(spec: RunSpec, agent: str, base_dir: Path, symbol: str | None = None) -> Experiment:
    """Compare a market with the same market without one of its agents, a group of them, or a strategy of the run.

    Parameters
    ----------
    spec : a run in a simulated market
    agent : GROUP, GROUP.NUMBER, `strategy` or the name of a further strategy
    base_dir : where files that the run names are looked up
    symbol : whose price is read; None for the first that the agent trades

    Raises
    ------
    ConfigError
        The market is not simulated or follows history, or the agent or the symbol is not there.
    """
    market, times = _market(spec, base_dir)
    agents = _agents(spec, market, agent)
    group = market.population.get(agents[0].partition(".")[0])
    place = _symbol(spec, symbol, _first_symbol(spec, group, agents[0]))
    venues = [venue.name for venue in market.venues]
    venue = venues.index(group.venue) if group is not None and group.venue is not None else 0
    muted = frozenset(agents)

    def casts(members: tuple[Member, ...]) -> tuple[tuple[Member, ...], ...]:
        return tuple(dataclasses.replace(member, muted=True) if member.name in muted else member for member in members), members

    return Experiment(agents, place, venue, times.zone, _scenes(spec, market, times, casts, (base_dir, muted)))


def with_metaorders(spec: RunSpec, metaorder: Metaorder, base_dir: Path, symbol: str | None = None) -> Experiment:
    """Compare a market with the same market in which somebody works a metaorder, one variant a size.

    Parameters
    ----------
    spec : a run in a simulated market
    metaorder : what is added
    base_dir : where files that the run names are looked up
    symbol : what it trades; None for the run's first

    Raises
    ------
    ConfigError
        The market is not simulated or follows history, the metaorder does not fit its first session, or its parameters are refused.
    """
    market, times = _market(spec, base_dir)
    place = _symbol(spec, symbol, spec.symbols[0])
    agent, sizes = _orders(metaorder, times)

    def casts(members: tuple[Member, ...]) -> tuple[tuple[Member, ...], ...]:
        who = [Member(METAORDER, agent, size, symbol=place, latency=LATENCY) for size in sizes]
        return (*members, dataclasses.replace(who[0], muted=True)), *((*members, one) for one in who)

    scene_of = _scenes(spec, market, times, casts, (base_dir, frozenset()))
    return Experiment((METAORDER,), place, 0, times.zone, scene_of)


def _scenes(
    spec: RunSpec,
    market: SimulatedMarket,
    times: Timetable,
    casts: Callable[[tuple[Member, ...]], tuple[tuple[Member, ...], ...]],
    traders: tuple[Path, frozenset[str]],
) -> Callable[[int], Scene]:
    """Return what makes the market of a seed; ``traders`` says where their files are, and who of them is absent in variant 0."""
    base_dir, absent = traders

    def scene_of(seed: int) -> Scene:
        seeded = spec.model_copy(update={"seed": seed})
        roster = enlist(market, spec.symbols, seed)
        population = Population(market_setting(seeded, market, times, roster), casts(roster.members), seed)
        if not spec.traders:
            return population
        return Traded(population, seeded, market, spec.traders, absent, base_dir)

    return scene_of


def _market(spec: RunSpec, base_dir: Path) -> tuple[SimulatedMarket, Timetable]:
    """Return the simulated market of a run, ready to be peopled, and its sessions."""
    market = spec.market
    if not isinstance(market, SimulatedMarket):
        raise ConfigError(
            f"market.kind: in a market of kind {market.kind} nobody reacts, so there is no impact to measure; use kind simulated."
        )
    if market.needs_history:
        raise ConfigError(
            "market.fundamental: history begins every session anew, so no impact could last; measure it with another kind of fundamental, "
            "such as ornstein_uhlenbeck."
        )
    times = timetable(spec, market)
    return with_targets(beside(market, base_dir), spec.symbols, [session.date for session in times.sessions]), times


def _agents(spec: RunSpec, market: SimulatedMarket, agent: str) -> tuple[str, ...]:
    """Return the names of the agents that a name stands for."""
    if agent in (trader.name for trader in spec.traders):
        return (agent,)
    name, dot, _ = agent.partition(".")
    group = market.population.get(name)
    if group is None:
        raise ConfigError(f"agent {agent} is not in the market; {_known(spec, market)}")
    if group.count == 0 or group.muted:
        reason = "has no agents" if group.count == 0 else "is muted"
        raise ConfigError(f"market.population.{name}: {reason} in this run, so there is nothing to take away; {_known(spec, market)}")
    members = tuple(f"{name}.{k}" for k in range(group.count))
    if dot and agent not in members:
        raise ConfigError(f"agent {agent} is not in the market; the members of {name} are {members[0]} to {members[-1]}.")
    return (agent,) if dot else members


def _known(spec: RunSpec, market: SimulatedMarket) -> str:
    """Return who can be named, as the end of a sentence."""
    groups = [f"{name} ({group.count:,})" for name, group in sorted(market.population.items()) if group.count and not group.muted]
    traders = [trader.name for trader in spec.traders]
    parts = [f"groups: {', '.join(groups) or 'none'}; one agent is GROUP.NUMBER, numbered from 0"]
    return "; ".join(parts + ([f"strategies: {', '.join(traders)}"] if traders else [])) + "."


def _first_symbol(spec: RunSpec, group: Group | None, agent: str) -> str:
    """Return the symbol an agent trades, or the first of those it may."""
    if group is None:
        return spec.symbols[0]
    traded = group.symbols or spec.symbols
    return traded[int(agent.partition(".")[2]) % len(traded)]


def _symbol(spec: RunSpec, wanted: str | None, usual: str) -> int:
    if wanted is not None and wanted not in spec.symbols:
        raise ConfigError(f"symbol {wanted} is not traded in this run; it has {', '.join(spec.symbols[:10])}.")
    return spec.symbols.index(wanted or usual)


def _orders(metaorder: Metaorder, times: Timetable) -> tuple[CompiledAgent, list[AgentParams]]:
    """Return who works a metaorder, and the parameters of every size."""
    agent = agent_of(metaorder.kind)
    if not issubclass(agent.params, ParentParams):
        raise ConfigError(f"kind {metaorder.kind} works no parent order; kinds that do: {', '.join(_parent_kinds())}.")
    session = times.sessions[0]
    lasts_minutes = (session.last_ns - session.open_ns) / (60 * SECOND_NS)
    if metaorder.start_minutes + metaorder.horizon_minutes > lasts_minutes:
        raise ConfigError(
            f"a metaorder that starts {metaorder.start_minutes:g} minutes after the open and lasts {metaorder.horizon_minutes:g} does not "
            f"fit the session of {lasts_minutes:g} minutes; let it start sooner or be shorter."
        )
    timing = {
        "side": metaorder.side,
        "start_s": (session.open_ns - session.start_ns) / SECOND_NS + 60 * metaorder.start_minutes,
        "horizon_s": 60 * metaorder.horizon_minutes,
    }
    return agent, [_sized(agent, metaorder, timing, size) for size in metaorder.sizes_lot]


def _sized(agent: CompiledAgent, metaorder: Metaorder, timing: Mapping[str, Any], size_lot: int) -> AgentParams:
    given = {**metaorder.parameters, **timing, "qty_lot": size_lot}
    taken = sorted(metaorder.parameters.keys() & (timing.keys() | {"qty_lot"}))
    if taken:
        raise ConfigError(f"metaorder: {taken[0]} follows from its size, side, start and horizon; leave it out of its parameters.")
    try:
        return params(METAORDER, Group(kind=metaorder.kind, parameters=given), agent, {})
    except ConfigError as error:
        raise ConfigError(str(error).replace(f"market.population.{METAORDER}.parameters", METAORDER)) from error


def _parent_kinds() -> Sequence[str]:
    found = []
    for kind, place in kinds().items():
        module, _, attribute = place.partition(":")
        if issubclass(getattr(importlib.import_module(module), attribute).params, ParentParams):
            found.append(kind)
    return found
