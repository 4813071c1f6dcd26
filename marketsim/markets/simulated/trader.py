"""A strategy among the agents of a simulated market: its desk turns shares and currency into messages, and reports into an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import MarketView, Strategy
from marketsim.errors import ConfigError
from marketsim.kernel.bar_fills import close_bar, open_bar
from marketsim.kernel.exchange_account import ALLOWANCE, admit, book_report
from marketsim.kernel.simulation.world import TRADED
from marketsim.markets.account_run import AccountRun, AccountTrace
from marketsim.markets.desk import Answer, Desk, grown
from marketsim.markets.simulated.live_bars import LiveBars
from marketsim.markets.simulated.live_view import LiveView
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.setting import Latency, Member
from marketsim.markets.simulated.trader_messages import expected_price, fill_prices, impossible, write_message
from marketsim.markets.simulated.world import World
from marketsim.records import ACCOUNT, MESSAGE, EventKind, Kind, Liquidity, Order, Phase, Reason, Status

NEVER_NS = 2**62
POLL_NS = 500_000_000  # how often a market order that waits for the open looks whether there is somebody to trade with
AT_MARKET = (Kind.MARKET, Kind.MARKET_ON_OPEN)
BEFORE_OPEN = (Phase.PRE_OPEN, Phase.OPENING_AUCTION)
ENDS = {EventKind.CANCELLED: Status.CANCELLED, EventKind.EXPIRED: Status.EXPIRED, EventKind.REJECTED: Status.REJECTED}


@dataclass(frozen=True, slots=True)
class Trader:
    """A strategy, its account and its distance from the exchange.

    ``costs`` is the (1,) COSTS record of the account: leverage, lots, borrowing and commission. What else trading costs is paid in the
    book. ``latency`` has no jitter, for a bar must have ended when the strategy looks at it.
    """

    name: str
    strategy: Strategy
    cash: float
    costs: npt.NDArray[np.void]
    latency: Latency = field(default_factory=Latency)
    venue: int = 0


class TraderDesk(Desk):
    """One strategy over all sessions of a run. Its orders outlive a session; the exchange and the crowd do not.

    Parameters
    ----------
    trader : who trades.
    bars : the market's bars, filled while it runs.
    scale : what a tick and a lot are.
    """

    def __init__(self, trader: Trader, bars: LiveBars, scale: Scale) -> None:
        if trader.latency.jitter is not None:
            raise ConfigError(f"agent {trader.name}: a strategy's latency is constant; remove the jitter.")
        super().__init__(trader.name, trader.strategy, bars.panel, trader.cash, trader.costs)
        lots = self._lot_size / scale.lot_size
        if abs(lots - round(lots)) > 1e-6 or round(lots) < 1:
            raise ConfigError(
                f"account.lot_size: {self._lot_size:g} is not a whole number of the market's lots of {scale.lot_size:g} shares; "
                "use a multiple of them."
            )
        self.trader = trader
        self._bars, self._scale = bars, scale
        self._view: LiveView = LiveView(self._history, bars.panel, self._lot_size, self._account, scale)
        self._attach()
        self._allowances = np.zeros(len(self._orders), ALLOWANCE)
        self._plan = (np.zeros(1, ACCOUNT), np.zeros(len(bars.panel.symbols)))
        self._special: dict[int, Order] = {}  # orders that ask for more than ORDER has columns for
        self._sent: dict[int, int] = {}  # order of the exchange → own order, and back
        self._known_as: dict[int, int] = {}
        self._held: list[int] = []  # live orders that the exchange does not have
        self._at_open: set[int] = set()  # orders at market that wait for an opening auction
        self._withdrawn: list[int] = []  # orders of the exchange to be cancelled
        self._heard = 0
        self._bar = self._first = bars.bar
        self._next_data_ns = self._session_start_ns = NEVER_NS
        self._last_bar = 0
        self._flattened = False
        panel = bars.panel
        self._nights = panel.nights
        self._nights[self._first] = 0.0
        self._times = np.stack([panel.open_ns, panel.close_ns], axis=1)
        self._session_end = panel.session_end
        self._no_prices = np.full(panel.close.shape, np.nan)
        self._unknown = np.full(len(panel.symbols), np.nan)
        self._trace = AccountTrace(panel.n_bars, len(panel.symbols))
        for _ in range(self._first):
            self._history.append()
        if self._first:
            known = self._history.last("close", self._first)
            for row in known:
                self._mark[np.isfinite(row)] = row[np.isfinite(row)]

    @property
    def next_bar(self) -> int:
        """Row of the bar under way."""
        return self._bar

    def member(self) -> Member:
        """Return the desk as a member of a session's population."""
        held = np.round(self._position / self._scale.lot_size).astype(np.int64)
        who, held_lot = self.trader, tuple(map(int, held))
        return Member(who.name, None, None, venue=who.venue, latency=who.latency, position_lot=held_lot, reports=True)

    def begin_market(self, last_bar: int) -> None:
        """Restate the account for the night, and hold every live order until the new exchange has opened."""
        self._last_bar = last_bar
        self._start_bar()
        self._release_exchange()
        self._sent = {}

    def hear(self, report: np.void) -> None:
        """Book what the exchange reports of an own order."""
        index = self._sent.get(int(report["order_id"]))
        if index is None:
            return
        order, kind = self._orders[index], int(report["kind"])
        if kind == TRADED:
            self._book(index, report)
        elif order["status"] > Status.TRIGGERED:
            return
        elif order["kind"] == Kind.MARKET and report["reason"] == Reason.AUCTION_OVER:
            # What the auction could not fill goes to the market that follows it.
            self._at_open.discard(index)
            self._known_as.pop(index, None)
            self._held.append(index)
        elif kind in ENDS:
            self._at_open.discard(index)
            order["status"], order["reason"], order["ended_ns"] = ENDS[EventKind(kind)], report["reason"], report["time_ns"]
        elif kind == EventKind.TRIGGERED:
            order["status"] = Status.TRIGGERED

    def turn(self, world: World, number: int) -> None:
        """Take the desk's turn: let bars close, ask the strategy, send what it says, and say when to be woken."""
        exchange_ns, now_ns = int(world.header["now_ns"]), int(world.agents[number]["now_ns"])
        self._view.look(world, self.trader.venue, now_ns)
        self._value()
        if exchange_ns >= self._panel.close_ns[self._bar]:
            # A strategy that thinks for longer than a bar sees several at once, one after the other.
            while exchange_ns >= self._panel.close_ns[self._bar]:
                if self._end_bar():
                    # The simulation puts a turn after the close off to the next session's start; after the last there is none.
                    over = self._bar > self._last_bar
                    world.act(np.zeros(0, MESSAGE), 0 if over else now_ns + 1)
                    return
        elif now_ns >= self._due_ns() and not self._account["closed"][0]:
            if self._view.wanted_ns <= now_ns:
                self._view.wanted_ns = 0
            self._ask(self._heard, self._strategy.on_data)
            self._heard = int(self._account["n_fills"][0])
        self._next_data_ns = self._after(now_ns)
        self._send(world, now_ns)

    def finish(self) -> AccountRun:
        """End what still lives and return the account, over the simulated bars alone."""
        self._end_run(int(self._panel.close_ns[-1]))
        return self._run_of(self._trace, self._first)

    def record(self) -> None:
        """Write down the account at the end of the bar before the one under way; again after a session, when the last report is in."""
        self._trace.note(self._bar - 1, self._position, self._mark, self._account)

    def _start_bar(self) -> None:
        """Let the night's splits, dividends and borrowing happen; the bar has no prices yet, so nothing fills."""
        bar, panel = self._bar, self._panel
        if bar == self._first or self._session_end[bar - 1]:
            self._next_data_ns, self._session_start_ns = NEVER_NS, int(panel.open_ns[bar])
        self._reserve()
        live = self._live[: int(self._account["n_live"][0])]
        self._allowances["qty"][live] *= panel.split[bar, self._orders["symbol"][live]]
        none = self._no_prices
        open_bar(
            bar, self._times[bar], none, none, none, none, none, panel.split, panel.dividend, self._nights[bar],
            self._unknown, self._unknown, self._book_of_account(), self._orders, self._live, self._fills,
        )  # fmt: skip

    def _end_bar(self) -> bool:
        """Close the bar under way and wake the strategy; return whether the session is over."""
        bar = self._bar
        if self._bars.bar == bar:
            self._bars.close_bar()
        self._history.append()
        over = bool(self._session_end[bar])
        if bar == self._last_bar:
            self._release_exchange()
        close_bar(bar, self._times[bar, 1], self._panel.close, over, self._book_of_account(), self._orders, self._live)
        if not self._account["closed"][0]:
            self._wake(self._heard)
            self._heard = int(self._account["n_fills"][0])
        elif not self._flattened:
            live = map(int, self._live[: int(self._account["n_live"][0])])
            self._withdrawn += [self._known_as[index] for index in live if index in self._known_as]
            self._held = []
            self._liquidate(self._view.time_ns)
            self._flattened = True
        self._bar = bar + 1
        self.record()
        if bar < self._last_bar:
            self._start_bar()
        return over

    def _release_exchange(self) -> None:
        """Take every live order back: the exchange has closed. What it still reports finds its order."""
        live = self._live[: int(self._account["n_live"][0])]
        self._held = [int(index) for index in live if self._orders[index]["status"] <= Status.TRIGGERED]
        self._known_as, self._withdrawn = {}, []
        self._at_open.clear()

    def _value(self) -> None:
        """Value the account at the last trades."""
        self._mark[:] = np.where(np.isfinite(self._bars.last), self._bars.last, self._mark)
        value = np.where(self._position != 0.0, self._position * self._mark, 0.0)
        self._account["equity"], self._account["gross"] = self._account["cash"] + value.sum(), np.abs(value).sum()

    def _due_ns(self) -> int:
        """Return when `on_data` is next called, of the trader's own clock."""
        return min(self._view.wanted_ns or NEVER_NS, self._next_data_ns)

    def _after(self, now_ns: int) -> int:
        every = self._strategy.data_every_ns
        if every <= 0:
            return NEVER_NS
        start = self._session_start_ns
        return start + ((now_ns - start) // every + 1) * every

    # --- orders -----------------------------------------------------------------------------------------------------

    def _enter_one(self, row: npt.NDArray[np.void], item: Order) -> None:
        self._special[int(self._account["n_orders"][0])] = item
        self._enter(row)

    def _enter(self, rows: npt.NDArray[np.void]) -> None:
        """Number new orders, and hold them until they are sent."""
        first = int(self._account["n_orders"][0])
        super()._enter(rows)
        alive = np.flatnonzero(self._orders["status"][first : int(self._account["n_orders"][0])] == Status.OPEN)
        self._held += (first + alive).tolist()

    def _ask(self, heard: int, look: Callable[[MarketView], Answer]) -> None:
        """Let the strategy look at the market, and check what it sends as a whole."""
        first = int(self._account["n_orders"][0])
        super()._ask(heard, look)
        self._admit(first)

    def _liquidate(self, now: int) -> None:
        first = int(self._account["n_orders"][0])
        super()._liquidate(now)
        self._admit(first)

    def _admit(self, first: int) -> None:
        """Cut new orders to what the account can carry."""
        n_orders = int(self._account["n_orders"][0])
        if n_orders == first:
            return
        if len(self._allowances) < len(self._orders):
            self._allowances = grown(self._allowances, len(self._orders))
        prices = np.full(n_orders, np.nan)
        touch = self._touch()
        live = self._live[: int(self._account["n_live"][0])]
        for index in np.union1d(live, np.arange(first, n_orders)):
            order = self._orders[index]
            prices[index] = expected_price(order, touch, float(self._mark[order["symbol"]]))
        now = self._view.time_ns
        unpriced = first + np.flatnonzero(np.isnan(prices[first:]) & (self._orders["status"][first:n_orders] == Status.OPEN))
        for index in unpriced:  # there is no saying what it would cost
            self._orders[index]["status"], self._orders[index]["reason"] = Status.REJECTED, Reason.BUYING_POWER
            self._orders[index]["ended_ns"] = now
        admit(first, n_orders, now, prices, self._plan, self._book_of_account(), self._orders, self._live, self._allowances)
        self._held = [index for index in self._held if self._orders[index]["status"] <= Status.TRIGGERED]

    def _faults(self, new: npt.NDArray[np.void]) -> list[tuple[npt.NDArray[np.bool_], Reason]]:
        return impossible(new, self._whole_lots(new["qty"]), self._scale)

    def _cancel(self, order_id: int) -> None:
        """Withdraw an order that has not been sent, or send a cancel after it, which comes too late for what has filled by then."""
        self._know(order_id)
        if order_id in self._held:
            self._held.remove(order_id)
            super()._cancel(order_id)
        elif order_id in self._known_as:
            self._withdrawn.append(self._known_as[order_id])

    def _send(self, world: World, now_ns: int) -> None:
        """Send cancels and the orders that can be sent now; end the turn."""
        touch = self._touch()
        ready = [index for index in self._held if self._may_go(world, self._orders[index], touch)]
        messages = np.zeros(len(self._withdrawn) + len(ready), MESSAGE)
        messages["venue"] = self.trader.venue
        for message, order_id in zip(messages, self._withdrawn, strict=False):
            message["kind"], message["order_id"] = Kind.CANCEL, order_id
        # Orders that reduce a position go first, as they were admitted.
        ready.sort(key=lambda index: self._orders[index]["side"] * self._position[self._orders[index]["symbol"]] >= 0.0)
        for message, index in zip(messages[len(self._withdrawn) :], ready, strict=True):
            self._write(message, index, world)
        self._withdrawn = []
        sent = set(ready)
        self._held = [index for index in self._held if index not in sent]
        first = world.act(messages, self._wake_ns(now_ns))
        for place, index in enumerate(ready):
            self._sent[first + place], self._known_as[index] = index, first + place

    def _wake_ns(self, now_ns: int) -> int:
        wake_ns = min(int(self._panel.close_ns[self._bar]) + self.trader.latency.data_ns, self._due_ns())
        if self._at_open or any(self._orders[index]["kind"] in AT_MARKET for index in self._held):
            wake_ns = min(wake_ns, now_ns + POLL_NS)
        return wake_ns

    def _may_go(self, world: World, order: np.void, touch: npt.NDArray[np.float64]) -> bool:
        """Whether an order can be sent: one at market goes into the opening auction, or waits for somebody on the other side."""
        if order["kind"] not in AT_MARKET:
            return True
        symbol = int(order["symbol"])
        phase = self._phase(world, symbol)
        there = bool(np.isfinite(touch[symbol, 1 if order["side"] > 0 else 0]))
        return phase in BEFORE_OPEN or (phase == Phase.CONTINUOUS and there)

    def _write(self, message: np.void, index: int, world: World) -> None:
        """Write an order as a message."""
        order = self._orders[index]
        kind = int(order["kind"])
        if kind == Kind.STOP_LIMIT and order["status"] == Status.TRIGGERED:
            kind = Kind.LIMIT
        elif kind in AT_MARKET:
            # A market order takes part in the opening auction, and one for the auction trades at once where there is none.
            kind = Kind.MARKET if self._phase(world, int(order["symbol"])) == Phase.CONTINUOUS else Kind.MARKET_ON_OPEN
            if kind == Kind.MARKET_ON_OPEN:
                self._at_open.add(index)
        open_qty = self._allowances[index]["qty"] - order["filled_qty"]
        write_message(message, order, kind, open_qty, self._special.get(index), self._scale)

    def _touch(self) -> npt.NDArray[np.float64]:
        """Return bid and ask of every symbol, (n_symbols, 2) currency; NaN where there is none."""
        return np.stack([self._view.bid, self._view.ask], axis=1)

    def _phase(self, world: World, symbol: int) -> int:
        return world.exchange.phase(symbol=symbol, venue=self.trader.venue)

    # --- the account ------------------------------------------------------------------------------------------------

    def _book(self, index: int, report: np.void) -> None:
        if int(self._account["n_fills"][0]) == len(self._fills):
            self._fills = grown(self._fills, len(self._fills) + 1)
        price, reference, spread_cost = fill_prices(report, self._scale)
        qty = float(report["qty_lot"]) * self._scale.lot_size
        liquidity = Liquidity.MAKER if report["aggressor"] < 0 else Liquidity.TAKER
        bar = min(self._bar, self._panel.n_bars - 1)
        book_report(
            index, qty, price, reference, spread_cost, int(liquidity), int(report["time_ns"]), bar,
            self._book_of_account(), self._orders, self._allowances, self._fills,
        )  # fmt: skip
        if self._orders[index]["status"] > Status.TRIGGERED:
            self._at_open.discard(index)
