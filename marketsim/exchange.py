"""The exchange: messages in, a tape of trades and events out; all at once with `process`, or bit by bit with `Exchange`."""

from __future__ import annotations

import ctypes
import struct
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import ConfigError, DataError
from marketsim.exchange_snapshot import pack, unpack
from marketsim.exchange_view import ConsolidatedQuote, ExchangeView, Indication, rows_at
from marketsim.kernel.book_state import BOOK, ENGINE, TIMER
from marketsim.kernel.compile import is_compiled
from marketsim.kernel.digest import extend_digest
from marketsim.kernel.exchange_loop import run
from marketsim.kernel.exchange_memory import allocate, release
from marketsim.kernel.session_state import SESSION
from marketsim.records import CONSOLIDATED, DEPTH, EVENT, MAX_VENUES, MESSAGE, TRADE, Side
from marketsim.session_tables import begin, session_tables
from marketsim.tape import Tape
from marketsim.venue_rules import VenueRules, check_comparable, venue_table

__all__ = ["ConsolidatedQuote", "Exchange", "Indication", "process"]

_SMALLEST = 1 << 10
_CAPTURES = ("top", "depth", "consolidated")  # header words: where to write what is asked for after every message
_CLOCK = (ENGINE.names or ()).index("clock_ns")  # the header's word that holds the time; all before it are words too
_LETTERS = {"int64": "q", "int32": "i", "int16": "h", "int8": "b"}
# NumPy aligns MESSAGE like C does, and so does struct in native mode.
_ONE_MESSAGE = struct.Struct("@" + "".join(_LETTERS[MESSAGE[name].name] for name in MESSAGE.names or ()))


def process(  # noqa: PLR0913 - each capture is one argument
    messages: NDArray[np.void],
    rules: VenueRules | Sequence[VenueRules] | None = None,
    *,
    symbols: int = 1,
    top: bool = False,
    depth: int = 0,
    consolidated: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Tape:
    """Run messages through a new exchange.

    Parameters
    ----------
    messages : (n,) MESSAGE
    rules : the venue's rules, or one record a venue; plain rules if None
    symbols : number of symbols; a message for any other is rejected
    top, depth : also return the touch, and this many levels, after every message
    consolidated : also return the best bid and offer over all venues after every message
    progress : told once when the first call has to compile

    Returns
    -------
    Tape

    Raises
    ------
    DataError
        If ``messages`` is not a one-dimensional array of MESSAGE. Faulty messages are rejected one by one, on the tape.
    """
    exchange = Exchange(rules, symbols=symbols, expected_messages=len(messages), progress=progress)
    return exchange.send(messages, top=top, depth=depth, consolidated=consolidated)


class Exchange(ExchangeView):
    """An exchange that takes messages as they come.

    Parameters
    ----------
    rules : the venue's rules, or one record a venue; plain rules if None
    symbols : number of symbols
    expected_messages : room made beforehand; everything grows when it is needed
    progress : told once when the first call has to compile
    """

    def __init__(
        self,
        rules: VenueRules | Sequence[VenueRules] | None = None,
        *,
        symbols: int = 1,
        expected_messages: int = 0,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        venues = (VenueRules.plain() if rules is None else rules,) if rules is None or isinstance(rules, VenueRules) else tuple(rules)
        if not 1 <= len(venues) <= MAX_VENUES or symbols < 1:
            raise ConfigError(f"an exchange has 1 to {MAX_VENUES} venues and at least one symbol, not {len(venues)} and {symbols}")
        check_comparable(venues)
        if not is_compiled("exchange_loop"):
            progress("compiling the exchange, once; about 12 s")
        self.rules: tuple[VenueRules, ...] = venues
        self._header = np.zeros(1, ENGINE)
        self._address = self._header.ctypes.data
        self._venues, self._bands = venue_table(venues)
        self._session_rules = session_tables(venues)
        self._point_at_rules()
        room = _power_of_two(expected_messages)
        header = self._header
        header["n_symbols"], header["n_venues"] = symbols, len(venues)
        header["slot_capacity"] = min(room, 1 << 16)
        header["node_capacity"] = header["owner_capacity"] = header["id_capacity"] = header["print_capacity"] = _SMALLEST
        header["timer_capacity"] = max(_SMALLEST, len(venues) * symbols)
        header["dense_capacity"] = header["trade_capacity"] = room
        header["event_capacity"] = 2 * room
        allocate(self._address)
        self._begin()
        self._digests = [0, 0]
        self._one = bytearray(MESSAGE.itemsize)
        self._one_address = ctypes.addressof(ctypes.c_char.from_buffer(self._one))
        self._words = header.data.cast("B").cast("q")
        header["messages"], header["n_messages"] = self._one_address, 1
        weakref.finalize(self, _release, self._header)

    def send(self, messages: NDArray[np.void], *, top: bool = False, depth: int = 0, consolidated: bool = False) -> Tape:
        """Process messages and return what has happened since the tape was last taken.

        Parameters
        ----------
        messages : (n,) MESSAGE
        top, depth : also return the touch, and this many levels, after every message
        consolidated : also return the best bid and offer over all venues after every message

        Raises
        ------
        DataError
            If ``messages`` is not a one-dimensional array of MESSAGE.
        """
        n = len(messages)
        tops = np.zeros(n, DEPTH) if top else None
        depths = np.zeros((n, depth), DEPTH) if depth else None
        quotes = np.zeros(n, CONSOLIDATED) if consolidated else None
        self._run(messages, (tops, depths, quotes), depth)
        return self._take(tops, depths, quotes)

    def process_only(self, messages: NDArray[np.void]) -> None:
        """Process messages and leave what happens on the tape, to be taken later."""
        self._run(messages, (None, None, None), 0)

    def _run(self, messages: NDArray[np.void], captures: Sequence[NDArray[np.void] | None], n_depth: int) -> None:
        if messages.dtype != MESSAGE or messages.ndim != 1:
            raise DataError(f"messages have dtype {messages.dtype} and {messages.ndim} dimensions; make them with np.zeros(n, MESSAGE)")
        rows = np.ascontiguousarray(messages)
        header = self._header[0]
        header["messages"], header["n_messages"] = rows.ctypes.data, len(rows)
        for name, table in zip(_CAPTURES, captures, strict=True):
            header[name] = 0 if table is None else table.ctypes.data
        header["n_depth"] = n_depth
        run(self._address)
        header["messages"], header["n_messages"] = self._one_address, 1
        for name in _CAPTURES:
            header[name] = 0

    def submit(  # noqa: PLR0913 - one argument a field of MESSAGE
        self,
        kind: int,
        order_id: int = 0,
        side: int = Side.BUY,
        qty_lot: int = 0,
        price_tick: int = 0,
        *,
        time_ns: int | None = None,
        owner_id: int = 0,
        stop_tick: int = 0,
        display_lot: int = 0,
        tif: int = 0,
        flags: int = 0,
        symbol: int = 0,
        venue: int = 0,
        expire_ns: int = 0,
        min_qty_lot: int = 0,
    ) -> int:
        """Process one message, given by the fields of MESSAGE; a missing time is the time of the last one.

        Returns
        -------
        int
            Number of trades on the tape since it was last taken.
        """
        if time_ns is None:
            time_ns = self._words[_CLOCK]
        _ONE_MESSAGE.pack_into(
            self._one,
            0,
            time_ns,
            kind,
            order_id,
            owner_id,
            side,
            price_tick,
            qty_lot,
            stop_tick,
            display_lot,
            tif,
            flags,
            symbol,
            venue,
            expire_ns,
            min_qty_lot,
        )
        return int(run(self._address))

    def take(self) -> Tape:
        """Return what has happened since the tape was last taken."""
        return self._take(None, None, None)

    def digest(self) -> str:
        """Return the hash of all trades and events so far."""
        self._extend_digests()
        return f"{self._digests[0] % 2**64:016x}{self._digests[1] % 2**64:016x}"

    def snapshot(self) -> bytes:
        """Return the whole state, to be given to `restore` of an exchange with the same rules and symbols."""
        self._extend_digests()
        return pack(self._header, self._digests, self.rules)

    def restore(self, snapshot: bytes) -> None:
        """Go back, or forward, to the state of a snapshot.

        Raises
        ------
        DataError
            If it is not a snapshot of an exchange with these rules and symbols.
        """
        self._digests = unpack(snapshot, self._header, self.rules)
        self._point_at_rules()

    def _point_at_rules(self) -> None:
        self._header["venues"] = self._venues.ctypes.data
        self._header["tick_bands"] = self._bands.ctypes.data
        for name in ("schedule", "band_widths", "breaker_levels"):
            self._header[name] = getattr(self._session_rules, name).ctypes.data

    def _begin(self) -> None:
        timers = begin(self.rules, self._table("books", BOOK), self._table("sessions", SESSION))
        if len(timers):
            rows_at(int(self._header["timers"][0]), len(timers), TIMER)[:] = timers
            self._header["n_timers"], self._header["next_timer_ns"] = len(timers), timers["when_ns"][0]

    def _extend_digests(self) -> None:
        header = self._header[0]
        tables = (("trades", "n_trades", "trades_digested", TRADE), ("events", "n_events", "events_digested", EVENT))
        for k, (table, count, done, dtype) in enumerate(tables):
            address = int(header[table]) + int(header[done]) * dtype.itemsize
            n_words = (int(header[count]) - int(header[done])) * dtype.itemsize // 8
            self._digests[k] = extend_digest(self._digests[k], address, n_words)
            header[done] = header[count]

    def _take(self, top: NDArray[np.void] | None, depth: NDArray[np.void] | None, consolidated: NDArray[np.void] | None) -> Tape:
        header = self._header[0]
        digest = self.digest()
        trades = rows_at(int(header["trades"]), int(header["n_trades"]), TRADE).copy()
        events = rows_at(int(header["events"]), int(header["n_events"]), EVENT).copy()
        header["n_trades"] = header["n_events"] = header["trades_digested"] = header["events_digested"] = 0
        return Tape(trades, events, top, depth, consolidated, digest)


def _release(header: NDArray[np.void]) -> None:
    release(header.ctypes.data)


def _power_of_two(at_least: int) -> int:
    return max(_SMALLEST, 1 << max(0, at_least - 1).bit_length())
