"""What an exchange shows of its state to whoever asks, without a message: depth, quotes, auctions to come, sessions, routes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import DataError
from marketsim.kernel.book_state import BOOK, NO_PRICE
from marketsim.kernel.exchange_loop import indicate, read_consolidated, read_depth
from marketsim.kernel.routing import ROUTE, route_now
from marketsim.kernel.session_state import SESSION
from marketsim.records import CONSOLIDATED, DEPTH, MESSAGE, TRADE, QuoteState
from marketsim.router import Link, Parent, check_links
from marketsim.session_tables import SessionStatus
from marketsim.venue_rules import VenueRules


@dataclass(frozen=True, slots=True)
class Indication:
    """What an auction held now would do: its price in ticks (None if nothing would trade), lots traded, demand less supply."""

    price_tick: int | None
    paired_lot: int
    imbalance_lot: int


@dataclass(frozen=True, slots=True)
class ConsolidatedQuote:
    """The best bid and offer over all venues: prices in ticks (None if there is none), lots displayed there, and a bit for each venue."""

    bid_tick: int | None
    bid_lot: int
    ask_tick: int | None
    ask_lot: int
    bid_venues: int
    ask_venues: int
    state: QuoteState


class ExchangeView:
    """The part of `marketsim.exchange.Exchange` that reads and never changes."""

    rules: tuple[VenueRules, ...]
    _header: NDArray[np.void]
    _address: int

    def depth(self, levels: int = 1, *, symbol: int = 0, venue: int = 0) -> NDArray[np.void]:
        """Return the displayed book, (levels,) DEPTH, best first; quantity 0 where a level is missing."""
        rows = np.zeros(levels, DEPTH)
        read_depth(self._address, self._book_index(symbol, venue), rows.ctypes.data, levels)
        return rows

    def consolidated(self, *, symbol: int = 0) -> ConsolidatedQuote:
        """Return the best bid and offer over all venues that trade the symbol continuously now."""
        self._book_index(symbol, 0)
        row = np.zeros(1, CONSOLIDATED)
        read_consolidated(self._address, symbol, row.ctypes.data)
        bid_tick, bid_lot, ask_tick, ask_lot, bid_venues, ask_venues, state = row[0].item()
        return ConsolidatedQuote(
            bid_tick if bid_lot else None, bid_lot, ask_tick if ask_lot else None, ask_lot, bid_venues, ask_venues, QuoteState(state)
        )

    def route(self, parent: Parent, links: Sequence[Link]) -> NDArray[np.void]:
        """Split an order by what the venues display now, without sending it.

        Parameters
        ----------
        parent : what is to be traded and how
        links : one a venue

        Returns
        -------
        numpy.ndarray
            (n_children,) MESSAGE, at most one a venue, in the order of the venues; ``time_ns`` is when each arrives there.

        Raises
        ------
        DataError
            If there is not one link a venue, or the parent's symbol or home does not exist.
        """
        self._book_index(parent.symbol, parent.home)
        check_links(links, len(self.rules))
        row, routes, children = parent.row(), np.zeros(len(links), ROUTE), np.zeros(len(links), MESSAGE)
        routes["latency_ns"] = [link.latency_ns for link in links]
        n = route_now(self._address, row.ctypes.data, routes.ctypes.data, children.ctypes.data)
        return children[:n]

    def indicative(self, *, symbol: int = 0, venue: int = 0) -> Indication:
        """Return what an auction held now would do, in the phase the book is in; imbalance orders left out."""
        price, paired, surplus = indicate(self._address, self._book_index(symbol, venue))
        return Indication(None if price == NO_PRICE else price, paired, surplus)

    def status(self, *, symbol: int = 0, venue: int = 0) -> SessionStatus:
        """Return the phase a symbol is in at a venue, and what its price bands, halts and short-sale rule say now."""
        k = self._book_index(symbol, venue)
        return SessionStatus.of(self._table("books", BOOK)[k], self._table("sessions", SESSION)[k])

    def phase(self, *, symbol: int = 0, venue: int = 0) -> int:
        """Return the session phase a symbol is in: records.Phase."""
        return int(self._table("books", BOOK)["phase"][self._book_index(symbol, venue)])

    def trades_from(self, first: int) -> NDArray[np.void]:
        """Return the trades on the tape from a row on, (n,) TRADE; they stay there to be taken."""
        n = max(0, int(self._header["n_trades"][0]) - first)
        return rows_at(int(self._header["trades"][0]) + first * TRADE.itemsize, n, TRADE).copy()

    @property
    def address(self) -> int:
        """Where the header of the compiled exchange lies, for compiled code that sends it messages."""
        return self._address

    @property
    def n_live(self) -> int:
        """Number of live orders."""
        return int(self._header["n_live"][0])

    def _book_index(self, symbol: int, venue: int) -> int:
        n_symbols = int(self._header["n_symbols"][0])
        if not (0 <= symbol < n_symbols and 0 <= venue < len(self.rules)):
            raise DataError(
                f"there is no symbol {symbol} at venue {venue}; this exchange has {n_symbols} symbols and {len(self.rules)} venues"
            )
        return venue * n_symbols + symbol

    def _table(self, name: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
        return rows_at(int(self._header[name][0]), int(self._header["n_symbols"][0]) * len(self.rules), dtype)


def rows_at(address: int, n: int, dtype: np.dtype[Any]) -> NDArray[np.void]:
    """Return a view of ``n`` records in the kernel's memory, (n,) dtype, valid until their table grows."""
    memory: Any = (ctypes.c_char * (n * dtype.itemsize)).from_address(address)
    rows: NDArray[np.void] = np.frombuffer(memory, dtype)
    return rows
