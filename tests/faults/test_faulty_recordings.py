"""Recordings with every fault we could think of: each is refused in one sentence, and nothing is written."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Laboratory
from tests.replay.lobster_writer import write_day

CONFIG = """\
name: tiny
horizon: intraday
symbols: [ACME]
start: 2024-03-04
end: 2024-03-04
market: {kind: replay}
providers: [{kind: recording, path: %s}]
strategy: {kind: buy_and_hold}
"""
MESSAGES = "ACME_2024-03-04_34200000_57600000_message_10.csv"
BOOK = MESSAGES.replace("message", "orderbook")


def renamed(path: Path) -> None:
    path.rename(path.with_name("notes.csv"))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def shortened(path: Path) -> None:
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def half_zipped(path: Path) -> None:
    path.with_name("S030424-v50.itch.gz").write_bytes(gzip.compress(path.read_bytes())[:500])


CASES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "no such file": (
        CONFIG % "nowhere.csv",
        lambda _: None,
        r"recording of ACME: .*nowhere\.csv: no such file; relative paths start at the",
    ),
    "a folder": (CONFIG % MESSAGES, made_a_folder, r"recording of ACME: .*message_10\.csv: is a folder; relative paths"),
    "no such further file": (
        CONFIG % f"{MESSAGES}, more_paths: [gone.csv]",
        lambda _: None,
        r"recording of ACME: .*gone\.csv: no such file; relative paths",
    ),
    "no such opening state": (CONFIG % f"{MESSAGES}, initial: gone.csv", lambda _: None, r"recording of ACME: .*gone\.csv: no such file"),
    "a file too many": (
        CONFIG % f"{MESSAGES}, more_paths: [{BOOK}, {BOOK}]",
        lambda _: None,
        r"orderbook_10\.csv is one file too many: a recording in the format lobster has at most 2; leave it out\.",
    ),
    "an opening state of a stream": (
        CONFIG % f"{MESSAGES}, format: stream, initial: {BOOK}",
        lambda _: None,
        r"orderbook_10\.csv cannot be an opening state of ACME_.*: only LOBSTER's recordings have one; leave it out\.",
    ),
    "a file of no known format": (
        CONFIG % "notes.csv",
        renamed,
        r"notes\.csv is no recording that is known here; name its format",
    ),
    "the wrong format": (CONFIG % f"{MESSAGES}, format: stream", lambda _: None, r"message_10\.csv cannot be read as Parquet"),
    "a feed that is another": (CONFIG % f"{MESSAGES}, format: itch", lambda _: None, r"recording of ACME: ACME_2024-03-04_.*\.csv"),
    "another symbol": (
        CONFIG.replace("[ACME]", "[OTHER]") % MESSAGES,
        lambda _: None,
        r"recording of OTHER: .*message_10\.csv records ACME, not OTHER; correct the symbol or the path\.",
    ),
    "messages cut off": (
        CONFIG % MESSAGES,
        cut_off,
        r"message_10\.csv cannot be read as LOBSTER writes it \(.*\); it may be cut off, so down",
    ),
    "a message missing": (CONFIG % MESSAGES, shortened, r"orderbook_10\.csv has [\d,]+ rows, its message file [\d,]+; the two must come"),
    "an empty file": (CONFIG % MESSAGES, emptied, r"recording of ACME: ACME_.*message_10\.csv"),
    "damaged compression": (CONFIG % "S030424-v50.itch.gz", half_zipped, r"recording of ACME: S030424-v50\.itch\.gz"),
    "another day": (
        CONFIG.replace("2024-03-04", "2024-03-05") % MESSAGES,
        lambda _: None,
        r"holds no bar in that time, only from 2024-03-04 to 2024-03-04; move start and end\.",
    ),
    "another exchange's hours": (
        CONFIG.replace("horizon", "calendar: XTKS\nhorizon") % MESSAGES,
        lambda _: None,
        r"none of its 5 bars opens within the sessions of XTKS \(Asia/Tokyo\); check the provider's time zone and the calendar",
    ),
    "lots the recording does not have": (
        CONFIG % MESSAGES + "account: {lot_size: 0.5}\n",
        lambda _: None,
        r"lot_size: 0\.5 is not a whole number of ACME's recorded lots; use a multiple of them\.",
    ),
    "bars of a day": (
        CONFIG.replace("horizon: intraday\n", "").replace("market: {kind: replay}\n", "") % MESSAGES,
        lambda _: None,
        r"ACME: a recording gives bars within the day, not 1d; use horizon: intraday\.",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_faulty_recording_is_refused_in_a_sentence(laboratory: Laboratory, case: tuple[str, Callable[[Path], None], str]) -> None:
    config, spoil, expected = case
    spoil(write_day(laboratory.folder, minutes=5))
    laboratory.run(config).must_say(expected)


def test_rows_that_cannot_be_are_findings_and_the_rest_is_played(laboratory: Laboratory) -> None:
    path = write_day(laboratory.folder, minutes=5)
    lines = path.read_text().splitlines()
    time, kind, number, _, price, direction = lines[50].split(",")
    lines[50] = f"{time},{kind},{number},-5,{price},{direction}"
    path.write_text("\n".join(lines) + "\n")
    refused = laboratory.run(CONFIG % MESSAGES + "validation: {stop_on: warning}\n")
    refused.must_say(r"the run stops at warning: ")
    assert refused.exit_code == 4
