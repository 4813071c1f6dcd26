"""A population as it stands in a run description, turned into the members of a simulated market."""

from __future__ import annotations

import hashlib
import json
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from pydantic import ValidationError

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.kinds import agent_of
from marketsim.config.population import (
    Choice,
    ConstantLatency,
    DistanceLatency,
    Distribution,
    EmpiricalLatency,
    Group,
    LatencySpec,
    LogNormalLatency,
    Uniform,
)
from marketsim.config.population import Normal as NormalDistribution
from marketsim.config.simulated import SimulatedMarket
from marketsim.errors import ConfigError
from marketsim.kernel.simulation.world import MOST_COUNTED
from marketsim.markets.simulated.holdings import without_files
from marketsim.markets.simulated.world import NO_LIMIT, Latency, Member
from marketsim.wording import expected, shown

OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is in the market.

    Attributes
    ----------
    groups : names, the outside (whoever trades without being an agent) first
    members : agents; member k has the number k + 1
    group_of : group of each agent number, (n_members + 1) entries, 0 the outside
    """

    groups: tuple[str, ...]
    members: tuple[Member, ...]
    group_of: tuple[int, ...]

    def names(self) -> tuple[str, ...]:
        """Return the name of each agent number."""
        return (OUTSIDE, *(member.name for member in self.members))


def enlist(market: SimulatedMarket, symbols: list[str], seed: int) -> Roster:
    """Return every agent of a population, with what is drawn for it.

    Raises
    ------
    ConfigError
        A kind is not known, or its parameters are refused; the message names the group.
    """
    members: list[Member] = []
    group_of = [0]
    venues = [venue.name for venue in market.venues]
    # By name: the order of a file's keys decides nothing.
    population = sorted(market.population.items())
    for place, (name, group) in enumerate(population, start=1):
        for one in _members(name, group, market, (symbols, venues), seed):
            members.append(one)
            group_of.append(place)
    return Roster((OUTSIDE, *(name for name, _ in population)), tuple(members), tuple(group_of))


def check_population(market: SimulatedMarket) -> None:
    """Refuse kinds and parameters that a run could not start with, and draw nothing.

    Raises
    ------
    ConfigError
        As `enlist`.
    """
    for name, written in market.population.items():
        group = without_files(written)
        agent = _agent(name, group)
        unknown = sorted(group.vary.keys() - agent.params.model_fields.keys())
        if unknown:
            raise ConfigError(f"market.population.{name}.vary: {_unknown(unknown[0], agent)}")
        params(name, group, agent, {key: _typical(key, spec, agent) for key, spec in group.vary.items()})


def params(name: str, group: Group, agent: CompiledAgent, drawn: Mapping[str, Any]) -> AgentParams:
    """Return the parameters of one agent of a group."""
    given = {**group.parameters, **drawn}
    try:
        # Strict JSON is the mode that takes a tuple from a list but no number from text or true.
        valid = agent.params.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            raise ConfigError(f"market.population.{name}.parameters: {_unknown(key, agent)}") from None
        where = "vary" if key in drawn else "parameters"
        match fault["type"]:
            case "value_error":
                sentence = str(fault["msg"]).removeprefix("Value error, ")
            case "missing":
                sentence = f"{key} is missing; add it"
            case _:
                sentence = f"{key} is {shown(fault['input'])}, expected {expected(fault)}"
        raise ConfigError(f"market.population.{name}.{where}: {sentence}.") from None
    for key, value in given.items():
        if isinstance(value, int) and abs(value) > MOST_COUNTED:
            where = "vary" if key in drawn else "parameters"
            raise ConfigError(f"market.population.{name}.{where}: {key} is {value}, expected a whole number of at most 2**62 either way.")
    return valid


def draw(spec: Distribution, seed: int, name: str, parameter: str) -> Any:
    """Return an agent's own value of a parameter: it follows from the seed, the agent's name and the parameter's, and nothing else."""
    chance = unit(seed, name, parameter)
    if isinstance(spec, Choice):
        weights = spec.weights or [1.0] * len(spec.values)
        rest = chance * sum(weights)
        # ``rest`` is how far into the weights from here on the draw falls.
        for value, weight in zip(spec.values, weights, strict=True):
            rest -= weight
            if rest < 0:
                return value
        return spec.values[-1]
    if isinstance(spec, Uniform):
        value = spec.low + (spec.high - spec.low) * chance
    else:
        z = NormalDist().inv_cdf(chance)
        value = spec.mean + spec.sd * z if isinstance(spec, NormalDistribution) else spec.median * math.exp(spec.sigma * z)
    if spec.at_least is not None:
        value = max(value, spec.at_least)
    return value if spec.at_most is None else min(value, spec.at_most)


def unit(seed: int, name: str, what: str) -> float:
    """Return a number in (0, 1) that follows from the seed, an agent's name and what it is for."""
    word = int.from_bytes(hashlib.sha256(f"{seed}\n{name}\n{what}".encode()).digest()[:8], "little")
    return ((word >> 12) + 0.5) * 2.0**-52


def latency_of(spec: LatencySpec, seed: int, name: str, venue: str) -> Latency:
    """Return how long an agent's messages take to a venue and back."""
    match spec:
        case ConstantLatency():
            return Latency(spec.data_ns, spec.order_ns, spec.computation_ns)
        case DistanceLatency():
            venue_at_m = unit(seed, venue, "place") * spec.line_m if spec.venue_at_m is None else spec.venue_at_m
            metres = abs(unit(seed, name, "place") * spec.line_m - venue_at_m)
            one_way_ns = round(metres / spec.speed_m_per_s * 1e9)
            return Latency(one_way_ns, one_way_ns, spec.computation_ns)
        case LogNormalLatency():
            return Latency(spec.data_ns, spec.order_ns, spec.computation_ns, ("log_normal", math.log(spec.median_ns), spec.sigma))
        case EmpiricalLatency():
            return Latency(spec.data_ns, spec.order_ns, spec.computation_ns, ("empirical", tuple(spec.delays_ns)))


def _members(name: str, group: Group, market: SimulatedMarket, places: tuple[list[str], list[str]], seed: int) -> typing.Iterator[Member]:
    symbols, venues = places
    agent = _agent(name, group)
    shared = params(name, group, agent, {}) if not group.vary else None
    traded = [symbols.index(symbol) for symbol in group.symbols or symbols]
    tick_lot = market.tick_size * market.lot_size
    limits = group.limits
    for number in range(group.count):
        own_name = f"{name}.{number}"
        symbol = traded[number % len(traded)]
        drawn = {key: _fitting(key, draw(spec, seed, own_name, key), agent) for key, spec in group.vary.items()}
        yield Member(
            name=own_name,
            agent=agent,
            params=shared or params(name, group, agent, drawn),
            symbol=symbol,
            venue=0 if group.venue is None else venues.index(group.venue),
            latency=latency_of(group.latency, seed, own_name, group.venue or venues[0]),
            cash_tick_lot=round(group.cash / tick_lot),
            position_lot=tuple(round(group.position_shares / market.lot_size) * (k == symbol) for k in range(len(symbols))),
            lowest_cash_tick_lot=-NO_LIMIT if limits.lowest_cash is None else round(limits.lowest_cash / tick_lot),
            largest_position_lot=(
                NO_LIMIT if limits.largest_position_shares is None else round(limits.largest_position_shares / market.lot_size)
            ),
            muted=group.muted,
        )


def _agent(name: str, group: Group) -> CompiledAgent:
    try:
        return agent_of(group.kind)
    except ConfigError as error:
        raise ConfigError(f"market.population.{name}.kind: {error}") from error


def _fitting(key: str, value: Any, agent: CompiledAgent) -> Any:
    """Round a drawn number where the parameter is a whole one."""
    field = agent.params.model_fields.get(key)
    is_whole = field is not None and field.annotation is int and isinstance(value, float) and math.isfinite(value)
    return round(value) if is_whole else value


def _typical(key: str, spec: Distribution, agent: CompiledAgent) -> Any:
    """Return a value in the middle of a distribution."""
    if isinstance(spec, Choice):
        return spec.values[0]
    middle = (spec.low + spec.high) / 2 if isinstance(spec, Uniform) else spec.mean if isinstance(spec, NormalDistribution) else spec.median
    return _fitting(key, middle, agent)


def _unknown(key: str, agent: CompiledAgent) -> str:
    allowed = ", ".join(sorted(agent.params.model_fields.keys() - {"kind"})) or "none"
    return f"{key} is unknown; parameters of this kind: {allowed}."
