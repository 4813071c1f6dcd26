"""Nasdaq TotalView-ITCH 5.0 files: every message framed, the book's messages of the wanted symbols turned into the canonical stream.

No sample of the feed ships with this project; the reader follows the specification and is tested on files written from it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataError
from marketsim.kernel.itch import SHORT, UNKNOWN_TYPE, WHOLE, WRONG_LENGTH, cut, decode, resolve
from marketsim.kernel.recorded_book import empty_book
from marketsim.recorded import COUNTS, RECORDED, REFUSED, Fault
from marketsim.replay.stream import Stream, put_in_order

TICK_SIZE = 0.0001  # USD
# Message type → bytes, by the specification's sections 1.1 to 1.8.
LENGTHS = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21, "A": 36, "F": 40, "E": 31, "C": 36,
    "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48,
}  # fmt: skip
DATE_IN_NAME = re.compile(r"(?<!\d)(\d{2})(\d{2})(\d{4})(?!\d)")  # MMDDYYYY, as Nasdaq names its files
CHUNK = 1 << 24
MOST_MESSAGES = CHUNK // min(LENGTHS.values()) + 1


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the stock directory."""

    symbol: str
    locate: int
    market_category: str
    financial_status: str
    round_lot: int
    luld_tier: str


@dataclass(frozen=True, slots=True)
class ItchDay:
    """One day of the feed."""

    stream: Stream  # the wanted symbols
    directory: tuple[Listing, ...]  # every symbol of the file
    system_events: tuple[tuple[int, str], ...]  # (ns since the epoch, code): O start of messages, S system, Q market, M, E, C their ends
    message_counts: dict[str, int]  # every type of the file


def read_itch(path: Path, symbols: Sequence[str], *, date: dt.date | None = None) -> ItchDay:
    """Read a file, gzipped or plain, with or without two bytes of length before each message.

    Parameters
    ----------
    path : the file; read in pieces, so that only the wanted symbols' events are held.
    symbols : symbols to keep.
    date : the trading day; None = the MMDDYYYY in the file's name.

    Returns
    -------
    ItchDay
        Events carry price and side even where the feed only names an order. Executions and cancels of orders the file never entered are
        refused one by one.

    Raises
    ------
    DataError
        The file is cut off or damaged (the message tells the byte), a symbol is not in its directory, or the date is unknown.
    """
    midnight = _midnight_ns(path, date)
    reader = _Reader(path.name, symbols)
    offset, rest = 0, b""
    for chunk in _chunks(path):
        data = rest + chunk
        used = reader.read(data, offset)
        offset, rest = offset + used, data[used:]
    if rest:
        kind = chr(rest[2 * reader.prefixed]) if len(rest) > 2 * reader.prefixed else ""
        needed = f"message {kind!r} takes {LENGTHS[kind] + 2 * reader.prefixed} bytes, " if kind else ""
        raise DataError(f"{path.name} is cut off at byte {offset:,}: {needed}{len(rest)} are there; fetch it again.")
    return reader.day(midnight)


class _Reader:
    """What has been read so far."""

    def __init__(self, name: str, symbols: Sequence[str]) -> None:
        self._name, self._symbols = name, tuple(symbols)
        self._lengths = np.zeros(256, np.int64)
        for kind, length in LENGTHS.items():
            self._lengths[ord(kind)] = length
        self._symbol_of = np.full(65536, -1, np.int64)
        self._starts = np.zeros(MOST_MESSAGES, np.int64)
        self._kinds = np.zeros(256, np.int64)
        self._events: list[npt.NDArray[np.void]] = []
        self._refused: list[npt.NDArray[np.void]] = []
        self._directory: list[Listing] = []
        self._system: list[tuple[int, str]] = []
        self._n_messages = 0
        self.prefixed = -1  # 1 where lengths stand before messages, 0 where not, -1 before the first byte

    def read(self, data: bytes, offset: int) -> int:
        """Read whole messages from the start of ``data``, which lies at ``offset`` of the file; return the bytes used."""
        if self.prefixed < 0:
            # No message type is the byte 0, and no message is 256 bytes long, so the first byte tells the two framings apart.
            self.prefixed = int(data[0] == 0)
        array = np.frombuffer(data, np.uint8)
        used, why = 0, WHOLE
        while True:
            count, after, why = cut(array[used:], self.prefixed, self._lengths, self._starts)
            self._take(array[used:], self._starts[:count])
            used += int(after)
            if why != WHOLE or used == len(data):
                break
        if why in (UNKNOWN_TYPE, WRONG_LENGTH):
            at = used + 2 * self.prefixed
            length = int.from_bytes(data[used : used + 2], "big")
            said = f" of {length} bytes" if self.prefixed else ""
            known = LENGTHS.get(chr(data[at]))
            expected = f"its length is {known}" if known else f"ITCH 5.0 has the types {''.join(LENGTHS)}"
            where = f"{self._name} is damaged at byte {offset + used:,} (message {self._n_messages:,})"
            raise DataError(f"{where}: found type {chr(data[at])!r}{said}; {expected}.")
        assert why in (WHOLE, SHORT)
        return used

    def _take(self, data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]) -> None:
        """Note directory and system events, then decode the wanted messages."""
        kinds = data[starts]
        for start in starts[kinds == ord("R")]:
            self._list(bytes(data[start : start + LENGTHS["R"]]))
        for start in starts[kinds == ord("S")]:
            message = bytes(data[start : start + LENGTHS["S"]])
            self._system.append((int.from_bytes(message[5:11], "big"), chr(message[11])))
        events, faults = np.zeros(len(starts), RECORDED), np.zeros(len(starts), REFUSED)
        n_events, n_faults = decode(data, starts, len(starts), self._n_messages, self._symbol_of, events, faults, self._kinds)
        self._events.append(events[:n_events].copy())
        self._refused.append(faults[:n_faults].copy())
        self._n_messages += len(starts)

    def _list(self, message: bytes) -> None:
        locate, symbol = int.from_bytes(message[1:3], "big"), message[11:19].decode("ascii", "replace").rstrip()
        round_lot = int.from_bytes(message[21:25], "big")
        self._directory.append(Listing(symbol, locate, chr(message[19]), chr(message[20]), round_lot, chr(message[32])))
        if symbol in self._symbols:
            self._symbol_of[locate] = self._symbols.index(symbol)

    def day(self, midnight: int) -> ItchDay:
        """Return what the file holds."""
        listed = {listing.symbol for listing in self._directory}
        absent = [symbol for symbol in self._symbols if symbol not in listed]
        if absent:
            raise DataError(f"{self._name} does not list {', '.join(absent)}; its directory has {len(listed):,} symbols.")
        events = np.concatenate(self._events) if self._events else np.zeros(0, RECORDED)
        events["time_ns"], retimed = put_in_order(events["time_ns"])
        events["time_ns"] += midnight
        known, counts = np.zeros(len(events), np.int8), np.zeros(1, COUNTS)
        n_symbols = len(self._symbols)
        resolve(events, empty_book(events, n_symbols), counts, np.zeros(n_symbols, np.int8), known)
        unknown = np.zeros(int(np.count_nonzero(known == 0)), REFUSED)
        unknown["message"], unknown["fault"] = events["message"][known == 0], Fault.UNKNOWN_ORDER
        refused = np.sort(np.concatenate([*self._refused, unknown]), order="message")
        stream = Stream(
            events[known == 1],
            self._symbols,
            np.full(n_symbols, TICK_SIZE),
            np.ones(n_symbols),
            self._name,
            refused,
            events["message"][retimed],
        )
        found = {chr(kind): int(count) for kind, count in enumerate(self._kinds) if count}
        return ItchDay(stream, tuple(self._directory), tuple((midnight + ns, code) for ns, code in self._system), found)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name}: its compression is cut off or damaged ({error}); fetch it again.") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error}.") from error


def _midnight_ns(path: Path, date: dt.date | None) -> int:
    """Return midnight in New York as ns since the epoch."""
    if date is None:
        found = DATE_IN_NAME.search(path.name)
        if found is None:
            raise DataError(f"{path.name} has no date MMDDYYYY in its name, and ITCH times count from midnight; say which day it is.")
        try:
            date = dt.date(int(found[3]), int(found[1]), int(found[2]))
        except ValueError as error:
            raise DataError(f"{path.name}: {found[0]} in its name is no date MMDDYYYY; say which day it is.") from error
    return int(dt.datetime.combine(date, dt.time(), tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1_000_000_000
