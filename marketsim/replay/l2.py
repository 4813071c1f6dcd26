"""Feeds that tell levels by their totals: snapshots and differences with update ids become one stream, gaps are found and marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataError
from marketsim.recorded import NO_PRICE, RECORDED, REFUSED, Fault, RecordedKind
from marketsim.replay.depth import DepthRows
from marketsim.replay.stream import Stream, put_in_order

MOST_DECIMALS = 10


class Told(IntEnum):
    """What a message of such a feed holds."""

    SNAPSHOT = 1
    DIFFERENCE = 2
    TRADE = 3
    QUOTE = 4  # best bid and ask: not an event, but what the rebuilt book is compared with
    LOST = 5  # the feed itself shows that messages are missing


@dataclass(frozen=True, slots=True)
class Message:
    """One message, prices and quantities still as float64 currency and coins."""

    source: int  # line or row group it came from
    time_ns: int
    symbol: str
    told: Told
    levels: list[tuple[int, float, float]]  # side, price, quantity
    first_id: int = 0  # U
    last_id: int = 0  # u, or a snapshot's lastUpdateId; a trade's id
    before_id: int | None = None  # pu of futures feeds


@dataclass(frozen=True, slots=True)
class Recording:
    """A stream of level totals, and the quotes that came with it."""

    stream: Stream
    quotes: npt.NDArray[np.void]  # (n,) QUOTE, in order of the source

    @property
    def n_gaps(self) -> int:
        """Places where messages are missing."""
        return self.stream.count(RecordedKind.GAP)

    def depth_rows(self) -> DepthRows:
        """Return, for every message with an update id, the last quote up to that id: what the rebuilt touch should be.

        Empty where the feed's quotes carry no update ids. One symbol only.
        """
        if len(self.stream.symbols) != 1:
            raise DataError(f"{self.stream.source} holds {len(self.stream.symbols)} symbols; choose one when reading it.")
        events = self.stream.events
        ends = np.flatnonzero(np.append(events["message"][1:] != events["message"][:-1], True))
        ends = ends[(events["kind"][ends] == RecordedKind.SET_LEVEL) & (events["other_id"][ends] > 0)]
        quotes = self.quotes[np.argsort(self.quotes["update_id"], kind="stable")]
        at = np.searchsorted(quotes["update_id"], events["other_id"][ends], side="right") - 1
        known = (at >= 0) & (quotes["update_id"][np.maximum(at, 0)] > 0) if len(quotes) else np.zeros(len(at), np.bool_)
        quotes, message = quotes[at[known]], events["message"][ends[known]]
        price = np.stack([quotes["bid_tick"], quotes["ask_tick"]], axis=1)[:, :, None]
        qty = np.stack([quotes["bid_lot"], quotes["ask_lot"]], axis=1)[:, :, None]
        return DepthRows(np.where(qty > 0, price, NO_PRICE), qty, message)


QUOTE = np.dtype(
    [
        ("time_ns", np.int64),
        ("update_id", np.int64),  # 0 where the feed has none
        ("message", np.int64),
        ("bid_tick", np.int64),
        ("bid_lot", np.int64),
        ("ask_tick", np.int64),
        ("ask_lot", np.int64),
        ("symbol", np.int32),
    ],
    align=True,
)


@dataclass(slots=True)
class _Sequence:
    """Where one symbol's differences stand."""

    last_id: int | None = None  # update id the book is at; None before the first message
    from_snapshot: bool = False  # whether the next difference is the first after a snapshot
    waiting: list[Message] = field(default_factory=list)  # differences that came before the first snapshot


def assembled(
    messages: Sequence[Message], source: str, *, symbol: str | None = None, refused: Sequence[tuple[int, Fault]] = ()
) -> Recording:
    """Put messages into one stream.

    Binance's rule: differences not newer than the snapshot are dropped, the first one kept must reach over it, every further one must
    start where the one before ended (``U = u + 1``; futures: ``pu = u``). A GAP event stands where that fails.

    Parameters
    ----------
    messages : in order of reception.
    source : names the files.
    symbol : keep this one alone; None = all.
    refused : (source line, fault) of what could not become a message.

    Raises
    ------
    DataError
        There is no message of that symbol.
    """
    wanted = [m for m in messages if symbol is None or m.symbol == symbol]
    symbols = tuple(sorted({m.symbol for m in wanted}))
    if not symbols:
        present = ", ".join(sorted({m.symbol for m in messages})[:10]) or "none"
        raise DataError(f"{source} has no message of {symbol or 'any symbol'}; it has {present}.")
    outdated: list[tuple[int, Fault]] = []
    kept = _sequenced(wanted, outdated)
    tick, lot = _grids(wanted, symbols)
    events, time_changed = _events(kept, symbols, tick, lot)
    fault = np.array([*refused, *outdated], REFUSED) if refused or outdated else np.zeros(0, REFUSED)
    stream = Stream(events, symbols, tick, lot, source, np.sort(fault, order="message"), time_changed)
    return Recording(stream, _quotes([m for m in wanted if m.told == Told.QUOTE], symbols, tick, lot))


def _sequenced(messages: Sequence[Message], outdated: list[tuple[int, Fault]]) -> list[Message]:
    """Return the messages that become events, in order, with a LOST message at each gap."""
    has_snapshot = {m.symbol for m in messages if m.told == Told.SNAPSHOT}
    state: dict[str, _Sequence] = {m.symbol: _Sequence() for m in messages}
    kept: list[Message] = []
    for message in messages:
        at = state[message.symbol]
        if message.told == Told.SNAPSHOT:
            if at.last_id is not None and 0 < message.last_id < at.last_id:
                outdated.append((message.source, Fault.OUTDATED))
                continue
            kept.append(message)
            at.last_id, at.from_snapshot = message.last_id, True
            for earlier in at.waiting:
                _difference(replace(earlier, time_ns=message.time_ns), at, kept, outdated)
            at.waiting = []
        elif message.told == Told.DIFFERENCE and at.last_id is None and message.symbol in has_snapshot:
            at.waiting.append(message)
        elif message.told == Told.DIFFERENCE:
            _difference(message, at, kept, outdated)
        elif message.told in (Told.TRADE, Told.LOST):
            kept.append(message)
    return kept


def _difference(message: Message, at: _Sequence, kept: list[Message], outdated: list[tuple[int, Fault]]) -> None:
    """Keep one difference, drop it as outdated, or keep it behind a gap."""
    if message.last_id == 0:  # a feed without update ids
        kept.append(message)
        return
    if at.last_id is not None:
        futures = message.before_id is not None
        if message.last_id < at.last_id or (message.last_id == at.last_id and not (futures and at.from_snapshot)):
            outdated.append((message.source, Fault.OUTDATED))
            return
        if at.from_snapshot:
            follows = message.first_id <= at.last_id + (0 if futures else 1)
        else:
            follows = message.before_id == at.last_id if futures else message.first_id == at.last_id + 1
        if not follows:
            missing = max(0, message.first_id - at.last_id - 1)
            kept.append(Message(message.source, message.time_ns, message.symbol, Told.LOST, [(0, 0.0, float(missing))]))
    kept.append(message)
    at.last_id, at.from_snapshot = message.last_id, False


def _grids(messages: Sequence[Message], symbols: Sequence[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return tick and lot sizes: the finest decimals in use."""
    tick, lot = np.ones(len(symbols)), np.ones(len(symbols))
    for index, symbol in enumerate(symbols):
        levels = [level for m in messages if m.symbol == symbol and m.told != Told.LOST for level in m.levels]
        tick[index] = 10.0 ** -decimals(np.array([price for _, price, _ in levels]))
        lot[index] = 10.0 ** -decimals(np.array([qty for _, _, qty in levels]))
    return tick, lot


def decimals(values: npt.NDArray[np.float64]) -> int:
    """Return how many decimals, at most 10, are needed to write all values without loss."""
    values = np.unique(values)
    for count in range(MOST_DECIMALS):
        scaled = values * 10.0**count
        # Decimal text read as float64 is within half a unit in the last place of a decimal.
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-9 + 4e-16 * np.abs(scaled)):
            return count
    return MOST_DECIMALS


def _events(
    messages: Sequence[Message], symbols: Sequence[str], tick: npt.NDArray[np.float64], lot: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int64]]:
    """Return the events of all messages, and which messages got another time."""
    code = {symbol: index for index, symbol in enumerate(symbols)}
    rows: list[tuple[int, int, int, float, float, int, int, int, int]] = []
    for number, m in enumerate(messages):
        s = code[m.symbol]
        if m.told == Told.SNAPSHOT:
            rows.append((m.time_ns, 0, m.last_id, 0.0, 0.0, number, s, RecordedKind.CLEAR, 0))
        kind = {Told.TRADE: RecordedKind.TRADE, Told.LOST: RecordedKind.GAP}.get(m.told, RecordedKind.SET_LEVEL)
        scale = 1.0 if m.told == Told.LOST else 1.0 / lot[s]
        rows.extend((m.time_ns, 0, m.last_id, price / tick[s], qty * scale, number, s, kind, side) for side, price, qty in m.levels)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(RECORDED.names or ())
    events = np.zeros(len(rows), RECORDED)
    for name, column in zip(RECORDED.names or (), columns, strict=True):
        events[name] = np.round(np.array(column, np.float64)) if name in ("price_tick", "qty_lot") else column
    sources = np.array([m.source for m in messages], np.int64)
    numbers = events["message"].copy()
    events["time_ns"], changed = put_in_order(events["time_ns"])
    return events, np.unique(sources[numbers[changed]])


def _quotes(
    messages: Sequence[Message], symbols: Sequence[str], tick: npt.NDArray[np.float64], lot: npt.NDArray[np.float64]
) -> npt.NDArray[np.void]:
    quotes = np.zeros(len(messages), QUOTE)
    for n, m in enumerate(messages):
        s = symbols.index(m.symbol)
        (_, bid, bid_qty), (_, ask, ask_qty) = m.levels
        counts = (round(bid / tick[s]), round(bid_qty / lot[s]), round(ask / tick[s]), round(ask_qty / lot[s]))
        quotes[n] = (m.time_ns, m.last_id, m.source, *counts, s)
    return quotes
