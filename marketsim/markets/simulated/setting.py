"""What a simulated market is made of, and what it hands over while it runs: the vocabulary of `World`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.kernel.simulation.world import MOST_COUNTED
from marketsim.records import MESSAGE
from marketsim.tape import Tape
from marketsim.venue_rules import VenueRules

NO_LIMIT = MOST_COUNTED


@dataclass(frozen=True, slots=True)
class Latency:
    """How long messages take, ns: a constant part each way, and a jitter added to both.

    ``jitter`` is None, ("log_normal", mean of ln ns, sd of ln ns), or ("empirical", delays drawn from with equal chances).
    """

    data_ns: int = 0
    order_ns: int = 0
    computation_ns: int = 0
    jitter: tuple[Literal["log_normal"], float, float] | tuple[Literal["empirical"], tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One agent of a population; ``agent`` and ``params`` are None for one whose turns Python takes."""

    name: str  # unique; its random streams follow from it and the seed
    agent: CompiledAgent | None
    params: AgentParams | None
    symbol: int = 0
    venue: int = 0
    latency: Latency = Latency()
    cash_tick_lot: int = 0
    position_lot: tuple[int, ...] = ()  # one a symbol; () for none
    lowest_cash_tick_lot: int = -NO_LIMIT
    largest_position_lot: int = NO_LIMIT
    hears_fills: bool = False  # of an agent in Python
    reports: bool = False  # whether `World.reports` tells what happens to its orders
    muted: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """A scheduled event that agents who hear news are told of: what it means is between the code and them."""

    time_ns: int
    code: int
    size: float = 0.0
    symbol: int = 0


@dataclass(frozen=True, slots=True)
class Capture:
    """What is written down besides trades and events, and how often Python is handed the tables, rows."""

    orders: bool = False
    quotes: bool = False
    depth_levels: int = 0
    depth_every_ns: int = 0  # the grid of depths, and that of accounts; 0 for never
    accounts_every_ns: int = 0
    rows: int = 1 << 16


@dataclass(frozen=True, slots=True)
class Handed:
    """What happened since the last hand-over: the exchange's tape and the rows of each table asked for."""

    tape: Tape
    orders: npt.NDArray[np.void]  # (n,) MESSAGE, as the exchange got them
    quotes: npt.NDArray[np.void]  # (n,) QUOTE
    depths: npt.NDArray[np.void]  # (n,) DEPTH_SAMPLE
    accounts: npt.NDArray[np.void]  # (n,) ACCOUNT_SAMPLE


@dataclass(frozen=True, slots=True)
class Setting:
    """What the agents find: sessions, venues, fundamentals.

    ``fundamental`` is (n_symbols, n_sessions, n) float64, ticks, one value every ``fundamental_step_ns`` from each session's start.
    ``activity`` is (n_symbols, n_sessions) float64, what agents may scale their clips by; None for 1 throughout.
    ``messages`` are sent to the exchange at their times by nobody in particular: phases, opening books.
    """

    sessions: tuple[tuple[int, int], ...]  # start and end, ns
    fundamental: npt.NDArray[np.float64]
    fundamental_step_ns: int = 1_000_000_000
    activity: npt.NDArray[np.float64] | None = None
    rules: tuple[VenueRules, ...] = (VenueRules.plain(),)
    venue_latency_ns: tuple[int, ...] = (0,)
    venue_processing_ns: tuple[int, ...] = (0,)
    messages: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, MESSAGE))
    news: tuple[News, ...] = ()
