"""What must hold on real recordings; the figures are those of independent replayers and of the files' own descriptions."""

from __future__ import annotations

import time

import numpy as np
import pytest

from marketsim.markets.replay import RecordedMarket, ReplayAccount, ReplayRules, run_replay
from marketsim.recorded import RecordedKind
from marketsim.records import Kind, Liquidity, Order, Side
from marketsim.replay.binance import read_binance, read_binance_parquet
from marketsim.replay.coinbase import read_coinbase
from marketsim.replay.l2 import Recording
from marketsim.replay.lobster import LobsterDay, read_lobster
from marketsim.replay.rebuild import rebuilt
from marketsim.replay.resync import resynchronised
from marketsim.replay.verify import VerificationReport, verify
from tests.conftest import SHARED_DATA
from tests.replay.recordings import Scripted

LOBSTER, PROTOCOL, CRYPTO = SHARED_DATA / "lobster", SHARED_DATA / "protocol", SHARED_DATA / "crypto"
needs_lobster = pytest.mark.skipif(not LOBSTER.is_dir(), reason=f"the recordings are not in {LOBSTER}")
needs_crypto = pytest.mark.skipif(not CRYPTO.is_dir(), reason=f"the recordings are not in {CRYPTO}")
K = RecordedKind


def day(name: str) -> LobsterDay:
    return read_lobster(LOBSTER / f"{name}_message.parquet", LOBSTER / f"{name}_orderbook.parquet")


def aapl_hour() -> tuple[LobsterDay, VerificationReport]:
    name = "AAPL_2012-06-21_L50"
    files = (LOBSTER / f"{name}_firsthour_message.parquet", LOBSTER / f"{name}_firsthour_top.parquet")
    hour = read_lobster(*files, initial=LOBSTER / f"{name}_first672_orderbook.parquet")
    return hour, verify(hour.stream, hour.depth, window_levels=hour.window_levels)


@needs_lobster
def test_amzn_level_5_is_exact_one_step_at_a_time() -> None:
    report = verify(day("AMZN_2012-06-21_L5").stream, day("AMZN_2012-06-21_L5").depth).one_step
    assert report is not None
    assert (report.n_exact, report.n_rows) == (155_934, 155_934)


@needs_lobster
def test_the_aapl_hour_is_exact_in_999_of_1000_rows_and_every_other_one_is_explained() -> None:
    _, report = aapl_hour()
    assert report.open_loop is not None
    assert report.open_loop.n_rows == 91_997
    assert report.open_loop.exact_frac >= 0.999
    assert report.open_loop.first_message == 54_606
    assert report.counts["crossed"] == 0
    assert sum(episode.n_rows for episode in report.episodes) == report.open_loop.n_rows - report.open_loop.n_exact
    # One order is behind all of it: it left the window of 50 levels and its end was not recorded.
    assert all("order 45367855 (100) entered in message 40,853; the file never names it again" in e.sentence for e in report.episodes)
    assert all("left the 50 recorded levels at message 40,940" in e.sentence for e in report.episodes)


@needs_lobster
@pytest.mark.parametrize(
    ("name", "visible", "hidden", "hidden_frac"),
    [("AAPL_2012-06-21_L1", 23_658, 11_332, 0.352), ("AMZN_2012-06-21_L5", 8_974, 2_445, 0.244)],
)
def test_trades_are_as_many_as_the_files_description_says(name: str, visible: int, hidden: int, hidden_frac: float) -> None:
    stream = day(name).stream
    assert (stream.count(K.EXECUTE), stream.count(K.EXECUTE_HIDDEN)) == (visible, hidden)
    lots = {kind: stream.events["qty_lot"][stream.events["kind"] == kind].sum() for kind in (K.EXECUTE, K.EXECUTE_HIDDEN)}
    assert lots[K.EXECUTE_HIDDEN] / sum(lots.values()) == pytest.approx(hidden_frac, abs=5e-4)


@needs_lobster
def test_the_time_weighted_spread_of_the_aapl_hour_is_the_published_one() -> None:
    hour, _ = aapl_hour()
    top, ns = rebuilt(hour.stream).top, hour.stream.events["time_ns"]
    spread = (top["ask_tick"] - top["bid_tick"])[:-1] * 1e-4
    assert np.average(spread, weights=np.diff(ns)) == pytest.approx(0.195, abs=5e-4)


@needs_lobster
def test_a_depth_limited_day_rebuilds_to_every_recorded_level_once_resynchronised() -> None:
    amzn = day("AMZN_2012-06-21_L5")
    assert amzn.depth is not None
    mended = resynchronised(amzn.stream, amzn.depth)
    report = verify(mended.stream, amzn.depth)
    assert report.open_loop is not None
    assert report.open_loop.n_exact == 155_935
    assert report.counts["crossed"] == 0


@needs_lobster
def test_the_whole_aapl_day_rebuilds_in_less_than_a_fifth_of_a_second() -> None:
    stream = day("AAPL_2012-06-21_L1").stream
    rebuilt(stream)  # compiles
    taken = []
    for _ in range(5):
        start = time.thread_time()
        rebuilt(stream)
        taken.append(time.thread_time() - start)
    assert min(taken) < 0.2


def told(recording: Recording) -> tuple[int, int, int, int]:
    stream = recording.stream
    differences = len(np.unique(stream.events["message"][stream.events["kind"] == K.SET_LEVEL]))
    report = verify(stream, recording.depth_rows()).open_loop
    assert report is not None
    assert len(stream.refused) == 0
    return recording.n_gaps, differences, stream.count(K.TRADE), report.n_rows - report.n_exact


@needs_crypto
def test_the_binance_spot_stream_has_no_gap_and_its_touch_is_the_tickers() -> None:
    # 3,929 differences and 3,144 trades, as the files' description says; not one row differs from the book ticker.
    assert told(read_binance(PROTOCOL / "binance_raw_spot_btcusdt_20230405.dat.gz")) == (0, 3_929, 3_144, 0)


@needs_crypto
def test_the_parquet_form_of_the_spot_stream_is_the_same_recording() -> None:
    files = [CRYPTO / f"binance_spot_btcusdt_20230405_{part}.parquet" for part in ("depth", "trades", "bbo")]
    parquet = read_binance_parquet(*files, symbol="BTCUSDT")
    assert told(parquet) == (0, 3_929, 3_144, 0)
    raw = read_binance(PROTOCOL / "binance_raw_spot_btcusdt_20230405.dat.gz")
    assert np.array_equal(rebuilt(parquet.stream).top[-1], rebuilt(raw.stream).top[-1])


@needs_crypto
def test_the_binance_futures_stream_has_no_gap_and_its_touch_is_the_tickers() -> None:
    # 4,322 differences and one snapshot.
    assert told(read_binance(PROTOCOL / "binance_raw_usdm_btcusdt_20230404.dat.gz")) == (0, 4_323, 2_197, 0)


@needs_crypto
def test_a_rest_snapshot_and_a_websocket_are_brought_together() -> None:
    files = [PROTOCOL / "cryptofeed_BINANCE.ws.1.0.gz", PROTOCOL / "cryptofeed_BINANCE.http.0.0.gz"]
    recording = read_binance(*files, symbol="NKNUSDT")
    assert recording.n_gaps == 0
    assert recording.stream.count(K.CLEAR) == 1
    report = verify(recording.stream)
    assert report.counts["crossed"] == 0


@needs_crypto
def test_a_coinbase_capture_of_ten_products_rebuilds_without_a_crossed_book() -> None:
    recording = read_coinbase(PROTOCOL / "cryptofeed_COINBASE.ws.28.0.gz")
    assert len(recording.stream.symbols) == 10
    assert recording.stream.count(K.CLEAR) == 10
    for symbol in recording.stream.symbols:
        assert verify(recording.stream.only(symbol)).counts["crossed"] == 0


@needs_lobster
def test_a_strategy_that_joins_the_touch_is_filled_by_real_flow_within_its_limits() -> None:
    amzn = day("AMZN_2012-06-21_L5")
    assert amzn.depth is not None
    stream = resynchronised(amzn.stream, amzn.depth).stream
    market = RecordedMarket.of(stream, 60 * 10**9)

    class Joiner(Scripted):
        def on_wake(self, view: object) -> list[Order]:
            price = view.price[0]  # type: ignore[attr-defined]
            return [Order("AMZN", side, 10, Kind.LIMIT, limit_price=round(price - side * 0.05, 2)) for side in (Side.BUY, Side.SELL)]

    rules = ReplayRules(data_latency_ns=500_000, order_latency_ns=500_000)
    run = run_replay("joiner", Joiner({}), market, rules, ReplayAccount())
    again = run_replay("joiner", Joiner({}), market, rules, ReplayAccount())
    assert run.fills.tobytes() == again.fills.tobytes()
    assert len(run.position) == 390
    maker = run.fills[run.fills["liquidity"] == Liquidity.MAKER]
    assert len(maker) > 50
    limits = run.orders["limit_price"][run.fills["order_id"]]
    assert np.all(run.fills["side"] * (limits - run.fills["price"]) >= -1e-9)
    cash = 1_000_000 - (run.fills["side"] * run.fills["qty"] * run.fills["price"]).sum() - run.fills["fee"].sum()
    assert run.cash[-1] == pytest.approx(cash, rel=1e-12)
    assert run.position[-1, 0] == (run.fills["side"] * run.fills["qty"]).sum()
