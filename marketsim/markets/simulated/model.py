"""The simulated market as a model of a run: every strategy in the same market, among the population."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.agents.strategy import Strategy
from marketsim.config.run import Agent, RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.bars import AccountRun
from marketsim.markets.model import Gate
from marketsim.markets.panel import Panel, panel
from marketsim.markets.simulated.bookkeeping import BarClock
from marketsim.markets.simulated.capture import Sink
from marketsim.markets.simulated.gates import health
from marketsim.markets.simulated.real_sessions import Played, RealSessions, Simulated, first_simulated, rows_from, trader_of
from marketsim.markets.simulated.results import Results
from marketsim.markets.simulated.run import BAR_NS, SimulatedRun
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.sessions import SimulatedBars, play_sessions
from marketsim.markets.simulated.timetable import SECOND_NS, timetable
from marketsim.markets.simulated.watchdog import TURN_LIMIT_S, Watchdog
from marketsim.simulation import Simulation


class SimulatedModel:
    """A population on its exchange, over real sessions or one synthetic stretch of them.

    Parameters
    ----------
    spec, market : the run and its market section.
    bars : the run's clean bars; of no account where the fundamental is synthetic.
    sink : gets the rows of captured tables.
    progress : hears a short sentence now and then.
    """

    def __init__(self, spec: RunSpec, market: SimulatedMarket, bars: pa.Table, sink: Sink, progress: Callable[[str], None]) -> None:
        self._spec, self._market, self._sink, self._progress = spec, market, sink, progress
        self._results: list[Results] = []
        self._real = self._sessions(bars) if market.needs_history else None
        self.panel = self._real[1] if self._real is not None else synthetic_bars(spec, market)

    def play(self, traders: Sequence[tuple[Agent, Strategy]], on_bar: Callable[[str, int], None]) -> list[AccountRun]:
        """Let the traders and the population trade; afterwards ``panel`` has the bars of their trades."""
        del on_bar  # sessions tell of themselves
        watchdog = Watchdog(TURN_LIMIT_S)
        played = self._play_in_one(traders, watchdog) if self._real is None else self._real[0].play(traders, watchdog)
        self.panel, self._results = played.panel, played.results
        return played.runs

    def gates(self, run: AccountRun) -> list[Gate]:
        """Check that every fill lies inside its bar."""
        fills = run.fills
        low, high = self.panel.low[fills["bar"], fills["symbol"]], self.panel.high[fills["bar"], fills["symbol"]]
        outside = ~((fills["price"] >= low - 1e-9) & (fills["price"] <= high + 1e-9))
        return [Gate("fills_inside_bar", float(outside.sum()), "fills at a price outside their bar's range")]

    def completed(self, booked: Simulation) -> Simulation:
        """Add what came of the market to what came of its traders; without traders the accounts are the groups', as in any population."""
        changes: dict[str, pa.Table] = {"health": self._health()}
        if self._spec.traders:
            changes["health"] = pa.concat_tables([booked.health, changes["health"]]).sort_by("gate")
        else:
            changes["positions"], changes["equity"] = self._groups("positions"), self._groups("equity")
        return dataclasses.replace(booked, market=self._tables(), **changes)

    def _health(self) -> pa.Table:
        """Return the gates of the market itself; of several sessions the worst one's."""
        table = pa.concat_tables([health(result, self._market) for result in self._results])
        table = table.append_column("place", pa.array(np.arange(table.num_rows)))
        table = table.sort_by([("gate", "ascending"), ("passed", "ascending"), ("place", "ascending")]).drop_columns("place")
        first = np.unique(np.array(table["gate"].to_pylist()), return_index=True)[1]
        return table.take(pa.array(first))

    def _tables(self) -> dict[str, pa.Table]:
        return {
            "market_bars": self._together("market_bars", "symbol", "venue", "open_utc"),
            "market_activity": self._together("market_activity", "group_name", "close_utc"),
            "market_agents": agents_of(self._results),
        }

    def _groups(self, name: str) -> pa.Table:
        """Return an account table of the groups; in each real session they begin anew."""
        return self._together(name, "agent", "close_utc", *(["symbol"] if name == "positions" else []))

    def _together(self, name: str, *keys: str) -> pa.Table:
        table = pa.concat_tables([getattr(result, name)() for result in self._results])
        return table.sort_by([(key, "ascending") for key in keys])

    def _sessions(self, bars: pa.Table) -> tuple[RealSessions, Panel]:
        real = panel(bars, self._spec.symbols)
        first = first_simulated(real, self._market)
        return RealSessions(self._spec, self._market, real, first, self._sink, self._progress), rows_from(real, first)

    def _play_in_one(self, traders: Sequence[tuple[Agent, Strategy]], watchdog: Watchdog) -> Played:
        spec = self._spec
        results: list[Results] = []
        desks = [trader_of(agent, strategy, spec) for agent, strategy in traders]
        bars = SimulatedBars.in_one(self.panel, Scale(self._market.tick_size, self._market.lot_size))
        runs = play_sessions(
            bars,
            lambda _, guests: Simulated(SimulatedRun(spec, self._market, self._sink, guests, self._progress), results),
            desks,
            watchdog,
        )
        return Played(runs, self.panel, results)


def agents_of(results: Sequence[Results]) -> pa.Table:
    """Return table `market_agents`: what an agent did is added up over the sessions, what it owns is as at the end of the last one."""
    tables = [result.market_agents() for result in results]
    table = tables[-1]
    for name in ("n_turns", "n_orders", "n_cancels", "n_fills", "n_rejected", "volume_shares", "fees_cash", "pnl_cash"):
        total = tables[0][name]
        for other in tables[1:]:
            total = pc.add(total, other[name])
        table = table.set_column(table.schema.get_field_index(name), name, total)
    return table.set_column(table.schema.get_field_index("first_turn_utc"), "first_turn_utc", tables[0]["first_turn_utc"])


def synthetic_bars(spec: RunSpec, market: SimulatedMarket) -> Panel:
    """Return the bars of a synthetic market's sessions before anything has traded."""
    times = timetable(spec, market)
    clock = BarClock.of(times.sessions, BAR_NS[spec.bar_interval] * SECOND_NS)
    shape = (clock.n_bars, len(spec.symbols))
    o, h, l, c = (np.full(shape, np.nan) for _ in range(4))
    days = np.array([session.date for session in times.sessions], "datetime64[D]")[clock.session]
    return Panel(
        tuple(spec.symbols), clock.open_ns, clock.close_ns, days, o, h, l, c, np.zeros(shape), np.ones(shape), np.zeros(shape)
    )  # fmt: skip
