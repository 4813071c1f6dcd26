"""The page that sets models beside what was published of them."""

from __future__ import annotations

from pathlib import Path

from tests.published.page import EXPERIMENTS, rendered
from tests.published.section import Section


def test_the_page_shows_every_number_and_asks_no_other_host():
    chart = {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x", "type": "quantitative"}}}
    section = Section(
        "P & L", "ours < theirs", ("what", "ours", "published"), [("spread", 1.4949, 1.49), ("trades", 18_581, 18_000)], chart
    )
    page = rendered({"A paper": [section]}, full=False)
    for text in ("A paper", "P &amp; L", "ours &lt; theirs", "1.495", "1.49", "18,581", "18,000", "<svg"):
        assert text in page
    assert "src=" not in page
    assert 'href="http' not in page


def test_every_experiment_is_on_the_page():
    here = Path(__file__).parent.parent / "published"
    with_a_report = {path.stem for path in here.glob("*.py") if "def report(" in path.read_text()}
    assert with_a_report == set(EXPERIMENTS)
