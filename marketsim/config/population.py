"""The `population` of a simulated market: groups of agents of one kind, and how the members of a group differ."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from marketsim.config.model import MOST_LATENCY_NS, Model, Symbol

KIND_PATTERN = r"^[a-z][a-z0-9_]{0,62}$|^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"

Nanoseconds = Annotated[int, Field(ge=0, le=MOST_LATENCY_NS)]

# --- how long messages take -----------------------------------------------------------------------------------------


class ConstantLatency(Model):
    """Every message of an agent takes the same time."""

    kind: Literal["constant"] = "constant"
    data_ns: Nanoseconds = Field(0, description="Nanoseconds from the exchange to the agent.")
    order_ns: Nanoseconds = Field(0, description="Nanoseconds from the agent to the exchange.")
    computation_ns: Nanoseconds = Field(0, description="Nanoseconds the agent thinks before its orders leave.")


class DistanceLatency(Model):
    """Agents and their venue stand somewhere on a line, each at a place of its own; messages travel at a fixed speed."""

    kind: Literal["distance"] = "distance"
    line_m: float = Field(3_866_660.0, ge=0, le=4e7, description="Length of the line, metres; New York to Seattle as in ABIDES.")
    venue_at_m: float | None = Field(
        None, ge=0, le=4e7, description="Where on the line the venue stands, metres; left out = a place drawn from the seed and its name."
    )
    speed_m_per_s: float = Field(299_792_458.0, gt=0, description="Speed of messages, metres a second; light in a vacuum.")
    computation_ns: Nanoseconds = Field(0, description="Nanoseconds the agent thinks before its orders leave.")

    @model_validator(mode="after")
    def _within_a_day(self) -> Self:
        if max(self.line_m, self.venue_at_m or 0.0) / self.speed_m_per_s * 1e9 > MOST_LATENCY_NS:
            raise ValueError(f"speed_m_per_s: {self.speed_m_per_s:g} takes longer than a day for {self.line_m:g} m; raise it")
        return self


class LogNormalLatency(Model):
    """A constant part each way and a log-normal jitter, drawn anew for every message."""

    kind: Literal["log_normal"] = "log_normal"
    data_ns: Nanoseconds = Field(0, description="Constant part from the exchange to the agent, nanoseconds.")
    order_ns: Nanoseconds = Field(0, description="Constant part from the agent to the exchange, nanoseconds.")
    median_ns: float = Field(gt=0, le=MOST_LATENCY_NS, description="Median of the jitter, nanoseconds.")
    sigma: float = Field(ge=0, le=10, description="Standard deviation of the jitter's logarithm.")
    computation_ns: Nanoseconds = Field(0, description="Nanoseconds the agent thinks before its orders leave.")


class EmpiricalLatency(Model):
    """A constant part each way and a jitter drawn from measured delays with equal chances."""

    kind: Literal["empirical"] = "empirical"
    data_ns: Nanoseconds = Field(0, description="Constant part from the exchange to the agent, nanoseconds.")
    order_ns: Nanoseconds = Field(0, description="Constant part from the agent to the exchange, nanoseconds.")
    delays_ns: list[Nanoseconds] = Field(min_length=1, max_length=100_000, description="Measured delays, nanoseconds.")
    computation_ns: Nanoseconds = Field(0, description="Nanoseconds the agent thinks before its orders leave.")


LatencySpec = Annotated[ConstantLatency | DistanceLatency | LogNormalLatency | EmpiricalLatency, Field(discriminator="kind")]

# --- how agents of a group differ -----------------------------------------------------------------------------------


class Clipped(Model):
    """Bounds that a drawn value is moved to when it lies outside."""

    at_least: float | None = Field(None, description="Smallest value; a draw below becomes it.")
    at_most: float | None = Field(None, description="Largest value; a draw above becomes it.")


class Uniform(Clipped):
    """Any value between two with equal chances."""

    distribution: Literal["uniform"] = Field("uniform", description="Which distribution it is.")
    low: float = Field(description="Smallest value.")
    high: float = Field(description="Largest value.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high: {self.high:g} lies below low {self.low:g}; swap them")
        return self


class Normal(Clipped):
    """The normal distribution."""

    distribution: Literal["normal"] = Field("normal", description="Which distribution it is.")
    mean: float = Field(description="Mean.")
    sd: float = Field(ge=0, description="Standard deviation.")


class LogNormal(Clipped):
    """The log-normal distribution."""

    distribution: Literal["lognormal"] = Field("lognormal", description="Which distribution it is.")
    median: float = Field(gt=0, description="Median: e to the mean of the logarithm.")
    sigma: float = Field(ge=0, le=20, description="Standard deviation of the logarithm.")


class Choice(Model):
    """One of some values."""

    distribution: Literal["choice"] = Field("choice", description="Which distribution it is.")
    values: list[Any] = Field(min_length=1, max_length=10_000, description="Values to choose from.")
    weights: list[Annotated[float, Field(ge=0)]] | None = Field(None, description="Relative chances, one a value; left out = equal.")

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if self.weights is not None and (len(self.weights) != len(self.values) or sum(self.weights) <= 0):
            raise ValueError(f"weights: {len(self.weights)} weights for {len(self.values)} values; give each value one, not all zero")
        return self


Distribution = Annotated[Uniform | Normal | LogNormal | Choice, Field(discriminator="distribution")]

# --- groups ---------------------------------------------------------------------------------------------------------


class Limits(Model):
    """What ends a simulation as faulty: an agent that goes further than it may."""

    lowest_cash: float | None = Field(None, description="Cash may not fall below this, currency; left out = no limit.")
    largest_position_shares: float | None = Field(None, gt=0, description="Largest position either way, shares; left out = no limit.")


class GroupHealth(Model):
    """What the health gates expect of a group; the defaults suit agents that trade all day."""

    liveness: Literal["agents", "group", "none"] = Field(
        "agents",
        description="agents: the group trades until late, and no agent falls silent that took turns regularly. group: the group trades "
        "until late. none: no expectation.",
    )
    late_frac: float = Field(
        0.75, ge=0, le=1, description="The group must still send orders after this fraction of the last session's continuous trading."
    )
    least_cancels_per_order: float = Field(0.0, ge=0, description="Lower end of the band of cancels for one new order.")
    most_cancels_per_order: float = Field(10.0, ge=0, description="Upper end of the band of cancels for one new order.")


class Group(Model):
    """Agents of one kind; they are named GROUP.0, GROUP.1 and so on, and all they draw follows from the seed and their names."""

    kind: str = Field(
        pattern=KIND_PATTERN, max_length=200, description="Kind of agent, or `package.module:attribute` for a compiled agent of your own."
    )
    count: int = Field(1, ge=0, le=1_000_000, description="Number of agents.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters of the kind, the same for all agents of the group.")
    vary: dict[str, Distribution] = Field(default_factory=dict, description="Parameter → distribution from which each agent draws its own.")
    symbols: list[Symbol] | None = Field(
        None, min_length=1, description="What the group trades: agent k the k-th, and round again; left out = all symbols of the run."
    )
    venue: str | None = Field(None, description="Name of the venue it trades at; left out = the first.")
    latency: LatencySpec = Field(ConstantLatency(), description="How long each agent's messages take.")
    cash: float = Field(0.0, ge=-1e15, le=1e15, description="Starting cash of each agent, currency.")
    position_shares: float = Field(0.0, ge=-1e12, le=1e12, description="Shares of its symbol each agent starts with.")
    limits: Limits = Limits()
    health: GroupHealth = GroupHealth()
    muted: bool = Field(False, description="Whether the agents are there but never act; everybody else draws as before.")

    @property
    def holdings_file(self) -> str | None:
        """The file that a group of funds follows, as it is written; None for all others."""
        file = self.parameters.get("holdings_file") if self.kind == "holdings_fund" else None
        return None if file is None else str(file)

    @model_validator(mode="after")
    def _drawn_or_set(self) -> Self:
        both = sorted(self.parameters.keys() & self.vary.keys())
        if both:
            raise ValueError(f"vary: {both[0]} is set under parameters as well; keep one of the two")
        return self
