"""The bars market: one account against bars as they were. Trading never moves them, so every agent trades alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import Strategy
from marketsim.config import Account, Agent, RunSpec
from marketsim.errors import MarketsimError, StrategyError
from marketsim.kernel.bar_fills import close_bar, fill_at_close, open_bar
from marketsim.markets.bars_view import BarHistory, BarsView
from marketsim.markets.panel import FloatArray, Panel
from marketsim.records import ACCOUNT, COSTS, FILL, ORDER, Cancel, Fill, Kind, Order, Reason, Side, Status, Tif

NS_A_DAY = 86_400_000_000_000
PRICED_BY_LIMIT = (Kind.LIMIT, Kind.STOP_LIMIT)
PRICED_BY_STOP = (Kind.STOP, Kind.STOP_LIMIT)


@dataclass(frozen=True, slots=True)
class AccountRun:
    """What one agent did: its orders and fills, and its account at every close. Arrays are (n_bars,) float64 unless noted."""

    orders: npt.NDArray[np.void]  # (n_orders,) ORDER
    fills: npt.NDArray[np.void]  # (n_fills,) FILL
    position: FloatArray  # (n_bars, n_symbols) shares at the close
    mark: FloatArray  # (n_bars, n_symbols) currency, last traded price
    cash: FloatArray
    turnover: FloatArray
    fees: FloatArray
    borrow: FloatArray
    dividends: FloatArray


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What impact needs to know before each bar, (n_bars, n_symbols): daily volatility (fraction) and volume (shares)."""

    sigma: FloatArray
    adv: FloatArray


def liquidity(panel: Panel, window_bars: int, bars_a_day: float) -> Liquidity:
    """Estimate volatility and volume from the ``window_bars`` bars before each bar; NaN until three bars have closed.

    Both are restated to a day: volatility by the square root of ``bars_a_day``, volume by ``bars_a_day`` itself.
    Volumes are in the shares of the bar asked about: earlier ones are restated for the splits up to and including its open.
    """
    shape = panel.close.shape
    sigma, adv = np.full(shape, np.nan), np.full(shape, np.nan)
    later = np.vstack([np.cumprod(panel.split[::-1], axis=0)[::-1][1:], np.ones((1, shape[1]))])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(panel.close / later), axis=0)
        volume = panel.volume * later
    for bar in range(3, shape[0]):
        past = slice(max(0, bar - window_bars), bar)
        moves = returns[max(0, bar - 1 - window_bars) : bar - 1]
        known = np.isfinite(moves).sum(axis=0) >= 2
        sigma[bar, known] = np.nanstd(moves[:, known], axis=0, ddof=1) * np.sqrt(bars_a_day)
        traded = np.isfinite(volume[past]).any(axis=0)
        adv[bar, traded] = np.nanmean(volume[past][:, traded], axis=0) * bars_a_day / later[bar, traded]
    return Liquidity(sigma, adv)


def costs(spec: RunSpec, account: Account) -> npt.NDArray[np.void]:
    """Return the (1,) COSTS record of one account: basis points become fractions, "no cap" becomes infinity."""
    row = np.zeros(1, COSTS)
    row["fee_per_share"] = spec.fees.per_share
    row["fee_notional_frac"] = spec.fees.per_notional_bps / 1e4
    row["fee_minimum"] = spec.fees.minimum
    row["half_spread_frac"] = spec.dealer.half_spread_bps / 1e4
    row["slippage_frac"] = spec.slippage_bps / 1e4
    row["impact_coefficient"] = spec.market.impact.coefficient
    row["participation_cap"] = np.inf if spec.market.participation_cap is None else spec.market.participation_cap
    row["max_leverage"] = account.max_leverage
    row["lot_size"] = account.lot_size
    row["borrow_rate_frac"] = account.borrow_rate_bps / 1e4
    row["allow_short"] = account.allow_short
    return row


class AccountRunner:
    """One agent, its account and its buffers; `run` plays all bars once."""

    def __init__(self, trader: Agent, strategy: Strategy, spec: RunSpec, panel: Panel, estimates: Liquidity) -> None:
        account = trader.account or spec.account
        self._name, self._strategy, self._panel, self._estimates = trader.name, strategy, panel, estimates
        self._same_close = spec.market.fill == "same_close"
        self._hears_fills = type(strategy).on_fill is not Strategy.on_fill
        n_symbols = len(panel.symbols)
        self._column = {symbol: i for i, symbol in enumerate(panel.symbols)}
        self._account = np.zeros(1, ACCOUNT)
        self._account["cash"] = self._account["equity"] = account.cash
        self._costs = costs(spec, account)
        self._lot_size = account.lot_size
        self._position, self._mark = np.zeros(n_symbols), np.full(n_symbols, np.nan)
        self._taken_buy, self._taken_sell = np.zeros(n_symbols), np.zeros(n_symbols)
        self._orders, self._fills = np.zeros(1024, ORDER), np.zeros(1024, FILL)
        self._live = np.zeros(1024, np.int64)
        self._history = BarHistory(panel)
        self._view = BarsView(self._history, panel, account.lot_size, self._account)
        self._attach()

    def run(self, on_bar: Callable[[int], None]) -> AccountRun:
        """Play every bar; ``on_bar`` hears the number of bars played."""
        panel, n_bars = self._panel, self._panel.n_bars
        held, marks = np.empty(panel.close.shape), np.empty(panel.close.shape)
        traces = {name: np.zeros(n_bars) for name in ("cash", "turnover", "fees", "borrow", "dividends")}
        times = np.stack([panel.open_ns, panel.close_ns], axis=1)
        session_end = panel.session_end
        day = panel.session.astype(np.int64)
        nights = np.diff(day, prepend=day[:1]).astype(np.float64)
        flattened = False
        for bar in range(n_bars):
            self._reserve()
            book = (self._account, self._costs, self._position, self._mark, self._taken_buy, self._taken_sell)
            buffers = (book, self._orders, self._live, self._fills)
            estimates = (self._estimates.sigma[bar], self._estimates.adv[bar])
            heard = int(self._account["n_fills"][0])
            open_bar(
                bar, times[bar], panel.open, panel.high, panel.low, panel.close, panel.volume, panel.split, panel.dividend,
                nights[bar], *estimates, *buffers,
            )  # fmt: skip
            self._history.append()
            close_bar(bar, times[bar, 1], panel.close, session_end[bar], book, self._orders, self._live)
            if not self._account["closed"][0]:
                self._wake(heard)
            elif not flattened:
                self._liquidate(times[bar, 1])
                flattened = True
            if self._same_close:
                book = (self._account, self._costs, self._position, self._mark, self._taken_buy, self._taken_sell)
                fill_at_close(bar, times[bar], panel.close, panel.volume, *estimates, book, self._orders, self._live, self._fills)
                close_bar(bar, times[bar, 1], panel.close, False, book, self._orders, self._live)
            held[bar], marks[bar] = self._position, self._mark
            for name, trace in traces.items():
                trace[bar] = self._account[name][0]
            on_bar(bar + 1)
        self._end_run(int(panel.close_ns[-1]))
        n_orders, n_fills = int(self._account["n_orders"][0]), int(self._account["n_fills"][0])
        return AccountRun(self._orders[:n_orders], self._fills[:n_fills], held, marks, **traces)

    def _wake(self, heard: int) -> None:
        """Tell the strategy its fills, ask it for orders, and enter them."""
        try:
            if self._hears_fills:
                for row in self._fills[heard : int(self._account["n_fills"][0])]:
                    self._strategy.on_fill(self._as_fill(row), self._view)
            answer = self._strategy.on_wake(self._view)
        except MarketsimError as error:
            raise StrategyError(f"agent {self._name} at {self._now()}: {error}") from error
        except Exception as error:
            raise StrategyError(f"agent {self._name} raised {type(error).__name__} at {self._now()}: {error}") from error
        if answer is None:
            return
        if isinstance(answer, np.ndarray):
            if answer.dtype != ORDER:
                raise StrategyError(f"agent {self._name} at {self._now()} returned an array of {answer.dtype}, expected records.ORDER.")
            self._enter(answer)
        elif isinstance(answer, Iterable):
            for item in answer:
                self._take(item)
        else:
            raise StrategyError(f"agent {self._name} at {self._now()} returned {type(answer).__name__}, expected orders or None.")

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
            self._enter(row)
        else:
            raise StrategyError(f"agent {self._name} at {self._now()} returned {item!r}, expected Order or Cancel.")

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
        lots = new["qty"] / self._lot_size
        with np.errstate(invalid="ignore"):
            bad_qty = ~(np.isfinite(lots) & (lots > 0.0) & (np.abs(lots - np.round(lots)) <= 1e-6))
        needs_limit, needs_stop = np.isin(new["kind"], PRICED_BY_LIMIT), np.isin(new["kind"], PRICED_BY_STOP)
        bad_price = (needs_limit & ~(np.isfinite(new["limit_price"]) & (new["limit_price"] > 0.0))) | (
            needs_stop & ~(np.isfinite(new["stop_price"]) & (new["stop_price"] > 0.0))
        )
        # The exchange knows more kinds and times in force than bars can answer.
        bad_kind, bad_tif = new["kind"] > Kind.MARKET_ON_CLOSE, new["tif"] > Tif.DAY
        reasons = (Reason.BAD_PRICE, Reason.BAD_QUANTITY, Reason.UNKNOWN_KIND, Reason.BAD_TIF)
        for bad, reason in zip((bad_price, bad_qty, bad_kind, bad_tif), reasons, strict=True):
            new["status"][bad], new["reason"][bad], new["ended_ns"][bad] = Status.REJECTED, reason, now
        alive = np.flatnonzero(new["status"] == Status.OPEN)
        n_live = int(me["n_live"])
        self._live[n_live : n_live + len(alive)] = first + alive
        me["n_live"], me["n_orders"] = n_live + len(alive), first + count

    def _cancel(self, order_id: int) -> None:
        if not 0 <= order_id < int(self._account["n_orders"][0]):
            raise StrategyError(f"agent {self._name} at {self._now()} cancelled order {order_id}, which it never sent.")
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

    def _reserve(self, more_orders: int = 0) -> None:
        """Make room for new orders, and for every live order to fill at the open and at the close."""
        me = self._account[0]
        n_orders, n_live, n_fills = int(me["n_orders"]) + more_orders, int(me["n_live"]) + more_orders, int(me["n_fills"])
        if n_orders > len(self._orders) or n_live > len(self._live):
            self._orders = _grown(self._orders, n_orders)
            self._live = _grown(self._live, n_live)
            self._attach()
        if n_fills + 2 * n_live > len(self._fills):
            self._fills = _grown(self._fills, n_fills + 2 * n_live)

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


def _grown(array: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    larger = np.zeros(max(2 * len(array), needed), array.dtype)
    larger[: len(array)] = array
    return larger
