"""The canonical stream: what every reader returns and everything else in this package starts from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from marketsim.errors import DataError
from marketsim.recorded import RECORDED, REFUSED, Fault, RecordedKind

IntArray = npt.NDArray[np.int64]
UTC_NS = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True, slots=True)
class Stream:
    """Recorded events in time order, and the grid their integers count on."""

    events: npt.NDArray[np.void]  # (n,) RECORDED, times never fall
    symbols: tuple[str, ...]
    tick_size: npt.NDArray[np.float64]  # (n_symbols,) currency
    lot_size: npt.NDArray[np.float64]  # (n_symbols,) shares or coins
    source: str  # names the files in messages
    refused: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, REFUSED))  # (k,) REFUSED, in order of the source
    retimed: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))  # (k,) messages whose time broke the order and was mended

    @property
    def n_messages(self) -> int:
        """Messages of the source that gave at least one event; an opening state from elsewhere is none."""
        return len(np.unique(self.events["message"][self.events["message"] >= 0]))

    def count(self, kind: RecordedKind) -> int:
        """Return how many events of a kind there are."""
        return int(np.count_nonzero(self.events["kind"] == kind))

    def faults(self) -> dict[Fault, tuple[int, int]]:
        """Return, for every fault found, how many rows were refused for it and the first of them."""
        found = {}
        for fault in Fault:
            rows = self.refused["message"][self.refused["fault"] == fault]
            if len(rows):
                found[fault] = (len(rows), int(rows[0]))
        return found

    def only(self, symbol: str) -> Stream:
        """Return the events of one symbol alone."""
        if symbol not in self.symbols:
            raise DataError(f"{self.source} has no symbol {symbol}; it has {', '.join(self.symbols[:10])}.")
        index = self.symbols.index(symbol)
        events = self.events[self.events["symbol"] == index].copy()
        events["symbol"] = 0
        grid = slice(index, index + 1)
        return replace(self, events=events, symbols=(symbol,), tick_size=self.tick_size[grid], lot_size=self.lot_size[grid])

    def table(self) -> pa.Table:
        """Return the events as an Arrow table: times UTC, kinds by name, prices and quantities in currency and shares."""
        e = self.events
        kinds = pa.array([kind.name.lower() for kind in RecordedKind])
        return pa.table(
            {
                "message": pa.array(e["message"]),
                "time_utc": pa.array(np.ascontiguousarray(e["time_ns"])).view(UTC_NS),
                "symbol": pa.array(self.symbols).take(pa.array(e["symbol"])),
                "kind": kinds.take(pa.array(e["kind"] - 1)),
                "side": pa.array(["sell", None, "buy"]).take(pa.array(e["side"] + 1)),
                "order_id": pa.array(e["order_id"]),
                "other_id": pa.array(e["other_id"]),
                "price": pa.array(e["price_tick"] / per_unit(self.tick_size)[e["symbol"]]),
                "price_tick": pa.array(e["price_tick"]),
                "qty": pa.array(e["qty_lot"] / per_unit(self.lot_size)[e["symbol"]]),
                "qty_lot": pa.array(e["qty_lot"]),
            }
        )

    def write_parquet(self, path: Path) -> None:
        """Write `table` as Parquet; ``read_stream`` brings the stream back."""
        grid = {b"tick_size": _text(self.tick_size), b"lot_size": _text(self.lot_size)}
        names = {b"symbols": "\n".join(self.symbols).encode(), b"source": self.source.encode()}
        pq.write_table(self.table().replace_schema_metadata(grid | names), path, compression="zstd")


def read_stream(path: Path) -> Stream:
    """Return a stream that `Stream.write_parquet` wrote.

    Raises
    ------
    DataError
        The file is not one of those.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    about = table.schema.metadata or {}
    if b"tick_size" not in about or "price_tick" not in table.column_names:
        raise DataError(f"{path} is no recorded stream: it lacks the grid that `marketsim replay` writes with it.")
    symbols = about[b"symbols"].decode().split("\n")
    events = np.zeros(table.num_rows, RECORDED)
    for name in ("message", "order_id", "other_id", "price_tick", "qty_lot"):
        events[name] = table[name].to_numpy()
    events["time_ns"] = table["time_utc"].cast(pa.int64()).to_numpy()
    events["symbol"] = _codes(table["symbol"], symbols)
    events["kind"] = _codes(table["kind"], [kind.name.lower() for kind in RecordedKind]) + 1
    side = table["side"].to_numpy(zero_copy_only=False)
    events["side"] = np.where(side == "buy", 1, np.where(side == "sell", -1, 0))
    return Stream(events, tuple(symbols), _numbers(about[b"tick_size"]), _numbers(about[b"lot_size"]), about[b"source"].decode())


def merged(streams: Sequence[Stream]) -> Stream:
    """Return several streams as one, in time order, equal times in the order given; order ids must differ between the streams.

    Messages are numbered anew so that events of one message still belong together.
    """
    symbols = tuple(symbol for stream in streams for symbol in stream.symbols)
    if len(set(symbols)) != len(symbols):
        raise DataError(f"{', '.join(s.source for s in streams)} share a symbol; merge streams of different symbols.")
    parts, first_symbol, first_message = [], 0, 0
    for stream in streams:
        part = stream.events.copy()
        part["symbol"] += first_symbol
        part["message"][part["message"] >= 0] += first_message
        first_symbol += len(stream.symbols)
        first_message = int(part["message"].max(initial=first_message - 1)) + 1
        parts.append(part)
    events = np.concatenate(parts)
    events = events[np.argsort(events["time_ns"], kind="stable")]
    return Stream(
        events,
        symbols,
        np.concatenate([s.tick_size for s in streams]),
        np.concatenate([s.lot_size for s in streams]),
        " + ".join(s.source for s in streams),
        np.concatenate([s.refused for s in streams]),
        np.concatenate([s.retimed for s in streams]),
    )


def per_unit(size: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how many ticks or lots make one unit; dividing by it gives decimal prices exactly, as multiplying does not."""
    count = 1.0 / size
    whole = np.round(count)
    return np.where(np.abs(count - whole) < 1e-6 * count, whole, count)


def put_in_order(time_ns: IntArray) -> tuple[IntArray, IntArray]:
    """Return times that never fall, and the rows whose time had to be changed.

    The order of a file is the order of its events, so a row whose time contradicts it keeps its place and gets the time of the row before.
    The rows at fault are the fewest whose change mends the order: those outside a longest non-falling subsequence (Fredman 1975).
    """
    if np.all(time_ns[1:] >= time_ns[:-1]):
        return time_ns, np.zeros(0, np.int64)
    ends: list[int] = []  # ends[k] is the least last time of a subsequence of k + 1 rows, rows[k] its row
    rows: list[int] = []
    before = np.full(len(time_ns), -1)
    for row, time in enumerate(time_ns.tolist()):
        k = bisect_right(ends, time)
        before[row] = rows[k - 1] if k else -1
        ends[k : k + 1], rows[k : k + 1] = [time], [row]
    kept = np.zeros(len(time_ns), np.bool_)
    row = rows[-1]
    while row >= 0:
        kept[row] = True
        row = int(before[row])
    mended = np.where(kept, time_ns, np.iinfo(np.int64).min)
    mended = np.maximum(np.maximum.accumulate(mended), time_ns[kept][0])
    return mended, np.flatnonzero(~kept)


def refusals(faulty: Sequence[tuple[npt.NDArray[np.bool_], Fault]]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.bool_]]:
    """Return the refused rows, each with the first fault that applies to it, and which rows are left, from one mask a fault."""
    fault = np.zeros(len(faulty[0][0]), np.int8)
    for mask, code in faulty:
        fault[mask & (fault == 0)] = code
    rows = np.flatnonzero(fault)
    refused = np.zeros(len(rows), REFUSED)
    refused["message"], refused["fault"] = rows, fault[rows]
    return refused, fault == 0


def _codes(column: pa.ChunkedArray, names: Sequence[str]) -> npt.NDArray[np.int64]:
    import pyarrow.compute as pc

    return np.asarray(pc.index_in(column, value_set=pa.array(names)).to_numpy(), dtype=np.int64)


def _text(values: npt.NDArray[np.float64]) -> bytes:
    return " ".join(repr(float(value)) for value in values).encode()


def _numbers(text: bytes) -> npt.NDArray[np.float64]:
    return np.array([float(part) for part in text.decode().split()])
