"""The one interface behind which every source of market data stands."""

from __future__ import annotations

import datetime as dt
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc


class Provider(Protocol):
    """A source of bars. `marketsim.data.ingest` restricts, completes and stores what it answers."""

    @property
    def name(self) -> str:
        """What the bars' `source` column says."""

    @property
    def remote(self) -> bool:
        """Whether answers come over a network and are therefore kept in the local cache."""

    def request(self, symbol: str, interval: str) -> str:
        """Say in a few words what is asked of it, without secrets, for the `sources` table."""

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return a frame (see `marketsim.data.bars`) with the bars from ``start`` to ``end``, both included; None = the newest.

        Raises
        ------
        ProviderError
            It does not have the symbol or the interval, or did not answer as its protocol says.
        DataError
            What it holds cannot be read as bars.
        """


@runtime_checkable
class RecordedFlow(Provider, Protocol):
    """A provider whose bars are cut from recorded order flow, so that its files decide more than the bars do."""

    def file_digests(self, symbol: str) -> dict[str, str]:
        """Return the sha256 of each file a symbol's bars are made of, hexadecimal, by path."""


def within(frame: pa.Table, start: dt.date, end: dt.date | None) -> pa.Table:
    """Return the daily bars of a frame from ``start`` to ``end``, both included; None = to the newest."""
    dates = frame.column("time")
    mask = pc.greater_equal(dates, pa.scalar(start))
    return frame.filter(mask if end is None else pc.and_(mask, pc.less_equal(dates, pa.scalar(end))))
