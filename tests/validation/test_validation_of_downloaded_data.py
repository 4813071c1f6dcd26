"""Files as people download them, with the faults that are known of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from marketsim.data.bars import canonical_bars, combine, make_frame
from marketsim.validate import validate
from tests.conftest import SHARED_DATA
from tests.validation.clean_bars import XNYS, finding, run_spec

FILE = SHARED_DATA / "daily" / "us_daily_adjusted_with_actions.parquet"


@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not on this machine")
def test_adjusted_prices_beside_a_split_column_stop_the_run():
    # Yahoo's history with actions: prices already adjusted, splits listed beside them. Applied again, each would double a position.
    rows = pq.read_table(FILE)
    tables = []
    for symbol in ("AAPL", "MSFT"):
        own = rows.filter(pc.equal(rows.column("symbol"), symbol))
        prices = [own.column(name) for name in ("open", "high", "low", "close")]
        dates = own.column("date").cast(pa.timestamp("us")).cast(pa.date32())
        frame = make_frame(dates, prices, own.column("volume"), split_ratio=own.column("split"), dividend_cash=own.column("dividend"))
        tables.append(canonical_bars(symbol, frame, interval="1d", calendar=XNYS, source="file"))
    found = validate(combine(tables), run_spec(symbols=["AAPL", "MSFT"], benchmark=None, start="1980-01-01", end="2024-12-31"))
    assert found.stops
    # Apple split 2:1 in 1987, 2000 and 2005, 7:1 in 2014 and 4:1 in 2020; Microsoft nine times from 1987 to 2003.
    assert finding(found, "splits_in_price", "AAPL")["n_unexpected"] == 5
    assert finding(found, "splits_in_price", "MSFT")["n_unexpected"] == 9
    # Adjustment leaves rounding in the last digits, which is no fault of a bar.
    assert finding(found, "price_bounds", "AAPL")["success"]
    assert finding(found, "price_bounds", "MSFT")["success"]
