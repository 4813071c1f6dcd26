"""Each fault that a recording can have is found by its check, and by no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketsim.recorded import NO_PRICE, REFUSED, Fault
from marketsim.replay.depth import DepthRows
from marketsim.replay.recording import Opened
from marketsim.replay.stream import Stream
from marketsim.validation.recording_checks import recording_findings
from tests.replay.recordings import BUY, SELL, K, event, recording

BID, ASK = event(0.1, K.ADD, 10000, 50, side=BUY, id=1), event(0.2, K.ADD, 10002, 40, side=SELL, id=2)
WHOLE = recording([BID, ASK, event(0.3, K.EXECUTE, 10000, 10, side=BUY, id=1)])


def depth(*rows: tuple[int, int, int, int]) -> DepthRows:
    """Return one level from (bid tick, lots, ask tick, lots) after each message."""
    table = np.array(rows, np.int64)
    return DepthRows(table[:, [0, 2], None].copy(), table[:, [1, 3], None].copy(), np.arange(len(rows)))


TRUE = depth((10000, 50, NO_PRICE, 0), (10000, 50, 10002, 40), (10000, 40, 10002, 40))
WRONG = depth((10000, 50, NO_PRICE, 0), (10000, 50, 10002, 40), (10000, 41, 10002, 40))


def found(stream: Stream, rows: DepthRows | None = None) -> dict[str, dict[str, Any]]:
    findings = recording_findings({"A": Opened(stream, rows, "UTC")}, {"A": "traded"})
    return {finding["check_name"]: finding for finding in findings}


def failed(stream: Stream, rows: DepthRows | None = None) -> dict[str, str]:
    return {name: str(finding["observed"]) for name, finding in found(stream, rows).items() if not finding["success"]}


def test_a_whole_recording_passes_and_what_it_cannot_be_compared_with_is_left_out() -> None:
    assert failed(WHOLE, TRUE) == failed(WHOLE) == {}
    assert set(found(WHOLE, TRUE)) - set(found(WHOLE)) == {"recording_steps", "recording_book", "recording_depth"}


REFUSED_ROW = np.array([(7, Fault.BAD_SIDE), (9, Fault.BAD_SIDE)], REFUSED)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (replace(WHOLE, refused=REFUSED_ROW), {"recording_rows": "2 of 5 rows refused (2 bad side)"}),
        (replace(WHOLE, retimed=np.array([1])), {"recording_times": "1 of 3 messages out of order in time"}),
        (recording([BID, event(0.15, K.GAP, qty=12), ASK]), {"recording_gaps": "1 gaps in the feed's numbers, 12 messages lost"}),
        (
            recording([BID, ASK, event(0.3, K.DELETE, 9990, 5, side=BUY, id=77), event(0.4, K.REDUCE, 10002, 41, side=SELL, id=2)]),
            {"recording_orders": "2 of 4 events name an unknown order, one twice, or more than it has"},
        ),
        (
            recording([BID, event(0.2, K.ADD, 10000, 40, side=SELL, id=2)]),
            {"recording_uncrossed": "1 of 2 messages leave the book crossed"},
        ),
    ],
    ids=["refused rows", "times", "gaps", "orders", "crossed"],
)
def test_a_fault_fails_its_check_alone(stream: Stream, expected: dict[str, str]) -> None:
    assert failed(stream) == expected


def test_an_order_book_file_that_does_not_follow_from_the_messages_is_an_error() -> None:
    told = found(WHOLE, WRONG)
    # The replayed book is brought to the recorded rows, so the steps alone tell that the two files contradict each other.
    assert failed(WHOLE, WRONG) == {"recording_steps": "1 of 2 steps differ from the order book file"}
    assert told["recording_steps"]["severity"] == "error"
    assert told["recording_depth"]["observed"] == "1 levels set by the order book file"


def test_recorded_quotes_that_the_rebuilt_book_does_not_show_are_a_warning() -> None:
    quotes = DepthRows(WRONG.price_tick[2:], WRONG.qty_lot[2:], WRONG.message[2:])  # for the last message alone, as tickers are
    assert failed(WHOLE, quotes) == {"recording_book": "1 of 1 touches of the rebuilt book differ from the recorded ones"}
