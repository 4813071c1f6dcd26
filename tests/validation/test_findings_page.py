"""The page stands alone, tells everything that failed, and cannot be broken by what is in the data."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from marketsim.report.findings_page import MAX_SYMBOLS, findings_page
from marketsim.validate import validate
from tests.validation.clean_bars import LOOSE, N_DAYS, daily_bars, plant, run_spec


class Tags(HTMLParser):
    """Collects tags, the text outside them, and whether each is closed in turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def faulty_page() -> tuple[str, list[dict[str, object]]]:
    bars = plant(plant(daily_bars(), 40, close_price=None, source="<script>alert(1)</script>"), 60, split_ratio=2.0)
    bars = plant(bars, 50, symbol="<b>&", open_utc=-(2**63))
    found = validate(bars, run_spec())
    return findings_page(found, run_spec(), "A & B <nightly>"), found.failed


def test_page_is_one_file_without_script_or_address(faulty_page: tuple[str, list[dict[str, object]]]):
    tags = Tags(faulty_page[0])
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert not re.search(r"https?://|@import|url\(", faulty_page[0])
    assert tags.open == []


def test_page_tells_every_failure_and_the_verdict(faulty_page: tuple[str, list[dict[str, object]]]):
    page, failed = faulty_page
    text = Tags(page).text
    assert len(failed) >= 4
    for finding in failed:
        assert str(finding["message"]) in text
    assert "the run stops" in text


def test_page_shows_hostile_data_as_text(faulty_page: tuple[str, list[dict[str, object]]]):
    page, _ = faulty_page
    assert "<script" not in page
    assert "<b>" not in page
    text = Tags(page).text
    assert "<script>alert(1)</script>" in text
    assert "A & B <nightly>" in text


def test_page_of_clean_bars_says_so_and_has_no_quarantine():
    found = validate(daily_bars(), run_spec())
    page = findings_page(found, run_spec(), "clean")
    assert "Nothing: every check passed." in page
    assert 'id="quarantine"' not in page
    assert page.count('class="passed"') == found.findings.num_rows
    assert page == findings_page(found, run_spec(), "clean")


def test_a_symbol_without_bars_is_not_shown_as_passed():
    page = findings_page(validate(daily_bars(("AAA", "^IDX")), run_spec()), run_spec(), "missing")
    assert '<td class="critical" title="BBB: 0 bars received' in page
    assert '<td class="none" title="BBB: no bars were left to check."' in page


def test_with_many_symbols_the_worst_are_shown():
    names = tuple(f"S{place:02}" for place in range(2 * MAX_SYMBOLS))
    bars = pa.concat_tables([daily_bars((name,)).slice(0, N_DAYS).cast(LOOSE) for name in names])
    bars = plant(bars, 45 * N_DAYS, volume_shares=-1.0)
    spec = run_spec(symbols=list(names), benchmark=None)
    page = findings_page(validate(bars, spec), spec, "many")
    headings = re.findall(r'<th scope="col">(S\d\d)</th>', page)
    assert headings[0] == "S45"
    assert len(headings) == MAX_SYMBOLS - 1  # the first column is for all symbols together
    assert "25 more symbols" in page
