"""The one interface between a trader and a market: a view in, orders out, fills back.

The same class runs in the bars, the replay and the simulated market. A view holds what the trader may know at the moment
it wakes and nothing else: the arrays behind it contain no bar that has not closed, so looking ahead is impossible, not forbidden.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from marketsim.records import Cancel, Fill, Order

Field = Literal["open", "high", "low", "close", "volume"]
FloatArray = npt.NDArray[np.float64]


class MarketView(Protocol):
    """What a strategy sees when it wakes. Prices are restated for splits up to now, never for later ones.

    The live book (`bid`, `ask`, `depth`) and wake-ups between bars (`wake_at`) exist in the simulated market alone; elsewhere asking for
    them is a `StrategyError` that says so.
    """

    @property
    def time_ns(self) -> int:
        """Now, int64 nanoseconds since the epoch, UTC."""

    @property
    def symbols(self) -> Sequence[str]:
        """The run's symbols; every (n_symbols,) array follows this order."""

    @property
    def n_bars(self) -> int:
        """How many bars have closed."""

    @property
    def price(self) -> FloatArray:
        """Last traded price a symbol, (n_symbols,) currency; NaN before the first bar."""

    @property
    def position(self) -> FloatArray:
        """Shares held, (n_symbols,); negative when short."""

    @property
    def cash(self) -> float:
        """Cash of the account, currency."""

    @property
    def equity(self) -> float:
        """Cash plus positions at last prices, currency."""

    @property
    def open_orders(self) -> dict[int, Order]:
        """The strategy's own living orders by id, with the quantity still open."""

    @property
    def bid(self) -> FloatArray:
        """Best displayed price of buyers, (n_symbols,) currency; NaN where there is none. Only where there is a live book."""

    @property
    def ask(self) -> FloatArray:
        """Best displayed price of sellers, (n_symbols,) currency; NaN where there is none. Only where there is a live book."""

    def depth(self, symbol: str, levels: int) -> npt.NDArray[np.float64]:
        """Return the displayed book of a symbol, (levels, 4): bid, shares, ask, shares; best first, NaN and 0 where a level is missing.

        Only where there is a live book.
        """

    def wake_at(self, time_ns: int) -> None:
        """Ask for `Strategy.on_data` at a time between two bars; the latest request counts. Only where there is a live book."""

    def window(self, field: Field, n: int) -> FloatArray:
        """Return the last ``n`` closed bars of all symbols, (min(n, n_bars), n_symbols), oldest first; NaN = no bar."""

    def history(self, symbol: str, field: Field, n: int) -> FloatArray:
        """Return the last ``n`` closed bars of one symbol, (<= n,), oldest first, missing bars left out."""

    def orders_to(self, target_qty: FloatArray) -> npt.NDArray[np.void]:
        """Return the market orders that take the position to ``target_qty`` shares, (n_symbols,); NaN = leave alone.

        Whole lots; quantities already under way in open market orders are counted.
        """

    def weights_to_qty(self, weight: FloatArray) -> FloatArray:
        """Turn target weights of equity, (n_symbols,), into shares at last prices, rounded down to lots; NaN stays NaN."""


class StrategyParams(BaseModel):
    """Frozen parameters of a strategy; each strategy subclasses this and adds a ``kind`` literal."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Strategy(ABC):
    """A trader. Subclass it, write ``on_wake``, name the class in a config as ``package.module:Class``."""

    Params: ClassVar[type[StrategyParams]] = StrategyParams
    data_every_ns: ClassVar[int] = 0  # how often `on_data` is called between bars, ns; 0 for never

    def __init__(self, params: StrategyParams) -> None:
        self.params = params

    @abstractmethod
    def on_wake(self, market: MarketView) -> Iterable[Order | Cancel] | npt.NDArray[np.void] | None:
        """Look at the market and return orders; called after every closed bar."""

    def on_fill(self, fill: Fill, market: MarketView) -> None:  # noqa: B027 - optional by design
        """Hear of an own fill; called before the next ``on_wake`` or ``on_data``."""

    def on_data(self, market: MarketView) -> Iterable[Order | Cancel] | npt.NDArray[np.void] | None:  # noqa: B027 - optional by design
        """Look at the live market between two bars and return orders, like ``on_wake``.

        Called every ``data_every_ns`` and at times asked for with ``market.wake_at``, in a market that goes on between bars: the simulated
        one. In the others there is nothing between bars, and it is not called.
        """
