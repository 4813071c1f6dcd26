"""What a simulated market amounts to, bar by bar, gathered while it runs: prices, spreads, volumes, and who traded how much.

Its memory grows with the number of bars and groups, not with the number of messages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.simulation.world import QUOTE
from marketsim.markets.simulated.population import Roster
from marketsim.markets.simulated.timetable import Session
from marketsim.markets.simulated.world import Handed
from marketsim.records import EventKind, Kind, Phase, Reason

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BarClock:
    """The bars of all sessions' trading hours, (n_bars,) each; what happens outside them counts to the nearest bar of its session."""

    open_ns: IntArray
    close_ns: IntArray
    session: IntArray
    first_of_session: IntArray  # (n_sessions,)
    session_start_ns: IntArray  # (n_sessions,)

    @classmethod
    def of(cls, sessions: tuple[Session, ...], bar_ns: int) -> BarClock:
        """Cut the hours of each session into bars; the last one ends with the session."""
        opens = [np.arange(s.open_ns, s.close_ns, bar_ns, dtype=np.int64) for s in sessions]
        closes = [np.append(o[1:], s.close_ns) for o, s in zip(opens, sessions, strict=True)]
        counts = [len(o) for o in opens]
        return cls(
            np.concatenate(opens),
            np.concatenate(closes),
            np.repeat(np.arange(len(sessions)), counts),
            np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
            np.array([s.start_ns for s in sessions], np.int64),
        )

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return len(self.open_ns)

    def bar_of(self, time_ns: IntArray) -> IntArray:
        """Return the bar each time belongs to."""
        bar = np.maximum(np.searchsorted(self.open_ns, time_ns, side="right") - 1, 0)
        session = np.maximum(np.searchsorted(self.session_start_ns, time_ns, side="right") - 1, 0)
        return np.maximum(bar, self.first_of_session[session])


class Bookkeeper:
    """Adds up what the compiled loop hands over.

    Parameters
    ----------
    clock : the bars
    roster : who is in which group
    n_symbols, n_venues : of the market; book ``venue * n_symbols + symbol`` is a column of the arrays by book
    sessions : their continuous trading, for what only counts there
    """

    def __init__(self, clock: BarClock, roster: Roster, n_symbols: int, n_venues: int, sessions: tuple[Session, ...]) -> None:
        n_bars, n_books, n_groups, n_agents = clock.n_bars, n_symbols * n_venues, len(roster.groups), len(roster.group_of)
        self.clock, self.n_symbols = clock, n_symbols
        self._group = np.array(roster.group_of, np.int64)
        by_book, by_group = (n_bars, n_books), (n_bars, n_groups)
        self.first_tick = np.zeros(by_book, np.int64)
        self.high_tick, self.low_tick, self.last_tick = (np.zeros(by_book, np.int64) for _ in range(3))
        self.mark_tick = np.full((n_bars, n_symbols), NO_PRICE)  # last trade at any venue, NO_PRICE for none in the bar
        self.volume_lot, self.n_trades = np.zeros(by_book, np.int64), np.zeros(by_book, np.int64)
        # Time integrals over two-sided continuous quoting, ns times ticks or lots.
        self.quoted_ns = np.zeros(by_book, np.int64)
        self.spread_integral, self.touch_integral = np.zeros(by_book), np.zeros(by_book)
        self.mid_tick = np.full(by_book, np.nan)  # at the end of the bar
        self.n_new, self.n_cancels = np.zeros(by_group, np.int64), np.zeros(by_group, np.int64)
        self.n_fills = np.zeros(by_group, np.int64)
        self.maker_lot, self.taker_lot = np.zeros(by_group, np.int64), np.zeros(by_group, np.int64)
        self.turnover_tick_lot, self.cash_tick_lot = np.zeros(by_group, np.int64), np.zeros(by_group, np.int64)  # changes in the bar
        self.fees_cash = np.zeros(by_group)
        self.position_lot = np.zeros((n_bars, n_groups, n_symbols), np.int64)
        self.last_order_ns = np.zeros(n_agents, np.int64)
        self.agent_cash_tick_lot = np.zeros(n_agents, np.int64)
        self.agent_position_lot = np.zeros((n_agents, n_symbols), np.int64)
        self.n_refused = np.zeros((n_groups, max(Reason) + 1), np.int64)  # messages, by group and reason
        self.n_crossed = 0
        self.n_messages = self.n_events = self.n_quotes = 0
        self._quote = np.zeros(n_books, QUOTE)  # each book's latest
        self._phases = [_Phases() for _ in range(n_books)]
        self._open_ns = np.array([s.open_ns for s in sessions])
        self._last_ns = np.array([s.last_ns for s in sessions])

    def __call__(self, handed: Handed) -> None:
        """Add what has happened."""
        self.n_messages += len(handed.orders)
        self.n_events += len(handed.tape.events)
        self.n_quotes += len(handed.quotes)
        self._add_orders(handed.orders)
        self._add_trades(handed.tape.trades)
        self._note_phases(handed.tape.events)
        self._add_refusals(handed.tape.events)
        self._add_quotes(handed.quotes)

    def finish(self, end_ns: int) -> None:
        """Let the last quote of every book stand until the end."""
        for book in range(len(self._quote)):
            self._add_quotes_of(book, np.zeros(0, QUOTE), end_ns)

    def _add_orders(self, rows: npt.NDArray[np.void]) -> None:
        rows = rows[rows["kind"] < Kind.PHASE]
        owner, bar = rows["owner_id"].astype(np.int64), self.clock.bar_of(rows["time_ns"])
        is_new = rows["kind"] < Kind.CANCEL
        np.add.at(self.n_new, (bar[is_new], self._group[owner[is_new]]), 1)
        np.add.at(self.n_cancels, (bar[~is_new], self._group[owner[~is_new]]), 1)
        np.maximum.at(self.last_order_ns, owner[is_new], rows["time_ns"][is_new])

    def _add_trades(self, t: npt.NDArray[np.void]) -> None:
        if not len(t):
            return
        bar, book = self.clock.bar_of(t["time_ns"]), t["venue"].astype(np.int64) * self.n_symbols + t["symbol"]
        tick, lot = t["price_tick"], t["qty_lot"]
        first = _first_rows(bar * self.n_trades.shape[1] + book)
        first = first[self.n_trades[bar[first], book[first]] == 0]
        for table in (self.first_tick, self.high_tick, self.low_tick):
            table[bar[first], book[first]] = tick[first]
        np.maximum.at(self.high_tick, (bar, book), tick)
        np.minimum.at(self.low_tick, (bar, book), tick)
        last = _last_rows(bar * self.n_trades.shape[1] + book)
        self.last_tick[bar[last], book[last]] = tick[last]
        last = _last_rows(bar * self.n_symbols + t["symbol"])
        self.mark_tick[bar[last], t["symbol"][last]] = tick[last]
        np.add.at(self.volume_lot, (bar, book), lot)
        np.add.at(self.n_trades, (bar, book), 1)
        # In an auction the buyer stands as the taker; nobody takes there, and both sides are counted as makers.
        taker_side = np.where(t["aggressor"] == 0, 1, t["aggressor"]).astype(np.int64)
        in_auction = t["aggressor"] == 0
        for owner, side, fee, takes in (
            (t["taker_owner"].astype(np.int64), taker_side, t["taker_fee"], ~in_auction),
            (t["maker_owner"].astype(np.int64), -taker_side, t["maker_fee"], np.zeros(len(t), np.bool_)),
        ):
            group = self._group[owner]
            np.add.at(self.n_fills, (bar, group), 1)
            np.add.at(self.taker_lot, (bar[takes], group[takes]), lot[takes])
            np.add.at(self.maker_lot, (bar[~takes], group[~takes]), lot[~takes])
            np.add.at(self.turnover_tick_lot, (bar, group), tick * lot)
            np.add.at(self.cash_tick_lot, (bar, group), -side * tick * lot)
            np.add.at(self.fees_cash, (bar, group), fee)
            np.add.at(self.position_lot, (bar, group, t["symbol"]), side * lot)
            np.add.at(self.agent_cash_tick_lot, owner, -side * tick * lot)
            np.add.at(self.agent_position_lot, (owner, t["symbol"]), side * lot)

    def _add_refusals(self, events: npt.NDArray[np.void]) -> None:
        refused = events[events["kind"] == EventKind.REJECTED]
        np.add.at(self.n_refused, (self._group[refused["owner_id"]], refused["reason"]), 1)

    def _note_phases(self, events: npt.NDArray[np.void]) -> None:
        for event in events[events["kind"] == EventKind.PHASE]:
            self._phases[int(event["venue"]) * self.n_symbols + int(event["symbol"])].note(int(event["time_ns"]), int(event["qty_lot"]))

    def _add_quotes(self, quotes: npt.NDArray[np.void]) -> None:
        book = quotes["venue"].astype(np.int64) * self.n_symbols + quotes["symbol"]
        for which in np.unique(book):
            rows = quotes[book == which]
            self._add_quotes_of(int(which), rows, int(rows["time_ns"][-1]))

    def _add_quotes_of(self, book: int, rows: npt.NDArray[np.void], until_ns: int) -> None:
        """Add the time from a book's latest quote until now; every quote stands until the next one, bars are cut at their ends."""
        quotes = np.concatenate([self._quote[book : book + 1], rows])
        since_ns = quotes["time_ns"]
        close_ns = self.clock.close_ns
        ends = close_ns[np.searchsorted(close_ns, since_ns[0], side="right") : np.searchsorted(close_ns, until_ns, side="right")]
        starts = self.clock.open_ns[self.clock.first_of_session]
        starts = starts[(starts > since_ns[0]) & (starts <= until_ns)]
        phases = self._phases[book]
        edges = np.unique(np.concatenate([since_ns, ends, starts, phases.since(int(since_ns[0]), until_ns), [until_ns]]))
        standing = np.searchsorted(since_ns, edges[:-1], side="right") - 1
        lasted = np.diff(edges)
        q = quotes[standing]
        two_sided = (q["bid_lot"] > 0) & (q["ask_lot"] > 0)
        in_session = np.searchsorted(self._open_ns, edges[:-1], side="right") - 1
        trading = (in_session >= 0) & (edges[:-1] < self._last_ns[np.maximum(in_session, 0)]) & phases.continuous(edges[:-1])
        self.n_crossed += int(np.count_nonzero(trading & two_sided & (q["bid_tick"] >= q["ask_tick"])))
        counts = trading & two_sided
        bar = self.clock.bar_of(edges[:-1][counts])
        q, lasted = q[counts], lasted[counts]
        np.add.at(self.quoted_ns[:, book], bar, lasted)
        np.add.at(self.spread_integral[:, book], bar, (q["ask_tick"] - q["bid_tick"]) * lasted.astype(np.float64))
        np.add.at(self.touch_integral[:, book], bar, (q["bid_lot"] + q["ask_lot"]) / 2 * lasted)
        at_end = quotes[np.searchsorted(since_ns, ends, side="right") - 1]
        known = (at_end["bid_lot"] > 0) & (at_end["ask_lot"] > 0)
        bars_ended = np.searchsorted(close_ns, ends[known])
        self.mid_tick[bars_ended, book] = (at_end["bid_tick"][known] + at_end["ask_tick"][known]) / 2
        self._quote[book] = quotes[-1]
        self._quote[book]["time_ns"] = until_ns
        phases.forget(until_ns)


def _first_rows(keys: IntArray) -> IntArray:
    """Return the row in which each key comes first."""
    return np.unique(keys, return_index=True)[1]


def _last_rows(keys: IntArray) -> IntArray:
    """Return the row in which each key comes last."""
    return len(keys) - 1 - _first_rows(keys[::-1])


class _Phases:
    """The phases of one book that still matter, by the time they began; a book begins in continuous trading."""

    def __init__(self) -> None:
        self._times, self._phases = [-(2**62)], [int(Phase.CONTINUOUS)]

    def note(self, time_ns: int, phase: int) -> None:
        self._times.append(time_ns)
        self._phases.append(phase)

    def since(self, after_ns: int, until_ns: int) -> IntArray:
        times = np.array(self._times, np.int64)
        return times[(times > after_ns) & (times <= until_ns)]

    def continuous(self, time_ns: IntArray) -> npt.NDArray[np.bool_]:
        place = np.searchsorted(np.array(self._times, np.int64), time_ns, side="right") - 1
        return np.asarray(np.array(self._phases)[place] == Phase.CONTINUOUS)

    def forget(self, before_ns: int) -> None:
        keep = max(0, int(np.searchsorted(np.array(self._times, np.int64), before_ns, side="right")) - 1)
        del self._times[:keep], self._phases[:keep]
