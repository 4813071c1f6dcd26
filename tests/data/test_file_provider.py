"""Users' files: what is recognised, and one sentence for each fault."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketsim.config.providers import FileProvider
from marketsim.data.providers.file import FileBars
from marketsim.errors import ConfigError, DataError, ProviderError

START = dt.date(2000, 1, 1)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
ROW = "2024-01-02,1,2,0.5,1.5,1.5,100\n"


def fetch(folder, content=None, *, name="spy.csv", symbol="SPY", interval="1d", sole="SPY", **settings):
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    provider = FileBars(FileProvider(**{"path": name, **settings}), folder, sole)
    return provider.fetch(symbol, START, None, interval)


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "date,open,high,low,close,volume",
        " DATE , OPEN , HIGH , LOW , CLOSE , VOLUME ",
        "session_date,open_price,high_price,low_price,close_price,volume_shares",
        "t,o,h,l,c,v",
        '"Date","Open","High","Low","Close","Volume"',
    ],
)
def test_usual_names_are_found(tmp_path, header):
    frame = fetch(tmp_path, f"{header}\n2024-01-02,1,2,0.5,1.5,100\n")
    assert frame.to_pylist()[0] == {
        "time": dt.date(2024, 1, 2),
        "open": 1.0,
        "high": 2.0,
        "low": 0.5,
        "close": 1.5,
        "volume": 100.0,
        "split_ratio": 1.0,
        "dividend_cash": 0.0,
        "retrieved_utc": None,
    }


@pytest.mark.parametrize(
    "written", ["2024-01-02", "20240102", "2024-01-02 00:00:00-05:00", "2024-01-02T23:59:00Z", "2024-01-02 00:00:00+09:00", "1704153600"]
)
def test_a_daily_date_is_taken_as_written(tmp_path, written):
    assert fetch(tmp_path, HEADER + ROW.replace("2024-01-02", written)).column("time").to_pylist() == [dt.date(2024, 1, 2)]


@pytest.mark.parametrize(
    "written",
    [
        "2024-07-02 09:30",
        "2024-07-02 09:30:00",
        "2024-07-02T13:30:00Z",
        "2024-07-02 09:30:00-0400",
        "2024-07-02 14:30:00.000+01:00",
        "1719927000",
        "1719927000000",
        "1719927000000000000",
    ],
)
def test_an_instant_is_moved_to_utc(tmp_path, written):
    text = f"timestamp,open,high,low,close,volume\n{written},1,2,0.5,1.5,100\n"
    frame = fetch(tmp_path, text, interval="1m", timezone="America/New_York")
    assert [f"{time:%Y-%m-%d %H:%M:%S%z}" for time in frame.column("time").to_pylist()] == ["2024-07-02 13:30:00+0000"]


def test_parquet_types_are_read_as_they_are(tmp_path):
    moments = pa.array(["2024-07-02 09:30", "2024-07-02 09:31"]).cast(pa.timestamp("us"))
    table = pa.table({"ts": moments, "o": [1, 2], "h": [3, 3], "l": [1, 1], "c": [2, 2], "v": [10, 20]})
    pq.write_table(table, tmp_path / "spy.parquet")
    frame = fetch(tmp_path, name="spy.parquet", interval="1m", timezone="Europe/London")
    assert [f"{time:%H:%M}" for time in frame.column("time").to_pylist()] == ["08:30", "08:31"]
    assert frame.column("volume").to_pylist() == [10.0, 20.0]


def test_mapped_columns_win_over_usual_names(tmp_path):
    frame = fetch(tmp_path, HEADER.replace("Volume", "Volume,Last") + ROW.replace("100", "100,9"), columns={"close": "Last"})
    assert frame.column("close").to_pylist() == [9.0]


def test_adjusted_close_gives_the_actions(tmp_path):
    frame = fetch(tmp_path, HEADER + "2024-01-03,50,50,50,50,50,1\n2024-01-02,100,100,100,100,50,1\n")
    assert frame.column("time").to_pylist() == [dt.date(2024, 1, 2), dt.date(2024, 1, 3)]
    assert frame.column("split_ratio").to_pylist() == [1.0, 2.0]


def test_actions_in_the_file_count_more_than_an_adjusted_close(tmp_path):
    header = HEADER.replace("Volume", "Volume,split_ratio,dividend_cash")
    frame = fetch(tmp_path, header + "2024-01-02,1,1,1,1,0.5,1,,\n2024-01-03,1,1,1,1,1,1,,0.25\n")
    assert frame.column("split_ratio").to_pylist() == [1.0, 1.0]
    assert frame.column("dividend_cash").to_pylist() == [0.0, 0.25]


def test_one_file_may_hold_many_symbols_or_each_symbol_its_own(tmp_path):
    both = "Ticker," + HEADER + "SPY," + ROW + "QQQ," + ROW.replace("1.5,1.5", "7,7")
    assert fetch(tmp_path, both, symbol="QQQ", sole=None).column("close").to_pylist() == [7.0]
    (tmp_path / "QQQ.csv").write_text(HEADER + ROW)
    assert fetch(tmp_path, symbol="QQQ", path="{symbol}.csv", sole=None).num_rows == 1


def test_missing_and_odd_values_pass_on_to_validation(tmp_path):
    frame = fetch(tmp_path, HEADER + "2024-01-02,NaN,,-5,inf,1,99999999999999999999999\n2024-01-02,1,2,0.5,1.5,1.5,\n")
    assert frame.num_rows == 2
    row = frame.to_pylist()[0]
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (None, None, -5.0, float("inf"), 1e23)


FAULTS = {
    "empty": ("", r"spy\.csv: holds no line below a header"),
    "header only": (HEADER, r"spy\.csv: holds no (row|line)"),
    "cut in a row": (HEADER + ROW + "2024-01-03,1,2", r"spy\.csv: line 3 has 3 values, expected 7 .* cut off"),
    "no open": (HEADER.replace("Open", "Opne") + ROW, r"has no column for open; the nearest is 'Opne'; name the right one under `columns`"),
    "no volume": (HEADER.replace(",Volume", "") + ROW.replace(",100", ""), r"has no column for volume; the file has: Date, Open"),
    "semicolons": ((HEADER + ROW).replace(",", ";"), r"has no column for time; .* Is the separator a comma\?"),
    "word for a number": (HEADER + ROW + ROW.replace(",2,", ",high,"), r"row 2: High is 'high'; expected a number"),
    "thousands separator": (HEADER + ROW.replace(",2,", ',"2,000.5",'), r"row 1: High is '2,000\.5'; expected a number with a point"),
    "no such day": (HEADER + ROW + ROW.replace("01-02", "02-30"), r"row 2: Date is '2024-02-30'; expected a date"),
    "american date": (HEADER + ROW.replace("2024-01-02", "1/2/2024"), r"row 1: Date is '1/2/2024'; expected a date .* such as 2024-01-31"),
    "no date": (HEADER + ROW + ROW.replace("2024-01-02", ""), r"row 2: Date is None; expected a date"),
    "year 9999": (HEADER + ROW.replace("2024", "9999"), r"row 1: Date is '9999-01-02'; expected a date from 1900 to 2199"),
    "not text": (HEADER.encode() + b"2024-01-02,\xff\xfe,1,1,1,1,1\n", r"row 1: Open is b'\\xff\\xfe'; expected a number"),
    "column twice": (HEADER.replace("Adj Close", "Close") + ROW, r"has 2 columns named 'Close', expected one"),
    "any bytes": (bytes(range(256)) * 4, r"spy\.csv: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_a_csv_file_is_one_sentence(tmp_path, fault):
    content, message = FAULTS[fault]
    with pytest.raises(DataError, match=message) as caught:
        fetch(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("2024-03-08 02:30:00", "2024-03-10 02:30:00", r"row 2: time is '2024-03-10 02:30:00'; expected .* exists in America/New_York"),
        ("2024-03-08T14:30:00Z", "2024-03-08 14:31:00", r"row 2: time is '2024-03-08 14:31:00'; .* the same way in every row"),
        ("2024-03-08 14:30:00", "2024-03-08", r"row 2: time is '2024-03-08'; expected a date and time"),
        ("2024-03-08 14:30:00", "", r"row 2: time is None; expected a date and time"),
        ("2024-03-08 14:30:00", "2024-03-08 2:31 PM", r"row 2: time is '2024-03-08 2:31 PM'"),
    ],
)
def test_time_that_cannot_be_placed_is_named_with_its_row(tmp_path, first, second, message):
    text = f"time,open,high,low,close,volume\n{first},1,1,1,1,1\n{second},1,1,1,1,1\n"
    with pytest.raises(DataError, match=message):
        fetch(tmp_path, text, interval="1m", timezone="America/New_York")


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b"", lambda b: b"hello", lambda b: b[:4] + bytes(100) + b[104:]])
def test_damaged_parquet_is_one_sentence(tmp_path, damage):
    table = pa.table({"date": [dt.date(2024, 1, 2)], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [1.0]})
    pq.write_table(table, tmp_path / "spy.parquet")
    content = damage((tmp_path / "spy.parquet").read_bytes())
    with pytest.raises(DataError, match=r"spy\.parquet: is not a readable Parquet file \(.*\); it may be cut off"):
        fetch(tmp_path, content, name="spy.parquet")


def test_parquet_column_of_a_wrong_type_is_named(tmp_path):
    table = pa.table({"date": [dt.date(2024, 1, 2)], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [True]})
    pq.write_table(table, tmp_path / "spy.parquet")
    with pytest.raises(DataError, match=r"row 1: volume is True; expected a number"):
        fetch(tmp_path, name="spy.parquet")


def test_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "spy.csv").write_text(HEADER + ROW)
    with pytest.raises(DataError, match=r"spx\.csv: no such file; did you mean spy\.csv\?"):
        fetch(tmp_path, path="spx.csv")
    with pytest.raises(DataError, match=r"cannot be read \(File name too long\)"):
        fetch(tmp_path, path="x" * 300)
    with pytest.raises(DataError, match=r"is a folder; name one file"):
        fetch(tmp_path, path=".")


def test_symbol_that_the_file_lacks_is_a_provider_error(tmp_path):
    with pytest.raises(ProviderError, match=r"holds no row for SPX; did you mean SPY\?"):
        fetch(tmp_path, "Ticker," + HEADER + "SPY," + ROW, symbol="SPX")


def test_file_that_names_no_symbol_serves_only_the_one_traded(tmp_path):
    with pytest.raises(ProviderError, match=r"does not say which symbol it holds, so it cannot serve \^GSPC"):
        fetch(tmp_path, HEADER + ROW, symbol="^GSPC")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timezone": "America/NewYork"}, r"timezone 'America/NewYork' is not an IANA zone; did you mean America/New_York\?"),
        ({"timezone": "../etc/passwd"}, r"is not an IANA zone"),
        ({"columns": {"clsoe": "Close"}}, r"columns has the key 'clsoe', which no bar has; did you mean close\?"),
    ],
)
def test_wrong_settings_are_a_config_error(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        fetch(tmp_path, HEADER + ROW, **settings)


def test_mapping_to_a_column_that_is_not_there_names_the_nearest(tmp_path):
    with pytest.raises(DataError, match=r"has no column 'Clsoe', to which `columns` maps close; did you mean 'Close'\?"):
        fetch(tmp_path, HEADER + ROW, columns={"close": "Clsoe"})
