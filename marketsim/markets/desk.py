"""One agent's desk in a recorded market: it wakes the strategy, takes its orders, and keeps its account's buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import MarketView, Strategy
from marketsim.errors import MarketsimError, StrategyError
from marketsim.markets.account_run import AccountRun, AccountTrace
from marketsim.markets.bars_view import BarHistory, BarsView
from marketsim.markets.panel import Panel
from marketsim.records import ACCOUNT, FILL, ORDER, Cancel, Fill, Kind, Order, Reason, Side, Status, Tif

Answer: TypeAlias = Iterable[Order | Cancel] | npt.NDArray[np.void] | None


class Desk:
    """The account, the order and fill buffers and the view of one agent; a market's runner adds how time passes and orders fill."""

    def __init__(self, name: str, strategy: Strategy, panel: Panel, cash: float, costs: npt.NDArray[np.void]) -> None:
        self._name, self._strategy, self._panel = name, strategy, panel
        self._hears_fills = type(strategy).on_fill is not Strategy.on_fill
        n_symbols = len(panel.symbols)
        self._column = {symbol: i for i, symbol in enumerate(panel.symbols)}
        self._account = np.zeros(1, ACCOUNT)
        self._account["cash"] = self._account["equity"] = cash
        self._costs = costs
        self._lot_size = float(costs["lot_size"][0])
        self._position, self._mark = np.zeros(n_symbols), np.full(n_symbols, np.nan)
        self._taken_buy, self._taken_sell = np.zeros(n_symbols), np.zeros(n_symbols)
        self._orders, self._fills = np.zeros(1024, ORDER), np.zeros(1024, FILL)
        self._live = np.zeros(1024, np.int64)
        self._history = BarHistory(panel)
        self._view = BarsView(self._history, panel, self._lot_size, self._account)
        self._attach()

    def _wake(self, heard: int) -> None:
        """Tell the strategy its fills, ask it for orders, and enter them."""
        self._ask(heard, self._strategy.on_wake)

    def _ask(self, heard: int, look: Callable[[MarketView], Answer]) -> None:
        """Let the strategy look at the market in one of its ways."""
        try:
            if self._hears_fills:
                for row in self._fills[heard : int(self._account["n_fills"][0])]:
                    self._strategy.on_fill(self._as_fill(row), self._view)
            answer = look(self._view)
        except MarketsimError as error:
            raise StrategyError(f"agent {self._name} at {self._now()}: {error}") from error
        except Exception as error:
            raise StrategyError(
                f"agent {self._name} raised {type(error).__name__} at {self._now()}: {error}; correct the strategy."
            ) from error
        if answer is None:
            return
        if isinstance(answer, np.ndarray):
            if answer.dtype != ORDER:
                raise StrategyError(f"agent {self._name} at {self._now()} returned an array of {answer.dtype}, expected records.ORDER.")
            self._enter(answer)
        elif isinstance(answer, Iterable):
            for item in self._items(answer):
                self._take(item)
        else:
            raise StrategyError(f"agent {self._name} at {self._now()} returned {type(answer).__name__}, expected orders or None.")

    def _items(self, answer: Iterable[Any]) -> Iterator[Any]:
        """Yield what the strategy returned; a generator runs only now, and may raise like any other method."""
        try:
            yield from answer
        except MarketsimError as error:
            raise StrategyError(f"agent {self._name} at {self._now()}: {error}") from error
        except Exception as error:
            raise StrategyError(
                f"agent {self._name} raised {type(error).__name__} at {self._now()}: {error}; correct the strategy."
            ) from error

    def _take(self, item: Any) -> None:
        if isinstance(item, Cancel):
            self._cancel(item.order_id)
        elif isinstance(item, Order):
            if item.symbol not in self._column:
                known = ", ".join(self._panel.symbols[:10])
                raise StrategyError(
                    f"agent {self._name} at {self._now()} ordered {item.symbol!r}, which is not in the run; it has {known}."
                )
            row = np.zeros(1, ORDER)
            row["symbol"], row["side"], row["kind"], row["tif"] = self._column[item.symbol], item.side, item.kind, item.tif
            row["qty"], row["limit_price"], row["stop_price"] = item.qty, item.limit_price, item.stop_price
            self._enter_one(row, item)
        else:
            raise StrategyError(f"agent {self._name} at {self._now()} returned {item!r}, expected Order or Cancel.")

    def _enter_one(self, row: npt.NDArray[np.void], item: Order) -> None:
        """Enter an order that came as a record; what only a book can honour is refused."""
        self._enter(row)
        asked = (item.flags, Reason.BAD_FLAGS), (item.display_qty, Reason.BAD_DISPLAY), (item.min_qty, Reason.BAD_MINIMUM)
        reason = next((reason for value, reason in asked if value), None)
        order = self._orders[int(self._account["n_orders"][0]) - 1]
        if reason is not None and order["status"] == Status.OPEN:
            order["status"], order["reason"], order["ended_ns"] = Status.REJECTED, reason, self._view.time_ns

    def _enter(self, rows: npt.NDArray[np.void]) -> None:
        """Number new orders, refuse the impossible ones with a reason, and make the rest live."""
        me = self._account[0]
        first, count = int(me["n_orders"]), len(rows)
        self._reserve(count)
        new = self._orders[first : first + count]
        new[:] = rows
        now = self._view.time_ns
        new["order_id"] = np.arange(first, first + count)
        new["submitted_ns"] = now
        new["status"], new["reason"], new["ended_ns"] = Status.OPEN, Reason.NONE, 0
        new["filled_qty"] = new["fee"] = new["variable_fee"] = 0.0
        for bad, reason in self._faults(new):
            new["status"][bad], new["reason"][bad], new["ended_ns"][bad] = Status.REJECTED, reason, now
        alive = np.flatnonzero(new["status"] == Status.OPEN)
        n_live = int(me["n_live"])
        self._live[n_live : n_live + len(alive)] = first + alive
        me["n_live"], me["n_orders"] = n_live + len(alive), first + count

    def _faults(self, new: npt.NDArray[np.void]) -> list[tuple[npt.NDArray[np.bool_], Reason]]:
        """Return which new orders are impossible, and why; of several reasons the last one counts."""
        needs_limit, needs_stop = priced(new["kind"])
        bad_price = (needs_limit & ~positive(new["limit_price"])) | (needs_stop & ~positive(new["stop_price"]))
        # The exchange knows more kinds and times in force than this market can answer.
        bad_kind, bad_tif = new["kind"] > Kind.MARKET_ON_CLOSE, new["tif"] > Tif.DAY
        return [
            (bad_price, Reason.BAD_PRICE), (~self._whole_lots(new["qty"]), Reason.BAD_QUANTITY),
            (bad_kind, Reason.UNKNOWN_KIND), (bad_tif, Reason.BAD_TIF),
        ]  # fmt: skip

    def _whole_lots(self, qty: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        lots = qty / self._lot_size
        with np.errstate(invalid="ignore"):
            return np.asarray(positive(lots) & (np.abs(lots - np.round(lots)) <= 1e-6))

    def _know(self, order_id: int) -> None:
        """Make sure that an order is the agent's own."""
        if not 0 <= order_id < int(self._account["n_orders"][0]):
            raise StrategyError(f"agent {self._name} at {self._now()} cancelled order {order_id}, which it never sent.")

    def _cancel(self, order_id: int) -> None:
        self._know(order_id)
        order = self._orders[order_id]
        # Cancelling what has just filled is an everyday race, not a mistake.
        if order["status"] <= Status.TRIGGERED:
            order["status"], order["reason"], order["ended_ns"] = Status.CANCELLED, Reason.BY_STRATEGY, self._view.time_ns

    def _liquidate(self, now: int) -> None:
        """The account is worth nothing: withdraw its orders and send what closes its positions."""
        for index in self._live[: int(self._account["n_live"][0])]:
            order = self._orders[index]
            order["status"], order["reason"], order["ended_ns"] = Status.CANCELLED, Reason.ACCOUNT_CLOSED, now
        self._account["n_live"] = 0
        rows = self._view.orders_to(np.zeros(len(self._panel.symbols)))
        rows["qty"] = np.abs(self._position[rows["symbol"]])
        self._enter(rows)

    def _end_run(self, now: int) -> None:
        for index in self._live[: int(self._account["n_live"][0])]:
            order = self._orders[index]
            order["status"], order["reason"], order["ended_ns"] = Status.CANCELLED, Reason.END_OF_RUN, now

    def _run_of(self, trace: AccountTrace, first_bar: int = 0) -> AccountRun:
        """Return what the agent did from a bar on; it has traded nothing before."""
        n_orders, n_fills = int(self._account["n_orders"][0]), int(self._account["n_fills"][0])
        fills = self._fills[:n_fills]
        fills["bar"] -= first_bar
        return trace.run(self._orders[:n_orders], fills, first_bar)

    def _book_of_account(self) -> tuple[npt.NDArray[np.generic], ...]:
        """Return the account as compiled code takes it; buffers that grow are not part of it."""
        return (self._account, self._costs, self._position, self._mark, self._taken_buy, self._taken_sell)

    def _reserve(self, more_orders: int = 0) -> None:
        """Make room for new orders, and for every live order to fill at the open and at the close."""
        me = self._account[0]
        n_orders, n_live, n_fills = int(me["n_orders"]) + more_orders, int(me["n_live"]) + more_orders, int(me["n_fills"])
        if n_orders > len(self._orders) or n_live > len(self._live):
            self._orders = grown(self._orders, n_orders)
            self._live = grown(self._live, n_live)
            self._attach()
        if n_fills + 2 * n_live > len(self._fills):
            self._fills = grown(self._fills, n_fills + 2 * n_live)

    def _attach(self) -> None:
        self._view.attach(self._position, self._mark, self._orders, self._live)

    def _as_fill(self, row: npt.NDArray[np.void]) -> Fill:
        return Fill(
            order_id=int(row["order_id"]),
            symbol=self._panel.symbols[int(row["symbol"])],
            side=Side(int(row["side"])),
            qty=float(row["qty"]),
            price=float(row["price"]),
            fee=float(row["fee"]),
            time_ns=int(row["time_ns"]),
        )

    def _now(self) -> str:
        return f"{np.datetime64(self._view.time_ns, 'ns').astype('datetime64[s]')}Z"


def positive(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which numbers are finite and above zero."""
    return np.asarray(np.isfinite(values) & (values > 0.0))


def priced(kind: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which orders carry a limit price and which a stop price, by their kinds, (n_orders,) bool each."""
    either = kind == Kind.STOP_LIMIT
    return (kind == Kind.LIMIT) | either, (kind == Kind.STOP) | either


def grown(array: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    """Return a copy at least twice as long, with room for ``needed`` rows, the new ones zero."""
    larger = np.zeros(max(2 * len(array), needed), array.dtype)
    larger[: len(array)] = array
    return larger
