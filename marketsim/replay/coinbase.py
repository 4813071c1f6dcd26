"""Coinbase Exchange: the level2 channel's snapshot and absolute updates, matches and tickers, captured as JSON lines.

The level2 channel has no sequence numbers, so a lost update cannot be seen in it. Trade ids rise by one a product, so lost matches can:
a GAP event stands before the first match after them.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from marketsim.recorded import Fault
from marketsim.records import Side
from marketsim.replay.capture import Captured, captured
from marketsim.replay.l2 import Message, Recording, Told, assembled

SIDES = {"buy": int(Side.BUY), "sell": int(Side.SELL)}


def read_coinbase(*paths: Path, symbol: str | None = None) -> Recording:
    """Read captures of one connection.

    Parameters
    ----------
    paths : captures in one of the forms of `marketsim.replay.capture`.
    symbol : keep this product alone, as ``BTC-USD``; None = all.

    Returns
    -------
    Recording
        A trade's side is the maker's, as ``match`` tells it; ``last_match`` is from before the subscription and left out.

    Raises
    ------
    DataError
        A file cannot be read or holds no message of the product.
    """
    messages: list[Message] = []
    refused: list[tuple[int, Fault]] = []
    last_trade: dict[str, int] = {}
    opened: set[str] = set()
    for line in captured(*paths):
        try:
            message = None if line.message is None else _message(line)
        except (KeyError, TypeError, ValueError):
            refused.append((line.line, Fault.BAD_TEXT))
            continue
        if line.message is None:
            refused.append((line.line, Fault.BAD_TEXT))
        elif message is None:
            continue
        elif any(not price > 0.0 or not 0.0 <= qty < float("inf") for _, price, qty in message.levels):
            refused.append((line.line, Fault.BAD_PRICE if any(not p > 0.0 for _, p, _ in message.levels) else Fault.BAD_QUANTITY))
        elif message.told == Told.DIFFERENCE and message.symbol not in opened:
            refused.append((line.line, Fault.OUTDATED))
        else:
            if message.told == Told.SNAPSHOT:
                opened.add(message.symbol)
            if message.told == Told.TRADE:
                before = last_trade.get(message.symbol)
                if before is not None and message.last_id > before + 1:
                    lost = [(0, 0.0, float(message.last_id - before - 1))]
                    messages.append(Message(line.line, message.time_ns, message.symbol, Told.LOST, lost))
                last_trade[message.symbol] = message.last_id
            messages.append(message)
    return assembled(messages, ", ".join(path.name for path in paths), symbol=symbol, refused=refused)


def _message(line: Captured) -> Message | None:
    said = line.message or {}
    kind = said.get("type")
    if kind not in ("snapshot", "l2update", "match", "ticker"):
        return None
    time_ns = line.received_ns if line.received_ns is not None else _ns(said["time"]) if "time" in said else 0
    symbol = str(said["product_id"])
    if kind == "snapshot":
        levels = [(side, float(p), float(q)) for name, side in (("bids", 1), ("asks", -1)) for p, q in said[name]]
        return Message(line.line, time_ns, symbol, Told.SNAPSHOT, levels)
    if kind == "l2update":
        return Message(line.line, time_ns, symbol, Told.DIFFERENCE, [(SIDES[side], float(p), float(q)) for side, p, q in said["changes"]])
    if kind == "match":
        level = (SIDES[said["side"]], float(said["price"]), float(said["size"]))
        return Message(line.line, time_ns, symbol, Told.TRADE, [level], last_id=int(said["trade_id"]))
    # The ticker tells the touch without its quantities.
    return Message(line.line, time_ns, symbol, Told.QUOTE, [(1, float(said["best_bid"]), 0.0), (-1, float(said["best_ask"]), 0.0)])


def _ns(text: str) -> int:
    """Return ns since the epoch of ISO 8601 text in UTC, microseconds kept."""
    moment = dt.datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
