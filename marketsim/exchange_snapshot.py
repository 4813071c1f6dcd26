"""The state of an exchange as bytes, and back."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import DataError
from marketsim.kernel import book_state, session_state
from marketsim.kernel.exchange_memory import allocate, release
from marketsim.records import EVENT, TRADE
from marketsim.venue_rules import VenueRules

_STATE = tuple(
    name for name in book_state.ENGINE.names or () if name not in ("messages", "n_messages", "top", "depth", "consolidated", "n_depth")
)
_MAGIC = b"marketsim exchange 3"


def _sizes(header: NDArray[np.void]) -> dict[str, int]:
    """Return the used bytes of each table."""
    h = {name: int(header[name][0]) for name in header.dtype.names or ()}
    n_books = h["n_symbols"] * h["n_venues"]
    n_ladders = n_books * book_state.LADDERS_A_BOOK + 1
    return {
        "slots": h["slots_used"] * book_state.SLOT.itemsize,
        "extras": h["slots_used"] * book_state.EXTRA.itemsize,
        "levels": h["levels_used"] * book_state.LEVEL.itemsize,
        "nodes": h["nodes_used"] * book_state.NODE.itemsize,
        "windows": n_books * book_state.WINDOWS_A_BOOK * book_state.WINDOW_BYTES,
        "ladders": n_ladders * book_state.LADDER.itemsize,
        "books": n_books * book_state.BOOK.itemsize,
        "sessions": n_books * session_state.SESSION.itemsize,
        "prints": h["prints_used"] * session_state.PRINT.itemsize,
        "dense_ids": h["dense_capacity"] * 4,
        "id_keys": h["id_capacity"] * 8,
        "id_slots": h["id_capacity"] * 4,
        "owners": h["owner_capacity"] * book_state.OWNER.itemsize,
        "timers": h["n_timers"] * book_state.TIMER.itemsize,
        "trades": h["n_trades"] * TRADE.itemsize,
        "events": h["n_events"] * EVENT.itemsize,
    }


def _seal(rules: Sequence[VenueRules]) -> bytes:
    return hashlib.sha256(repr(tuple(rules)).encode()).digest()


def pack(header: NDArray[np.void], digests: Sequence[int], rules: Sequence[VenueRules]) -> bytes:
    """Return header, digests and tables in one piece."""
    parts = [_MAGIC, _seal(rules), header.tobytes(), np.array(digests, np.int64).tobytes()]
    parts += [ctypes.string_at(int(header[name][0]), size) for name, size in _sizes(header).items()]
    return b"".join(parts)


def unpack(snapshot: bytes, header: NDArray[np.void], rules: Sequence[VenueRules]) -> list[int]:
    """Fill a header and its tables from a snapshot; return the digests.

    Raises
    ------
    DataError
        If the bytes are no snapshot, are cut short, or belong to other rules or symbols; the exchange then keeps its state.
    """
    start = len(_MAGIC) + 32
    body = start + header.dtype.itemsize + 16
    if snapshot[: len(_MAGIC)] != _MAGIC or len(snapshot) < body:
        raise DataError("these bytes are not a snapshot of an exchange; pass what Exchange.snapshot() returned")
    if snapshot[len(_MAGIC) : start] != _seal(rules):
        raise DataError("the snapshot was taken under other venue rules; restore it into an exchange with the same rules")
    saved = np.frombuffer(snapshot, header.dtype, 1, start).copy()
    if saved["n_symbols"][0] != header["n_symbols"][0]:
        raise DataError(f"the snapshot has {saved['n_symbols'][0]} symbols and this exchange {header['n_symbols'][0]}; make them equal")
    sizes = _sizes(saved)
    if len(snapshot) != body + sum(sizes.values()):
        raise DataError(f"the snapshot has {len(snapshot)} bytes where {body + sum(sizes.values())} were expected; it was cut short")
    release(header.ctypes.data)
    header[list(_STATE)] = saved[list(_STATE)]
    free_lists = {name: int(saved[name][0]) for name in ("free_slot", "free_level", "free_node", "free_print", "next_timer_ns")}
    allocate(header.ctypes.data)
    for name, value in free_lists.items():
        header[name] = value
    place = body
    for name, size in sizes.items():
        ctypes.memmove(int(header[name][0]), snapshot[place : place + size], size)
        place += size
    return [int(word) for word in np.frombuffer(snapshot, np.int64, 2, body - 16)]
