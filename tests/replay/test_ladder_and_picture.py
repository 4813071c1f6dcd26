"""The book at a moment, as text and as a picture, and a stream's way through Parquet."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketsim.errors import DataError
from marketsim.replay.heatmap import heat_map
from marketsim.replay.ladder import Rung, book_at, ladder_text, moment, parsed_moment
from marketsim.replay.stream import merged, put_in_order, read_stream
from tests.replay.recordings import BUY, DAY, SECOND, SELL, K, event, fills, limit, market, play, recording

WORLD = [
    event(0.1, K.ADD, 10000, 200, side=BUY, id=1),
    event(0.2, K.ADD, 10000, 100, side=BUY, id=2),
    event(0.3, K.SET_LEVEL, 9990, 1500, side=BUY),
    event(0.4, K.ADD, 10002, 600, side=SELL, id=9),
    event(5.0, K.EXECUTE, 10000, 150, side=BUY, id=1),
    event(6.0, K.HALT),
]


def test_the_ladder_shows_what_lay_there_at_the_moment_asked_for() -> None:
    stream = recording(WORLD)
    before = book_at(stream, DAY + 4 * SECOND)
    assert before.bids == (Rung(100.0, 300.0, 2), Rung(99.9, 1500.0, None))
    assert before.asks == (Rung(100.02, 600.0, 1),)
    assert (before.message, before.event_ns, before.is_halted) == (3, DAY + 400_000_000, False)
    after = book_at(stream, DAY + 5 * SECOND, depth=1)
    assert after.bids == (Rung(100.0, 150.0, 2),)
    assert book_at(stream, DAY + 60 * SECOND).is_halted


def test_the_ladder_as_text() -> None:
    assert ladder_text(book_at(recording(WORLD), DAY + 4 * SECOND)) == (
        "A at 2024-03-04 14:30:04 UTC (message 3 at 2024-03-04 14:30:00.4 UTC)\n"
        "        price  quantity  orders\n"
        "  ask  100.02       600       1  ██████████\n"
        "  ──── spread 0.02 ────\n"
        "  bid  100.00       300       2  █████\n"
        "  bid   99.90     1,500       ?  ████████████████████████"
    )


def test_an_empty_book_and_a_moment_too_early_are_said() -> None:
    stream = recording([event(1, K.HALT)])
    assert ladder_text(book_at(stream, DAY + SECOND)).endswith("halted (message 0 at 2024-03-04 14:30:01 UTC)\n  the book is empty")
    with pytest.raises(DataError, match=r"knows no book at 2024-03-04 14:30:00 UTC; its first event is at 2024-03-04 14:30:01 UTC"):
        book_at(stream, DAY)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("14:30:04", "UTC", DAY + 4 * SECOND),
        ("09:30:04.000000007", "America/New_York", DAY + 4 * SECOND + 7),
        ("2024-03-04T14:31", "UTC", DAY + 60 * SECOND),
        ("2024-03-04T15:30:00+01:00", "UTC", DAY),
    ],
)
def test_moments_are_read_in_the_markets_own_time(text: str, zone: str, expected: int) -> None:
    stream = recording(WORLD)
    assert parsed_moment(text, stream, zone) == expected
    assert parsed_moment(moment(expected)[:-4].replace(" ", "T"), stream) == expected


@pytest.mark.parametrize("text", ["noon", "25:00", "09:30:00.12x", "2024-13-01T00:00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="is no time; write HH:MM:SS"):
        parsed_moment(text, recording(WORLD))


def test_a_stream_comes_back_from_parquet(tmp_path: Path) -> None:
    stream = merged([recording(WORLD, symbols="A"), recording(WORLD[:4], symbols="B", tick=0.5, lot=1e-8)])
    stream.write_parquet(tmp_path / "x.parquet")
    back = read_stream(tmp_path / "x.parquet")
    assert np.array_equal(back.events, stream.events)
    assert (back.symbols, back.tick_size.tolist(), back.lot_size.tolist()) == (("A", "B"), [0.01, 0.5], [1.0, 1e-8])
    table = pq.read_table(tmp_path / "x.parquet")
    assert table["price"].to_pylist()[:2] == [100.0, 5000.0]
    assert table["kind"].to_pylist()[0] == "add"


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="is no recorded stream"):
        read_stream(tmp_path / "x.parquet")


def test_two_symbols_keep_apart() -> None:
    other = [event(0.15, K.ADD, 5000, 70, side=SELL, id=51), event(8.0, K.ADD, 4990, 5, side=BUY, id=52)]
    world = merged([recording(WORLD, symbols="A"), recording(other, symbols="B")])
    assert world.only("B").events["price_tick"].tolist() == [5000, 4990]
    run = play(world, {0: [market(BUY, 10, symbol="B"), limit(BUY, 20, 100.01)]})
    assert fills(run) == [(1.0, BUY, 10, 50.0), (5.0, BUY, 20, 100.01)]
    assert run.position[-1].tolist() == [20.0, 10.0]
    with pytest.raises(DataError, match="share a symbol"):
        merged([world, world])


def test_the_fewest_times_are_mended() -> None:
    times = np.array([10, 20, 99, 30, 40, 5, 50], np.int64)
    mended, rows = put_in_order(times)
    assert rows.tolist() == [2, 5]
    assert mended.tolist() == [10, 20, 20, 30, 40, 40, 50]
    assert put_in_order(np.array([9, 1, 2, 3]))[0].tolist() == [1, 1, 2, 3]


def test_the_picture_has_cells_and_trades_by_aggressor() -> None:
    drawn = heat_map(recording(WORLD))
    cells, trades = (layer["data"]["values"] for layer in drawn.spec["layer"])
    assert [(t["p"], t["q"], t["aggressor"]) for t in trades] == [(100.0, 150.0, "sell")]
    last = {round(c["p"], 2): c["q"] for c in cells if c["t2"] == cells[-1]["t2"]}
    assert sum(last.values()) == 150 + 600
    png = drawn.png()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24])[0] > 1000
    page = drawn.html()
    assert 'src="http' not in page
    assert "cdn." not in page


def test_a_recording_without_two_sides_has_no_picture() -> None:
    with pytest.raises(DataError, match="never shows a bid and an ask at once"):
        heat_map(recording([WORLD[0], event(3, K.REDUCE, 10000, 5, side=BUY, id=1)]))
