"""The memory of a simulated market: the header, tables and logs that the compiled loop works on, filled from a setting and its members."""

from __future__ import annotations

import ctypes
import hashlib
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from marketsim.agents.compiled import CompiledAgent, machine_code, parameter_records
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import machine_address
from marketsim.kernel.exchange_loop import run as run_exchange
from marketsim.kernel.simulation import world as w
from marketsim.markets.simulated.setting import NO_LIMIT, Capture, Latency, Member, Setting
from marketsim.records import DEPTH, MESSAGE

# Words of the AGENT record, and where a Member has them.
COPIED = {
    "symbol": "symbol", "venue": "venue", "cash_tick_lot": "cash_tick_lot", "lowest_cash_tick_lot": "lowest_cash_tick_lot",
    "largest_position_lot": "largest_position_lot", "muted": "muted", "hears_fills": "hears_fills", "wants_reports": "reports",
    "data_latency_ns": "latency.data_ns",
    "order_latency_ns": "latency.order_ns", "computation_ns": "latency.computation_ns",
}  # fmt: skip
_copied = operator.attrgetter(*COPIED.values())


def stream_starts(seed: int, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return where agents' two random streams begin, (n, 2): they follow from the seed and each agent's name alone."""
    digests = b"".join([hashlib.sha256(f"{seed}\n{name}".encode()).digest()[:16] for name in names])
    return np.frombuffer(digests, "<i8").reshape(-1, 2)


class WorldMemory:
    """Everything of one simulation whose addresses the compiled loop has; it must live as long as that.

    Attributes
    ----------
    header : (1,) WORLD.
    agents : (n_agents,) AGENT; number 0 is whoever else trades.
    holdings : (n_agents, n_symbols) int64, lots.
    desks : (n_venues,) DESK.
    shown : (1,) SHOWN, what an agent in Python is shown in its turn.
    """

    def __init__(self, setting: Setting, members: Sequence[Member], seed: int, capture: Capture, engine: int) -> None:
        self._members = members
        n_symbols, n_sessions, n_points = setting.fundamental.shape
        n_venues, n_agents = len(setting.rules), len(members) + 1
        self.header = np.zeros(1, w.WORLD)
        self._keep: list[npt.NDArray[Any]] = []
        h = self.header[0]
        self.agents = self._table(n_agents, w.AGENT)
        self.holdings = self._table((n_agents, n_symbols), np.dtype(np.int64))
        self.desks = self._table(n_venues, w.DESK)
        self.desks["latency_ns"], self.desks["processing_ns"] = setting.venue_latency_ns, setting.venue_processing_ns
        sessions = self._table(n_sessions, w.SESSION)
        for row, (start, stop) in zip(sessions, setting.sessions, strict=True):
            row["start_ns"], row["end_ns"] = start, stop
        values = np.ascontiguousarray(setting.fundamental, np.float64)
        self._keep.append(values)
        activity = np.ones((n_symbols, n_sessions)) if setting.activity is None else np.ascontiguousarray(setting.activity, np.float64)
        self._keep.append(activity)
        paths = self._table(n_symbols, w.PATH)
        for k in range(n_symbols):
            place, busy = values.ctypes.data + k * n_sessions * n_points * 8, activity.ctypes.data + k * n_sessions * 8
            paths[k] = (place, n_points, setting.fundamental_step_ns, busy)
        news = self._table(len(setting.news), w.NEWS_ITEM)
        for row, item in zip(news, setting.news, strict=True):
            row["time_ns"], row["symbol"], row["code"], row["size"] = item.time_ns, item.symbol, item.code, item.size
        marks = self._table(n_symbols, np.dtype(np.int64))
        marks[:] = NO_PRICE
        levels = max(1, capture.depth_levels)
        tables = {
            "agents": self.agents, "holdings": self.holdings, "desks": self.desks, "sessions": sessions, "paths": paths, "news": news,
            "marks": marks, "volumes": self._table(n_symbols, np.dtype(np.int64)),
            "taken": self._table(n_symbols, w.TAKEN), "taken_before": self._table(n_symbols * w.N_SECONDS, w.TAKEN_BEFORE),
            "channels": self._table((n_agents, n_venues), np.dtype(np.int64)),
            "touches": self._table(n_venues * n_symbols, w.QUOTE), "scratch": self._table(levels, DEPTH),
        }  # fmt: skip
        for name, table in tables.items():
            h[name] = table.ctypes.data
        h["n_agents"], h["n_symbols"], h["n_venues"] = n_agents, n_symbols, n_venues
        h["n_sessions"], h["n_news"] = n_sessions, len(news)
        h["engine"] = engine
        h["exchange_code"] = machine_address(run_exchange, types.int64)
        h["item_capacity"], h["letter_capacity"] = 4 * n_agents + 1024, 1024
        h["now_ns"], h["until_ns"] = setting.sessions[0][0], setting.sessions[-1][1]
        h["n_reporters"] = sum(member.reports for member in members)
        self.shown = self._table(1, w.SHOWN)
        h["shown"] = self.shown.ctypes.data
        self._logs = self._make_logs(capture, n_venues * n_symbols, n_agents * n_symbols)
        self._enlist(seed)

    def taken_rows(self) -> list[npt.NDArray[Any]]:
        """Return what the logs hold, in the order of `Handed`, and empty them."""
        rows = []
        for which in (w.ORDERS, w.QUOTES, w.DEPTHS, w.ACCOUNTS):
            rows.append(self._log_rows[which][: int(self._logs[which]["n"])].copy())
            self._logs[which]["n"] = 0
        self.header["trades_seen"] = self.header["events_seen"] = 0
        return rows

    def reports(self) -> npt.NDArray[np.void]:
        """Return what has happened since the last call to the orders of members with ``reports``, (n,) REPORT, oldest first."""
        header = self.header[0]
        n = int(header["n_reports"])
        rows = np.zeros(n, w.REPORT)
        if n > 0:
            ctypes.memmove(rows.ctypes.data, int(header["reports"]), rows.nbytes)
            header["n_reports"] = 0
        return rows

    def _table(self, shape: int | tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        table = np.zeros(shape, dtype)
        self._keep.append(table)
        return table

    def _make_logs(self, capture: Capture, n_books: int, n_accounts: int) -> npt.NDArray[np.void]:
        h = self.header[0]
        h["tape_rows"] = capture.rows
        h["n_depth"] = capture.depth_levels
        h["depth_every_ns"] = capture.depth_every_ns if capture.depth_levels else 0
        h["accounts_every_ns"] = capture.accounts_every_ns
        logs = self._table(w.N_LOGS, w.LOG)
        n_depths = n_books * capture.depth_levels
        rooms = {
            w.ORDERS: (capture.orders, 2, MESSAGE), w.QUOTES: (capture.quotes, 2 * n_books, w.QUOTE),
            w.DEPTHS: (n_depths > 0, n_depths, w.DEPTH_SAMPLE), w.ACCOUNTS: (capture.accounts_every_ns > 0, n_accounts, w.ACCOUNT_SAMPLE),
        }  # fmt: skip
        self._log_rows: dict[int, npt.NDArray[np.void]] = {}
        for which, (wanted, at_once, dtype) in rooms.items():
            table = self._table(max(capture.rows, at_once) if wanted else 0, dtype)
            self._log_rows[which] = table
            logs[which] = (table.ctypes.data, 0, len(table))
        h["logs"] = logs.ctypes.data
        return logs

    def _enlist(self, seed: int) -> None:
        everybody, people = self.agents, self.agents[1:]
        everybody["number"] = np.arange(len(everybody))
        everybody["lowest_cash_tick_lot"], everybody["largest_position_lot"] = -NO_LIMIT, NO_LIMIT
        # A table at a time: populations are large, and threads that simulate wait for each other here.
        people["stream"], people["delay_stream"] = stream_starts(seed, [member.name for member in self._members]).T
        table = np.array([_copied(member) for member in self._members], np.int64).reshape(-1, len(COPIED))
        for k, name in enumerate(COPIED):
            people[name] = table[:, k]
        numbers: dict[CompiledAgent, list[int]] = {}
        for number, member in enumerate(self._members, start=1):
            if member.position_lot:
                self.holdings[number, : len(member.position_lot)] = member.position_lot
            if member.latency.jitter is not None:
                self._set_jitter(everybody[number], member.latency)
            if member.agent is not None and member.params is not None:
                numbers.setdefault(member.agent, []).append(number)
        for agent, of_kind in numbers.items():
            self._give_steps(agent, np.array(of_kind))

    def _give_steps(self, agent: CompiledAgent, numbers: npt.NDArray[np.int64]) -> None:
        """Let the agents of one kind have their machine code, their parameters and their states."""
        parameters = parameter_records(agent, [self._members[number - 1].params for number in numbers])
        states = self._table(len(numbers), agent.state)
        self._keep.append(parameters)
        self.agents["step"][numbers] = machine_code(agent)
        self.agents["parameters"][numbers] = parameters.ctypes.data + np.arange(len(numbers)) * parameters.itemsize
        self.agents["state"][numbers] = states.ctypes.data + np.arange(len(numbers)) * states.itemsize
        self.agents["hears_fills"][numbers], self.agents["hears_news"][numbers] = agent.hears_fills, agent.hears_news

    def _set_jitter(self, row: np.void, latency: Latency) -> None:
        if latency.jitter is None:
            return
        if latency.jitter[0] == "log_normal":
            row["jitter"], row["jitter_log_mean"], row["jitter_log_sd"] = w.LOG_NORMAL, latency.jitter[1], latency.jitter[2]
        else:
            delays = np.array(latency.jitter[1], np.int64)
            self._keep.append(delays)
            row["jitter"], row["jitter_table"], row["n_jitter"] = w.EMPIRICAL, delays.ctypes.data, len(delays)
