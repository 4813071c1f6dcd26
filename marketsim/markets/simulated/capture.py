"""What happens in a simulated market as Arrow record batches, handed on while the simulation runs, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from marketsim.config.simulated import CaptureSpec
from marketsim.kernel.book_state import NO_PRICE
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.world import Handed
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side, Tif

Sink = Callable[[str, pa.RecordBatch], None]
UTC_NS = pa.timestamp("ns", tz="UTC")
PRICED = (Kind.LIMIT, Kind.STOP_LIMIT, Kind.LIMIT_ON_OPEN, Kind.LIMIT_ON_CLOSE, Kind.REPLACE)
# What happens to a book rather than to an order: kinds that tell a price, and kinds that tell a quantity.
PRICED_EVENTS = (EventKind.AUCTION, EventKind.INDICATION, EventKind.BAND, EventKind.MARKET_HALT, EventKind.PREVIOUS_CLOSE)
SIZED_EVENTS = (EventKind.AUCTION, EventKind.INDICATION, EventKind.IMBALANCE)
STOPS = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP)


class Recorder:
    """Turns what the compiled loop hands over into the rows of the tables that were asked for.

    Parameters
    ----------
    wanted : which tables
    symbols, venues : names by number
    scale : what a tick and a lot are
    first_mark_tick : (n_symbols,) float64, what positions are valued at before the first trade, ticks
    sink : gets the name of a table and rows of it, each table's in order
    """

    def __init__(
        self,
        wanted: CaptureSpec,
        symbols: Sequence[str],
        venues: Sequence[str],
        scale: Scale,
        first_mark_tick: npt.NDArray[np.float64],
        sink: Sink,
    ) -> None:
        self._wanted, self._scale, self._sink = wanted, scale, sink
        self._symbols, self._venues = pa.array(symbols), pa.array(venues)
        self._n_symbols = len(symbols)
        self._first_mark = first_mark_tick
        self._n_messages = 0

    def __call__(self, handed: Handed) -> None:
        """Hand on the rows of what has happened; tables nobody asked for are left out."""
        wanted = self._wanted
        if wanted.orders and len(handed.orders):
            self._sink("market_orders", self._orders(handed.orders))
        self._n_messages += len(handed.orders)
        if wanted.events and len(handed.tape.events):
            self._sink("market_events", self._events(handed.tape.events))
        if wanted.trades and len(handed.tape.trades):
            self._sink("market_trades", self._trades(handed.tape.trades))
        if wanted.quotes and len(handed.quotes):
            self._sink("market_quotes", self._quotes(handed.quotes))
        if wanted.depth is not None and len(handed.depths):
            self._sink("market_depth", self._depths(handed.depths))
        if wanted.accounts is not None and len(handed.accounts):
            self._sink("market_accounts", self._accounts(handed.accounts))

    def _orders(self, rows: npt.NDArray[np.void]) -> pa.RecordBatch:
        seq = np.arange(self._n_messages, self._n_messages + len(rows))
        keep = rows["kind"] != Kind.CLOCK  # the loop's own reminders of the time
        m, seq = rows[keep], seq[keep]
        kind = m["kind"]
        is_order = kind < Kind.CANCEL
        priced = np.isin(kind, PRICED) | ((kind >= Kind.PEG_PRIMARY) & (kind <= Kind.PEG_MIDPOINT))
        return _batch(
            seq=pa.array(seq),
            time_utc=_time(m["time_ns"]),
            agent_number=pa.array(m["owner_id"]),
            order_id=pa.array(m["order_id"]),
            kind=_names(Kind, kind),
            side=_names(Side, m["side"]),
            tif=_names(Tif, np.where(is_order & (m["tif"] == 0), Tif.GTC, m["tif"])),
            symbol=self._symbol(m["symbol"]),
            venue=self._venues.take(pa.array(m["venue"])),
            limit_price=_masked(self._scale.price(m["price_tick"]), priced),
            stop_price=_masked(self._scale.price(m["stop_tick"]), np.isin(kind, STOPS)),
            qty_shares=_masked(self._scale.shares(m["qty_lot"]), is_order | (kind == Kind.REPLACE) | (kind == Kind.REDUCE)),
            display_shares=_masked(self._scale.shares(m["display_lot"]), m["display_lot"] > 0),
            is_post_only=pa.array((m["flags"] & Flag.POST_ONLY) != 0),
            is_hidden=pa.array((m["flags"] & Flag.HIDDEN) != 0),
        )

    def _events(self, e: npt.NDArray[np.void]) -> pa.RecordBatch:
        of_order = e["kind"] < EventKind.PHASE
        return _batch(
            seq=pa.array(e["seq"]),
            time_utc=_time(e["time_ns"]),
            agent_number=pa.array(e["owner_id"]),
            order_id=_masked(e["order_id"], of_order),
            kind=_names(EventKind, e["kind"]),
            reason=_names(Reason, e["reason"]),
            side=_names(Side, e["side"]),
            symbol=self._symbol(e["symbol"]),
            venue=self._venues.take(pa.array(e["venue"])),
            price=_masked(self._scale.price(e["price_tick"]), of_order | np.isin(e["kind"], PRICED_EVENTS)),
            qty_shares=_masked(self._scale.shares(e["qty_lot"]), of_order | np.isin(e["kind"], SIZED_EVENTS)),
            phase=_masked(_names(Phase, np.where(e["kind"] == EventKind.PHASE, e["qty_lot"], 0)), e["kind"] == EventKind.PHASE),
        )

    def _trades(self, t: npt.NDArray[np.void]) -> pa.RecordBatch:
        return _batch(
            seq=pa.array(t["seq"]),
            time_utc=_time(t["time_ns"]),
            symbol=self._symbol(t["symbol"]),
            venue=self._venues.take(pa.array(t["venue"])),
            price=pa.array(self._scale.price(t["price_tick"])),
            qty_shares=pa.array(self._scale.shares(t["qty_lot"])),
            aggressor=_names(Side, t["aggressor"]),
            phase=_names(Phase, t["phase"]),
            maker_number=pa.array(t["maker_owner"]),
            taker_number=pa.array(t["taker_owner"]),
            maker_order_id=pa.array(t["maker_id"]),
            taker_order_id=pa.array(t["taker_id"]),
            maker_fee_cash=pa.array(t["maker_fee"]),
            taker_fee_cash=pa.array(t["taker_fee"]),
        )

    def _quotes(self, q: npt.NDArray[np.void]) -> pa.RecordBatch:
        return _batch(
            time_utc=_time(q["time_ns"]), symbol=self._symbol(q["symbol"]), venue=self._venues.take(pa.array(q["venue"])), **self._sides(q)
        )

    def _depths(self, rows: npt.NDArray[np.void]) -> pa.RecordBatch:
        return _batch(
            time_utc=_time(rows["time_ns"]),
            symbol=self._symbol(rows["symbol"]),
            venue=self._venues.take(pa.array(rows["venue"])),
            level=pa.array(rows["level"].astype(np.int32)),
            **self._sides(rows["depth"]),
        )

    def _sides(self, q: npt.NDArray[np.void]) -> dict[str, pa.Array]:
        return {
            "bid_price": _masked(self._scale.price(q["bid_tick"]), q["bid_lot"] > 0),
            "bid_shares": pa.array(self._scale.shares(q["bid_lot"])),
            "ask_price": _masked(self._scale.price(q["ask_tick"]), q["ask_lot"] > 0),
            "ask_shares": pa.array(self._scale.shares(q["ask_lot"])),
        }

    def _accounts(self, rows: npt.NDArray[np.void]) -> pa.RecordBatch:
        mark = np.where(rows["mark_tick"] == NO_PRICE, self._first_mark[rows["symbol"]], rows["mark_tick"])
        cash = self._scale.cash(rows["cash_tick_lot"]) - rows["fees_nano"] / 1e9
        # An agent's symbols stand in a row, and a sample is handed over whole.
        value = (self._scale.cash(rows["position_lot"] * mark)).reshape(-1, self._n_symbols).sum(axis=1)
        return _batch(
            time_utc=_time(rows["time_ns"]),
            agent_number=pa.array(rows["agent"].astype(np.int32)),
            symbol=self._symbol(rows["symbol"]),
            position_shares=pa.array(self._scale.shares(rows["position_lot"])),
            mark_price=pa.array(self._scale.price(mark)),
            cash=pa.array(cash),
            equity_cash=pa.array(cash + np.repeat(value, self._n_symbols)),
        )

    def _symbol(self, numbers: npt.NDArray[np.integer]) -> pa.Array:
        if self._n_symbols == 1:
            return pa.repeat(self._symbols[0], len(numbers))
        # A mass cancel may concern every symbol, number -1.
        return self._symbols.take(pa.array(numbers, mask=numbers < 0)).fill_null("*")


def _batch(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _names(enum: type[IntEnum], codes: npt.NDArray[np.integer]) -> pa.Array:
    """Return the names of codes; empty where there is no such member, as in a message that the exchange refuses."""
    members = sorted(enum)
    low, high = min(int(members[0]), 0), int(members[-1])
    table: list[str] = [""] * (high - low + 2)
    for member in members:
        table[int(member) - low] = member.name.lower()
    known = (codes >= low) & (codes <= high)
    return pa.array(table).take(pa.array(np.where(known, codes.astype(np.int64) - low, high - low + 1)))


def _masked(values: npt.NDArray[np.generic] | pa.Array, known: npt.NDArray[np.bool_]) -> pa.Array:
    if isinstance(values, pa.Array):
        import pyarrow.compute as pc

        return pc.if_else(pa.array(known), values, pa.scalar(None, values.type))
    return pa.array(values, mask=~known)


def _time(ns: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(ns).view(UTC_NS)
