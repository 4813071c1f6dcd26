"""What a person sees: progress that is not a flood, and a summary that fits a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tasks.console import paced, show
from tasks.references import Outcome


def test_counting_is_paced_and_its_last_word_is_kept() -> None:
    said: list[str] = []
    ticks = iter(n * 0.3 for n in range(100))
    hear = paced(said.append, clock=lambda: next(ticks))
    for n in range(1, 9):
        hear(f"strategy: {n * 100:,} of 800 bars")
    hear("done")
    assert said[0] == "strategy: 100 of 800 bars"
    assert said[-2:] == ["strategy: 800 of 800 bars", "done"]
    assert len(said) < 6


def test_sentences_of_different_kinds_are_all_said() -> None:
    said: list[str] = []
    hear = paced(said.append, clock=lambda: 0.0)
    for sentence in ("AAPL: 10 bars", "IBM: 10 bars", "checking 20 bars"):
        hear(sentence)
    assert said == ["AAPL: 10 bars", "IBM: 10 bars", "checking 20 bars"]


@pytest.mark.parametrize(("status", "words"), [("success", "Report"), ("failed", "failed its health gates: cash is missing")])
def test_the_summary_fits_eighty_characters(status: str, words: str) -> None:
    traders = ("strategy", "trend_follower", "dip_buyer", "retail_momentum", "conviction_fund", "benchmark")
    outcome = Outcome.model_validate(
        {
            "run_id": "abc123",
            "name": "nightly",
            "status": status,
            "reason": "" if status == "success" else "cash is missing.",
            "digest": "",
            "is_new": False,
            "counts": {},
            "timings_s": {},
            "folder": Path("runs/abc123"),
            "report": Path("runs/abc123/report.html"),
            "metrics": Path("runs/abc123/metrics.json"),
            "summary": (("", *traders), ("Final equity", *["3,262,655"] * 6)),
        }
    )
    text = io.StringIO()
    show(outcome, Console(file=text, width=80))
    lines = text.getvalue().splitlines()
    assert words in text.getvalue()
    assert "already published; nothing new" in text.getvalue()
    assert not any("…" in line for line in lines)
    assert "metrics WHERE run_id = 'abc123'" in text.getvalue()


def test_a_market_of_many_groups_fits_eighty_characters_by_folding_its_labels() -> None:
    groups = ("ES", "fundamental_buyers", "makers", "noise", "seller", "trend")
    figures = ("Autocorrelation of absolute returns", "622,996,497", "129,989", "41,642", "−43,487", "−124,719", "−3,425")
    outcome = Outcome.model_validate(
        {
            "run_id": "abc123",
            "name": "flash_crash",
            "status": "success",
            "reason": "",
            "digest": "",
            "is_new": True,
            "counts": {},
            "timings_s": {},
            "folder": Path("runs/abc123"),
            "report": Path("runs/abc123/report.html"),
            "metrics": Path("runs/abc123/metrics.json"),
            "summary": (("", *groups), figures),
        }
    )
    text = io.StringIO()
    show(outcome, Console(file=text, width=80))
    table = text.getvalue().partition("Report")[0]
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80
    assert all(figure in table for figure in figures[1:])
