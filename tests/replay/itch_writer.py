"""Writes TotalView-ITCH 5.0 messages field by field from the specification; shares nothing with the reader.

Each function is one row block of the specification's tables: the struct format spells the field widths in their order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

NO_STOCK = 0


def message(kind: str, locate: int, time_ns: int, layout: str, *fields: int | bytes) -> bytes:
    """Return type, stock locate, tracking number, six bytes of ns since midnight, then the fields."""
    head = struct.pack(">cHH", kind.encode(), locate, 0) + time_ns.to_bytes(6, "big")
    return head + struct.pack(">" + layout, *fields)


def stock(symbol: str) -> bytes:
    return symbol.ljust(8).encode()


def system_event(t: int, code: str) -> bytes:
    return message("S", NO_STOCK, t, "c", code.encode())


def directory(t: int, locate: int, symbol: str, round_lot: int = 100) -> bytes:
    tail = (b"Q", b"N", round_lot, b"N", b"C", b"Z ", b"P", b"N", b" ", b"1", b"N", 0, b"N")
    return message("R", locate, t, "8sccIcc2scccccIc", stock(symbol), *tail)


def trading_action(t: int, locate: int, symbol: str, state: str) -> bytes:
    return message("H", locate, t, "8scc4s", stock(symbol), state.encode(), b" ", b"    ")


def reg_sho(t: int, locate: int, symbol: str) -> bytes:
    return message("Y", locate, t, "8sc", stock(symbol), b"0")


def participant(t: int, locate: int, symbol: str) -> bytes:
    return message("L", locate, t, "4s8sccc", b"ABCD", stock(symbol), b"Y", b"N", b"A")


def decline_levels(t: int) -> bytes:
    return message("V", NO_STOCK, t, "QQQ", 1, 2, 3)


def breaker_status(t: int) -> bytes:
    return message("W", NO_STOCK, t, "c", b"1")


def ipo_quoting(t: int, locate: int, symbol: str) -> bytes:
    return message("K", locate, t, "8sIcI", stock(symbol), 34_200, b"A", 200_000)


def auction_collar(t: int, locate: int, symbol: str) -> bytes:
    return message("J", locate, t, "8sIIII", stock(symbol), 100, 110, 90, 1)


def operational_halt(t: int, locate: int, symbol: str, action: str) -> bytes:
    return message("h", locate, t, "8scc", stock(symbol), b"Q", action.encode())


def add(t: int, locate: int, symbol: str, ref: int, side: str, shares: int, price: int, mpid: str | None = None) -> bytes:
    fields = (ref, side.encode(), shares, stock(symbol), price)
    if mpid is None:
        return message("A", locate, t, "QcI8sI", *fields)
    return message("F", locate, t, "QcI8sI4s", *fields, mpid.encode())


def executed(t: int, locate: int, ref: int, shares: int, match: int) -> bytes:
    return message("E", locate, t, "QIQ", ref, shares, match)


def executed_at(t: int, locate: int, ref: int, shares: int, match: int, price: int, printable: str = "Y") -> bytes:
    return message("C", locate, t, "QIQcI", ref, shares, match, printable.encode(), price)


def cancel(t: int, locate: int, ref: int, shares: int) -> bytes:
    return message("X", locate, t, "QI", ref, shares)


def delete(t: int, locate: int, ref: int) -> bytes:
    return message("D", locate, t, "Q", ref)


def replace(t: int, locate: int, ref: int, new: int, shares: int, price: int) -> bytes:
    return message("U", locate, t, "QQII", ref, new, shares, price)


def trade(t: int, locate: int, symbol: str, shares: int, price: int, match: int, side: str = "B") -> bytes:
    return message("P", locate, t, "QcI8sIQ", 0, side.encode(), shares, stock(symbol), price, match)


def cross(t: int, locate: int, symbol: str, shares: int, price: int, match: int, kind: str) -> bytes:
    return message("Q", locate, t, "Q8sIQc", shares, stock(symbol), price, match, kind.encode())


def broken(t: int, locate: int, match: int) -> bytes:
    return message("B", locate, t, "Q", match)


def imbalance(t: int, locate: int, symbol: str) -> bytes:
    return message("I", locate, t, "QQc8sIIIcc", 500, 100, b"B", stock(symbol), 1, 2, 3, b"O", b"L")


def retail_interest(t: int, locate: int, symbol: str) -> bytes:
    return message("N", locate, t, "8sc", stock(symbol), b"A")


def direct_listing(t: int, locate: int, symbol: str) -> bytes:
    return message("O", locate, t, "8scIIIQII", stock(symbol), b"N", 1, 2, 3, 4, 5, 6)


def framed(messages: Iterable[bytes], *, prefixed: bool = True) -> bytes:
    """Return messages one after the other, each behind its length where ``prefixed``."""
    return b"".join((struct.pack(">H", len(m)) if prefixed else b"") + m for m in messages)
