"""LOBSTER files: what comes back from hand-written ones, and what happens to faulty rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketsim.errors import DataError
from marketsim.recorded import Difference, Fault, RecordedKind
from marketsim.replay.lobster import read_lobster
from marketsim.replay.rebuild import Walk, rebuilt
from marketsim.replay.resync import resynchronised
from marketsim.replay.verify import verification_text, verify

NAME = "AAPL_2012-06-21_34200000_57600000_message_2.csv"
BOOK = NAME.replace("message", "orderbook")
MIDNIGHT = 1_340_251_200 * 10**9  # 2012-06-21 00:00 in New York, four hours behind UTC
NO = "9999999999,0,-9999999999,0"
K = RecordedKind

# A book worked out by hand: ask 101.00 × 50 and bid 100.00 × 70 stand there before the first message.
MESSAGES = """\
34200.000000001,1,11,30,1000000,1
34200.000000002,1,12,20,1005000,-1
34200.5,4,12,5,1005000,-1
34201.000000003,2,11,10,1000000,1
34201.5,5,0,7,1002500,1
34202.123456789,4,11,20,1000000,1
34203.0,3,12,15,1005000,-1
34204.0,7,0,0,-1,-1
34205.0,7,0,0,1,-1
"""
ROWS = f"""\
1010000,50,1000000,100,{NO}
1005000,20,1000000,100,1010000,50,-9999999999,0
1005000,15,1000000,100,1010000,50,-9999999999,0
1005000,15,1000000,90,1010000,50,-9999999999,0
1005000,15,1000000,90,1010000,50,-9999999999,0
1005000,15,1000000,70,1010000,50,-9999999999,0
1010000,50,1000000,70,{NO}
1010000,50,1000000,70,{NO}
1010000,50,1000000,70,{NO}
"""


def files(folder: Path, messages: str = MESSAGES, rows: str | None = ROWS) -> tuple[Path, Path | None]:
    (folder / NAME).write_text(messages)
    if rows is None:
        return folder / NAME, None
    (folder / BOOK).write_text(rows)
    return folder / NAME, folder / BOOK


def test_a_day_comes_back_with_exact_nanoseconds_and_the_opening_state(tmp_path: Path) -> None:
    day = read_lobster(*files(tmp_path))
    events = day.stream.events
    opening, own = events[events["message"] < 0], events[events["message"] >= 0]
    assert sorted((int(e["side"]), int(e["price_tick"]), int(e["qty_lot"])) for e in opening) == [(-1, 1_010_000, 50), (1, 1_000_000, 70)]
    assert [int(t) - MIDNIGHT for t in own["time_ns"][[0, 5]]] == [34_200_000_000_001, 34_202_123_456_789]
    kinds = [K.ADD, K.ADD, K.EXECUTE, K.REDUCE, K.EXECUTE_HIDDEN, K.EXECUTE, K.DELETE, K.HALT, K.RESUME]
    assert own["kind"].tolist() == kinds
    assert day.window_levels == 2


def test_the_hand_worked_book_is_exact_in_one_step_and_open_loop(tmp_path: Path) -> None:
    day = read_lobster(*files(tmp_path))
    report = verify(day.stream, day.depth)
    assert report.one_step is not None
    assert report.open_loop is not None
    assert (report.one_step.n_exact, report.one_step.n_rows) == (8, 8)
    assert (report.open_loop.n_exact, report.open_loop.n_rows) == (9, 9)
    assert report.is_exact
    assert report.counts["hidden"] == 1


def test_parquet_conversions_read_like_the_files(tmp_path: Path) -> None:
    messages, rows = files(tmp_path)
    assert rows is not None
    from_csv = read_lobster(messages, rows)
    table = np.genfromtxt(messages, delimiter=",")
    columns = {"time_ns": np.round(table[:, 0] * 1e9).astype(np.int64)}
    columns |= {name: table[:, n].astype(np.int64) for n, name in enumerate(("type", "order_id", "size", "price", "direction"), 1)}
    levels = np.genfromtxt(rows, delimiter=",").astype(np.int64)
    pq.write_table(pa.table(columns), tmp_path / NAME.replace("csv", "parquet"))
    pq.write_table(pa.table({f"c{n}": levels[:, n] for n in range(8)}), tmp_path / BOOK.replace("csv", "parquet"))
    from_parquet = read_lobster(tmp_path / NAME.replace("csv", "parquet"), tmp_path / BOOK.replace("csv", "parquet"))
    assert np.array_equal(from_csv.stream.events, from_parquet.stream.events)


def test_a_stale_level_is_named_with_its_order(tmp_path: Path) -> None:
    # Order 12 is never deleted, so the rebuilt ask stays at 100.50 while the file's goes back to 101.00.
    lines = MESSAGES.splitlines(keepends=True)
    rows = ROWS.splitlines(keepends=True)
    day = read_lobster(*files(tmp_path, "".join(lines[:6] + lines[7:]), "".join(rows[:6] + rows[7:])))
    report = verify(day.stream, day.depth)
    assert report.open_loop is not None
    assert report.open_loop.first_message == 6
    assert report.open_loop.differences == {Difference.STALE_LEVEL: 2}
    (episode,) = report.episodes
    assert (episode.first_message, episode.last_message, episode.side, episode.price_tick) == (6, 7, -1, 1_005_000)
    expected = "messages 6–7 (2 rows): the rebuilt ask 100.5 × 15 against 101 × 50 in the file; order 12 (15) entered in message 1; "
    assert episode.sentence.startswith(expected + "the file names it last in message 2")
    assert episode.sentence in verification_text(report)
    assert not report.is_exact


def test_a_level_nobody_announced_is_named_and_resynchronisation_brings_it_in(tmp_path: Path) -> None:
    shown = [*ROWS.splitlines()]
    shown[3] = "1004000,9,1000000,90,1005000,15,-9999999999,0"
    day = read_lobster(*files(tmp_path, MESSAGES, "\n".join(shown) + "\n"))
    assert day.depth is not None
    report = verify(day.stream, day.depth)
    assert report.open_loop is not None
    assert report.open_loop.differences == {Difference.MISSING_LEVEL: 1}
    assert "the file's best ask is 100.4 × 9, whose entry it never reported" in report.episodes[0].sentence
    mended = resynchronised(day.stream, day.depth)
    # Set after message 3, removed again after message 4.
    assert (mended.n_settings, mended.n_messages) == (2, 2)
    again = verify(mended.stream, day.depth)
    assert again.open_loop is not None
    assert again.open_loop.n_exact == 9


def test_unknown_orders_are_charged_to_quantity_nobody_has_an_id_for_and_counted(tmp_path: Path) -> None:
    messages = MESSAGES + "34206,4,99,60,1000000,1\n34207,3,98,10,990000,1\n34208,2,97,50,1000000,1\n"
    stream = read_lobster(
        *files(tmp_path, messages, ROWS + f"1010000,50,1000000,10,{NO}\n" * 2 + f"1010000,50,{NO},-9999999999,0\n")
    ).stream
    counts = rebuilt(stream).counts
    # 99 takes 60 of the 70 that stood there; nothing is at 99.00; 97 wants 50 of the 10 that are left.
    assert (counts["anonymous"], counts["unknown"], counts["overdrawn"]) == (2, 1, 1)
    assert rebuilt(stream).top["bid_lot"][-1] == 0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("34201.2,1,nan,10,1000000,1", Fault.NOT_A_NUMBER),
        ("NaN,1,50,10,1000000,1", Fault.NOT_A_NUMBER),
        ("34201.2,9,50,10,1000000,1", Fault.UNKNOWN_KIND),
        ("34201.2,1,50,10,1000000,0", Fault.BAD_SIDE),
        ("34201.2,1,50,-10,1000000,1", Fault.BAD_QUANTITY),
        ("34201.2,1,50,10,0,1", Fault.BAD_PRICE),
    ],
)
def test_a_faulty_row_is_refused_and_the_rest_goes_on(tmp_path: Path, row: str, fault: Fault) -> None:
    lines = MESSAGES.splitlines()
    messages, _ = files(tmp_path, "\n".join([*lines[:4], row, *lines[4:]]) + "\n", None)
    stream = read_lobster(messages).stream
    assert stream.faults() == {fault: (1, 4)}
    assert stream.events["message"].tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert f"refused      1 rows: {fault.name.lower().replace('_', ' ')}, first in row 4" in verification_text(verify(stream))


def test_a_time_that_goes_backwards_keeps_its_place_and_is_told(tmp_path: Path) -> None:
    lines = MESSAGES.splitlines()
    lines[2] = lines[2].replace("34200.5", "34299.5")  # one row far ahead: it is the one at fault, not the six after it
    stream = read_lobster(files(tmp_path, "\n".join(lines) + "\n", None)[0]).stream
    assert stream.retimed.tolist() == [2]
    assert len(stream.refused) == 0
    assert np.all(np.diff(stream.events["time_ns"]) >= 0)
    assert stream.events["time_ns"][2] - MIDNIGHT == 34_200_000_000_002
    assert "time mended  1 messages out of order, first message 2" in verification_text(verify(stream))


@pytest.mark.parametrize(
    ("messages", "rows", "sentence"),
    [
        (MESSAGES, "\n".join(ROWS.splitlines()[:-1]) + "\n", "has 8 rows, its message file 9"),
        (MESSAGES, ROWS.replace("1010000,50", "nan,50", 1), "empty or NaN cells in column"),
        (MESSAGES, "1,2,3\n" * 9, "has 3 columns; an order book file has four a level"),
        (MESSAGES[:-8], ROWS, "cannot be read as LOBSTER writes it"),
        (MESSAGES.replace("34203.0", "half past"), ROWS, "cannot be read as LOBSTER writes it"),
        ("1,2,3\n", None, "has 3 columns in its first row; a message file has 6"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path: Path, messages: str, rows: str | None, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_lobster(*files(tmp_path, messages, rows))


def test_a_file_without_a_date_in_its_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "messages.csv").write_text(MESSAGES)
    with pytest.raises(DataError, match="is not named SYMBOL_YYYY-MM-DD"):
        read_lobster(tmp_path / "messages.csv")


def test_the_queue_of_a_level_keeps_its_order(tmp_path: Path) -> None:
    day = read_lobster(*files(tmp_path))
    walk = Walk(day.stream)
    walk.depth(len(day.stream.events) - 8, 1)  # after message 0
    assert walk.queue(1, 1_000_000) == [(0, 70), (11, 30)]
