"""Recordings of order flow as a source of bars; the replay market then trades in the flow itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa

from marketsim.config.providers import RecordingProvider
from marketsim.data.bars import INTERVAL_S, UTC_NS, make_frame
from marketsim.errors import ProviderError
from marketsim.markets.recorded_bars import recorded_bars
from marketsim.replay.library import Recording


class RecordingBars:
    """Bars cut from recordings; read anew in every run, so what counts is what the files hold."""

    name = "recording"
    remote = False

    def __init__(self, settings: RecordingProvider, base_dir: Path) -> None:
        self._settings, self._base_dir = settings, base_dir

    def request(self, symbol: str, interval: str) -> str:
        """Return the file as the run description writes it, and what its bars are made of."""
        return f"{self._settings.path.replace('{symbol}', symbol)} {interval} of {self._settings.prices}"

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return all bars of the recording; an interval in which the symbol had no price has none."""
        if interval not in INTERVAL_S:
            raise ProviderError(f"{symbol}: a recording gives bars within the day, not {interval}; use horizon: intraday.")
        opened = self._recording(symbol).open()
        bars = recorded_bars(opened.mended(), INTERVAL_S[interval] * 1_000_000_000, self._settings.prices)
        priced = np.isfinite(bars.close[:, 0])
        if not priced.any():
            raise ProviderError(f"{symbol}: {opened.stream.source} holds no price to make bars of ({self._settings.prices}).")
        prices = [column[priced, 0] for column in (bars.open, bars.high, bars.low, bars.close)]
        return make_frame(pa.array(bars.open_ns[priced]).cast(UTC_NS), prices, bars.volume[priced, 0])

    def file_digests(self, symbol: str) -> dict[str, str]:
        """Return the sha256 of each file the symbol's bars are made of, by path."""
        return self._recording(symbol).digests()

    def _recording(self, symbol: str) -> Recording:
        return Recording(self._settings, self._base_dir, symbol)
