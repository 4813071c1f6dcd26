"""From the rows that failed to findings: one row a check and symbol, each with a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from marketsim.validation.check import Check, Role, Row, records
from marketsim.validation.suite import Rows
from marketsim.validation.tables import FINDINGS

EXAMPLES = 3  # failing rows told in a message; all of them stand in the quarantine or can be queried

Finding = dict[str, Any]


class Subject(NamedTuple):
    """What a finding is about: a symbol and its role, or all of them together."""

    symbol: str
    role: Role


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """Return the findings as an Arrow table, sorted by check and symbol."""
    ordered = sorted(findings, key=lambda finding: (finding["check_name"], finding["symbol"]))
    return pa.Table.from_pylist(ordered, schema=FINDINGS)


def whole_table_finding(check: Check, failing: Rows, frame: pd.DataFrame, things: str) -> Finding:
    """Return the one finding of a check that looks at all symbols together; ``things`` is what a row is, in the plural."""
    told = _tell(check, frame, failing[:EXAMPLES])
    return _row_finding(check, Subject("*", "traded"), (len(frame), len(failing)), list(told.values()), things)


def bar_findings(checks: Sequence[Check], failing: Mapping[str, Rows], frame: pd.DataFrame, roles: Mapping[str, Role]) -> list[Finding]:
    """Return a finding for each check and symbol.

    Parameters
    ----------
    checks : checks of bars.
    failing : by check, the labels of the rows that failed.
    frame : rows that were checked, sorted by ``code``, the place of the symbol among the sorted symbols.
    roles : role of each symbol.
    """
    subjects = [Subject(symbol, roles[symbol]) for symbol in sorted(roles)]
    n_checked = np.bincount(frame["code"], minlength=len(subjects)).tolist()
    findings = []
    for check in checks:
        codes = frame["code"].loc[list(failing[check.name])]
        by_symbol = np.split(failing[check.name], np.searchsorted(codes, np.arange(1, len(subjects))))
        told = _tell(check, frame, np.concatenate([rows[:EXAMPLES] for rows in by_symbol]))
        for subject, n, rows in zip(subjects, n_checked, by_symbol, strict=True):
            findings.append(_row_finding(check, subject, (n, len(rows)), [told[row] for row in rows[:EXAMPLES].tolist()], "bars"))
    return findings


def coverage_findings(
    checks: Sequence[Check], failing: Mapping[str, Rows], frame: pd.DataFrame, roles: Mapping[str, Role]
) -> list[Finding]:
    """Return a finding for each check of whole symbols and symbol; ``frame`` has one row a symbol."""
    return [
        _coverage_finding(check, Subject(row["symbol"], roles[row["symbol"]]), row, success=label not in failing[check.name])
        for label, row in enumerate(records(frame))
        for check in checks
    ]


def _tell(check: Check, frame: pd.DataFrame, labels: Rows) -> dict[int, str]:
    """Return what was found in each of the labelled rows, in words."""
    rows = records(frame.loc[list(labels)]) if len(labels) else []
    return dict(zip(labels.tolist(), map(check.found, rows), strict=True))


def _row_finding(check: Check, subject: Subject, counts: tuple[int, int], found: Sequence[str], things: str) -> Finding:
    (n_checked, n_failed), symbol = counts, subject.symbol
    if not n_checked:
        message = f"{symbol}: no {things} were left to check."
    elif not n_failed:
        message = f"{symbol}: all {n_checked:,} {things} have {check.expected}."
    else:
        rest = f"; and {n_failed - len(found):,} more" if n_failed > len(found) else ""
        message = (
            f"{symbol}: {n_failed:,} of {n_checked:,} {things} failed: {'; '.join(found)}{rest}; expected {check.expected}; {check.remedy}."
        )
    observed = found[0] if found else f"0 of {n_checked:,}"
    return _finding(check, subject, counts, success=n_failed == 0, observed=observed, message=message)


def _coverage_finding(check: Check, subject: Subject, row: Row, *, success: bool) -> Finding:
    assert check.counts is not None
    n_checked, n_unexpected = (row[column] for column in check.counts)
    symbol = subject.symbol
    if np.isnan(n_unexpected):
        message = f"{symbol}: no usable bars to judge."
        return _finding(check, subject, (0, 0), success=success, observed="no usable bars", message=message)
    found = check.found(row)
    if not success:
        message = f"{symbol}: {found}; expected {check.expected}; {check.remedy}."
    elif n_unexpected:
        message = f"{symbol}: {found}; expected {check.expected}."
    else:
        message = f"{symbol}: {found}, as expected."
    return _finding(check, subject, (int(n_checked), int(n_unexpected)), success=success, observed=found, message=message)


def _finding(check: Check, subject: Subject, counts: tuple[int, int], *, success: bool, observed: str, message: str) -> Finding:
    n_checked, n_unexpected = counts
    return {
        "check_name": check.name,
        "symbol": subject.symbol,
        "column_name": ", ".join(check.columns),
        "severity": check.severity_for(subject.role),
        "success": success,
        "n_checked": n_checked,
        "n_unexpected": n_unexpected,
        "unexpected_pct": 100.0 * n_unexpected / n_checked if n_checked else 0.0,
        "observed": observed,
        "message": message,
    }
