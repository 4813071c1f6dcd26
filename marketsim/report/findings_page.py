"""The HTML page of a validation: what was checked, what failed, and which bars were set aside. One file, no script, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.validate import SEVERITIES, Validation

MAX_SYMBOLS = 24  # columns of the matrix; the worst symbols come first when there are more
MAX_FAILED = 200  # failed checks told in full
MAX_BARS = 50  # quarantined bars shown

Finding = dict[str, object]


@dataclass(frozen=True, slots=True)
class Cell:
    """One check of one symbol; ``state`` is passed, none (not checked), or the severity of the failure."""

    state: str
    text: str
    message: str


def findings_page(validation: Validation, spec: RunSpec, title: str) -> str:
    """Render the page; the same validation gives the same text.

    Parameters
    ----------
    validation : result of `marketsim.validate.validate`.
    spec : the run that was validated for.
    title : heading of the page, such as the run's name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    findings = validation.findings.to_pylist()
    failed = validation.failed
    symbols = _columns(findings, failed)
    shown = symbols[:MAX_SYMBOLS]
    reasons = Counter(validation.quarantine.column("check_name").to_pylist())
    # Autoescape keeps a hostile symbol, source or reason text.
    environment = Environment(
        loader=PackageLoader("marketsim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("findings.html.j2").render(
        title=title,
        spec=spec,
        validation=validation,
        n_usable=validation.clean.num_rows,
        n_quarantined=validation.n_received - validation.clean.num_rows,
        severities=tuple(reversed(SEVERITIES)),
        n_failed=Counter(str(finding["severity"]) for finding in failed),
        failed=failed[:MAX_FAILED],
        n_untold=max(0, len(failed) - MAX_FAILED),
        symbols=shown,
        n_unseen=len(symbols) - len(shown),
        matrix=_matrix(findings, shown),
        reasons=sorted(reasons.items()),
        bars=_first_bars(validation.quarantine),
        limits={name: (field.description, getattr(spec.validation, name)) for name, field in type(spec.validation).model_fields.items()},
    )


def _first_bars(quarantine: pa.Table) -> list[dict[str, object]]:
    """Return the first reasons with the time as text: Arrow can write every time it can hold, Python cannot."""
    first = quarantine.slice(0, MAX_BARS)
    opened = [text[:16] if text else "" for text in first.column("open_utc").cast(pa.string()).to_pylist()]
    return [{**row, "open_utc": text} for row, text in zip(first.drop_columns(["open_utc"]).to_pylist(), opened, strict=True)]


def _columns(findings: list[Finding], failed: list[Finding]) -> list[str]:
    """Return "*" and the symbols in order of name; when they are too many, those with the worst failures first."""
    symbols = sorted({str(finding["symbol"]) for finding in findings})
    if len(symbols) <= MAX_SYMBOLS:
        return symbols
    return list(dict.fromkeys(["*", *(str(finding["symbol"]) for finding in failed), *symbols]))


def _matrix(findings: list[Finding], symbols: list[str]) -> list[tuple[str, list[Cell]]]:
    """Return each check with a cell a symbol."""
    by_place = {(finding["check_name"], finding["symbol"]): finding for finding in findings}
    checks = sorted({str(finding["check_name"]) for finding in findings})
    return [(check, [_cell(by_place.get((check, symbol))) for symbol in symbols]) for check in checks]


def _cell(finding: Finding | None) -> Cell:
    if finding is None:
        return Cell("none", "", "")
    message = str(finding["message"])
    if finding["success"]:
        return Cell("passed", "✓", message) if finding["n_checked"] else Cell("none", "–", message)
    n_unexpected = finding["n_unexpected"]
    return Cell(str(finding["severity"]), f"{n_unexpected:,}" if n_unexpected else "!", message)
