"""LOBSTER: a message file and a row-aligned order book file a symbol and day, without headings.

Message file: time (seconds after midnight, New York), type, order id, size, price (USD × 10,000), direction of the **resting** order.
Types: 1 submit, 2 partial cancel, 3 delete, 4 visible execution, 5 hidden execution, 6 cross, 7 halt (price -1 halt, 0 quoting, 1 resume).
Order book file: row k is the state after message k: ask price, ask size, bid price, bid size a level; ±9999999999 and size 0 = no level.
Parquet conversions carry the same columns by name, the time as ``time_ns``.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from marketsim.errors import DataError
from marketsim.recorded import NO_PRICE, RECORDED, Fault, RecordedKind
from marketsim.replay.depth import ASK, BID, DepthRows
from marketsim.replay.stream import IntArray, Stream, put_in_order, refusals

TICK_SIZE = 0.0001  # USD
COLUMNS = ("time_ns", "type", "order_id", "size", "price", "direction")
NO_LEVEL = 9_999_999_999
KIND = {1: RecordedKind.ADD, 2: RecordedKind.REDUCE, 3: RecordedKind.DELETE, 4: RecordedKind.EXECUTE, 5: RecordedKind.EXECUTE_HIDDEN,
        6: RecordedKind.CROSS}  # fmt: skip
HALT_KIND = {-1: RecordedKind.HALT, 0: RecordedKind.QUOTE, 1: RecordedKind.RESUME}
FILE_NAME = re.compile(r"^(?P<symbol>[A-Z.]+)_(?P<date>\d{4}-\d{2}-\d{2})_.*message.*$")


@dataclass(frozen=True, slots=True)
class LobsterDay:
    """One symbol's day."""

    stream: Stream
    depth: DepthRows | None  # of the accepted messages; None without an order book file
    window_levels: int | None  # levels a side of the deepest order book file: messages beyond them are not in the recording


def read_lobster(messages: Path, orderbook: Path | None = None, *, initial: Path | None = None) -> LobsterDay:
    """Read one symbol's day; symbol and date come from the message file's name, as LOBSTER names its files.

    Parameters
    ----------
    messages : message file, CSV or Parquet, named ``SYMBOL_YYYY-MM-DD_…message…``.
    orderbook : order book file with as many rows.
    initial : an order book file whose first row gives the opening state instead, where it is deeper than ``orderbook``.

    Returns
    -------
    LobsterDay
        The stream opens with the book as it was before the first message, levels whose orders are unknown.

    Raises
    ------
    DataError
        A file cannot be read, the name carries no date, or the two files do not fit together.
    """
    named = FILE_NAME.match(messages.name)
    if named is None:
        raise DataError(f"{messages.name} is not named SYMBOL_YYYY-MM-DD_…message…, so its symbol and date are unknown; rename it.")
    table = _columns(messages, len(COLUMNS), COLUMNS)
    midnight = _midnight_ns(dt.date.fromisoformat(named["date"]))
    events, refused, accepted, retimed = _events(table, midnight)
    depth = opening = None
    if orderbook is not None:
        depth = _depth(orderbook, len(accepted))
        depth = DepthRows(depth.price_tick[accepted], depth.qty_lot[accepted], np.flatnonzero(accepted))
        opening = depth
    if initial is not None:
        opening = _depth(initial, None)
    if opening is not None and len(opening) and len(events):
        events = np.concatenate([_before_first(opening, events[0]), events])
    stream = Stream(events, (named["symbol"],), np.array([TICK_SIZE]), np.ones(1), messages.name, refused, retimed)
    return LobsterDay(stream, depth, None if opening is None else opening.n_levels)


def _events(table: pa.Table, midnight_ns: int) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void], npt.NDArray[np.bool_], IntArray]:
    """Return the events, the refused rows, which rows were accepted, and which messages got another time."""
    missing = np.zeros(table.num_rows, np.bool_)
    columns: dict[str, IntArray] = {}
    for name in COLUMNS:
        missing |= table[name].is_null().to_numpy()
        columns[name] = table[name].fill_null(0).to_numpy()
    kind = np.zeros(table.num_rows, np.int8)
    for code, meaning in KIND.items():
        kind[columns["type"] == code] = meaning
    for price, meaning in HALT_KIND.items():
        kind[(columns["type"] == 7) & (columns["price"] == price)] = meaning
    orders = (kind >= RecordedKind.ADD) & (kind <= RecordedKind.EXECUTE_HIDDEN)
    refused, accepted = refusals(
        [
            (missing, Fault.NOT_A_NUMBER),
            (kind == 0, Fault.UNKNOWN_KIND),
            (orders & (np.abs(columns["direction"]) != 1), Fault.BAD_SIDE),
            (orders & (columns["size"] <= 0), Fault.BAD_QUANTITY),
            (orders & (columns["price"] <= 0), Fault.BAD_PRICE),
        ]
    )
    events = np.zeros(int(np.count_nonzero(accepted)), RECORDED)
    time_ns, retimed = put_in_order(columns["time_ns"][accepted])
    events["time_ns"] = time_ns + midnight_ns
    events["kind"] = kind[accepted]
    events["message"] = np.flatnonzero(accepted)
    shown = events["kind"] <= RecordedKind.CROSS
    for target, name in (("order_id", "order_id"), ("qty_lot", "size"), ("price_tick", "price"), ("side", "direction")):
        events[target] = np.where(shown, columns[name][accepted], 0)
    events["order_id"][events["kind"] > RecordedKind.EXECUTE] = 0
    return events, refused, accepted, events["message"][retimed]


def _depth(path: Path, n_rows: int | None) -> DepthRows:
    table = _columns(path, None, ())
    if table.num_columns == 0 or table.num_columns % 4:
        raise DataError(
            f"{path.name} has {table.num_columns} columns; an order book file has four a level: ask price, size, bid price, size."
        )
    if n_rows is not None and table.num_rows != n_rows:
        raise DataError(f"{path.name} has {table.num_rows:,} rows, its message file {n_rows:,}; the two must come from the same download.")
    nulls = [name for name in table.column_names if table[name].null_count]
    if nulls:
        raise DataError(f"{path.name} has empty or NaN cells in column {nulls[0]}; an order book file has none, so download it again.")
    raw = np.stack([table[n].to_numpy() for n in range(table.num_columns)], axis=1).astype(np.int64)
    raw = raw.reshape(len(raw), table.num_columns // 4, 2, 2)  # row, level, ask then bid, price then size
    price = np.ascontiguousarray(raw[:, :, ::-1, 0].transpose(0, 2, 1))
    qty = np.ascontiguousarray(raw[:, :, ::-1, 1].transpose(0, 2, 1))
    price[(np.abs(price) >= NO_LEVEL) | (qty == 0)] = NO_PRICE
    return DepthRows(price, qty, np.arange(len(price)))


def _before_first(opening: DepthRows, first: np.void) -> npt.NDArray[np.void]:
    """Return events that set the book before the first message: the state after it, with what it did undone."""
    book: dict[tuple[int, int], int] = {}
    for index in (BID, ASK):
        for price, qty in zip(opening.price_tick[0, index], opening.qty_lot[0, index], strict=True):
            if qty:
                book[1 - 2 * index, int(price)] = int(qty)
    if RecordedKind.ADD <= first["kind"] <= RecordedKind.EXECUTE:
        undone = -1 if first["kind"] == RecordedKind.ADD else 1
        place = int(first["side"]), int(first["price_tick"])
        book[place] = book.get(place, 0) + undone * int(first["qty_lot"])
    book = {place: qty for place, qty in book.items() if qty > 0}
    events = np.zeros(len(book), RECORDED)
    events["time_ns"], events["message"], events["kind"] = first["time_ns"], -1, RecordedKind.SET_LEVEL
    events["side"], events["price_tick"] = [side for side, _ in book], [price for _, price in book]
    events["qty_lot"] = list(book.values())
    return events


def _columns(path: Path, n_used: int | None, names: tuple[str, ...]) -> pa.Table:
    """Read a file as int64 columns; CSV times become ns."""
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            absent = [name for name in names if name not in table.column_names]
            if absent:
                raise DataError(f"{path.name} lacks the column {absent[0]}; expected {', '.join(names)}.")
            return pa.table({name: table[name].cast(pa.int64()) for name in names or table.column_names})
        with path.open("rb") as file:
            n_columns = file.readline().count(b",") + 1
        if n_used is not None and n_columns < n_used:
            raise DataError(f"{path.name} has {n_columns} columns in its first row; a message file has {n_used}: {', '.join(names)}.")
        given = [names[n] if n < len(names) else f"column_{n}" for n in range(n_columns)]
        types = {name: pa.float64() if name == "time_ns" else pa.int64() for name in given}
        types |= {name: pa.string() for name in given[len(names) :]} if names else {}
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=given),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, null_values=["", "NaN", "nan", "NA"]),
        )
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path.name} cannot be read as LOBSTER writes it ({str(error).splitlines()[0]}); it may be cut off, so download it again."
        ) from error
    if names:
        # float64 carries seconds of a day to 7e-12, so rounding gives the exact nanosecond.
        seconds = table["time_ns"].combine_chunks()
        ns = np.round(seconds.fill_null(0.0).to_numpy() * 1e9)
        bad = seconds.is_null().to_numpy(zero_copy_only=False) | ~np.isfinite(ns)
        time_ns = pa.array(np.where(bad, 0.0, ns).astype(np.int64), mask=bad)
        table = table.set_column(0, "time_ns", time_ns)
    return table


def _midnight_ns(day: dt.date) -> int:
    """Return midnight in New York as ns since the epoch; clocks there change on Sundays, so a trading day has one offset."""
    local = dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo("America/New_York"))
    return int(local.timestamp()) * 1_000_000_000
