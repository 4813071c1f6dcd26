"""Days everyone remembers, found in real index data."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from marketsim.data.providers.sample import SampleBars
from marketsim.risk import drawdown, returns
from marketsim.risk.columns import days, numbers
from tests.conftest import SHARED_DATA

EPOCH = dt.date(1970, 1, 1)


def _daily(close: np.ndarray, session: np.ndarray) -> dict[dt.date, float]:
    moves = returns.returns_from_wealth(close)
    return {EPOCH + dt.timedelta(days=int(day)): float(move) for day, move in zip(session[1:], moves, strict=True)}


def test_bundled_sp500_knows_2008_and_2010() -> None:
    frame = SampleBars().fetch("^GSPC", dt.date(1999, 1, 1), None, "1d")
    close, session = numbers(frame, "close"), days(frame, "time")
    moves = _daily(close, session)
    assert moves[dt.date(2008, 10, 15)] == pytest.approx(-0.0903, abs=5e-5)
    assert moves[dt.date(2010, 5, 6)] == pytest.approx(-0.0324, abs=5e-5)
    deepest = min(drawdown.episodes(close), key=lambda e: e.depth)
    assert EPOCH + dt.timedelta(days=int(session[deepest.peak])) == dt.date(2007, 10, 9)
    assert EPOCH + dt.timedelta(days=int(session[deepest.trough])) == dt.date(2009, 3, 9)
    assert deepest.depth == pytest.approx(-0.568, abs=5e-4)


def test_shared_sp500_knows_1987_and_2020() -> None:
    path = SHARED_DATA / "daily" / "us_daily_adjusted.parquet"
    if not path.exists():
        pytest.skip(f"needs the real daily bars of {path}, which are not part of the repository")
    table = pq.read_table(path, columns=["symbol", "date", "close"]).filter(pc.field("symbol") == "GSPC").sort_by("date")
    session = np.asarray(table["date"].cast(pa.timestamp("ns")).cast(pa.date32()).cast(pa.int32()).to_numpy())
    moves = _daily(numbers(table, "close"), session)
    assert moves[dt.date(1987, 10, 19)] == pytest.approx(-0.2047, abs=5e-5)
    assert moves[dt.date(2020, 3, 16)] == pytest.approx(-0.1198, abs=5e-5)
