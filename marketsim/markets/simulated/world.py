"""A simulated market: a population of agents, an exchange, and the compiled loop that lets time pass between them."""

from __future__ import annotations

import ctypes
import hashlib
import operator
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import types

from marketsim.agents.compiled import AgentParams, CompiledAgent, machine_code, parameter_records
from marketsim.errors import ConfigError, StrategyError
from marketsim.exchange import Exchange
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import machine_address
from marketsim.kernel.exceptions import raised_exception
from marketsim.kernel.exchange_loop import run as run_exchange
from marketsim.kernel.simulation import world as w
from marketsim.kernel.simulation.loop import act, begin, end, schedule, simulate
from marketsim.markets.simulated.watchdog import Stage, TurnTakesTooLong, Watchdog
from marketsim.records import DEPTH, MESSAGE
from marketsim.tape import Tape
from marketsim.venue_rules import VenueRules

NO_LIMIT = w.MOST_COUNTED
TURN_AGENT = (w.WORLD.names or ()).index("turn_agent")  # the header's word that says whose turn it is; all before it are words too
FAULTS = {
    w.RAISED: "its step raised an error",
    w.TOO_MANY_MESSAGES: "it sent more than 10,000 messages in one turn",
    w.OVER_POSITION_LIMIT: "its position went beyond its limit",
    w.OVER_CASH_LIMIT: "its cash fell below its limit",
    w.NO_SUCH_MARKET: "it sent a message to a symbol or venue that is not there",
    w.TOO_MANY_TURNS: "it took more than 10,000 turns without letting time pass",
    w.BEYOND_COUNTING: "one of its trades, or its account, is too large to be counted exactly",
    w.ORDER_OF_ANOTHER: "it asked to cancel or change an order that is not its own",
    w.ONLY_FROM_OUTSIDE: "it sent a message that only the venue itself may send, such as a change of phase",
    w.SELF_TRADES_PREVENTED: "it stands for many who trade with one another, but its venue prevents self-trades (set self_trade to none)",
}


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


class World:
    """One simulation, run once.

    Parameters
    ----------
    setting : sessions, venues, fundamentals, messages and news from outside
    members : the population; member k has the number k + 1, 0 is whoever else trades
    seed : of all random streams
    capture : what is written down
    progress : told when something has to be compiled

    Raises
    ------
    ConfigError
        Names are not unique, or an agent does not compile.
    """

    def __init__(
        self,
        setting: Setting,
        members: Sequence[Member],
        seed: int,
        capture: Capture | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        names = [member.name for member in members]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ConfigError(f"population: the name {twice[0]} is there twice; names key the random streams and must be unique.")
        self.members = tuple(members)
        self.setting = setting
        n_symbols, n_sessions, n_points = setting.fundamental.shape
        n_venues, n_agents = len(setting.rules), len(members) + 1
        self.exchange = Exchange(setting.rules, symbols=n_symbols, progress=progress)
        self._header = np.zeros(1, w.WORLD)
        self._capture = capture or Capture()
        self._keep: list[npt.NDArray[Any]] = []
        h = self._header[0]
        self.agents = self._table(n_agents, w.AGENT)
        self.holdings = self._table((n_agents, n_symbols), np.dtype(np.int64))
        self.desks = self._table(n_venues, w.DESK)
        self._fill_desks()
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
        levels = max(1, self._capture.depth_levels)
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
        h["engine"] = self.exchange.address
        h["exchange_code"] = machine_address(run_exchange, types.int64)
        h["item_capacity"], h["letter_capacity"] = 4 * n_agents + 1024, 1024
        h["now_ns"], h["until_ns"] = setting.sessions[0][0], setting.sessions[-1][1]
        h["n_reporters"] = sum(member.reports for member in members)
        self.shown = self._table(1, w.SHOWN)
        h["shown"] = self.shown.ctypes.data
        self._logs = self._make_logs(n_venues * n_symbols, n_agents * n_symbols)
        self._enlist(seed)
        self._address = self._header.ctypes.data
        self.words = self._header.data.cast("B").cast("q")
        self.stage = Stage.OUTSIDE
        begin(self._address)
        weakref.finalize(self, _release, self._header)
        rows = np.ascontiguousarray(setting.messages)
        schedule(self._address, rows.ctypes.data, len(rows))

    def run(
        self,
        hand_over: Callable[[Handed], None] = lambda _: None,
        take_turn: Callable[[World, int], None] | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        """Let all time pass.

        Parameters
        ----------
        hand_over : gets what has happened, in parts, the last one at the end
        take_turn : takes the turn of an agent in Python, given its number; ends it with `act`
        watchdog : ends a turn that takes too long; None for none

        Raises
        ------
        StrategyError
            An agent raised, hung or broke a limit; the message names it, the time and the reason. The exchange is consistent then: every
            message was processed wholly or not at all.
        """
        if watchdog is None:
            self._run(hand_over, take_turn)
            return
        with watchdog.watching(self):
            try:
                self._run(hand_over, take_turn)
            except TurnTakesTooLong:
                raise StrategyError(self.accusation(f"its turn takes longer than {watchdog.limit_s:g} s")) from None

    def _run(self, hand_over: Callable[[Handed], None], take_turn: Callable[[World, int], None] | None) -> None:
        words, turn_agent = self.words, TURN_AGENT
        compiled, python = Stage.COMPILED, Stage.PYTHON  # looked up once: a turn in Python is a matter of microseconds
        while True:
            self.stage = compiled
            code = simulate(self._address)
            if code == w.PYTHON_TURN:
                if take_turn is None:
                    raise ConfigError("the population has agents in Python, but nobody takes their turns")
                self.stage = python
                take_turn(self, words[turn_agent])
                continue
            self.stage = Stage.OUTSIDE
            if code == w.FAULT:
                raise StrategyError(self._fault())
            hand_over(self._hand_over())
            if code == w.FINISHED:
                return

    def act(self, messages: npt.NDArray[np.void], wake_ns: int = 0) -> int:
        """End the turn of an agent in Python: send (n,) MESSAGE in its name, and wake it at a time of its own clock.

        Returns
        -------
        int
            order_id of the first new order; further ones count up from it.
        """
        return int(act(self._address, messages.ctypes.data, len(messages), wake_ns))

    def reports(self) -> npt.NDArray[np.void]:
        """Return what has happened since the last call to the orders of members with ``reports``, (n,) REPORT, oldest first."""
        header = self._header[0]
        n = int(header["n_reports"])
        rows = np.zeros(n, w.REPORT)
        if n > 0:
            ctypes.memmove(rows.ctypes.data, int(header["reports"]), rows.nbytes)
            header["n_reports"] = 0
        return rows

    @property
    def address(self) -> int:
        """Where the header lies, for compiled code."""
        return int(self._address)

    @property
    def header(self) -> np.void:
        """The compiled loop's header, a WORLD record: counters and the clock."""
        record: np.void = self._header[0]
        return record

    def _table(self, shape: int | tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        table = np.zeros(shape, dtype)
        self._keep.append(table)
        return table

    def _fill_desks(self) -> None:
        self.desks["latency_ns"] = self.setting.venue_latency_ns
        self.desks["processing_ns"] = self.setting.venue_processing_ns

    def _make_logs(self, n_books: int, n_accounts: int) -> npt.NDArray[np.void]:
        capture, h = self._capture, self._header[0]
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
        people["stream"], people["delay_stream"] = stream_starts(seed, [member.name for member in self.members]).T
        table = np.array([_copied(member) for member in self.members], np.int64).reshape(-1, len(COPIED))
        for k, name in enumerate(COPIED):
            people[name] = table[:, k]
        numbers: dict[CompiledAgent, list[int]] = {}
        for number, member in enumerate(self.members, start=1):
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
        parameters = parameter_records(agent, [self.members[number - 1].params for number in numbers])
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

    def _hand_over(self) -> Handed:
        rows = []
        for which in (w.ORDERS, w.QUOTES, w.DEPTHS, w.ACCOUNTS):
            rows.append(self._log_rows[which][: int(self._logs[which]["n"])].copy())
            self._logs[which]["n"] = 0
        tape = self.exchange.take()
        self._header["trades_seen"] = self._header["events_seen"] = 0
        return Handed(tape, *rows)

    def _fault(self) -> str:
        number, fault = int(self._header["fault_agent"][0]), int(self._header["fault"][0])
        what = FAULTS[fault]
        if fault == w.RAISED:
            told = raised_exception(int(self._header["fault_exception"][0]))
            what = f"its step raised {told}" if told else what
        return self.accusation(what, number)

    def accusation(self, what: str, number: int | None = None) -> str:
        """Return a sentence that says what an agent did, by default the one whose turn it is, and when."""
        number = int(self.words[TURN_AGENT]) if number is None else number
        name = self.members[number - 1].name if number > 0 else "outside"
        when = np.datetime64(int(self.agents[number]["now_ns"]), "ns")
        return f"agent {name} at {when}Z: {what}; correct the agent or its limits."


def _release(header: npt.NDArray[np.void]) -> None:
    end(header.ctypes.data)
