"""What came of a simulated market as Arrow tables: its bars, what each group did, what became of each agent, and the groups' accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from marketsim.kernel.book_state import NO_PRICE
from marketsim.markets.panel import FloatArray
from marketsim.markets.simulated.bookkeeping import Bookkeeper
from marketsim.markets.simulated.population import Roster
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.timetable import Timetable
from marketsim.markets.simulated.world import World

UTC_NS = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True, slots=True)
class Results:
    """A simulation that is over, and what is needed to read it.

    ``fundamental_tick`` is (n_bars, n_symbols), the value at each bar's end.
    """

    book: Bookkeeper
    world: World
    roster: Roster
    times: Timetable
    scale: Scale
    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    fundamental_tick: FloatArray

    def market_bars(self) -> pa.Table:
        """Return table `market_bars`: one row a symbol, venue and bar."""
        b, n_symbols = self.book, len(self.symbols)
        parts = []
        for symbol in np.argsort(np.array(self.symbols)):
            for venue in np.argsort(np.array(self.venues)):
                k = int(venue) * n_symbols + int(symbol)
                traded, quoted = b.n_trades[:, k] > 0, b.quoted_ns[:, k] > 0
                whole = np.maximum(b.quoted_ns[:, k], 1)
                length_ns = b.clock.close_ns - b.clock.open_ns
                parts.append(
                    _table(
                        symbol=pa.repeat(self.symbols[symbol], b.clock.n_bars),
                        venue=pa.repeat(self.venues[venue], b.clock.n_bars),
                        session_date=self._dates(),
                        open_utc=_time(b.clock.open_ns),
                        close_utc=_time(b.clock.close_ns),
                        open_price=pa.array(self.scale.price(b.first_tick[:, k]), mask=~traded),
                        high_price=pa.array(self.scale.price(b.high_tick[:, k]), mask=~traded),
                        low_price=pa.array(self.scale.price(b.low_tick[:, k]), mask=~traded),
                        close_price=pa.array(self.scale.price(b.last_tick[:, k]), mask=~traded),
                        volume_shares=pa.array(self.scale.shares(b.volume_lot[:, k])),
                        n_trades=pa.array(b.n_trades[:, k]),
                        mid_price=pa.array(self.scale.price(b.mid_tick[:, k]), mask=np.isnan(b.mid_tick[:, k])),
                        spread=pa.array(self.scale.price(b.spread_integral[:, k] / whole), mask=~quoted),
                        touch_shares=pa.array(self.scale.shares(b.touch_integral[:, k] / whole), mask=~quoted),
                        quoted_frac=pa.array(b.quoted_ns[:, k] / length_ns),
                        fundamental_price=pa.array(self.scale.price(self.fundamental_tick[:, symbol])),
                    )
                )
        return pa.concat_tables(parts)

    def market_activity(self) -> pa.Table:
        """Return table `market_activity`: one row a group and bar."""
        b = self.book
        parts = [
            _table(
                group_name=pa.repeat(name, b.clock.n_bars),
                session_date=self._dates(),
                close_utc=_time(b.clock.close_ns),
                n_orders=pa.array(b.n_new[:, g]),
                n_cancels=pa.array(b.n_cancels[:, g]),
                n_fills=pa.array(b.n_fills[:, g]),
                maker_shares=pa.array(self.scale.shares(b.maker_lot[:, g])),
                taker_shares=pa.array(self.scale.shares(b.taker_lot[:, g])),
            )
            for name, g in self._groups()
        ]
        return pa.concat_tables(parts)

    def market_agents(self) -> pa.Table:
        """Return table `market_agents`: one row an agent, number 0 for whoever else traded."""
        agents, holdings = self.world.agents, self.world.holdings
        marks = self._marks_tick()[-1]
        fees = agents["fees_nano"] / 1e9
        cash = self.scale.cash(agents["cash_tick_lot"]) - fees
        value = self.scale.cash((holdings * marks).sum(axis=1))
        start_cash, start_position = self.starting()
        start = self.scale.cash(start_cash) + self.scale.cash((start_position * self.fundamental_tick[0]).sum(axis=1))
        members = self.roster.members
        groups = pa.array(self.roster.groups)
        started = agents["n_turns"] > 0
        return _table(
            agent_number=pa.array(agents["number"].astype(np.int32)),
            agent=pa.array(self.roster.names()),
            group_name=groups.take(pa.array(self.roster.group_of)),
            symbol=pa.array(["", *(self.symbols[m.symbol] for m in members)]),
            venue=pa.array(["", *(self.venues[m.venue] for m in members)]),
            n_turns=pa.array(agents["n_turns"]),
            n_orders=pa.array(agents["n_orders"]),
            n_cancels=pa.array(agents["n_cancels"]),
            n_fills=pa.array(agents["n_fills"]),
            n_rejected=pa.array(agents["n_rejected"]),
            volume_shares=pa.array(self.scale.shares(agents["volume_lot"])),
            first_turn_utc=pa.array(agents["first_turn_ns"], mask=~started).view(UTC_NS),
            last_turn_utc=pa.array(agents["last_turn_ns"], mask=~started).view(UTC_NS),
            cash=pa.array(cash),
            fees_cash=pa.array(fees),
            equity_cash=pa.array(cash + value),
            pnl_cash=pa.array(cash + value - start),
        )

    def equity(self) -> pa.Table:
        """Return table `equity` of the groups, each group's agents taken together."""
        b, parts = self.book, []
        start_cash, start_position = self.starting()
        group_of = np.array(self.roster.group_of)
        marks = self._marks_tick()
        for name, g in self._groups():
            own = group_of == g
            position = start_position[own].sum(axis=0) + np.cumsum(b.position_lot[:, g], axis=0)
            fees = b.fees_cash[:, g]
            first_cash = float(self.scale.cash(start_cash[own].sum()))
            cash = first_cash + self.scale.cash(np.cumsum(b.cash_tick_lot[:, g])) - np.cumsum(fees)
            value = self.scale.cash(position * marks)
            equity = cash + value.sum(axis=1)
            first = first_cash + float(self.scale.cash((start_position[own].sum(axis=0) * self.fundamental_tick[0]).sum()))
            before = np.concatenate([[first], equity[:-1]])
            peak = np.maximum.accumulate(np.maximum(equity, first))
            zero = np.zeros(b.clock.n_bars)
            parts.append(
                _table(
                    agent=pa.repeat(name, b.clock.n_bars),
                    session_date=self._dates(),
                    close_utc=_time(b.clock.close_ns),
                    cash=pa.array(cash),
                    long_value_cash=pa.array(np.maximum(value, 0.0).sum(axis=1)),
                    short_value_cash=pa.array(np.minimum(value, 0.0).sum(axis=1)),
                    equity_cash=pa.array(equity),
                    return_frac=pa.array(np.where(before > 0, equity / np.where(before > 0, before, 1.0) - 1.0, 0.0)),
                    drawdown_frac=pa.array(np.where(peak > 0, equity / np.where(peak > 0, peak, 1.0) - 1.0, 0.0)),
                    turnover_cash=pa.array(self.scale.cash(b.turnover_tick_lot[:, g])),
                    fees_cash=pa.array(fees),
                    borrow_cash=pa.array(zero),
                    dividends_cash=pa.array(zero),
                )
            )
        return pa.concat_tables(parts)

    def positions(self) -> pa.Table:
        """Return table `positions` of the groups."""
        b, parts = self.book, []
        _, start_position = self.starting()
        group_of, marks = np.array(self.roster.group_of), self.scale.price(self._marks_tick())
        order = np.argsort(np.array(self.symbols))
        for name, g in self._groups():
            held = self.scale.shares(start_position[group_of == g].sum(axis=0) + np.cumsum(b.position_lot[:, g], axis=0))
            bar, rank = np.nonzero(held[:, order])
            column = order[rank]
            qty, price = held[bar, column], marks[bar, column]
            parts.append(
                _table(
                    agent=pa.repeat(name, len(bar)),
                    symbol=pa.array(self.symbols).take(pa.array(column)),
                    session_date=self._dates().take(pa.array(bar)),
                    close_utc=_time(b.clock.close_ns[bar]),
                    qty_shares=pa.array(qty),
                    price=pa.array(price),
                    market_value_cash=pa.array(qty * price),
                )
            )
        return pa.concat_tables(parts)

    def starting(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return what each agent number began with: (n_agents,) tick lots of cash and (n_agents, n_symbols) lots."""
        cash = np.array([0, *(m.cash_tick_lot for m in self.roster.members)], np.int64)
        position = np.zeros((len(cash), len(self.symbols)), np.int64)
        for number, member in enumerate(self.roster.members, start=1):
            position[number, : len(member.position_lot)] = member.position_lot
        return cash, position

    def _groups(self) -> list[tuple[str, int]]:
        """Return the groups in the order of their names; the outside only where it traded."""
        there = [(name, g) for g, name in enumerate(self.roster.groups) if g > 0 or self.book.n_new[:, 0].any()]
        return sorted(there)

    def _marks_tick(self) -> FloatArray:
        """Return what positions are valued at, (n_bars, n_symbols): the last trade, before the first one the fundamental value."""
        marks = self.book.mark_tick
        rows = np.where(marks != NO_PRICE, np.arange(len(marks))[:, None], -1)
        latest = np.maximum.accumulate(rows, axis=0)
        carried = np.take_along_axis(marks, np.maximum(latest, 0), axis=0)
        return np.where(latest >= 0, carried, self.fundamental_tick)

    def _dates(self) -> pa.Array:
        dates = pa.array([session.date for session in self.times.sessions], pa.date32())
        return dates.take(pa.array(self.book.clock.session))


def _table(**columns: pa.Array) -> pa.Table:
    return pa.table(columns)


def _time(ns: npt.NDArray[np.int64]) -> Any:
    return pa.array(ns).view(UTC_NS)
