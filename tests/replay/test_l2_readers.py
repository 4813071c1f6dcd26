"""Binance's and Coinbase's differences: the rules of their documentation on hand-written captures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.errors import DataError
from marketsim.recorded import Fault, RecordedKind
from marketsim.replay.binance import read_binance
from marketsim.replay.coinbase import read_coinbase
from marketsim.replay.l2 import Recording, decimals
from marketsim.replay.rebuild import Walk
from marketsim.replay.verify import verify

K = RecordedKind
MICRO = 1_680_652_800_000_000


def diff(first: int, last: int, bids: Any = (), asks: Any = (), **more: Any) -> dict[str, Any]:
    said = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks, **more}
    return {"stream": "btcusdt@depth", "data": said}


def snapshot(last: int, bids: Any, asks: Any) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": bids, "asks": asks}


def capture(folder: Path, messages: list[Any], name: str = "feed.dat.gz") -> Path:
    path = folder / name
    lines = [f"{MICRO + n} {m if isinstance(m, str) else json.dumps(m)}" for n, m in enumerate(messages)]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def levels(recording: Recording, side: int) -> dict[float, float]:
    """Return price → quantity at the end, in currency and coins."""
    stream = recording.stream
    depth = Walk(stream).depth(len(stream.events), 20)[0 if side > 0 else 1]
    return {round(p * stream.tick_size[0], 9): round(q * stream.lot_size[0], 9) for p, q in depth.tolist() if q}


def test_spot_differences_start_at_the_snapshot_and_zero_removes(tmp_path: Path) -> None:
    feed = [
        diff(90, 99, [["99.5", "1"]]),  # older than the snapshot
        snapshot(100, [["100.0", "1.5"], ["99.9", "2"]], [["100.1", "3"]]),
        diff(99, 101, [["100.0", "0"]], [["100.1", "2.5"]]),  # U <= 101 <= u
        diff(102, 105, [["99.8", "7"]]),
    ]
    recording = read_binance(capture(tmp_path, feed))
    assert recording.n_gaps == 0
    assert recording.stream.faults() == {Fault.OUTDATED: (1, 0)}
    assert levels(recording, 1) == {99.9: 2.0, 99.8: 7.0}
    assert levels(recording, -1) == {100.1: 2.5}
    assert recording.stream.events["time_ns"][-1] == (MICRO + 3) * 1000


def test_differences_that_came_before_their_snapshot_are_applied_after_it(tmp_path: Path) -> None:
    feed = [
        diff(101, 103, [["100.0", "4"]]),
        snapshot(100, [["100.0", "1"]], [["100.1", "3"]]),
        diff(104, 104, [], [["100.1", "9"]]),
    ]
    recording = read_binance(capture(tmp_path, feed))
    assert recording.n_gaps == 0
    assert levels(recording, 1) == {100.0: 4.0}
    assert levels(recording, -1) == {100.1: 9.0}


def test_a_missing_spot_difference_is_a_gap_with_its_size(tmp_path: Path) -> None:
    recording = read_binance(capture(tmp_path, [diff(1, 5, [["1.0", "1"]]), diff(8, 9, [["1.0", "2"]]), diff(10, 12, [["1.0", "3"]])]))
    assert recording.n_gaps == 1
    gap = recording.stream.events[recording.stream.events["kind"] == K.GAP]
    assert gap["qty_lot"].tolist() == [2]  # updates 6 and 7


def test_futures_differences_follow_by_pu(tmp_path: Path) -> None:
    feed = [
        snapshot(100, [["100.0", "1"]], [["100.1", "3"]]),
        diff(95, 110, [["100.0", "2"]], pu=94),  # U <= 100 <= u
        diff(120, 130, [["100.0", "3"]], pu=110),  # ids jump, but pu is the last u
        diff(140, 150, [["100.0", "4"]], pu=135),
    ]
    recording = read_binance(capture(tmp_path, feed))
    assert recording.n_gaps == 1
    assert levels(recording, 1) == {100.0: 4.0}


def test_a_trade_with_a_buying_maker_hits_the_bid(tmp_path: Path) -> None:
    trade = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": 7, "p": "100.05", "q": "0.25", "T": 1, "m": True}
    events = read_binance(capture(tmp_path, [diff(1, 1, [["100.0", "1"]]), trade])).stream.events
    assert (int(events[1]["kind"]), int(events[1]["side"]), int(events[1]["price_tick"]), int(events[1]["other_id"])) == (
        K.TRADE,
        1,
        10005,
        7,
    )
    assert int(events[1]["qty_lot"]) == 25


def test_the_touch_is_compared_with_the_last_ticker_up_to_the_update_id(tmp_path: Path) -> None:
    def ticker(u: int, bid: str, qty: str) -> dict[str, Any]:
        return {"u": u, "s": "BTCUSDT", "b": bid, "B": qty, "a": "100.1", "A": "3"}

    feed = [
        snapshot(100, [["100.0", "1"]], [["100.1", "3"]]),
        ticker(101, "100.0", "2"),
        ticker(103, "100.0", "5"),
        diff(101, 102, [["100.0", "2"]]),
        diff(103, 103, [["100.0", "4"]]),  # the ticker says 5
    ]
    recording = read_binance(capture(tmp_path, feed), symbol="BTCUSDT")
    report = verify(recording.stream, recording.depth_rows())
    assert report.open_loop is not None
    assert (report.open_loop.n_exact, report.open_loop.n_rows) == (1, 2)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"e":"depthUpdate","s":"BTCUSDT","U":2,"u":2,"b":[["nan","1"]],"a":[]}', Fault.NOT_A_NUMBER),
        ('{"e":"depthUpdate","s":"BTCUSDT","U":2,"u":2,"b":[["100.0","-1"]],"a":[]}', Fault.BAD_QUANTITY),
        ('{"e":"depthUpdate","s":"BTCUSDT","U":2,"u":2,"b":[["-100.0","1"]],"a":[]}', Fault.BAD_PRICE),
        ('{"e":"depthUpdate","s":"BTCUSDT","U":2,"u":2,"b":[[', Fault.BAD_TEXT),
        ('{"e":"depthUpdate","s":"BTCUSDT","u":2,"b":[],"a":[]}', Fault.BAD_TEXT),
        ("what is this", Fault.BAD_TEXT),
    ],
)
def test_a_faulty_line_is_refused_and_the_rest_goes_on(tmp_path: Path, line: str, fault: Fault) -> None:
    path = capture(tmp_path, [diff(1, 1, [["100.0", "1"]]), diff(2, 2, [["100.0", "2"]])], "feed.txt")
    text = path.read_text().splitlines()
    path.write_text("\n".join([text[0], line if line[0] == "w" else f"{MICRO} {line}", text[1]]) + "\n")
    recording = read_binance(path)
    assert recording.stream.faults() == {fault: (1, 1)}
    assert levels(recording, 1) == {100.0: 2.0}


def test_a_capture_that_is_cut_off_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = capture(tmp_path, [diff(n, n, [[f"{n}.5", "1"]]) for n in range(1, 400)])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"feed.dat.gz is cut off or damaged after line \d+"):
        read_binance(path)


def test_a_symbol_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no message of ETHUSDT; it has BTCUSDT"):
        read_binance(capture(tmp_path, [diff(1, 1, [["1.0", "1"]])]), symbol="ETHUSDT")


def match(trade_id: int, side: str, price: str, size: str) -> dict[str, Any]:
    time = "2021-04-17T16:43:37.000001Z"
    return {"type": "match", "trade_id": trade_id, "side": side, "size": size, "price": price, "product_id": "BTC-USD", "time": time}


def test_coinbase_levels_are_absolute_and_a_match_names_the_makers_side(tmp_path: Path) -> None:
    feed = [
        {"type": "l2update", "product_id": "BTC-USD", "changes": [["buy", "90.00", "1"]]},  # before any snapshot
        {"type": "snapshot", "product_id": "BTC-USD", "bids": [["100.00", "1.5"]], "asks": [["101.00", "2"], ["102.00", "1"]]},
        match(10, "sell", "101.00", "0.5"),
        {
            "type": "l2update",
            "product_id": "BTC-USD",
            "changes": [["sell", "101.00", "1.5"], ["buy", "100.00", "0"], ["buy", "99.50", "4"]],
        },
        match(14, "buy", "99.50", "1"),
    ]
    recording = read_coinbase(capture(tmp_path, feed))
    events = recording.stream.events
    assert levels(recording, 1) == {99.5: 4.0}
    assert levels(recording, -1) == {101.0: 1.5, 102.0: 1.0}
    assert events["side"][events["kind"] == K.TRADE].tolist() == [-1, 1]
    assert events["qty_lot"][events["kind"] == K.GAP].tolist() == [3]  # trades 11, 12 and 13
    assert recording.stream.faults() == {Fault.OUTDATED: (1, 0)}


def test_without_a_time_of_reception_the_exchanges_time_counts(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    feed = [
        {"type": "snapshot", "product_id": "BTC-USD", "bids": [["100.00", "1.5"]], "asks": [["101.00", "2"]]},
        match(1, "buy", "100.00", "1"),
    ]
    path.write_text("\n".join(json.dumps(m) for m in feed))
    assert read_coinbase(path).stream.events["time_ns"][-1] == 1_618_677_817_000_001_000


def test_decimals_are_those_that_write_every_value() -> None:
    assert decimals(np.array([1.0, 250.0])) == 0
    assert decimals(np.array([0.1, 28145.1, 1e6])) == 1
    assert decimals(np.array([0.00001305])) == 8
    assert decimals(np.array([7.98680, 4690.343896])) == 6
