"""ITCH 5.0 files written from the specification come back as they were meant; damaged ones are refused with the byte at fault."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import DataError
from marketsim.recorded import Fault, RecordedKind
from marketsim.replay.itch import LENGTHS, read_itch
from marketsim.replay.rebuild import Walk, rebuilt
from tests.replay import itch_writer as w

NAME = "01302019.NASDAQ_ITCH50"
MIDNIGHT = int(dt.datetime(2019, 1, 30, 5, tzinfo=dt.UTC).timestamp()) * 10**9  # New York is five hours behind in January
T = 34_200 * 10**9
AAPL, MSFT = 14, 5000

# Every message type of the specification once or more, two symbols interleaved.
DAY = [
    w.system_event(T, "O"),
    w.directory(T, AAPL, "AAPL"),
    w.directory(T, MSFT, "MSFT", 200),
    w.trading_action(T + 1, AAPL, "AAPL", "T"),
    w.reg_sho(T + 1, AAPL, "AAPL"),
    w.participant(T + 1, AAPL, "AAPL"),
    w.decline_levels(T + 1),
    w.breaker_status(T + 1),
    w.ipo_quoting(T + 1, AAPL, "AAPL"),
    w.auction_collar(T + 1, AAPL, "AAPL"),
    w.imbalance(T + 1, AAPL, "AAPL"),
    w.retail_interest(T + 1, AAPL, "AAPL"),
    w.direct_listing(T + 1, AAPL, "AAPL"),
    w.cross(T + 2, AAPL, "AAPL", 5_000_000_000, 1_650_000, 900, "O"),
    w.add(T + 3, AAPL, "AAPL", 1, "B", 300, 1_649_900),
    w.add(T + 4, MSFT, "MSFT", 2, "S", 70, 1_060_100),
    w.add(T + 5, AAPL, "AAPL", 3, "S", 200, 1_650_100, "GSCO"),
    w.executed(T + 6, AAPL, 1, 100, 901),
    w.executed_at(T + 7, AAPL, 3, 50, 902, 1_650_000),
    w.executed_at(T + 8, AAPL, 3, 25, 903, 1_650_050, "N"),
    w.cancel(T + 9, AAPL, 1, 50),
    w.replace(T + 10, AAPL, 3, 4, 80, 1_650_200),
    w.trade(T + 11, AAPL, "AAPL", 33, 1_650_050, 904),
    w.broken(T + 12, AAPL, 904),
    w.operational_halt(T + 13, AAPL, "AAPL", "H"),
    w.operational_halt(T + 14, AAPL, "AAPL", "T"),
    w.trading_action(T + 15, AAPL, "AAPL", "H"),
    w.trading_action(T + 16, AAPL, "AAPL", "Q"),
    w.trading_action(T + 17, AAPL, "AAPL", "T"),
    w.delete(T + 18, AAPL, 1),
    w.system_event(T + 19, "C"),
]
K = RecordedKind
# kind, order id, other id, price, quantity, side of AAPL's events, as the specification says they are.
EXPECTED = [
    (K.RESUME, 0, 0, 0, 0, 0),
    (K.CROSS, ord("O"), 900, 1_650_000, 5_000_000_000, 0),
    (K.ADD, 1, 0, 1_649_900, 300, 1),
    (K.ADD, 3, 0, 1_650_100, 200, -1),
    (K.EXECUTE, 1, 901, 1_649_900, 100, 1),
    (K.EXECUTE, 3, 902, 1_650_000, 50, -1),
    (K.REDUCE, 3, 903, 1_650_100, 25, -1),
    (K.REDUCE, 1, 0, 1_649_900, 50, 1),
    (K.REPLACE, 3, 4, 1_650_200, 80, -1),
    (K.EXECUTE_HIDDEN, 0, 904, 1_650_050, 33, 0),
    (K.BREAK, 0, 904, 0, 0, 0),
    (K.HALT, 0, 0, 0, 0, 0),
    (K.RESUME, 0, 0, 0, 0, 0),
    (K.HALT, 0, 0, 0, 0, 0),
    (K.QUOTE, 0, 0, 0, 0, 0),
    (K.RESUME, 0, 0, 0, 0, 0),
    (K.DELETE, 1, 0, 1_649_900, 150, 1),
]


def written(folder: Path, data: bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def rows(events: np.ndarray[Any, Any]) -> list[tuple[Any, ...]]:
    return [(K(int(e["kind"])), *(int(e[name]) for name in ("order_id", "other_id", "price_tick", "qty_lot", "side"))) for e in events]


@pytest.mark.parametrize("prefixed", [True, False], ids=["with lengths", "without lengths"])
@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_a_day_with_every_message_type_comes_back(tmp_path: Path, prefixed: bool, zipped: bool) -> None:
    data = w.framed(DAY, prefixed=prefixed)
    day = read_itch(written(tmp_path, gzip.compress(data) if zipped else data), ["AAPL"])
    assert rows(day.stream.events) == EXPECTED
    assert day.stream.events["time_ns"][0] == MIDNIGHT + T + 1
    assert set(day.message_counts) == set(LENGTHS)
    assert sum(day.message_counts.values()) == len(DAY)
    assert [(listing.symbol, listing.locate, listing.round_lot) for listing in day.directory] == [("AAPL", 14, 100), ("MSFT", 5000, 200)]
    assert day.system_events == ((MIDNIGHT + T, "O"), (MIDNIGHT + T + 19, "C"))
    assert len(day.stream.refused) == 0


def test_the_book_after_the_day_is_the_one_worked_out_by_hand(tmp_path: Path) -> None:
    day = read_itch(written(tmp_path, w.framed(DAY)), ["AAPL", "MSFT"])
    walk = Walk(day.stream)
    depth = walk.depth(len(day.stream.events), 1)
    assert depth[1].tolist() == [[1_650_200, 80]]
    assert depth[3].tolist() == [[1_060_100, 70]]
    assert depth[0, 0, 1] == 0
    counts = rebuilt(day.stream).counts
    assert (counts["unknown"], counts["overdrawn"], counts["crossed"]) == (0, 0, 0)


def test_every_length_is_the_specifications() -> None:
    assert {chr(m[0]): len(m) for m in DAY} == LENGTHS


@pytest.mark.parametrize("missing", [1, 5, 11, 13])
def test_a_file_that_is_cut_off_names_the_byte(tmp_path: Path, missing: int) -> None:
    data = w.framed(DAY)
    # Whatever is missing of the last message, a system event, the sentence names where that message starts.
    with pytest.raises(DataError, match=rf"cut off at byte {len(data) - 14:,}: .*{14 - missing} are there"):
        read_itch(written(tmp_path, data[: len(data) - missing]), ["AAPL"])


def test_a_foreign_byte_names_its_place(tmp_path: Path) -> None:
    data = bytearray(w.framed(DAY))
    at = sum(len(m) + 2 for m in DAY[:5]) + 2
    data[at] = ord("z")
    with pytest.raises(DataError, match=rf"damaged at byte {at - 2:,} \(message 5\): found type 'z' of 26 bytes; ITCH 5.0 has the types"):
        read_itch(written(tmp_path, bytes(data)), ["AAPL"])


def test_a_wrong_length_names_its_place(tmp_path: Path) -> None:
    data = w.framed(DAY[:3]) + b"\x00\x63" + DAY[3]
    with pytest.raises(DataError, match=r"message 3\): found type 'H' of 99 bytes; its length is 25"):
        read_itch(written(tmp_path, data), ["AAPL"])


def test_damaged_compression_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="compression is cut off or damaged"):
        read_itch(written(tmp_path, gzip.compress(w.framed(DAY))[:-20]), ["AAPL"])


def test_faulty_messages_are_refused_one_by_one(tmp_path: Path) -> None:
    faulty = [
        *DAY[:4],
        w.add(T + 2, AAPL, "AAPL", 1, "X", 100, 100),
        w.add(T + 2, AAPL, "AAPL", 1, "B", 0, 100),
        w.add(T + 2, AAPL, "AAPL", 1, "B", 100, 0),
        w.executed(T + 2, AAPL, 77, 100, 1),
        w.add(T + 1, AAPL, "AAPL", 1, "B", 100, 100),
        w.trading_action(T + 3, AAPL, "AAPL", "?"),
    ]
    stream = read_itch(written(tmp_path, w.framed(faulty)), ["AAPL"]).stream
    assert stream.faults() == {
        Fault.UNKNOWN_KIND: (1, 9),
        Fault.BAD_SIDE: (1, 4),
        Fault.BAD_QUANTITY: (1, 5),
        Fault.BAD_PRICE: (1, 6),
        Fault.UNKNOWN_ORDER: (1, 7),
    }
    assert rows(stream.events) == [(K.RESUME, 0, 0, 0, 0, 0), (K.ADD, 1, 0, 100, 100, 1)]


def test_a_symbol_that_is_not_listed_and_a_name_without_a_date_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not list TSLA"):
        read_itch(written(tmp_path, w.framed(DAY)), ["TSLA"])
    with pytest.raises(DataError, match="no date MMDDYYYY"):
        read_itch(written(tmp_path, w.framed(DAY), "feed.bin"), ["AAPL"])
    day = read_itch(written(tmp_path, w.framed(DAY), "feed.bin"), ["AAPL"], date=dt.date(2019, 1, 30))
    assert day.stream.events["time_ns"][0] == MIDNIGHT + T + 1


ORDERS = st.lists(st.tuples(st.sampled_from("AAFECXDUP"), st.integers(0, 9), st.sampled_from("BS"), st.integers(1, 999)), max_size=60)


@settings(max_examples=60)
@given(ORDERS, st.booleans())
def test_any_sequence_of_valid_orders_round_trips(tmp_path_factory: pytest.TempPathFactory, orders: list[Any], prefixed: bool) -> None:
    messages, expected, alive = [w.directory(T, AAPL, "AAPL")], [], {}
    for n, (kind, pick, side, shares) in enumerate(orders):
        t, sign, price = T + n, 1 if side == "B" else -1, 1_000_000 + 100 * pick
        ref = list(alive)[pick % len(alive)] if alive else None
        if kind in "AF":
            messages.append(w.add(t, AAPL, "AAPL", 100 + n, side, shares, price, "MPID" if kind == "F" else None))
            expected.append((K.ADD, 100 + n, 0, price, shares, sign))
            alive[100 + n] = [sign, price, shares]
        elif kind == "P":
            messages.append(w.trade(t, AAPL, "AAPL", shares, price, n))
            expected.append((K.EXECUTE_HIDDEN, 0, n, price, shares, 0))
        elif ref is not None:
            sign, at, left = alive[ref]
            part = min(shares, left)
            if kind == "U":
                messages.append(w.replace(t, AAPL, ref, 100 + n, shares, price))
                expected.append((K.REPLACE, ref, 100 + n, price, shares, sign))
                alive[100 + n] = [sign, price, shares]
                part = left
            elif kind == "D":
                messages.append(w.delete(t, AAPL, ref))
                expected.append((K.DELETE, ref, 0, at, left, sign))
                part = left
            elif kind == "X":
                messages.append(w.cancel(t, AAPL, ref, part))
                expected.append((K.REDUCE, ref, 0, at, part, sign))
            else:
                messages.append(w.executed(t, AAPL, ref, part, n) if kind == "E" else w.executed_at(t, AAPL, ref, part, n, at + 50))
                expected.append((K.EXECUTE, ref, n, at if kind == "E" else at + 50, part, sign))
            alive[ref][2] -= part
            if alive[ref][2] == 0:
                del alive[ref]
    path = written(tmp_path_factory.mktemp("itch"), w.framed(messages, prefixed=prefixed))
    stream = read_itch(path, ["AAPL"]).stream
    assert rows(stream.events) == expected
    walk = Walk(stream)
    depth = walk.depth(len(stream.events), 32)
    for index, sign in enumerate((1, -1)):
        left: dict[int, int] = {}
        for side, price, qty in alive.values():
            if side == sign:
                left[price] = left.get(price, 0) + qty
        shown = {int(price): int(qty) for price, qty in depth[index] if qty}
        assert shown == left
