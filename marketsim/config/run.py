"""A run as data: one frozen, fully checked specification, and the identity that follows from it.

Reading the specification from a YAML file, with errors that name the line, is `marketsim.config.file`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from marketsim.agents.library import StrategySpec
from marketsim.config.consistency import check_simulated, check_simulated_sessions
from marketsim.config.markets import BarsMarket, Market
from marketsim.config.model import Model, Name, Symbol
from marketsim.config.providers import Provider, SampleProvider
from marketsim.config.simulated import SimulatedMarket

Interval = Literal["1d", "1m", "5m", "15m", "30m", "1h"]


# --- who trades, and what trading costs ------------------------------------------------------------------------------


class Account(Model):
    """One cash account an agent."""

    cash: float = Field(1_000_000.0, gt=0, le=1e15, description="Starting cash, currency.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="ISO 4217 code.")
    max_leverage: float = Field(1.0, ge=0.01, le=100, description="Gross exposure allowed, multiples of equity.")
    allow_short: bool = Field(True, description="Whether positions may go below zero.")
    lot_size: float = Field(1.0, gt=0, le=1e6, description="Smallest quantity, shares.")
    borrow_rate_bps: float = Field(0.0, ge=0, le=1e5, description="Yearly cost of borrowed shares, bps of short value, actual/360.")


class Fees(Model):
    """Commission of one order: the larger of minimum and per_share × shares + per_notional_bps × notional."""

    per_share: float = Field(0.0, ge=0, le=1e3, description="Currency a share.")
    per_notional_bps: float = Field(0.0, ge=0, le=1e4, description="Basis points of notional.")
    minimum: float = Field(0.0, ge=0, le=1e6, description="Smallest commission an order that trades, currency.")


class Dealer(Model):
    """Who is on the other side of a taker's fill in the bars market."""

    half_spread_bps: float = Field(0.0, ge=0, le=1e4, description="Half the quoted spread, bps of the reference price.")


class Agent(Model):
    """A further trader in the same market, with an account of its own."""

    name: Name = Field(description="Unique name; it also keys the agent's random stream.")
    strategy: StrategySpec
    account: Account | None = Field(None, description="Own account; left out = the run's `account`.")


# --- what is checked and reported -----------------------------------------------------------------------------------


class Validation(Model):
    """Thresholds of the data checks and the severity that stops a run."""

    stop_on: Literal["warning", "error", "critical"] = Field(
        "critical", description="Lowest severity of a failed check that stops the run before anything is published."
    )
    jump_threshold: float = Field(0.30, gt=0, le=10, description="Close-to-close move, absolute log return, that needs an explanation.")
    stale_bars: int = Field(5, ge=2, description="Equal closes in a row that count as a stale price.")
    max_age_sessions: int | None = Field(
        None,
        ge=0,
        description="Sessions the newest bar may lag behind `end`; None = freshness is reported, not judged.",
    )


class SimulatedSessions(Model):
    """The run's newest sessions lived again with its strategies among agents, to be set beside the backtest."""

    sessions: int = Field(5, ge=1, le=1000, description="Newest sessions that are simulated; strategies know all those before them.")
    market: SimulatedMarket = Field(description="The market they are simulated in; its fundamental is of kind history.")


class Report(Model):
    """Conventions of the reported measures."""

    risk_free_rate: float = Field(0.0, ge=-0.1, le=1, description="Yearly risk-free rate, a fraction.")
    rolling_bars: int = Field(126, ge=5, le=5000, description="Window of the rolling Sharpe ratio and volatility, bars.")


class Sweep(Model):
    """Every combination of the listed values is one trial; each is a full run of the strategy."""

    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        min_length=1, description="Dotted key of this file → values to try, e.g. `strategy.fast: [10, 20]`."
    )
    metric: str = Field("sharpe", description="Metric that ranks the trials, highest first.")


class WalkForward(Model):
    """Choose parameters on a window of the past, trade the next window with them, roll on."""

    train_bars: int = Field(504, ge=20, description="Bars of the window the parameters are chosen on.")
    test_bars: int = Field(126, ge=5, description="Bars traded with them before choosing again.")
    anchored: bool = Field(False, description="Whether the training window starts at the first bar and grows.")


class RunSpec(Model):
    """Everything that decides a run's result, apart from the data and the code."""

    name: Name = Field(description="Short name of the run; letters, digits and underscores.")
    mode: Literal["backtest", "live", "realtime"] = Field("backtest", description="Only backtest is built so far.")
    horizon: Literal["daily", "intraday"] = Field("daily", description="Daily bars, or bars within the session.")
    interval: Interval | None = Field(None, description="Length of a bar; left out = 1d for daily, 1m for intraday.")
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=10_000, description="What is traded.")]
    benchmark: Symbol | None = Field(None, description="Symbol the strategy is measured against; not traded.")
    calendar: str = Field("XNYS", pattern=r"^[A-Z0-9]{4}$|^24/[57]$", description="Exchange calendar, a MIC code.")
    start: dt.date = Field(description="First session, included.")
    end: dt.date | None = Field(None, description="Last session, included; left out = the newest the provider has.")
    providers: list[Provider] = Field([SampleProvider()], min_length=1, description="Tried in order for each symbol.")
    market: Market = Field(BarsMarket(), description="What answers orders: bars, or a recorded order flow.")
    account: Account = Account()
    fees: Fees = Fees()
    slippage_bps: float = Field(0.0, ge=0, le=1e4, description="Adverse price move on every taker's fill, bps.")
    dealer: Dealer = Dealer()
    strategy: StrategySpec | None = Field(
        None, description="The trader whose result the run is about; may be left out in a simulated market, which lives without it."
    )
    agents: list[Agent] = Field(default_factory=list, description="Further traders, each with an account of its own.")
    max_ticks: int | None = Field(None, ge=1, description="Stop after this many steps of the market (bars); None = all.")
    seed: int = Field(0, ge=0, lt=2**63, description="The one source of randomness.")
    simulated_sessions: SimulatedSessions | None = Field(
        None, description="Sessions simulated besides the backtest; left out = none. Only with market kind bars."
    )
    validation: Validation = Validation()
    report: Report = Report()
    sweep: Sweep | None = None
    walk_forward: WalkForward | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mode != "backtest":
            raise ValueError(f"mode: {self.mode} is not available in this version; use mode: backtest")
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end: {self.end} lies before start {self.start}; swap them or move one")
        doubled = sorted({s for s in self.symbols if self.symbols.count(s) > 1})
        if doubled:
            raise ValueError(f"symbols: {', '.join(doubled)} listed more than once; list each symbol once")
        if self.horizon == "daily" and self.interval not in (None, "1d"):
            raise ValueError(f"interval: {self.interval} does not fit horizon daily; use 1d or horizon: intraday")
        if self.horizon == "intraday" and self.interval == "1d":
            raise ValueError("interval: 1d does not fit horizon intraday; use 1m, 5m, 15m, 30m or 1h, or horizon: daily")
        if self.market.kind == "replay":
            self._fits_replay()
        if isinstance(self.market, SimulatedMarket):
            check_simulated(self, self.market)
        elif self.strategy is None:
            raise ValueError("strategy: is missing; add it, only market kind simulated runs without")
        if self.simulated_sessions is not None:
            check_simulated_sessions(self, self.simulated_sessions.market)
        names = ["strategy", "benchmark", *(agent.name for agent in self.agents)]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"agents: name {twice[0]} is taken; names must be unique and not 'strategy' or 'benchmark'")
        if self.walk_forward is not None and self.sweep is None:
            raise ValueError("walk_forward: needs a `sweep` section that lists the parameters to choose from")
        return self

    def _fits_replay(self) -> None:
        """Refuse what a replayed recording cannot honour, so that no setting is ignored in silence."""
        if self.horizon != "intraday":
            raise ValueError("market.kind: replay plays the flow within the day, not daily bars; use horizon: intraday")
        if not any(provider.kind == "recording" for provider in self.providers):
            raise ValueError("market.kind: replay needs a recording among the providers; add {kind: recording, path: …} to them")
        priced = "orders pay the recorded book's own prices; remove it"
        accounts = [("account", self.account), *((f"agents.{n}.account", agent.account) for n, agent in enumerate(self.agents))]
        unused = [
            ("slippage_bps", self.slippage_bps, priced),
            ("dealer.half_spread_bps", self.dealer.half_spread_bps, priced),
            *(
                (f"{place}.borrow_rate_bps", account.borrow_rate_bps, "recordings are too short for interest; remove it")
                for place, account in accounts
                if account is not None
            ),
        ]
        for key, value, why in unused:
            if value:
                raise ValueError(f"{key}: {value:g} does not apply in market kind replay, where {why}")

    @property
    def actions(self) -> Literal["apply", "ignore", "adjust"]:
        """What the market does with splits and dividends; recorded flow has none, the benchmark's are applied."""
        return self.market.actions if isinstance(self.market, BarsMarket) else "apply"

    @property
    def reads_data(self) -> bool:
        """Whether the run needs bars from a provider: every market does but a simulated one whose fundamentals are synthetic."""
        return not isinstance(self.market, SimulatedMarket) or self.market.needs_history

    @property
    def bar_interval(self) -> Interval:
        """Length of a bar with the horizon's default filled in."""
        return self.interval or ("1d" if self.horizon == "daily" else "1m")

    @property
    def traders(self) -> tuple[Agent, ...]:
        """Every trader of the run, the main strategy first where there is one, each with its account filled in."""
        first = () if self.strategy is None else (Agent(name="strategy", strategy=self.strategy, account=self.account),)
        rest = (agent.model_copy(update={"account": agent.account or self.account}) for agent in self.agents)
        return (*first, *rest)

    def canonical_json(self) -> str:
        """Return the resolved specification as one line of JSON with sorted keys; equal specifications, equal text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """Sha256 of `canonical_json`, hexadecimal."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def run_id(spec: RunSpec, snapshot_digest: str, code_version: str) -> str:
    """Return the run's identity: 12 hexadecimal digits over configuration, data and code."""
    return hashlib.sha256(f"{spec.digest}\n{snapshot_digest}\n{code_version}".encode()).hexdigest()[:12]
