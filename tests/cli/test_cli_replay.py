"""`marketsim replay` and `marketsim book` on small files of every format."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketsim.cli import main
from tests.replay import itch_writer as w

MESSAGES = "34200.0,1,11,30,1000000,1\n34201.0,1,12,20,1005000,-1\n34202.0,4,11,10,1000000,1\n"
ROWS = "9999999999,0,1000000,30\n1005000,20,1000000,30\n1005000,20,1000000,20\n"
NAME = "AAPL_2012-06-21_34200000_57600000_message_1.csv"


@pytest.fixture
def marketsim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).write_text(MESSAGES)
    (tmp_path / NAME.replace("message", "orderbook")).write_text(ROWS)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_a_lobster_day_is_verified_and_written(marketsim: Callable[..., Result], tmp_path: Path) -> None:
    result = marketsim("replay", NAME)  # the order book file beside it is found
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0] == f"AAPL in {NAME}: 3 messages"
    assert "one step     2 of 2 rows exact (100.000 %)" in lines
    assert "open loop    3 of 3 rows exact (100.000 %)" in lines
    written = "AAPL_2012-06-21_34200000_57600000_message_1.events.parquet"
    assert lines[-1] == f"wrote {written}"
    again = json.loads(marketsim("replay", written, "--check-only", "--json").stdout)
    assert again["symbols"][0]["n_messages"] == 3
    assert again["symbols"][0]["counts"]["applied"] == 3
    assert again["written"] == []


def test_the_report_as_one_object(marketsim: Callable[..., Result]) -> None:
    found = json.loads(marketsim("replay", NAME, "--json", "--to", "x.parquet", "--heat-map", "x.png").stdout)
    (report,) = found["symbols"]
    assert (report["symbol"], report["is_exact"], report["one_step"]["n_exact"], report["open_loop"]["n_rows"]) == ("AAPL", True, 2, 3)
    assert found["written"] == ["x.parquet", "x.png"]
    assert Path("x.png").read_bytes()[1:4] == b"PNG"


def test_the_ladder_is_drawn_in_the_markets_own_time(marketsim: Callable[..., Result]) -> None:
    result = marketsim("book", NAME, "--at", "09:30:01")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "AAPL at 2012-06-21 09:30:01 EDT (message 1 at 2012-06-21 09:30:01 EDT)",
        "        price  quantity  orders",
        "  ask  100.50        20       1  ████████████████",
        "  ──── spread 0.50 ────",
        "  bid  100.00        30       1  ████████████████████████",
    ]
    found = json.loads(marketsim("book", NAME, "--at", "2012-06-21T09:30:02", "--json").stdout)
    assert found["bids"] == [{"price": 100.0, "qty": 20.0, "n_orders": 1}]


def test_itch_asks_for_the_symbol(marketsim: Callable[..., Result], tmp_path: Path) -> None:
    data = w.framed([w.directory(1, 3, "AAPL"), w.add(2, 3, "AAPL", 1, "B", 10, 1_000_000)])
    (tmp_path / "01302019.NASDAQ_ITCH50").write_bytes(data)
    without = marketsim("replay", "01302019.NASDAQ_ITCH50", "--check-only")
    assert (without.exit_code, "say which one is wanted" in without.stderr) == (3, True)
    assert "1 applied" in marketsim("replay", "01302019.NASDAQ_ITCH50", "--symbol", "AAPL", "--check-only").stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (("replay", "notes.txt"), 3, "notes.txt is no recording that is known here; name its format"),
        (("replay", "absent.csv"), 2, "does not exist"),
        (("replay", NAME, "--heat-map", "x.gif"), 2, "end its name with .png or .html"),
        (("replay", NAME, "--to", "x.parquet", "--check-only"), 2, "not both"),
        (("book", NAME, "--at", "noon"), 3, "'noon' is no time"),
        (("book", NAME, "--at", "09:00:00"), 3, "knows no book at 2012-06-21 13:00:00 UTC"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    marketsim: Callable[..., Result], arguments: tuple[str, ...], exit_code: int, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("nothing recorded here\n")
    result = marketsim(*arguments)
    assert result.exit_code == exit_code
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
