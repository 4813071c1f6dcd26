"""One check as data: what is expected of which rows, how bad a failure is, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import pandas as pd

from marketsim.validation.expectations import Expectation

Severity = Literal["info", "warning", "error", "critical"]
Role = Literal["traded", "benchmark"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """A named group of expectations that share one finding.

    Attributes
    ----------
    name : name of the check in the findings table.
    columns : columns looked at; empty where it is the whole row.
    expectations : a row fails the check when it fails any of them.
    severity : how bad a failure is for a traded symbol.
    expected : completes both "expected …" and "all bars have …".
    remedy : what to do about a failure, an imperative.
    found : says in words what is wrong with one failing row.
    quarantines : whether a failing bar is taken out of the run.
    benchmark_severity : how bad a failure is for the benchmark, which is never traded; None = as for a traded symbol.
    counts : for a check of whole symbols, the columns that say how much was looked at and how much of it failed; None for a check
        of bars, whose rows are counted.
    """

    name: str
    columns: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    severity: Severity
    expected: str
    remedy: str
    found: Callable[[Row], str]
    quarantines: bool = False
    benchmark_severity: Severity | None = None
    counts: tuple[str, str] | None = None

    def severity_for(self, role: Role) -> Severity:
        """Return how bad a failure is for a symbol in this role."""
        if role == "benchmark" and self.benchmark_severity is not None:
            return self.benchmark_severity
        return self.severity


def records(frame: pd.DataFrame) -> list[Row]:
    """Return a frame's rows as mappings from column to value."""
    return cast(list[Row], frame.to_dict("records"))
