"""Real sessions lived again: each follows its day's bars, with a crowd of its own, and the run's strategies trade in it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.agents.strategy import Strategy
from marketsim.config.population import Group
from marketsim.config.run import Agent, RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.errors import ConfigError
from marketsim.kernel.compile import is_compiled
from marketsim.markets.account_run import AccountRun
from marketsim.markets.panel import Panel
from marketsim.markets.simulated.capture import Sink
from marketsim.markets.simulated.fundamentals import HistoryFundamental
from marketsim.markets.simulated.history import History, history
from marketsim.markets.simulated.results import Results
from marketsim.markets.simulated.run import SimulatedRun
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.sessions import SimulatedBars, TakeTurn, play_sessions, session_seed
from marketsim.markets.simulated.setting import Handed, Latency, Member
from marketsim.markets.simulated.trader import Trader
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import World
from marketsim.records import COSTS

LATENCY = Latency(data_ns=1_000_000, order_ns=1_000_000)  # a strategy's own: a millisecond each way


@dataclass(frozen=True, slots=True)
class Played:
    """What came of some sessions: the accounts and the bars they traded by, and each session's market."""

    runs: list[AccountRun]
    panel: Panel
    results: list[Results]


class RealSessions:
    """The sessions of a run from one on, ready to be played.

    Parameters
    ----------
    spec, market : the run and its simulated market, whose fundamental is the history of ``bars``.
    bars : the run's real bars, with splits and dividends.
    first_bar : row at which the first session to be simulated begins; strategies know the bars before it.
    sink : gets the rows of captured tables.
    progress : hears a short sentence now and then.
    """

    def __init__(
        self,
        spec: RunSpec,
        market: SimulatedMarket,
        bars: Panel,
        first_bar: int,
        sink: Sink = lambda _name, _rows: None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._spec, self._market, self._bars, self._first = spec, market, bars, first_bar
        self._sink, self._progress = sink, progress

    def play(self, traders: Sequence[tuple[Agent, Strategy]], watchdog: Watchdog | None = None) -> Played:
        """Let the strategies trade through the sessions; without any the crowds are alone.

        Raises
        ------
        StrategyError
            A strategy or agent raised, hung, returned nonsense or broke a limit; the message names it, the time and the reason.
        """
        if not is_compiled("exchange_loop"):
            self._progress("compiling the exchange and the agents, once; about 20 s")
        copies = {name: getattr(self._bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
        panel = dataclasses.replace(self._bars, **copies)
        scale = Scale(self._market.tick_size, self._market.lot_size)
        results: list[Results] = []
        desks = [trader_of(agent, strategy, self._spec) for agent, strategy in traders]
        bars = SimulatedBars.by_session(panel, self._first, scale)
        runs = play_sessions(bars, lambda row, guests: self._session(row, guests, results), desks, watchdog)
        return Played(runs, rows_from(panel, self._first), results)

    def _session(self, row: int, guests: Sequence[Member], results: list[Results]) -> Simulated:
        day = self._bars.session[row]
        values = history(self._bars, [day], self._spec.seed)
        date: dt.date = day.astype(dt.date)
        number = len(results)
        market = _on_day(self._market, number, values)
        spec = self._spec.model_copy(
            update={"start": date, "end": date, "market": market, "seed": session_seed(self._spec.seed, values.sessions[0][0])}
        )
        run = SimulatedRun(
            spec, market, _counting_on(self._sink, sum(before.book.n_messages for before in results)), guests, history=values
        )
        self._progress(f"session {date}, number {number + 1}")
        return Simulated(run, results)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated run as a market of `play_sessions`; its results are added to a list when it is over."""

    simulated: SimulatedRun
    results: list[Results]

    @property
    def world(self) -> World:
        """Its members and its exchange."""
        return self.simulated.world

    def run(self, take_turn: TakeTurn, hear: Callable[[Handed], None], watchdog: Watchdog | None) -> None:
        """Let all time pass."""
        self.results.append(self.simulated.play(take_turn, watchdog, hear))


def _counting_on(sink: Sink, n_messages: int) -> Sink:
    """Return a sink that numbers messages on from those of the sessions before."""

    def hand_on(name: str, rows: pa.RecordBatch) -> None:
        place = rows.schema.get_field_index("seq")
        sink(name, rows if place < 0 else rows.set_column(place, "seq", pc.add(rows.column(place), n_messages)))

    return hand_on


def first_simulated(bars: Panel, market: SimulatedMarket) -> int:
    """Return the row at which the first simulated session begins.

    Raises
    ------
    ConfigError
        The warm-up leaves no session.
    """
    warm_up = market.fundamental.warm_up_sessions if isinstance(market.fundamental, HistoryFundamental) else 0
    firsts = bars.session_starts
    if warm_up >= len(firsts):
        raise ConfigError(
            f"market.fundamental.warm_up_sessions: {warm_up} sessions of history leave none of the run's {len(firsts)} to simulate; "
            "lower it or start earlier."
        )
    return int(firsts[warm_up])


def rows_from(panel: Panel, first: int) -> Panel:
    """Return a panel without its first rows."""
    arrays = {field.name: getattr(panel, field.name)[first:] for field in dataclasses.fields(panel) if field.name != "symbols"}
    return dataclasses.replace(panel, **arrays)


def trader_of(agent: Agent, strategy: Strategy, spec: RunSpec) -> Trader:
    """Return a run's agent as a trader; spread and impact are paid in the book, so only commission and the account are its costs."""
    account = agent.account or spec.account
    row = np.zeros(1, COSTS)
    row["fee_per_share"] = spec.fees.per_share
    row["fee_notional_frac"] = spec.fees.per_notional_bps / 1e4
    row["fee_minimum"] = spec.fees.minimum
    row["participation_cap"] = np.inf
    row["max_leverage"], row["lot_size"] = account.max_leverage, account.lot_size
    row["borrow_rate_frac"], row["allow_short"] = account.borrow_rate_bps / 1e4, account.allow_short
    return Trader(agent.name, strategy, account.cash, row, LATENCY)


def _on_day(market: SimulatedMarket, number: int, values: History) -> SimulatedMarket:
    """Return the market of one session: its own events alone, and a crowd as busy as the day."""
    scaled = market.fundamental.scale_with_volume if isinstance(market.fundamental, HistoryFundamental) else {}
    activity = float(values.activity[:, 0].mean())
    population = {name: _scaled(group, scaled[name], activity) if name in scaled else group for name, group in market.population.items()}
    events = {
        section: [event.model_copy(update={"session": 0}) for event in getattr(market, section) if event.session == number]
        for section in ("news", "shocks")
    }
    return market.model_copy(update={"sessions": None, "population": population, **events})


def _scaled(group: Group, names: Sequence[str], activity: float) -> Group:
    changed = {name: _times(group.parameters[name], activity) for name in names}
    return group.model_copy(update={"parameters": {**group.parameters, **changed}})


def _times(value: float, activity: float) -> float:
    return max(1, round(value * activity)) if isinstance(value, int) else value * activity
