"""What a strategy sees in the bars market: arrays that hold closed bars only, because later ones are not in them yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import Field
from marketsim.errors import StrategyError
from marketsim.kernel.bar_fills import pending_qty
from marketsim.markets.panel import FloatArray, Panel
from marketsim.records import ORDER, Kind, Order, Side, Status, Tif

FIELDS: tuple[Field, ...] = ("open", "high", "low", "close", "volume")


class BarHistory:
    """The bars closed so far, restated for splits up to now; one history serves every account of a run in turn."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._arrays: dict[Field, FloatArray] = {field: np.full(panel.open.shape, np.nan) for field in FIELDS}
        self.n_bars = 0

    def append(self) -> None:
        """Let the next bar close: restate what came before for its splits, then copy it in."""
        bar = self.n_bars
        ratios = self._panel.split[bar]
        for column in np.flatnonzero(ratios != 1.0):
            for field, array in self._arrays.items():
                array[:bar, column] *= ratios[column] if field == "volume" else 1.0 / ratios[column]
        for field, array in self._arrays.items():
            array[bar] = getattr(self._panel, field)[bar]
        self.n_bars = bar + 1

    def last(self, field: Field, n: int) -> FloatArray:
        """Return the last ``n`` rows, read only."""
        rows = self._arrays[field][max(0, self.n_bars - n) : self.n_bars]
        rows.flags.writeable = False
        return rows


class BarsView:
    """A `MarketView` on one account in the bars market."""

    def __init__(self, history: BarHistory, panel: Panel, lot_size: float, account: npt.NDArray[np.void]) -> None:
        self._history = history
        self._panel = panel
        self._column = {symbol: i for i, symbol in enumerate(panel.symbols)}
        self._lot_size = lot_size
        self._account = account
        self._position = np.zeros(len(panel.symbols))
        self._mark = np.full(len(panel.symbols), np.nan)
        self._pending = np.zeros(len(panel.symbols))
        self._orders = np.zeros(0, ORDER)
        self._live = np.zeros(0, np.int64)

    def attach(self, position: FloatArray, mark: FloatArray, orders: npt.NDArray[np.void], live: npt.NDArray[np.int64]) -> None:
        """Point the view at the account's arrays; the order arrays move when they grow."""
        self._position, self._mark, self._orders, self._live = position, mark, orders, live

    @property
    def time_ns(self) -> int:
        """Close of the last closed bar."""
        return int(self._panel.close_ns[self._history.n_bars - 1])

    @property
    def symbols(self) -> Sequence[str]:
        """The run's symbols."""
        return self._panel.symbols

    @property
    def n_bars(self) -> int:
        """Bars closed so far."""
        return self._history.n_bars

    @property
    def price(self) -> FloatArray:
        """Last close a symbol, (n_symbols,)."""
        return self._mark.copy()

    @property
    def position(self) -> FloatArray:
        """Shares held, (n_symbols,)."""
        return self._position.copy()

    @property
    def cash(self) -> float:
        """Cash of the account."""
        return float(self._account["cash"][0])

    @property
    def equity(self) -> float:
        """Cash plus positions at last closes."""
        return float(self._account["equity"][0])

    @property
    def open_orders(self) -> dict[int, Order]:
        """The account's living orders by id."""
        result = {}
        for index in self._live[: int(self._account["n_live"][0])]:
            row = self._orders[index]
            if row["status"] <= Status.TRIGGERED:
                result[int(index)] = Order(
                    symbol=self._panel.symbols[row["symbol"]],
                    side=Side(row["side"]),
                    qty=float(row["qty"] - row["filled_qty"]),
                    kind=Kind(row["kind"]),
                    limit_price=float(row["limit_price"]),
                    stop_price=float(row["stop_price"]),
                    tif=Tif(row["tif"]),
                )
        return result

    @property
    def bid(self) -> FloatArray:
        """Not there: nothing is quoted between bars."""
        raise self._no_book("bid")

    @property
    def ask(self) -> FloatArray:
        """Not there: nothing is quoted between bars."""
        raise self._no_book("ask")

    def depth(self, symbol: str, levels: int) -> FloatArray:
        """Refuse: nothing is quoted between bars."""
        raise self._no_book("depth")

    def wake_at(self, time_ns: int) -> None:
        """Refuse: a strategy is woken after bars alone."""
        raise self._no_book("wake_at")

    @staticmethod
    def _no_book(name: str) -> StrategyError:
        return StrategyError(
            f"market.{name} needs a live book, which only the simulated market has; catch StrategyError, or use the bars alone."
        )

    def window(self, field: Field, n: int) -> FloatArray:
        """Return the last ``n`` closed bars of all symbols, oldest first."""
        if field not in FIELDS or n < 1:
            raise StrategyError(f"window({field!r}, {n}): expected one of {', '.join(FIELDS)} and a number of bars of at least 1.")
        return self._history.last(field, n)

    def history(self, symbol: str, field: Field, n: int) -> FloatArray:
        """Return the last ``n`` closed bars of one symbol, bars it did not trade in left out."""
        if symbol not in self._column:
            raise StrategyError(f"history({symbol!r}): not a symbol of this run; it has {', '.join(self.symbols)}.")
        values = self.window(field, self.n_bars)[:, self._column[symbol]]
        return values[np.isfinite(values)][-n:]

    def orders_to(self, target_qty: FloatArray) -> npt.NDArray[np.void]:
        """Return market orders that take the position to ``target_qty``; NaN = leave alone."""
        pending_qty(int(self._account["n_live"][0]), self._orders, self._live, self._pending)
        change = np.asarray(target_qty, dtype=np.float64) - self._position - self._pending
        lots = np.floor(np.abs(change) / self._lot_size + 1e-9) * self._lot_size
        wanted = np.flatnonzero(np.isfinite(lots) & (lots > 0.0))
        orders = np.zeros(len(wanted), ORDER)
        orders["symbol"] = wanted
        orders["side"] = np.sign(change[wanted])
        orders["qty"] = lots[wanted]
        orders["kind"] = Kind.MARKET
        orders["tif"] = Tif.GTC
        orders["limit_price"] = orders["stop_price"] = np.nan
        return orders

    def weights_to_qty(self, weight: FloatArray) -> FloatArray:
        """Turn weights of equity into shares at last closes, towards zero to whole lots; NaN stays NaN."""
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.asarray(weight, dtype=np.float64) * self.equity / self._mark
            rounded = np.trunc(shares / self._lot_size + np.copysign(1e-9, shares)) * self._lot_size
        # Nothing can be bought of a symbol that has not traded yet.
        return np.where(np.isnan(weight) | np.isfinite(shares), rounded, 0.0)
