"""Ingest as a whole: who is asked, what is kept, what is said, and that it comes out the same each time."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from marketsim.config.run import RunSpec
from marketsim.data import ingest as module
from marketsim.data.bars import SCHEMA, bars_digest
from marketsim.data.ingest import SOURCES, ingest
from marketsim.errors import ConfigError, DataError
from tests.conftest import SHARED_DATA

CSV = "Date,Open,High,Low,Close,Volume\n2012-11-21,10,11,9,10.5,100\n2012-11-23,10.5,11,10,10.75,50\n2012-11-26,10.75,12,10,11,100\n"


def a_spec(**keys):
    return RunSpec.model_validate(
        {"name": "x", "symbols": ["AAPL"], "start": dt.date(2012, 1, 3), "end": dt.date(2012, 12, 31), "strategy": {"kind": "buy_and_hold"}}
        | keys
    )


def run(folder, **keys):
    said = []
    return ingest(a_spec(**keys), base_dir=folder, cache_dir=folder / "cache", progress=said.append), said


def rows(snapshot):
    return {row["symbol"]: row for row in snapshot.sources.to_pylist()}


def test_samples_with_benchmark(tmp_path):
    snapshot, said = run(tmp_path, symbols=["MSFT", "AAPL"], benchmark="^GSPC")
    assert snapshot.bars.schema.equals(SCHEMA)
    assert snapshot.sources.schema.equals(SOURCES)
    assert snapshot.bars.num_rows == 3 * 250  # sessions of 2012: two were lost to hurricane Sandy
    found = rows(snapshot)
    assert [(s, r["role"], r["source"], r["n_rows"]) for s, r in found.items()] == [
        ("AAPL", "traded", "sample", 250),
        ("MSFT", "traded", "sample", 250),
        ("^GSPC", "benchmark", "sample", 250),
    ]
    assert (found["AAPL"]["first_date"], found["AAPL"]["last_date"]) == (dt.date(2012, 1, 3), dt.date(2012, 12, 31))
    assert found["AAPL"]["sha256"] == bars_digest(snapshot.bars.filter(pc.equal(snapshot.bars.column("symbol"), "AAPL")))
    assert snapshot.bars.column("retrieved_utc").null_count == snapshot.bars.num_rows
    assert "AAPL: 250 bars, 2012-01-03 to 2012-12-31, from sample" in said
    assert not (tmp_path / "cache").exists()


def test_digest_depends_on_the_data_and_not_on_the_order_of_symbols(tmp_path):
    one = run(tmp_path, symbols=["AAPL", "IBM"])[0]
    same = run(tmp_path, symbols=["IBM", "AAPL"], seed=5)[0]
    other = run(tmp_path, symbols=["AAPL", "IBM"], end=dt.date(2012, 12, 28))[0]
    assert one.digest == same.digest
    assert one.bars.equals(same.bars)
    assert one.digest != other.digest


def test_next_provider_is_asked_and_a_missing_symbol_is_a_row(tmp_path):
    (tmp_path / "SPY.csv").write_text(CSV)
    providers = [{"kind": "file", "path": "{symbol}.csv"}, {"kind": "sample"}]
    snapshot, said = run(tmp_path, symbols=["SPY", "AAPL", "NVDA"], providers=providers)
    found = rows(snapshot)
    assert {symbol: row["source"] for symbol, row in found.items()} == {"SPY": "file", "AAPL": "sample", "NVDA": ""}
    assert "NVDA.csv: no such file" in found["NVDA"]["error"]
    assert "NVDA is not among the bundled samples" in found["NVDA"]["error"]
    assert (found["NVDA"]["n_rows"], found["NVDA"]["first_date"]) == (0, None)
    assert found["SPY"]["request"] == "SPY.csv 1d 2012-01-03 to 2012-12-31"
    assert any(line.startswith("NVDA: ") for line in said)


def test_no_traded_symbol_at_all_is_an_error_that_says_why(tmp_path):
    with pytest.raises(DataError, match=r"(?s)APPL is not among .* did you mean AAPL\?.*\nIMB is not among .* did you mean IBM\?"):
        run(tmp_path, symbols=["APPL", "IMB"], benchmark="^GSPC")


def test_many_reasons_are_cut_short(tmp_path):
    with pytest.raises(DataError) as caught:
        run(tmp_path, symbols=[f"ZZ{k}" for k in range(9)])
    assert str(caught.value).endswith("\nand 4 more")


def test_files_half_day_closes_when_the_exchange_did(tmp_path):
    (tmp_path / "spy.csv").write_text(CSV)
    snapshot, _ = run(tmp_path, symbols=["SPY"], providers=[{"kind": "file", "path": "spy.csv"}])
    assert [f"{close:%H:%M}" for close in snapshot.bars.column("close_utc").to_pylist()] == ["21:00", "18:00", "21:00"]


def test_nothing_in_the_time_asked_for_says_what_there_is(tmp_path):
    (tmp_path / "spy.csv").write_text(CSV)
    with pytest.raises(DataError, match=r"holds no bar in that time, only from 2012-11-21 to 2012-11-26"):
        run(tmp_path, symbols=["SPY"], end=dt.date(2012, 6, 1), providers=[{"kind": "file", "path": "spy.csv"}])


def minutes(*clock_times):
    return "time,open,high,low,close,volume\n" + "".join(f"2012-11-23 {t},1,1,1,1,1\n" for t in clock_times)


def test_bars_outside_the_session_are_left_out_and_counted(tmp_path):
    (tmp_path / "spy.csv").write_text(minutes("04:00", "09:29", "09:30", "12:59", "13:00", "15:00"))
    provider = {"kind": "file", "path": "spy.csv", "timezone": "America/New_York"}
    snapshot, said = run(tmp_path, symbols=["SPY"], horizon="intraday", providers=[provider])
    assert [f"{t:%H:%M}" for t in snapshot.bars.column("open_utc").to_pylist()] == ["14:30", "17:59"]
    assert "4 bars outside the sessions of XNYS left out" in rows(snapshot)["SPY"]["request"]
    assert "SPY: 4 bars outside the sessions of XNYS left out" in said


def test_wrong_time_zone_that_leaves_no_bar_is_said(tmp_path):
    (tmp_path / "spy.csv").write_text(minutes("09:30", "12:59"))
    provider = {"kind": "file", "path": "spy.csv", "timezone": "Asia/Tokyo"}
    with pytest.raises(DataError, match=r"none of its 2 bars opens within the sessions of XNYS \(America/New_York\); check .* time zone"):
        run(tmp_path, symbols=["SPY"], horizon="intraday", providers=[provider])


def test_real_minutes_with_extended_hours(tmp_path):
    file = SHARED_DATA / "intraday" / "spy_1min_2024_ext_hours.parquet"
    if not file.exists():
        pytest.skip(f"{file} is absent: it may be used for tests but not redistributed")
    provider = {"kind": "file", "path": str(file)}
    days = {"start": dt.date(2024, 3, 4), "end": dt.date(2024, 3, 15)}
    snapshot, _ = run(tmp_path, symbols=["SPY"], horizon="intraday", providers=[provider], **days)
    bars = snapshot.bars
    # Ten full sessions of 390 minutes; summer time begins on 10 March.
    assert bars.num_rows == 3900
    opens = pc.value_counts(pc.strftime(bars.column("open_utc").filter(pc.equal(pc.minute(bars.column("open_utc")), 30)), format="%H"))
    assert {row["values"]: row["counts"] for row in opens.to_pylist()}["13"] == 5
    everything = pq.read_table(file)
    assert f"{everything.num_rows - in_sessions(everything):,} bars outside" in rows(snapshot)["SPY"]["request"]


def in_sessions(table):
    local = pc.local_timestamp(pc.cast(table.column("ts_utc"), pa.timestamp("ns", "America/New_York")))
    minute = pc.add(pc.multiply(pc.hour(local), 60), pc.minute(local))
    weekday = pc.less(pc.day_of_week(local), 5)
    holiday = pc.equal(pc.strftime(local, format="%Y-%m-%d"), "2024-03-29")
    inside = pc.and_(pc.greater_equal(minute, 570), pc.less(minute, 960))
    return pc.sum(pc.and_(pc.and_(inside, weekday), pc.invert(holiday))).as_py()


def test_holdings_files_count_in_the_digest(tmp_path):
    strategy = {"kind": "target_weights", "holdings_file": "ark.csv"}
    (tmp_path / "ark.csv").write_text("date,symbol,weight\n2012-01-03,AAPL,0.5\n")
    before, _ = run(tmp_path, strategy=strategy)
    row = rows(before)["*"]
    assert (row["role"], row["source"], row["request"], row["n_rows"], row["error"]) == ("holdings", "file", "ark.csv", 1, "")
    assert before.digest == run(tmp_path, strategy=strategy)[0].digest
    (tmp_path / "ark.csv").write_text("date,symbol,weight\n2012-01-03,AAPL,0.6\n")
    after, _ = run(tmp_path, strategy=strategy)
    assert after.digest != before.digest
    assert after.bars.equals(before.bars)
    with pytest.raises(ConfigError, match=r"holdings_file .*kra\.csv: cannot be read \(No such file"):
        run(tmp_path, strategy=strategy | {"holdings_file": "kra.csv"})


def test_unknown_calendar_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="calendar: XNYX is not an exchange"):
        run(tmp_path, calendar="XNYX")


class Remote:
    """A provider as if over a network: the sample's bars under another name."""

    name = "remote"
    remote = True

    def __init__(self):
        self.asked = []

    def request(self, symbol, interval):
        return f"{symbol} {interval}"

    def fetch(self, symbol, start, end, interval):
        from marketsim.data.providers.sample import SampleBars

        self.asked.append((start, end))
        return SampleBars().fetch(symbol, start, end, interval)


def test_remote_bars_are_kept_and_reruns_are_identical(tmp_path, monkeypatch):
    remote = Remote()
    monkeypatch.setattr(module, "build_providers", lambda *_: [remote])
    moments = iter([dt.datetime(2012, 6, 1, 15, tzinfo=dt.UTC), dt.datetime(2012, 6, 1, 19, tzinfo=dt.UTC)])
    spec = a_spec(end=None)
    first, second = (ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "c", now=lambda: next(moments)) for _ in range(2))
    # At 11:00 in New York the newest closed session is yesterday's.
    assert remote.asked == [(dt.date(2012, 1, 3), dt.date(2012, 5, 31))]
    assert first.digest == second.digest
    assert first.bars.equals(second.bars)
    assert first.sources.equals(second.sources)
    evening = ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "c", now=lambda: dt.datetime(2012, 6, 1, 20, tzinfo=dt.UTC))
    assert remote.asked[1] == (dt.date(2012, 5, 24), dt.date(2012, 6, 1))
    assert evening.bars.num_rows == first.bars.num_rows + 1
    fresh = ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "empty", now=lambda: dt.datetime(2012, 6, 1, 21, tzinfo=dt.UTC))
    assert fresh.digest == evening.digest  # what the cache held before does not matter


def test_start_in_the_future_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "build_providers", lambda *_: [Remote()])
    with pytest.raises(DataError, match=r"start 2012-01-03 lies after the newest closed session 2011-12-30"):
        ingest(a_spec(), base_dir=tmp_path, cache_dir=tmp_path, now=lambda: dt.datetime(2012, 1, 1, tzinfo=dt.UTC))


def test_each_kind_of_provider_is_built(tmp_path):
    kinds = [{"kind": "sample"}, {"kind": "file", "path": "x.csv"}, {"kind": "yahoo"}, {"kind": "polygon"}]
    providers = module.build_providers(a_spec(providers=kinds), tmp_path)
    assert [(p.name, p.remote) for p in providers] == [("sample", False), ("file", False), ("yahoo", True), ("polygon", True)]
