"""Binance, spot and USD-M futures: depth differences, snapshots, trades and book tickers, captured as JSON lines or kept as Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marketsim.errors import DataError
from marketsim.recorded import Fault
from marketsim.records import Side
from marketsim.replay.capture import Captured, captured
from marketsim.replay.l2 import Message, Recording, Told, assembled

BUY, SELL = int(Side.BUY), int(Side.SELL)
SYMBOL_IN_ADDRESS = re.compile(r"[?&]symbol=([A-Z0-9_]+)")


def read_binance(*paths: Path, symbol: str | None = None) -> Recording:
    """Read captures of one connection; several files (a WebSocket's and the REST answers) are merged by time of reception.

    Parameters
    ----------
    paths : captures in one of the forms of `marketsim.replay.capture`.
    symbol : keep this one alone, in capitals; None = all.

    Returns
    -------
    Recording
        Times are those of reception where the capture has them, else the exchange's. A trade's side is the resting order's.

    Raises
    ------
    DataError
        A file cannot be read or holds no message of the symbol.
    """
    messages: list[Message] = []
    refused: list[tuple[int, Fault]] = []
    lines = list(captured(*paths))
    known = {str(_payload(line)["s"]) for line in lines if line.message is not None and "s" in _payload(line)}
    only = next(iter(known)) if len(known) == 1 else None
    for line in lines:
        try:
            message = None if line.message is None else _message(line, only)
        except (KeyError, TypeError, ValueError):
            refused.append((line.line, Fault.BAD_TEXT))
            continue
        if line.message is None:
            refused.append((line.line, Fault.BAD_TEXT))
        elif message is not None and (fault := _fault(message)):
            refused.append((line.line, fault))
        elif message is not None:
            messages.append(message)
    return assembled(messages, ", ".join(path.name for path in paths), symbol=symbol, refused=refused)


def read_binance_parquet(depth: Path, trades: Path | None = None, quotes: Path | None = None, *, symbol: str) -> Recording:
    """Read the Parquet form: one row a level (``local_ns, kind, side, price, qty, U, u, pu``), trades and book tickers beside it.

    Raises
    ------
    DataError
        A file cannot be read or lacks a column.
    """
    messages = list(_depth_messages(_table(depth, ("local_ns", "kind", "side", "price", "qty", "U", "u", "pu")), symbol))
    if trades is not None:
        table = _table(trades, ("local_ns", "trade_id", "price", "qty", "buyer_is_maker"))
        columns = (table[name].to_pylist() for name in ("local_ns", "trade_id", "price", "qty", "buyer_is_maker"))
        for row, (time_ns, trade_id, price, qty, maker) in enumerate(zip(*columns, strict=True)):
            messages.append(Message(row, time_ns, symbol, Told.TRADE, [(BUY if maker else SELL, price, qty)], last_id=trade_id))
    if quotes is not None:
        table = _table(quotes, ("local_ns", "u", "bid", "bid_sz", "ask", "ask_sz"))
        columns = (table[name].to_pylist() for name in ("local_ns", "u", "bid", "bid_sz", "ask", "ask_sz"))
        for row, (time_ns, u, bid, bid_qty, ask, ask_qty) in enumerate(zip(*columns, strict=True)):
            messages.append(Message(row, time_ns, symbol, Told.QUOTE, [(BUY, bid, bid_qty), (SELL, ask, ask_qty)], last_id=u))
    refused = [(m.source, fault) for m in messages if (fault := _fault(m))]
    messages = sorted((m for m in messages if not _fault(m)), key=lambda m: m.time_ns)
    return assembled(messages, depth.name, symbol=symbol, refused=refused)


def _payload(line: Captured) -> dict[str, Any]:
    """Return the message inside the wrapping of a combined stream."""
    message = line.message or {}
    inside = message.get("data") if "stream" in message else message
    return inside if isinstance(inside, dict) else {}


def _message(line: Captured, only: str | None) -> Message | None:
    """Return what a line tells of a book, or None where it is about something else."""
    said = _payload(line)
    kind = said.get("e")
    time_ns = line.received_ns if line.received_ns is not None else 1_000_000 * int(said.get("E", said.get("T", 0)))
    if "lastUpdateId" in said:
        found = SYMBOL_IN_ADDRESS.search(line.address or "")
        symbol = found[1] if found else only
        if symbol is None:
            raise ValueError(line.line)
        levels = _levels(said["bids"], BUY) + _levels(said["asks"], SELL)
        return Message(line.line, time_ns, symbol, Told.SNAPSHOT, levels, last_id=int(said["lastUpdateId"]))
    if kind == "depthUpdate":
        levels = _levels(said["b"], BUY) + _levels(said["a"], SELL)
        before = int(said["pu"]) if "pu" in said else None
        return Message(line.line, time_ns, said["s"], Told.DIFFERENCE, levels, int(said["U"]), int(said["u"]), before)
    if kind == "trade":
        side = BUY if said["m"] else SELL
        return Message(line.line, time_ns, said["s"], Told.TRADE, [(side, float(said["p"]), float(said["q"]))], last_id=int(said["t"]))
    if kind == "bookTicker" or {"u", "b", "B", "a", "A"} <= said.keys():
        both = [(BUY, float(said["b"]), float(said["B"])), (SELL, float(said["a"]), float(said["A"]))]
        return Message(line.line, time_ns, said["s"], Told.QUOTE, both, last_id=int(said["u"]))
    return None


def _levels(pairs: list[list[str]], side: int) -> list[tuple[int, float, float]]:
    return [(side, float(price), float(qty)) for price, qty, *_ in pairs]


def _fault(message: Message) -> Fault | None:
    for _, price, qty in message.levels:
        if not (np.isfinite(price) and np.isfinite(qty)):
            return Fault.NOT_A_NUMBER
        if price <= 0.0:
            return Fault.BAD_PRICE
        if qty < 0.0 or (qty == 0.0 and message.told == Told.TRADE):
            return Fault.BAD_QUANTITY
    return None


def _table(path: Path, columns: tuple[str, ...]) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}.") from error
    absent = [name for name in columns if name not in table.column_names]
    if absent:
        raise DataError(f"{path.name} lacks the column {absent[0]}; expected {', '.join(columns)}.")
    return table


def _depth_messages(table: pa.Table, symbol: str) -> Iterator[Message]:
    """Yield one message a run of rows with the same ids."""
    names = ("local_ns", "kind", "side", "price", "qty", "U", "u", "pu")
    current: Message | None = None
    for row, values in enumerate(zip(*(table[name].to_pylist() for name in names), strict=True)):
        time_ns, kind, side, price, qty, first, last, before = values
        told = Told.SNAPSHOT if kind == "snapshot" else Told.DIFFERENCE
        if current is None or (current.told, current.last_id) != (told, last):
            if current is not None:
                yield current
            current = Message(row, time_ns, symbol, told, [], first, last, before if before >= 0 else None)
        current.levels.append((BUY if side > 0 else SELL, price, qty))
    if current is not None:
        yield current
