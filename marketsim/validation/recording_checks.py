"""Checks of the recordings that bars were made of: what was refused, what is missing, and how exactly the book rebuilds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from marketsim.recorded import RecordedKind
from marketsim.replay.recording import Opened
from marketsim.replay.verify import Comparison, verify, verify_steps
from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check, Role, Row, Severity
from marketsim.validation.findings import Finding, coverage_findings
from marketsim.validation.suite import failing_rows


def recording_findings(recordings: Mapping[str, Opened], roles: Mapping[str, Role]) -> list[Finding]:
    """Return a finding for each check and recorded symbol."""
    findings = []
    for symbol, opened in recordings.items():
        frame, checks = recording_frame(symbol, opened), recording_checks()
        applicable = [check for check in checks if check.counts is not None and not np.isnan(frame[check.counts[1]].iloc[0])]
        findings += coverage_findings(applicable, failing_rows("recording", applicable, frame), frame, roles)
    return findings


def recording_frame(symbol: str, opened: Opened) -> pd.DataFrame:
    """Return one row with the counts the checks judge; NaN where a recording has nothing to count from.

    The raw messages are compared with the recorded order book step by step; all else is about the stream that a replay plays.
    """
    raw, played = opened.stream, opened.mended()
    report = verify(played, opened.depth, window_levels=opened.window_levels)
    steps = None if opened.depth is None else verify_steps(raw, opened.depth)
    faults = [f"{count:,} {fault.name.lower().replace('_', ' ')}" for fault, (count, _) in raw.faults().items()]
    gaps = raw.events["kind"] == RecordedKind.GAP
    row = {
        "symbol": symbol,
        "n_events": len(played.events),
        "n_messages": raw.n_messages + len(raw.refused),
        "n_refused": len(raw.refused),
        "refused": ", ".join(faults),
        "n_retimed": len(raw.retimed),
        "n_gaps": int(np.count_nonzero(gaps)),
        "n_lost": int(raw.events["qty_lot"][gaps].sum()),
        "n_unclear": sum(report.counts[name] for name in ("unknown", "overdrawn", "duplicate")),
        "n_crossed": report.counts["crossed"],
        "n_settings": len(played.events) - len(raw.events) if opened.depth is not None else np.nan,
        **_compared("steps", steps),
        **_compared("book", report.open_loop),
    }
    return pd.DataFrame([row])


def recording_checks() -> tuple[Check, ...]:
    """Return the checks of a recording; those whose count is NaN do not apply to it."""
    return (
        _none(
            name="recording_rows",
            severity="warning",
            counts=("n_messages", "n_refused"),
            expected="rows as the format allows",
            remedy="see the file; the other rows are played",
            found=lambda row: (
                f"{row['n_refused']:,} of {row['n_messages']:,} rows refused" + (f" ({row['refused']})" if row["refused"] else "")
            ),
        ),
        _none(
            name="recording_times",
            severity="warning",
            counts=("n_messages", "n_retimed"),
            expected="times that never fall",
            remedy="nothing to do, each message kept its place; check how the file was made",
            found=lambda row: f"{row['n_retimed']:,} of {row['n_messages']:,} messages out of order in time",
        ),
        _none(
            name="recording_gaps",
            severity="error",
            counts=("n_messages", "n_gaps"),
            expected="no message missing",
            remedy="record or download again; until then the book is wrong from a gap to the next snapshot",
            found=lambda row: (
                f"{row['n_gaps']:,} gaps in the feed's numbers" + (f", {row['n_lost']:,} messages lost" if row["n_lost"] else "")
            ),
        ),
        _none(
            name="recording_orders",
            severity="warning",
            counts=("n_events", "n_unclear"),
            expected="every event about an order the book holds",
            remedy="fine where the recording is limited in depth; otherwise check that it begins before trading does",
            found=lambda row: f"{row['n_unclear']:,} of {row['n_events']:,} events name an unknown order, one twice, or more than it has",
        ),
        _none(
            name="recording_uncrossed",
            severity="warning",
            counts=("n_messages", "n_crossed"),
            expected="a bid below the ask outside halts",
            remedy="check the file around these messages; own orders could trade at prices that never were",
            found=lambda row: f"{row['n_crossed']:,} of {row['n_messages']:,} messages leave the book crossed",
        ),
        _none(
            name="recording_steps",
            severity="error",
            counts=("n_steps", "n_wrong_steps"),
            expected="each message leading from one row of the order book file to the next",
            remedy="check that both files are from the same download",
            found=lambda row: f"{row['n_wrong_steps']:,.0f} of {row['n_steps']:,.0f} steps differ from the order book file",
        ),
        _none(
            name="recording_book",
            severity="warning",
            counts=("n_book", "n_wrong_book"),
            expected="the recorded bid and ask with their sizes",
            remedy="`marketsim replay` says where and why",
            found=lambda row: (
                f"{row['n_wrong_book']:,.0f} of {row['n_book']:,.0f} touches of the rebuilt book differ from the recorded ones"
            ),
        ),
        Check(
            name="recording_depth",
            columns=(),
            expectations=(),
            severity="info",
            expected="any number, as recordings are limited in depth",
            remedy="nothing to do",
            found=lambda row: f"{row['n_settings']:,.0f} levels set by the order book file",
            counts=("n_events", "n_settings"),
        ),
    )


def _none(*, name: str, severity: Severity, counts: tuple[str, str], expected: str, remedy: str, found: Callable[[Row], str]) -> Check:
    """Return a check that nothing is counted."""
    none = gxe.ExpectColumnValuesToBeBetween(column=counts[1], max_value=0)
    return Check(
        name=name, columns=(), expectations=(none,), severity=severity, expected=expected, remedy=remedy, found=found, counts=counts
    )


def _compared(name: str, found: Comparison | None) -> dict[str, float]:
    if found is None:
        return {f"n_{name}": np.nan, f"n_wrong_{name}": np.nan}
    return {f"n_{name}": found.n_rows, f"n_wrong_{name}": found.n_rows - found.n_exact}
