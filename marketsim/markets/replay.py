"""The replay market: one account inside a recorded order flow, at its true place in the queue.

The recorded flow does not react to the account; `marketsim.kernel.recorded_market` has the rules, docs/concepts/replay.md examples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import Strategy
from marketsim.errors import ConfigError
from marketsim.kernel.bar_fills import close_bar
from marketsim.kernel.recorded_book import empty_book
from marketsim.kernel.recorded_market import FULL, advance
from marketsim.markets.account_run import AccountRun, AccountTrace
from marketsim.markets.desk import Desk, grown, priced
from marketsim.markets.panel import Panel
from marketsim.markets.recorded_bars import recorded_bars
from marketsim.recorded import CLOCK, COUNTS, NO_PRICE, OWN, REQUEST, Queue
from marketsim.records import COSTS, Reason, Status
from marketsim.replay.stream import Stream, per_unit

QUEUES = {"at_back": Queue.AT_BACK, "pro_rata": Queue.PRO_RATA}


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What the market model assumes of an account that was not there."""

    data_latency_ns: int = 0  # from an event to the strategy that sees it
    order_latency_ns: int = 0  # from the strategy to the market, orders and cancels alike
    queue: Literal["at_back", "pro_rata"] = "at_back"  # where decreases of levels without order ids strike

    def __post_init__(self) -> None:
        """Refuse what the market cannot honour."""
        for name in ("data_latency_ns", "order_latency_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}: {getattr(self, name)} is negative; a message cannot arrive before it is sent.")
        if self.queue not in QUEUES:
            raise ConfigError(f"queue: {self.queue!r} is not known; use one of {', '.join(QUEUES)}.")


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """A recording and the bars a strategy wakes by; one serves every account of a run."""

    stream: Stream
    panel: Panel

    @classmethod
    def of(cls, stream: Stream, interval_ns: int, prices: Literal["trades", "mids"] = "trades") -> RecordedMarket:
        """Cut a stream into bars; see `recorded_bars`."""
        return cls(stream, recorded_bars(stream, interval_ns, prices))


@dataclass(frozen=True, slots=True)
class ReplayAccount:
    """A cash account; spread and impact are paid in the recorded book, so only commission is a setting."""

    cash: float = 1_000_000.0  # currency
    max_leverage: float = 1.0  # gross exposure allowed, multiples of equity
    lot_size: float = 1.0  # shares or coins
    allow_short: bool = True
    fee_per_share: float = 0.0  # currency
    fee_notional_frac: float = 0.0
    fee_minimum: float = 0.0  # currency an order that trades

    @property
    def costs(self) -> npt.NDArray[np.void]:
        """The (1,) COSTS record of this account."""
        row = np.zeros(1, COSTS)
        for name in ("max_leverage", "lot_size", "allow_short", "fee_per_share", "fee_notional_frac", "fee_minimum"):
            row[name] = getattr(self, name)
        row["participation_cap"] = np.inf
        return row


def run_replay(
    name: str,
    strategy: Strategy,
    market: RecordedMarket,
    rules: ReplayRules,
    account: ReplayAccount,
    on_bar: Callable[[int], None] = lambda _: None,
) -> AccountRun:
    """Let one strategy trade in a recorded market.

    Parameters
    ----------
    name : the agent's, for messages.
    strategy : woken after every bar of ``market.panel``.
    market : the recording and its bars.
    rules : latencies and the queue assumption.
    account : starting cash, limits and commission.
    on_bar : hears the number of bars played.

    Returns
    -------
    AccountRun
        The same arrays as the bars market's. A taker's reference price is the mid when its order arrived; spread cost leads from there to
        the touch, impact cost from the touch to the price paid. Reference and price of a maker are the same.

    Raises
    ------
    ConfigError
        The account's lot is not a whole number of the recording's.
    StrategyError
        The strategy raised or returned nonsense.
    """
    return _ReplayRunner(name, strategy, market, rules, account).run(on_bar)


class _ReplayRunner(Desk):
    """One agent in the recorded market; `run` plays the recording once."""

    def __init__(self, name: str, strategy: Strategy, market: RecordedMarket, rules: ReplayRules, account: ReplayAccount) -> None:
        super().__init__(name, strategy, market.panel, account.cash, account.costs)
        stream = market.stream
        self._events, self._rules = stream.events, rules
        self._ticks, self._lots = per_unit(stream.tick_size), per_unit(stream.lot_size)
        for symbol, lots in zip(stream.symbols, self._lots * self._lot_size, strict=True):
            if abs(lots - round(lots)) > 1e-6 or round(lots) < 1:
                raise ConfigError(
                    f"lot_size: {self._lot_size:g} is not a whole number of {symbol}'s recorded lots; use a multiple of them."
                )
        n_symbols = len(stream.symbols)
        self._book = empty_book(stream.events, n_symbols)
        self._counts, self._halted = np.zeros(1, COUNTS), np.zeros(n_symbols, np.int8)
        self._clock = np.zeros(1, CLOCK)
        self._clock["queue"] = QUEUES[rules.queue]
        self._requests, self._own = np.zeros(1024, REQUEST), np.zeros(1024, OWN)
        self._last_tick = np.full(n_symbols, NO_PRICE, np.int64)

    def run(self, on_bar: Callable[[int], None]) -> AccountRun:
        """Play the recording; ``on_bar`` hears the number of bars played."""
        panel = self._panel
        trace = AccountTrace(panel.n_bars, len(panel.symbols))
        session_end, flattened = panel.session_end, False
        for bar in range(panel.n_bars):
            heard = int(self._account["n_fills"][0])
            self._account["turnover"] = self._account["fees"] = 0.0
            self._clock["bar"] = bar
            self._advance(int(panel.close_ns[bar]) - 1)
            self._history.append()
            close_bar(bar, panel.close_ns[bar], panel.close, session_end[bar], self._book_of_account(), self._orders, self._live)
            if not self._account["closed"][0]:
                self._wake(heard)
            elif not flattened or (np.any(self._position != 0.0) and not self._account["n_live"][0]):
                self._liquidate(int(panel.close_ns[bar]))
                flattened = True
            trace.note(bar, self._position, self._mark, self._account)
            on_bar(bar + 1)
        self._end_run(int(panel.close_ns[-1]))
        return self._run_of(trace)

    def _advance(self, until_ns: int) -> None:
        while True:
            grid = (self._ticks, self._lots, self._last_tick)
            desk = (self._account, self._costs, self._position, self._mark, self._orders, self._fills, self._own)
            code = advance(until_ns, self._events, self._clock, self._book, self._counts, self._halted, self._requests, grid, desk)
            if code != FULL:
                return
            self._fills = grown(self._fills, len(self._fills) + 1)

    def _enter(self, rows: npt.NDArray[np.void]) -> None:
        """Number new orders as the desk does, refuse prices off the recorded grid, and send the rest on their way."""
        first = int(self._account["n_orders"][0])
        super()._enter(rows)
        new = self._orders[first : int(self._account["n_orders"][0])]
        for carries, name in zip(priced(new["kind"]), ("limit_price", "stop_price"), strict=True):
            with np.errstate(invalid="ignore"):
                ticks = new[name] * self._ticks[new["symbol"]]
                off = carries & (new["status"] == Status.OPEN) & (np.abs(ticks - np.round(ticks)) > 1e-6 + 1e-15 * ticks)
            new["status"][off], new["reason"][off], new["ended_ns"][off] = Status.REJECTED, Reason.BAD_PRICE, self._view.time_ns
        for order in first + np.flatnonzero(new["status"] == Status.OPEN):
            self._send(int(order), cancels=False)

    def _cancel(self, order_id: int) -> None:
        """Send a cancel after its order; it comes too late for what has filled by then."""
        self._know(order_id)
        self._send(order_id, cancels=True)

    def _send(self, order: int, *, cancels: bool) -> None:
        n_requests = int(self._clock["n_requests"][0])
        if n_requests == len(self._requests):
            self._requests, self._own = grown(self._requests, n_requests + 1), grown(self._own, n_requests + 1)
        delay = self._rules.data_latency_ns + self._rules.order_latency_ns
        self._requests[n_requests] = (self._view.time_ns + delay, order, cancels)
        self._clock["n_requests"] = n_requests + 1
